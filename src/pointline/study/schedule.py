"""The schedule: a study's runs given to workers, each when the runs that it needs are finished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pointline.errors import PointlineError
from pointline.study.plan import PlannedRun
from pointline.study.results import metrics_of, read_plan
from pointline.study.running import Told, execute

__all__ = ["Here", "Outcome", "Task", "Workers", "run_study"]


@dataclass(frozen=True, slots=True)
class Task:
    """A run as it travels to a worker."""

    folder: Path
    run: PlannedRun
    device: str | None = None
    keep_models: bool = False

    def __call__(self, told: Told | None = None) -> bool:
        """Do the run; say whether it is finished."""
        return execute(
            self.folder,
            self.run,
            device=self.device,
            keep_models=self.keep_models,
            told=told,
        )


class Workers(Protocol):
    """Who does the runs: this process, several processes, or a cluster's."""

    @property
    def slots(self) -> int:
        """How many runs they do at a time."""

    def submit(self, task: Task) -> Future[bool]:
        """Begin a run; the future says whether it is finished, or raises what the run raised."""


@dataclass(frozen=True, slots=True)
class Here:
    """This process: one run at a time, `told` how far it is."""

    told: Told | None = None
    slots: int = 1

    def submit(self, task: Task) -> Future[bool]:
        """Do the run now."""
        future: Future[bool] = Future()
        try:
            future.set_result(task(self.told))
        except PointlineError as error:
            future.set_exception(error)
        return future


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a study: how many runs were finished before and now, what failed and why."""

    runs: int
    before: int
    made: int
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether every run is finished."""
        return self.before + self.made == self.runs


def run_study(
    folder: Path,
    workers: Workers,
    *,
    devices: Sequence[str] = (),
    keep_models: bool = False,
    done: Callable[[PlannedRun], object] | None = None,
) -> Outcome:
    """Do every run of a study's plan that is not finished; `done` is told of each that is.

    `devices` go round among the runs. A run that fails leaves out those that need it, and no
    others; running the study again does what is left.
    """
    plan = read_plan(folder)
    finished = {run.id for run in plan.runs if metrics_of(folder, run) is not None}
    before = len(finished)
    waiting = [run for run in plan.runs if run.id not in finished]
    running: dict[Future[bool], tuple[PlannedRun, str | None]] = {}
    free: list[str | None] = [
        devices[slot % len(devices)] if devices else None for slot in range(workers.slots)
    ]
    failed: dict[str, str] = {}
    while True:
        while free and (run := _ready(waiting, finished)):
            waiting.remove(run)
            device = free.pop(0)
            running[workers.submit(Task(folder, run, device, keep_models))] = (run, device)
        if not running:
            break
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            run, device = running.pop(future)
            free.append(device)
            try:
                ended = future.result()
            except PointlineError as error:
                failed[run.id] = str(error)
                continue
            if not ended:  # it was interrupted
                waiting.clear()
                continue
            finished.add(run.id)
            if done:
                done(run)
    return Outcome(len(plan.runs), before, len(finished) - before, failed)


def _ready(waiting: Sequence[PlannedRun], finished: set[str]) -> PlannedRun | None:
    """Return the first run whose needs are finished."""
    return next((run for run in waiting if finished.issuperset(run.needs)), None)
