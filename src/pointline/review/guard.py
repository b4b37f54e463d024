"""Who may ask: sessions by signed cookies, a token beyond loopback, CSRF, sizes, headers.

An ASGI middleware of our own; it knows nothing of the pages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from pointline.review.item import Reviewer

__all__ = ["Guard", "Seal", "Session", "is_loopback", "named", "new_session"]

_NAME = 60  # characters of a reviewer's name

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        b" connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)

# What somebody who has not shown the token may see: the page that asks for it.
_OPEN_TO_ALL = ("/token", "/static/")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session: its id, the name that the person gave, whether the token was shown."""

    id: str
    name: str = ""
    admitted: bool = False

    @property
    def who(self) -> Reviewer:
        """The person, as the queue knows them."""
        return Reviewer(self.name, self.id)


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs sessions with a secret; the token, where one is needed, is part of it.

    >>> seal = Seal("secret")
    >>> seal.read(seal.cookie(Session("a", "美緒"))).name
    '美緒'
    >>> seal.read("forged")
    """

    secret: str = field(repr=False)
    token: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """The cookie's name: servers on other ports of this machine have others."""
        return f"pointline_{hashlib.sha256(self.secret.encode()).hexdigest()[:8]}"

    def _sign(self, what: str) -> str:
        key = f"{self.secret}\0{self.token}".encode()
        return hmac.new(key, what.encode(), hashlib.sha256).hexdigest()

    def cookie(self, session: Session) -> str:
        """Return the value of the cookie that carries a session."""
        told = "\0".join((session.id, "1" if session.admitted else "0", session.name)).encode()
        body = base64.urlsafe_b64encode(told).decode()
        return f"{body}.{self._sign(body)}"

    def read(self, cookie: str) -> Session | None:
        """Return the session that a cookie carries, None where the signature is not ours."""
        body, _, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(body).encode()):
            return None
        id, admitted, name = base64.urlsafe_b64decode(body).decode().split("\0", 2)
        return Session(id, name, admitted == "1")

    def csrf(self, session: Session) -> str:
        """Return the token that every form and request of a session carries."""
        return self._sign(f"csrf {session.id}")

    def is_csrf(self, session: Session, told: str) -> bool:
        """Whether a request came from one of our pages."""
        return hmac.compare_digest(told.encode(), self.csrf(session).encode())

    def is_token(self, told: str) -> bool:
        """Whether this is the token that lets people in."""
        return bool(self.token) and hmac.compare_digest(told.encode(), self.token.encode())


def new_session() -> Session:
    """Return a session of nobody yet."""
    return Session(secrets.token_urlsafe(18))


def named(session: Session, name: str) -> Session:
    """Return the session with a person's name, as far as it can be shown."""
    plain = " ".join("".join(c for c in name if c.isprintable()).split())
    return Session(session.id, plain[:_NAME], session.admitted)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """Lets a request through to the pages, with its session, or refuses it in one line.

    `local` is whether the server is bound to loopback: then the Host must be too, so that no other
    site's name can be pointed here. `sizes` gives the largest body of an upload and of the rest.
    """

    def __init__(self, app: App, *, seal: Seal, local: bool, sizes: tuple[int, int]) -> None:
        """Guard an application."""
        self._app, self._seal, self._local, self._sizes = app, seal, local, sizes

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        most = self._sizes[0] if scope["path"] == "/open" else self._sizes[1]
        refusal = self._refusal(headers, most)
        if refusal:
            await _refuse(send, *refusal)
            return
        found = self._session(headers.get("cookie", ""))
        scope["session"] = found or new_session()
        sending = self._sending(scope, found, send)
        stranger = self._seal.token and not scope["session"].admitted
        if stranger and not scope["path"].startswith(_OPEN_TO_ALL):
            await _to_the_door(sending, scope["method"])
            return
        await self._app(scope, _limited(receive, most), sending)

    def _refusal(self, headers: MutableMapping[str, str], most: int) -> tuple[int, str] | None:
        host = headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if self._local and not is_loopback(name):
            return 421, "This page is served to this machine only: ask for it by 127.0.0.1."
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "Another site asked for this."
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > most:
            return 413, f"At most {most // 1024} KiB can be sent."
        return None

    def _session(self, cookies: str) -> Session | None:
        try:
            found = SimpleCookie(cookies).get(self._seal.name)
        except CookieError:
            return None
        return self._seal.read(found.value) if found else None

    def _sending(self, scope: Message, known: Session | None, send: Send) -> Send:
        """Add our headers, and the cookie where the pages changed the session."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *_HEADERS]
                if scope["session"] != known:
                    value = f"{self._seal.name}={self._seal.cookie(scope['session'])}"
                    cookie = f"{value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000"
                    headers.append((b"set-cookie", cookie.encode()))
                message = {**message, "headers": headers}
            await send(message)

        return sending


def _limited(receive: Receive, most: int) -> Receive:
    """Count what comes in: a body without a length could be endless."""
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > most else message

    return limited


async def _refuse(send: Send, status: int, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": reason.encode()})


async def _to_the_door(send: Send, method: str) -> None:
    if method != "GET":
        await _refuse(send, 401, "Show the token first: open the address that the server printed.")
        return
    headers = [(b"location", b"/token")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
