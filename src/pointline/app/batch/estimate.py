"""What a batch run would take: its plan, and the time by a sample of its own texts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pointline.app.batch.ask import Ask
from pointline.app.batch.plan import Plan
from pointline.app.batch.work import Load
from pointline.errors import InputError
from pointline.format.record import Prediction

__all__ = ["Estimate", "estimate"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """How fast one worker was on a sample, and what follows for all rows.

    `failed` texts of the sample gave an error. Tokens are of the sample's texts and completions;
    loading the model (`load_seconds`) is not in `seconds`.
    """

    rows: int
    sample: int
    failed: int
    load_seconds: float
    seconds: float
    processor_seconds: float
    text_tokens: int
    completion_tokens: int

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


def _texts(plan: Plan, wanted: int) -> Iterator[str]:
    """Yield texts of shards at even distances, as many of each as are needed."""
    count = min(len(plan.shards), wanted)
    each = -(-wanted // count)
    for at in range(count):
        shard = plan.shards[at * len(plan.shards) // count]
        rows = (row for _, row in plan.read(shard) if not row.fault)
        yield from (row.text for row in islice(rows, each))
