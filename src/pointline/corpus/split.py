"""Which side of the split a document is on, and few-shot samples. All by seed, nothing by chance.

The side is a function of (seed, corpus, document key): equal for every language and every family,
so that no translation of a test text, and no other annotation of it, is trained on.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import Literal

from pointline.corpus.manifest import summary
from pointline.corpus.store import Dataset
from pointline.errors import CorpusError

__all__ = ["Side", "few_shot", "position", "side"]

Side = Literal["train", "dev", "test"]


def position(seed: int, corpus: str, document: str) -> float:
    """Return where a document stands in [0, 1): the order of its corpus under a seed.

    >>> 0 <= position(0, "crossre", "music-dev-7") < 1
    True
    """
    key = f"{seed}\0{corpus}\0{document}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest()) / 2**64


def side(at: float, shares: tuple[float, float]) -> Side:
    """Return the side of a position; `shares` are those of the training and development sides.

    >>> [side(at, (0.4, 0.1)) for at in (0.1, 0.45, 0.9)]
    ['train', 'dev', 'test']
    """
    train, dev = shares
    return "train" if at < train else "dev" if at < train + dev else "test"


def few_shot(dataset: Dataset, shots: int, seed: int) -> Dataset:
    """Return the dataset with `shots` training records a text label (fewer where it has fewer).

    The manifest says under `few_shot` how many each label has.

    Raises CorpusError where `shots` is not positive or there is nothing to draw from.
    """
    if shots < 1 or not dataset.train:
        raise CorpusError(f"{dataset.task.name}: cannot draw {shots} shots a label from its train")
    order = sorted(dataset.train, key=lambda r: (position(seed, dataset.task.name, r.id), r.id))
    drawn: Counter[str] = Counter()
    kept = []
    for record in order:
        if drawn[record.label] < shots:
            drawn[record.label] += 1
            kept.append(record)
    splits = {**dataset.splits, "train": tuple(kept)}
    about = {"shots": shots, "seed": seed, "labels": dict(sorted(drawn.items()))}
    manifest = {**dataset.manifest, **summary(dataset.task, splits, {}), "few_shot": about}
    return replace(dataset, splits=splits, manifest=manifest)
