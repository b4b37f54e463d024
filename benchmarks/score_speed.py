"""How long scoring takes and how much memory it holds, on records made up here.

    python benchmarks/score_speed.py [--records 200000] [--json benchmarks/results/score_speed.json]

Time is that of scoring records that are in memory; memory is what the scorer adds while records are
made one by one. Each measurement runs in a process of its own.

Needs nothing else; takes about 3 minutes.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from machine import describe

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
    added_mib: float


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


def seconds(what: str, count: int) -> tuple[float, float]:
    """Return the wall and the processor seconds of scoring records that are there."""
    gold, predicted = list(gold_records(count)), list(predictions(count))
    gc.freeze()
    wall, busy = time.perf_counter(), time.process_time()
    WHAT[what](gold, predicted)
    return time.perf_counter() - wall, time.process_time() - busy


def memory(what: str, count: int) -> float:
    """Return by how many MiB scoring records that are made one by one raises the peak."""
    import numpy as np

    np.random.default_rng(0).multinomial(1, [1.0])  # loaded before, so that it does not count
    before = peak_mib()
    WHAT[what](gold_records(count), predictions(count))
    return peak_mib() - before


def peak_mib() -> float:
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    results = []
    for what in WHAT:
        with fresh.Pool(1, maxtasksperchild=1) as pool:
            peak = pool.apply(memory, (what, options.records))
            wall, busy = pool.apply(seconds, (what, options.records))
        found = Measured(what, options.records, round(wall, 2), round(busy, 2), round(peak, 1))
        results.append(found)
        print(
            f"{found.what:34} {found.seconds:7.2f} s  {found.cpu_seconds:7.2f} s of processor"
            f"  {found.added_mib:7.1f} MiB"
        )
    if options.json:
        machine = describe()
        document = {
            "benchmark": "score_speed",
            "pointline": pointline.__version__,
            "machine": machine,
            "results": [asdict(found) for found in results],
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
