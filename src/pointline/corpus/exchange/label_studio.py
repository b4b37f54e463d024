"""Label Studio JSON: a list of tasks, with the labelling configuration beside it.

    [{"data": {"text": "Ada wrote to Bo.", "ref_id": "1"},
      "annotations": [{"result": [
        {"id": "l", "from_name": "text_label", "to_name": "text", "type": "choices",
         "value": {"choices": ["Literature"]}},
        {"id": "m0", "from_name": "pair", "to_name": "text", "type": "labels",
         "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["people"]}},
        {"id": "m1", "from_name": "field", "to_name": "text", "type": "labels",
         "value": {"start": 13, "end": 15, "text": "Bo", "labels": ["Fact_field"]}},
        {"from_id": "m0", "to_id": "m1", "type": "relation", "direction": "right",
         "labels": ["wrote to"]}]}]}]

A Prediction goes into `predictions` instead, its scores on the results, so that Label Studio shows
it as a pre-annotation. `NAME.json` has its configuration in `NAME.xml`.

Read is the export "JSON" (not "JSON-MIN"): of each task the first annotation that was not
cancelled, else the first prediction. Other keys of `data` go into the record's meta, what Label
Studio keeps for itself (dates, users, counts) is passed over. Offsets may count code points, as
newer versions do, or UTF-16 code units, as older ones did (issues 1347, 4988): the string in each
region tells which, and a region that neither fits is told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args
from xml.sax.saxutils import quoteattr

from pointline.corpus.exchange.fields import taken, well_formed
from pointline.corpus.exchange.form import Form, Losses, carried
from pointline.corpus.exchange.lines import as_json
from pointline.corpus.exchange.relations import FIELD, web
from pointline.corpus.exchange.rows import faultless
from pointline.corpus.exchange.ruler import Ruler, Unit
from pointline.corpus.recordfile import atomic, to_json
from pointline.errors import CorpusError
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import Task
from pointline.format.text import occurrences
from pointline.version import __version__

__all__ = ["FORM", "FORMS", "read", "write"]

_SCORES = "scores that are not those of the label and of each item: left out"
_NOT_XML = "label that XML cannot hold: not in the configuration"
_SECOND = "another annotation or prediction: left out"
_CANCELLED = "cancelled annotation: left out"
_SECOND_LABEL = "second text label: left out"
_OTHER = "result of type {}: left out"
_NO_RELATION = "relation without a label, or with an end that was left out: left out"
_BOTH_WAYS = "relation in both directions: read as one from its first end"
_MOVED = "region whose offsets do not hold its string: put at its nearest occurrence"
_NOWHERE = "region that is not in the text: left out"
_UNSURE = "offsets that both counts allow: read as code points"

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNITS: tuple[Unit, ...] = get_args(Unit)


# ---------------------------------------------------------------- writing


def write(
    path: Path,
    records: Iterable[Record],
    task: Task,
    losses: Losses,
    *,
    unit: Unit = "code points",
) -> None:
    """Write a list of tasks, offsets in this count, and the configuration beside it.

    Raises RecordError for a meta that JSON cannot carry.
    """
    seen: dict[str, Counter[str]] = {"labels": Counter(), "pairs": Counter(), "facts": Counter()}
    seen["labels"].update(task.labels or ())
    seen["facts" if task.shape == "facts" else "pairs"].update(task.item_labels or ())
    with atomic(path) as out:
        before = "[\n"
        for record in records:
            kept = _scored(carried(record, task, FORM.carries, losses), losses)
            out.write(f"{before}{as_json(_task(kept, unit), record.id)}".encode())
            before = ",\n"
            seen["labels"].update([kept.label] if kept.label else [])
            seen["pairs"].update(pair.label for pair in kept.pairs)
            seen["facts"].update(fact.fields[1] for fact in kept.facts)
        out.write(b"[]\n" if before == "[\n" else b"\n]\n")
    with atomic(path.with_suffix(FORM.beside)) as out:
        out.write(_configuration(seen, losses).encode())


def _scored(record: Record, losses: Losses) -> Record:
    """Return the record with those of its scores that results can bear."""
    if not isinstance(record, Prediction):
        return record
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in record.scores.items()}
    items = given.get("items", [])
    kept: dict[str, Any] = {}
    if record.label and _is_number(given.get("label")):
        kept["label"] = given["label"]
    if isinstance(items, list) and len(items) == len(record.items) > 0:
        kept |= {"items": items} if all(map(_is_number, items)) else {}
    if {key: value for key, value in given.items() if value != []} != kept:
        losses.note(_SCORES, record.id)
    return replace(record, scores=kept)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _task(record: Record, unit: Unit) -> dict[str, Any]:
    data: dict[str, Any] = {"text": record.text, "ref_id": record.id}
    if record.meta:
        data["meta_info"] = to_json(record)["meta"]
    result = list(_result(record, unit))
    if not isinstance(record, Prediction):
        return {"data": data, "annotations": [{"result": result}]}
    scores = [each["score"] for each in result if "score" in each]
    prediction = {"model_version": f"pointline-{__version__}", "result": result}
    return {"data": data, "predictions": [prediction | ({"score": min(scores)} if scores else {})]}


def _result(record: Record, unit: Unit) -> Iterator[dict[str, Any]]:
    scores = record.scores if isinstance(record, Prediction) else {}
    of_items = dict(enumerate(scores.get("items", [])))
    on_text = {"to_name": "text"}
    if record.label:
        choice = {"id": "l", "from_name": "text_label", **on_text, "type": "choices"}
        yield choice | {"value": {"choices": [record.label]}} | _score(scores.get("label"))
    ruler = Ruler(record.text)
    found = web(record)
    for number, mention in enumerate(found.mentions):
        start, end = mention.start or 0, mention.end or 0
        if unit == "UTF-16":
            start, end = ruler.utf16(start), ruler.utf16(end)
        is_pair = found.is_pair(number)
        name = {"id": f"m{number}", "from_name": "pair" if is_pair else "field", **on_text}
        value = {"start": start, "end": end, "text": mention.entity, "labels": [mention.label]}
        score = _score(of_items.get(number) if is_pair else None)
        yield name | {"type": "labels", "value": value} | score
    for number, arc in enumerate(found.arcs, start=len(record.pairs)):
        ends = {"from_id": f"m{arc.head}", "to_id": f"m{arc.tail}", "type": "relation"}
        arrow = {"direction": "right", "labels": [arc.relation]}
        yield ends | arrow | _score(of_items.get(number))


def _score(score: float | None) -> dict[str, float]:
    return {} if score is None else {"score": score}


def _configuration(seen: Mapping[str, Iterable[str]], losses: Losses) -> str:
    """Return the XML that Label Studio asks for: the controls for the labels."""
    pairs, facts = list(seen["pairs"]), list(seen["facts"])
    controls = [
        ('Choices name="text_label" toName="text" choice="single"', "Choice", list(seen["labels"])),
        ('Labels name="pair" toName="text"', "Label", pairs),
        ('Labels name="field" toName="text"', "Label", [FIELD] if facts else []),
        ("Relations", "Relation", facts),
    ]
    rows = ["<View>"]
    for opening, tag, labels in controls:
        for label in labels:
            if _ILLEGAL.search(label):
                losses.note(_NOT_XML, label)
        legal = [label for label in labels if not _ILLEGAL.search(label)]
        if legal:
            rows.append(f"  <{opening}>")
            rows += [f"    <{tag} value={quoteattr(label)}/>" for label in legal]
            rows.append(f"  </{opening.split()[0]}>")
    return "\n".join([*rows, '  <Text name="text" value="$text"/>', "</View>", ""])


# ---------------------------------------------------------------- reading


@dataclass(frozen=True, slots=True)
class _Region:
    """A region of the text, its offsets as they stand; `string` is None where it has none."""

    key: str
    start: int
    end: int
    string: str | None
    labels: tuple[str, ...]
    score: float | None
    is_pair: bool

    def at(self, text: str, ruler: Ruler, unit: Unit) -> tuple[int, int] | None:
        """Return its place in code points; None where its string is not there."""
        span = ruler.span(self.start, self.end, unit)
        if span is None or self.string is None:
            return span
        found = text[slice(*span)]
        return span if found == self.string or found.split() == self.string.split() else None


@dataclass(slots=True)
class _Result:
    """What the results of one annotation say."""

    label: str = ""
    label_score: float | None = None
    regions: list[_Region] = field(default_factory=list)
    relations: list[tuple[str, str, tuple[str, ...], float | None]] = field(default_factory=list)


def read(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    """Yield the records of an export, one a task.

    Raises CorpusError with the file and the number of the task that is not of the format.
    """
    for number, values in faultless(path):
        place = f"{path}:{number}"
        if not isinstance(values.get("data"), Mapping):
            raise CorpusError(f"{place}: the task has no 'data': export as JSON, not as JSON-MIN")
        data = dict(values["data"])
        text = _text(data, place)
        chosen, is_predicted = _chosen(values, place, losses)
        result = _Result()
        for each in taken(chosen, "result", place, []):
            _take(each, result, place, losses)
        given = next((v for v in (data.get("ref_id"), values.get("id")) if v is not None), None)
        name = f"{path.stem}-{number}" if given is None else str(given)
        with well_formed(place):
            yield _record(
                Record(name, task.name, text, meta=_meta(data, values, place)),
                result,
                place,
                losses,
                is_predicted=is_predicted,
            )


def _text(data: dict[str, Any], place: str) -> str:
    """Return the text, the value of `text` or the only string, and take it out of the data."""
    strings = [key for key, value in data.items() if isinstance(value, str) and key != "ref_id"]
    key = "text" if "text" in strings else strings[0] if len(strings) == 1 else None
    if key is None:
        raise CorpusError(f"{place}: 'data' has no string 'text': name the text so")
    text: str = data.pop(key)
    return text


def _meta(data: Mapping[str, Any], values: Mapping[str, Any], place: str) -> dict[str, Any]:
    rest = {key: value for key, value in data.items() if key not in ("ref_id", "meta_info")}
    given = data.get("meta_info")
    rest |= {"meta_info": given} if given is not None and not isinstance(given, dict) else {}
    meta = dict(given) if isinstance(given, dict) else {}
    for more in (rest, taken(values, "meta", place, {})):
        if twice := sorted(meta.keys() & more.keys()):
            raise CorpusError(f"{place}: the key {twice[0]!r} stands in the task twice: rename one")
        meta |= more
    return meta


def _chosen(
    values: Mapping[str, Any], place: str, losses: Losses
) -> tuple[Mapping[str, Any], bool]:
    """Return the annotation or prediction that is read, and whether it is a prediction."""
    key = "annotations" if "annotations" in values else "completions"
    several = taken(values, key, place, [])
    predictions = taken(values, "predictions", place, [])
    if not all(isinstance(each, Mapping) for each in (*several, *predictions)):
        raise CorpusError(f"{place}: annotations and predictions are objects with 'result'")
    made = [each for each in several if not each.get("was_cancelled")]
    for _ in several[len(made) :]:
        losses.note(_CANCELLED, place)
    for _ in [*made, *predictions][1:]:
        losses.note(_SECOND, place)
    if made:
        return made[0], False
    return (predictions[0], True) if predictions else ({}, False)


def _take(value: Any, result: _Result, place: str, losses: Losses) -> None:
    """Sort a result into what it says."""
    match value:
        case {"type": "labels", "value": {"start": int(start), "end": int(end), **more}}:
            labels = _strings(more.get("labels"), place)
            string = more.get("text")
            is_pair = (value.get("from_name"), labels) != ("field", (FIELD,))
            region = _Region(
                str(value.get("id", f"region {len(result.regions)}")),
                start,
                end,
                string if isinstance(string, str) else None,
                labels,
                _score_of(value, place),
                is_pair,
            )
            result.regions.append(region)
        case {"type": "choices", "value": {"choices": list(choices), **more}} if (
            "start" not in more
        ):
            labels = _strings(choices, place)
            for _ in labels[0 if result.label else 1 :]:
                losses.note(_SECOND_LABEL, place)
            if labels and not result.label:
                result.label, result.label_score = labels[0], _score_of(value, place)
        case {"type": "relation", "from_id": head, "to_id": tail}:
            ends = (str(head), str(tail))
            if value.get("direction") == "left":
                ends = (ends[1], ends[0])
            elif value.get("direction") == "bi":
                losses.note(_BOTH_WAYS, place)
            labels = _strings(value.get("labels"), place)
            result.relations.append((*ends, labels, _score_of(value, place)))
        case {"type": str(kind)}:
            losses.note(_OTHER.format(kind), place)
        case _:
            raise CorpusError(f"{place}: a result is an object with a 'type': mend or remove it")


def _score_of(value: Mapping[str, Any], place: str) -> float | None:
    score: float | None = value.get("score")
    if score is not None and not _is_number(score):
        raise CorpusError(f"{place}: 'score' is {score!r}: make it a number")
    return score


def _strings(values: object, place: str) -> tuple[str, ...]:
    if values is None:
        return ()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise CorpusError(f"{place}: 'labels' and 'choices' are lists of labels, got {values!r}")
    return tuple(values)


# ---------------------------------------------------------------- records


def _record(
    record: Record, result: _Result, place: str, losses: Losses, *, is_predicted: bool
) -> Record:
    places = _places(record.text, result.regions, place, losses)
    entities = {key: record.text[slice(*span)] for key, span in places.items()}
    scored: list[tuple[Pair | Fact, float | None]] = []
    for region in result.regions:
        if region.is_pair and region.key in places:
            entity, span = entities[region.key], places[region.key]
            scored += [(Pair(label, entity, *span), region.score) for label in region.labels]
    for head, tail, labels, score in result.relations:
        if not labels or head not in entities or tail not in entities:
            losses.note(_NO_RELATION, place)
            continue
        scored += [(Fact((entities[head], label, entities[tail])), score) for label in labels]
    record = replace(
        record,
        label=result.label,
        pairs=tuple(item for item, _ in scored if isinstance(item, Pair)),
        facts=tuple(item for item, _ in scored if isinstance(item, Fact)),
    )
    return _predicted(record, result, [score for _, score in scored]) if is_predicted else record


def _predicted(record: Record, result: _Result, items: Sequence[float | None]) -> Prediction:
    scores: dict[str, Any] = {}
    if result.label_score is not None:
        scores["label"] = result.label_score
    if items and None not in items:
        scores["items"] = list(items)
    fields = {name: getattr(record, name) for name in Record.__slots__}
    return Prediction(**fields, scores=scores)


def _places(
    text: str, regions: Sequence[_Region], place: str, losses: Losses
) -> dict[str, tuple[int, int]]:
    """Return the places of the regions that have one, in the count that fits them all."""
    ruler = Ruler(text)
    found = {unit: {r.key: r.at(text, ruler, unit) for r in regions} for unit in _UNITS}
    fitting = [unit for unit in _UNITS if None not in found[unit].values()]
    if len(fitting) == 2 and found["code points"] != found["UTF-16"]:
        losses.note(_UNSURE, place)
    best = fitting[0] if fitting else "code points"
    other: Unit = "UTF-16" if best == "code points" else "code points"
    places = {}
    for region in regions:
        span = found[best][region.key] or found[other][region.key]
        if span is None and (span := _nearest(text, region)):
            losses.note(_MOVED, place)
        if span is None:
            losses.note(_NOWHERE, place)
        else:
            places[region.key] = span
    return places


def _nearest(text: str, region: _Region) -> tuple[int, int] | None:
    string = region.string or ""
    starts = occurrences(text, string)
    if not starts:
        return None
    start = min(starts, key=lambda start: abs(start - region.start))
    return start, start + len(string)


FORM = Form(
    name="label-studio",
    title="Label Studio JSON, with its labelling configuration",
    suffix=".json",
    carries=frozenset(
        {
            *("id", "text", "label", "meta", "pairs", "places", "blank edges", "overlaps", "order"),
            *("relations", "scores"),
        }
    ),
    read=read,
    write=write,
    beside=".xml",
)
FORMS = (FORM,)
