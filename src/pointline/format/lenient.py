"""Lenient reading: what can be saved of a completion that is not in the format.

Nothing here raises, and nothing is corrected without a name: every correction appends one of
`REPAIRS` to the list that the caller gets back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pointline.format.escape import Field, split, unescape
from pointline.format.tasks import Task
from pointline.format.text import find_folded, fold

__all__ = ["REPAIRS", "Found", "Repair", "blocks", "clean", "find", "known_item", "known_label"]

Repair = Literal[
    "blank-dropped",
    "chatter-dropped",
    "delimiter-joined",
    "empty-dropped",
    "entity-respelled",
    "escape-kept",
    "header-mended",
    "label-alone",
    "label-respelled",
    "lines-joined",
    "mark-dropped",
    "piece-dropped",
    "separator-mended",
    "surrogate-replaced",
    "unreadable",
    "width-folded",
]

#: Every repair and what it means; docs/format.md shows the same table.
REPAIRS: dict[Repair, str] = {
    "blank-dropped": "blanks around a field or the completion were dropped",
    "chatter-dropped": "words before or after the completion line were dropped",
    "delimiter-joined": "an entity was cut at a delimiter that it holds, and was joined again",
    "empty-dropped": "an empty piece or field was dropped",
    "entity-respelled": "an entity was found in the text in another spelling, which was taken",
    "escape-kept": "a backslash that escapes nothing was kept as a character",
    "header-mended": "the slashes or the spelling of the task word were mended",
    "label-alone": "only a text-level label was found, without a task word",
    "label-respelled": "a label was found in the label set in another spelling, which was taken",
    "lines-joined": "items on several lines were joined",
    "mark-dropped": "a mark for an occurrence stood where none belongs and was dropped",
    "piece-dropped": "a piece that is no item was dropped",
    "separator-mended": "':' and ';' were taken for each other",
    "surrogate-replaced": "a lone surrogate, which UTF-8 cannot carry, was replaced by '?'",
    "unreadable": "nothing could be read",
    "width-folded": "full-width delimiters were read as delimiters",
}

_Piece = list[tuple[int, str]]
_WIDE = str.maketrans("：；／", ":;/")
_FENCE = re.compile(r"\A\s*```[^\n]*\n(.*?)\n?```.*\Z", re.DOTALL)
_LINES = re.compile(r"[\r\n]+")  # str.splitlines also cuts at separators that a field may hold
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "「": "」"}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the label, the items' fields, the repairs it took, and whether anything."""

    label: str
    items: list[tuple[Field, ...]] = field(default_factory=list)
    repairs: tuple[Repair, ...] = ()
    ok: bool = True


def clean(completion: str, repairs: list[Repair]) -> str:
    """Return a completion that UTF-8 can carry."""
    cleaned = completion.encode(errors="replace").decode()
    if cleaned != completion:
        repairs.append("surrogate-replaced")
    return cleaned


def find(completion: str, task: Task, text: str | None) -> Found:
    """Return what can be saved of a completion that strict reading refuses."""
    repairs: list[Repair] = []
    source = _peel(completion, repairs)
    header = _header(source, task)
    if header is None:
        return _label_alone(source, task)
    start, end, exact = header
    rest = source[end:]
    tail = re.match(r"[\s/:：／]*", rest)
    opened = tail[0] if tail else ""
    if not exact or opened not in ("/", "/:", ":/"):
        repairs.append("header-mended")
    label = _last_line(source[:start], repairs)
    if len(split(label, "/")) > 1:
        label = label.strip("/")
        repairs.append("header-mended")
    body = _one_line(rest[len(opened) :], repairs)
    items = _items(_wide(body, repairs), task, text, repairs)
    return Found(_value(label, repairs).value, items, tuple(repairs))


def known_label(label: str, known: Sequence[str] | None, repairs: list[Repair]) -> str:
    """Return `label` in the spelling of the label set, if it is in it in another spelling."""
    if not label or known is None or label in known:
        return label
    wanted = fold(label).text
    for candidate in known:
        if fold(candidate).text == wanted:
            repairs.append("label-respelled")
            return candidate
    return label


