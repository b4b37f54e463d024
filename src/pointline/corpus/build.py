"""Build datasets from raw corpora: read, convert, take out duplicates, split, write.

The same raw files, names and seed give the same bytes. A dataset folder appears when all of it is
written.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.corpus.recipes import RECIPES, SIDES, Part, Recipe, train_size
from pointline.corpus.sources import SOURCES, Source, Sourced
from pointline.corpus.split import Side, few_shot, groups, position, side
from pointline.corpus.store import Dataset, write_dataset
from pointline.errors import CorpusError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.format.text import fold

__all__ = ["DEV_SIZE", "Progress", "build", "few_shot"]

#: The most records that a development split holds.
DEV_SIZE = 200

_SIDES: tuple[Side, ...] = ("train", "dev", "test")

#: Called with what was done, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]


def build(
    names: Sequence[str],
    raw: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    train: int | None = None,
    replace: bool = False,
    progress: Progress | None = None,
) -> tuple[Dataset, ...]:
    """Build the named datasets as folders below `out` and return them.

    `raw` is the folder of raw corpora. The training split has the papers' size, or at most `train`
    records; what the training side holds beyond that is left out, never tested on. `replace` puts
    new folders in the place of datasets that are there.

    Raises CorpusError for a name without a recipe, a missing or misshapen corpus, a folder that is
    there; TaskError for a name that is no task.
    """
    unknown = [name for name in names if tasks.task(name) and name not in RECIPES]
    if unknown:
        raise CorpusError(f"no recipe for {unknown[0]}; there are: {', '.join(RECIPES)}")
    folders = {name: Path(out) / name for name in dict.fromkeys(names)}
    there = [folder for folder in folders.values() if folder.exists() and not replace]
    if there:
        raise CorpusError(f"{there[0]}: the folder is there: replace it, or choose another")
    shelf = _Shelf(Path(raw), seed, {})
    built = []
    for done, (name, folder) in enumerate(folders.items()):
        if progress:
            progress(name, done, len(folders))
        built.append(_build_one(tasks.task(name), folder, shelf, train=train, replace=replace))
    if progress:
        progress("done", len(folders), len(folders))
    return tuple(built)


# ---------------------------------------------------------------- corpora, read once


@dataclass(frozen=True, slots=True)
class _Stock:
    """One language of a corpus without duplicates, and where each document stands."""

    records: tuple[Sourced, ...]
    counts: Counter[str]
    positions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Shelf:
    """The corpora read so far."""

    raw: Path
    seed: int
    stocks: dict[tuple[str, str], _Stock]

    def stock(self, source: Source, lang: str) -> _Stock:
        """Return one language of a corpus; a parallel corpus is read in all its languages."""
        if (source.name, lang) not in self.stocks:
            for each, stock in _stocks(source, self.raw, self.seed, lang).items():
                self.stocks[source.name, each] = stock
        return self.stocks[source.name, lang]


def _stocks(source: Source, raw: Path, seed: int, lang: str) -> dict[str, _Stock]:
    langs: Sequence[str] = tuple(source.origins) if source.parallel else (lang,)
    harvests = {each: source.harvest(raw, each) for each in langs}
    folded = {
        each: [fold(sourced.record.text).text for sourced in harvest.records]
        for each, harvest in harvests.items()
    }
    documents = {
        each: [sourced.document for sourced in harvest.records]
        for each, harvest in harvests.items()
    }
    first = _first_keys(langs, documents, folded) if source.parallel else {}
    stocks = {}
    elsewhere: set[str] = set()
    for each, harvest in harvests.items():
        counts = Counter(harvest.counts)
        records = _unique(harvest.records, folded[each], elsewhere, counts)
        elsewhere |= set(folded[each])
        positions = {
            key: position(seed, source.name, first.get(key, key)) for key in documents[each]
        }
        stocks[each] = _Stock(records, counts, positions)
    return stocks


def _first_keys(
    langs: Sequence[str],
    documents: Mapping[str, Sequence[str]],
    folded: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    return groups(
        pair for each in langs for pair in zip(documents[each], folded[each], strict=True)
    )


def _unique(
    records: Sequence[Sourced], folded: Sequence[str], elsewhere: set[str], counts: Counter[str]
) -> tuple[Sourced, ...]:
    """Return the records whose text is new; `elsewhere` are the texts of languages before."""
    seen: set[str] = set()
    kept = []
    for sourced, text in zip(records, folded, strict=True):
        if text in elsewhere:
            counts["records dropped: left untranslated"] += 1
        elif text in seen:
            counts["records dropped: the same text twice"] += 1
        else:
            kept.append(sourced)
        seen.add(text)
    counts["records kept"] = len(kept)
    return tuple(kept)


# ---------------------------------------------------------------- one dataset


@dataclass(frozen=True, slots=True)
class _Placed:
    """A converted record, its side, and its place in the order of that side."""

    record: Record
    side: Side
    position: float


def _build_one(
    task: Task, folder: Path, shelf: _Shelf, *, train: int | None, replace: bool
) -> Dataset:
    recipe = RECIPES[task.name]
    counts: Counter[str] = Counter()
    placed = [
        found
        for part in recipe.parts
        for found in _converted(part, task, shelf.stock(SOURCES[part.source], task.lang), counts)
    ]
    placed = _without_twins(placed, counts)
    sizes: dict[Side, int] = {"train": train or train_size(task, len(placed)), "dev": DEV_SIZE}
    splits = {name: _cut(placed, name, sizes.get(name), recipe, counts) for name in _SIDES}
    about = _about(task, recipe, shelf, counts)
    return write_dataset(folder, task, _numbered(task, splits), about=about, replace=replace)


def _converted(part: Part, task: Task, stock: _Stock, counts: Counter[str]) -> Sequence[_Placed]:
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
        if unique.setdefault(fold(found.record.text).text, found) is not found:
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


def _about(task: Task, recipe: Recipe, shelf: _Shelf, counts: Counter[str]) -> dict[str, Any]:
    sources = []
    for part in recipe.parts:
        source = SOURCES[part.source]
        text, labels, items = source.origins[task.lang]
        sources.append(
            {
                "corpus": source.name,
                "revision": source.revision(shelf.raw),
                "licence": source.licence,
                "text": text,
                "labels": labels,
                "items": items,
                "sides": dict(zip(("train", "dev"), SIDES[source.name], strict=True)),
                "rules": _sorted(shelf.stock(source, task.lang).counts),
            }
        )
    return {
        "seed": shelf.seed,
        "sources": sources,
        "licences": sorted({SOURCES[part.source].licence for part in recipe.parts}),
        "rules": _sorted(counts),
        "notes": list(recipe.notes),
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
