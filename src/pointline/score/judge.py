"""One record against one prediction: what each side says, and what of it is the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from pointline.errors import FormatError, InputError, RecordError
from pointline.format import codec, tasks
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task
from pointline.score.report import Counts, Match, Protocol, Share

__all__ = ["COLUMNS", "Outcome", "Row", "Rules", "Side", "judge"]

Completions = Literal["raw", "rewritten"]
Item = tuple[Hashable, ...]
#: What an item is: a parsed item, a placed pair (label, start, end), a piece of Algorithm 1, or
#: the one whole string that Algorithm 1 makes of facts.
View = Literal["item", "place", "piece", "whole"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How two sides are compared (docs/scoring.md).

    `protocol` "pointline" compares parsed records, "paper" the sets that Algorithm 1 of the MMM
    paper (Appendix G) finds in strings. `match` says whether two pairs are the same by label and
    entity or by label and place. `completions="rewritten"` makes the paper protocol write every
    prediction anew in the papers' form instead of taking its raw completion. `tasks` are tasks
    by name that go before the table, such as a manifest's.

    Raises InputError for an unknown choice, offsets in the paper protocol, which has none, or
    completions rewritten in the pointline protocol, which parses records.
    """

    protocol: Protocol = "pointline"
    match: Match = "string"
    completions: Completions = "raw"
    tasks: Mapping[str, Task] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _choose("protocol", self.protocol, ("pointline", "paper"))
        _choose("match", self.match, ("string", "offset"))
        _choose("completions", self.completions, ("raw", "rewritten"))
        if self.protocol == "paper" and self.match == "offset":
            raise InputError("the paper protocol compares strings: leave match='offset' out")
        if self.protocol == "pointline" and self.completions == "rewritten":
            raise InputError(
                "completions='rewritten' is of the paper protocol: add protocol='paper'"
            )

    def task(self, name: str) -> Task | None:
        """Return the task of that name, or None where neither `tasks` nor the table has it."""
        return self.tasks.get(name) or tasks.TASKS.get(name)


class Row(NamedTuple):
    """What one record adds to the counts of a report."""

    tl_matched: int
    tl_gold: int
    tl_predicted: int
    wl_matched: int
    wl_gold: int
    wl_predicted: int
    right: int
    records: int
    offset_matched: int
    offset_gold: int
    offset_predicted: int
    offset_records: int


#: Column number by name.
COLUMNS: Mapping[str, int] = {name: at for at, name in enumerate(Row._fields)}


class Side(NamedTuple):
    """What one side says of a text: a label ("" is none) and a set of items."""

    label: str = ""
    items: frozenset[Item] = frozenset()
    ok: bool = True


_NOTHING = Side(ok=False)


class Outcome(NamedTuple):
    """One gold record compared with its prediction.

    `view` says what an item is here. `placed` holds both sides' (label, start, end), where both
    have places. `accepted` tells whether strict reading takes the completion (None: there is no
    completion, or its task is unknown); `entities` how many predicted entities the text holds.
    """

    id: str
    task: str
    gold: Side
    predicted: Side
    view: View = "item"
    placed: tuple[frozenset[Item], frozenset[Item]] | None = None
    accepted: bool | None = None
    entities: Share = Share()
    repairs: tuple[str, ...] = ()
    missing: bool = False

    @property
    def tl(self) -> Counts:
        """The label as counts: no label on a side counts 0 on that side."""
        return Counts(*self.row()[:3])

    @property
    def wl(self) -> Counts:
        """The items as counts of sets."""
        return Counts(*self.row()[3:6])

    @property
    def offset(self) -> Counts | None:
        """The pairs by their places as counts; None where a side has none."""
        return None if self.placed is None else Counts(*self.row()[8:11])

    @property
    def right(self) -> bool:
        """Whether the label and the whole set of items are right; never without a reading."""
        return self.predicted.ok and self.gold == self.predicted

    def row(self) -> Row:
        """Return what this record adds to the counts."""
        gold, predicted = self.gold, self.predicted
        there, here = self.placed or (frozenset(), frozenset())
        return Row(
            int(gold.label == predicted.label != ""),
            int(gold.label != ""),
            int(predicted.label != ""),
            len(gold.items & predicted.items),
            len(gold.items),
            len(predicted.items),
            int(self.right),
            1,
            len(there & here),
            len(there),
            len(here),
            int(self.placed is not None),
        )

    def label_of(self, item: Item) -> str:
        """Return the label under which an item is counted: a fact's is its second field."""
        return str(item[1] if self.view == "item" and len(item) > 2 else item[0])

    def to_dict(self) -> dict[str, Any]:
        """Return a line for a log of single records, as JSON-ready values."""
        items = {
            "matched": self.gold.items & self.predicted.items,
            "missed": self.gold.items - self.predicted.items,
            "spurious": self.predicted.items - self.gold.items,
        }
        return {
            "id": self.id,
            "task": self.task,
            "label": {"gold": self.gold.label, "predicted": self.predicted.label},
            "items": {name: sorted(map(list, found), key=repr) for name, found in items.items()},
            "right": self.right,
            "ok": self.predicted.ok,
            "missing": self.missing,
            "row": self.row()._asdict(),
        }


