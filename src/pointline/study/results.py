"""A study's folder, read: what was planned, what is finished, and where its results lie.

plan.json               every run: id, dataset, condition, seed, sizes (study.plan)
gold/tasks.json         the task of each dataset
gold/<dataset>.jsonl    the test records
runs/<run id>/          config.json, metrics.json, log.jsonl, curves.csv, predictions.jsonl,
                        given.jsonl where the level shown is not gold
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.corpus import store
from pointline.errors import InputError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.study.plan import Plan, PlannedRun

__all__ = ["CURVES", "GIVEN", "METRICS", "PLAN", "PREDICTIONS", "Run", "Study", "read_study"]

PLAN, TASKS, METRICS = "plan.json", "tasks.json", "metrics.json"
PREDICTIONS, GIVEN, CURVES = "predictions.jsonl", "given.jsonl", "curves.csv"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: what was planned, its folder, and what `metrics.json` says of it."""

    planned: PlannedRun
    folder: Path
    metrics: Mapping[str, Any]

    @property
    def seed(self) -> int:
        """The seed of its training."""
        return self.planned.seed

    @property
    def predictions(self) -> Path:
        """The file of its predictions, one for each test record."""
        return self.folder / PREDICTIONS

    @property
    def given(self) -> Path | None:
        """The file of what was shown in the place of gold, None where gold or nothing was."""
        return self.folder / GIVEN if (self.folder / GIVEN).is_file() else None

    @property
    def curve(self) -> tuple[Mapping[str, float], ...]:
        """The log of its training, a mapping for each step; empty where it trained nothing."""
        file = self.folder / CURVES
        if not file.is_file():
            return ()
        with file.open(encoding="utf-8", newline="") as lines:
            return tuple(
                {k: float(v) for k, v in row.items() if v} for row in csv.DictReader(lines)
            )


@dataclass(frozen=True, slots=True)
class Study:
    """A study's folder: the plan, the datasets as (task, test records), the finished runs by id."""

    folder: Path
    plan: Plan
    datasets: Mapping[str, tuple[Task, tuple[Record, ...]]]
    finished: Mapping[str, Run]

    def runs(self, dataset: str, condition: str) -> list[Run]:
        """Return the finished runs of a condition on a dataset, by seed."""
        return [run for run in self._of(dataset, condition) if run is not None]

    def both(self, dataset: str, first: str, second: str) -> list[tuple[Run, Run]]:
        """Return the pairs of finished runs of two conditions with the same seed."""
        by_seed = {run.seed: run for run in self.runs(dataset, second)}
        return [
            (run, by_seed[run.seed]) for run in self.runs(dataset, first) if run.seed in by_seed
        ]

    @property
    def missing(self) -> tuple[PlannedRun, ...]:
        """The runs of the plan that are not finished."""
        return tuple(run for run in self.plan.runs if run.id not in self.finished)

    def _of(self, dataset: str, condition: str) -> Iterator[Run | None]:
        for planned in sorted(self.plan.runs, key=lambda run: run.seed):
            if (planned.dataset, planned.condition) == (dataset, condition):
                yield self.finished.get(planned.id)


def read_study(folder: str | Path) -> Study:
    """Return the study that a folder holds, with whichever of its runs are finished.

    Raises InputError for a folder that holds no study, or a damaged one.
    """
    folder = Path(folder)
    plan = read_plan(folder)
    told = _json(folder / "gold" / TASKS)
    found = {}
    for name in plan.datasets:
        if name not in told:
            raise InputError(f"{folder / 'gold' / TASKS} lacks the task of {name!r}")
        records = store.read_records(folder / "gold" / f"{name}.jsonl")
        found[name] = (tasks.from_dict(told[name]), tuple(records))
    return Study(folder, plan, found, dict(_finished(folder, plan.runs)))


def read_plan(folder: Path) -> Plan:
    """Return the plan of a study's folder.

    Raises InputError where there is none, or a damaged one.
    """
    if not (folder / PLAN).is_file():
        raise InputError(f"{folder} holds no study: there is no {PLAN}")
    return Plan.from_dict(_json(folder / PLAN))


def run_folder(folder: Path, run: PlannedRun) -> Path:
    """Return the folder of a run."""
    return folder / "runs" / run.id


def metrics_of(folder: Path, run: PlannedRun) -> dict[str, Any] | None:
    """Return what a finished run says of itself, None where it is not finished."""
    file = run_folder(folder, run) / METRICS
    return _json(file) if file.is_file() else None


def _finished(folder: Path, runs: Sequence[PlannedRun]) -> Iterator[tuple[str, Run]]:
    for run in runs:
        metrics = metrics_of(folder, run)
        if metrics is not None:
            yield run.id, Run(run, run_folder(folder, run), metrics)


def _json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read ({error}): is it a study's folder?") from None
    if not isinstance(values, dict):
        raise InputError(f"{file} is no JSON object: is it a study's folder?")
    return values
