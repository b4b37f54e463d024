"""What a verbalizer study found: scores with intervals, paired tests, the published table beside.

Nothing is tested here: `score.compare` does that. The interval of a condition with several runs is
that of its difference from a system which never answers, whose F1 is 0 whatever the records and
runs; of a single run it is Wilson's, of the share of right labels that TL F1 is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from pointline.corpus import store
from pointline.errors import InputError
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task
from pointline.score.comparison import compare
from pointline.score.contingency import wilson
from pointline.score.difference import Difference, Signs, family, signs
from pointline.score.significance import Interval
from pointline.score.tables import NONE, Table
from pointline.study import paper
from pointline.study.judged import derived
from pointline.study.results import Run, Study
from pointline.study.verbalizer.plan import condition, method_of

__all__ = ["Findings", "Value", "beside_paper", "find", "pivot", "tests", "values"]


@dataclass(frozen=True, slots=True)
class Value:
    """TL F1 of a verbalizer under a method on a dataset: the mean of its runs, in [0, 1].

    `interval` is over records and runs together (`score.runs`), of a single run over records.
    `macro` is the mean F1 of the classes, `words` the mean number of label words of a class.
    """

    dataset: str
    verbalizer: str
    method: str
    runs: int
    f1: float
    interval: Interval
    macro: float
    words: float

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "dataset": self.dataset,
            "verbalizer": self.verbalizer,
            "method": self.method,
            "runs": self.runs,
            "f1": self.f1,
            "interval": [self.interval.low, self.interval.high],
            "macro": self.macro,
            "words": self.words,
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """All of a study's values, and the differences of its verbalizers by method and pair.

    `differences` maps (method, first, second) to the difference on each dataset, p corrected over
    the datasets. `common` is the share of the most frequent class among the test records: what
    always naming it would score. `circular` are the datasets whose labels a rule made from their
    items. `missing` is how many runs are not finished.
    """

    datasets: Mapping[str, Task]
    common: Mapping[str, float]
    values: tuple[Value, ...]
    differences: Mapping[tuple[str, str, str], Mapping[str, Difference]]
    circular: frozenset[str] = frozenset()
    missing: int = 0

    def signs(self, key: tuple[str, str, str]) -> Signs:
        """Return the sign test of a pair of verbalizers over the datasets."""
        return signs(self.differences[key].values())

    def value(self, dataset: str, verbalizer: str, method: str) -> Value | None:
        """Return one value, None where no run is finished."""
        asked = (dataset, verbalizer, method)
        return next((v for v in self.values if (v.dataset, v.verbalizer, v.method) == asked), None)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods with a finished run, in the order of the plan."""
        return tuple(dict.fromkeys(value.method for value in self.values))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "missing": self.missing,
            "circular": sorted(self.circular),
            "common": dict(self.common),
            "values": [value.to_dict() for value in self.values],
            "differences": [
                {
                    "method": method,
                    "first": first,
                    "second": second,
                    "signs": self.signs((method, first, second))._asdict(),
                    "datasets": {name: one.to_dict() for name, one in found.items()},
                }
                for (method, first, second), found in self.differences.items()
            ],
        }


def find(
    study: Study,
    *,
    resamples: int = 10_000,
    alpha: float = 0.05,
    seed: int = 0,
    told: Callable[[int, int], None] | None = None,
) -> Findings:
    """Return what a study found, of the runs that are finished.

    Two verbalizers are compared under the same method, over the seeds that both have finished; one
    with a single run, as nothing is drawn in it, stands against each run of the other.

    Raises InputError where no run is finished, and as `score.compare` does.
    """
    sure = _Sure(resamples, alpha, seed)
    verbalizers = _ordered(study.plan.settings["verbalizers"])
    names = dict.fromkeys(method_of(run.condition)[1] for run in study.plan.runs)
    found: list[Value] = []
    raw: dict[tuple[str, str, str], dict[str, Difference]] = {}
    for at, dataset in enumerate(study.datasets):
        judge = _Judge(study, dataset, sure)
        for method in names:
            found += filter(
                None, (judge.value(name, method) for name in study.plan.settings["verbalizers"])
            )
            for first, second in combinations(verbalizers, 2):
                one = judge.difference(first, second, method)
                if one is not None:
                    raw.setdefault((method, first, second), {})[dataset] = one
        if told:
            told(at + 1, len(study.datasets))
    if not found:
        raise InputError(f"{study.folder}: no run is finished: run the study on")
    gold = {name: records for name, (_, records) in study.datasets.items()}
    return Findings(
        {name: task for name, (task, _) in study.datasets.items()},
        {name: _common(records) for name, records in gold.items()},
        tuple(found),
        {key: family(pairs, alpha=alpha) for key, pairs in raw.items()},
        frozenset(
            name for name, (task, records) in study.datasets.items()
            if "labels" in derived(task.lang, records)
        ),
        len(study.missing),
    )  # fmt: skip


