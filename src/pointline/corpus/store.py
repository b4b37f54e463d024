"""Record files and dataset folders, in and out. Writing is atomic: all of it or nothing.

A dataset folder holds `train.jsonl`, `dev.jsonl`, `test.jsonl` (those that it has) and
`manifest.json`, whose task goes before the table of tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from pointline.corpus import recordfile
from pointline.corpus.appender import Appender
from pointline.corpus.check import Findings, Problem, check
from pointline.corpus.folder import new_folder
from pointline.corpus.manifest import (
    CARD,
    MANIFEST,
    SPLITS,
    Tally,
    read_manifest,
    sha256,
    task_in,
)
from pointline.corpus.recordfile import from_json, to_json
from pointline.errors import CorpusError, RecordError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = [
    "MANIFEST",
    "SPLITS",
    "Appender",
    "Dataset",
    "Findings",
    "NewDataset",
    "Problem",
    "check",
    "from_json",
    "iter_records",
    "new_dataset",
    "read_dataset",
    "read_manifest",
    "read_records",
    "to_json",
    "write_dataset",
    "write_records",
]

# ---------------------------------------------------------------- record files


def iter_records(path: str | Path) -> Iterator[Record]:
    """Yield the records of a file (Parquet by its suffix, else JSONL), a line at a time.

    Raises RecordError at the first line that is no record or repeats an id, MissingExtra where a
    Parquet file is read without pyarrow.
    """
    seen: set[str] = set()
    for line, found in recordfile.scan(path):
        if isinstance(found, RecordError):
            raise found
        if found.id in seen:
            raise RecordError(f"the id {found.id!r} came before", path=path, line=line)
        seen.add(found.id)
        yield found


def read_records(path: str | Path) -> list[Record]:
    """Return the records of a file; see `iter_records`."""
    return list(iter_records(path))


def write_records(path: str | Path, records: Iterable[Record]) -> int:
    """Write a file of records (Parquet by its suffix, else JSONL) and return how many they are.

    The file appears when the last record is written, in place of what was there.

    Raises RecordError for a repeated id or a `meta` that JSON cannot carry, MissingExtra where
    Parquet is asked for without pyarrow.
    """
    return recordfile.write(Path(path), records)


# ---------------------------------------------------------------- dataset folders


@dataclass(frozen=True, slots=True)
class Dataset:
    """A task, its records by split, and what the manifest says of them.

    >>> Dataset(tasks.task("scnm-zh"), {}).test
    ()
    """

    task: Task
    splits: Mapping[str, tuple[Record, ...]]
    manifest: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def train(self) -> tuple[Record, ...]:
        """The records to learn from."""
        return self.splits.get("train", ())

    @property
    def dev(self) -> tuple[Record, ...]:
        """The records to choose settings by."""
        return self.splits.get("dev", ())

    @property
    def test(self) -> tuple[Record, ...]:
        """The records to report on."""
        return self.splits.get("test", ())


def read_dataset(path: str | Path) -> Dataset:
    """Return the dataset that a folder holds.

    Without a task in its manifest, the task is the table's entry that all its records name.

    Raises CorpusError for a folder that is no dataset, RecordError for a line that is no record,
    TaskError for a task that is none.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    files = {split: folder / f"{split}.jsonl" for split in SPLITS}
    splits = {s: tuple(iter_records(file)) for s, file in files.items() if file.is_file()}
    if not splits:
        raise CorpusError(f"{folder}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
    task = task_in(manifest, path=folder) or _common_task(folder, splits)
    return Dataset(task, splits, manifest)


def _common_task(folder: Path, splits: Mapping[str, tuple[Record, ...]]) -> Task:
    names = {record.task for records in splits.values() for record in records}
    if len(names) != 1:
        raise CorpusError(f"{folder}: no task in {MANIFEST}, and the records name {len(names)}")
    return tasks.task(names.pop())


def write_dataset(
    path: str | Path,
    task: Task,
    splits: Mapping[str, Iterable[Record]],
    *,
    about: Mapping[str, Any] | None = None,
    card: Callable[[Mapping[str, Any]], str] | None = None,
    replace: bool = False,
) -> Dataset:
    """Write a dataset folder and return the dataset; the folder appears when all is written.

    `about` joins the manifest: sources, licences, seed, counts of rules. `card` makes of the
    manifest what stands in README.md. `replace` puts the new folder in the place of a dataset that
    is there.

    Raises CorpusError where the folder is there and not to be replaced, or holds more than a
    dataset, or `about` cannot be written; RecordError for records that cannot, and for an id that
    comes twice, in one split or in two.
    """
    folder = Path(path)
    unknown = sorted(splits.keys() - set(SPLITS))
    if unknown:
        raise CorpusError(f"{folder}: a split is one of {', '.join(SPLITS)}, got {unknown[0]!r}")
    kept = {split: tuple(splits[split]) for split in SPLITS if split in splits}
    with new_dataset(folder, task, tuple(kept), replace=replace) as new:
        for split, records in kept.items():
            for record in records:
                new.add(split, record)
        new.about.update(about or {})
        new.card = card
    return Dataset(task, kept, new.manifest)


class NewDataset:
    """A dataset folder that is being written, a record at a time; see `new_dataset`.

    `about` joins the manifest, which is `manifest` when all is written; `card` makes of it what
    stands in README.md.
    """

    def __init__(self, folder: Path, task: Task, outs: Mapping[str, IO[bytes]]) -> None:
        """Begin to write into the files of the splits."""
        self.about: dict[str, Any] = {}
        self.card: Callable[[Mapping[str, Any]], str] | None = None
        self.manifest: dict[str, Any] = {}
        self._folder, self._task, self._outs = folder, task, outs
        self._tally = Tally(dict.fromkeys(outs, 0))
        self._first: dict[str, str] = {}

    def add(self, split: str, record: Record) -> None:
        """Write one record to a split.

        Raises RecordError for an id that came before, or what JSON cannot carry.
        """
        before = self._first.get(record.id)
        if before is not None:
            where = f"in {before} and in {split}" if before != split else f"twice in {split}"
            reason = f"the id {record.id!r} is {where}: give another to one"
            raise RecordError(reason, path=self._folder)
        self._first[record.id] = split
        self._outs[split].write(recordfile.dump(record))
        self._tally.add(split, record)

    def _finish(self, part: Path) -> None:
        files = {f"{split}.jsonl": sha256(part / f"{split}.jsonl") for split in self._outs}
        self.manifest = self._tally.summary(self._task, files) | self.about
        if self.card:
            (part / CARD).write_text(self.card(self.manifest), encoding="utf-8", newline="\n")
            self.manifest["sha256"] = files | {CARD: sha256(part / CARD)}
        with recordfile.atomic(part / MANIFEST) as out:
            out.write(_as_json(self._folder, self.manifest))


@contextmanager
def new_dataset(
    path: str | Path, task: Task, splits: Sequence[str] = SPLITS, *, replace: bool = False
) -> Iterator[NewDataset]:
    """Give a dataset to add records to, in any order of splits; its folder appears when all is in.

    Raises as `write_dataset` does.
    """
    with new_folder(Path(path), replace=replace) as part, ExitStack() as files:
        outs = {s: files.enter_context(recordfile.atomic(part / f"{s}.jsonl")) for s in splits}
        new = NewDataset(Path(path), task, outs)
        yield new
        files.close()
        new._finish(part)


def _as_json(folder: Path, manifest: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise CorpusError(f"{folder}: the manifest cannot be written as JSON: {error}") from None
