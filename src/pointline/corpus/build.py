"""Build datasets from raw corpora: read, convert, take out duplicates, split, write.

The same raw files, names and seed give the same bytes. A dataset folder appears when all of it is
written.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.corpus.folder import recover
from pointline.corpus.manifest import SPLITS, read_manifest, sha256
from pointline.corpus.recipes import RECIPES, SIDES, Part, Recipe, digest, train_size
from pointline.corpus.shelf import Progress, Settings, Shelf, Steps, Stock
from pointline.corpus.sources import SOURCES
from pointline.corpus.split import Side, few_shot, side
from pointline.corpus.store import Dataset, read_dataset, write_dataset
from pointline.corpus.twins import key
from pointline.errors import CorpusError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.version import __version__

__all__ = ["DEV_SIZE", "Progress", "build", "few_shot"]

#: The most records that a development split holds.
DEV_SIZE = 200

_SIDES: tuple[Side, ...] = ("train", "dev", "test")


def build(
    names: Iterable[str],
    raw: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    train: int | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> dict[str, Dataset]:
    """Build the named datasets as folders below `out` and return them by name.

    `raw` is the folder of raw corpora. The training split has the papers' size, or at most `train`
    records; what the training side holds beyond that is left out, never tested on. A dataset that
    is there, built with the same seed and size by the same version and recipe from the same raw
    files, is kept as it is; `replace` builds it again, and puts it in the place of any dataset.

    Raises CorpusError for a name without a recipe, a missing or misshapen corpus, a folder that is
    there and holds something else; TaskError for a name that is no task.
    """
    names = tuple(dict.fromkeys(names))
    unknown = [name for name in names if tasks.task(name) and name not in RECIPES]
    if unknown:
        raise CorpusError(f"no recipe for {unknown[0]}; there are: {', '.join(RECIPES)}")
    if train is not None and train < 1:
        raise CorpusError(f"a training split holds one record or more, got train={train}")
    settings = Settings(Path(raw), seed, train)
    for part in (part for name in names for part in RECIPES[name].parts):
        SOURCES[part.source].at(settings.raw)
    folders = {name: Path(out) / name for name in names}
    for folder in folders.values():
        recover(folder)
    there = {
        name: _finished(folder, tasks.task(name), settings)
        for name, folder in folders.items()
        if folder.exists() and not replace
    }
    left = [name for name in folders if name not in there]
    steps = Steps(sum(_reads(left).values()) + len(left), progress)
    shelf = Shelf(settings, steps, {})
    for name in left:
        there[name] = _build_one(tasks.task(name), folders[name], shelf, replace=replace)
    return {name: there[name] for name in folders}


def _reads(names: Sequence[str]) -> dict[tuple[str, str], int]:
    """Return how many languages are read of each corpus that the datasets need."""
    reads = {}
    for name in names:
        for part in RECIPES[name].parts:
            source = SOURCES[part.source]
            which = "all" if source.parallel else tasks.task(name).lang
            reads[source.name, which] = len(source.origins) if source.parallel else 1
    return reads


def _finished(folder: Path, task: Task, settings: Settings) -> Dataset:
    """Return a dataset that is there, if building it would give the same."""
    manifest = read_manifest(folder)
    asked, found = _asked(task, settings), _told(manifest)
    other = [key for key in asked if asked[key] != found[key]]
    if other:
        raise CorpusError(
            f"{folder}: is there with {other[0]} {found[other[0]]!r}, not {asked[other[0]]!r}:"
            " replace it, or choose another folder"
        )
    sums = manifest.get("sha256")
    sums = sums if isinstance(sums, Mapping) else {}
    for file in dict.fromkeys([*sums, *(f"{split}.jsonl" for split in SPLITS)]):
        path = folder / file
        if sums.get(file) != (sha256(path) if path.is_file() else None):
            raise CorpusError(f"{path}: was changed since it was built: replace {folder.name}")
    return read_dataset(folder)


def _asked(task: Task, settings: Settings) -> dict[str, Any]:
    """Return what the bytes of a dataset come from, where it is built now."""
    sources = [SOURCES[part.source] for part in RECIPES[task.name].parts]
    return {
        "seed": settings.seed,
        "train": settings.train,
        "pointline": __version__,
        "recipe": digest(task),
        "revisions": [source.revision(settings.raw) for source in sources],
        "raw files": [source.digest(settings.raw) for source in sources],
    }


def _told(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of the dataset that a manifest tells of."""
    sources = manifest.get("sources")
    sources = sources if isinstance(sources, list) else []
    sources = [source for source in sources if isinstance(source, Mapping)]
    return {
        "seed": manifest.get("seed"),
        "train": manifest.get("train_size_asked"),
        "pointline": manifest.get("pointline"),
        "recipe": manifest.get("recipe"),
        "revisions": [source.get("revision") for source in sources],
        "raw files": [source.get("files") for source in sources],
    }


