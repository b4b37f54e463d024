"""The gate: who may ask, how much may be sent and how long it may take; request ids, the log.

An ASGI middleware of our own around the routes. It reads a request's body before the routes see
it, counting as it comes; it ends the routes' work when the client has left.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import orjson

from pointline.app.serve.limits import Limits, Refusal
from pointline.app.serve.logs import LOGGER
from pointline.app.serve.metrics import Metrics
from pointline.errors import InputError
from pointline.review.guard import is_loopback

__all__ = ["Door", "Gate", "Served", "origin_of"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

#: Sent where the routes do not say otherwise.
_HEADERS = {
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
}

# What can be asked for without the token: nothing of it tells of a text.
_OPEN = ("/", "/health", "/docs", "/openapi.json")
_OPEN_BELOW = "/playground/"

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SITE = re.compile(r"([a-z][a-z0-9+.-]*)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?/?")
_LEFT = 499  # the status that is logged of a client that did not wait
# What is read and thrown away of a body that is refused, so that the client gets to read why.
_THROWN, _THROWN_SECONDS = 32 * 2**20, 2.0


@dataclass(slots=True)
class Served:
    """A request on its way: what the routes tell of it, and what is to be done when it is over."""

    id: str
    begun: float = field(default_factory=monotonic)
    status: int = _LEFT
    code: str = ""
    held: int = 0  # bytes of the body
    told: dict[str, Any] = field(default_factory=dict)
    over: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """Who may ask. `local`: bound to loopback; `origins`: of other sites' pages that may ask too.

    Without a token a server on loopback answers to loopback's names only, so that no other site's
    name can be pointed here.
    """

    local: bool
    token: str = field(default="", repr=False)
    origins: Collection[str] = ()

    def check(self, scope: Message, headers: Mapping[str, str]) -> None:
        """Raise Refusal for who may not ask."""
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self.local and not self.token and not is_loopback(name):
            raise Refusal(421, "misdirected", "this server answers to this machine's own names")
        origin = headers.get("origin")
        own = origin is None or origin.partition("://")[2] == host
        if not own and origin not in self.origins:
            raise Refusal(403, "foreign_origin", f"pages of {origin} may not ask: --allow-origin")
        path = scope["path"]
        if self.token and path not in _OPEN and not path.startswith(_OPEN_BELOW):
            told = headers.get("authorization", "")
            scheme, _, key = told.partition(" ")
            right = hmac.compare_digest(key.strip().encode("latin-1"), self.token.encode())
            if scheme.lower() != "bearer" or not right:
                raise Refusal(401, "unauthorized", "send the token: Authorization: Bearer TOKEN")


def origin_of(site: str) -> str:
    """Return a site as browsers name it in the Origin header.

    Raises InputError for what no browser would send.

    >>> origin_of("https://Notes.example:443/")
    'https://notes.example'
    """
    found = _SITE.fullmatch(site.strip().lower())
    if not found:
        raise InputError(
            f"{site!r} is no site whose pages may ask: give scheme, host and port as in"
            " https://notes.example:8443 (without a path; a name that is not ASCII as xn--...)"
        )
    scheme, host, port = found.groups()
    usual = {"http": "80", "https": "443"}.get(scheme)
    return f"{scheme}://{host}" + (f":{port}" if port and port != usual else "")


class Gate:
    """Lets a request through to the routes, or refuses it.

    `paths` are counted by name also where a request to them is refused.
    """

    def __init__(
        self, app: App, door: Door, limits: Limits, metrics: Metrics, paths: Collection[str] = ()
    ) -> None:
        """Guard an application."""
        self._app, self._door, self._limits, self._metrics = app, door, limits, metrics
        self._paths = frozenset(paths)
        self._held = 0  # bytes of bodies

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        known = _ID.fullmatch(headers.get("x-request-id", ""))
        served = scope["served"] = Served(known[0] if known else secrets.token_hex(8))
        sending = self._sending(served, scope, send)
        try:
            self._crowded(scope)
            self._door.check(scope, headers)
            body = await self._read(served, scope, headers, receive)
            await _while_there(self._app(scope, _again(body), sending), receive)
        except Refusal as refusal:
            served.code = refusal.code
            await _throw_away(headers, receive)
            await _refuse(sending, refusal)
        except _Left:
            served.status = _LEFT
        finally:
            self._held -= served.held
            self._end(scope, served)

    def _crowded(self, scope: Message) -> None:
        """Raise Refusal where there are too many connections; the server counts them."""
        most = self._limits.connections
        if scope.get("connections", 0) > most:
            raise Refusal(
                503,
                "too_many_connections",
                f"{most} connections are open: ask again later",
                retry_after=1,
            )

    async def _read(
        self, served: Served, scope: Message, headers: Mapping[str, str], receive: Receive
    ) -> list[bytes]:
        """Read the body, in parts; what is too large or too slow is refused before it is here."""
        if scope["method"] == "POST":
            kind = headers.get("content-type", "").partition(";")[0].strip().lower()
            if kind != "application/json":
                raise Refusal(415, "not_json", "send JSON: Content-Type: application/json")
        length = headers.get("content-length", "0")
        self._fits(int(length) if length.isdigit() else 0)
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._limits.body_wait):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _Left
                    part = message.get("body", b"")
                    self._fits(served.held + len(part), more=len(part))
                    parts.append(part)
                    served.held += len(part)
                    self._held += len(part)
                    if not message.get("more_body"):
                        return parts
        except TimeoutError:
            wait = f"{self._limits.body_wait:g}"
            raise Refusal(408, "slow_body", f"the body was not here after {wait} s") from None

    def _fits(self, size: int, *, more: int = 0) -> None:
        """Raise Refusal for a body of that size, of which so many bytes come now."""
        if size > self._limits.body:
            raise Refusal(
                413, "body_too_large", f"a body may have {self._limits.body:,} bytes: ask in parts"
            )
        if self._held + (more or size) > self._limits.bodies:
            raise Refusal(429, "busy", "too much is being sent: ask again later", retry_after=1)

    def _sending(self, served: Served, scope: Message, send: Send) -> Send:
        """Add our headers; and cut the connection of a client that does not read.

        That it left is then told by `receive`, as of every client, and ends the work. Where no
        server is there to cut it the work ends here.
        """

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                served.status = message["status"]
                told = [*message.get("headers", ()), (b"x-request-id", served.id.encode())]
                names = {name.lower() for name, _ in told}
                rest = [(name, value) for name, value in _HEADERS.items() if name not in names]
                message = {**message, "headers": told + rest}
            try:
                async with asyncio.timeout(self._limits.write_wait):
                    await send(message)
            except TimeoutError:
                if "cut" not in scope:
                    raise _Left from None
                scope["cut"]()

        return sending

    def _end(self, scope: Message, served: Served) -> None:
        if served.over:
            served.over()
        took = monotonic() - served.begun
        path = scope["path"] if scope["path"] in self._paths else "other"
        route = getattr(scope.get("route"), "path", path)
        self._metrics.requests.labels(route, str(served.status)).inc()
        self._metrics.seconds.labels(route).observe(took)
        if served.code:
            self._metrics.errors.labels(served.code).inc()
        told = {"id": served.id, "method": scope["method"], "route": route}
        told |= {"status": served.status, "seconds": round(took, 4), **served.told}
        told |= {"code": served.code} if served.code else {}
        LOGGER.info("request", extra={"told": told})


class _Left(Exception):
    """The client went away; nobody is told."""


async def _while_there(work: Awaitable[None], receive: Receive) -> None:
    """Do the work unless the client leaves; then it is cancelled.

    Raises _Left where the client left.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leaving(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _Left
        await working
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _leaving(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _again(parts: list[bytes]) -> Receive:
    """Hand the routes the body that was read, and nothing after it."""

    async def again() -> Message:
        if parts:
            body = b"".join(parts)
            parts.clear()
            return {"type": "http.request", "body": body, "more_body": False}
        return await asyncio.Future()  # who leaves is looked for elsewhere

    return again


async def _throw_away(headers: Mapping[str, str], receive: Receive) -> None:
    """Read what is still coming of a refused body, within bounds: else nobody reads why."""
    if "expect" in headers:
        return
    thrown = 0
    try:
        async with asyncio.timeout(_THROWN_SECONDS):
            while thrown < _THROWN:
                message = await receive()
                thrown += len(message.get("body", b""))
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = orjson.dumps(refusal.told)
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        **refusal.headers,
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