def _ordered(verbalizers: Sequence[str]) -> list[str]:
    """Return the verbalizers, those with the items' words last: they are what is asked about."""
    return sorted(verbalizers, key=lambda name: "items" in name)


def _common(records: Sequence[Record]) -> float:
    labels = [record.label for record in records]
    return max(map(labels.count, set(labels))) / len(labels)


@dataclass(frozen=True, slots=True)
class _Sure:
    resamples: int
    alpha: float
    seed: int


class _Judge:
    """The runs of one dataset, compared with each other and with silence."""

    def __init__(self, study: Study, dataset: str, sure: _Sure) -> None:
        self._study, self._dataset, self._sure = study, dataset, sure
        self._task, self._gold = study.datasets[dataset]
        self._silence = [Prediction(record.id, record.task, record.text) for record in self._gold]
        self._read: dict[str, list[Record]] = {}

    def _runs(self, verbalizer: str, method: str) -> list[Run]:
        return self._study.runs(self._dataset, condition(verbalizer, method))

    def _planned(self, verbalizer: str, method: str) -> int:
        asked = self._dataset, condition(verbalizer, method)
        return sum((run.dataset, run.condition) == asked for run in self._study.plan.runs)

    def value(self, verbalizer: str, method: str) -> Value | None:
        runs = self._runs(verbalizer, method)
        if not runs:
            return None
        found = self._compare([self._silence] * len(runs), list(map(self._predictions, runs)))
        around = found.interval
        if len(runs) == 1:  # a bootstrap of nothing but right answers has no width
            around = wilson(round(found.second * len(self._gold)), len(self._gold))
        ends = max(0.0, around.low), min(1.0, around.high)
        return Value(
            self._dataset, verbalizer, method, len(runs), found.second,
            Interval(*ends, around.level),
            macro=fmean(run.metrics["macro"] for run in runs),
            words=fmean(fmean(run.metrics["words"].values()) for run in runs),
        )  # fmt: skip

    def difference(self, first: str, second: str, method: str) -> Difference | None:
        sides = [
            {run.seed: self._predictions(run) for run in self._runs(name, method)}
            for name in (first, second)
        ]
        seeds = sorted(set().union(*sides))
        for at, name in enumerate((first, second)):
            if sides[at] and self._planned(name, method) == 1:  # nothing is drawn in it
                [same] = sides[at].values()
                sides[at] = dict.fromkeys(seeds, same)
        shared = sorted(set(sides[0]) & set(sides[1]))
        if not shared:
            return None
        return self._compare(*([side[seed] for seed in shared] for side in sides))

    def _compare(
        self, first: Sequence[Sequence[Record]], second: Sequence[Sequence[Record]]
    ) -> Difference:
        return compare(
            self._gold, first, second, tasks={self._task.name: self._task},
            resamples=self._sure.resamples, alpha=self._sure.alpha, seed=self._sure.seed,
        ).tl  # fmt: skip

    def _predictions(self, run: Run) -> list[Record]:
        if run.planned.id not in self._read:
            self._read[run.planned.id] = store.read_records(run.predictions)
        return self._read[run.planned.id]


# ---------------------------------------------------------------- tables


