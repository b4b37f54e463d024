"""How long a large record file takes, and how much memory, on records made up here.

    python benchmarks/big_file.py [--megabytes 200] [--json benchmarks/results/big_file.json]

A file of different texts in three languages' scripts is written, then parsed by orjson alone (what
no reading can beat), read, checked, split, sampled, merged, converted to Parquet and back, and
described, each step in a process of its own, whose greatest resident memory is told.

Needs 2 GB of disk; takes about 8 minutes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
from machine import describe as machine

import pointline
from pointline.corpus import describe, merge, shape, store
from pointline.corpus.check import check
from pointline.corpus.manifest import sha256
from pointline.format.record import Pair, Record

TASK = "scnm-ja"
PEOPLE = ("葵", "Ｂｅｎ", "凛", "朝陽", "Zoë", "结菜", "大和", "Ada Lovelace")
PLACES = ("奈良", "神戸", "札幌", "广州", "Turin", "横浜", "那覇")
LABELS = ("社会", "文芸", "学問", "技術", "自然")


def records(count: int | None = None) -> Iterator[Record]:
    rng = random.Random(0)
    for number in range(count or sys.maxsize):
        people = rng.sample(PEOPLE, rng.randint(0, 4))
        place = rng.choice(PLACES)
        text = "と".join([*people, f"{place}へ行った。"])
        text += f"帰りは{rng.randint(1, 12)}時で、切符の番号は{number}だった。It rained; 下雨了。"
        pairs = [
            Pair(label, name, text.index(name), text.index(name) + len(name))
            for label, names in (("人名", people), ("地名", [place]))
            for name in names
        ]
        meta = {"corpus": "made up", "document": f"journey-{number // 3}"}
        label = LABELS[PLACES.index(place) % 5] if rng.random() < 0.7 else rng.choice(LABELS)
        yield Record(f"{TASK}-{number:08d}", TASK, text, label, tuple(pairs), meta=meta)


def make(folder: Path, megabytes: int) -> None:
    wanted = megabytes * 1_000_000

    def enough() -> Iterator[Record]:
        written = 0
        for record in records():
            written += len(store.recordfile.dump(record))
            yield record
            if written >= wanted:
                return

    store.write_records(folder / "all.jsonl", enough())


def parse(folder: Path) -> int:
    count = 0
    with (folder / "all.jsonl").open("rb") as lines:
        for line in lines:
            orjson.loads(line)
            count += 1
    return count


def read(folder: Path) -> int:
    return sum(1 for _ in store.iter_records(folder / "all.jsonl"))


def checked(folder: Path) -> int:
    found = check(folder / "all.jsonl")
    assert found.ok, found.problems[:3]
    return found.records


def split(folder: Path) -> int:
    manifest = shape.split(folder / "all.jsonl", folder / "split", train=0.8, dev=0.1)
    return sum(manifest["counts"].values())


def sampled(folder: Path) -> int:
    labels = shape.sample(folder / "all.jsonl", folder / "sample.jsonl", shots=1000)
    assert sum(labels.values()) == 5000
    return parse(folder)


def merged(folder: Path) -> int:
    files = [folder / "split" / f"{name}.jsonl" for name in store.SPLITS]
    told = merge.merge([*files, folder / "sample.jsonl"], folder / "merged.jsonl")
    assert told.twins == 5000 and told.conflicts == told.renamed == 0
    return told.read


def to_parquet(folder: Path) -> int:
    return store.write_records(folder / "all.parquet", store.iter_records(folder / "all.jsonl"))


def from_parquet(folder: Path) -> int:
    count = store.write_records(folder / "back.jsonl", store.iter_records(folder / "all.parquet"))
    assert sha256(folder / "back.jsonl") == sha256(folder / "all.jsonl")
    return count


def described(folder: Path) -> int:
    return describe.describe(folder / "all.jsonl").total.records


STEPS: dict[str, Callable[[Path], int]] = {
    "parse with orjson alone": parse,
    "read": read,
    "check": checked,
    "split": split,
    "sample 1,000 shots": sampled,
    "merge the splits and the sample": merged,
    "write as Parquet": to_parquet,
    "read from Parquet, write as JSONL": from_parquet,
    "describe": described,
}


def measure(step: str, folder: Path) -> dict[str, object]:
    wall, busy = time.perf_counter(), time.process_time()
    count = STEPS[step](folder)
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return {
        "step": step,
        "records": count,
        "seconds": round(time.perf_counter() - wall, 1),
        "cpu_seconds": round(time.process_time() - busy, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the result to this file")
    options = parser.parse_args()
    fresh = multiprocessing.get_context("spawn")
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with fresh.Pool(1) as pool:  # the peak of a process begins with that of its parent
            pool.apply(make, (folder, options.megabytes))
        size = (folder / "all.jsonl").stat().st_size
        for step in STEPS:
            with fresh.Pool(1, maxtasksperchild=1) as pool:
                results.append(pool.apply(measure, (step, folder)))
            told = results[-1]
            print(
                f"{step:34} {told['records']:9,} records {told['seconds']:7} s"
                f" {told['cpu_seconds']:7} s of processor {told['peak_mib']:5} MiB",
                flush=True,
            )
    if options.json:
        document = {
            "benchmark": "big_file",
            "pointline": pointline.__version__,
            "machine": machine(),
            "bytes": size,
            "results": results,
        }
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
