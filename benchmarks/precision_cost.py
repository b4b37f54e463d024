"""What half precision costs: F1 of the embedded model in float16 weights beside float32.

    python benchmarks/precision_cost.py --data /data/scnm-en /data/scnm-ja /data/scnm-zh
        [--records 100] [--batch 16]

The shipped adapter on the first records of each test set, both precisions on the same records.
Differences (float16 minus float32) with paired bootstrap intervals. Writes
results/precision_cost.json after every data set.

Needs the embedded model and built datasets; takes about half an hour.
"""

from __future__ import annotations

import argparse
import json
from itertools import islice
from pathlib import Path
from time import process_time

import machine
import torch

from pointline.corpus.store import iter_records
from pointline.model import backbone
from pointline.model import extract as extractor
from pointline.model.extract import Extractor
from pointline.model.hf import HFBackend
from pointline.score import compare

PRECISIONS = ("float32", "float16")


def measure(ways: dict[str, Extractor], data: Path, count: int, batch: int) -> dict:
    gold = list(islice(iter_records(data / "test.jsonl"), count))
    found, row = {}, {"data": data.name, "records": len(gold)}
    for name, ex in ways.items():
        begun = process_time()
        found[name] = list(ex.many(gold, batch_size=batch))
        row[f"{name}_s"] = round((process_time() - begun) / len(gold), 3)
    one, two = found.values()
    row["same"] = sum(a.completion == b.completion for a, b in zip(one, two, strict=True))
    told = compare(gold, [one], [two])
    for level in ("tl", "wl", "all"):
        part = getattr(told, level)
        row[level] = {
            "float32": round(part.first, 4),
            "float16": round(part.second, 4),
            "interval": [round(part.interval.low, 4), round(part.interval.high, 4)],
        }
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--records", type=int, default=100)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    base = backbone.load(device="cpu", adapter=extractor._ADAPTER, merge=True)
    ways = {name: Extractor(HFBackend(base, precision=name)) for name in PRECISIONS}
    report: dict = {"model": f"{base.name}+adapter", "batch": chosen.batch}
    report |= {"machine": machine.describe(), "rows": []}
    path = Path(__file__).parent / "results" / "precision_cost.json"
    for data in chosen.data:
        report["rows"].append(measure(ways, data, chosen.records, chosen.batch))
        print(report["rows"][-1], flush=True)
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