def known_item(
    item: tuple[str, ...], task: Task, text: str | None, repairs: list[Repair]
) -> tuple[str, ...]:
    """Return an item with its label as in the label set and its entities as in the text."""
    at = 0 if task.shape == "pairs" else 1
    fields = list(item)
    fields[at] = known_label(fields[at], task.item_labels, repairs)
    for i, value in enumerate(fields):
        if i == at or text is None or value in text:
            continue
        places = find_folded(text, value)
        if places:
            fields[i] = text[places[0].start : places[0].end]
            repairs.append("entity-respelled")
    return tuple(fields)


def blocks(completion: str, tasks: Sequence[Task]) -> list[str]:
    """Part the completion of several task words into a block for each, in their order.

    Lines part them, or else the place where the next block's label begins: the longest label of
    the next task's set that stands before its task word. A block that is not there is empty.
    """
    lines = [line for line in completion.split("\n") if line.strip()]
    if len(lines) == len(tasks):
        return lines
    starts = [0]
    for task in tasks[1:]:
        header = _header(completion, task, after=starts[-1] + 1 if starts[-1] >= 0 else 0)
        starts.append(-1 if header is None else _label_start(completion, header[0], task))
    ends = [next((s for s in starts[i + 1 :] if s >= 0), None) for i in range(len(tasks))]
    return [completion[s:e] if s >= 0 else "" for s, e in zip(starts, ends, strict=True)]


# ---------------------------------------------------------------- around the line


def _peel(completion: str, repairs: list[Repair]) -> str:
    source = completion
    if fence := _FENCE.match(source):
        source = fence[1]
        repairs.append("chatter-dropped")
    bare = source.strip("\ufeff \t\r\n　")
    if len(bare) > 1 and _QUOTES.get(bare[0]) == bare[-1]:
        bare = bare[1:-1].strip()
        repairs.append("chatter-dropped")
    elif bare != source:
        repairs.append("blank-dropped")
    return bare


def _header(source: str, task: Task, *, after: int = 0) -> tuple[int, int, bool] | None:
    """Return where `/TASKWORD` is: [start, end) and whether it is spelled as it should be."""
    words = sorted((task.word, *task.aliases), key=len, reverse=True)
    for word in words:
        at = source.find("/" + word, after)
        if at >= 0:
            return at, at + 1 + len(word), True
    for word in words:
        for wanted in ("/" + word, word):
            for found in find_folded(source[after:], wanted):
                return after + found.start, after + found.end, False
    return None


def _label_start(source: str, header: int, task: Task) -> int:
    before = source[:header]
    ends = [label for label in task.labels or () if before.endswith(label)]
    if ends:
        return header - len(max(ends, key=len))
    return max(before.rfind(char) for char in "\n:;") + 1


def _label_alone(source: str, task: Task) -> Found:
    lines = _LINES.split(source.strip())
    label = lines[0].strip(" \t/:：／.。　") if lines else ""
    known: list[Repair] = []
    if label and task.labels is not None:
        label = known_label(label, task.labels, known)
        if label in task.labels:
            return Found(label, [], ("label-alone",))
    return Found("", [], ("unreadable",), ok=False)


def _last_line(before: str, repairs: list[Repair]) -> str:
    lines = [line for line in _LINES.split(before) if line.strip()]
    if len(lines) > 1:
        repairs.append("chatter-dropped")
    elif before and lines != [before]:
        repairs.append("blank-dropped")
    return lines[-1] if lines else ""


def _one_line(body: str, repairs: list[Repair]) -> str:
    """Return the items' line: further lines count if they open with a delimiter."""
    lines = _LINES.split(body)
    line, rest = lines[0], lines[1:]
    while rest and (rest[0].lstrip().startswith((":", "：")) or not rest[0].strip()):
        if rest[0].strip():
            line = line.rstrip() + rest[0].strip()
            repairs.append("lines-joined")
        rest = rest[1:]
    if any(left.strip() for left in rest):
        repairs.append("chatter-dropped")
    elif line != body:
        repairs.append("blank-dropped")
    return line


def _wide(body: str, repairs: list[Repair]) -> str:
    """Read full-width delimiters as delimiters, if no half-width one says otherwise."""
    if ";" in body or not ("；" in body or ("：" in body and ":" not in body)):
        return body
    repairs.append("width-folded")
    return body.translate(_WIDE)


# ---------------------------------------------------------------- the items


