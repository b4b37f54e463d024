"""The process: listening, connections that hang, stopping in good order."""

from __future__ import annotations

import asyncio
from time import monotonic
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

import uvicorn

from pointline.app.serve.limits import Limits
from pointline.app.serve.logs import LOGGER
from pointline.app.serve.worker import Worker

__all__ = ["Server"]

_LOOKS = 10  # ticks between two looks at the connections: a second


class Server(uvicorn.Server):
    """uvicorn's server, which stops when the texts that were taken are read.

    On the first signal new texts are refused (503) and `/health` says "stopping"; when nothing is
    left, or after `Limits.grace`, it ends. A second signal ends it at once. A connection that
    sends no request, or does not take the end of an answer, is cut after `Limits.head_wait`.

    The application is told in the scope how many `connections` are open, this one among them, and
    has a function to `cut` the request's own: uvicorn's limit would answer in plain text, and
    refuse the last one that there is room for.
    """

    def __init__(self, app: Any, worker: Worker, limits: Limits) -> None:
        """Make a server of an application and its worker."""
        super().__init__(
            uvicorn.Config(
                self._told,
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                http="h11",
                timeout_graceful_shutdown=2,
            )
        )
        self._app, self._worker, self._limits = app, worker, limits
        self._ends: float | None = None
        self._idle: WeakKeyDictionary[Any, tuple[Any, float]] = WeakKeyDictionary()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to stop; the second time, stop."""
        if self._ends is None:
            self._ends = monotonic() + self._limits.grace
            self._worker.stop()
        else:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end; uvicorn asks ten times a second."""
        if counter % _LOOKS == 0:
            self._cut()
        if self._ends is not None and (not self._worker.queue.taken or monotonic() > self._ends):
            self.should_exit = True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: Any = None) -> None:
        """Give up what is left, and end."""
        LOGGER.info("stopping", extra={"told": {"texts_given_up": self._worker.queue.taken}})
        await asyncio.to_thread(self._worker.give_up)
        await super().shutdown(sockets)

    async def _told(self, scope: Any, receive: Any, send: Any) -> None:
        scope["connections"] = len(self.server_state.connections)
        scope["cut"] = lambda: self._cut_of(scope)
        await self._app(scope, receive, send)

    def _cut_of(self, scope: Any) -> None:
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and cycle.scope is scope:
                connection.transport.abort()

    def _cut(self) -> None:
        """Cut the connections that have had no request on its way for too long."""
        now = monotonic()
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            closing = connection.transport.is_closing()
            if cycle is not None and not cycle.response_complete and not closing:
                self._idle.pop(connection, None)
                continue
            last, since = self._idle.get(connection, (None, now))
            if last is not cycle:
                since = now
            self._idle[connection] = (cycle, since)
            if now - since > self._limits.head_wait:
                connection.transport.abort()
