"""The manifest of a dataset folder: what its files are, and which task they serve."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from pointline.errors import CorpusError, InputError, TaskError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.version import CODEC_VERSION, __version__

__all__ = [
    "MANIFEST",
    "SPLITS",
    "Tally",
    "dataset_folders",
    "read_manifest",
    "refuse_namesakes",
    "sha256",
    "summary",
    "task_beside",
    "task_in",
    "task_named",
]

#: The splits of a dataset, in the order of its files.
SPLITS = ("train", "dev", "test")

#: The file of a dataset folder that says what the other files are.
MANIFEST = "manifest.json"

#: The file of a dataset folder that tells people of it.
CARD = "README.md"


def dataset_folders(paths: Iterable[Path]) -> list[Path]:
    """Return the dataset folders among the paths, those within a folder of datasets for itself.

    A path that is no folder stays, for the reader to refuse.

    Raises InputError for no path, and for a folder that is neither.
    """
    found = [folder for path in paths for folder in _datasets_of(path)]
    if not found:
        raise InputError("name at least one dataset folder")
    return found


def _datasets_of(path: Path) -> list[Path]:
    own = (MANIFEST, *(f"{split}.jsonl" for split in SPLITS))
    if not path.is_dir() or any((path / name).is_file() for name in own):
        return [path]
    within = sorted(file.parent for file in path.glob(f"*/{MANIFEST}"))
    if not within:
        raise InputError(f"{path}: neither a dataset folder nor a folder of datasets")
    return within


def refuse_namesakes(folders: Iterable[Path]) -> None:
    """Raise InputError where two dataset folders have one name: results go by it."""
    name, count = max(Counter(folder.name for folder in folders).items(), key=lambda pair: pair[1])
    if count > 1:
        raise InputError(f"two datasets are called {name!r}: rename the folder of one")


def read_manifest(path: str | Path) -> dict[str, Any]:
    """Return the manifest of a dataset folder, empty where it has none.

    Raises CorpusError where there is no such folder, or its manifest is no JSON object.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such dataset folder")
    file = folder / MANIFEST
    manifest = _parsed(file) if file.is_file() else {}
    if not isinstance(manifest, dict):
        raise CorpusError(f"{file}: a manifest is one JSON object")
    return manifest


def _parsed(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise CorpusError(f"{file}: not JSON: {error}") from None


def task_in(manifest: Mapping[str, Any], *, path: Path) -> Task | None:
    """Return the task that a manifest carries, None where it carries none.

    Raises TaskError where it carries something else.
    """
    told = manifest.get("task")
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise TaskError(f"{path / MANIFEST}: 'task' is an object, got {told!r}")
    try:
        return tasks.from_dict(told)
    except TaskError as error:
        raise TaskError(f"{path / MANIFEST}: {error}") from None


def task_beside(file: Path) -> Task | None:
    """Return the task that the manifest beside a record file carries, None where there is none.

    A manifest.json of something else than a dataset is none of ours.

    Raises CorpusError where it is not JSON, TaskError where it carries a task that is none.
    """
    beside = file.parent / MANIFEST
    manifest = _parsed(beside) if beside.is_file() else None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("task"), Mapping):
        return None
    return task_in(manifest, path=file.parent)


def task_named(name: str, file: Path) -> Task:
    """Return the task of the table that the records of a file name.

    Raises TaskError, with the file, where there is none of that name.
    """
    try:
        return tasks.task(name)
    except TaskError as error:
        told = str(error) if name else "its records name no task"
        raise TaskError(f"{file}: {told}: say --task") from None


@dataclass(slots=True)
class Tally:
    """Counts the records of a dataset as they are written."""

    counts: dict[str, int] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)

    def add(self, split: str, record: Record) -> None:
        """Count one record of a split."""
        self.counts[split] = self.counts.get(split, 0) + 1
        self.labels[record.label] += 1
        self.items.update(_item_labels(record))

    def summary(self, task: Task, files: Mapping[str, str]) -> dict[str, Any]:
        """Return what is told of any dataset; `files` gives the SHA-256 of each file."""
        return {
            "task": task.to_dict(),
            "counts": dict(self.counts),
            "labels": _by_size(self.labels),
            "item_labels": _by_size(self.items),
            "sha256": dict(files),
            "pointline": __version__,
            "codec": CODEC_VERSION,
        }


def summary(
    task: Task, splits: Mapping[str, Iterable[Record]], files: Mapping[str, str]
) -> dict[str, Any]:
    """Return what is told of any dataset; `files` gives the SHA-256 of each file."""
    tally = Tally(dict.fromkeys(splits, 0))
    for split, records in splits.items():
        for record in records:
            tally.add(split, record)
    return tally.summary(task, files)


def _item_labels(record: Record) -> Iterator[str]:
    yield from (pair.label for pair in record.pairs)
    yield from (fact.fields[1] for fact in record.facts)


def _by_size(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
