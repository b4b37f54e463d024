"""One record file: a record as one JSON object, and reading that says where a fault is.

A JSONL file is UTF-8, one object a line. A byte-order mark at its start, CRLF line ends and blank
lines are read over; everything else that is no record is a RecordError with file and line.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson

from pointline.corpus import parquet
from pointline.corpus.folder import lives
from pointline.errors import RecordError
from pointline.format.record import Fact, Pair, Prediction, Record

__all__ = [
    "atomic",
    "dump",
    "from_json",
    "parse_line",
    "pick",
    "scan",
    "to_json",
    "why_not_json",
    "write",
]

_FIELDS = frozenset({"id", "task", "text", "label", "pairs", "facts", "meta"})
_PREDICTED = frozenset({"scores", "completion", "repairs", "ok"})
_KNOWN = _FIELDS | _PREDICTED
_OBJECT = (dict, Mapping)  # most are dicts, and asking for that first is fast
_PAIR = frozenset({"label", "entity", "start", "end", "ambiguous"})


# ---------------------------------------------------------------- a record as plain values


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as plain values, the object that a line holds.

    >>> to_json(Record("1", "scnm-ja", "京都の秋", "社会", (Pair("地名", "京都", 0, 2),)))["pairs"]
    [{'label': '地名', 'entity': '京都', 'start': 0, 'end': 2}]
    """
    for number in _not_finite((record.meta, getattr(record, "scores", None))):
        raise RecordError(f"record {record.id!r} cannot be written as JSON: it holds {number}")
    values: dict[str, Any] = {
        "id": record.id,
        "task": record.task,
        "text": record.text,
        "label": record.label,
        "pairs": [_pair_values(pair) for pair in record.pairs],
        "facts": [{"fields": list(fact.fields)} for fact in record.facts],
        "meta": dict(record.meta),
    }
    if isinstance(record, Prediction):
        values["scores"] = dict(record.scores)
        values["completion"] = record.completion
        values["repairs"] = list(record.repairs)
        values["ok"] = record.ok
    return values


def _not_finite(value: object) -> Iterator[float]:
    """Yield the numbers that JSON has no word for; orjson would write null."""
    left = [value]
    while left:  # no recursion: what JSON nests too deeply is for its writer to refuse
        value = left.pop()
        if value is None or isinstance(value, str):  # what metadata mostly is
            continue
        if isinstance(value, float) and not math.isfinite(value):
            yield value
        elif isinstance(value, (*_OBJECT, list, tuple)):
            left.extend(value.values() if isinstance(value, Mapping) else value)


def _pair_values(pair: Pair) -> dict[str, Any]:
    values = {"label": pair.label, "entity": pair.entity, "start": pair.start, "end": pair.end}
    return values | {"ambiguous": True} if pair.ambiguous else values


def from_json(values: object) -> Record:
    """Return the record that plain values hold: a Prediction where they tell of a prediction.

    Unknown keys are kept in `meta`. Raises RecordError for anything that is no record.

    >>> from_json({"id": "1", "text": "猫がいる。", "source": "diary"}).meta
    {'source': 'diary'}
    """
    if not isinstance(values, _OBJECT):
        raise RecordError(f"a record is an object, got {_kind(values)}")
    missing = [name for name in ("id", "text") if values.get(name) is None]
    if missing:
        raise RecordError(f"the record has no {missing[0]!r}")
    record = Record(
        id=values["id"],
        task=_or(values, "task", ""),
        text=values["text"],
        label=_or(values, "label", ""),
        pairs=tuple([_pair(at, pair) for at, pair in enumerate(_list(values, "pairs"))]),
        facts=tuple([_fact(at, fact) for at, fact in enumerate(_list(values, "facts"))]),
        meta=_meta(values),
    )
    return _predicted(record, values) if _PREDICTED & values.keys() else record


def _predicted(record: Record, values: Mapping[str, Any]) -> Prediction:
    completion = values.get("completion")
    repairs = tuple(_list(values, "repairs"))
    ok = _or(values, "ok", True)
    scores = _or(values, "scores", {})
    if not isinstance(completion, str | None):
        raise RecordError(f"'completion' is a string or null, got {_kind(completion)}")
    if not all(isinstance(repair, str) for repair in repairs):
        raise RecordError("'repairs' is a list of strings")
    if not isinstance(ok, bool):
        raise RecordError(f"'ok' is true or false, got {_kind(ok)}")
    if not isinstance(scores, Mapping):
        raise RecordError(f"'scores' is an object, got {_kind(scores)}")
    shared = {name: getattr(record, name) for name in _FIELDS}
    return Prediction(**shared, scores=scores, completion=completion, repairs=repairs, ok=ok)


def _pair(at: int, values: object) -> Pair:
    if not isinstance(values, _OBJECT):
        raise RecordError(f"pair {at} is an object with 'label' and 'entity', got {_kind(values)}")
    if not values.keys() <= _PAIR:
        unknown = min(values.keys() - _PAIR)
        raise RecordError(f"pair {at} has the unknown key {unknown!r}: move it to 'meta'")
    told = values.get
    ambiguous = told("ambiguous")
    if ambiguous is None:
        ambiguous = False
    elif not isinstance(ambiguous, bool):
        raise RecordError(f"pair {at}: 'ambiguous' is true or false, got {_kind(ambiguous)}")
    try:
        return Pair(told("label"), told("entity"), told("start"), told("end"), ambiguous)  # type: ignore[arg-type]
    except RecordError as error:
        raise type(error)(f"pair {at}: {error.reason}") from None


