"""What is kept of good translations whose spans were changed: span repair against the paper's way.

    python benchmarks/translate_retention.py [--rows 300]
        [--json benchmarks/results/translate_retention.json]

The scripted translator of `tests/translators.py` translates every text well, and lists a third of
the entities otherwise than they stand in its text: inflected, with their parts in another order, or
in another width. Asked for the missing ones once more, it says the right words ("helpful") or
nothing ("silent"). Both ways judge the same answers: the ledger is asked, not the model.

Needs nothing else; takes about 5 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from translators import Book, ChatServer, Translators

from pointline.corpus import store
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.rules import Rules
from pointline.draft.translate import translate
from pointline.draft.translator import Translator
from pointline.format.tasks import LANGUAGES
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address

WAYS = (("paper", "none"), ("pointline", "none"), ("pointline", "full"))


def changed(_: int) -> str:
    return "changed"


def measure(book: Book, source: str, to: str, *, silent: bool) -> dict[str, Any]:
    script = Translators(book, changed, stubborn=silent)
    with tempfile.TemporaryDirectory() as folder, ChatServer(script) as server:
        work = Path(folder)
        store.write_records(work / "source.jsonl", book.records(source))
        given, prompt = origin(work / "source.jsonl"), TranslationPrompt(source, to)
        who = Translator(Address("tiny", server.url), prompt, limits=Limits(concurrency=8))
        found: dict[str, Any] = {"from": source, "to": to, "asked again": not silent}
        for filters, repair in reversed(WAYS):  # the fullest first: it asks, the others only judge
            done = translate(given, who, work / "out", rules=Rules.of(filters, repair))
            told = done.to_dict()
            found[f"{filters}, repair {repair}"] = {
                "kept": told["kept"],
                "kept percent": round(100 * told["kept"] / told["records"], 1),
                "dropped by rule": told["dropped_by_rule"],
                "steps": told["steps"],
                "right spans": _right(book, to, work / "out" / "drafts.jsonl"),
            }
        return found


def _right(book: Book, to: str, file: Path) -> str:
    """Return how many of the kept records' spans are those of the record in that language."""
    right = spans = 0
    for record in store.iter_records(file):
        wanted = set(book.record(int(record.id.removeprefix("book-")), to).pairs)
        right += len(wanted & set(record.pairs))
        spans += len(record.pairs)
    return f"{right} of {spans}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    started, book = time.monotonic(), Book(options.rows)
    found = [
        measure(book, source, to, silent=silent)
        for source in LANGUAGES
        for to in LANGUAGES
        for silent in (False, True)
        if source != to
    ]
    result = {
        "machine": describe(),
        "rows": options.rows,
        "seconds": round(time.monotonic() - started, 1),
        "runs": found,
    }
    told = json.dumps(result, ensure_ascii=False, indent=2)
    print(told)
    if options.json:
        options.json.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
