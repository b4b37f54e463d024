"""A translation run as a report sees it: what it was, what became of its records, what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointline.draft.filters import PRESETS
from pointline.draft.rules import Rules
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.model.chat.question import Address
from pointline.score.contingency import wilson
from pointline.score.significance import Interval

__all__ = ["Example", "Run"]


@dataclass(frozen=True, slots=True)
class Example:
    """A record that a rule dropped: the best draft that there was, and why it was not kept.

    `rules` are all that fired, the first of which dropped it. `source` is the text that was
    translated, None where the run did not note it. `reason` is what is wrong in words, "" where
    it did not.
    """

    run: str
    rule: str
    record: Record
    rules: tuple[str, ...]
    source: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A translation run: what it was, what became of its records, what it took.

    `dropped` counts by the rule that dropped a record, the first that fired, and `fired` by every
    rule. `kept_by_step` counts the kept by the last step of repair that they needed, "" where they
    have no entity. `by_label` counts (text label, kept or not). `files` has the sums of the files
    that were translated, empty where the manifest tells of none.
    """

    name: str
    folder: Path
    config: Mapping[str, Any] = field(hash=False)
    metrics: Mapping[str, Any] = field(hash=False)
    kept: int
    dropped: Counter[str] = field(hash=False)
    fired: Counter[str] = field(hash=False)
    queued: int = 0
    kept_by_step: Counter[str] = field(default_factory=Counter, hash=False)
    by_label: Counter[tuple[str, bool]] = field(default_factory=Counter, hash=False)
    examples: tuple[Example, ...] = ()
    files: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def records(self) -> int:
        """The records that were given: kept + dropped + queued."""
        return self.decided + self.queued

    @property
    def lost(self) -> int:
        """The records that a rule dropped."""
        return self.dropped.total()

    @property
    def decided(self) -> int:
        """The records that were kept or dropped; the others wait for an answer."""
        return self.kept + self.lost

    @property
    def lost_percent(self) -> float | None:
        """100 x dropped / decided, as the paper's Table 7; None where nothing is decided."""
        return 100 * self.lost / self.decided if self.decided else None

    @property
    def retained(self) -> Interval:
        """Wilson's 95 % interval of the share of the decided that is kept."""
        return wilson(self.kept, self.decided)

    @property
    def source(self) -> str:
        """The language that was translated from."""
        return str(self.config["from"])

    @property
    def target(self) -> str:
        """The language that was translated into."""
        return str(self.config["to"])

    @property
    def task(self) -> str:
        """The name of the task whose records were translated."""
        return str(self.config["source"]["name"])

    @property
    def family(self) -> str:
        """The family of that task."""
        return str(self.config["source"]["family"])

    @property
    def model(self) -> str:
        """The model's name, without its address."""
        name = str(self.config["model"])
        try:
            return Address.parse(name).model
        except InputError:
            return name

    @property
    def rules(self) -> str:
        """The preset of its filters, "own" for others, and what is not as the preset has it."""
        filters, repair = (tuple(self.metrics.get(name) or ()) for name in ("filters", "repair"))
        name = next((n for n in PRESETS if set(Rules.of(n).filters) == set(filters)), "own")
        repaired = len(repair) > 1
        usual = repaired == (name != "paper")
        return name if usual else f"{name}, {'with' if repaired else 'no'} repair"

    def to_dict(self) -> dict[str, Any]:
        """Return all but the examples as JSON-ready values."""
        used = ("requests", "tokens_in", "tokens_out", "guessed", "cost")
        return {
            "run": self.name,
            "folder": str(self.folder),
            "task": self.task,
            "source": self.source,
            "target": self.target,
            "model": str(self.config["model"]),
            "prompt": self.config.get("prompt"),
            "rules": self.rules,
            "filters": self.metrics.get("filters"),
            "repair": self.metrics.get("repair"),
            "records": self.records,
            "remaining": self.kept,
            "lost": self.lost,
            "queued": self.queued,
            "lost_percent": self.lost_percent,
            "retained_interval": [self.retained.low, self.retained.high],
            "dropped_by_rule": dict(self.dropped),
            "fired": dict(self.fired),
            "queued_by_reason": dict(self.metrics.get("queued_by_reason", {})),
            "mentions_by_step": dict(self.metrics.get("steps", {})),
            "kept_by_step": dict(self.kept_by_step),
            "by_label": [
                {"label": label, "kept": kept, "records": count}
                for (label, kept), count in sorted(self.by_label.items())
            ],
            **{name: self.metrics.get(name, 0) for name in used},
        }
