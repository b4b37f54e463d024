"""What an exchange format is: how it is read and written, and what of a record it carries.

A writer sends every record through `carried` first, so that what it writes is what will be read
again, and what the format has no place for is told to `Losses`:

    read(write(record)) == carried(record, task, form.carries, Losses())
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import Task
from pointline.format.text import place

__all__ = ["LOST", "PARTS", "Form", "Losses", "Part", "Reader", "Writer", "carried"]

#: A part of a record that a format may carry or not; `LOST` says what each of them means.
Part = Literal[
    "id",
    "task",
    "text",
    "label",
    "meta",
    "pairs",
    "places",
    "unplaced",
    "blank edges",
    "overlaps",
    "order",
    "relations",
    "facts",
    "scores",
    "prediction",
]

PARTS: tuple[Part, ...] = get_args(Part)

#: What is told where a record has a part that the format does not carry. Formats may add reasons
#: of their own, for what only they cannot write.
LOST: Mapping[Part, str] = {
    "id": "id: left out, records are numbered when they are read",
    "task": "task: another name than the task's, left out",
    "text": "text: blanks are not kept as they are",
    "label": "label: left out",
    "meta": "meta: left out",
    "pairs": "pairs: left out",
    "places": "places: left out, the rule of text.place gives another",
    "unplaced": "pair without a place: put where the rule of text.place puts it",
    "blank edges": "pair with blanks at its edges: trimmed",
    "overlaps": "pair that overlaps another: left out",
    "order": "order of pairs: that of the text instead",
    "relations": "fact: left out",
    "facts": "fact that is no relation of two mentions in the text: left out",
    "scores": "scores: left out",
    "prediction": "completion, repairs or ok: left out",
}
_NOWHERE = "pair whose entity is not in the text: left out"
_NOTHING = "pair of nothing but blanks: left out"

_EXAMPLES = 5


@dataclass(slots=True)
class Losses:
    """What a conversion could not carry: counts by reason, the first records by id."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, reason: str, record: str) -> None:
        """Count one loss; `record` is the id, or the file and line, that it happened at."""
        self.counts[reason] += 1
        seen = self.examples.setdefault(reason, [])
        if len(seen) < _EXAMPLES and record not in seen:
            seen.append(record)


#: Yields the records of a file or folder, one at a time; `Losses` is told of what was left out.
#: Raises CorpusError with file and line where the file is not of the format.
Reader = Callable[[Path, Task, Losses], Iterator[Record]]

#: Writes records to a file or folder that appears when all is written; `Losses` is told.
Writer = Callable[[Path, Iterable[Record], Task, Losses], None]


