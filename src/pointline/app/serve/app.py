"""The application of an extractor, and the worker behind it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pointline.app.serve.limits import Limits
from pointline.errors import InputError, MissingExtra
from pointline.version import __version__

if TYPE_CHECKING:
    from pointline.app.serve.server import Server
    from pointline.app.serve.worker import Worker
    from pointline.model.extract import Extractor

__all__ = ["Site", "make_site", "require"]

_ABOUT = """\
Labels and items from texts in English, Japanese and Chinese: a task that has a name, or labels of
your own. Offsets count code points. Every fault is `{"error": {"code", "message"}}`.
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An ASGI application, and the worker that reads its texts."""

    app: Any
    worker: Worker
    limits: Limits

    @property
    def model(self) -> str:
        """The model's name."""
        return self.worker.extractor.backend.name

    def server(self) -> Server:
        """Return the server of the site; its worker has begun, this process serves alone."""
        from pointline.app.allocator import steady
        from pointline.app.serve.server import Server

        steady()
        self.worker.start()
        return Server(self.app, self.worker, self.limits)


def make_site(
    extractor: Extractor,
    *,
    limits: Limits | None = None,
    batch_size: int = 8,
    local: bool = True,
    token: str = "",
    open_to_all: bool = False,
    origins: Collection[str] = (),
    log_texts: bool = False,
) -> Site:
    """Return the site of an extractor.

    `local` is whether it is bound to loopback; where it is not, a `token` is needed, or the word
    that it is `open_to_all`. `origins` are those of other sites whose pages may ask.

    Raises InputError for a server beyond loopback without either, a token that no header can
    carry or an origin that no browser sends; MissingExtra without FastAPI.
    """
    if not (local or token or open_to_all):
        raise InputError("a server that others can reach needs a token (or --open)")
    if token and not (token.isascii() and token.isprintable() and " " not in token):
        raise InputError("the token is letters, digits and signs of ASCII, without blanks")
    require()
    from fastapi import FastAPI
    from fastapi.middleware.cors import CORSMiddleware

    from pointline.app.serve.api import Desk, add_faults, add_routes
    from pointline.app.serve.gate import Door, Gate, origin_of
    from pointline.app.serve.metrics import Metrics
    from pointline.app.serve.playground import playground
    from pointline.app.serve.worker import Worker

    sites = frozenset(map(origin_of, origins))
    limits = limits or Limits()
    metrics = Metrics(extractor.backend.name)
    worker = Worker(extractor, limits, metrics, batch_size=batch_size)
    app = FastAPI(
        title="pointline", version=__version__, description=_ABOUT, docs_url=None, redoc_url=None
    )
    add_faults(app)
    add_routes(app, Desk(worker, metrics, limits, log_texts))
    app.include_router(playground())
    door = Door(local, token, sites)
    gate: Any = Gate(app, door, limits, metrics, app.openapi()["paths"])
    if sites:
        gate = CORSMiddleware(
            gate,
            allow_origins=sorted(sites),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "x-request-id"],
            expose_headers=["retry-after", "x-request-id"],
        )
    return Site(gate, worker, limits)


def require() -> None:
    """Raise MissingExtra where a library of the server is not installed."""
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", extra="serve") from None
