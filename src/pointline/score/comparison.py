"""Two systems on the same records: which is better, by how much, and how sure one can be.

Both are counted record by record, and the differences of TL, WL and ALL are tested. What the
numbers mean, and when they do not hold, is in docs/scoring.md.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.score.align import Missing
from pointline.score.contingency import mcnemar
from pointline.score.difference import Difference, Discordant, Signs, family, signs
from pointline.score.judge import Completions, Outcome, Rules
from pointline.score.match import outcomes
from pointline.score.randomise import randomised
from pointline.score.report import Match, Protocol
from pointline.score.runs import spread, student, student_quantile
from pointline.score.significance import Interval, Statistic, f1, resampled, share, tails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LEVELS", "Comparison", "Level", "compare", "compare_rows", "row_of"]

Level = Literal["tl", "wl", "all"]

#: What one run brings on one record: TL and WL as matched, gold, predicted; right, 1, label right.
_WIDTH = 9
_RIGHT, _LABEL_RIGHT = 6, 8

#: The statistic of each level, of the sums of such rows.
LEVELS: Mapping[Level, Statistic] = {"tl": f1(0, 1, 2), "wl": f1(3, 4, 5), "all": share(6, 7)}

_Rows = Mapping[tuple[int, ...], int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two systems on the same records, by level; `tasks` holds each task's where there are several.

    `runs` is how many runs the first and the second system have. With several tasks, the p of a
    level are corrected over them, and `signs` counts TL and WL of every task.
    """

    records: int
    runs: tuple[int, int]
    levels: Mapping[Level, Difference]
    alpha: float
    resamples: int
    seed: int
    tasks: Mapping[str, Comparison] = field(default_factory=dict)

    @property
    def tl(self) -> Difference:
        """The difference of text-level F1."""
        return self.levels["tl"]

    @property
    def wl(self) -> Difference:
        """The difference of word-level F1."""
        return self.levels["wl"]

    @property
    def all(self) -> Difference:
        """The difference of ALL."""
        return self.levels["all"]

    @property
    def signs(self) -> Signs:
        """The sign test over TL and WL of every task."""
        parts = list(self.tasks.values()) or [self]
        return signs([found for part in parts for found in (part.tl, part.wl)])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "records": self.records,
            "runs": list(self.runs),
            **{level: found.to_dict() for level, found in self.levels.items()},
            "signs": self.signs._asdict(),
            "alpha": self.alpha,
            "resamples": self.resamples,
            "seed": self.seed,
            "tasks": {name: part.to_dict() for name, part in self.tasks.items()},
        }


def compare(
    gold: Iterable[Record],
    first: Sequence[Iterable[Record]],
    second: Sequence[Iterable[Record]],
    *,
    protocol: Protocol = "pointline",
    match: Match = "string",
    missing: Missing = "error",
    completions: Completions = "raw",
    tasks: Mapping[str, Task] | None = None,
    resamples: int = 10_000,
    level: float = 0.95,
    alpha: float = 0.05,
    seed: int = 0,
) -> Comparison:
    """Compare two systems on the same gold records; each is the list of its runs, one or several.

    Single runs: intervals by the paired bootstrap, p by approximate randomisation. Several runs:
    runs and records are both random (`score.runs`). `gold` is read once for every run. The other
    choices are those of `score`; `alpha` is the p, corrected over tasks, from which there is
    evidence. The answer depends on the seed and the records, not on their order.

    Raises InputError where a run's ids are not those of gold, where one system has several runs
    and the other has one, and as `score` does.

    >>> gold = [Record(str(i), "scnm-zh", "下雨了。", "自然") for i in range(20)]
    >>> worse = [Record(g.id, g.task, g.text, "社会" if int(g.id) < 9 else "自然") for g in gold]
    >>> found = compare(gold, [worse], [gold]).tl
    >>> found.first, found.second, found.discordant.second, str(found.verdict)
    (0.55, 1.0, 9, 'helps')
    """
    runs = len(first), len(second)
    sure = _sure(runs, resamples, level, alpha, seed)
    gold = tuple(gold) if isinstance(gold, Iterator) else gold
    rules = Rules(protocol, match, completions, tasks or {})
    counted = _count(gold, [*first, *second], runs, rules, missing)
    if len(counted) == 1:
        [part] = _corrected({"": _comparison(counted.popitem()[1], sure)}).values()
        return part
    parts = _corrected({name: _comparison(counted[name], sure) for name in sorted(counted)})
    whole = _comparison(sum(counted.values(), Counter()), sure)
    return replace(_corrected({"": whole})[""], tasks=parts)


