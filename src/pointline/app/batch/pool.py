"""Worker processes that may die: each does a shard at a time, and is replaced when it is killed.

The work is begun by `spawn`, so that it is the same on every system and no thread of this process
is copied. What died in whose hands is written in the shards' journals, not here.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Literal, NoReturn

from pointline.app.batch.work import Job, Worker
from pointline.corpus.crew import processors
from pointline.corpus.resultfile import Tally
from pointline.errors import ModelError, PointlineError

__all__ = ["THREADS", "Event", "pool", "share"]

#: What says how many threads a model may use; it is heeded where it is set.
THREADS = "OMP_NUM_THREADS"

_DEATHS = 30  # of workers one after the other, none of which got on by more than a row
_STILLBORN = 3  # workers that end before they are ready, one after the other
_PATIENCE = 10.0  # seconds for a worker to end by itself
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Event:
    """What a worker does: it is ready, ended rows of a shard, did a shard, or died.

    `rows` are those of the shard that have ended, `tally` is the shard in numbers, `reason` says
    how a worker died.
    """

    kind: Literal["ready", "rows", "done", "died"]
    shard: int = -1
    rows: int = 0
    tally: Tally | None = None
    reason: str = ""


@dataclass(slots=True)
class _Hand:
    """A worker process as its giver of work sees it."""

    process: BaseProcess
    ours: Connection
    device: str | None
    shard: int | None = None
    ready: bool = False


def share(workers: int) -> int:
    """Return how many threads each of so many workers of this machine gets."""
    return max(1, processors() // max(1, workers))


def pool(
    job: Job, shards: Sequence[int], *, workers: int = 1, devices: Sequence[str] = ()
) -> Generator[Event]:
    """Yield what happens while the workers do the shards; a shard whose worker died is done again.

    `devices` go round among the workers. The processors are shared out as OMP_NUM_THREADS, where
    that is not set. Workers end with the iteration.

    Raises what a worker raises, and ModelError where workers die that have hardly begun.
    """
    yield from _Pool(job, deque(shards), min(workers, len(shards)), devices).run()


class _Pool:
    def __init__(self, job: Job, waiting: deque[int], workers: int, devices: Sequence[str]) -> None:
        self.job, self.waiting = job, waiting
        self.threads = share(workers)
        self.devices = [devices[at % len(devices)] if devices else None for at in range(workers)]
        self.hands: list[_Hand] = []
        self.ended: dict[int, int] = {}  # rows by shard
        self.stillborn = self.deaths = self.since = 0

    def run(self) -> Iterator[Event]:
        try:
            for device in self.devices:
                self.hands.append(self._hired(device))
            while self.hands:
                told = wait([hand.ours for hand in self.hands])
                for hand in [hand for hand in self.hands if hand.ours in told]:
                    yield from self._heard(hand)
        finally:
            for hand in self.hands:
                _end(hand)

    def _hired(self, device: str | None) -> _Hand:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs, self.job, device, self.threads))
        process.start()
        theirs.close()
        return _Hand(process, ours, device)

    def _heard(self, hand: _Hand) -> Iterator[Event]:
        try:
            told = hand.ours.recv()
        except (EOFError, OSError):
            yield self._replaced(hand)
            return
        if isinstance(told, PointlineError):
            raise told
        yield told
        if told.kind == "rows":
            self.since += max(0, told.rows - self.ended.get(told.shard, 0))
            self.ended[told.shard] = told.rows
        if told.kind == "ready":
            hand.ready, self.stillborn = True, 0
        if told.kind in ("ready", "done"):
            self._next(hand)

    def _next(self, hand: _Hand) -> None:
        """Give a worker its next shard, or let it go."""
        hand.shard = self.waiting.popleft() if self.waiting else None
        try:
            hand.ours.send(hand.shard)
        except OSError:  # it died meanwhile, which is heard next
            return
        if hand.shard is None:
            self.hands.remove(hand)
            _end(hand, patience=_PATIENCE)

    def _replaced(self, hand: _Hand) -> Event:
        """Put a new worker in the place of one that died.

        Raises ModelError where that has happened too often.
        """
        self.hands.remove(hand)
        _end(hand, patience=_PATIENCE)
        reason = _how(hand.process.exitcode)
        self.stillborn += not hand.ready
        self.deaths = self.deaths + 1 if self.since <= 1 else 1
        self.since = 0
        if self.stillborn == _STILLBORN:
            raise ModelError(f"{_STILLBORN} workers ended before they were ready, {reason}")
        if self.deaths == _DEATHS:
            raise ModelError(f"{_DEATHS} workers ended one after the other, {reason}")
        if hand.shard is not None:
            self.waiting.appendleft(hand.shard)
        if self.waiting:
            self.hands.append(self._hired(hand.device))
        return Event("died", -1 if hand.shard is None else hand.shard, reason=reason)


def _how(code: int | None) -> str:
    if code is None or code >= 0:
        return f"with the exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by the signal {-code}"


def _end(hand: _Hand, *, patience: float = 0.0) -> None:
    """Wait until a worker has ended, and make it end when that takes too long."""
    hand.process.join(patience)
    for make in (hand.process.terminate, hand.process.kill):
        if hand.process.is_alive():
            make()
            hand.process.join(_PATIENCE)
    hand.ours.close()


# ---------------------------------------------------------------- in a worker


def _serve(giver: Connection, job: Job, device: str | None, threads: int) -> None:
    """Do what is given until there is no more."""
    os.environ.setdefault(THREADS, str(threads))
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _leave)
    here: list[Worker] = []
    threading.Thread(target=_outlive_nobody, args=(here,), daemon=True).start()
    try:
        worker = Worker(job, device)
        here.append(worker)
        giver.send(Event("ready"))
        while (shard := giver.recv()) is not None:

            def told(rows: int, shard: int = shard) -> None:
                giver.send(Event("rows", shard, rows))

            giver.send(Event("done", shard, tally=worker.do(shard, told)))
    except PointlineError as error:
        giver.send(error)
    except (EOFError, ConnectionError):  # nobody is there who would give more
        sys.exit(1)
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is _leave:
                signal.signal(number, signal.SIG_DFL)


def _leave(signal: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    sys.exit(1)


def _outlive_nobody(here: Sequence[Worker]) -> None:
    """End this process when the one that gives the work has ended, however that was."""
    if giver := multiprocessing.parent_process():
        giver.join()
        try:
            for worker in here:
                worker.leave()
        finally:
            os._exit(1)
