"""Processor time for each text of a dataset: one decode.py beside an older one, in turns.

    git show d72410a:src/pointline/model/decode.py > /tmp/before.py
    python benchmarks/stream_speed.py --data /data/scnm-en /data/scnm-ja --before /tmp/before.py

The shipped adapter, greedy, under the texts' grammars, one thread. The older one is asked batch
by batch, ours as a stream. Writes results/stream_speed.json after every row.

Needs the embedded model, built datasets and an older decode.py; takes about 10 minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from itertools import islice
from pathlib import Path

import machine
import torch

from pointline.corpus.store import iter_records
from pointline.model.extract import Extractor

LIMIT = 512


def older(path: Path):
    """Return the Decoder of another version's file."""
    spec = importlib.util.spec_from_file_location("older_decode", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["older_decode"] = module
    spec.loader.exec_module(module)
    return module.Decoder


def asked(ex: Extractor, data: Path, count: int) -> list:
    """Prompt, grammar and halt of the first texts, in the order in which `many` asks."""
    records = list(islice(iter_records(data / "test.jsonl"), count))
    of = ex.task(records[0].task)
    ready = sorted((ex.prepare(one, of) for one in records), key=lambda o: o.longest, reverse=True)
    asked = [one.request(one.windows[0]) for one in ready]
    return [(ex.backend._backbone.encode(one.prompt), one.grammar, one.halt) for one in asked]


def measure(decoder, rows: list, batch: int, window: int) -> tuple[float, list]:
    cpu = time.process_time()
    limits = {"max_new_tokens": LIMIT, "window": window}
    if hasattr(decoder, "stream"):
        found = [one for _, one in sorted(decoder.stream(rows, rows=batch, **limits), key=number)]
    else:
        found = []
        for at in range(0, len(rows), batch):
            prompts, grammars, halts = zip(*rows[at : at + batch], strict=True)
            found += decoder.generate(prompts, grammars, halts=halts, **limits)
    return (time.process_time() - cpu) / len(rows), found


def number(pair: tuple) -> int:
    return pair[0]


def compare(before: list, after: list) -> dict:
    same = [(a, b) for a, b in zip(before, after, strict=True) if a.ids == b.ids]
    apart = [
        abs(one.logprob - two.logprob)
        for a, b in same
        for one, two in zip(a.tokens, b.tokens, strict=True)
    ]
    return {"same": len(same), "logprobs_apart": float(f"{max(apart, default=0.0):.1e}")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--runs", nargs="+", default=["32x64", "8x24", "1x4"], help="batch x texts")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    ex = Extractor.load(device="cpu")
    base, ours = ex.backend._backbone, ex.backend._decoder
    theirs = older(chosen.before)(base.model, base.tokenizer, eos=base.eos)
    warm = asked(ex, chosen.data[0], 1)
    for decoder in (theirs, ours):
        measure(decoder, warm, 1, ex.backend.window)
    report = {"model": ex.backend.name, "dtype": "float32", "threads": 1}
    report |= {"machine": machine.describe(), "rows": []}
    for data in chosen.data:
        for batch, count in (map(int, run.split("x")) for run in chosen.runs):
            rows = asked(ex, data, count)
            before, one = measure(theirs, rows, batch, ex.backend.window)
            after, two = measure(ours, rows, batch, ex.backend.window)
            row = {"data": data.name, "batch": batch, "texts": len(rows)}
            row |= {"before_s": round(before, 3), "after_s": round(after, 3), **compare(one, two)}
            print(row, flush=True)
            report["rows"].append(row)
            path = Path(__file__).parent / "results" / "stream_speed.json"
            path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
