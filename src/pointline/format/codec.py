r"""The mix format: a record as one completion line, and a completion line as a reading.

    LABEL/TASKWORD/:label;entity:label;entity          pairs
    LABEL/TASKWORD/:head;relation;tail                 facts, three or more fields each
    LABEL/TASKWORD/                                    no items

What `write` writes, strict `read` reads back: the same label, items and, given the text, places; a
pair without a place gets one if the text holds its entity (docs/format.md has the grammar and the
escape). Strict reading takes the three dialects that published data shows, lenient reading repairs
and counts, and paper mode is Algorithm 1 (Appendix G) of the MMM paper to the letter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pointline.errors import FormatError, InputError, RecordError
from pointline.format import header, lenient
from pointline.format.escape import Field, escape, is_plain, split, unescape
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, Task
from pointline.format.tasks import task as registered
from pointline.format.text import occurrences, place

__all__ = ["Reading", "needs_escape", "read", "read_blocks", "write", "write_blocks"]

WriteMode = Literal["pointline", "paper"]
ReadMode = Literal["strict", "lenient", "paper"]
_Items = list[tuple[Field, ...]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a completion.

    `items` are the raw tuples of strings in the order read; `pairs` and `facts` the same as
    values, pairs with their places where the text was given. `repairs` names every correction of
    lenient reading (`lenient.REPAIRS`), `ok` is False where nothing could be read.
    """

    label: str = ""
    pairs: tuple[Pair, ...] = ()
    facts: tuple[Fact, ...] = ()
    items: tuple[tuple[str, ...], ...] = ()
    repairs: tuple[str, ...] = ()
    ok: bool = True


def write(
    record: Record,
    task: Task | str | None = None,
    mode: WriteMode = "pointline",
    *,
    places: bool = True,
) -> str:
    r"""Return the completion line of a record.

    `mode="paper"` is the papers' plain form, facts closed by ":", nothing escaped: what it writes
    may not be read back (`needs_escape` tells). `places=False` leaves out the `\@k` marks that
    say which of several occurrences is meant.

    Raises RecordError for items of the shape that the task does not take, TaskError where `task`
    is None and the record's task is not in the table.

    >>> print(write(Record("1", "scnm-en", "At 10:30.", "Nature", (Pair("events", "10:30"),))))
    Nature/NER/:events;10\:30
    """
    task = _task(task, record)
    _check_shape(record, task)
    if mode == "paper":
        body = "".join(":" + ";".join(item) for item in record.items)
        closing = ":" if record.facts else ""
        return f"{record.label}/{task.word}/{body}{closing}"
    if mode != "pointline":
        raise InputError(f"mode is 'pointline' or 'paper', got {mode!r}")
    marks = _marks(record) if places else [""] * len(record.pairs)
    items = [
        f":{escape(pair.label)};{escape(pair.entity)}{mark}"
        for pair, mark in zip(record.pairs, marks, strict=True)
    ]
    items += [":" + ";".join(map(escape, fact.fields)) for fact in record.facts]
    return f"{escape(record.label, label=True)}/{task.word}/{''.join(items)}"


def read(
    completion: str,
    task: Task | str,
    text: str | None = None,
    mode: ReadMode = "strict",
) -> Reading:
    """Return what a completion says; with `text`, pairs come back with their places.

    strict: the format and its three dialects, else FormatError. lenient: never raises; every
    correction is named in `repairs`. paper: Algorithm 1 (Appendix G), whose label keeps the slash
    before the task word.

    >>> read("文芸/固有表現抽出/:人名;紫式部", "scnm-ja", text="作者は紫式部。").pairs[0].start
    3
    """
    if not isinstance(completion, str):
        raise InputError(f"a completion is a string, got {completion!r}")
    task = registered(task) if isinstance(task, str) else task
    if mode == "paper":
        return _read_paper(completion, task, text)
    if mode == "lenient":
        return _read_lenient(completion, task, text)
    if mode != "strict":
        raise InputError(f"mode is 'strict', 'lenient' or 'paper', got {mode!r}")
    _check_utf8(completion)
    label, items = _parse(completion, task)
    return _reading(label, items, task, text, source=completion)


def needs_escape(record: Record, task: Task | None = None) -> bool:
    """Say whether the papers' plain form cannot carry this record.

    A field may hold a delimiter, or the label the task word, at which Algorithm 1 would cut it.
    `task` says which word that is; None: the table's task of the record's name, if it has one.

    >>> needs_escape(Record("1", "scnm-en", "At 10:30.", "Nature", (Pair("events", "10:30"),)))
    True
    >>> needs_escape(Record("1", "scnm-en", "Soup.", "DINNER"))
    True
    """
    task = task or TASKS.get(record.task)
    if task is not None and task.word in record.label:
        return True
    fields = (value for item in record.items for value in item)
    return not (is_plain(record.label, label=True) and all(map(is_plain, fields)))


