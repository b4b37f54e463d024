"""What is translated: a record file or a dataset folder, split by split, or a sample of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from pathlib import Path
from typing import Any

from pointline.corpus import manifest, store
from pointline.errors import InputError, RecordError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["DRAFTS", "Origin", "origin"]

#: The split of a file that is not named for one.
DRAFTS = "drafts"


@dataclass(frozen=True, slots=True)
class Origin:
    """Record files by split, the task of their records, and the manifest beside them.

    Iterating reads the files anew each time, in the order of the splits; `ids` are those of a
    sample, None of all.
    """

    files: Mapping[str, Path] = field(hash=False)
    task: Task
    manifest: Mapping[str, Any] = field(default_factory=dict, hash=False)
    ids: frozenset[str] | None = None
    total: int = 0

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        for split, file in self.files.items():
            for record in store.iter_records(file):
                if self.ids is None or record.id in self.ids:
                    yield split, record


def origin(
    path: Path, *, task: Task | None = None, limit: int | None = None, seed: int = 0
) -> Origin:
    """Return what a path holds; every line of it is read once.

    `task` goes before the manifest's, which goes before what the records name. `limit` draws a
    sample, which a larger limit of the same seed holds too.

    Raises InputError where nothing is there or the task is not known, RecordError for a line that
    is no record, and for an id that stands in two splits.
    """
    files, beside = _files(path)
    known = task or manifest.task_in(beside, path=path)
    names: set[str] = set()
    ids: set[str] = set()
    for split, file in files.items():
        for record in store.iter_records(file):
            if record.id in ids:
                raise RecordError(f"the id {record.id!r} is in {split} and before it", path=path)
            ids.add(record.id)
            names.add(record.task)
    if not ids:
        raise InputError(f"{path}: there is no record to translate")
    if known is None:
        known = _common_task(path, names)
    chosen = None if limit is None else frozenset(nsmallest(limit, ids, key=_draw(seed)))
    return Origin(files, known, beside, chosen, len(ids if chosen is None else chosen))


def _draw(seed: int) -> Any:
    def drawn(id: str) -> bytes:
        return hashlib.sha256(f"{seed}\0{id}".encode()).digest()

    return drawn


def _files(path: Path) -> tuple[dict[str, Path], Mapping[str, Any]]:
    if path.is_dir():
        files = {s: file for s in store.SPLITS if (file := path / f"{s}.jsonl").is_file()}
        if not files:
            raise InputError(f"{path}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
        return files, manifest.read_manifest(path)
    if not path.is_file():
        raise InputError(f"{path}: there is no such file or folder")
    told = manifest.task_beside(path)
    beside = manifest.read_manifest(path.parent) if told else {}
    return {path.stem if path.stem in store.SPLITS else DRAFTS: path}, beside


def _common_task(path: Path, names: set[str]) -> Task:
    if len(names) != 1 or not next(iter(names)):
        told = ", ".join(sorted(name or "none" for name in names)[:3])
        raise InputError(f"{path}: the records name {told} as their task: give --task")
    return tasks.task(names.pop())
