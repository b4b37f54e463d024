"""The doors: the token, the name; and what is said where something is refused."""

# no `from __future__ import annotations`: FastAPI reads the types of routes that are made late

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pointline.errors import PointlineError
from pointline.review import guard
from pointline.review.desk import Refused
from pointline.review.item import Conflict
from pointline.review.web.frame import KINDS, Frame, see

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["add_doors", "add_faults"]


def add_faults(app: "FastAPI", web: Frame) -> None:
    """Say what was refused: in JSON to the page's script, else as a page."""
    from fastapi import Request

    @app.exception_handler(PointlineError)
    def fault(request: Request, error: PointlineError) -> Any:
        if "/api/" not in request.url.path:
            return web.page(request, "fault.html", status=400, reason=str(error))
        told: dict[str, Any] = {"error": str(error)}
        if isinstance(error, Refused):
            told["problems"] = [
                {"where": problem.where, "reason": problem.reason, "grave": problem.grave}
                for problem in error.problems
            ]
        if isinstance(error, Conflict):
            review = web.desk.queue.review(error.item.review)
            who = web.session(request).who
            told |= {"kind": error.kind, "item": web.desk.view(review, error.item, who)}
        return web.values(told, status=409 if isinstance(error, Conflict) else 422)

    @app.exception_handler(404)
    def nothing(request: Request, error: Exception) -> Any:
        del error
        return web.page(request, "fault.html", status=404, reason="There is no such page.")


def add_doors(app: "FastAPI", web: Frame) -> None:
    """Ask for the token where one is needed, and for a name."""
    from fastapi import Form, Request

    @app.get("/token")
    def ask_token(request: Request, key: str = "") -> Any:
        if web.seal.is_token(key):
            request.scope["session"] = replace(request.scope["session"], admitted=True)
            return see("/")
        return web.page(request, "token.html", wrong=bool(key))

    @app.post("/token")
    def take_token(request: Request, csrf: str = Form(""), token: str = Form("")) -> Any:
        web.check(request, csrf)
        if not web.seal.is_token(token.strip()):
            return web.page(request, "token.html", status=401, wrong=True)
        request.scope["session"] = replace(request.scope["session"], admitted=True)
        return see("/")

    @app.get("/enter")
    def ask_name(request: Request, review: int = 0) -> Any:
        return web.page(request, "enter.html", review=review, wrong=False)

    @app.post("/enter")
    def take_name(
        request: Request, csrf: str = Form(""), name: str = Form(""), review: int = Form(0)
    ) -> Any:
        web.check(request, csrf)
        session = guard.named(request.scope["session"], name)
        if not session.name:
            return web.page(request, "enter.html", status=422, review=review, wrong=True)
        request.scope["session"] = session
        return see(f"/r/{review}" if review else "/")

    @app.get("/static/{name}")
    def static(name: str) -> Any:
        from fastapi.responses import Response

        body = web.static.get(name)
        if body is None:
            return Response(status_code=404)
        kind = KINDS[name[name.rindex(".") :]]
        return Response(body, media_type=kind, headers={"cache-control": "no-cache"})