def values(findings: Findings) -> Table:
    """Return the TL F1 of every dataset, method and verbalizer, with its interval."""
    rows = [
        (
            one.dataset, one.method, one.verbalizer, _percent(one.f1),
            f"[{_percent(one.interval.low)}, {_percent(one.interval.high)}]",
            _percent(one.macro), _percent(findings.common[one.dataset]),
            str(one.runs), f"{one.words:.0f}",
        )
        for one in findings.values
    ]  # fmt: skip
    headers = (
        "dataset", "method", "verbalizer", "TL F1", "95 % interval", "macro F1",
        "largest class", "runs", "words a class",
    )  # fmt: skip
    return Table(headers, tuple(rows))


def pivot(findings: Findings) -> Table:
    """Return the mean TL F1 of every verbalizer, a row for each dataset and method."""
    verbalizers = tuple(dict.fromkeys(value.verbalizer for value in findings.values))
    rows: list[tuple[str, ...]] = []
    best: set[tuple[int, int]] = set()
    for dataset in findings.datasets:
        for method in findings.methods:
            found = [findings.value(dataset, name, method) for name in verbalizers]
            cells = [NONE if one is None else _percent(one.f1) for one in found]
            most = max((one.f1 for one in found if one is not None), default=None)
            best |= {
                (len(rows), at + 2)
                for at, one in enumerate(found)
                if one is not None and one.f1 == most
            }
            rows.append((dataset, method, *cells, _percent(findings.common[dataset])))
    headers = ("dataset", "method", *verbalizers, "largest class")
    return Table(headers, tuple(rows), frozenset(best if len(verbalizers) > 1 else ()))


def tests(findings: Findings) -> Table:
    """Return the differences of verbalizers under each method: second minus first, in points."""
    rows = [
        (
            method, f"{second} - {first}", dataset, f"{100 * one.value:+.2f}",
            f"[{100 * one.interval.low:+.2f}, {100 * one.interval.high:+.2f}]",
            _p(one.p), _p(one.holm), one.verdict.value,
        )
        for (method, first, second), found in findings.differences.items()
        for dataset, one in found.items()
    ]  # fmt: skip
    headers = ("method", "of", "dataset", "difference", "interval", "p", "Holm", "verdict")
    return Table(headers, tuple(rows))


def beside_paper(findings: Findings) -> Table:
    """Return the papers' numbers with ours beside them, a row for each method of a counterpart.

    "origin" are label words of a chat model, which ours of "related" stand for; "items" the most
    frequent words of the items. A dash is where a paper or our study has no number.
    """
    rows = [
        (name, row.dataset, *published, method, *_ours(findings, name, method))
        for name, task in findings.datasets.items()
        for row, *published in _counterparts(task)
        for method in findings.methods
    ]
    headers = (
        "dataset", "in the papers", "MMM origin", "MMM items", "Flow W/O KV", "Flow KV",
        "our method", "our related", "our items", "items - related",
    )  # fmt: skip
    return Table(headers, tuple(rows))


def _counterparts(task: Task) -> Iterator[tuple[Any, ...]]:
    """Yield the row of MMM, Table 3, and all published numbers beside a task; none without one."""

    def beside(name: paper.Paper) -> paper.Verbalizer | None:
        return next(
            (
                row
                for row in paper.verbalizer(name)
                if row.lang == task.lang and task.family in paper.DATASETS[row.dataset]
            ),
            None,
        )

    mmm, flow = beside("mmm"), beside("flow")
    if mmm is not None:
        printed = [f"{mmm.origin:.2f}", f"{mmm.words:.2f}"]
        printed += [NONE, NONE] if flow is None else [f"{flow.origin:.2f}", f"{flow.words:.2f}"]
        yield mmm, *printed


def _ours(findings: Findings, dataset: str, method: str) -> tuple[str, str, str]:
    found = [_first(findings, dataset, method, kind) for kind in ("related", "items")]
    cells = [NONE if one is None else _percent(one.f1) for one in found]
    related, items = found
    apart = NONE if related is None or items is None else f"{100 * (items.f1 - related.f1):+.2f}"
    return cells[0], cells[1], apart


def _first(findings: Findings, dataset: str, method: str, kind: str) -> Value | None:
    """Return the value of the study's first verbalizer of a kind: related and related:FILE."""
    for one in findings.values:
        named = one.verbalizer == kind or one.verbalizer.startswith(f"{kind}:")
        if named and (one.dataset, one.method) == (dataset, method):
            return one
    return None


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def _p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"
