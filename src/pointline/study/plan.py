"""The plan of a study: its settings and its runs, written down before the first of them begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pointline.errors import InputError
from pointline.study.condition import CONDITIONS, Condition

__all__ = ["Plan", "PlannedRun", "run_id"]

_VERSION = 1  # of plan.json


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One run: a model of a condition, trained on a dataset with a seed, and tested.

    `train` and `test` are how many records it learns from and is tested on, `needs` the ids of
    the runs that have to be finished before, `tokens` about how many it takes, prompts included:
    those of training over all epochs, and those of the test.
    """

    id: str
    dataset: str
    condition: str
    seed: int
    train: int
    test: int
    needs: tuple[str, ...] = ()
    tokens: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "needs", tuple(self.needs))
        object.__setattr__(self, "tokens", tuple(self.tokens))

    @property
    def how(self) -> Condition:
        """The condition itself.

        Raises InputError for a condition that this version does not know.
        """
        if self.condition not in CONDITIONS:
            raise InputError(f"run {self.id!r}: no condition {self.condition!r} in this version")
        return CONDITIONS[self.condition]


@dataclass(frozen=True, slots=True)
class Plan:
    """A study's settings (JSON-ready), what is known of its datasets, and its runs in their order.

    `datasets` has for each name its folder, how many records were drawn and left out and why, and
    digests of what was drawn.
    """

    settings: Mapping[str, Any]
    datasets: Mapping[str, Mapping[str, Any]]
    runs: tuple[PlannedRun, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """Return what `plan.json` holds."""
        return {
            "version": _VERSION,
            "settings": dict(self.settings),
            "datasets": {name: dict(facts) for name, facts in self.datasets.items()},
            "runs": [
                {**asdict(run), "needs": list(run.needs), "tokens": list(run.tokens)}
                for run in self.runs
            ],
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_dict` wrote.

        Raises InputError for values that are no plan of this version.
        """
        if values.get("version") != _VERSION:
            raise InputError(f"no plan of version {_VERSION}: got {values.get('version')!r}")
        try:
            runs = tuple(PlannedRun(**run) for run in values["runs"])
            return Plan(values["settings"], values["datasets"], runs)
        except (KeyError, TypeError) as error:
            raise InputError(f"the plan is damaged: {error}") from None


def run_id(dataset: str, condition: str, seed: int) -> str:
    """Return the name of a run and of its folder.

    >>> run_id("scnm-en", "text+label->items", 1)
    'scnm-en.text+label-items.1'
    """
    return f"{dataset}.{CONDITIONS[condition].slug}.{seed}"
