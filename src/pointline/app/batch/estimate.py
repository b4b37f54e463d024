"""What a batch run would take: its plan, and the time by a sample of its own texts."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from pointline.app.batch.ask import Ask
from pointline.app.batch.plan import Plan
from pointline.app.batch.pool import THREADS
from pointline.app.batch.work import Load
from pointline.errors import InputError, ModelError
from pointline.format.record import Prediction

__all__ = ["Estimate", "estimate", "estimate_apart"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """How fast one worker was on a sample, and what follows for all rows.

    `failed` texts of the sample gave an error. Tokens are of the sample's texts and completions;
    loading the model (`load_seconds`) is not in `seconds`. `threads` are those that the worker had,
    as far as that is known.
    """

    rows: int
    sample: int
    failed: int
    load_seconds: float
    seconds: float
    processor_seconds: float
    text_tokens: int
    completion_tokens: int
    threads: int | None = None

    @property
    def rate(self) -> float:
        """Texts a second of one worker."""
        return self.sample / self.seconds

    def hours(self, workers: int) -> float:
        """Return the hours for all rows, were the workers each as fast as one alone.

        >>> Estimate(7200, 10, 0, 1.0, 5.0, 5.0, 0, 0).hours(2)
        0.5
        """
        return self.rows / self.rate / workers / 3600

    def to_dict(self, workers: int) -> dict[str, Any]:
        """Return plain values, with the time for all rows by so many workers."""
        return {
            "sample": self.sample,
            "failed": self.failed,
            "load seconds": round(self.load_seconds, 3),
            "seconds": round(self.seconds, 3),
            "processor seconds": round(self.processor_seconds, 3),
            "texts a second": round(self.rate, 3),
            "tokens a text": {
                "text": round(self.text_tokens / self.sample, 1),
                "completion": round(self.completion_tokens / self.sample, 1),
            },
            "workers": workers,
            "threads of a worker": self.threads,
            "hours for all rows": round(self.hours(workers), 3),
            "processor hours for all rows": round(
                self.rows * self.processor_seconds / self.sample / 3600, 3
            ),
        }


def estimate(
    plan: Plan,
    load: Load,
    ask: Ask,
    *,
    sample: int,
    batch_size: int = 8,
    device: str | None = None,
) -> Estimate:
    """Measure one worker on `sample` texts of the plan, taken from shards all over it.

    A batch of them is asked for once before the clock runs, so that what is done once is not
    measured.

    Raises InputError where the plan has no text that can be read, and as loading does.
    """
    texts = list(islice(_texts(plan, sample), sample))
    if not texts:
        raise InputError("no row has a text that can be read: look at the inputs")
    started = time.monotonic()
    extractor = load(device)
    loaded = time.monotonic() - started
    numbered = list(enumerate(texts))
    for _ in ask.answers(extractor, numbered[:batch_size], batch_size):
        pass
    started, processor = time.monotonic(), time.process_time()
    answers = [found for _, found in ask.answers(extractor, numbered, batch_size)]
    seconds, processor = time.monotonic() - started, time.process_time() - processor
    found = [one for one in answers if isinstance(one, Prediction)]
    count = extractor.backend.count
    return Estimate(
        plan.rows, len(texts), len(texts) - len(found), loaded, max(seconds, 1e-9), processor,
        sum(map(count, texts)), sum(count(one.completion or "") for one in found),
    )  # fmt: skip


def estimate_apart(
    plan: Plan,
    load: Load,
    ask: Ask,
    *,
    sample: int,
    threads: int,
    batch_size: int = 8,
    device: str | None = None,
) -> Estimate:
    """Measure as `estimate` does, in a process with as many threads as a worker of the run has.

    OMP_NUM_THREADS is heeded where it is set, as workers heed it. `load` travels to the process.

    Raises as `estimate` does, and ModelError where the process is killed.
    """
    begun = partial(_begin, threads)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begun) as process:
        made = process.submit(
            estimate, plan, load, ask, sample=sample, batch_size=batch_size, device=device
        )
        try:
            found = made.result()
        except BrokenProcessPool:
            told = "the process that timed the sample was killed, perhaps for want of memory"
            raise ModelError(
                f"{told}: a worker would be, too; take a smaller --batch-size"
            ) from None
    told = os.environ.get(THREADS, str(threads))
    return replace(found, threads=int(told) if told.isdigit() else None)


def _begin(threads: int) -> None:
    """Let a process have so many threads, and end at once at Ctrl+C: its giver of work tells."""
    os.environ.setdefault(THREADS, str(threads))
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _texts(plan: Plan, wanted: int) -> Iterator[str]:
    """Yield texts of shards at even distances, as many of each as are needed."""
    count = min(len(plan.shards), wanted)
    each = -(-wanted // count)
    for at in range(count):
        shard = plan.shards[at * len(plan.shards) // count]
        rows = (row for _, row in plan.read(shard) if not row.fault)
        yield from (row.text for row in islice(rows, each))
