"""Work shared among processes: the same results in the same order, however many there are."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from pointline.errors import CorpusError

__all__ = ["Crew", "crew", "processors"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Crew:
    """Processes that work for this one, or none: then it works itself."""

    pool: ProcessPoolExecutor | None

    def run(
        self,
        work: Callable[[Item], Result],
        items: Sequence[Item],
        *,
        done: Callable[[Item], object],
    ) -> list[Result]:
        """Return `work` of each item in their order; `done` is told of each as it is finished.

        Raises what `work` raises, and CorpusError where a process was killed; what is not begun
        then is left.
        """
        if self.pool is None:
            return [_told(work(item), item, done) for item in items]
        futures = {self.pool.submit(work, item): at for at, item in enumerate(items)}
        results: dict[int, Result] = {}
        try:
            for future in as_completed(futures):
                at = futures[future]
                results[at] = _told(future.result(), items[at], done)
        except BrokenProcessPool:
            raise CorpusError(
                "a process was killed, perhaps for want of memory: run it again with fewer jobs"
            ) from None
        return [results[at] for at in range(len(items))]


def _told(result: Result, item: Item, done: Callable[[Item], object]) -> Result:
    done(item)
    return result


@contextmanager
def crew(jobs: int) -> Iterator[Crew]:
    """Give a crew of `jobs` processes; one job is done in this process.

    What is given to the crew travels between processes, so functions are those of a module.
    """
    if jobs <= 1:
        yield Crew(None)
        return
    pool = ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),  # the same on every system
        initializer=_end_with_the_others,
    )
    try:
        yield Crew(pool)
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_the_others() -> None:
    """Let Ctrl-C end a process at once and without a word: the one that gives the work tells.

    A process whose work nobody waits for ends, too: one that was killed cannot tell it so.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    if giver := multiprocessing.parent_process():
        giver.join()
        os._exit(1)
