"""What the routes share: the desk, the seal, the templates, how an answer is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pointline.errors import InputError
from pointline.review import files
from pointline.review.desk import Desk
from pointline.review.guard import Seal, Session
from pointline.review.item import VIEWS, Filter, Review
from pointline.version import __version__

if TYPE_CHECKING:
    from fastapi import Request, Response

__all__ = ["KINDS", "Frame", "Limits", "filter_of", "plain", "see", "within"]

#: Content types of the files of our own, by suffix.
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_STATIC = Path(__file__).parents[1] / "static"
_SEARCH = 200  # characters that may be searched for
_LABELS = 200  # of an open label set that are offered as filters


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest bodies, in bytes: of an upload, and of any other request."""

    upload: int = 64 * 2**20
    request: int = 2 * 2**20


class Frame:
    """What the routes share."""

    def __init__(self, desk: Desk, seal: Seal, environment: Any, limits: Limits) -> None:
        self.desk, self.seal, self.limits = desk, seal, limits
        self._environment = environment
        static = sorted(_STATIC.iterdir())
        #: The files of our own, read once: a request only names one of them.
        self.static = {path.name: path.read_bytes() for path in static if path.suffix in KINDS}

    def page(self, request: Request, name: str, *, status: int = 200, **told: Any) -> Response:
        """Return a page from a template."""
        from fastapi.responses import HTMLResponse

        session = self.session(request)
        made = self._environment.get_template(name).render(
            csrf=self.seal.csrf(session), who=session.name, version=__version__, **told
        )
        headers = {"cache-control": "no-store"}
        return HTMLResponse(made, status_code=status, headers=headers)

    def values(self, told: Any, *, status: int = 200) -> Response:
        """Return values as JSON."""
        from fastapi.responses import Response

        body = orjson.dumps(told)
        headers = {"cache-control": "no-store"}
        return Response(body, status_code=status, media_type="application/json", headers=headers)

    def session(self, request: Request) -> Session:
        """Return the session that the guard found."""
        session: Session = request.scope["session"]
        return session

    def check(self, request: Request, told: str) -> None:
        """Refuse what does not come from one of our pages."""
        if not self.seal.is_csrf(self.session(request), told):
            raise InputError("the page is too old: load it again")

    def facets(self, review: Review) -> dict[str, Any]:
        """Return what a review can be filtered by."""
        rules = {r: sum(n.values()) for r, n in self.desk.queue.find.rules(review).items()}
        labels = dict(list(self.desk.queue.find.labels(review).items())[:_LABELS])
        return {"views": VIEWS, "rules": rules, "labels": labels}

    def choice(self) -> dict[str, Any]:
        """Return what the files are chosen from."""
        folder = self.desk.folder
        most = self.limits.upload // 2**20
        return {"files": list(files.offered(folder)), "folder": folder.name, "most": most}

    def numbers(self, review: Review, request: Request) -> dict[str, Any]:
        """Return how far a review is."""
        return self.desk.progress(review, self.session(request).who)


def see(where: str) -> Response:
    """Send the browser to another page."""
    from fastapi.responses import RedirectResponse

    return RedirectResponse(where, status_code=303)


def filter_of(view: str, rule: str, label: str, search: str) -> Filter:
    """Return the filter that an address asks for."""
    told = (plain(rule, 200), plain(label, 400), plain(search, _SEARCH))
    return Filter(view if view in VIEWS else "open", *told)


def plain(text: str, most: int) -> str:
    """Return what a database can be asked for: no half of a character, and not without end."""
    return text[:most].encode("utf-8", "ignore").decode()


def within(place: int) -> int:
    """Return a place in a list as a number that every database takes."""
    return max(-1, min(place, 2**31 - 1))
