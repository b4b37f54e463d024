"""What a study found: the answer to every question on every sub-dataset, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pointline.format.tasks import Task
from pointline.score.difference import Difference, Signs, mutual, signs
from pointline.score.report import Counts
from pointline.study import paper
from pointline.study.flips import Flips
from pointline.study.plan import PlannedRun
from pointline.study.question import (
    DESIGNS,
    Design,
    Level,
    Question,
    asked,
)

__all__ = ["Finding", "Findings", "Subset"]


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
