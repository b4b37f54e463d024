"""What a study found: every question asked of every sub-dataset, with its statistics.

Each run is judged once. Two conditions are compared over the seeds that both have finished, by
`score.comparison`; p is corrected over the sub-datasets that a question was asked of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple

from pointline.corpus import store
from pointline.corpus.sources import SOURCES
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.score.comparison import Comparison, compare_rows, row_of
from pointline.score.difference import Difference, Signs, detectable, family, mutual, signs
from pointline.score.judge import Outcome, Row, Rules
from pointline.score.match import outcomes
from pointline.score.report import Counts
from pointline.study import paper
from pointline.study.condition import CONDITIONS, PAPER_CONDITIONS
from pointline.study.flips import Flips, Outcomes, flips, nothing_shown
from pointline.study.plan import PlannedRun
from pointline.study.question import (
    DESIGNS,
    GOLD,
    QUESTIONS,
    SHOWN,
    Design,
    Level,
    Question,
    asked,
)
from pointline.study.results import Run, Study

__all__ = ["Finding", "Findings", "Subset", "find"]


@dataclass(frozen=True, slots=True)
class Subset:
    """A sub-dataset of a study, and what the papers print where it stands.

    `derived` names the levels ("labels", "items") that a rule made from other annotation. `scores`
    holds, for each condition, every finished run's TL, WL and ALL, as far as the condition has
    them.
    """

    name: str
    task: Task
    train: int
    test: int
    derived: frozenset[str]
    scores: Mapping[str, Mapping[int, Mapping[str, float]]]
    mmm: paper.Ablation | None = None
    flow: paper.Ablation | None = None

    @property
    def circular(self) -> bool:
        """Whether the text label was made from the items: then each level tells the other."""
        return "labels" in self.derived

    def published(self, level: Level) -> float | None:
        """Return the difference that the MMM paper prints, in [-1, 1]; None where it has none."""
        if self.mmm is None:
            return None
        return (self.mmm.wl_gain if level == "wl" else self.mmm.tl_gain) / 100

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "task": self.task.to_dict(),
            "train": self.train,
            "test": self.test,
            "derived": sorted(self.derived),
            "circular": self.circular,
            "scores": {
                name: {str(seed): dict(values) for seed, values in runs.items()}
                for name, runs in self.scores.items()
            },
            "mmm": None if self.mmm is None else asdict(self.mmm),
            "flow": None if self.flow is None else asdict(self.flow),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """A question's answer on one sub-dataset.

    `seeds` are those of the pairs of runs that were compared. `labels` has the counts of each label
    without and with, summed over the runs, those frequent in gold first. `smallest` is the true
    difference that such a comparison finds four times in five: with p as it is, and with p
    corrected as the smallest p of its family is. `by_protocol` are the two F1 under the paper's
    protocol, None where they were not asked for.
    """

    dataset: str
    question: Question
    difference: Difference
    seeds: tuple[int, ...]
    labels: Mapping[str, tuple[Counts, Counts]]
    flips: Flips
    smallest: tuple[float | None, float | None] = (None, None)
    by_protocol: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "dataset": self.dataset,
            "question": self.question.name,
            "level": self.question.level,
            "conditions": [self.question.without, self.question.given],
            "seeds": list(self.seeds),
            **self.difference.to_dict(),
            "smallest": list(self.smallest),
            "by_protocol": None if self.by_protocol is None else list(self.by_protocol),
            "labels": {
                label: [counts.to_dict() for counts in both] for label, both in self.labels.items()
            },
            "flips": {
                "better": self.flips.better,
                "worse": self.flips.worse,
                "answers": self.flips.answers,
                "examples": [one.to_dict() for one in self.flips.examples],
            },
        }


@dataclass(frozen=True, slots=True)
class Findings:
    """All of a study's answers: `found` by question and sub-dataset, as far as runs are finished.

    `together` has for the paper's two questions the difference over all records of all sub-datasets
    that are not circular and have as many runs: there each record, or item, weighs the same.
    `planned` is how many runs there are in the plan, `missing` those that are not finished.
    """

    settings: Mapping[str, Any]
    subsets: Mapping[str, Subset]
    found: Mapping[Question, Mapping[str, Finding]]
    together: Mapping[Question, Difference]
    missing: tuple[PlannedRun, ...]
    planned: int
    alpha: float
    resamples: int
    seed: int

    def of(self, level: Level, design: Design = "gold") -> Mapping[str, Finding]:
        """Return the answers to a question by sub-dataset, empty where it was not asked."""
        return self.found.get(asked(level, design), {})

    def both(self, design: Design = "gold") -> tuple[str, ...]:
        """Return the sub-datasets on which both directions of a design were compared."""
        second = self.of("tl", design)
        return tuple(name for name in self.of("wl", design) if name in second)

    def mutual(self, design: Design = "gold") -> tuple[str, ...]:
        """Return the sub-datasets on which both directions help."""
        first, second = self.of("wl", design), self.of("tl", design)
        return tuple(
            name
            for name in self.both(design)
            if mutual(first[name].difference, second[name].difference)
        )

    def rises(self, design: Design = "gold", *, circular: bool = True) -> tuple[int, int]:
        """Return on how many sub-datasets both directions rise, and of how many."""
        first, second = self.of("wl", design), self.of("tl", design)
        told = [
            first[name].difference.value > 0 < second[name].difference.value
            for name in self.both(design)
            if circular or not self.subsets[name].circular
        ]
        return sum(told), len(told)

    def signs(self, design: Design = "gold", *, circular: bool = True) -> Signs:
        """Return the sign test over both directions of all sub-datasets, or those not circular."""
        return signs(
            one.difference
            for some in (self.of("wl", design), self.of("tl", design))
            for one in some.values()
            if circular or not self.subsets[one.dataset].circular
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "settings": dict(self.settings),
            "alpha": self.alpha,
            "resamples": self.resamples,
            "seed": self.seed,
            "runs": {"planned": self.planned, "missing": [run.id for run in self.missing]},
            "datasets": {name: one.to_dict() for name, one in self.subsets.items()},
            "mutual": {design: list(self.mutual(design)) for design in DESIGNS},
            "signs": {
                design: {
                    "all": self.signs(design)._asdict(),
                    "without circular": self.signs(design, circular=False)._asdict(),
                }
                for design in DESIGNS
            },
            "together": {one.name: found.to_dict() for one, found in self.together.items()},
            "findings": [one.to_dict() for some in self.found.values() for one in some.values()],
        }


def find(
    study: Study,
    *,
    alpha: float = 0.05,
    resamples: int = 5_000,
    seed: int = 0,
    examples: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> Findings:
    """Return the findings of a study, from its finished runs.

    `resamples`, `alpha` and `seed` are those of `score.compare`; `examples` of flips are kept for
    each question and direction.

    Raises InputError where no two conditions of a sub-dataset can be compared, or predictions are
    not those of the test records.
    """
    sure = _Sure(alpha, resamples, seed, examples)
    subsets, raw = {}, dict[Question, dict[str, Finding]]()
    pools: dict[Question, dict[str, _Rows]] = {question: {} for question in GOLD}
    for at, name in enumerate(study.datasets):
        if progress:
            progress(at, len(study.datasets))
        judged = _Judged(study, name)
        subsets[name] = _subset(study, judged)
        for question in QUESTIONS:
            if pairs := study.both(name, question.without, question.given):
                rows = _rows(judged, pairs)
                made = _answer(judged, question, pairs, rows, sure)
                raw.setdefault(question, {})[name] = made
                if question in pools and not subsets[name].circular:
                    pools[question][name] = rows
    if not raw:
        raise InputError(
            f"{study.folder}: no two conditions of a dataset are finished with the same seed:"
            " run the study on, then report again"
        )
    found = {
        question: _corrected(raw[question], alpha) for question in QUESTIONS if question in raw
    }
    together = {one: _together(found[one], pools[one], sure) for one in GOLD if one in found}
    return Findings(
        study.plan.settings, subsets, found,
        {question: whole for question, whole in together.items() if whole is not None},
        study.missing, len(study.plan.runs), alpha, resamples, seed,
    )  # fmt: skip


# ---------------------------------------------------------------- one sub-dataset


_Rows = Counter[tuple[int, ...]]


class _Sure(NamedTuple):
    alpha: float
    resamples: int
    seed: int
    examples: int


class _Judged:
    """A sub-dataset's runs, each read and judged once, when it is first asked for."""

    def __init__(self, study: Study, name: str) -> None:
        self.study, self.name = study, name
        self.task, self.gold = study.datasets[name]
        self._known: dict[str, tuple[Outcomes, Mapping[str, float]]] = {}

    def __getitem__(self, run: Run) -> Outcomes:
        return self._both(run)[0]

    def by_protocol(self, run: Run) -> Mapping[str, float]:
        """Return a run's scores under the paper's protocol; of the paper's conditions only."""
        return self._both(run)[1]

    def _both(self, run: Run) -> tuple[Outcomes, Mapping[str, float]]:
        name = run.planned.id
        if name not in self._known:
            predicted = store.read_records(run.predictions)
            here = {one.id: one for one in self._outcomes(run, predicted, Rules())}
            there: Mapping[str, float] = {}
            if run.planned.condition in PAPER_CONDITIONS:
                rules = Rules("paper", completions="rewritten")
                there = _scores(self._outcomes(run, predicted, rules), run.planned.how.scored)
            self._known[name] = here, there
        return self._known[name]

    def _outcomes(self, run: Run, predicted: Iterable[Record], rules: Rules) -> Iterator[Outcome]:
        rules = replace(rules, tasks={self.task.name: self.task})
        try:
            yield from outcomes(self.gold, predicted, rules=rules)
        except InputError as error:
            raise InputError(f"{run.predictions}: {error}") from error

    def runs(self, condition: str) -> list[Run]:
        """Return the finished runs of a condition."""
        return self.study.runs(self.name, condition)


