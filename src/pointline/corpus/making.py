"""One dataset made: its corpora's records converted, split, cut to size and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pointline.corpus.card import card
from pointline.corpus.near import GRAM, THRESHOLD
from pointline.corpus.recipes import Part, Recipe, train_size
from pointline.corpus.shelf import Shelved, Stock
from pointline.corpus.sources import Source
from pointline.corpus.split import Side, side
from pointline.corpus.store import Dataset, write_dataset
from pointline.corpus.words import tagger
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["DEV_SIZE", "Making", "Materials", "make"]

#: The most records that a development split holds.
DEV_SIZE = 200

_SIDES: tuple[Side, ...] = ("train", "dev", "test")


@dataclass(frozen=True, slots=True)
class Materials:
    """One language of a corpus, and what is told of the corpus."""

    source: Source
    sides: tuple[float, float]
    revision: str | None
    stock: Stock


@dataclass(frozen=True, slots=True)
class Making:
    """A dataset to be made: all that its bytes depend on, and where it goes.

    `materials` stand in the order of the recipe's parts; `files` are the digests of all corpora
    that the texts were compared with, by name.
    """

    task: Task
    recipe: Recipe
    materials: tuple[Materials, ...]
    folder: Path
    seed: int
    train: int | None
    replace: bool
    recipe_digest: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A converted record, the key of its text, its side, and its place in the order there."""

    record: Record
    key: str
    side: Side
    position: float


def make(making: Making) -> Dataset:
    """Write a dataset folder and return the dataset."""
    task, counts = making.task, Counter[str]()
    placed = [
        found
        for part, materials in zip(making.recipe.parts, making.materials, strict=True)
        for found in _converted(part, task, materials, counts)
    ]
    placed = list(_without_twins(placed, counts))
    counts["records kept"] = len(placed)
    counts["items kept"] = sum(len(found.record.items) for found in placed)
    sizes: dict[Side, int] = {
        "train": making.train or train_size(task, len(placed)),
        "dev": DEV_SIZE,
    }
    splits = {name: _cut(placed, name, sizes.get(name), making.recipe, counts) for name in _SIDES}
    return write_dataset(
        making.folder,
        task,
        _numbered(task, splits),
        about=_about(making, counts),
        card=card,
        replace=making.replace,
    )


# ---------------------------------------------------------------- records


def _converted(
    part: Part, task: Task, materials: Materials, counts: Counter[str]
) -> Iterator[_Placed]:
    for row in materials.stock.rows:
        record = _convert(part, task, row, counts)
        if record is None:
            continue
        meta = {"corpus": part.source, "document": row.sourced.document}
        at = row.position
        yield _Placed(replace(record, meta=meta), row.key, side(at, materials.sides), at)


def _convert(part: Part, task: Task, row: Shelved, counts: Counter[str]) -> Record | None:
    """Return the record of a row, its items counted as read, and dropped where it is.

    Items of the shape that the task does not take are dropped before; what the converter drops or
    adds of the others it counts itself.
    """
    source = row.sourced.record
    here, other = len(source.pairs), len(source.facts)
    if task.shape == "facts":
        here, other = other, here
    own = Counter[str]()
    record = part.convert(source, task, own)
    counts.update(own)
    counts.update({"records read": 1, "items read": here + other})
    if other:
        counts[f"items dropped: the task takes {task.shape}"] += other
    if record is None:
        named = Counter(rule.split(": ")[0] for rule in own.elements())
        lost = here + named["items added"] - named["items dropped"]
        counts["items dropped: with their record"] += lost
    return record


def _without_twins(placed: Sequence[_Placed], counts: Counter[str]) -> Iterator[_Placed]:
    """Take out what two corpora of one dataset share."""
    seen: set[str] = set()
    for found in placed:
        if found.key not in seen:
            seen.add(found.key)
            yield found
            continue
        counts["records dropped: the text of another corpus"] += 1
        counts["items dropped: with their record"] += len(found.record.items)


def _cut(
    placed: Sequence[_Placed], name: Side, size: int | None, recipe: Recipe, counts: Counter[str]
) -> list[Record]:
    """Return one side in its order, cut to its size, scarce labels first to be kept."""
    there = sorted(
        (found for found in placed if found.side == name),
        key=lambda found: (found.position, found.record.id),
    )
    by_need = sorted(there, key=lambda found: found.record.label not in recipe.scarce)
    kept = {id(found) for found in by_need[:size]}
    left = [found.record for found in there if id(found) not in kept]
    if left:
        counts[f"records left over on the {name} side"] = len(left)
        counts[f"items left over on the {name} side"] = sum(len(record.items) for record in left)
    return [found.record for found in there if id(found) in kept]


def _numbered(task: Task, splits: Mapping[Side, Sequence[Record]]) -> dict[str, list[Record]]:
    numbered: dict[str, list[Record]] = {}
    number = 0
    for name, records in splits.items():
        numbered[name] = []
        for record in records:
            number += 1
            numbered[name].append(replace(record, id=f"{task.name}-{number:06d}", task=task.name))
    return numbered


# ---------------------------------------------------------------- what is told of it


def _about(making: Making, counts: Counter[str]) -> dict[str, Any]:
    return {
        "seed": making.seed,
        "train_size_asked": making.train,
        "recipe": making.recipe_digest,
        "sources": [
            _source(part, materials, making)
            for part, materials in zip(making.recipe.parts, making.materials, strict=True)
        ],
        "screened_against": dict(making.files),
        "near_duplicates": {"gram": GRAM, "threshold": THRESHOLD},
        "licences": sorted({materials.source.licence for materials in making.materials}),
        "rules": _sorted(counts),
        "notes": list(making.recipe.notes),
    }


def _source(part: Part, materials: Materials, making: Making) -> dict[str, Any]:
    source = materials.source
    text, labels, items = source.origins[making.task.lang]
    return {
        "corpus": source.name,
        "revision": materials.revision,
        "files": making.files[source.name],
        "licence": source.licence,
        "text": text,
        "labels": labels,
        "items": items,
        **({"selection": "derived", "tagger": tagger(making.task.lang)} if part.by_speech else {}),
        "sides": dict(zip(("train", "dev"), materials.sides, strict=True)),
        "rules": _sorted(materials.stock.counts),
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
