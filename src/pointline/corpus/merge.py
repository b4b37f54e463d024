"""Datasets joined: twins dropped and counted, contradictions told, ids made unique, no leakage.

Files are read twice, as in `shape`: the census decides, the second reading writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

from pointline.corpus import overlap, recordfile
from pointline.corpus.census import Census, digest, first_of
from pointline.corpus.check import files_of
from pointline.corpus.manifest import SPLITS, read_manifest, task_beside, task_in
from pointline.corpus.shape import census_of
from pointline.corpus.store import iter_records, new_dataset
from pointline.errors import CorpusError
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["Merged", "merge"]

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: how many records were read and kept, and what became of the others.

    `twins` were dropped because their text came before; `conflicts` of them had another label or
    other items than the record that stayed, and `examples` names the first, with both places.
    `renamed` records have a new id, and the old one in `meta["original_id"]`.
    """

    read: int
    kept: int
    twins: int
    conflicts: int
    renamed: int
    examples: tuple[str, ...]


def merge(
    paths: Sequence[str | Path],
    out: str | Path,
    *,
    task: Task | None = None,
    overwrite: bool = False,
) -> Merged:
    """Join files of records to a file, or dataset folders to a folder, split by split.

    Of twins (`twins.key`) the first stays. An id that is taken becomes `ID-2`, `ID-3`, ...

    Raises CorpusError where files and folders are mixed, the tasks differ, or a text or document is
    in two splits; RecordError for a line that is no record; and as `write_dataset` does.
    """
    sets, out = [Path(path) for path in paths], Path(out)
    if len({path.is_dir() for path in sets}) != 1:
        raise CorpusError("merge takes files of records, or dataset folders, and not both")
    files = [file for path in sets for file in files_of(path)]
    census, task = census_of(files, task or _one_task(sets))
    plan = _Plan(census, files)
    told = plan.told()
    if sets[0].is_dir():
        _refuse_leakage(census, files)
        _write_folder(plan, out, task, _about(sets, told), overwrite=overwrite)
    elif out.exists() and not overwrite:
        raise CorpusError(f"{out}: is there: replace it, or choose another")
    else:
        recordfile.write(out, (record for _, record in plan.records()))
    return told


class _Plan:
    """Which records stay (those that are the first of their text), and which get a new id."""

    def __init__(self, census: Census, files: Sequence[Path]) -> None:
        import numpy as np

        first = first_of(census.column("text"))
        ids = census.column("id")
        self.census, self.files = census, files
        self.stays = np.flatnonzero(first == np.arange(len(census)))
        taken = first_of(ids[self.stays]) != np.arange(len(self.stays))
        self.renamed = self.stays[taken]
        self._ids = np.unique(ids)

    def records(self) -> Iterator[tuple[Path, Record]]:
        """Yield what stays, with the file that it comes from."""
        stays, renamed = iter(self.stays.tolist()), set(self.renamed.tolist())
        given: set[int] = set()
        place, following = 0, next(stays, None)
        for file in self.files:
            for record in iter_records(file):
                if place == following:
                    yield file, self._renamed(record, given) if place in renamed else record
                    following = next(stays, None)
                place += 1

    def _renamed(self, record: Record, given: set[int]) -> Record:
        for number in count(2):
            id = f"{record.id}-{number}"
            if (told := digest(id)) not in given and not self._is_taken(told):
                break
        given.add(told)
        return replace(record, id=id, meta={**record.meta, "original_id": record.id})

    def _is_taken(self, told: int) -> bool:
        import numpy as np

        at = int(np.searchsorted(self._ids, np.uint64(told)))
        return at < len(self._ids) and int(self._ids[at]) == told

    def told(self) -> Merged:
        """Return what will have been done."""
        conflicts = overlap.conflicts(self.census, self.files)
        return Merged(
            read=len(self.census),
            kept=len(self.stays),
            twins=len(self.census) - len(self.stays),
            conflicts=len(conflicts.places),
            renamed=len(self.renamed),
            examples=tuple(
                f"{_place(self.census, self.files, at)} was dropped, and says something else than"
                f" {_place(self.census, self.files, before)}"
                for at, before in zip(*(side[:_EXAMPLES] for side in conflicts), strict=True)
            ),
        )


def _place(census: Census, files: Sequence[Path], at: int) -> str:
    return f"{files[census.source[at]]}:{census.line[at]}"


def _one_task(sets: Sequence[Path]) -> Task | None:
    """Return the task that the manifests tell of, None where none does."""
    found: dict[Path, Task] = {}
    for path in sets:
        told = task_in(read_manifest(path), path=path) if path.is_dir() else task_beside(path)
        if told is not None:
            found[path] = told
    for path, task in found.items():
        one, other = next(iter(found.items()))
        if task != other:
            unlike = [name for name, value in asdict(task).items() if value != getattr(other, name)]
            raise CorpusError(
                f"{path}: its task is {task.name!r}, that of {one} {other.name!r}, and they differ"
                f" in {', '.join(unlike)}: merge datasets of one task"
            )
    return next(iter(found.values()), None)


def _refuse_leakage(census: Census, files: Sequence[Path]) -> None:
    import numpy as np

    split = np.array([SPLITS.index(file.stem) for file in files])[census.column("source")]
    for what, name in (("text", "text"), ("document", "document")):
        values = census.column(name)
        first = first_of(values)
        leaks = np.flatnonzero((split != split[first]) & (values != 0))
        if len(leaks):
            at, before = leaks[0], first[leaks[0]]
            raise CorpusError(
                f"{_place(census, files, at)}: its {what} is in another split,"
                f" at {_place(census, files, before)} ({len(leaks)} records in all):"
                " take them out, or join the files and split anew"
            )


def _about(sets: Sequence[Path], told: Merged) -> dict[str, Any]:
    manifests = [read_manifest(path) for path in sets]
    licences = sorted({licence for found in manifests for licence in found.get("licences", ())})
    datasets = [
        {"name": path.name, **{k: found[k] for k in ("sha256", "sources", "notes") if k in found}}
        for path, found in zip(sets, manifests, strict=True)
    ]
    return {"merged": {**asdict(told), "datasets": datasets}, "licences": licences}


def _write_folder(
    plan: _Plan, out: Path, task: Task, about: Mapping[str, Any], *, overwrite: bool
) -> None:
    stems = {file.stem for file in plan.files}
    splits = [split for split in SPLITS if split in stems]
    with new_dataset(out, task, splits, replace=overwrite) as new:
        for file, record in plan.records():
            new.add(file.stem, record)
        new.about |= about
