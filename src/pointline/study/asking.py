"""Every question of a study asked of every sub-dataset, from its finished runs.

Two conditions are compared over the seeds that both have finished, by `score.comparison`. Over the
sub-datasets that a question was asked of, the variance between runs is moderated and p corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import NamedTuple

from pointline.corpus import store
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.score.comparison import Comparison, compare_rows, row_of
from pointline.score.difference import Difference, detectable, family
from pointline.score.judge import Outcome
from pointline.score.moderation import moderated
from pointline.score.report import Counts
from pointline.study.findings import Finding, Findings
from pointline.study.flips import Outcomes, Shown, flips, nothing_shown
from pointline.study.judged import Judged
from pointline.study.question import GOLD, QUESTIONS, SHOWN, Level, Question
from pointline.study.results import Run, Study

__all__ = ["find"]


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
        judged = Judged(study, name)
        subsets[name] = judged.subset()
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


_Rows = Counter[tuple[int, ...]]


class _Sure(NamedTuple):
    alpha: float
    resamples: int
    seed: int
    examples: int


# ---------------------------------------------------------------- one answer


def _rows(judged: Judged, pairs: Sequence[tuple[Run, Run]]) -> _Rows:
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
    judged: Judged,
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


def _shown(judged: Judged, question: Question, pairs: Sequence[tuple[Run, Run]]) -> Shown:
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
    judged: Judged, question: Question, pairs: Sequence[tuple[Run, Run]]
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
    """Return a family's answers moderated and corrected, and what differences it could find."""
    alone = {name: one.difference for name, one in found.items()}
    differences = family(moderated(alone), alpha=alpha)
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
