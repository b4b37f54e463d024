"""The routes: `/v1/extract`, `/v1/tasks`, `/health`, `/metrics`; and how a fault is told."""

# no `from __future__ import annotations`: FastAPI reads the types of routes that are made late

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

from pointline.app.serve.gate import Served
from pointline.app.serve.limits import Limits, Refusal
from pointline.app.serve.metrics import CONTENT_TYPE, Metrics
from pointline.app.serve.queue import Order
from pointline.app.serve.reference import page, policy
from pointline.app.serve.values import (
    LINE,
    Answer,
    Asked,
    Fault,
    Health,
    Tasks,
    tasks_of,
    texts_of,
)
from pointline.app.serve.worker import Worker
from pointline.errors import InputError
from pointline.version import __version__

if TYPE_CHECKING:
    from fastapi import FastAPI
    from fastapi.exceptions import RequestValidationError

__all__ = ["Desk", "add_faults", "add_routes"]

_LINES = "application/x-ndjson"
_FAULTS = (400, 401, 403, 408, 413, 415, 421, 422, 429, 500, 503, 504)
_OF_ALL = (401, 403, 421, 503)  # of every route that texts or counts pass through


@dataclass(frozen=True, slots=True)
class Desk:
    """What the routes share."""

    worker: Worker
    metrics: Metrics
    limits: Limits
    log_texts: bool = False

    @property
    def model(self) -> str:
        """The model's name."""
        return self.worker.extractor.backend.name

    def take(self, asked: Asked, served: Served) -> Order:
        """Give a request's texts their places in the queue, until the request is over.

        Raises Refusal or InputError for a request that is not taken.
        """
        texts = texts_of(asked, self.worker.extractor, self.limits)
        served.told |= {
            "task": asked.task or "adhoc",
            "texts": len(texts),
            "characters": sum(map(len, asked.all)),
        }
        if self.log_texts:
            served.told["text"] = asked.all
        order = Order(texts, within=self.limits.answer)
        self.worker.queue.put(order)
        served.over = lambda: self._release(order)
        return order

    def _release(self, order: Order) -> None:
        self.metrics.texts.labels("dropped").inc(self.worker.queue.leave(order))

    async def whole(self, order: Order) -> bytes:
        """Return the answer with all results, in the order of the texts.

        Raises Refusal where they take too long, or the server gives them up.
        """
        came = {result.id: result.body async for result in order.results()}
        results = b",".join(came[text.record.id] for text in order.texts)
        return b'{"model":%b,"results":[%b]}' % (orjson.dumps(self.model), results)

    async def lines(self, order: Order, served: Served) -> AsyncIterator[bytes]:
        """Yield the results as lines as they come; texts that do not come get an error each."""
        left = dict.fromkeys(text.record.id for text in order.texts)
        try:
            async for result in order.results():
                del left[result.id]
                yield result.body + b"\n"
        except Refusal as refusal:
            served.code = refusal.code
            for id in left:
                yield orjson.dumps({"id": id, **refusal.told}) + b"\n"


def add_routes(app: "FastAPI", desk: Desk) -> None:
    """Add what is served beside the playground."""
    _add_asking(app, desk)
    _add_watching(app, desk)


def _faults(statuses: tuple[int, ...]) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": Fault} for status in statuses}


def _add_asking(app: "FastAPI", desk: Desk) -> None:
    from fastapi import Request
    from fastapi.responses import Response, StreamingResponse

    answers = _faults(_FAULTS)
    answers[200] = {"content": {_LINES: {"schema": LINE}}}

    @app.post(
        "/v1/extract",
        response_model=Answer,
        responses=answers,
        summary="Extract labels and items from texts",
    )
    async def extract(asked: Asked, request: Request) -> Any:
        """Answer what was found, in the order of the texts; with `stream` a line a text.

        A text that could not be read has an `error` in place of its result.
        """
        served: Served = request.scope["served"]
        order = desk.take(asked, served)
        if asked.stream:
            return StreamingResponse(desk.lines(order, served), media_type=_LINES)
        return Response(await desk.whole(order), media_type="application/json")

    @app.get(
        "/v1/tasks",
        response_model=Tasks,
        responses=_faults(_OF_ALL),
        summary="The tasks that have a name",
    )
    async def tasks() -> Any:
        """Answer the tasks of pointline's table and those that the model brings."""
        return tasks_of(desk.worker.extractor)


def _add_watching(app: "FastAPI", desk: Desk) -> None:
    from fastapi.responses import Response

    @app.get(
        "/health",
        response_model=Health,
        responses={503: {"model": Health | Fault}},
        summary="Whether texts are read",
    )
    async def health() -> Any:
        """Answer 200 while texts are read, else 503."""
        worker = desk.worker
        told = Health(
            status=worker.state,
            model=desk.model,
            version=__version__,
            queue=worker.queue.waiting,
            running=worker.running,
            limits=asdict(desk.limits),
        )
        status = 200 if told.status == "ok" else 503
        headers = {} if status == 200 else {"retry-after": "5"}
        return Response(told.model_dump_json(), status, headers, "application/json")

    @app.get(
        "/metrics",
        responses=_faults(_OF_ALL),
        summary="Counts in Prometheus' text format",
        response_class=Response,
    )
    async def metrics() -> Any:
        """Answer requests, texts, tokens, seconds, the queue, the process."""
        return Response(desk.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Any:
        headers = {"content-security-policy": policy()}
        return Response(page(app.openapi()), media_type="text/html", headers=headers)


def add_faults(app: "FastAPI") -> None:
    """Tell every fault in one form: `{"error": {"code", "message"}}`."""
    from fastapi import Request
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import JSONResponse
    from starlette.exceptions import HTTPException

    def answer(request: Request, refusal: Refusal) -> Any:
        request.scope["served"].code = refusal.code
        return JSONResponse(refusal.told, refusal.status, headers=refusal.headers)

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Refusal) -> Any:
        return answer(request, error)

    @app.exception_handler(InputError)
    async def unfit(request: Request, error: InputError) -> Any:
        return answer(request, Refusal(422, "invalid", str(error)))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Any:
        return answer(request, _invalid(error))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Any:
        phrase = HTTPStatus(error.status_code).phrase
        code = phrase.lower().replace(" ", "_")
        if error.status_code == 400:  # the body could not be read as JSON at all
            code, phrase = "malformed", "the body is not JSON"
        told = answer(request, Refusal(error.status_code, code, phrase))
        told.headers.update(error.headers or {})  # which methods there are
        return told

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Any:
        del error  # the server logs it
        return answer(request, Refusal(500, "internal", "the server failed on this request"))


def _invalid(error: "RequestValidationError") -> Refusal:
    """Return the refusal of a body that is no JSON, or not of the interface's values."""
    first = error.errors()[0]
    if first["loc"] == ("body",) and first["type"] == "missing":
        return Refusal(400, "malformed", "the body is empty: send JSON")
    if first["type"] == "json_invalid":
        reason = first.get("ctx", {}).get("error", "")
        return Refusal(400, "malformed", f"the body is not JSON: {reason} at {first['loc'][-1]}")
    where = ".".join(str(part) for part in first["loc"][1:])
    message = first["msg"].removeprefix("Value error, ")
    return Refusal(422, "invalid", f"{where}: {message}" if where else message)