def judge(gold: Record, predicted: Record | None, rules: Rules | None = None) -> Outcome:
    """Compare one prediction with its gold record; None is a prediction that is missing.

    A prediction whose `ok` is False says nothing: no label, no items.

    Raises InputError where offsets are asked for and a side lacks them, TaskError where the paper
    protocol meets an unknown task, RecordError where gold has items of the wrong shape.

    >>> from pointline.format.record import Pair
    >>> gold = Record("1", "scnm-zh", "鲁迅生于绍兴。", "社会", (Pair("人名", "鲁迅"),))
    >>> judge(gold, Record("1", "scnm-zh", "鲁迅生于绍兴。", "社会")).wl
    Counts(matched=0, gold=1, predicted=0)
    """
    rules = rules or Rules()
    task = rules.task(gold.task)
    readable = predicted if predicted is not None and getattr(predicted, "ok", True) else None
    placed, view = None, _view(rules, task)
    if rules.protocol == "paper":
        sides = _sides_by_algorithm_1(gold, predicted, task or tasks.task(gold.task), rules)
    else:
        placed = _placed(gold, readable, task)
        sides = _sides(gold, readable)
    if view == "place":
        sides = _sides_by_place(gold, sides, placed)
    return Outcome(
        id=gold.id,
        task=gold.task,
        gold=sides[0],
        predicted=sides[1],
        view=view,
        placed=placed,
        accepted=_accepted(predicted, task, gold.text),
        entities=_entities(gold, readable),
        repairs=predicted.repairs if isinstance(predicted, Prediction) else (),
        missing=predicted is None,
    )


# ---------------------------------------------------------------- the two protocols


def _view(rules: Rules, task: Task | None) -> View:
    if rules.protocol == "paper":
        return "whole" if task is not None and task.shape == "facts" else "piece"
    return "place" if rules.match == "offset" else "item"


def _sides(gold: Record, predicted: Record | None) -> tuple[Side, Side]:
    reference = Side(gold.label, _items(gold))
    return reference, _NOTHING if predicted is None else Side(predicted.label, _items(predicted))


def _items(record: Record) -> frozenset[Item]:
    """Return `Record.items` as a set; most of scoring is this."""
    items: list[Item] = [(pair.label, pair.entity) for pair in record.pairs]
    items += [fact.fields for fact in record.facts]
    return frozenset(items)


def _sides_by_place(
    gold: Record, sides: tuple[Side, Side], placed: tuple[frozenset[Item], frozenset[Item]] | None
) -> tuple[Side, Side]:
    if placed is None:
        raise InputError(
            f"record {gold.id!r}: match='offset' needs pairs, and a place for each of them on both"
            " sides; score it with match='string'"
        )
    return sides[0]._replace(items=placed[0]), sides[1]._replace(items=placed[1])


def _sides_by_algorithm_1(
    gold: Record, predicted: Record | None, task: Task, rules: Rules
) -> tuple[Side, Side]:
    written = codec.write(gold, task, mode="paper")
    reference = _read(written, task)
    completion = _completion(predicted, task, rules)
    if completion is None:
        return reference, _NOTHING
    return reference, reference if completion == written else _read(completion, task)


def _completion(predicted: Record | None, task: Task, rules: Rules) -> str | None:
    if predicted is None:
        return None
    completion = _raw(predicted)
    if completion is not None and rules.completions == "raw":
        return completion
    wrong_shape = predicted.facts if task.shape == "pairs" else predicted.pairs
    if wrong_shape or not getattr(predicted, "ok", True):
        return None
    return codec.write(predicted, task, mode="paper")


def _read(completion: str, task: Task) -> Side:
    reading = codec.read(completion, task, mode="paper")
    return Side(reading.label, frozenset(reading.items), reading.ok)


# ---------------------------------------------------------------- places


def _placed(
    gold: Record, predicted: Record | None, task: Task | None
) -> tuple[frozenset[Item], frozenset[Item]] | None:
    """Return both sides' pairs as (label, start, end), or None where a side does not have them.

    A predicted entity that is not in the text has no place to give: it stays, and matches nothing.
    """
    if gold.facts or (task is not None and task.shape == "facts"):
        return None
    reference = frozenset([(pair.label, pair.start, pair.end) for pair in gold.pairs])
    if any([start is None for _, start, _ in reference]):  # noqa: C419 - a list is faster here
        return None
    places: list[Item] = []
    for pair in () if predicted is None else predicted.pairs:
        if pair.start is not None:
            places.append((pair.label, pair.start, pair.end))
        elif pair.entity in gold.text:
            return None
        else:
            places.append((pair.label, None, pair.entity))
    return reference, frozenset(places)


# ---------------------------------------------------------------- beside the scores


def _accepted(predicted: Record | None, task: Task | None, text: str) -> bool | None:
    if predicted is None or task is None:
        return None
    completion = _raw(predicted)
    if completion is None:
        return None
    try:
        # what `write` writes is well formed, and writing is ten times as fast as reading
        if completion == codec.write(predicted, task, places=False):
            return True
    except RecordError:
        pass  # items of the other shape cannot be written; the completion decides
    try:
        codec.read(completion, task, text)
    except FormatError:
        return False
    return True


def _entities(gold: Record, predicted: Record | None) -> Share:
    if predicted is None:
        return Share()
    entities = [pair.entity for pair in predicted.pairs]
    for fact in predicted.facts:
        entities += (fact.fields[0], *fact.fields[2:])
    return Share(len([entity for entity in entities if entity in gold.text]), len(entities))


def _raw(predicted: Record) -> str | None:
    return predicted.completion if isinstance(predicted, Prediction) else None


def _choose(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {' or '.join(map(repr, choices))}, got {value!r}")
