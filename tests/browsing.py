"""A real browser for tests: Playwright drives Debian's Chromium; people at pages that we serve.

With POINTLINE_PICTURES=docs/pictures the pictures of docs/review.md are made anew.
"""

import io
import json
import os
import re
import shutil
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import pytest

from pointline.corpus import store
from pointline.review import guard, pairing
from pointline.review.desk import Desk
from pointline.review.item import Filter, Reviewer
from pointline.review.queue import Queue
from pointline.review.web import make_app

__all__ = [
    "CONTRAST",
    "NAMELESS",
    "WIDE",
    "Pages",
    "at_item",
    "chromium",
    "drag_over",
    "on_loopback",
    "picture",
    "ready",
    "said",
    "serving",
]

NOBODY = Reviewer("", "")
#: The pictures that docs/review.md shows.
PICTURES = ("fault-light", "marked", "stale", "summary", "work-dark", "work-phone")


@contextmanager
def chromium():
    """Give a browser; skip the test where there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield made
        made.close()


class Pages:
    """Pages for people who know nothing of each other, and what went wrong in them.

    A page that was given back is emptied and taken again: a new one costs a second of work.
    """

    def __init__(self, browser):
        self.browser, self.idle, self.taken = browser, defaultdict(list), []
        self.base, self.faults = "", []
        #: What the console may tell of: a refusal that a test provokes.
        self.expected = ("409", "422")

    def take(self, **options):
        key = json.dumps(options, sort_keys=True)
        page = self.idle[key].pop() if self.idle[key] else self._new(options)
        self.taken.append((key, page))
        return page

    def _new(self, options):
        page = self.browser.new_context(**options).new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)
        return page

    def _console(self, told):
        expected = any(part in told.text for part in self.expected)
        if told.type == "error" and not expected:
            self.faults.append(told.text)

    def _request(self, request):
        if not request.url.startswith((self.base, "about:")):
            self.faults.append(request.url)

    def give_back(self):
        """Empty all pages that were taken, while their server is still there."""
        for key, page in self.taken:
            if page.url.startswith(self.base):
                page.evaluate("localStorage.clear()")
            page.goto("about:blank")
            page.context.clear_cookies()
            self.idle[key].append(page)
        self.taken = []

    def throw_away(self):
        """Close the pages of a test that failed."""
        for _, page in self.taken:
            page.context.close()
        self.taken = []


class Served:
    """A desk that is served, and the people who look at it."""

    def __init__(self, pages, desk, review, base, clock):
        self.pages, self.desk, self.review = pages, desk, review
        self.base, self.clock = base, clock
        self.seal = guard.Seal(desk.queue.secret())

    def person(self, name, *, at="/r/1", scheme="light", size=(1280, 800), **options):
        """A page of somebody who gave their name."""
        page = self.stranger(scheme=scheme, size=size, **options)
        session = guard.named(guard.new_session(), name)
        cookie = {"name": self.seal.name, "value": self.seal.cookie(session), "url": self.base}
        page.context.add_cookies([cookie])
        page.goto(self.base + at)
        page.wait_for_selector("body:not(.work), body[data-ready]")
        return page

    def stranger(self, *, scheme="light", size=(1280, 800), **options):
        """An empty page of nobody yet."""
        viewport = {"width": size[0], "height": size[1]}
        return self.pages.take(viewport=viewport, color_scheme=scheme, **options)

    def items(self, **wanted):
        return self.desk.queue.find.page(self.review, Filter(**wanted), NOBODY, size=500)

    def item(self, number):
        return self.desk.queue.find.at(self.review, str(number))


class Clock:
    """A clock that can be put forward."""

    def __init__(self):
        self.ahead = 0.0

    def __call__(self):
        return time.time() + self.ahead


@contextmanager
def serving(pages, folder, source, draft, *, share=0.0):
    """Serve two sides, or a draft alone; nothing may go wrong in any page."""
    sides = []
    for name, records in (("ja.jsonl", source), ("en.jsonl", draft)):
        if records is not None:
            store.write_records(folder / name, records)
            sides.append(pairing.side(folder / name))
    clock = Clock()
    with Queue(folder / "review.sqlite", lease=60, clock=clock) as queue:
        desk = Desk(queue, folder, share=share)
        review = desk.open(sides[0] if len(sides) == 2 else None, sides[-1]).review
        with on_loopback(make_app(desk)) as base:
            pages.base, pages.faults = base, []
            try:
                yield Served(pages, desk, review, base, clock)
                pages.give_back()
            finally:
                pages.throw_away()
        assert pages.faults == []


@contextmanager
def on_loopback(app, *, port=0):
    """Serve an application in a thread; give its address."""
    import uvicorn

    config = uvicorn.Config(app, port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


# ---------------------------------------------------------------- at any page

#: What cannot be read for lack of contrast (WCAG AA).
CONTRAST = """() => {
  const parse = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const rgb = (c) => { if (!known.has(c)) known.set(c, drawn(c)); return known.get(c); };
  const drawn = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const light = ([r, g, b]) => { const f = (v) => ((v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * f(r) + .7152 * f(g) + .0722 * f(b); };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] > .5) return c; }
    return rgb(getComputedStyle(document.documentElement).backgroundColor); };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) || (e.matches("input, textarea, select") && e.value);
    if (!own || !e.getClientRects().length || e.closest(":disabled, #marks, [hidden], option, script") ) continue;
    const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  for (const m of document.querySelectorAll("mark")) {
    const [a, b] = [light(rgb(getComputedStyle(document.body).color)), light(behind(m))];
    const tag = m.dataset.tag && light(rgb(getComputedStyle(m, "::before").color));
    const ground = light(behind(m.parentElement));
    const ratio = (x, y) => (Math.max(x, y) + .05) / (Math.min(x, y) + .05);
    if (ratio(a, b) < 4.5 || (m.dataset.tag && ratio(tag, ground) < 4.5)) poor.push(`mark ${m.textContent}`);
  }
  return poor;
}"""
#: What can be operated and has no name.
NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, a")]
  .filter((e) => e.type !== "hidden" && e.getClientRects().length)
  .filter((e) => !(e.getAttribute("aria-label") || e.labels?.length || e.textContent.trim() || document.getElementById(e.getAttribute("aria-labelledby") ?? "")))
  .map((e) => e.outerHTML.slice(0, 80))"""
