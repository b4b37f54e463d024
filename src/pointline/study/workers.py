"""Several processes of this machine as workers of a study, its processors shared out among them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass

from pointline.corpus.crew import crew, processors
from pointline.errors import ModelError
from pointline.study.schedule import Task

__all__ = ["Processes", "processes"]

_THREADS = "OMP_NUM_THREADS"


@dataclass(frozen=True, slots=True)
class Processes:
    """Processes that do a run each at a time."""

    pool: ProcessPoolExecutor
    slots: int

    def submit(self, task: Task) -> Future[bool]:
        """Begin a run in one of them."""
        told: Future[bool] = Future()
        try:
            self.pool.submit(task).add_done_callback(lambda made: _pass_on(made, told))
        except BrokenProcessPool:
            told.set_exception(_killed())
        return told


def _pass_on(made: Future[bool], told: Future[bool]) -> None:
    error = made.exception()
    if error is None:
        told.set_result(made.result())
    else:
        told.set_exception(_killed() if isinstance(error, BrokenProcessPool) else error)


def _killed() -> ModelError:
    return ModelError(
        "a process was killed, perhaps for want of memory: run it again with fewer jobs, it goes on"
    )


@contextmanager
def processes(jobs: int) -> Iterator[Processes]:
    """Give `jobs` processes, each with its share of the processors; they end with the block."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = before or str(max(1, processors() // jobs))
    try:
        with crew(jobs) as hands:
            if hands.pool is None:
                raise ValueError("one job needs no processes")
            yield Processes(hands.pool, jobs)
    finally:
        if before is None:
            del os.environ[_THREADS]
