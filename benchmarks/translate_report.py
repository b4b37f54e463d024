"""How long the report of large translation runs takes, and how much memory, on runs made up here.

    python benchmarks/translate_report.py [--records 100000] [--json benchmarks/results/...]

Run folders as `translate run` leaves them are made by repetition: over the same records, one with
repaired spans, one under the paper's rules. They are parsed by orjson alone (what no reading can
beat), read for a report of one and of both, and the report is written as page, Markdown and CSV,
each step in a process of its own, whose greatest resident memory is told. Times are medians.

Needs nothing else; takes about 2 minutes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
from machine import describe as machine

import pointline
from pointline.corpus import store
from pointline.draft.report import Report, report
from pointline.draft.reportpage import page
from pointline.draft.reporttables import markdown
from pointline.draft.rules import REPAIRS, Rules
from pointline.format.record import Pair, Record
from pointline.format.tasks import task

MODEL = "openai:made-up@http://127.0.0.1:9/v1"
PEOPLE = ("Mio Asakura", "Otto Brandeis", "Lin Yaoqing", "Tilda Marsh")
PLACES = ("Kanazawa", "Skarvik", "Porto Velho", "Guilin")
STEPS = ("verbatim", "verbatim", "normalised", "asked", "aligned")
# Every so many records a rule drops one; the paper's rule drops every entity that was repaired.
RULES = {"pointline": {7: "entity-missing", 11: "untranslated", 23: "refusal"},
         "paper": {7: "entity-not-verbatim", 11: "source-script", 23: "refusal"}}  # fmt: skip
RUNS = tuple(RULES)


def drafts(count: int, run: str) -> Iterator[Record]:
    labels = task("scnm-en").labels or ("",)
    for number in range(count):
        who, where = PEOPLE[number % 4], PLACES[number // 4 % 4]
        step = STEPS[number % 5]
        text = f"🎻 {who} read letter {number} aloud in the old library of {where}, until midnight."
        places = [(label, name, text.index(name)) for label, name in
                  (("people", who), ("places", where))]  # fmt: skip
        pairs = tuple(Pair(label, name, at, at + len(name)) for label, name, at in places)
        rules = [rule for every, rule in RULES[run].items() if number % every == 0]
        if run == "paper" and step != "verbatim" and not rules:
            rules = ["entity-not-verbatim"]
        about = {"model": MODEL, "prompt": "0" * 12, "steps": {who: "verbatim", where: step}}
        about |= {"rules": rules}
        if rules:
            source = f"🎻{number}通目の手紙が、古い図書館で真夜中まで朗読された。"
            about |= {"reasons": dict.fromkeys(rules, "made up"), "source": source}
        label = labels[number % len(labels)]
        yield Record(f"letter-{number:07d}", "scnm-en", text, label, pairs, meta={"draft": about})


def make(folder: Path, count: int, run: str) -> None:
    folder.mkdir()
    counts, dropped, fired = Counter[str](), Counter[str](), Counter[str]()
    with (folder / "train.jsonl").open("wb") as kept, (folder / "dropped.jsonl").open("wb") as out:
        for record in drafts(count, run):
            rules = record.meta["draft"]["rules"]
            (out if rules else kept).write(store.recordfile.dump(record))
            counts["dropped" if rules else "kept"] += 1
            dropped.update(rules[:1])
            fired.update(rules)
    preset = Rules.of(run, "none" if run == "paper" else "full")
    config = {"what": "translate", "from": "ja", "to": "en", "model": MODEL, "prompt": "0" * 12,
              "source": task("scnm-ja").to_dict(), "task": task("scnm-en").to_dict()}  # fmt: skip
    metrics = {"records": count, **counts, "queued": 0, "dropped_by_rule": dropped, "fired": fired,
               "queued_by_reason": {}, "steps": {"verbatim": 2 * count}, "requests": count,
               "tokens_in": 400 * count, "tokens_out": 80 * count, "guessed": 0, "cost": 1.0,
               "filters": preset.filters, "repair": REPAIRS["full"]}  # fmt: skip
    beside = {"translated": {"files": {"train.jsonl": "the same"}}}
    told = {"config.json": config, "metrics.json": metrics, "manifest.json": beside}
    for name, values in told.items():
        (folder / name).write_text(json.dumps(values), encoding="utf-8")


def parse(folder: Path, runs: tuple[str, ...]) -> None:
    for run in runs:
        for name in ("train", "dropped"):
            with (folder / run / f"{name}.jsonl").open("rb") as lines:
                for line in lines:
                    orjson.loads(line)


def read(folder: Path, runs: tuple[str, ...]) -> Report:
    return report([folder / run for run in runs])


def write(folder: Path, runs: tuple[str, ...]) -> None:
    found = read(folder, runs)
    for made in (page(found), markdown(found), found.csv()):
        (folder / "report").write_text(made, encoding="utf-8")


STEPS_OF_WORK: dict[str, tuple[Callable[[Path, tuple[str, ...]], object], tuple[str, ...]]] = {
    "parse one run with orjson alone": (parse, RUNS[:1]),
    "report on one run": (read, RUNS[:1]),
    "parse two runs with orjson alone": (parse, RUNS),
    "report on two runs": (read, RUNS),
    "report on two, written in three forms": (write, RUNS),
}


def measure(step: str, folder: Path) -> tuple[float, int]:
    work, runs = STEPS_OF_WORK[step]
    started = time.process_time()  # the machine may be shared: the processor's time, not the wall's
    work(folder, runs)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    return time.process_time() - started, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    results: list[dict[str, object]] = []
    bare: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run in RUNS:
            make(folder / run, options.records, run)
        size = sum(file.stat().st_size for file in folder.glob("*/*.jsonl"))
        for step, (work, runs) in STEPS_OF_WORK.items():
            with fresh.Pool(1, maxtasksperchild=1) as pool:
                found = [pool.apply(measure, (step, folder)) for _ in range(options.repeats)]
            seconds = statistics.median(seconds for seconds, _ in found)
            if work is parse:
                bare[len(runs)] = seconds
            results.append(
                {
                    "step": step,
                    "records": options.records * len(runs),
                    "cpu_seconds": round(seconds, 2),
                    "times_bare_parsing": round(seconds / bare[len(runs)], 2),
                    "peak_mib": max(peak for _, peak in found),
                }
            )
            print(*results[-1].values(), sep="  ", flush=True)
    if options.json:
        document = {
            "benchmark": "translate_report",
            "pointline": pointline.__version__,
            "machine": machine(),
            "bytes": size,
            "repeats": options.repeats,
            "results": results,
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