#: Whether there is more than fits the width.
WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


# ---------------------------------------------------------------- at a page of the review


def ready(page):
    page.wait_for_selector("body[data-ready]")


def at_item(page, number):
    page.locator("#number", has_text=re.compile(f"^No. {number}$")).wait_for()


def said(page, what):
    page.locator("#said", has_text=what).wait_for()


def picture(page, name):
    """Make a picture of the documents, in few colours, where its folder is named."""
    folder = os.environ.get("POINTLINE_PICTURES")
    if folder and name in PICTURES:
        from PIL import Image

        shot = Image.open(io.BytesIO(page.screenshot()))
        few = shot.convert("RGB").quantize(96, dither=Image.Dither.NONE)
        few.save(Path(folder) / f"review-{name}.png", optimize=True)


def drag_over(page, part):
    """Select a part of the text with the mouse, as it stands in the marks below the text box."""
    box = page.evaluate(
        """part => {
          const marks = document.getElementById("marks");
          const walker = document.createTreeWalker(marks, NodeFilter.SHOW_TEXT);
          const nodes = [];
          while (walker.nextNode()) nodes.push(walker.currentNode);
          let at = nodes.map(n => n.data).join("").indexOf(part), left = at + part.length;
          const find = (unit, end) => { let seen = 0; for (const n of nodes) {
            if (unit < seen + n.length || (end && unit === seen + n.length)) return [n, unit - seen];
            seen += n.length; } };
          const range = document.createRange();
          range.setStart(...find(at, false)); range.setEnd(...find(left, true));
          const { left: x, right, top, bottom } = range.getBoundingClientRect();
          return { x, right, y: (top + bottom) / 2 };
        }""",
        part,
    )
    page.mouse.move(box["x"] + 1, box["y"])
    page.mouse.down()
    page.mouse.move(box["right"] - 1, box["y"], steps=5)
    page.mouse.up()