@dataclass(frozen=True, slots=True)
class Form:
    """An exchange format: its name, what it carries, its reader and its writer.

    `suffix` is that of its files, "" where it is a folder; `beside` that of a second file, written
    beside each. `carries` are the parts of a record
    that come back from a round trip; what is not in it is told of as a loss where a record has it.
    """

    name: str
    title: str
    suffix: str
    carries: frozenset[Part]
    read: Reader = field(repr=False)
    write: Writer = field(repr=False)
    beside: str = ""

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return what is written for a path that is no folder."""
        return (path, path.with_suffix(self.beside)) if self.beside else (path,)


def carried(record: Record, task: Task, carries: frozenset[Part], losses: Losses) -> Record:
    """Return what a format that carries these parts keeps of a record; tell `losses` the rest.

    A pair or a fact that is lost counts once each, everything else once a record. Where "id" or
    "text" is not carried, the record keeps its own: what stands for it is the format's affair.

    >>> record = Record("7", "scnm-ja", "京都の秋", "自然", (Pair("地名", "京都", 0, 2),))
    >>> from pointline.format.tasks import task
    >>> carried(record, task("scnm-ja"), frozenset({"id", "pairs", "places"}), Losses()).label
    ''
    """
    if "id" not in carries:
        losses.note(LOST["id"], record.id)
    values: dict[str, Any] = {"id": record.id, "text": record.text, "task": record.task}
    if record.task != task.name and "task" not in carries:
        values["task"] = _without("task", task.name, record, losses, told=bool(record.task))
    for part, empty in (("label", ""), ("meta", {})):
        kept = getattr(record, part)
        if kept and part not in carries:
            kept = _without(part, empty, record, losses)
        values[part] = kept
    pairs = _pairs(record, carries, losses)
    facts = _facts(record, carries, losses)
    values["pairs"] = tuple(pair for _, pair in pairs)
    values["facts"] = tuple(fact for _, fact in facts)
    kept_items = [at for at, _ in pairs] + [len(record.pairs) + at for at, _ in facts]
    return _as_predicted(record, values, kept_items, carries, losses)


def _without(part: str, empty: Any, record: Record, losses: Losses, *, told: bool = True) -> Any:
    if told:
        losses.note(LOST[part], record.id)  # type: ignore[index]
    return empty


# ---------------------------------------------------------------- pairs

_Numbered = list[tuple[int, Pair]]


def _pairs(record: Record, carries: frozenset[Part], losses: Losses) -> _Numbered:
    """Return the pairs that are kept, each with the number that it had in the record."""
    if "pairs" not in carries:
        for _ in record.pairs:
            losses.note(LOST["pairs"], record.id)
        return []
    if "places" not in carries:
        return _by_rule(record, losses)
    pairs = list(enumerate(record.pairs))
    if "unplaced" not in carries:
        pairs = _placed(record, losses)
    if "blank edges" not in carries:
        pairs = _trimmed(record, pairs, losses)
    in_text = sorted(pairs, key=_reading_order)
    if "overlaps" not in carries:
        in_text = _apart(record, in_text, losses)
        kept = {at for at, _ in in_text}
        pairs = [(at, pair) for at, pair in pairs if at in kept]
    if "order" not in carries and pairs != in_text:
        losses.note(LOST["order"], record.id)
        pairs = in_text
    return pairs


def _reading_order(numbered: tuple[int, Pair]) -> tuple[int, int]:
    """Sort by start, the longer first; sorting keeps the order of the same span."""
    _, pair = numbered
    return (-1, 0) if pair.start is None or pair.end is None else (pair.start, -pair.end)


def _by_rule(record: Record, losses: Losses) -> _Numbered:
    """Return the pairs where text.place puts them: what a reader without places can know."""
    places = place(record.text, [pair.entity for pair in record.pairs])
    pairs = []
    for at, (pair, found) in enumerate(zip(record.pairs, places, strict=True)):
        start, end = (found.start, found.end) if found else (None, None)
        ambiguous = bool(found and found.ambiguous)
        if (start, end) != (pair.start, pair.end):
            losses.note(LOST["unplaced" if pair.start is None else "places"], record.id)
        pairs.append((at, Pair(pair.label, pair.entity, start, end, ambiguous)))
    return pairs


def _placed(record: Record, losses: Losses) -> _Numbered:
    places = place(record.text, [pair.entity for pair in record.pairs])
    pairs = []
    for at, (pair, found) in enumerate(zip(record.pairs, places, strict=True)):
        if pair.start is None:
            losses.note(LOST["unplaced"] if found else _NOWHERE, record.id)
            if not found:
                continue
            pair = replace(pair, start=found.start, end=found.end, ambiguous=found.ambiguous)
        pairs.append((at, pair))
    return pairs


def _trimmed(record: Record, pairs: Sequence[tuple[int, Pair]], losses: Losses) -> _Numbered:
    kept = []
    for at, pair in pairs:
        entity = pair.entity.strip()
        if entity != pair.entity:
            losses.note(LOST["blank edges"] if entity else _NOTHING, record.id)
            if not entity:
                continue
            start = pair.start
            if start is not None:
                start += len(pair.entity) - len(pair.entity.lstrip())
            end = None if start is None else start + len(entity)
            pair = Pair(pair.label, entity, start, end, pair.ambiguous)
        kept.append((at, pair))
    return kept


def _apart(record: Record, in_text: Sequence[tuple[int, Pair]], losses: Losses) -> _Numbered:
    """Keep the first pair of those that overlap, of two that begin together the longer one."""
    kept: _Numbered = []
    free_from = 0
    for at, pair in in_text:
        if pair.start is None or pair.end is None or pair.start >= free_from:
            kept.append((at, pair))
            free_from = max(free_from, pair.end or 0)
        else:
            losses.note(LOST["overlaps"], record.id)
    return kept


# ---------------------------------------------------------------- facts and predictions


def _facts(record: Record, carries: frozenset[Part], losses: Losses) -> Sequence[tuple[int, Fact]]:
    numbered = list(enumerate(record.facts))
    if "facts" in carries:
        return numbered
    trims = "blank edges" not in carries
    related = "relations" in carries
    kept = [(at, f) for at, f in numbered if related and _is_relation(f, record.text, trims)]
    for _ in range(len(numbered) - len(kept)):
        losses.note(LOST["facts" if related else "relations"], record.id)
    return kept


def _is_relation(fact: Fact, text: str, trims: bool) -> bool:
    """Say whether it is (head, relation, tail), both of them somewhere in the text."""
    ends = (fact.fields[0], fact.fields[-1])
    in_text = all(end in text and not (trims and end != end.strip()) for end in ends)
    return len(fact.fields) == 3 and in_text


def _as_predicted(
    record: Record,
    values: dict[str, Any],
    kept_items: Sequence[int],
    carries: frozenset[Part],
    losses: Losses,
) -> Record:
    """Return the record, or the prediction with as much of it as is carried."""
    if not isinstance(record, Prediction):
        return Record(**values)
    more: dict[str, Any] = {}
    if "prediction" in carries:
        more = {"completion": record.completion, "repairs": record.repairs, "ok": record.ok}
    elif record.completion is not None or record.repairs or not record.ok:
        losses.note(LOST["prediction"], record.id)
    if "scores" in carries:
        return Prediction(**values, **more, scores=_scores(record, kept_items))
    if record.scores:
        losses.note(LOST["scores"], record.id)
    return Prediction(**values, **more) if "prediction" in carries else Record(**values)


def _scores(record: Prediction, kept_items: Sequence[int]) -> Mapping[str, Any]:
    """Return the scores with those of the items that are kept, in their order."""
    items = record.scores.get("items")
    if not isinstance(items, list | tuple) or len(items) != len(record.items):
        return record.scores
    return {**record.scores, "items": [items[at] for at in kept_items]}
