"""One text at a time on a processor: our fast path beside transformers' generate().

    python benchmarks/fast_path.py --data /data/scnm-en /data/scnm-ja /data/scnm-zh [--records 10]
        [--threads 1] [--batch 32]

The shipped adapter, greedy, under each text's grammar: our own sample sentences and the first
records of the test sets. The ways, in turns on every text: `reference` (generate() with the grammar
as a logits processor), `before` (transformers' forward pass, output rows of the allowed tokens,
forced tokens taken), `float32` and `float16` (the body written out, drafts). Times are processor
time, with encoding and the building of the grammar. Writes results/fast_path_T.json for T threads
after every record. `--batch N` measures 85 texts of each language in batches of N instead, into
results/fast_path_batch.json.

Needs the embedded model and built datasets; takes about 10 minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import mean, median
from time import process_time

import decode_speed
import machine
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import reference

from pointline.corpus.store import iter_records
from pointline.format.tasks import Task, task
from pointline.model import backbone, grammar, prompt
from pointline.model import extract as extractor
from pointline.model.decode import Decoder, guide

LIMIT = 160  # new tokens
OURS = {"before": None, "float32": "float32", "float16": "float16"}
RESULTS = Path(__file__).parent / "results"

Way = Callable[[list[tuple[str, Task]]], list[list[int]]]


class Ways:
    """The ways to ask one loaded model, and what each computed."""

    def __init__(self, base: backbone.Backbone, names: list[str]) -> None:
        self.base, self.passes = base, 0
        self.decoders = {
            name: Decoder(base.model, base.tokenizer, eos=base.eos, weights=weights)
            for name, weights in OURS.items()
            if name in names
        }
        base.model.get_decoder().register_forward_hook(self._count)

    def _count(self, *_: object) -> None:
        self.passes += 1

    def asked(self, texts: list[tuple[str, Task]]) -> tuple[list, list]:
        prompts = [self.base.encode(prompt.input_text(text, of)) for text, of in texts]
        return prompts, [grammar.build(of, text, align="words") for text, of in texts]

    def run(self, name: str, texts: list[tuple[str, Task]], batch: int = 1) -> dict:
        """Ask for texts; return tokens, processor seconds and what was counted."""
        self.passes, begun = 0, process_time()
        prompts, grammars = self.asked(texts)
        if name == "reference":
            ids = []
            for at in range(0, len(texts), batch):
                some = slice(at, at + batch)
                ids += reference.generate(
                    self.base, prompts[some], guide(self.base.tokenizer), grammars[some],
                    max_new_tokens=LIMIT,
                )  # fmt: skip
            return {"ids": ids, "s": process_time() - begun, "passes": self.passes}
        decoder = self.decoders[name]
        before = (decoder.cost.passes, decoder.cost.drafted, decoder.cost.kept)
        spent = dict(decoder.cost.seconds)
        rows = zip(prompts, grammars, [None] * len(texts), strict=True)
        found = sorted(decoder.stream(rows, rows=batch, max_new_tokens=LIMIT), key=lambda n: n[0])
        seconds = process_time() - begun
        after = (decoder.cost.passes, decoder.cost.drafted, decoder.cost.kept)
        passes, drafted, kept = (a - b for a, b in zip(after, before, strict=True))
        split = {k: v - spent.get(k, 0.0) for k, v in decoder.cost.seconds.items()}
        ids = [[t for t in c.ids if t not in self.base.eos][:LIMIT] for _, c in found]
        counted = {"ids": ids, "s": seconds, "passes": passes, "drafted": drafted, "kept": kept}
        return counted | {"split": split}


def summary(rows: list[dict], names: list[str]) -> dict:
    """What one language came to."""
    of = {name: [row[name] for row in rows] for name in names}
    out = {
        "texts": len(rows),
        "tokens": round(mean(len(r["reference"]["ids"][0]) for r in rows), 1),
    }
    for name in names:
        seconds = [one["s"] for one in of[name]]
        ratios = [row["reference"]["s"] / row[name]["s"] for row in rows]
        out[name] = {
            "median_s": round(median(seconds), 3),
            "mean_s": round(mean(seconds), 3),
            "passes": round(mean(one["passes"] for one in of[name]), 1),
            "faster_median": round(median(of["reference"][i]["s"] for i in range(len(rows)))
                                   / median(seconds), 2),
            "faster_each": round(median(ratios), 2),
            "same": sum(row[name]["ids"] == row["reference"]["ids"] for row in rows),
        }  # fmt: skip
        if "split" in of[name][0]:
            kinds = {k for one in of[name] for k in one["split"]}
            split = {k: mean(one["split"].get(k, 0.0) for one in of[name]) for k in sorted(kinds)}
            split["rest"] = mean(seconds) - sum(split.values())
            out[name]["split_ms"] = {k: round(1e3 * v, 1) for k, v in split.items()}
            out[name]["drafted"] = round(mean(one["drafted"] for one in of[name]), 1)
            out[name]["kept"] = round(mean(one["kept"] for one in of[name]), 1)
    return out


def texts_of(data: Path, count: int) -> list[tuple[str, Task]]:
    of = task(data.name)
    own = [(text, of) for text in decode_speed.TEXTS[of.lang]]
    return own + [(one.text, of) for one in islice(iter_records(data / "test.jsonl"), count)]


def singly(ways: Ways, names: list[str], chosen: argparse.Namespace, report: dict) -> None:
    path = RESULTS / f"fast_path_{chosen.threads}.json"
    for data in chosen.data:
        rows = []
        for number, text in enumerate(texts_of(data, chosen.records)):
            order = names[number % len(names) :] + names[: number % len(names)]
            rows.append({name: ways.run(name, [text]) for name in order})
            report["languages"][data.name] = summary(rows, names)
            path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(data.name, json.dumps(report["languages"][data.name]), flush=True)


def batched(ways: Ways, names: list[str], chosen: argparse.Namespace, report: dict) -> None:
    each = -(-chosen.texts // len(chosen.data))
    texts = [one for data in chosen.data for one in texts_of(data, each)[:each]]
    texts.sort(key=lambda one: len(one[0]), reverse=True)
    report |= {"batch": chosen.batch, "texts": len(texts), "ways": {}}
    outputs = {}
    for name in names:
        made = ways.run(name, texts, chosen.batch)
        outputs[name] = made["ids"]
        row = {"s": round(made["s"], 1), "per_s": round(len(texts) / made["s"], 2)}
        first = next(iter(outputs.values()))
        row["same"] = sum(a == b for a, b in zip(made["ids"], first, strict=True))
        report["ways"][name] = row | {"passes": made["passes"]}
        print(name, row, flush=True)
        path = RESULTS / "fast_path_batch.json"
        path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--records", type=int, default=10, help="of each test set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--texts", type=int, default=256, help="in batches")
    parser.add_argument("--ways", nargs="+", default=["reference", *OURS])
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    base = backbone.load(device="cpu", adapter=extractor._ADAPTER, merge=True)
    ways = Ways(base, chosen.ways)
    for name in chosen.ways:  # nothing is measured that is done once
        ways.run(name, [("Ada left.", task("scnm-en"))])
    report: dict = {"model": f"{base.name}+adapter", "threads": chosen.threads}
    report |= {"machine": machine.describe(), "languages": {}}
    (batched if chosen.batch else singly)(ways, chosen.ways, chosen, report)


if __name__ == "__main__":
    main()
