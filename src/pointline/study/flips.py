"""Records on which a condition answers otherwise than the level alone: counts, and examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointline.format.record import Record
from pointline.score.judge import Outcome, Side
from pointline.study.question import Level

__all__ = ["Flip", "Flips", "Outcomes", "Shown", "flips", "nothing_shown"]

#: One run's outcomes, by the ids of the records.
Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Flip:
    """A record that became better or worse, with the answers of one pair of runs.

    `flipped` says in how many of the `runs` pairs it went from wrong to right (`better`) or back;
    0 is a record of which no answer is wholly right in one of the two, but more or less of it.
    `shown` is what the condition showed beside the text, None where it showed nothing.
    """

    record: Record
    level: Level
    better: bool
    flipped: int
    runs: int
    without: Side
    given: Side
    shown: Record | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "id": self.record.id,
            "task": self.record.task,
            "text": self.record.text,
            "better": self.better,
            "flipped": self.flipped,
            "runs": self.runs,
            "shown": None if self.shown is None else self._part(self.shown, other=True),
            "gold": self._part(self.record),
            "without": _said(self.without, self.level),
            "given": _said(self.given, self.level),
        }

    def _part(self, record: Record, *, other: bool = False) -> Any:
        return record.label if (self.level == "tl") != other else [list(i) for i in record.items]


@dataclass(frozen=True, slots=True)
class Flips:
    """How many answers went from wrong to right and back, over all pairs of runs, and examples.

    Right is the whole level of a record: its label, or its whole set of items.
    """

    better: int
    worse: int
    answers: int
    examples: tuple[Flip, ...] = ()


#: What the second run of a pair was shown of a record: by the pair's place, and the record's id.
Shown = Callable[[int, str], Record | None]


def nothing_shown(at: int, id: str) -> Record | None:  # noqa: ARG001
    """Return None: what stands for a condition that shows the text alone."""
    return None


def flips(
    gold: Sequence[Record],
    pairs: Sequence[tuple[Outcomes, Outcomes]],
    level: Level,
    *,
    shown: Shown = nothing_shown,
    examples: int = 3,
) -> Flips:
    """Count the flips of pairs of runs, and pick `examples` of each direction.

    Examples are the records that flipped in most pairs of runs; of those the ones that changed
    most, then short texts.
    """
    changes = [_change(record, pairs, level) for record in gold]
    picked = []
    for better in (True, False):
        moved = [one for one in changes if one.moved and (one.moved > 0) is better]
        for one in sorted(moved, key=_Change.order)[:examples]:
            first, second = (run[one.record.id].predicted for run in pairs[one.at])
            flipped = one.gained if better else one.lost
            beside = shown(one.at, one.record.id)
            picked.append(
                Flip(one.record, level, better, flipped, len(pairs), first, second, beside)
            )
    return Flips(
        better=sum(one.gained for one in changes),
        worse=sum(one.lost for one in changes),
        answers=len(gold) * len(pairs),
        examples=tuple(picked),
    )


@dataclass(frozen=True, slots=True)
class _Change:
    """What became of one record: `at` is the pair of runs in which it changed most.

    `moved` is above 0 for the better: pairs of runs in which it flipped, then by how much its F1
    changed.
    """

    record: Record
    gained: int
    lost: int
    change: float
    at: int

    @property
    def moved(self) -> float:
        return (self.gained - self.lost) or self.change

    def order(self) -> tuple[int, float, int, str]:
        net = abs(self.gained - self.lost)
        return -net, -abs(self.change), len(self.record.text), self.record.id


def _change(record: Record, pairs: Sequence[tuple[Outcomes, Outcomes]], level: Level) -> _Change:
    found = [tuple(_grade(run[record.id], level) for run in pair) for pair in pairs]
    gained = len([1 for first, second in found if second == 1 > first])
    lost = len([1 for first, second in found if first == 1 > second])
    steps = [second - first for first, second in found]
    change = sum(steps) / len(steps)
    sign = (gained - lost) or change
    at = max(range(len(steps)), key=lambda pair: (steps[pair] * sign, -pair))
    return _Change(record, gained, lost, change, at)


def _grade(outcome: Outcome, level: Level) -> float:
    """Return how right an answer is: 1 is all of it."""
    gold, predicted = outcome.gold, outcome.predicted
    if not predicted.ok:
        return 0.0
    if level == "tl":
        return float(gold.label == predicted.label)
    both = len(gold.items) + len(predicted.items)
    return 2 * len(gold.items & predicted.items) / both if both else 1.0


def _said(side: Side, level: Level) -> Any:
    if not side.ok:
        return None
    return side.label if level == "tl" else sorted(map(list, side.items))