def _items(
    body: str, task: Task, text: str | None, repairs: list[Repair]
) -> list[tuple[Field, ...]]:
    pieces = [piece for piece in split(body, ":") if piece[1].strip()]
    dropped = len(split(body, ":")) - len(pieces)
    closing = body.rstrip().endswith(":") and not body.rstrip().endswith("\\:")
    if dropped > (1 if closing else 0) or (closing and task.shape == "pairs"):
        repairs.append("empty-dropped")
    split_pieces = [split(raw, ";", offset=at) for at, raw in pieces]
    if task.shape == "facts":
        return _facts(split_pieces, repairs)
    return _pairs(split_pieces, task, text, repairs)


def _facts(pieces: list[_Piece], repairs: list[Repair]) -> list[tuple[Field, ...]]:
    if pieces and all(len(piece) == 1 for piece in pieces):
        pieces = [[piece[0] for piece in pieces]]
        repairs.append("separator-mended")
    facts = []
    for piece in pieces:
        fields = _fields(piece, repairs)
        if len(fields) >= 3:
            facts.append(fields)
        else:
            repairs.append("piece-dropped")
    return facts


def _pairs(
    pieces: list[_Piece], task: Task, text: str | None, repairs: list[Repair]
) -> list[tuple[Field, ...]]:
    """Read pairs piece by piece; a piece that is none may belong to its neighbour."""
    is_label = _label_test(task)
    pairs: list[tuple[Field, ...]] = []
    at = 0
    while at < len(pieces):
        fields = _fields(pieces[at], repairs)
        following = pieces[at + 1] if at + 1 < len(pieces) else None
        at += 1
        if len(fields) == 2:
            pairs.append(fields)
        elif len(fields) > 2:
            pairs += _long_piece(fields, is_label, text, repairs)
        elif fields and pairs and (joined := _joined(pairs[-1], ":", fields, text)):
            pairs[-1] = joined
            repairs.append("delimiter-joined")
        elif fields and following and len(following) == 1 and is_label(fields[0].value):
            pairs += [(fields[0], *_fields(following, repairs))][: 1 if following[0][1] else 0]
            repairs.append("separator-mended")
            at += 1
        else:
            repairs.append("piece-dropped")
    return [pair for pair in pairs if len(pair) == 2]


def _long_piece(
    fields: tuple[Field, ...],
    is_label: Callable[[str], bool],
    text: str | None,
    repairs: list[Repair],
) -> list[tuple[Field, ...]]:
    """Read `a;b;c;d`: pairs parted by ";", or an entity that holds one, or nothing."""
    labels, entities = fields[::2], fields[1::2]
    in_pairs = len(fields) % 2 == 0 and all(is_label(label.value) for label in labels)
    if in_pairs and (text is None or all(e.value in text for e in entities)):
        repairs.append("separator-mended")
        return list(zip(labels, entities, strict=True))
    if joined := _joined(fields[:2], ";", fields[2:], text):
        repairs.append("delimiter-joined")
        return [joined]
    repairs.append("piece-dropped")
    return []


def _joined(
    pair: tuple[Field, ...], delimiter: str, rest: tuple[Field, ...], text: str | None
) -> tuple[Field, ...] | None:
    """Return the pair with its entity continued, if the text holds the longer entity."""
    entity = delimiter.join(field.value for field in (pair[1], *rest))
    places = find_folded(text, entity) if text is not None else []
    if not (text and places):
        return None
    return pair[0], Field(text[places[0].start : places[0].end])


def _label_test(task: Task) -> Callable[[str], bool]:
    if task.item_labels is None:
        return lambda value: bool(value)
    known = {fold(label).text for label in task.item_labels}
    return lambda value: fold(value).text in known


def _fields(piece: _Piece, repairs: list[Repair]) -> tuple[Field, ...]:
    fields = [_value(raw, repairs) for _, raw in piece]
    if any(field.occurrence for field in fields[:-1]):
        repairs.append("mark-dropped")
    kept = tuple(field for field in fields if field.value)
    if len(kept) < len(fields):
        repairs.append("empty-dropped")
    return kept


def _value(raw: str, repairs: list[Repair]) -> Field:
    bare = raw.lstrip()
    while bare and bare[-1].isspace() and not bare[:-1].endswith("\\"):
        bare = bare[:-1]
    if bare != raw:
        repairs.append("blank-dropped")
    field = unescape(bare)
    if field.unknown:
        repairs.append("escape-kept")
    return field
