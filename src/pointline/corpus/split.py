"""Which side of the split a document is on, and few-shot samples. All by seed, nothing by chance.

The side is a function of (seed, corpus, document key): equal for every language and every family,
so that no translation of a test text, and no other annotation of it, is trained on.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from pointline.corpus.manifest import summary
from pointline.corpus.store import Dataset
from pointline.errors import CorpusError
from pointline.format.record import Record

__all__ = ["Side", "draw", "few_shot", "position", "side"]

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


def draw(
    records: Iterable[Record], *, seed: int, shots: int | None = None, n: int | None = None
) -> list[Record]:
    """Return `shots` records a text label, or `n` of all: those that stand first under the seed.

    They come in that order, which does not depend on the order of `records`; a smaller sample is
    part of a larger one. No more records are held than are returned.

    >>> records = [Record(str(at), "", f"雨{at}", "自然") for at in range(9)]
    >>> two, three = (draw(records, seed=1, n=n) for n in (2, 3))
    >>> three[:2] == two, draw(records[::-1], seed=1, shots=2) == two
    (True, True)
    """
    size = shots if n is None else n
    if size is None or size < 1:
        raise CorpusError(f"a sample holds one record or more, got {size}")
    held: dict[str, list[tuple[float, int, Record]]] = {}
    for count, record in enumerate(records):
        heap = held.setdefault(record.label if n is None else "", [])
        entry = (-position(seed, record.task, record.id), count, record)
        if len(heap) < size:
            heapq.heappush(heap, entry)
        elif entry > heap[0]:
            heapq.heapreplace(heap, entry)
    entries = sorted((-at, record.id, record) for heap in held.values() for at, _, record in heap)
    return [record for _, _, record in entries]


def few_shot(dataset: Dataset, shots: int, seed: int) -> Dataset:
    """Return the dataset with `shots` training records a text label (fewer where it has fewer).

    The manifest says under `few_shot` how many each label has.

    Raises CorpusError where `shots` is not positive or there is nothing to draw from.
    """
    if shots < 1 or not dataset.train:
        raise CorpusError(f"{dataset.task.name}: cannot draw {shots} shots a label from its train")
    kept = draw(dataset.train, shots=shots, seed=seed)
    drawn = Counter(record.label for record in kept)
    splits = {**dataset.splits, "train": tuple(kept)}
    about = {"shots": shots, "seed": seed, "labels": dict(sorted(drawn.items()))}
    manifest = {**dataset.manifest, **summary(dataset.task, splits, {}), "few_shot": about}
    return replace(dataset, splits=splits, manifest=manifest)
