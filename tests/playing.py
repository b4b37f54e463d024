"""The playground served for tests: a browser at a page whose server answers as a test says."""

import time
from contextlib import contextmanager

import orjson
from browsing import on_loopback

from pointline.app.serve.playground import playground
from pointline.corpus.store import to_json
from pointline.format.record import Fact, Pair, Prediction
from pointline.format.tasks import TASKS
from pointline.format.text import place

__all__ = [
    "Played",
    "answered",
    "answering",
    "at_playground",
    "done",
    "looking_at",
    "run",
    "words_of",
]

MODEL = "a model of the tests"
TRAINED = ("scnm-en", "scnm-ja", "scnm-zh", "scpos-rw-en", "open-tcree-en")


def answered(body, label="Society", items=(), *, scores=None, lang_task="adhoc", **told):
    """A prediction as the interface has it: pairs are placed by the rule, facts have three."""
    text = body["text"]
    pairs, facts = [i for i in items if len(i) == 2], [i for i in items if len(i) > 2]
    found = place(text, [entity for _, entity in pairs])
    made = Prediction(
        "0",
        body.get("task", lang_task),
        text,
        "" if body.get("level") == "word" else label,
        ()
        if body.get("level") == "text"
        else tuple(
            Pair(kind, entity, at.start, at.end, at.ambiguous) if at else Pair(kind, entity)
            for (kind, entity), at in zip(pairs, found, strict=True)
        ),
        () if body.get("level") == "text" else tuple(Fact(fact) for fact in facts),
        scores={"label": 0.9, "items": [0.8] * len(items)} if scores is None else scores,
        completion=told.pop("completion", f"{label}/NER/"),
        **told,
    )
    return to_json(made)


class Played:
    """What the server is asked, and how it answers."""

    def __init__(self):
        self.bodies, self.headers, self.dropped = [], [], 0
        self.answer = answered
        self.token = ""
        self.most = 20_000

    def app(self):
        from fastapi import FastAPI, Request
        from fastapi.responses import Response

        app = FastAPI()
        app.include_router(playground())

        def told(status, values, **headers):
            return Response(
                orjson.dumps(values), status, media_type="application/json", headers=headers
            )

        def refused(request):
            if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
                return told(401, {"error": {"code": "unauthorized", "message": "no token"}})
            return None

        @app.get("/v1/tasks")
        async def tasks(request: Request):
            listed = [
                {**task.to_dict(), "trained": task.name in TRAINED} for task in TASKS.values()
            ]
            return refused(request) or told(200, {"tasks": listed, "model": MODEL})

        @app.get("/health")
        async def health():
            return {"status": "ok", "model": MODEL, "limits": {"text": self.most}}

        @app.post("/v1/extract")
        async def extract(request: Request):
            if answer := refused(request):
                return answer
            body = orjson.loads(await request.body())
            self.bodies.append(body)
            self.headers.append(dict(request.headers))
            made = self.answer(body)
            if isinstance(made, float):  # seconds to think, then as always
                made = await self._slowly(request, made, body)
            if isinstance(made, tuple):
                status, values, headers = made
                return told(status, values, **headers)
            return told(200, {"model": MODEL, "results": [made]})

        return app

    async def _slowly(self, request, seconds, body):
        import asyncio

        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if await request.is_disconnected():
                self.dropped += 1
                break
            await asyncio.sleep(0.02)
        return answered(body)


def answering(status, code, message, **headers):
    """A refusal as the interface has it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, {"error": {"code": code, "message": message}}, named


# ---------------------------------------------------------------- at the page

LOCALES = {"en": "en-GB", "ja": "ja-JP", "zh": "zh-CN"}


class Player:
    """Somebody at the playground: pages of one server, where nothing may go wrong."""

    def __init__(self, pages, base):
        self.pages, self.base = pages, base

    def page(self, *, lang="en", scheme="light", size=(1280, 860), at="/", **options):
        page = self.pages.take(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            locale=LOCALES[lang],
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        page.goto(self.base + at)
        page.wait_for_selector("body[data-ready]")
        return page


@contextmanager
def looking_at(pages, base):
    """Look at the pages of a server; whatever they complained of is a failure."""
    pages.base, pages.faults, pages.expected = base, [], ("Failed to load resource",)
    try:
        yield Player(pages, base)
        pages.give_back()
    finally:
        pages.throw_away()
    assert pages.faults == []


@contextmanager
def at_playground(pages, app):
    """Give a player at an application."""
    with on_loopback(app) as base, looking_at(pages, base) as player:
        yield player


def run(page, text=None):
    """Ask about a text by the keyboard, and wait for the answer to it."""
    if text is not None:
        page.fill("#text", text)
    page.keyboard.press("Control+Enter")
    done(page)


def done(page):
    """Wait until nothing runs."""
    page.wait_for_function(
        "() => document.getElementById('main').getAttribute('aria-busy') === 'false'"
    )


def words_of(page, item):
    """The words of an item as they are marked in the text."""
    pieces = page.locator(f"#marked mark[data-items~='{item}']")
    return "".join(pieces.evaluate_all("marks => marks.map(mark => mark.textContent)"))