# ---------------------------------------------------------------- one dataset


@dataclass(frozen=True, slots=True)
class _Placed:
    """A converted record, its side, and its place in the order of that side."""

    record: Record
    side: Side
    position: float


def _build_one(task: Task, folder: Path, shelf: Shelf, *, replace: bool) -> Dataset:
    recipe = RECIPES[task.name]
    counts: Counter[str] = Counter()
    placed = [
        found
        for part in recipe.parts
        for found in _converted(part, task, shelf.stock(SOURCES[part.source], task.lang), counts)
    ]
    placed = _without_twins(placed, counts)
    size = shelf.settings.train or train_size(task, len(placed))
    sizes: dict[Side, int] = {"train": size, "dev": DEV_SIZE}
    splits = {name: _cut(placed, name, sizes.get(name), recipe, counts) for name in _SIDES}
    about = _about(task, recipe, shelf, counts)
    built = write_dataset(folder, task, _numbered(task, splits), about=about, replace=replace)
    shelf.steps.step(task.name)
    return built


def _converted(part: Part, task: Task, stock: Stock, counts: Counter[str]) -> Sequence[_Placed]:
    shares = SIDES[part.source]
    placed = []
    for sourced in stock.records:
        counts["records read"] += 1
        record = part.convert(sourced.record, task, counts)
        if record is None:
            continue
        meta = {"corpus": part.source, "document": sourced.document}
        at = stock.positions[sourced.document]
        placed.append(_Placed(dataclasses.replace(record, meta=meta), side(at, shares), at))
    return placed


def _without_twins(placed: Sequence[_Placed], counts: Counter[str]) -> list[_Placed]:
    """Take out what two corpora of one dataset share."""
    unique: dict[str, _Placed] = {}
    for found in placed:
        if unique.setdefault(key(found.record.text), found) is not found:
            counts["records dropped: the text of another corpus"] += 1
    counts["records kept"] = len(unique)
    return list(unique.values())


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
    if len(there) > len(kept):
        counts[f"records left over on the {name} side"] = len(there) - len(kept)
    return [found.record for found in there if id(found) in kept]


def _numbered(task: Task, splits: Mapping[Side, Sequence[Record]]) -> dict[str, list[Record]]:
    numbered: dict[str, list[Record]] = {}
    number = 0
    for name, records in splits.items():
        numbered[name] = []
        for record in records:
            number += 1
            id = f"{task.name}-{number:06d}"
            numbered[name].append(dataclasses.replace(record, id=id, task=task.name))
    return numbered


def _about(task: Task, recipe: Recipe, shelf: Shelf, counts: Counter[str]) -> dict[str, Any]:
    sources = []
    for part in recipe.parts:
        source = SOURCES[part.source]
        text, labels, items = source.origins[task.lang]
        sources.append(
            {
                "corpus": source.name,
                "revision": source.revision(shelf.settings.raw),
                "files": source.digest(shelf.settings.raw),
                "licence": source.licence,
                "text": text,
                "labels": labels,
                "items": items,
                "sides": dict(zip(("train", "dev"), SIDES[source.name], strict=True)),
                "rules": _sorted(shelf.stock(source, task.lang).counts),
            }
        )
    return {
        "seed": shelf.settings.seed,
        "train_size_asked": shelf.settings.train,
        "recipe": digest(task),
        "sources": sources,
        "licences": sorted({SOURCES[part.source].licence for part in recipe.parts}),
        "rules": _sorted(counts),
        "notes": list(recipe.notes),
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
