"""The pages: the work itself, the list, the summary, the log, the exports."""

# no `from __future__ import annotations`: FastAPI reads the types of routes that are made late

import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from pointline.review import export
from pointline.review.desk import REASONS
from pointline.review.item import Event
from pointline.review.web.frame import Frame, filter_of, see, within
from pointline.review.web.work import Move, reached

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["add_exports", "add_pages", "difference", "when"]

_PAGE = 50  # items on a page of the list, events on a page of the log


def add_pages(app: "FastAPI", web: Frame) -> None:
    """Show the work, the list, the summary and the log of a review."""
    from fastapi import Request

    find = web.desk.queue.find

    @app.get("/r/{id}")
    def work(
        request: Request, id: int, n: str = "", view: str = "open", rule: str = "",
        label: str = "", q: str = "",
    ) -> Any:  # fmt: skip
        session = web.session(request)
        review = web.desk.queue.review(id)
        if not session.name:
            return see(f"/enter?review={id}")
        wanted = filter_of(view, rule, label, q)
        found = reached(web, review, session.who, Move(wanted, to=n))
        told = {
            "review": review.id,
            "queue": web.seal.name,
            "paired": bool(review.source),
            "who": session.name,
            "reasons": REASONS,
            "item": found,
            "progress": web.numbers(review, request),
            **web.facets(review),
        }
        return web.page(
            request, "review.html", review=review, told=told, wanted=wanted, **web.choice()
        )

    @app.get("/r/{id}/items")
    def items(
        request: Request, id: int, view: str = "", rule: str = "", label: str = "", q: str = "",
        after: int = -1,
    ) -> Any:  # fmt: skip
        review, who = web.desk.queue.review(id), web.session(request).who
        wanted = filter_of(view, rule, label, q)
        found = find.page(review, wanted, who, after=within(after), size=_PAGE)
        return web.page(
            request, "items.html", review=review, wanted=wanted, items=found, after=after,
            count=find.count(review, wanted, who), size=_PAGE, **web.facets(review),
        )  # fmt: skip

    @app.get("/r/{id}/summary")
    def summary(request: Request, id: int) -> Any:
        review = web.desk.queue.review(id)
        told = export.summary(web.desk.queue, review)
        return web.page(request, "summary.html", review=review, told=told)

    @app.get("/r/{id}/log")
    def log(request: Request, id: int, before: int = 0) -> Any:
        review = web.desk.queue.review(id)
        events = web.desk.queue.log.events(review, before=within(before), size=_PAGE)
        return web.page(request, "log.html", review=review, events=events, size=_PAGE)


def add_exports(app: "FastAPI", web: Frame) -> None:
    """Give what a review came to, at any moment."""

    @app.get("/r/{id}/decisions.csv")
    def decisions(id: int) -> Any:
        from fastapi.responses import StreamingResponse

        review = web.desk.queue.review(id)
        # read at once: a slow line is not to hold the queue as it was
        made = tempfile.TemporaryFile()  # noqa: SIM115  (closed when it is sent)
        for line in export.decisions(web.desk.queue, review):
            made.write(line.encode())
        made.seek(0)
        headers = _named(f"decisions-{id}.csv")
        return StreamingResponse(_sent(made), media_type="text/csv; charset=utf-8", headers=headers)

    @app.get("/r/{id}/dataset.zip")
    def dataset(id: int) -> Any:
        from fastapi.responses import StreamingResponse

        review = web.desk.queue.review(id)
        with tempfile.TemporaryDirectory() as made:
            export.export(web.desk.queue, review, Path(made))
            archive = tempfile.TemporaryFile()  # noqa: SIM115  (closed when it is sent)
            export.pack(Path(made), archive)
        archive.seek(0)
        headers = _named(f"review-{id}.zip")
        return StreamingResponse(_sent(archive), media_type="application/zip", headers=headers)


def _sent(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(2**20):
            yield chunk


def _named(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}


# ---------------------------------------------------------------- what templates say


def when(at: float) -> str:
    """Return a moment in UTC; the page's script shows it in the reader's zone.

    >>> when(0)
    '1970-01-01 00:00 UTC'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def difference(event: Event) -> list[tuple[str, str, str]]:
    """Return what an event changed: the part, what it was, what it became."""
    found = []
    for part, old in event.before.items():
        new = event.after.get(part, "")
        if part == "record":
            found += _within(orjson.loads(old), orjson.loads(new))
        elif part != "decided_by":
            found.append((part, _shown(old), _shown(new)))
    return found


def _shown(value: Any) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _within(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    parts = [(part, old[part], new[part]) for part in ("text", "label")]
    parts.append(("items", _items(old), _items(new)))
    return [(part, before, after) for part, before, after in parts if before != after]


def _items(values: Mapping[str, Any]) -> str:
    return "; ".join(map(_item, [*values["pairs"], *values["facts"]]))


def _item(values: Mapping[str, Any]) -> str:
    if "fields" in values:
        return " · ".join(values["fields"])
    place = "" if values["start"] is None else f" [{values['start']}, {values['end']})"
    return f"{values['label']}: {values['entity']}{place}"