def _subset(study: Study, judged: _Judged) -> Subset:
    scores = {
        name: {run.seed: _scores(judged[run].values(), how.scored) for run in judged.runs(name)}
        for name, how in CONDITIONS.items()
    }
    planned = next(run for run in study.plan.runs if run.dataset == judged.name)
    return Subset(
        name=judged.name,
        task=judged.task,
        train=planned.train,
        test=len(judged.gold),
        derived=_derived(judged.task, judged.gold),
        scores={name: runs for name, runs in scores.items() if runs},
        mmm=paper.counterpart(judged.task),
        flow=paper.counterpart(judged.task, "flow"),
    )


def _scores(found: Iterable[Outcome], scored: Iterable[str]) -> dict[str, float]:
    sums = Row(*map(sum, zip(*(one.row() for one in found), strict=True)))
    values = {
        "tl": Counts(sums.tl_matched, sums.tl_gold, sums.tl_predicted).f1,
        "wl": Counts(sums.wl_matched, sums.wl_gold, sums.wl_predicted).f1,
        "all": sums.right / sums.records,
    }
    return {name: values[name] for name in scored}


def _derived(task: Task, gold: Iterable[Record]) -> frozenset[str]:
    """Return the levels that the records' corpora have from a rule, as their sources declare."""
    corpora = {str(record.meta.get("corpus")) for record in gold}
    origins = [SOURCES[name].origins.get(task.lang) for name in corpora if name in SOURCES]
    levels = {"labels": 1, "items": 2}
    return frozenset(
        level for level, at in levels.items() if any(o and o[at] == "derived" for o in origins)
    )