def compare_rows(
    rows: Mapping[tuple[int, ...], int],
    *,
    runs: tuple[int, int] = (1, 1),
    resamples: int = 10_000,
    level: float = 0.95,
    alpha: float = 0.05,
    seed: int = 0,
) -> Comparison:
    """Compare counts that are made already: how many records brought each row.

    A row has nine counts for each run, the first system's runs before the second's: the label
    matched, in gold, predicted; items matched, in gold, predicted; 1 if all is right; 1; and 1 if
    the label is right, be it that there is none.

    `row_of` makes them of an outcome. Raises InputError as `compare` does for the choices.

    >>> found = compare_rows({(1, 1, 1, 2, 2, 2, 1, 1, 1) * 2: 100})
    >>> found.wl.value, found.wl.p, found.tl.p, found.all.p
    (0.0, 1.0, 1.0, 1.0)
    """
    part = _comparison(rows, _sure(runs, resamples, level, alpha, seed))
    return _corrected({"": part})[""]


def row_of(outcome: Outcome) -> tuple[int, ...]:
    """Return the nine counts that a run brings on one record, as `compare_rows` takes them."""
    same = outcome.predicted.ok and outcome.gold.label == outcome.predicted.label
    return (*outcome.row()[: _WIDTH - 1], int(same))


# ---------------------------------------------------------------- counting


def _count(
    gold: Iterable[Record],
    runs: Sequence[Iterable[Record]],
    split: tuple[int, int],
    rules: Rules,
    missing: Missing,
) -> dict[str, Counter[tuple[int, ...]]]:
    """Return, for each task, how many records brought each row: all runs' counts side by side."""
    rows: dict[tuple[str, str], tuple[int, ...]] = {}
    known: dict[tuple[int, ...], tuple[int, ...]] = {}  # equal rows are one object
    for at, run in enumerate(runs):
        for outcome in _outcomes(gold, run, _name(at, split), rules, missing):
            key = outcome.task, outcome.id
            row = (*rows.get(key, ()), *row_of(outcome))
            rows[key] = known.setdefault(row, row)
    counted: defaultdict[str, Counter[tuple[int, ...]]] = defaultdict(Counter)
    for (task, _), row in rows.items():
        counted[task][row] += 1
    return dict(counted)


def _outcomes(
    gold: Iterable[Record], run: Iterable[Record], name: str, rules: Rules, missing: Missing
) -> Iterator[Outcome]:
    try:
        yield from outcomes(gold, run, rules=rules, missing=missing)
    except InputError as error:
        if type(error) is not InputError:  # the others say where they are from
            raise
        raise InputError(f"{name}: {error}") from error


def _name(at: int, split: tuple[int, int]) -> str:
    side, number = ("first", at) if at < split[0] else ("second", at - split[0])
    return f"the {side} system" + (f", run {number + 1}" if max(split) > 1 else "")


# ---------------------------------------------------------------- testing


class _Sure(NamedTuple):
    runs: tuple[int, int]
    resamples: int
    level: float
    alpha: float
    seed: int


def _sure(runs: tuple[int, int], resamples: int, level: float, alpha: float, seed: int) -> _Sure:
    if not min(runs) or (min(runs) == 1 and max(runs) > 1):
        raise InputError(
            f"one run of each system is compared, or several of each, got {runs[0]} and {runs[1]}"
        )
    if resamples < 1 or not 0 < level < 1 or not 0 < alpha < 1:
        raise InputError(
            "a comparison needs one resample or more, and a level and an alpha between 0 and 1,"
            f" got resamples={resamples}, level={level}, alpha={alpha}"
        )
    return _Sure(runs, resamples, level, alpha, seed)


