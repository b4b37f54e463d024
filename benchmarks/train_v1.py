"""Trains version 1 of the embedded adapter; the same call goes on where it stopped.

    python benchmarks/train_v1.py --data data --out runs/adapter-v1

All training records of the 21 datasets but those that hold a type of music (`heldout.py`), once,
with the recipe that `recipes.py` found (docs/adapter.md).

Needs the embedded model and all 21 built datasets; takes about five hours.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from heldout import HELD_OUT

from pointline.model.settings import TrainConfig
from pointline.model.train import Point, train

RECIPE: Mapping[str, Any] = {
    "epochs": 1,
    "learning_rate": 1e-3,
    "rank": 16,
    "max_tokens_per_batch": 1280,
    "show_labels_share": 0.5,
    "label_lists": "drawn",
    "held_out": HELD_OUT,
    "loss_vocabulary": "seen",
    "dev_examples": 10,
    "dtype": "float32",
    "device": "cpu",
    "save_every": 5,
}


def config(data: Path, out: Path) -> TrainConfig:
    folders = sorted(str(path) for path in data.iterdir() if (path / "train.jsonl").is_file())
    return TrainConfig(tuple(folders), str(out), **RECIPE)


def told(point: Point) -> None:
    if point.step % 5 == 0 or point.step == point.steps:
        speed = f"{point.tokens_per_second:.0f} t/s, {point.eta / 3600:.1f} h left"
        print(f"step {point.step} of {point.steps}: loss {point.loss:.3f}, {speed}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    result = train(config(arguments.data, arguments.out), progress=told)
    print(result.to_dict(), flush=True)
    return 0 if result.finished else 130


if __name__ == "__main__":
    raise SystemExit(main())