# ---------------------------------------------------------------- one answer


def _rows(judged: _Judged, pairs: Sequence[tuple[Run, Run]]) -> _Rows:
    """Return how many records brought each row: the first runs' counts, then the second's."""
    runs = [judged[run] for side in zip(*pairs, strict=True) for run in side]
    return Counter(
        tuple(count for run in runs for count in row_of(run[record.id])) for record in judged.gold
    )


def _together(
    found: Mapping[str, Finding], pools: Mapping[str, _Rows], sure: _Sure
) -> Difference | None:
    """Return the difference over all records of the sub-datasets that have as many runs as most.

    None where that is a single one.
    """
    sizes = Counter(len(found[name].seeds) for name in pools)
    runs = max(sizes, key=lambda size: (sizes[size], size), default=0)
    if sizes[runs] < 2:
        return None
    rows: _Rows = Counter()
    for name, some in pools.items():
        if len(found[name].seeds) == runs:
            rows.update(some)
    level = next(iter(found.values())).question.level
    return _compared(rows, runs, sure).levels[level]


def _compared(rows: _Rows, runs: int, sure: _Sure) -> Comparison:
    return compare_rows(
        rows, runs=(runs, runs), resamples=sure.resamples, alpha=sure.alpha, seed=sure.seed
    )


