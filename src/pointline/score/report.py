"""What a score is made of: counts that add, ratios that are read off them, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pointline.score.significance import Interval
from pointline.version import CODEC_VERSION, SCORE_VERSION

__all__ = ["Counts", "Draws", "Match", "Protocol", "Report", "Share"]

Protocol = Literal["pointline", "paper"]
Match = Literal["string", "offset"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many were right, how many there are in gold, how many were predicted.

    Counts add; the ratios are of the sums, so nothing is ever an average of averages. A ratio
    of nothing to nothing: where both gold and predicted are 0 there was nothing to find and
    nothing was claimed, and precision, recall and F1 are 1.0; where only one of them is 0, all
    three are 0.0.

    Raises ValueError for a negative count, or more matched than gold or predicted.

    >>> total = sum([Counts(1, 2, 1), Counts(1, 1, 2)], Counts())
    >>> total, round(total.f1, 4)
    (Counts(matched=2, gold=3, predicted=3), 0.6667)
    """

    matched: int = 0
    gold: int = 0
    predicted: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.matched <= min(self.gold, self.predicted):
            raise ValueError(f"matched lies between 0 and both gold and predicted, got {self!r}")

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.matched + other.matched,
            self.gold + other.gold,
            self.predicted + other.predicted,
        )

    @property
    def precision(self) -> float:
        """Right among predicted."""
        return self.matched / self.predicted if self.predicted else float(not self.gold)

    @property
    def recall(self) -> float:
        """Right among gold."""
        return self.matched / self.gold if self.gold else float(not self.predicted)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall, 2 matched / (gold + predicted)."""
        both = self.gold + self.predicted
        return 2 * self.matched / both if both else 1.0

    def to_dict(self) -> dict[str, int | float]:
        """Return the counts and the ratios as JSON-ready values."""
        names = ("matched", "gold", "predicted", "precision", "recall", "f1")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, as counts that add.

    >>> (Share(1, 2) + Share(2, 2)).value, Share().value
    (0.75, None)
    """

    part: int = 0
    whole: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.part + other.part, self.whole + other.whole)

    @property
    def value(self) -> float | None:
        """The share in [0, 1]; None of nothing."""
        return self.part / self.whole if self.whole else None

    def to_dict(self) -> dict[str, int | float | None]:
        """Return the counts and the share as JSON-ready values."""
        return {"value": self.value, "part": self.part, "whole": self.whole}


@dataclass(frozen=True, slots=True)
class Report:
    """What a system scored on a list of records, and how that was counted (docs/scoring.md).

    `tl` and `wl` are the counts of labels and of items, `right` the records in which the label
    and all items are right. `offset` counts pairs by their places over the `offset_records` in
    which both sides have them (None where there are none, and in the paper protocol).
    `tl_labels` and `wl_labels` are the counts of each label, `intervals` the bootstrap intervals
    of "tl", "wl", "all" and "offset", and `tasks` a report for each task where there are several.
    `missing` gold records had no prediction, `unread` predictions could not be read;
    `completions` are those that strict reading takes, `entities` those that the text holds.
    """

    protocol: Protocol
    match: Match
    records: int
    tl: Counts
    wl: Counts
    right: int
    offset: Counts | None = None
    offset_records: int = 0
    missing: int = 0
    unread: int = 0
    completions: Share = field(default_factory=Share)
    entities: Share = field(default_factory=Share)
    repairs: Mapping[str, int] = field(default_factory=dict)
    tl_labels: Mapping[str, Counts] = field(default_factory=dict)
    wl_labels: Mapping[str, Counts] = field(default_factory=dict)
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    tasks: Mapping[str, Report] = field(default_factory=dict)
    resamples: int = 0
    seed: int = 0

    @property
    def all(self) -> float:
        """The share of records in which the label and the whole set of items are right."""
        return self.right / self.records

    @property
    def well_formed(self) -> float | None:
        """The share of completions that strict reading takes; None without completions."""
        return self.completions.value

    @property
    def verbatim(self) -> float | None:
        """The share of predicted entities that the text holds; None without entities."""
        return self.entities.value

    def to_dict(self) -> dict[str, Any]:
        """Return the whole report as JSON-ready values; "all", "well_formed" as numbers.

        "codec" and "scores" are the versions of the reading and the counting behind the numbers.
        """
        labels = {"tl": self.tl_labels, "wl": self.wl_labels}
        return {
            "protocol": self.protocol,
            "match": self.match,
            "records": self.records,
            "tl": self.tl.to_dict(),
            "wl": self.wl.to_dict(),
            "all": self.all,
            "right": self.right,
            "offset": None if self.offset is None else self.offset.to_dict(),
            "offset_records": self.offset_records,
            "missing": self.missing,
            "unread": self.unread,
            "well_formed": self.well_formed,
            "completions": self.completions.to_dict(),
            "verbatim": self.verbatim,
            "entities": self.entities.to_dict(),
            "repairs": dict(self.repairs),
            "labels": {
                level: {label: counts.to_dict() for label, counts in table.items()}
                for level, table in labels.items()
            },
            "intervals": {
                name: {"low": found.low, "high": found.high, "level": found.level}
                for name, found in self.intervals.items()
            },
            "resamples": self.resamples,
            "seed": self.seed,
            "codec": CODEC_VERSION,
            "scores": SCORE_VERSION,
            "tasks": {name: report.to_dict() for name, report in self.tasks.items()},
        }


@dataclass(frozen=True, slots=True)
class Draws:
    """The papers' way to report: several draws from the test set, their scores averaged.

    The three numbers are means over `reports` of the draws' own scores.
    """

    reports: tuple[Report, ...]
    size: int
    seed: int

    @property
    def tl_f1(self) -> float:
        """The mean of the draws' text-level F1."""
        return sum(report.tl.f1 for report in self.reports) / len(self.reports)

    @property
    def wl_f1(self) -> float:
        """The mean of the draws' word-level F1."""
        return sum(report.wl.f1 for report in self.reports) / len(self.reports)

    @property
    def all(self) -> float:
        """The mean of the draws' ALL."""
        return sum(report.all for report in self.reports) / len(self.reports)

    @property
    def tasks(self) -> dict[str, Draws]:
        """The same for each task, where there are several."""
        return {
            name: Draws(tuple(r.tasks[name] for r in self.reports), self.size, self.seed)
            for name in self.reports[0].tasks
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the means and every draw's report as JSON-ready values."""
        return {
            "size": self.size,
            "seed": self.seed,
            "tl_f1": self.tl_f1,
            "wl_f1": self.wl_f1,
            "all": self.all,
            "draws": [report.to_dict() for report in self.reports],
        }
