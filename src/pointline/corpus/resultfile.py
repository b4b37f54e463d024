"""Parquet files of results, a row for each text: what was found in it, or why there is nothing.

The columns are told in docs/batch.md. What a file holds in numbers stands in its footer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from pointline.corpus.parquet import arrow
from pointline.corpus.recordfile import atomic
from pointline.errors import InputError
from pointline.format.record import Prediction

__all__ = ["COLUMNS", "Tally", "error_values", "read_tally", "values", "write"]

#: What a result holds, and the type of each in a Parquet file.
COLUMNS = {
    "id": "string",
    "task": "string",
    "text": "string",
    "label": "string",
    "label_score": "double",
    "pairs": "list<struct<label: string, entity: string, start: int64, end: int64,"
    " ambiguous: bool, score: double>>",
    "facts": "list<struct<fields: list<string>, score: double>>",
    "completion": "string",
    "repairs": "list<string>",
    "ok": "bool",
    "fault": "string",
    "error": "string",
    "text_tokens": "int64",
    "completion_tokens": "int64",
    "source": "string",
    "row": "int64",
}
_GROUP = 1024  # rows that are held in memory when a file is written
_KEY = b"pointline"


@dataclass(slots=True)
class Tally:
    """What is in results, in numbers; `faults` counts rows by their fault.

    `errors` are the rows without a result; a row with one may have a fault as well, where a chat
    model's answer says nothing. Seconds are those of the worker, and of its processors.
    """

    rows: int = 0
    errors: int = 0
    items: int = 0
    text_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    processor_seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count one result."""
        self.rows += 1
        self.errors += row["error"] is not None
        self.items += len(row["pairs"]) + len(row["facts"])
        self.text_tokens += row["text_tokens"] or 0
        self.completion_tokens += row["completion_tokens"] or 0
        if row["fault"] is not None:
            self.faults[row["fault"]] += 1

    def __iadd__(self, other: Tally) -> Tally:
        """Count what another counted."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        seconds = {name: round(told[name], 3) for name in ("seconds", "processor_seconds")}
        return told | seconds | {"faults": dict(self.faults)}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Tally:
        """Return what `to_dict` gave."""
        return cls(**(dict(told) | {"faults": Counter(told["faults"])}))


def values(found: Prediction, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a text as plain values; `row` has what they say of the input's row.

    >>> from pointline.format.record import Pair
    >>> found = Prediction("1", "scnm-en", "Ada", "x", (Pair("p", "Ada", 0, 3),),
    ...                    scores={"label": 0.5, "items": [0.25]})
    >>> values(found, {"id": "1"})["pairs"][0]["score"]
    0.25
    """
    scores = list(found.scores.get("items", ())) or [None] * len(found.items)
    of_pairs, of_facts = scores[: len(found.pairs)], scores[len(found.pairs) :]
    pairs = [
        {"label": pair.label, "entity": pair.entity, "start": pair.start, "end": pair.end,
         "ambiguous": pair.ambiguous, "score": score}
        for pair, score in zip(found.pairs, of_pairs, strict=True)
    ]  # fmt: skip
    facts = [
        {"fields": list(fact.fields), "score": score}
        for fact, score in zip(found.facts, of_facts, strict=True)
    ]
    return {**_EMPTY, **row} | {
        "task": found.task,
        "label": found.label,
        "label_score": found.scores.get("label"),
        "pairs": pairs,
        "facts": facts,
        "completion": found.completion,
        "repairs": list(found.repairs),
        "ok": found.ok,
        "fault": found.meta.get("fault"),
    }  # fmt: skip


def error_values(fault: str, error: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in the place of a result where there is none."""
    return {**_EMPTY, **row} | {"fault": fault, "error": error}


_EMPTY: dict[str, Any] = dict.fromkeys(COLUMNS) | {
    "pairs": [], "facts": [], "repairs": [], "ok": False,
}  # fmt: skip


def write(
    path: Path,
    rows: Iterable[Mapping[str, Any]],
    *,
    text: bool = True,
    begun: Tally | None = None,
) -> Tally:
    """Write results and return them in numbers; the file appears when all is written.

    `text=False` leaves the column of texts out. What they took is counted from `begun`.

    Raises MissingExtra without pyarrow.
    """
    pa, pq = arrow()
    schema = _schema(pa, text=text)
    tally = begun or Tally()
    left = iter(rows)
    with (
        atomic(path) as out,
        pq.ParquetWriter(out, schema, compression="zstd") as writer,
    ):
        while group := list(islice(left, _GROUP)):
            for row in group:
                tally.add(row)
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
        writer.add_key_value_metadata({_KEY: orjson.dumps(tally.to_dict())})
    return tally


def read_tally(path: Path) -> Tally:
    """Return what a file of results holds in numbers.

    Raises InputError where it is no such file.
    """
    pa, pq = arrow()
    try:
        held = pq.read_metadata(path).metadata or {}
        return Tally.from_dict(orjson.loads(held[_KEY]))
    except (pa.ArrowException, OSError, KeyError, ValueError, TypeError):
        told = f"{path}: no results of pointline batch: remove the file, and run again"
        raise InputError(told) from None


def _schema(pa: Any, *, text: bool) -> Any:
    return pa.schema(
        [(name, _type(kind, pa)) for name, kind in COLUMNS.items() if text or name != "text"]
    )


def _type(kind: str, pa: Any) -> Any:
    """Return pyarrow's type for one that is written as pyarrow prints it."""
    if kind.startswith("list<"):
        return pa.list_(_type(kind[5:-1], pa))
    if kind.startswith("struct<"):
        return pa.struct([(name, _type(held, pa)) for name, held in _fields(kind[7:-1])])
    return {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(),
            "bool": pa.bool_()}[kind]  # fmt: skip


def _fields(inner: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a struct, whose own types hold no comma."""
    for part in inner.split(", "):
        name, _, kind = part.partition(": ")
        yield name, kind
