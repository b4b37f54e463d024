"""Build datasets from raw corpora: read, take out what is there twice, convert, split, write.

The same raw files, names and seed give the same bytes, whatever the number of processes. A dataset
folder appears when all of it is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pointline.corpus.catalogue import CATALOGUE, Catalogue
from pointline.corpus.crew import Crew, crew
from pointline.corpus.folder import recover
from pointline.corpus.making import Making, Materials, make
from pointline.corpus.manifest import SPLITS, read_manifest, sha256
from pointline.corpus.near import neighbours
from pointline.corpus.recipes import digest
from pointline.corpus.screen import Place, screened, texts
from pointline.corpus.shelf import Stock, stocks
from pointline.corpus.sources import Source
from pointline.corpus.store import Dataset, read_dataset
from pointline.corpus.twins import groups
from pointline.errors import CorpusError
from pointline.format import tasks
from pointline.format.tasks import LANGUAGES
from pointline.version import __version__

__all__ = ["FAMILIES", "Progress", "all_names", "build"]

#: The families of the papers; `open-tcree` stands in the place of TCREE.
FAMILIES = ("scnm", "scpos-rw", "scpos-adjn", "scpos-adj", "scpos-n", "open-tcree", "tconer")


class Progress(Protocol):
    """Is told how far the work is: done of total, and what was done."""

    def __call__(self, done: int, total: int, stage: str, /) -> object:
        """Take notice that `done` of `total` steps are done."""


def all_names() -> tuple[str, ...]:
    """Return the names of the 21 datasets: each family in each language.

    >>> len(all_names()), all_names()[:2]
    (21, ('scnm-en', 'scnm-ja'))
    """
    return tuple(f"{family}-{lang}" for family in FAMILIES for lang in LANGUAGES)


def build(
    names: Iterable[str],
    raw: str | Path,
    out: str | Path,
    *,
    seed: int = 0,
    train: int | None = None,
    replace: bool = False,
    jobs: int = 1,
    catalogue: Catalogue = CATALOGUE,
    progress: Progress | None = None,
) -> dict[str, Dataset]:
    """Build the named datasets as folders below `out` and return them by name.

    `raw` is the folder of raw corpora. All corpora that are there are read, whatever is built: a
    text to train on must be no near-duplicate of one to test on in any of them, nor a translation
    of one. The training split has the papers' size, or at most `train` records; what the training
    side holds beyond that is left out, never tested on. `jobs` processes share the work. A dataset
    that is there, built with the same seed and size by the same version and recipe from the same
    raw files, is kept as it is; `replace` builds it again, and puts it in the place of any dataset.

    Raises CorpusError for a name without a recipe, a missing or misshapen corpus, a folder that is
    there and holds something else; TaskError for a name that is no task; MissingExtra where a
    library of the extra `corpora` is not installed.
    """
    names = tuple(dict.fromkeys(names))
    for name in names:
        catalogue.recipe(name)
    if train is not None and train < 1:
        raise CorpusError(f"a training split holds one record or more, got train={train}")
    plan = _Plan(Path(raw), Path(out), seed, train, replace, catalogue)
    if plan.out.is_file():
        raise CorpusError(f"{out}: this is a file: name the folder that the datasets go to")
    for source in (source for name in names for source in catalogue.corpora(name)):
        source.at(plan.raw)
    for name in names:
        recover(plan.out / name)
    files = plan.digests()
    there = {
        name: _finished(plan, name, files)
        for name in names
        if (plan.out / name).exists() and not replace
    }
    left = [name for name in names if name not in there]
    if left:
        with crew(jobs) as workers:
            there |= _built(left, plan, files, workers, progress)
    return {name: there[name] for name in names}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is asked for, beside the names."""

    raw: Path
    out: Path
    seed: int
    train: int | None
    replace: bool
    catalogue: Catalogue

    def sources(self) -> list[Source]:
        """Return the corpora of datasets that are there, those with most languages first."""
        found = [self.catalogue.sources[name] for name in self.catalogue.sides]
        there = [source for source in found if (self.raw / source.folder).is_dir()]
        return sorted(there, key=lambda source: -len(source.origins))

    def digests(self) -> dict[str, str]:
        """Return the digest of each corpus that is there, by its name."""
        sources = sorted(self.sources(), key=lambda source: source.name)
        return {source.name: source.digest(self.raw) for source in sources}


# ---------------------------------------------------------------- what is there already


def _finished(plan: _Plan, name: str, files: Mapping[str, str]) -> Dataset:
    """Return a dataset that is there, if building it would give the same."""
    folder = plan.out / name
    manifest = read_manifest(folder)
    asked, found = _asked(plan, name, files), _told(manifest)
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


