"""The search for a recipe: small trainings that differ in one thing, and what each gave.

    python benchmarks/recipes.py --data data --raw raw --out runs/recipes [--one]

A trial is a training on EXAMPLES records of each of ten datasets. It is looked at by the loss on
dev records in two forms, the plain prompt and the one that lists labels drawn for the record, by
the loss on labels that no trial saw (`heldout.py`), and, where the plan says so, by what is
extracted. Losses are taken over the tokens that the examples hold which are looked at. The records
are the same for every trial, so that differences are paired. A killed call goes on.
Writes results/recipes.json and prints its table; `--one` ends after one trial (exit 3: none left).

Needs the embedded model, built datasets and the raw corpora; takes about an hour.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from heldout import HELD_OUT, held_out, training_keys
from machine import describe

from pointline.app.bench.tables import table
from pointline.corpus.store import read_dataset
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.backbone import Backbone, load
from pointline.model.batches import Example, Sample, collate, draw, encode, plan, seen
from pointline.model.extract import Extractor, Options
from pointline.model.hf import HFBackend
from pointline.model.labellists import inventory, labels_of
from pointline.model.loss import CompletionLoss
from pointline.model.prompt import Form, Order
from pointline.model.settings import TrainConfig
from pointline.model.train import train
from pointline.score.match import score

RESULTS = Path(__file__).parent / "results" / "recipes.json"
#: Of each family and language, so that a trial takes minutes: ten of the 21.
DATASETS = (
    "open-tcree-en", "open-tcree-zh", "scnm-en", "scnm-ja", "scpos-adj-en", "scpos-n-ja",
    "scpos-rw-zh", "tconer-en", "tconer-ja", "tconer-zh",
)  # fmt: skip
EXAMPLES, DEV, SCORED, UNSEEN = 20, 6, 6, 10

BASE: Mapping[str, Any] = {
    "examples": EXAMPLES,
    "dev_examples": 0,
    "epochs": 1,
    "max_length": 640,
    "max_tokens_per_batch": 640,
    "learning_rate": 1e-3,
    "loss_vocabulary": "seen",
    "label_lists": "drawn",
    "held_out": HELD_OUT,
    "dtype": "float32",
    "save_every": 10,
}


@dataclass(frozen=True)
class Trial:
    """One training: what differs from BASE, and whether what it extracts is scored."""

    name: str
    question: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    scored: bool = False


ITEMS_FIRST = Form(order=Order.ITEMS_FIRST).to_dict()
PLAN = (
    Trial("rate 1e-3", "rate"),
    Trial("rate 2e-3", "rate", {"learning_rate": 2e-3}),
    Trial("rate 5e-4", "rate", {"learning_rate": 5e-4}),
    Trial("lists 0.5", "label lists", {"show_labels_share": 0.5}),
    Trial("items first", "order", {"form": ITEMS_FIRST}),
    Trial("layers 12", "layers", {"layers": 12}),
    Trial("rank 32", "rank", {"rank": 32}),
    Trial("lists 0.3", "label lists", {"show_labels_share": 0.3}),
    Trial("rank 8", "rank", {"rank": 8}),
    Trial("two epochs", "epochs", {"examples": EXAMPLES // 2, "epochs": 2}),
)

_Samples = Sequence[tuple[str, Sequence[Sample]]]


# ---------------------------------------------------------------- one trial


def trained(trial: Trial, data: Sequence[Path], out: Path) -> dict[str, Any]:
    """Train, and say what it cost; a call that was killed left its processor time behind."""
    folder, spent = out / _slug(trial.name), out / f"{_slug(trial.name)}.seconds"
    started = time.process_time()
    config = TrainConfig(tuple(map(str, data)), str(folder), **{**BASE, **trial.changes})

    def told(point: Any) -> None:
        nonlocal started
        if point.step % 10 == 0 or point.step == point.steps:
            seconds = float(spent.read_text()) if spent.exists() else 0.0
            spent.write_text(str(seconds + time.process_time() - started))
            started = time.process_time()
            print(f"{trial.name}: {point.step}/{point.steps} loss {point.loss:.3f}", flush=True)

    result = train(config, progress=told)
    assert result.model is not None, "asked to stop"
    events = [json.loads(line) for line in (folder / "log.jsonl").open(encoding="utf-8")]
    losses = [event["loss"] for event in events if event["event"] == "step"]
    return {
        "adapter": str(result.model),
        "steps": result.steps,
        "tokens": result.tokens,
        "cpu_seconds": round(float(spent.read_text()), 1),
        "last_losses": round(sum(losses[-5:]) / 5, 4),
    }


def _slug(name: str) -> str:
    return name.replace(" ", "-")


# ---------------------------------------------------------------- how good it is


def dev_samples(data: Sequence[Path]) -> list[tuple[str, list[Sample]]]:
    """The dev records that are looked at, none of them with a label that is held out."""
    held, found = set(HELD_OUT), []
    for path in data:
        dataset = read_dataset(path)
        records = [record for record in dataset.dev if not held & labels_of(record)]
        known = inventory([r for r in dataset.train if not held & labels_of(r)], dataset.task)
        chosen = draw(records, DEV, f"recipes/{path.name}")
        found.append((path.name, [Sample(r, dataset.task, "dev", known) for r in chosen]))
    return found


def losses(backbone: Backbone, samples: _Samples, *, listed: float, form: Form) -> dict[str, float]:
    """Nats per completion token, of each set and of all."""
    encoded = {
        name: encode(
            members, backbone, max_length=1024, show_labels_share=listed, seed=1, form=form
        )
        for name, members in samples
    }
    vocabulary = seen([example for examples in encoded.values() for example in examples])
    numbers = {token: number for number, token in enumerate(vocabulary)}
    loss = CompletionLoss(backbone.model, vocabulary=vocabulary)
    found, sums, counts = {}, 0.0, 0
    for name, examples in encoded.items():
        batches = [
            collate(batch, pad=backbone.pad, vocabulary=numbers) for batch in _batches(examples)
        ]
        total = sum(map(loss.value, batches))
        count = sum(example.completion for example in examples)
        found[name] = round(total / count, 4)
        sums, counts = sums + total, counts + count
    return {**found, "all": round(sums / counts, 4)}


def _batches(examples: Sequence[Example]) -> list[list[Example]]:
    steps = plan([len(e.tokens) for e in examples], max_tokens=1024, epochs=1)
    return [[examples[i] for i in batch] for step in steps for batch in step.batches]


def scores(backbone: Backbone, task: Task, records: Sequence[Record]) -> dict[str, Any]:
    """TL and WL F1, ALL, of what is extracted under the grammar."""
    extractor = Extractor(HFBackend(backbone), Options(max_new_tokens=160))
    found = list(extractor.many(records, task, batch_size=16))
    report = score(records, found, tasks={task.name: task}, resamples=0)
    return {"tl": report.tl.f1, "wl": report.wl.f1, "all": report.all}


def looked_at(
    adapter: str | None, dev: _Samples, unseen: Sequence[Any], *, form: Form, scored: bool
) -> dict[str, Any]:
    backbone = load("gemma3-270m", adapter=adapter, merge=adapter is not None)
    music = [(u.name, [Sample(r, u.task, u.name) for r in u.records]) for u in unseen]
    found: dict[str, Any] = {
        "plain": losses(backbone, dev, listed=0.0, form=form),
        "listed": losses(backbone, dev, listed=1.0, form=form),
        "unseen": losses(
            backbone, [m for m in music if m[1][0].record.label], listed=1.0, form=form
        ),
    }
    if scored:
        found["scores"] = {
            name: scores(backbone, m[0].task, [s.record for s in m[:SCORED]]) for name, m in dev
        }
        found["unseen_scores"] = {u.name: scores(backbone, u.task, u.records) for u in unseen}
    return found


# ---------------------------------------------------------------- all of them


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", action="store_true", help="end after one trial")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    results = {"machine": describe(), "base": {**BASE, "held_out": list(HELD_OUT)}, "trials": {}}
    if RESULTS.is_file():
        results["trials"] = json.loads(RESULTS.read_text(encoding="utf-8"))["trials"]
    left = [trial for trial in PLAN if trial.name not in results["trials"]]
    if not left:
        print(table("trials", RESULTS.parent))
        return 3
    data = [arguments.data / name for name in DATASETS]
    unseen = list(held_out(arguments.data, arguments.raw, UNSEEN, training_keys(arguments.data)))
    dev = dev_samples(data)
    for trial in left[: 1 if arguments.one else None]:
        made = trained(trial, data, arguments.out)
        form = Form.from_dict(trial.changes.get("form", {}))
        looked = looked_at(made.pop("adapter"), dev, unseen, form=form, scored=trial.scored)
        told = {"question": trial.question, "changes": dict(trial.changes), **made, **looked}
        results["trials"][trial.name] = told
        text = json.dumps(results, ensure_ascii=False, indent=1) + "\n"
        work = RESULTS.with_suffix(".partial")
        work.write_text(text, encoding="utf-8")
        work.replace(RESULTS)
        print(table("trials", RESULTS.parent), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
