"""How fast training is here beside TRL's SFTTrainer: one model, one LoRA, the same batches in turn.

    python -m pip install trl==1.16.0          # into an environment of its own
    python benchmarks/train_trl.py --data data [--steps 6] [--batch 8] [--threads 1]

Both take the same examples in the same order, from the same initial weights, with loss on the
completions only, AdamW, float32, no gradient checkpointing; after each of TRL's steps we take ours
on the same batch, so that what else the machine does meets both. TRL's time is that between its
step's begin and end (its loading of data is left out), ours that of `Learner.step`. The losses are
held against each other: they have to agree. Writes results/train_trl.json.

Needs the embedded model, built datasets and TRL; takes about 15 minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import machine
import torch

from pointline.corpus.store import read_dataset
from pointline.model.backbone import load
from pointline.model.batches import Example, seen
from pointline.model.job import learned
from pointline.model.learner import Learner, _with_lora
from pointline.model.settings import TrainConfig

CASES = {"pointline, all tokens": "full", "pointline, seen tokens": "seen"}


def examples(config: TrainConfig, backbone: Any) -> list[Example]:
    sets = [(Path(path), read_dataset(path)) for path in config.data]
    return learned(config, sets, backbone)


def batches(found: list[Example], size: int, steps: int) -> list[list[Example]]:
    """Batches of like length, as both trainers would make them, spread over the lengths."""
    near = sorted(found, key=lambda example: len(example.tokens))
    starts = torch.linspace(0, len(near) - size, steps + 2)[1:-1].long().tolist()
    return [near[start : start + size] for start in starts]


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def since(before: tuple[float, float]) -> tuple[float, float]:
    now = clocks()
    return now[0] - before[0], now[1] - before[1]


def compare(config: TrainConfig, steps: int, size: int) -> dict[str, Any]:
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    backbone = load(config.base)
    found = examples(config, backbone)
    parts = batches(found, size, steps)
    vocabulary = seen(found)
    students = {
        name: Learner(load(config.base), config, vocabulary if kind == "seen" else None)
        for name, kind in CASES.items()
    }
    torch.manual_seed(config.seed)
    theirs = _with_lora(backbone, config)
    columns = {
        "input_ids": [list(e.tokens) for part in parts for e in part],
        "completion_mask": [[0] * e.prompt + [1] * e.completion for part in parts for e in part],
    }
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in ("TRL", *students)}
    losses: dict[str, list[float]] = {name: [] for name in took}

    class Turns(TrainerCallback):
        began = (0.0, 0.0)

        def on_step_begin(self, *_given: Any, **_also: Any) -> None:
            self.began = clocks()

        def on_step_end(self, *given: Any, **_also: Any) -> None:
            took["TRL"].append(since(self.began))
            step = given[1].global_step - 1
            for name, student in students.items():
                began = clocks()
                loss, _norm = student.step([parts[step]], rate=config.learning_rate, seed=step)
                took[name].append(since(began))
                losses[name].append(loss)
            print(step, {name: round(times[-1][1], 2) for name, times in took.items()}, flush=True)

        def on_log(self, *_given: Any, **also: Any) -> None:
            if "loss" in also["logs"]:
                losses["TRL"].append(also["logs"]["loss"])

    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder, per_device_train_batch_size=size, num_train_epochs=1,
            learning_rate=config.learning_rate, lr_scheduler_type="constant", warmup_steps=0,
            weight_decay=0.0, max_grad_norm=config.clip, optim="adamw_torch", use_cpu=True,
            bf16=False, gradient_checkpointing=False, completion_only_loss=True, max_length=None,
            logging_steps=1, save_strategy="no", report_to="none", seed=config.seed,
            train_sampling_strategy="sequential", disable_tqdm=True,
        )  # fmt: skip
        trainer = SFTTrainer(
            model=theirs, args=arguments, train_dataset=Dataset.from_dict(columns),
            processing_class=backbone.tokenizer, callbacks=[Turns()],
        )  # fmt: skip
        trainer.train()
    counts = [sum(len(example.tokens) for example in part) for part in parts]
    return table(counts, took, losses, len(vocabulary))


def table(
    counts: list[int],
    took: dict[str, list[tuple[float, float]]],
    losses: dict[str, list[float]],
    vocabulary: int,
) -> dict[str, Any]:
    """Return tokens per second by trainer; the first step of each warms up and is left out."""
    rows = []
    for name, times in took.items():
        wall, cpu = (sum(column) for column in zip(*times[1:], strict=True))
        ratios = [a[1] / b[1] for a, b in zip(took["TRL"][1:], times[1:], strict=True)]
        rows.append(
            {
                "trainer": name,
                "tokens per second": round(sum(counts[1:]) / wall, 1),
                "tokens per CPU second": round(sum(counts[1:]) / cpu, 1),
                "times TRL, by CPU, median of steps": round(statistics.median(ratios), 2),
                "losses": [round(loss, 4) for loss in losses[name]],
            }
        )
    return {"tokens of steps": counts, "seen tokens": vocabulary, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of built datasets")
    parser.add_argument("--base", default="gemma3-270m")
    parser.add_argument("--batch", type=int, default=8, help="records in a step")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--examples", type=int, default=60, help="of each dataset")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    folders = sorted(str(path) for path in asked.data.iterdir() if (path / "train.jsonl").is_file())
    config = TrainConfig(
        tuple(folders), "-", base=asked.base, examples=asked.examples, dtype="float32",
        learning_rate=1e-4,
    )  # fmt: skip
    result = compare(config, asked.steps, asked.batch)
    told = {
        "machine": machine.describe(),
        "libraries": {name: version(name) for name in ("trl", "transformers", "peft", "torch")},
        "base": asked.base, "rank": config.rank, "batch": asked.batch, "threads": asked.threads,
    }  # fmt: skip
    out = Path(__file__).parent / "results" / "train_trl.json"
    out.write_text(json.dumps({**told, **result}, indent=2) + "\n", encoding="utf-8")
    for row in result["rows"]:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
