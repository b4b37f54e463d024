"""What the page asks for while somebody works: JSON in, JSON out."""

# no `from __future__ import annotations`: FastAPI reads the types of routes that are made late

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError
from pointline.review.item import Filter, Item, Review, Reviewer
from pointline.review.web.frame import Frame, filter_of, plain, within

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Move", "add_changes", "add_moves", "reached"]

_NAME = 2000  # characters of a record's id that is gone to


@dataclass
class Move:
    """Where a reviewer goes: the next item of a filter after a position, or `to` a named one."""

    wanted: Filter = field(default_factory=Filter)
    after: int = -1
    back: bool = False
    to: str = ""


@dataclass
class Given:
    """A lease that is given back: the one that ends at this moment, or any."""

    until: float | None = None


@dataclass
class Work:
    """What a reviewer does to a version of an item; `record` has the edits, None for none."""

    item: int
    version: int = 0
    record: dict[str, Any] | None = None
    verdict: str = ""
    note: str = ""
    second: bool = False
    wanted: Filter = field(default_factory=Filter)


def reached(web: Frame, review: Review, who: Reviewer, move: Move) -> Any:
    """Return the item that a move leads to, leased where nobody else has it; None: the end."""
    desk, asked = web.desk, move.wanted
    wanted = filter_of(asked.view, asked.rule, asked.label, asked.search)
    second = wanted.view == "second"
    item: Item | None
    if move.to:
        item = desk.queue.lease(desk.queue.find.at(review, plain(move.to, _NAME)).id, who)
        second = False
    else:
        item = desk.go(review, who, wanted, after=within(move.after), back=move.back)
    return item and desk.view(review, item, who, second=second)


Route = Callable[[Callable[..., Any]], Callable[..., Any]]


def _posts(app: "FastAPI", web: Frame) -> Callable[[str], Route]:
    """Return the decorator of routes that only a named person's page may ask."""
    from fastapi import Depends, Header, Request

    def checked(request: Request, x_csrf: str = Header("")) -> None:
        web.check(request, x_csrf)
        if not web.session(request).name:
            raise InputError("give your name first: load the page again")

    def post(name: str) -> Route:
        return app.post(f"/r/{{id}}/api/{name}", dependencies=[Depends(checked)])

    return post


def _of(web: Frame, id: int, work: Work) -> tuple[Review, Item]:
    review, item = web.desk.queue.review(id), web.desk.queue.find.item(work.item)
    if item.review != review.id:
        raise InputError(f"there is no item {work.item} in this review")
    return review, item


def add_moves(app: "FastAPI", web: Frame) -> None:
    """Go to items, take back, keep an item and give it back."""
    from fastapi import Request

    desk, post = web.desk, _posts(app, web)

    @post("go")
    def go(request: Request, id: int, move: Move) -> Any:
        review, who = desk.queue.review(id), web.session(request).who
        item = reached(web, review, who, move)
        return web.values({"item": item, "progress": web.numbers(review, request)})

    @post("undo")
    def undo(request: Request, id: int) -> Any:
        review, who = desk.queue.review(id), web.session(request).who
        found = desk.undo(review, who)
        if found is None:
            raise InputError("there is nothing left to undo")
        item = desk.view(review, desk.queue.lease(found[0].id, who), who)
        told = {"item": item, "progress": web.numbers(review, request), "undone": found[1]}
        return web.values(told)

    @post("renew")
    def renew(request: Request, id: int, work: Work) -> Any:
        (_, item), who = _of(web, id, work), web.session(request).who
        return web.values({"until": desk.queue.renew(item.id, who)})

    @post("release")
    def release(request: Request, id: int, given: Given) -> Any:
        desk.queue.release(web.session(request).who, until=given.until)
        return web.values({"id": id})


def add_changes(app: "FastAPI", web: Frame) -> None:
    """Fix, decide, flag, comment."""
    from fastapi import Request

    desk, post = web.desk, _posts(app, web)

    def answer(request: Request, review: Review, item: Item, *, second: bool = False) -> Any:
        # who gives a second opinion is to see no more of the first for a flag or a comment
        shown = desk.view(review, item, web.session(request).who, second=second)
        return web.values({"item": shown, "progress": web.numbers(review, request)})

    @post("fix")
    def fix(request: Request, id: int, work: Work) -> Any:
        (review, item), who = _of(web, id, work), web.session(request).who
        return answer(request, review, desk.fix(review, item, who, work.version, work.record))

    @post("decide")
    def decide(request: Request, id: int, work: Work) -> Any:
        (review, item), who = _of(web, id, work), web.session(request).who
        desk.decide(
            review, item, who, work.version, work.record,
            verdict=work.verdict, reason=work.note, second=work.second,
        )  # fmt: skip
        found = reached(web, review, who, Move(work.wanted, after=item.position))
        return web.values({"item": found, "progress": web.numbers(review, request)})

    @post("flag")
    def flag(request: Request, id: int, work: Work) -> Any:
        (review, item), who = _of(web, id, work), web.session(request).who
        flagged = desk.flag(item, who, work.version, second=work.second)
        return answer(request, review, flagged, second=work.second)

    @post("comment")
    def comment(request: Request, id: int, work: Work) -> Any:
        (review, item), who = _of(web, id, work), web.session(request).who
        commented = desk.comment(item, who, work.note)
        return answer(request, review, commented, second=work.second)