def _asked(plan: _Plan, name: str, files: Mapping[str, str]) -> dict[str, Any]:
    """Return what the bytes of a dataset come from, where it is built now."""
    task, sources = tasks.task(name), plan.catalogue.corpora(name)
    return {
        "seed": plan.seed,
        "train": plan.train,
        "pointline": __version__,
        "recipe": digest(task, plan.catalogue.recipe(name), plan.catalogue.sides),
        "revisions": [source.revision(plan.raw) for source in sources],
        "raw files": [files[source.name] for source in sources],
        "other corpora": [other for other in files if other not in {s.name for s in sources}],
        "raw files of other corpora": list(files.values()),
    }


def _told(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same of the dataset that a manifest tells of."""
    sources = manifest.get("sources")
    sources = sources if isinstance(sources, list) else []
    sources = [source for source in sources if isinstance(source, Mapping)]
    against = manifest.get("screened_against")
    against = against if isinstance(against, Mapping) else {}
    own = {source.get("corpus") for source in sources}
    return {
        "seed": manifest.get("seed"),
        "train": manifest.get("train_size_asked"),
        "pointline": manifest.get("pointline"),
        "recipe": manifest.get("recipe"),
        "revisions": [source.get("revision") for source in sources],
        "raw files": [source.get("files") for source in sources],
        "other corpora": [other for other in against if other not in own],
        "raw files of other corpora": list(against.values()),
    }


# ---------------------------------------------------------------- the work


@dataclass(slots=True)
class _Steps:
    """Counts the steps done: a corpus read, the texts of a language compared, a dataset written."""

    total: int
    progress: Progress | None
    done: int = 0

    def step(self, stage: str) -> None:
        """Count one step and tell of it."""
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total, stage)


@dataclass(frozen=True, slots=True)
class _Reading:
    """A corpus to be read."""

    source: Source
    raw: Path
    seed: int


@dataclass(frozen=True, slots=True)
class _Language:
    """The texts of a language to be compared."""

    name: str
    keys: tuple[str, ...]


def _built(
    names: Sequence[str],
    plan: _Plan,
    files: Mapping[str, str],
    workers: Crew,
    progress: Progress | None,
) -> dict[str, Dataset]:
    readings = [_Reading(source, plan.raw, plan.seed) for source in plan.sources()]
    langs = sorted({lang for reading in readings for lang in reading.source.origins})
    steps = _Steps(len(readings) + len(langs) + len(names), progress)
    read = workers.run(_read, readings, done=lambda one: steps.step(f"read {one.source.name}"))
    stock = {
        (reading.source.name, lang): found
        for reading, by_lang in zip(readings, read, strict=True)
        for lang, found in by_lang.items()
    }
    asked = [_Language(lang, texts(stock, lang)) for lang in langs]
    near = workers.run(_compare, asked, done=lambda one: steps.step(f"compared {one.name}"))
    stock = screened(stock, dict(zip(langs, near, strict=True)), plan.catalogue.sides)
    batches = _batches(names, plan, files, stock)

    def made(batch: Sequence[Making]) -> None:
        for making in batch:
            steps.step(making.task.name)

    found = workers.run(_make, batches, done=made)
    return {dataset.task.name: dataset for datasets in found for dataset in datasets}


def _read(reading: _Reading) -> dict[str, Stock]:
    return stocks(reading.source, reading.raw, reading.seed)


def _compare(language: _Language) -> list[Any]:
    return neighbours(language.keys)


def _make(batch: Sequence[Making]) -> list[Dataset]:
    return [make(making) for making in batch]


def _batches(
    names: Sequence[str], plan: _Plan, files: Mapping[str, str], stock: Mapping[Place, Stock]
) -> list[list[Making]]:
    """Return the datasets to be made, those together that are made of the same texts."""
    makings: dict[str, list[Making]] = {}
    lang = {name: tasks.task(name).lang for name in names}
    shared = groups(
        (name, f"{source.name} {lang[name]}")
        for name in names
        for source in plan.catalogue.corpora(name)
    )
    for name in names:
        materials = tuple(
            Materials(
                source,
                plan.catalogue.sides[source.name],
                source.revision(plan.raw),
                stock[source.name, lang[name]],
            )
            for source in plan.catalogue.corpora(name)
        )
        recipe = plan.catalogue.recipe(name)
        making = Making(
            tasks.task(name),
            recipe,
            materials,
            plan.out / name,
            seed=plan.seed,
            train=plan.train,
            replace=plan.replace,
            recipe_digest=digest(tasks.task(name), recipe, plan.catalogue.sides),
            files=files,
        )
        makings.setdefault(shared[name], []).append(making)
    return sorted(makings.values(), key=lambda batch: -_weight(batch))


def _weight(batch: Sequence[Making]) -> int:
    return sum(len(material.stock.rows) for making in batch for material in making.materials)