def write_blocks(
    records: Sequence[Record],
    tasks: Sequence[Task | str] | None = None,
    mode: WriteMode = "pointline",
) -> str:
    r"""Return the completion for several task words after one text: a block each, in their order.

    Blocks are lines (a line break inside a field is escaped); in paper mode nothing parts them, so
    that two blocks of one task word cannot be told apart again.

    Raises as `write` does, and InputError for lists of unequal length.
    """
    asked = tasks or [record.task for record in records]
    if len(asked) != len(records):
        raise InputError(f"a task for each record: got {len(asked)} for {len(records)} records")
    lines = [write(r, t, mode) for r, t in zip(records, asked, strict=True)]
    return ("" if mode == "paper" else "\n").join(lines)


def read_blocks(
    completion: str,
    tasks: Sequence[Task | str],
    text: str | None = None,
    mode: ReadMode = "strict",
) -> tuple[Reading, ...]:
    r"""Return a reading for each task word that was asked, in their order.

    >>> both = "Nature/NER/:places;Turin\npositive/Sentiment Adj/"
    >>> [reading.label for reading in read_blocks(both, ["scnm-en", "scpos-adj-en"])]
    ['Nature', 'positive']
    """
    asked = [registered(task) if isinstance(task, str) else task for task in tasks]
    blocks = header.blocks(completion, asked)
    return tuple(read(block, task, text, mode) for block, task in zip(blocks, asked, strict=True))


# ---------------------------------------------------------------- writing


def _task(task: Task | str | None, record: Record) -> Task:
    if isinstance(task, Task):
        return task
    return registered(record.task if task is None else task)


def _check_shape(record: Record, task: Task) -> None:
    wrong = record.facts if task.shape == "pairs" else record.pairs
    if wrong:
        raise RecordError(
            f"record {record.id!r} holds {len(wrong)} {'facts' if record.facts else 'pairs'},"
            f" but task {task.name!r} takes {task.shape}"
        )


def _marks(record: Record) -> list[str]:
    """Return what must follow each entity so that reading finds the place it has here."""
    default = place(record.text, [pair.entity for pair in record.pairs])
    marks = []
    for pair, found in zip(record.pairs, default, strict=True):
        if pair.start is None or found is None or found.start == pair.start:
            marks.append("")
        else:
            number = occurrences(record.text, pair.entity).index(pair.start) + 1
            marks.append(f"\\@{number}")
    return marks


# ---------------------------------------------------------------- strict reading


def _parse(source: str, task: Task) -> tuple[str, _Items]:
    """Return the label and the items' fields, or raise FormatError at the fault."""
    raw_label = split(source, "/")[0][1]
    at = len(raw_label) + 1
    if at > len(source):
        raise FormatError("expected '/' after the label", source, len(source))
    label = _parse_label(raw_label, source)
    word = _word(source, at, task)
    at += len(word)
    for slash in ("/", ":/"):
        if source.startswith(slash, at):
            return label, _parse_items(source, at + len(slash), slash, task)
    raise FormatError(f"expected '/' after the task word {word!r}", source, at)


def _parse_label(raw: str, source: str) -> str:
    field = _field(raw, 0, source, empty=True)
    for delimiter in ":;":
        if len(whole := split(raw, delimiter)) > 1:
            reason = f"{delimiter!r} in a label is written '\\{delimiter}'"
            raise FormatError(reason, source, whole[1][0] - 1)
    if field.occurrence:
        raise FormatError("a mark '\\@' belongs after a pair's entity", source, 0)
    return field.value


def _check_utf8(source: str) -> None:
    try:
        source.encode()
    except UnicodeEncodeError as error:
        raise FormatError("a lone surrogate", source, error.start) from None


def _word(source: str, at: int, task: Task) -> str:
    for word in sorted((task.word, *task.aliases), key=len, reverse=True):
        if source.startswith(word, at):
            return word
    raise FormatError(f"expected the task word {task.word!r}", source, at)


def _parse_items(source: str, at: int, slash: str, task: Task) -> _Items:
    """Return the fields of `:item:item` after "/", of `item:item` after the dialect's ":/"."""
    pieces = split(source[at:], ":", offset=at)
    if slash == "/" and pieces[0][1]:
        raise FormatError("expected ':' before the first item", source, at)
    if slash == "/" or at == len(source):
        pieces = pieces[1:]
    if task.shape == "facts" and pieces and not pieces[-1][1]:
        pieces = pieces[:-1]  # the papers close a list of facts by ":"
    raw = [split(piece, ";", offset=offset) for offset, piece in pieces]
    if slash == "/" and raw and all(len(fields) == 1 and fields[0][1] for fields in raw):
        raw = _colons_only(source, at, [fields[0] for fields in raw], task)
    items = [tuple(_field(r, o, source) for o, r in fields) for fields in raw]
    for item, fields in zip(items, raw, strict=True):
        good = len(item) == 2 if task.shape == "pairs" else len(item) >= 3
        if not good:
            want = "'label;entity'" if task.shape == "pairs" else "three or more fields"
            raise FormatError(f"expected {want}, got {len(item)} fields", source, fields[0][0])
        if any(field.occurrence for field in item[:-1]) or (
            item[-1].occurrence and task.shape == "facts"
        ):
            raise FormatError("a mark '\\@' belongs after a pair's entity", source, fields[0][0])
    return items