def _answer(
    judged: _Judged,
    question: Question,
    pairs: Sequence[tuple[Run, Run]],
    rows: _Rows,
    sure: _Sure,
) -> Finding:
    sides = [[judged[run] for run in runs] for runs in zip(*pairs, strict=True)]
    made = _compared(rows, len(pairs), sure)
    return Finding(
        dataset=judged.name,
        question=question,
        difference=made.levels[question.level],
        seeds=tuple(first.seed for first, _ in pairs),
        labels=_labels(sides, question.level),
        flips=flips(
            judged.gold, list(zip(*sides, strict=True)), question.level,
            shown=_shown(judged, question, pairs), examples=sure.examples,
        ),
        by_protocol=_by_protocol(judged, question, pairs) if question in GOLD else None,
    )  # fmt: skip


def _shown(
    judged: _Judged, question: Question, pairs: Sequence[tuple[Run, Run]]
) -> Callable[[int, str], Record | None]:
    """Return what tells what the second run of a pair was shown of a record, beside its text."""
    if question not in SHOWN:
        return nothing_shown
    gold = {record.id: record for record in judged.gold}
    given: dict[int, Mapping[str, Record]] = {}

    def told(at: int, id: str) -> Record | None:
        if at not in given:
            file = pairs[at][1].given
            given[at] = gold if file is None else {one.id: one for one in store.iter_records(file)}
        return given[at].get(id)

    return told


def _by_protocol(
    judged: _Judged, question: Question, pairs: Sequence[tuple[Run, Run]]
) -> tuple[float, float]:
    sides = zip(*pairs, strict=True)
    first, second = (
        fmean(judged.by_protocol(run)[question.level] for run in runs) for runs in sides
    )
    return first, second


def _labels(sides: Sequence[Sequence[Outcomes]], level: Level) -> dict[str, tuple[Counts, Counts]]:
    """Return each label's counts without and with, summed over the runs, as `score` counts them."""
    tallies = [
        _label_counts((one for run in side for one in run.values()), level) for side in sides
    ]
    first, second = tallies
    found = {
        label: (first.get(label, Counts()), second.get(label, Counts()))
        for label in first.keys() | second.keys()
    }
    order = sorted(found, key=lambda label: (-found[label][0].gold, label))
    return {label: found[label] for label in order if found[label][0].gold}


def _label_counts(found: Iterable[Outcome], level: Level) -> dict[str, Counts]:
    counts = [Counter[str]() for _ in range(3)]
    for one in found:
        gold, predicted = ([side.label] if side.label else [] for side in (one.gold, one.predicted))
        if level == "wl":
            both = one.gold.items & one.predicted.items
            kinds = (both, one.gold.items, one.predicted.items)
            named = [[one.label_of(item) for item in items] for items in kinds]
        else:
            named = [gold if gold == predicted else [], gold, predicted]
        for counter, names in zip(counts, named, strict=True):
            counter.update(names)
    return {
        label: Counts(*(counter[label] for counter in counts)) for label in counts[1] | counts[2]
    }


def _corrected(found: Mapping[str, Finding], alpha: float) -> dict[str, Finding]:
    """Return a family's answers with p corrected, and the smallest differences it could find."""
    differences = family({name: one.difference for name, one in found.items()}, alpha=alpha)
    return {
        name: replace(
            one,
            difference=differences[name],
            smallest=(
                detectable(differences[name], alpha=alpha),
                detectable(differences[name], alpha=alpha / len(found)),
            ),
        )
        for name, one in found.items()
    }
