"""Lenient reading: what can be saved of a completion that is not in the format.

Nothing here raises, and nothing is corrected without a name: every correction appends one of
`REPAIRS` to the list that the caller gets back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pointline.format import header
from pointline.format.escape import Field, split, unescape
from pointline.format.tasks import Task
from pointline.format.text import find_folded, fold

__all__ = ["REPAIRS", "Found", "Repair", "clean", "find", "known_item", "known_label"]

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
    "mark-dropped": "a mark for an occurrence was dropped: misplaced, or beyond the text",
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
    found = header.find(source, task)
    if found is None:
        return _label_alone(source, task, repairs)
    rest = source[found.end :]
    tail = re.match(r"[\s/:：／]*", rest)
    opened = tail[0] if tail else ""
    body = rest[len(opened) :]
    if not (found.exact and (opened in ("/:", ":/") or (opened == "/" and not body))):
        repairs.append("header-mended")
    if opened == "/:" and not body and task.shape == "pairs":
        repairs.append("empty-dropped")
    label = _label(source, found, task, repairs)
    items = _items(_wide(_one_line(body, repairs), repairs), task, text, repairs)
    return Found(label, items, tuple(repairs))


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
        if spelled := _spelled(text, value):
            fields[i] = spelled
            repairs.append("entity-respelled")
    return tuple(fields)


def _spelled(text: str, value: str) -> str | None:
    """Return how the text spells `value`, if it holds it; folding may tear no word of the text."""
    if value in text:
        return value
    for found in find_folded(text, value):
        torn = header.inside_word(text, found.start) or header.inside_word(text, found.end)
        if not torn:
            return text[found.start : found.end]
    return None


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


def _label(source: str, found: header.Header, task: Task, repairs: list[Repair]) -> str:
    raw = source[found.line : found.start]
    label = header.label_before(source, found, task)
    if label != raw or source[: found.line].strip():
        repairs.append("chatter-dropped")
    if len(split(label, "/")) > 1:
        label = label.strip("/")
        repairs.append("header-mended")
    value = _value(label, repairs)
    if value.occurrence:
        repairs.append("mark-dropped")
    return value.value


def _label_alone(source: str, task: Task, repairs: list[Repair]) -> Found:
    """Read a completion without a header: a line of it is a label of the set, and no other is."""
    lines = [line for line in _LINES.split(source) if line.strip()]
    bare = [line.strip(" \t/:：／.。　") for line in lines]
    labels = list(dict.fromkeys(line for line in bare if header.is_known(line, task)))
    if len(labels) != 1:
        return Found("", [], ("unreadable",), ok=False)
    repairs.append("label-alone")
    if len(lines) > 1:
        repairs.append("chatter-dropped")
    return Found(_value(labels[0], repairs).value, [], tuple(repairs))


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
    if not body.strip():
        return []
    every = split(body, ":")
    if task.shape == "facts" and not every[-1][1].strip():
        every = every[:-1]  # the papers close a list of facts by ":"
    pieces = [piece for piece in every if piece[1].strip()]
    if len(pieces) < len(every):
        repairs.append("empty-dropped")
    split_pieces = [split(raw, ";", offset=at) for at, raw in pieces]
    if task.shape == "facts":
        items = _facts(split_pieces, repairs)
    else:
        items = _pairs(split_pieces, task, text, repairs)
    return [_marked_last(item, task, repairs) for item in items]


def _marked_last(item: tuple[Field, ...], task: Task, repairs: list[Repair]) -> tuple[Field, ...]:
    """Return an item whose only mark, if any, is that of a pair's entity."""
    kept = 1 if task.shape == "pairs" else 0
    wrong = item[: len(item) - kept]
    if not any(field.occurrence for field in wrong):
        return item
    repairs.append("mark-dropped")
    bare = tuple(replace(field, occurrence=None) for field in wrong)
    return (*bare, *item[len(wrong) :])


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
    read = [_fields(piece, repairs) for piece in pieces]
    while read:
        fields = read.pop(0)
        if len(fields) == 2:
            pairs.append(fields)
        elif len(fields) > 2:
            pairs += _long_piece(fields, is_label, text, repairs)
        elif len(fields) == 1:
            _short_piece(fields, read, pairs, task, text, repairs)
        else:
            repairs.append("piece-dropped")
    return pairs


def _short_piece(
    fields: tuple[Field, ...],
    following: list[tuple[Field, ...]],
    pairs: list[tuple[Field, ...]],
    task: Task,
    text: str | None,
    repairs: list[Repair],
) -> None:
    """Read a piece of one field: a label whose entity follows, or the rest of an entity.

    A label of a known set goes first; where any word may be a label, the text is asked first.
    """
    is_label = _label_test(task)(fields[0].value)
    parted = is_label and bool(following) and len(following[0]) == 1
    ask_text = bool(pairs) and not (parted and task.item_labels is not None)
    if ask_text and (joined := _joined(pairs[-1], ":", fields, text, repairs)):
        pairs[-1] = joined
    elif parted:
        pairs.append((fields[0], *following.pop(0)))
        repairs.append("separator-mended")
    else:
        repairs.append("piece-dropped")


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
    if joined := _joined(fields[:2], ";", fields[2:], text, repairs):
        return [joined]
    repairs.append("piece-dropped")
    return []


def _joined(
    pair: tuple[Field, ...],
    delimiter: str,
    rest: tuple[Field, ...],
    text: str | None,
    repairs: list[Repair],
) -> tuple[Field, ...] | None:
    """Return the pair with its entity continued, if the text holds the longer entity."""
    parts = (pair[1], *rest)
    spelled = _spelled(text, delimiter.join(part.value for part in parts)) if text else None
    if spelled is None:
        return None
    repairs.append("delimiter-joined")
    if any(part.occurrence for part in parts[:-1]):
        repairs.append("mark-dropped")
    return pair[0], Field(spelled, parts[-1].occurrence)


def _label_test(task: Task) -> Callable[[str], bool]:
    if task.item_labels is None:
        return lambda value: bool(value)
    known = {fold(label).text for label in task.item_labels}
    return lambda value: fold(value).text in known


def _fields(piece: _Piece, repairs: list[Repair]) -> tuple[Field, ...]:
    fields = [_value(raw, repairs) for _, raw in piece]
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
