"""The worker: one thread that reads the queue's texts with one extractor, in a batch that goes on.

New texts join the batch while others are read. A text that the model fails on is read again
alone, with those that were read beside it, and gets an error of its own; what is no error of a
text's ends the worker, and `state` says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count
from threading import Thread
from time import monotonic
from typing import Literal

import orjson

from pointline.app.serve.limits import Limits, brief, closed
from pointline.app.serve.logs import LOGGER, told_of
from pointline.app.serve.metrics import Metrics
from pointline.app.serve.queue import Order, Queue, Result, Text
from pointline.corpus import store
from pointline.errors import InputError, PointlineError, TextTooLong
from pointline.format.record import Prediction
from pointline.model.backend import Backend, Completion, Request, completions
from pointline.model.extract import Extractor
from pointline.model.prepared import Prepared, prompt_of

__all__ = ["Worker"]

# What a model may raise of a text: our own errors, and torch's.
_SPOILS = (PointlineError, RuntimeError, MemoryError)
# What writing an answer may raise.
_UNWRITABLE = (PointlineError, TypeError, ValueError)
# So many texts in a row that fail alone with an error that is not ours: it is not the texts.
_ENOUGH = 3
# Seconds in which texts are made ready while others are read: then those go on first.
_PATIENCE = 0.05


class Worker:
    """Reads the queue's texts until the queue is closed."""

    def __init__(
        self, extractor: Extractor, limits: Limits, metrics: Metrics, *, batch_size: int = 8
    ) -> None:
        """Make a worker and its queue; `start` lets it begin."""
        self.queue = Queue(limits.queue)
        self.extractor = Extractor(
            _Counted(extractor.backend, metrics),
            extractor.options,
            tasks=extractor.tasks.values(),
        )
        self._limits, self._metrics, self._batch_size = limits, metrics, batch_size
        self._running: dict[int, tuple[Order, Text, Prepared]] = {}
        self._begun: Order | None = None  # whose text is being made ready
        self._ended = monotonic()
        self._thread = Thread(target=self._run, name="pointline-worker", daemon=True)
        metrics.watch("queue_texts", "Texts that wait to be read.", lambda: self.queue.waiting)
        metrics.watch("places_taken", "Texts not answered yet.", lambda: self.queue.taken)
        metrics.watch("up", "Whether texts are read.", lambda: self.state in ("ok", "stopping"))

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    @property
    def running(self) -> int:
        """How many texts are being read."""
        return len(self._running)

    @property
    def state(self) -> Literal["ok", "stopping", "failed", "stalled"]:
        """How the worker is: `stalled` where texts are read and none has ended for long."""
        quiet = monotonic() - self._ended if self._running else 0.0
        if self.queue.closed != "failed" and quiet > self._limits.stall:
            return "stalled"
        return self.queue.closed or "ok"

    def stop(self) -> None:
        """Take no more texts; those that were taken are read."""
        self.queue.close(self.queue.closed or "stopping")

    def give_up(self, *, wait: float = 5) -> None:
        """Give up what is left, and wait for the thread to end."""
        self.queue.close(self.queue.closed or "stopping", now=True)
        for order in self._orders():
            order.dropped = True
            order.deliver(closed("stopping"))
        self._thread.join(wait)

    def _orders(self) -> list[Order]:
        """Return whose texts are read, or being made ready."""
        begun = self._begun
        return [order for order, *_ in list(self._running.values())] + ([begun] if begun else [])

    # ------------------------------------------------------------ in the thread

    def _run(self) -> None:
        done = False
        try:
            while not (self.queue.closed and not self.queue.waiting):
                self._read()
            done = True
        finally:
            self.queue.close("stopping" if done else "failed", now=True)
            for order in self._orders():
                order.deliver(closed("stopping" if done else "failed"))
            self._running.clear()
            self._begun = None
            if not done:
                LOGGER.critical("the model has failed")

    def _read(self) -> None:
        """Read texts as they come, until the queue is closed or one spoils the batch."""
        self._running.clear()
        try:
            stream = self.extractor.stream(self._coming(), batch_size=self._batch_size)
            for number, found in stream:
                if number in self._running:
                    order, text, _ = self._running[number]
                    self._told(order, text, found)
                    del self._running[number]
        except _SPOILS as error:
            LOGGER.warning("a batch was spoiled", extra={"told": told_of(error)})
            self._read_alone()

    def _coming(self) -> Iterator[Prepared | None]:
        """Yield the texts of the queue; None while others are read and none waits.

        Where one was refused or took long to be made ready, None comes twice, so that the others
        go on: once to end the group of those that join them, and once because none follows.
        """
        numbers = count()
        while True:
            for number in [n for n, (order, *_) in self._running.items() if order.dropped]:
                del self._running[number]
            taken = self.queue.take(wait=not self._running)
            if taken:
                begun = monotonic()
                ready = self._ready(*taken)
                if ready:
                    self._ended = self._ended if self._running else monotonic()
                    self._running[next(numbers)] = (*taken, ready)
                    yield ready
                if self._running and (ready is None or monotonic() - begun > _PATIENCE):
                    yield from (None, None)
            elif self.queue.closed:
                return
            else:
                yield None

    def _ready(self, order: Order, text: Text) -> Prepared | None:
        self._metrics.waited.observe(monotonic() - order.begun)
        self._begun, ready = order, None
        try:
            self._fits(order, text)
            ready = self.extractor.prepare(
                text.record, text.task, text.options, stopped=lambda: order.dropped
            )
        except _SPOILS as error:
            if not isinstance(error, PointlineError):
                LOGGER.warning("a text was not made ready", extra={"told": told_of(error)})
            self._told(order, text, error)
        self._begun = None
        return ready

    def _fits(self, order: Order, text: Text) -> None:
        """Raise InputError for labels that would have a long text read in tiny windows.

        Each window has the labels in front, so a text would take as long as very many.
        """
        options, backend = text.options, self.extractor.backend
        if text.task.family != "adhoc" or options.asked.given is not None:
            return
        limit = min(options.window, backend.window - options.new_tokens(backend.window))
        if text.task not in order.heads:
            order.heads[text.task] = backend.count(prompt_of(options, "", text.task, text.record))
        head = order.heads[text.task]
        if head <= limit // 2:
            return
        whole = prompt_of(options, text.record.text, text.task, text.record)
        if head > limit or backend.count(whole) > limit:
            raise InputError(
                f"the labels take {head:,} of the {limit:,} tokens that the model is shown at a"
                " time, and this text does not fit beside them: give fewer or shorter labels, or"
                " a shorter text"
            )

    def _read_alone(self) -> None:
        """Read each text that was on its way alone: one at least is at fault, the others are not.

        Raises the error of a text where it is no text's.
        """
        strange = 0
        for number, (order, text, ready) in list(self._running.items()):
            if order.dropped:
                continue
            try:
                for _, found in self.extractor.stream([ready], batch_size=1):
                    self._told(order, text, found)
                strange = 0
            except _SPOILS as error:
                strange += not isinstance(error, PointlineError)
                if strange == _ENOUGH:
                    raise
                self._told(order, text, error)
            del self._running[number]

    def _told(self, order: Order, text: Text, found: Prediction | BaseException) -> None:
        """Deliver what was found in a text, or what went wrong; if somebody waits for it."""
        self._ended = monotonic()
        code = "" if isinstance(found, Prediction) else _code(found)
        try:
            body = _found(text, found) if isinstance(found, Prediction) else _fault(text, found)
        except _UNWRITABLE as error:
            LOGGER.error("an answer could not be written", extra={"told": told_of(error)})
            code, body = "internal", _unread(text, "internal", "the answer could not be written")
        if not self.queue.ended(order):
            return
        if code:
            self._metrics.errors.labels(code).inc()
        self._metrics.texts.labels("failed" if code else "done").inc()
        self._metrics.characters.inc(len(text.record.text))
        order.deliver(Result(text.record.id, body, bool(code)))