class _Side(NamedTuple):
    """One system's values: of the records as they are (runs,), and drawn (resamples, runs)."""

    seen: NDArray[np.float64]
    drawn: NDArray[np.float64]


def _comparison(rows: _Rows, sure: _Sure) -> Comparison:
    sides = _sides(rows, sure)
    if sure.runs == (1, 1):
        p = randomised(rows, LEVELS, resamples=sure.resamples, seed=sure.seed)
        levels = {
            level: _of_single_runs(*sides[level], p[level], _discordant(rows, level), sure)
            for level in LEVELS
        }
    else:
        levels = {level: _of_several_runs(*sides[level], sure) for level in LEVELS}
    records = sum(rows.values())
    return Comparison(records, sure.runs, levels, sure.alpha, sure.resamples, sure.seed)


def _sides(rows: _Rows, sure: _Sure) -> dict[Level, tuple[_Side, _Side]]:
    """Return both systems' values at each level, all levels and runs on the same resamples."""
    import numpy as np

    table = np.array(list(rows), dtype=np.float64)
    total = np.array(list(rows.values()), dtype=np.float64) @ table
    seen = _values(total[None])
    chunks = [_values(sums) for sums in resampled(rows, sure.resamples, sure.seed)]
    cut = sure.runs[0]
    found: dict[Level, tuple[_Side, _Side]] = {}
    for level in LEVELS:
        drawn = np.concatenate([chunk[level] for chunk in chunks])
        now = seen[level][0]
        found[level] = (_Side(now[:cut], drawn[:, :cut]), _Side(now[cut:], drawn[:, cut:]))
    return found


def _values(sums: NDArray[np.float64]) -> dict[Level, NDArray[np.float64]]:
    """Return each level's values, (resamples, runs)."""
    import numpy as np

    blocks = np.split(sums, sums.shape[1] // _WIDTH, axis=1)
    return {level: np.stack([of(one) for one in blocks], axis=1) for level, of in LEVELS.items()}


def _of_single_runs(
    first: _Side, second: _Side, p: float, discordant: Discordant | None, sure: _Sure
) -> Difference:
    import numpy as np

    apart = (second.drawn - first.drawn)[:, 0]
    low, high = np.quantile(apart, [(1 - sure.level) / 2, (1 + sure.level) / 2])
    return Difference(
        float(first.seen[0]),
        float(second.seen[0]),
        Interval(float(low), float(high), sure.level),
        p,
        bootstrap=tails(apart),
        discordant=discordant,
    )


def _of_several_runs(first: _Side, second: _Side, sure: _Sure) -> Difference:
    means = float(first.seen.mean()), float(second.seen.mean())
    value = means[1] - means[0]
    found = spread((first.seen, second.seen), (first.drawn, second.drawn))
    if not found.deviation:
        p, half = 1.0 if value == 0 else 1 / (1 + sure.resamples), 0.0
    else:
        p = student(value / found.deviation, found.freedom)
        half = student_quantile(sure.level, found.freedom) * found.deviation
    return Difference(*means, Interval(value - half, value + half, sure.level), p, spread=found)


def _discordant(rows: _Rows, level: Level) -> Discordant | None:
    if level == "wl":
        return None
    at = _LABEL_RIGHT if level == "tl" else _RIGHT
    only = [0, 0]
    for row, count in rows.items():
        if row[at] != row[_WIDTH + at]:
            only[row[_WIDTH + at]] += count
    return Discordant(only[0], only[1], mcnemar(*only))


def _corrected(parts: Mapping[str, Comparison]) -> dict[str, Comparison]:
    """Return the parts, each level's p corrected over them."""
    alpha = next(iter(parts.values())).alpha
    of_level = {
        level: family({name: part.levels[level] for name, part in parts.items()}, alpha=alpha)
        for level in LEVELS
    }
    return {
        name: replace(part, levels={level: of_level[level][name] for level in LEVELS})
        for name, part in parts.items()
    }
