"""F1 of the fast path beside what transformers' forward pass gave, on the same test records.

    python benchmarks/path_scores.py --data data --before runs/systems/adapter-constrained \
        --out runs/path-scores [--adapter runs/adapter-v0]

`--before`: a folder of predictions for each dataset, made by `systems.py` with the same weights
before the fast path was there (transformers' forward pass, the output rows of the allowed tokens);
`--adapter`: those weights, where they are not the shipped ones. The same records are predicted
again; told are the records whose label and items are the same, and TL, WL and ALL of both with the
paired bootstrap interval of the difference. Resumable. Writes results/path_scores.json after every
dataset.

Needs the embedded model, built datasets and such predictions; takes about 12 minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import machine

from pointline.app import show
from pointline.corpus.store import read_dataset, read_records
from pointline.format.record import Record
from pointline.model.extract import Extractor, Options
from pointline.model.predict import predict
from pointline.score import compare

RESULTS = Path(__file__).parent / "results" / "path_scores.json"


def row(gold: Sequence[Record], before: Sequence[Record], after: Sequence[Record]) -> dict:
    """How many records are the same, and what both ways are worth."""
    bare = [[replace(r, scores={}, meta={}) for r in some] for some in (before, after)]
    told = compare(gold, [before], [after], resamples=2000)
    levels = {
        level: {
            "before": part.first,
            "after": part.second,
            "interval": [part.interval.low, part.interval.high],
        }
        for level in ("tl", "wl", "all")
        for part in (getattr(told, level),)
    }
    same = sum(a == b for a, b in zip(*bare, strict=True))
    return {"records": len(gold), "same": same, **levels}


def _read(folder: Path) -> dict[str, Record]:
    return {record.id: record for record in read_records(folder / "predictions.jsonl")}


def _weights(folder: Path) -> str:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))["weights"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--adapter", type=Path)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-new-tokens", type=int, default=192)
    chosen = parser.parse_args()
    backend = Extractor.load(adapter=chosen.adapter).backend
    extractor = Extractor(backend, Options(max_new_tokens=chosen.max_new_tokens))
    report: dict = {"machine": machine.describe(), "datasets": {}}
    for folder in sorted(chosen.before.iterdir()):
        if (made := _weights(folder)) != backend.weights:
            raise SystemExit(f"{folder} was made by {made}, these are {backend.weights}: --adapter")
        before = _read(folder)
        dataset = read_dataset(chosen.data / folder.name)
        by_id = {record.id: record for record in dataset.test}
        gold = [by_id[name] for name in before]
        out = chosen.out / folder.name
        with show.progress(folder.name) as advance:
            predict(
                gold,
                extractor,
                out,
                task=dataset.task,
                batch_size=chosen.batch_size,
                progress=advance,
            )
        after = _read(out)  # in the order in which they were finished, so by id
        sides = [[some[record.id] for record in gold] for some in (before, after)]
        report["datasets"][folder.name] = row(gold, *sides)
        print(folder.name, report["datasets"][folder.name], flush=True)
        RESULTS.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
