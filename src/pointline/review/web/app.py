"""The application of a desk."""

from __future__ import annotations

from pathlib import Path

from pointline.errors import InputError, MissingExtra
from pointline.review.desk import Desk
from pointline.review.guard import Guard, Seal
from pointline.review.web.choice import add_files
from pointline.review.web.doors import add_doors, add_faults
from pointline.review.web.frame import Frame, Limits
from pointline.review.web.pages import add_exports, add_pages, difference, when
from pointline.review.web.work import add_changes, add_moves

__all__ = ["Limits", "make_app"]

_TEMPLATES = Path(__file__).parents[1] / "templates"


def make_app(
    desk: Desk, *, token: str = "", local: bool = True, limits: Limits | None = None
) -> Guard:
    """Return the ASGI application of a desk.

    `local` is whether the server is bound to loopback; where it is not, a `token` is needed.

    Raises InputError for a server beyond loopback without a token, MissingExtra without FastAPI.
    """
    if not local and not token:
        raise InputError("a server that others can reach needs a token")
    try:
        import jinja2
        import python_multipart  # noqa: F401
        from fastapi import FastAPI
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", extra="review") from None
    limits = limits or Limits()
    seal = Seal(desk.queue.secret(), "" if local else token)
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"when": when, "difference": difference}
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    web = Frame(desk, seal, environment, limits)
    for add in (add_faults, add_doors, add_files, add_pages, add_exports, add_moves, add_changes):
        add(app, web)
    return Guard(app, seal=seal, local=local, sizes=(limits.upload, limits.request))
