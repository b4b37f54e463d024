"""doccano JSONL: a record a line, in the shape of the project that it is for.

doccano            (intent detection and slot filling: both levels)
    {"id": "1", "text": "Ada wrote to Bo.", "entities": [[0, 3, "people"]], "cats": ["Literature"]}
doccano-spans      (sequence labelling)
    {"id": "1", "text": "Ada wrote to Bo.", "label": [[0, 3, "people"]]}
doccano-relations  (sequence labelling with relations)
    {"id": "1", "text": "Ada wrote to Bo.", "cats": ["Literature"],
     "entities": [{"id": 0, "label": "people", "start_offset": 0, "end_offset": 3}, ...],
     "relations": [{"id": 0, "from_id": 0, "to_id": 1, "type": "wrote to"}]}

All are read, and whatever of them a row has; so is `"label": ["Literature"]` of text
classification. Keys that are none of doccano's go into `meta`, which is written as one key. In a
project with relations, doccano shows no `cats` and keeps them; the end of a fact that is no pair
is an entity labelled `Fact_field`.

doccano counts UTF-16 code units, as its browser does (issue 2290; projects that count grapheme
clusters are not read), and so does the writer; files that other programs made count code points.
The two differ behind characters beyond U+FFFF. The file tells: it is UTF-16 unless a span would
be cut or lie outside, and then code points. Where both are possible, that is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pointline.corpus.exchange.fields import taken, well_formed
from pointline.corpus.exchange.form import Form, Losses, Part, carried
from pointline.corpus.exchange.lines import as_json
from pointline.corpus.exchange.names import label_of, name_of
from pointline.corpus.exchange.relations import FIELD, Arc, Web, facts_of, web
from pointline.corpus.exchange.rows import faultless
from pointline.corpus.exchange.ruler import Ruler, Unit
from pointline.corpus.recordfile import atomic, to_json
from pointline.errors import CorpusError
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task

__all__ = ["FORMS", "read", "write"]

Shape = Literal["joint", "spans", "relations"]

_EMPTY = "empty text: doccano refuses the line"
_SECOND_LABEL = "second text label: left out"
_COMMENT = "comment: left out"
_UNSURE = "offsets that both counts allow: read as UTF-16 code units, as doccano counts"
_MIXED = "offsets in another count than most of the file: read as what they fit"

_KNOWN = frozenset(
    {"id", "text", "data", "label", "labels", "entities", "cats", "relations", "meta", "Comments"}
)
_NOTHING = re.compile(r"(?!)")
_JOINT: frozenset[Part] = frozenset(
    {"id", "text", "label", "meta", "pairs", "places", "blank edges", "overlaps", "order"}
)
_CARRIES: Mapping[Shape, frozenset[Part]] = {
    "joint": _JOINT,
    "spans": _JOINT - {"label"},
    "relations": _JOINT | {"relations"},
}


# ---------------------------------------------------------------- writing


def write(
    path: Path,
    records: Iterable[Record],
    task: Task,
    losses: Losses,
    *,
    shape: Shape = "joint",
    unit: Unit = "UTF-16",
) -> None:
    """Write a line for each record in the shape of a project, offsets in this count.

    Raises RecordError for a meta that JSON cannot carry.
    """
    with atomic(path) as out:
        for record in records:
            kept = carried(record, task, _CARRIES[shape], losses)
            if not kept.text:
                losses.note(_EMPTY, record.id)
            out.write(f"{as_json(_row(kept, shape, unit), record.id)}\n".encode())


def _row(record: Record, shape: Shape, unit: Unit) -> dict[str, Any]:
    ruler = Ruler(record.text)
    found = web(record)
    spans: list[list[Any]] = []
    for mention in found.mentions:
        place = (mention.start or 0, mention.end or 0)
        start, end = map(ruler.utf16, place) if unit == "UTF-16" else place
        spans.append([start, end, mention.label])
    row: dict[str, Any] = {"id": record.id, "text": record.text}
    if shape == "spans":
        row["label"] = spans
    elif shape == "joint":
        row |= {"entities": spans, "cats": [record.label] if record.label else []}
    else:
        row |= _related(found, spans) | {"cats": [record.label] if record.label else []}
    return row | ({"meta": to_json(record)["meta"]} if record.meta else {})


def _related(found: Web, spans: Sequence[Sequence[Any]]) -> dict[str, Any]:
    entities = []
    for number, (start, end, label) in enumerate(spans):
        is_pair = found.is_pair(number)
        name = name_of(label, _NOTHING, reserved=(FIELD,)) if is_pair else label
        entities.append({"id": number, "label": name, "start_offset": start, "end_offset": end})
    relations = [
        {"id": number, "from_id": arc.head, "to_id": arc.tail, "type": arc.relation}
        for number, arc in enumerate(found.arcs)
    ]
    return {"entities": entities, "relations": relations}


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    label: str
    key: int | None = None
    is_pair: bool = True


@dataclass(frozen=True, slots=True)
class _Row:
    """What a line holds, its offsets as they stand."""

    place: str
    values: Mapping[str, Any]
    text: str
    labels: tuple[str, ...]
    spans: tuple[_Span, ...]

    def placed(self, ruler: Ruler, unit: Unit) -> list[tuple[int, int]] | None:
        """Return the spans in code points; None where one of them is none in this count."""
        found = [ruler.span(span.start, span.end, unit) for span in self.spans]
        placed = [place for place in found if place]
        return placed if len(placed) == len(found) else None


def read(path: Path, task: Task, losses: Losses, *, unit: Unit | None = None) -> Iterator[Record]:
    """Yield the records of a file; without `unit` it is read twice, first for what offsets count.

    Records without an id are numbered after the file's name.

    Raises CorpusError with file and line where a line is not of the format, or a span lies outside
    its text in either count.
    """
    is_sure = unit is not None
    if unit is None:
        unit, is_sure = _unit_of(_rows(path))
    for number, row in enumerate(_rows(path), start=1):
        ruler = Ruler(row.text)
        places = _places(row, ruler, unit, losses)
        if ruler.differs and not is_sure and places != row.placed(ruler, "code points"):
            losses.note(_UNSURE, row.place)
        given = row.values.get("id")
        name = f"{path.stem}-{number}" if given is None else str(given)
        with well_formed(row.place):
            yield _record(row, places, name, task, losses)


def _rows(path: Path) -> Iterator[_Row]:
    for number, values in faultless(path):
        place = f"{path}:{number}"
        if values.get("text", values.get("data")) is None:
            raise CorpusError(f"{place}: the line has no 'text': add it")
        text = taken(values, "text" if "text" in values else "data", place, "")
        labels = values.get("label", values.get("labels")) or []
        labels = [labels] if isinstance(labels, str) else labels
        if not isinstance(labels, list):
            raise CorpusError(f"{place}: 'label' is a list of [start, end, label] or of labels")
        cats = [*taken(values, "cats", place, []), *(x for x in labels if isinstance(x, str))]
        several = [
            *taken(values, "entities", place, []),
            *(x for x in labels if not isinstance(x, str)),
        ]
        if not all(isinstance(cat, str) for cat in cats):
            raise CorpusError(f"{place}: 'cats' is a list of labels")
        yield _Row(place, values, text, tuple(cats), tuple(_span(x, place) for x in several))


def _span(value: object, place: str) -> _Span:
    match value:
        case [int(start), int(end), str(label)]:
            return _Span(start, end, label)
        case {"start_offset": int(start), "end_offset": int(end), "label": str(label), **more}:
            key = more.get("id")
            number = key if isinstance(key, int) else None
            return _Span(start, end, label_of(label), number, label != FIELD)
    raise CorpusError(
        f"{place}: {value!r} is no entity: write [start, end, label], or an object with"
        " start_offset, end_offset and label"
    )


def _unit_of(rows: Iterable[_Row]) -> tuple[Unit, bool]:
    """Return what the offsets of a file count, and whether only that is possible."""
    fits: dict[Unit, bool] = {"UTF-16": True, "code points": True}
    for row in rows:
        ruler = Ruler(row.text)
        for unit in fits if ruler.differs else ():
            fits[unit] = fits[unit] and row.placed(ruler, unit) is not None
    return ("code points" if fits["code points"] and not fits["UTF-16"] else "UTF-16"), not all(
        fits.values()
    )


def _places(row: _Row, ruler: Ruler, unit: Unit, losses: Losses) -> list[tuple[int, int]]:
    places = row.placed(ruler, unit)
    if places is None:
        places = row.placed(ruler, "code points" if unit == "UTF-16" else "UTF-16")
        if places is None:
            raise CorpusError(
                f"{row.place}: a span is empty or outside the text of {len(row.text)} characters:"
                " mend its offsets, or the text"
            )
        losses.note(_MIXED, row.place)
    return places


def _record(
    row: _Row, places: Sequence[tuple[int, int]], name: str, task: Task, losses: Losses
) -> Record:
    for reason, spare in ((_SECOND_LABEL, row.labels[1:]), (_COMMENT, row.values.get("Comments"))):
        for _ in spare or ():
            losses.note(reason, row.place)
    entities = [row.text[start:end] for start, end in places]
    pairs = [
        Pair(span.label, entity, *place)
        for span, entity, place in zip(row.spans, entities, places, strict=True)
        if span.is_pair
    ]
    label = row.labels[0] if row.labels else ""
    facts = facts_of(entities, _arcs(row))
    return Record(name, task.name, row.text, label, tuple(pairs), facts, _meta(row))


def _arcs(row: _Row) -> Iterator[Arc]:
    numbers = {span.key: number for number, span in enumerate(row.spans) if span.key is not None}
    for value in taken(row.values, "relations", row.place, []):
        match value:
            case {"from_id": int(head), "to_id": int(tail), "type": str(relation)}:
                if head in numbers and tail in numbers:
                    yield Arc(numbers[head], relation, numbers[tail])
                    continue
        raise CorpusError(
            f"{row.place}: {value!r} is no relation: write from_id and to_id, ids of its entities,"
            " and type"
        )


def _meta(row: _Row) -> dict[str, Any]:
    unknown = {key: value for key, value in row.values.items() if key not in _KNOWN}
    meta: dict[str, Any] = taken(row.values, "meta", row.place, {})
    twice = sorted(unknown.keys() & meta.keys())
    if twice:
        raise CorpusError(f"{row.place}: the key {twice[0]!r} stands in the line and in its 'meta'")
    return {**meta, **unknown}


# ---------------------------------------------------------------- the formats

_PROJECTS: Mapping[Shape, tuple[str, str]] = {
    "joint": ("doccano", "intent detection and slot filling"),
    "spans": ("doccano-spans", "sequence labelling"),
    "relations": ("doccano-relations", "sequence labelling with relations"),
}
FORMS = tuple(
    Form(
        name=name,
        title=f"doccano JSONL, {project}",
        suffix=".jsonl",
        carries=_CARRIES[shape],
        read=read,
        write=partial(write, shape=shape),
    )
    for shape, (name, project) in _PROJECTS.items()
)
