"""How fast the embedded model is trained here: whole or restricted softmax, LoRA or full.

    python benchmarks/train_speed.py [--threads 2] [--steps 3] [--only lora/seen ...]
    python benchmarks/train_speed.py --against-peft [--steps 7]    # our LoRA layers and peft's

Steps of 2,048 tokens: prompts of 60 to 100 tokens, completions of 40 to 60, drawn from 28,000
tokens (as many as eight built datasets hold). Prints a table and writes results/train_speed.json.
Wall time is what a user waits; CPU time tells more where other processes share the machine.
Against peft's own layers both take the same steps from the same weights, in turn, in one process,
so that what else the machine does meets both (results/train_lora.json).

Needs the embedded model; takes about 10 minutes.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import time
from pathlib import Path
from unittest import mock

import machine
import torch

from pointline.model.backbone import load
from pointline.model.batches import Example, plan, seen
from pointline.model.learner import Learner
from pointline.model.settings import TrainConfig

CASES: dict[str, dict[str, object]] = {
    "lora/full": {},
    "lora/seen": {"loss_vocabulary": "seen"},
    "lora/seen/12 layers": {"loss_vocabulary": "seen", "layers": 12},
    "lora/seen/checkpointing": {"loss_vocabulary": "seen", "checkpointing": True},
    "full/full": {"method": "full", "learning_rate": 1e-5},
}


def examples(count: int, seed: int = 0) -> list[Example]:
    rng = random.Random(seed)
    words = rng.sample(range(300, 260_000), 28_000)
    made = []
    for number in range(count):
        prompt, completion = rng.randint(60, 100), rng.randint(40, 60)
        tokens = tuple(rng.choices(words, k=prompt + completion))
        made.append(Example(str(number), tokens, prompt))
    # so that the restricted vocabulary has its size although only some steps are run
    return [*made, Example("words", tuple(words), 1)]


def measure(name: str, base: str, steps: int) -> dict[str, object]:
    config = TrainConfig(("-",), "-", base=base, dtype="float32", **CASES[name])
    *used, words = examples(16 * (steps + 1))
    vocabulary = seen([*used, words]) if config.loss_vocabulary == "seen" else None
    learner = Learner(load(base), config, vocabulary)
    lengths = [len(example.tokens) for example in used]
    order = plan(lengths, max_tokens=config.max_tokens_per_batch, epochs=1)
    times = []
    for number, step in enumerate(order[: steps + 1]):
        batches = [[used[i] for i in batch] for batch in step.batches]
        count = sum(len(example.tokens) for batch in batches for example in batch)
        wall, cpu = time.perf_counter(), time.process_time()
        learner.step(batches, rate=1e-5, seed=number)
        times.append((count, time.perf_counter() - wall, time.process_time() - cpu))
    tokens, wall, cpu = (
        sum(column) for column in zip(*times[1:], strict=True)
    )  # the first warms up
    return {
        "case": name,
        "trained parameters": sum(p.numel() for p in learner.weights.values()),
        "output rows": len(vocabulary or range(learner.model.config.vocab_size)),
        "tokens": tokens,
        "tokens per second": round(tokens / wall, 1),
        "tokens per CPU second": round(tokens / cpu, 1),
    }


def against_peft(base: str, steps: int, tokens: int) -> dict[str, object]:
    """Take the same steps with our layers and peft's; the first two warm up."""
    config = TrainConfig(
        ("-",), "-", base=base, dtype="float32", loss_vocabulary="seen", max_tokens_per_batch=tokens
    )
    *used, words = examples(128)
    vocabulary = seen([*used, words])
    with mock.patch("pointline.model.learner.quicken"):
        students = {"peft": Learner(load(base), config, vocabulary)}
    students["pointline"] = Learner(load(base), config, vocabulary)
    took: dict[str, list[float]] = {name: [] for name in students}
    losses: dict[str, list[float]] = {name: [] for name in students}
    order = plan([len(e.tokens) for e in used], max_tokens=tokens, epochs=steps)[:steps]
    for number, step in enumerate(order):
        batches = [[used[i] for i in batch] for batch in step.batches]
        count = sum(len(example.tokens) for batch in batches for example in batch)
        for name in sorted(students, reverse=bool(number % 2)):
            began = time.process_time()
            loss, _ = students[name].step(batches, rate=1e-4, seed=number)
            took[name].append(count / (time.process_time() - began))
            losses[name].append(loss)
    pairs = zip(took["pointline"][2:], took["peft"][2:], strict=True)
    return {
        "tokens in a step": tokens,
        "tokens per CPU second": {
            name: {"median": round(statistics.median(v[2:]), 1), "best": round(max(v), 1)}
            for name, v in took.items()
        },
        "times peft, median of steps": round(statistics.median(a / b for a, b in pairs), 3),
        "losses": losses,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="gemma3-270m")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--steps", type=int, default=3, help="measured after one to warm up")
    parser.add_argument("--against-peft", action="store_true")
    parser.add_argument("--tokens", type=int, default=1024, help="in a step, against peft")
    parser.add_argument("--only", nargs="*", choices=list(CASES), default=list(CASES))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    told = {"machine": machine.describe(), "base": asked.base, "threads": asked.threads}
    if asked.against_peft:
        found = against_peft(asked.base, asked.steps, asked.tokens)
        print(json.dumps(found))
        write("train_lora.json", {**told, **found})
        return
    rows = []
    for name in asked.only:
        rows.append(measure(name, asked.base, asked.steps))
        print(json.dumps(rows[-1]), flush=True)
        gc.collect()
    write("train_speed.json", {**told, "rows": rows})


def write(name: str, result: dict[str, object]) -> None:
    out = Path(__file__).parent / "results" / name
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"-> {out.relative_to(Path.cwd()) if out.is_relative_to(Path.cwd()) else out}")


if __name__ == "__main__":
    main()
