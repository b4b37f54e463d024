"""How long scoring takes and how much memory it holds, on records made up here.

    python benchmarks/score_speed.py [--records 200000] [--json benchmarks/results/score_speed.json]

Gold and predictions are generated while they are scored, so the time of making them is measured
alone and taken off, and the peak memory is that of the scorer. Every protocol runs in a process of
its own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import random
import resource
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import zip_longest
from pathlib import Path

import pointline
from pointline.format import codec
from pointline.format.record import Pair, Prediction, Record
from pointline.score import draws, score

TASK = "scnm-ja"
PEOPLE = ("葵", "蓮", "紬", "湊", "凛", "朝陽", "結菜", "大和")
PLACES = ("奈良", "神戸", "札幌", "金沢", "那覇", "横浜")
LABELS = ("社会", "文芸", "学問", "技術", "自然")
WHAT = {
    "pointline": lambda gold, predicted: score(gold, predicted),
    "pointline, no intervals": lambda gold, predicted: score(gold, predicted, resamples=0),
    "paper": lambda gold, predicted: score(gold, predicted, protocol="paper"),
    "three draws": lambda gold, predicted: draws(gold, predicted),
    "pointline, predictions in reverse": lambda gold, predicted: score(
        gold, reversed(list(predicted))
    ),
}


@dataclass(frozen=True)
class Measured:
    what: str
    records: int
    seconds: float
    cpu_seconds: float
    peak_mib_over_import: float


def gold_records(count: int) -> Iterator[Record]:
    rng = random.Random(0)
    for number in range(count):
        people = rng.sample(PEOPLE, rng.randint(0, 4))
        place = rng.choice(PLACES)
        text = "と".join([*people, ""]) + f"{place}へ行った。帰りは{rng.randint(1, 12)}時だった。"
        pairs = [
            Pair("人名", name, text.index(name), text.index(name) + len(name)) for name in people
        ]
        start = text.index(place)
        pairs.append(Pair("地名", place, start, start + len(place)))
        yield Record(f"{TASK}-{number:06d}", TASK, text, rng.choice(LABELS), tuple(pairs))


def predictions(count: int) -> Iterator[Prediction]:
    """Predictions with one wrong label in five, one lost pair in four, one broken line in fifty."""
    rng = random.Random(1)
    for gold in gold_records(count):
        label = rng.choice(LABELS) if rng.random() < 0.25 else gold.label
        pairs = tuple(pair for pair in gold.pairs if rng.random() < 0.75)
        record = Record(gold.id, gold.task, gold.text, label, pairs)
        completion = codec.write(record, places=False)
        repairs: tuple[str, ...] = ()
        if rng.random() < 0.02:
            completion, repairs = completion.replace("/", " "), ("header-mended",)
        yield Prediction(
            *(record.id, record.task, record.text, label, pairs),
            completion=completion,
            repairs=repairs,
        )


def measure(what: str, count: int) -> Measured:
    before = peak_mib()
    wall, busy = spent(
        lambda: deque(zip_longest(gold_records(count), predictions(count)), maxlen=0)
    )
    scored = spent(lambda: WHAT[what](gold_records(count), predictions(count)))
    return Measured(
        what,
        count,
        round(scored[0] - wall, 2),
        round(scored[1] - busy, 2),
        round(peak_mib() - before, 1),
    )


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and the processor seconds that `work` takes."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def peak_mib() -> float:
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((s.split(":")[1].strip() for s in lines if s.startswith("model name")), "unknown")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    results = []
    for what in WHAT:
        with fresh.Pool(1) as pool:
            results.append(pool.apply(measure, (what, options.records)))
        found = results[-1]
        print(
            f"{found.what:34} {found.seconds:7.2f} s  {found.cpu_seconds:7.2f} s of processor"
            f"  {found.peak_mib_over_import:7.1f} MiB"
        )
    if options.json:
        machine = {"cpu": cpu(), "python": platform.python_version(), "system": platform.system()}
        document = {
            "benchmark": "score_speed",
            "pointline": pointline.__version__,
            "machine": machine,
            "results": [asdict(found) for found in results],
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
