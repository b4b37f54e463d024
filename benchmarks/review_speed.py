"""How fast the review page is on many items: opening, first paint, moves, filters, export.

    python benchmarks/review_speed.py [--items 100000] [--db URL] [--json FILE]

Requests go to a server in a process of its own; the first paint is Chromium's own figure (first
contentful paint, from the start of the navigation), the item's is when its text stands on the page.

Needs Chromium for the page; takes about 3 minutes.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from machine import describe

import pointline
from pointline.corpus import store
from pointline.format.record import Pair, Record
from pointline.review import pairing
from pointline.review.desk import Desk
from pointline.review.export import decisions, export
from pointline.review.item import Filter, Reviewer
from pointline.review.queue import Change, Queue

PLACES = ("奈良", "神戸", "札幌", "金沢", "那覇", "横浜")
NAMES = ("Nara", "Kobe", "Sapporo", "Kanazawa", "Naha", "Yokohama")
RULES = ("length ratio", "entity missing", "copied source")
ME = Reviewer("bench", "bench")


def sides(count: int) -> Iterator[tuple[Record, Record]]:
    """Records of about 100 Japanese and 250 English characters."""
    for at in range(count):
        ja, en = PLACES[at % 6], NAMES[at % 6]
        text = f"第{at}便は{ja}を朝早くに出て、霧の深い海をゆっくりと渡った。" * 3
        draft = f"Boat {at} left {en} early and crossed the sea slowly in a thick fog. " * 3
        rules = [RULES[at % 3]] if at % 10 == 0 else []
        start, end = text.index(ja), draft.index(en)
        yield (
            Record(f"r-{at:06d}", "scnm-ja", text, "自然", (Pair("地名", ja, start, start + 2),)),
            Record(
                f"r-{at:06d}", "scnm-en", draft, ("Nature", "Society")[at % 2],
                (Pair("places", en, end, end + len(en)),), meta={"draft": {"rules": rules}},
            ),
        )  # fmt: skip


def timed(what: Callable[[], object], *, times: int = 5) -> float:
    """The median of some runs in seconds."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        what()
        found.append(time.perf_counter() - start)
    return round(median(found), 4)


def in_queue(folder: Path, place: str, count: int) -> dict[str, float]:
    seconds: dict[str, float] = {}
    with Queue(place) as queue:
        desk = Desk(queue, folder, share=0.1)
        both = [pairing.side(folder / name) for name in ("ja.jsonl", "en.jsonl")]
        start = time.perf_counter()
        review = desk.open(both[0], both[1]).review
        seconds["open"] = round(time.perf_counter() - start, 2)
        seconds["open again"] = timed(lambda: desk.open(both[0], both[1]))
        find, last = queue.find, count - 1
        rare, common = Filter(search=f"第{last}便"), Filter(search="霧")
        seconds["next"] = timed(
            lambda: queue.take(review, Filter(view="open"), ME, after=last // 2)
        )
        seconds["progress"] = timed(lambda: find.progress(review, ME))
        seconds["page of the list"] = timed(
            lambda: find.page(review, Filter(), ME, after=last - 99)
        )
        by_rule = Filter(rule=RULES[0])
        seconds["page of a rule"] = timed(lambda: find.page(review, by_rule, ME, after=last // 2))
        seconds["count of a rule"] = timed(lambda: find.count(review, by_rule, ME))
        seconds["first hit of a rare text"] = timed(lambda: find.page(review, rare, ME, size=1))
        seconds["count of a common text"] = timed(lambda: find.count(review, common, ME), times=3)
        item = find.at(review, "1")

        def flag() -> None:
            nonlocal item
            change = Change("flag", flagged=not item.flagged)
            item = queue.change(item.id, ME, item.version, change)

        seconds["a change"] = timed(flag, times=20)
    return seconds


def exported(folder: Path, place: str, count: int) -> dict[str, float]:
    """Accept everything, by SQL alone, and export."""
    with Queue(place) as queue:
        review = queue.reviews()[0]
        with queue._db.write() as connection:
            values = {"status": "accepted", "decided_by": ME.name}
            connection.execute(queue._t.items.update().values(**values))
        start = time.perf_counter()
        told = export(queue, review, folder / "out")
        both = time.perf_counter() - start
        assert told["statuses"] == {"accepted": count}
        start = time.perf_counter()
        lines = sum(1 for _ in decisions(queue, review))
        assert lines == count + 1
        return {"export": round(both, 2), "decisions alone": round(time.perf_counter() - start, 2)}


@contextmanager
def server(folder: Path, place: str) -> Iterator[str]:
    code = "from pointline.app.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "review",
        str(folder / "ja.jsonl"),
        str(folder / "en.jsonl"),
    ]
    with subprocess.Popen(
        [*command, "--db", place, "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        found = re.search(r"http://[^/\s]+", process.stdout.readline())
        assert found
        try:
            yield found[0]
        finally:
            process.terminate()


def in_browser(folder: Path, place: str) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    found: dict[str, list[float]] = {"first paint": [], "item shown": [], "accept and next": []}
    with server(folder, place) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.goto(f"{base}/enter?review=1")
        page.fill("#name", "bench")
        page.click("button.main")
        for _ in range(5):
            page.goto(f"{base}/r/1")
            page.wait_for_selector("body[data-ready]")
            page.wait_for_timeout(300)
            paint = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            found["first paint"].append(page.evaluate(paint) / 1000)
            ready = "performance.getEntriesByName('item shown')[0].startTime"
            found["item shown"].append(page.evaluate(ready) / 1000)
        for _ in range(20):
            before = page.locator("#number").inner_text()
            start = time.perf_counter()
            page.keyboard.press("a")
            page.locator("#number").filter(has_not_text=before).wait_for()
            found["accept and next"].append(time.perf_counter() - start)
        browser.close()
    return {f"browser: {name}": round(median(values), 3) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--db", help="a database URL; SQLite if absent")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        store.write_records(folder / "ja.jsonl", (ja for ja, _ in sides(options.items)))
        store.write_records(folder / "en.jsonl", (en for _, en in sides(options.items)))
        place = options.db or str(folder / "review.sqlite")
        seconds = in_queue(folder, place, options.items)
        if shutil.which("chromium"):
            seconds |= in_browser(folder, place)
        seconds |= exported(folder, place, options.items)
    for what, value in seconds.items():
        print(f"{what:28} {value:9.4f} s")
    if options.json:
        document = {
            "benchmark": "review_speed",
            "pointline": pointline.__version__,
            "machine": describe(),
            "database": (options.db or "sqlite").partition(":")[0],
            "items": options.items,
            "seconds": seconds,
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