def _found(text: Text, found: Prediction) -> bytes:
    told = store.to_json(found)
    if not text.scores:
        told.pop("scores")
    return orjson.dumps(told)


def _fault(text: Text, error: BaseException) -> bytes:
    """Return the result of a text that could not be read, in the words of who asked."""
    code = _code(error)
    message = str(error) if isinstance(error, PointlineError) else "the model failed on this text"
    if code == "text_too_long":
        beside = " beside what is given" if text.options.asked.given else ""
        message = (
            f"{len(text.record.text):,} characters are more than the model reads at a"
            f" time{beside}: ask for a shorter text, or a part of it"
        )
    return _unread(text, code, message)


def _code(error: BaseException) -> str:
    if isinstance(error, InputError):
        return "text_too_long" if isinstance(error, TextTooLong) else "refused"
    return "model_error"


def _unread(text: Text, code: str, message: str) -> bytes:
    told = {"code": code, "message": brief(message)}
    return orjson.dumps({"id": text.record.id, "error": told})


class _Counted:
    """A backend whose rows and tokens are counted as they pass."""

    def __init__(self, backend: Backend, metrics: Metrics) -> None:
        self._backend, self._metrics = backend, metrics
        self.name, self.weights, self.window = backend.name, backend.weights, backend.window
        self.count, self.complete = backend.count, backend.complete

    def stream(
        self, requests: Iterable[Request | None], *, batch_size: int, max_new_tokens: int = 512
    ) -> Iterator[tuple[int, Completion]]:
        rows, tokens = self._metrics.rows, self._metrics.tokens
        rows.set(0)

        def counted() -> Iterator[Request | None]:
            for request in requests:
                rows.inc(request is not None)
                yield request

        for number, completion in completions(
            self._backend, counted(), batch_size=batch_size, max_new_tokens=max_new_tokens
        ):
            rows.dec()
            tokens.inc(len(completion.tokens))
            yield number, completion