def _colons_only(
    source: str, at: int, fields: list[tuple[int, str]], task: Task
) -> list[list[tuple[int, str]]]:
    """Read the dialect that writes ":" for ";": pairs two by two, or one fact."""
    if task.shape == "facts":
        return [fields]
    if len(fields) % 2:
        raise FormatError("expected ';' between label and entity", source, at)
    return [list(pair) for pair in zip(fields[::2], fields[1::2], strict=True)]


def _field(raw: str, offset: int, source: str, *, empty: bool = False) -> Field:
    field = unescape(raw, offset=offset, source=source)
    if not (field.value or empty):
        raise FormatError("expected a field, got nothing", source, offset)
    if raw != raw.lstrip() or _has_loose_end(raw):
        raise FormatError("a blank at the edge of a field is written '\\ '", source, offset)
    if "\n" in raw or "\r" in raw:
        raise FormatError("a line break is written '\\n'", source, offset)
    return field


def _has_loose_end(raw: str) -> bool:
    kept = raw.rstrip()
    if kept == raw:
        return False
    # an odd run of backslashes before the last blank escapes it
    body = raw[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 0


def _reading(label: str, items: _Items, task: Task, text: str | None, *, source: str) -> Reading:
    values = tuple(tuple(field.value for field in item) for item in items)
    if task.shape == "facts":
        return Reading(label, (), tuple(map(Fact, values)), values)
    marks = [item[-1].occurrence for item in items]

    def refuse(entity: str, mark: int) -> None:
        reason = f"{entity!r} does not occur {mark} times in the text"
        raise FormatError(reason, source, source.rfind(f"\\@{mark}"))

    return Reading(label, _placed(values, marks, text, refuse), (), values)


def _placed(
    values: Sequence[tuple[str, ...]],
    marks: Sequence[int | None],
    text: str | None,
    beyond: Callable[[str, int], None] | None = None,
) -> tuple[Pair, ...]:
    """Return the pairs with their places; `beyond` is told of a mark beyond the text."""
    if text is None:
        return tuple(Pair(label, entity) for label, entity in values)
    found = place(text, [entity for _, entity in values])
    pairs = []
    for (label, entity), default, mark in zip(values, found, marks, strict=True):
        starts = occurrences(text, entity) if mark else []
        if mark and mark <= len(starts):
            start = starts[mark - 1]
            pairs.append(Pair(label, entity, start, start + len(entity)))
            continue
        if mark and beyond:
            beyond(entity, mark)
        if default is None:
            pairs.append(Pair(label, entity))
        else:
            pairs.append(Pair(label, entity, default.start, default.end, default.ambiguous))
    return tuple(pairs)


# ---------------------------------------------------------------- lenient reading and Algorithm 1


def _read_lenient(completion: str, task: Task, text: str | None) -> Reading:
    repairs: list[lenient.Repair] = []
    completion = lenient.clean(completion, repairs)
    try:
        found = lenient.Found(*_parse(completion, task))
    except FormatError:
        found = lenient.find(completion, task, text)
    repairs += found.repairs
    label = lenient.known_label(found.label, task.labels, repairs)
    values = []
    for item in found.items:
        fields = tuple(field.value for field in item)
        values.append(lenient.known_item(fields, task, text, repairs))
    if task.shape == "facts":
        facts = tuple(map(Fact, values))
        return Reading(label, (), facts, tuple(values), tuple(repairs), found.ok)
    marks = [item[-1].occurrence for item in found.items]
    pairs = _placed(values, marks, text, lambda *_: repairs.append("mark-dropped"))
    return Reading(label, pairs, (), tuple(values), tuple(repairs), found.ok)


def _read_paper(completion: str, task: Task, text: str | None) -> Reading:
    completion = lenient.clean(completion, [])
    if task.word not in completion:
        return Reading(ok=False)
    label, rest = completion.split(task.word, 1)
    if task.shape == "facts":
        pieces = [rest.strip()]
    else:
        pieces = [piece.strip() for piece in rest.split(":") if piece]
    items = tuple(dict.fromkeys(tuple(piece.split(";")) for piece in pieces))
    whole = [item for item in items if all(item)]
    pairs = [item for item in whole if len(item) == 2]
    facts = tuple(Fact(item) for item in whole if len(item) > 2)
    placed = _placed(pairs, [None] * len(pairs), text)
    return Reading(label.strip(), placed, facts, items)
