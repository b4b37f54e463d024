"""A run of translation that is killed at random moments, beside one that is not.

    python benchmarks/translate_kills.py [--rows 2000] [--kills 10]
        [--json benchmarks/results/translate_kills.json]

A scripted server on loopback plays translators of every kind (`tests/translators.py`), counts the
questions, and takes 20 ms for each. The process that translates is killed with SIGKILL, started
again, and so on; then a second folder is filled without a kill. The files of both are compared
byte for byte, and no record that the ledger called done may have been asked about again.

Needs nothing else; takes about 5 minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import describe

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from translators import MOODS, Book, ChatServer, Translators

from pointline.corpus import store
from pointline.format.tasks import task

#: What a run writes; the log tells of every start, the ledger is no file to compare.
FILES = ("train.jsonl", "dev.jsonl", "test.jsonl", "dropped.jsonl", "queued.jsonl",
         "manifest.json", "metrics.json", "config.json")  # fmt: skip


def finished(folder: Path) -> set[int]:
    ledger = folder / "ledger.sqlite"
    if not ledger.exists():
        return set()
    connection = sqlite3.connect(ledger)
    try:
        rows = connection.execute("select id from rows where state = 'done'").fetchall()
    except sqlite3.OperationalError:  # killed before there was a table
        rows = []
    finally:
        connection.close()
    return {int(id.removeprefix("book-")) for (id,) in rows}


def measure(rows: int, kills: int, work: Path) -> dict[str, Any]:
    rng, book = random.Random(0), Book(rows)
    moods = [mood for mood in MOODS if "slow" not in mood and mood != "refused"]
    script = Translators(book, lambda n: moods[n % len(moods)], delay=0.02)
    records = book.records("ja")
    splits = {"train": records[: rows // 2], "dev": records[rows // 2 : rows * 3 // 5]}
    splits["test"] = records[rows * 3 // 5 :]
    store.write_dataset(work / "source", task("scnm-ja"), splits)
    with ChatServer(script) as server:
        killed = _killed(script, server.url, work, kills, rows, rng)
        questions, script.delay = killed.pop("questions"), 0.0
        script.asked.clear()
        started = time.monotonic()
        told = json.loads(_run(work, server.url, work / "undisturbed").stdout)
        undisturbed = {"questions": script.asked.total(),
                       "seconds": round(time.monotonic() - started, 1)}  # fmt: skip
    same = [_same(work, name) for name in FILES]
    if not all(same) or killed["finished rows asked about again"]:
        raise SystemExit(f"not the same: {dict(zip(FILES, same, strict=True))}, {killed}")
    return {
        "rows": rows,
        "workers": 8,
        **killed,
        "questions": {"killed": questions, "undisturbed": undisturbed["questions"]},
        "undisturbed seconds": undisturbed["seconds"],
        "files compared": len(FILES),
        "files identical": sum(same),
        **{name: told[name] for name in ("kept", "dropped", "queued")},
        "dropped by rule": told["dropped_by_rule"],
        "steps": told["steps"],
    }


def _killed(
    script: Translators, url: str, work: Path, kills: int, rows: int, rng: random.Random
) -> dict[str, Any]:
    out, questions, again, at = work / "killed", 0, 0, []
    for kill in range(kills + 1):
        done = finished(out)
        script.asked.clear()
        if kill == kills:
            _run(work, url, out)
        else:
            process = subprocess.Popen(_command(work, url, out), stdout=subprocess.DEVNULL)
            # somewhere in the part of the work that is this turn's
            wanted = rng.uniform(0.2, 1.0) * (rows - len(done)) / (kills + 1 - kill)
            while script.asked.total() < wanted and process.poll() is None:
                time.sleep(0.002)
            time.sleep(rng.random() * 0.1)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            at.append(len(finished(out)))
        questions += script.asked.total()
        again += len(done & {n for n, _ in script.asked})
    return {"kills": kills, "rows done at each kill": at, "questions": questions,
            "finished rows asked about again": again}  # fmt: skip


def _run(work: Path, url: str, out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(work, url, out), capture_output=True, text=True, check=True)


def _command(work: Path, url: str, out: Path) -> list[str]:
    return [sys.executable, "-m", "pointline", "translate", "run", str(work / "source"),
            "--to", "en", "--model", f"openai:tiny@{url}", "--out", str(out),
            "--concurrency", "8", "--json"]  # fmt: skip


def _same(work: Path, name: str) -> bool:
    one, other = (work / folder / name for folder in ("killed", "undisturbed"))
    return one.read_bytes() == other.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        result = {"machine": describe(), **measure(options.rows, options.kills, Path(work))}
    told = json.dumps(result, ensure_ascii=False, indent=2)
    print(told)
    if options.json:
        options.json.write_text(told + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
