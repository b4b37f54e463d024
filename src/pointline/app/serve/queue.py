"""The queue between requests and the worker: bounded, fair between requests, of two threads.

A text has a place in it from the moment that it is accepted until its request is answered or
given up, so the texts and results that a server holds are bounded. Of several requests each has a
text read in turn, so that one with many does not keep the others waiting.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition
from time import monotonic

from pointline.app.serve.limits import Closed, Refusal, closed
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.extract import Options

__all__ = ["Order", "Queue", "Result", "Text"]

_LONGEST = 60  # seconds, of the advice when to come again
_TIME = "this took longer than {:g} s: ask for fewer or shorter texts, or later"
_REMEMBERED = 64  # texts whose pace that advice is made of


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a request: what is asked of it, and whether its confidences are told."""

    record: Record
    task: Task
    options: Options
    scores: bool = True


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one text: its id and its JSON; `failed` where that is an error."""

    id: str
    body: bytes
    failed: bool = False


class Order:
    """The texts of one request. It belongs to the event loop; the worker delivers to it."""

    def __init__(self, texts: Sequence[Text], *, within: float) -> None:
        """Keep the texts that are asked for, and in how many seconds they are to be answered."""
        self.texts = tuple(texts)
        self.begun = monotonic()
        #: How many texts were read, or failed, while somebody waited for them.
        self.ended = 0
        #: Whether nobody waits for the rest any more; the worker looks at it now and then.
        self.dropped = False
        self.waiting = deque(texts)
        #: Tokens of the prompt without a text, by task: the worker counts them once a request.
        self.heads: dict[Task, int] = {}
        self._within = within
        self._loop = asyncio.get_running_loop()
        self._came: asyncio.Queue[Result | Refusal] = asyncio.Queue()

    def deliver(self, result: Result | Refusal) -> None:
        """Hand over a result, or the reason why there will be no more; from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._came.put_nowait, result)

    async def results(self) -> AsyncIterator[Result]:
        """Yield the results as they come.

        Raises Refusal where they take too long, or the server gave the rest up.
        """
        end = self._loop.time() + self._within
        for _ in self.texts:
            try:
                async with asyncio.timeout_at(end):
                    came = await self._came.get()
            except TimeoutError:
                raise Refusal(504, "timeout", _TIME.format(self._within)) from None
            if isinstance(came, Refusal):
                raise came
            yield came


class Queue:
    """Texts that wait to be read, of at most `most` that have a place."""

    def __init__(self, most: int) -> None:
        """Make an empty queue."""
        self._most = most
        self._orders: deque[Order] = deque()
        self._places: dict[int, int] = {}
        self._ends: deque[float] = deque(maxlen=_REMEMBERED)
        self._closed: Closed | None = None
        self._changed = Condition()

    @property
    def waiting(self) -> int:
        """How many texts wait to be read."""
        with self._changed:
            return sum(len(order.waiting) for order in self._orders)

    @property
    def taken(self) -> int:
        """How many places are taken: texts that wait, are read, or are on their way back."""
        with self._changed:
            return sum(self._places.values())

    def put(self, order: Order) -> None:
        """Give the texts of a request their places.

        Raises Refusal: 429 where there are too few places, 503 where the queue is closed.
        """
        with self._changed:
            if self._closed:
                raise closed(self._closed)
            if sum(self._places.values()) + len(order.texts) > self._most:
                raise Refusal(
                    429,
                    "queue_full",
                    f"the queue is full ({self._most} texts): ask again later, or for fewer texts",
                    retry_after=self._advice(),
                )
            self._places[id(order)] = len(order.texts)
            self._orders.append(order)
            self._changed.notify()

    def take(self, *, wait: bool) -> tuple[Order, Text] | None:
        """Return the next text; None where none waits, or will any more.

        With `wait` it returns when there is one, or the queue was closed.
        """
        with self._changed:
            while not self._orders:
                if self._closed or not wait:
                    return None
                self._ends.clear()  # the pace is that of work without a pause
                self._changed.wait()
            order = self._orders.popleft()
            text = order.waiting.popleft()
            if order.waiting:
                self._orders.append(order)
            return order, text

    def ended(self, order: Order) -> bool:
        """Take note that a text of a request was read; return whether that was waited for."""
        with self._changed:
            self._ends.append(monotonic())
            order.ended += not order.dropped
            return not order.dropped

    def leave(self, order: Order) -> int:
        """Free the places of a request that is answered or given up; once.

        Return how many of its texts had not ended: those are dropped.
        """
        with self._changed:
            order.dropped = True
            if order.waiting:
                order.waiting.clear()
                self._orders.remove(order)
            return self._places.pop(id(order), order.ended) - order.ended

    def close(self, why: Closed, *, now: bool = False) -> None:
        """Take no more texts; `now` gives up those that wait as well."""
        with self._changed:
            self._closed = why
            orders = list(self._orders) if now else []
            for order in orders:
                order.waiting.clear()
                order.dropped = True
                order.deliver(closed(why))
            if now:
                self._orders.clear()
            self._changed.notify()

    @property
    def closed(self) -> Closed | None:
        """Why no more texts are taken, None where they are."""
        return self._closed

    def _advice(self) -> int:
        """Return in how many seconds half of the places should be free, by the last texts' pace."""
        if len(self._ends) < 2:
            return 1
        each = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)
        return max(1, min(_LONGEST, math.ceil(each * self._most / 2)))
