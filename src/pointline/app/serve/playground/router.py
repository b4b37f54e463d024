"""The routes of the playground: the page, its own files, sample texts. No text passes here."""

# no `from __future__ import annotations`: FastAPI reads the types of routes that are made late

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from pointline.corpus import store
from pointline.errors import MissingExtra
from pointline.format import tasks

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = ["HEADERS", "playground"]

_HERE = Path(__file__).parent
_PACKAGE = _HERE.parents[2]
_SAMPLES = _PACKAGE / "app" / "samples" / "samples.jsonl"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

# The look, and how texts are marked, is that of the review page: these files are its own.
_HOUSE = ("elements.js", "house.css", "icon.svg", "marks.js", "points.js", "theme.js")

#: Sent with everything of the page: it asks no other address, and no string becomes markup.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


def playground() -> "APIRouter":
    """Return the router of the page, which lies at the root beside `/v1`.

    `GET /` is the page, `GET /playground/NAME` one of its files. The page asks `v1/tasks`, `health`
    and `v1/extract` beside itself, so a server may stand below any prefix.

    Raises MissingExtra without FastAPI.
    """
    try:
        from fastapi import APIRouter, Request
        from fastapi.responses import Response
    except ImportError as error:
        raise MissingExtra(error.name or "fastapi", extra="serve") from None
    page = (_HERE / "page.html").read_bytes()
    files = _files()
    router = APIRouter(include_in_schema=False)

    def answer(request: Request, body: bytes, kind: str) -> Response:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {**HEADERS, "etag": tag}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    @router.get("/")
    async def show(request: Request) -> Any:
        return answer(request, page, "text/html")

    @router.get("/playground/{name}")
    async def file(request: Request, name: str) -> Any:
        if name not in files:
            return Response(status_code=404, headers=HEADERS)
        return answer(request, *files[name])

    return router


def _files() -> dict[str, tuple[bytes, str]]:
    """Return the files of the page by name, with their types: a request only names one of them."""
    house = _PACKAGE / "review" / "static"
    paths = [*(_HERE / "static").iterdir(), *(house / name for name in _HOUSE)]
    found = {path.name: (path.read_bytes(), _KINDS[path.suffix]) for path in paths}
    return found | {"samples.json": (orjson.dumps(_samples()), "application/json")}


def _samples() -> list[dict[str, Any]]:
    """Return the texts that the page offers: of the sample file, and some with their own labels."""
    known = tasks.TASKS
    shipped = [
        {"lang": known[record.task].lang, "text": record.text, "task": record.task}
        for record in store.iter_records(_SAMPLES)
    ]
    own: list[dict[str, Any]] = orjson.loads((_HERE / "samples.json").read_bytes())
    return [*own, *shipped]