def _fact(at: int, values: object) -> Fact:
    fields = values.get("fields") if isinstance(values, _OBJECT) else None
    if not isinstance(values, _OBJECT) or not isinstance(fields, list):
        raise RecordError(f"fact {at} is an object whose 'fields' is a list of strings")
    if len(values) > 1:
        unknown = min(values.keys() - {"fields"})
        raise RecordError(f"fact {at} has the unknown key {unknown!r}: move it to 'meta'")
    try:
        return Fact(tuple(fields))
    except RecordError as error:
        raise RecordError(f"fact {at}: {error.reason}") from None


def _meta(values: Mapping[str, Any]) -> dict[str, Any]:
    meta = _or(values, "meta", {})
    if not isinstance(meta, _OBJECT):
        raise RecordError(f"'meta' is an object, got {_kind(meta)}")
    if values.keys() <= _KNOWN:
        return dict(meta)
    unknown = {key: value for key, value in values.items() if key not in _KNOWN}
    twice = sorted(unknown.keys() & meta.keys())
    if twice:
        raise RecordError(f"the key {twice[0]!r} stands in the record and in its 'meta'")
    return {**meta, **unknown}


def _list(values: Mapping[str, Any], name: str) -> list[Any]:
    found = _or(values, name, [])
    if not isinstance(found, list):
        raise RecordError(f"{name!r} is a list, got {_kind(found)}")
    return found


def _or(values: Mapping[str, Any], name: str, default: Any) -> Any:
    found = values.get(name)
    return default if found is None else found


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a truth value"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, int | float) else repr(value))


# ---------------------------------------------------------------- lines


def dump(record: Record) -> bytes:
    """Return the record as one line, with its line break.

    Raises RecordError where `meta` or `scores` hold what JSON cannot carry.
    """
    try:
        return orjson.dumps(to_json(record), option=parquet.STRICT | orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise RecordError(f"record {record.id!r} cannot be written as JSON: {error}") from None


def parse_line(line: bytes) -> Record:
    """Return the record that one line holds.

    Raises RecordError, without a place, for a line that holds none.
    """
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise RecordError(why_not_json(line, error)) from None
    return from_json(values)


def why_not_json(line: bytes, error: orjson.JSONDecodeError) -> str:
    """Say in words what is wrong with a line that is no JSON."""
    if b"\0" in line:
        return "a NUL byte: the file is UTF-16, or was cut off by a crash"
    try:
        line.decode()
    except UnicodeDecodeError as fault:
        byte = f"byte {fault.start} (0x{line[fault.start]:02x}) is not UTF-8"
        return f"{byte}: save the file as UTF-8"
    if line.startswith(b"\xef\xbb\xbf"):
        return "a byte-order mark within the file: remove it"
    return f"not one JSON object a line: {error}"


def scan(path: str | Path) -> Iterator[tuple[int, Record | RecordError]]:
    """Yield every line (or Parquet row) that is not blank: its number, and its record or fault.

    Raises RecordError where the file itself cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        raise RecordError("this is a folder: name one of its files", path=path)
    if not path.exists():
        raise RecordError("there is no such file", path=path)
    return _scan_parquet(path) if path.suffix == ".parquet" else _scan_lines(path)


def pick(path: Path, lines: Sequence[int]) -> Iterator[tuple[int, Record]]:
    """Yield the records that stand on the given lines (or rows), in the order of the file.

    Nothing else is parsed. Raises RecordError where one of them is no record.
    """
    wanted = set(lines)
    if path.suffix == ".parquet":
        for number, row in enumerate(parquet.rows(path), start=1):
            if number in wanted:
                yield number, from_json(row)
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if number in wanted:
                yield number, parse_line(line.removeprefix(b"\xef\xbb\xbf"))


def _scan_lines(path: Path) -> Iterator[tuple[int, Record | RecordError]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if line.strip():
                yield number, _caught(parse_line, line, path, number)


def _scan_parquet(path: Path) -> Iterator[tuple[int, Record | RecordError]]:
    for number, row in enumerate(parquet.rows(path), start=1):
        yield number, _caught(from_json, row, path, number)


def _caught(
    parse: Callable[[Any], Record], raw: object, path: Path, at: int
) -> Record | RecordError:
    try:
        return parse(raw)
    except RecordError as error:
        return type(error)(error.reason, path=path, line=at)


# ---------------------------------------------------------------- files


def write(path: Path, records: Iterable[Record]) -> int:
    """Write records to `path` (Parquet by its suffix, else JSONL) and return how many."""
    unique = _refuse_twins(records)
    with atomic(path) as out:
        if path.suffix == ".parquet":
            return parquet.write(out, (to_json(record) for record in unique))
        count = 0
        for count, record in enumerate(unique, start=1):  # noqa: B007
            out.write(dump(record))
        return count


def _refuse_twins(records: Iterable[Record]) -> Iterator[Record]:
    seen: set[str] = set()
    for record in records:
        if record.id in seen:
            raise RecordError(f"two records have the id {record.id!r}: give another to one")
        seen.add(record.id)
        yield record


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """Give a file that becomes `path` when all is written, and vanishes where something fails.

    What processes that died while they wrote `path` have left is cleared up.

    Raises RecordError where no file can be written there.
    """
    if path.is_dir():
        raise RecordError("this is a folder: name a file to write", path=path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    opened = _opened(part, path)
    try:
        with opened as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _opened(part: Path, path: Path) -> IO[bytes]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_up(path)
        return part.open("wb")
    except OSError as error:
        reason = f"cannot be written ({error.strerror}): name another place"
        raise RecordError(reason, path=path) from None


def _clear_up(path: Path) -> None:
    ours = re.compile(rf"\.{re.escape(path.name)}\.([0-9]+)\.part")
    for part in path.parent.glob(".*.part"):
        found = ours.fullmatch(part.name)
        if found and not lives(int(found[1])):
            part.unlink(missing_ok=True)
