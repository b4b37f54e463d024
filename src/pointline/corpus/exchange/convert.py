"""A record file or dataset folder into another format, and back, split by split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from pointline.corpus import store
from pointline.corpus.exchange import hub
from pointline.corpus.exchange.form import Form, Losses
from pointline.corpus.folder import new_folder
from pointline.corpus.manifest import SPLITS, read_manifest, task_beside, task_named
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["bring", "export"]

#: What a file of records ends in; anything else is a dataset folder.
RECORD_FILES = (".jsonl", ".parquet")


def export(
    form: Form, path: Path, out: Path, *, losses: Losses, task: Task | None = None
) -> dict[str, int]:
    """Write a record file, or every split of a dataset folder, in a format; return the counts.

    A dataset folder becomes a folder of `train`, `dev` and `test` with the format's suffix, or one
    folder where the format has splits. `task` None: the manifest's, or the one that records name.

    Raises CorpusError, RecordError and TaskError for input that cannot be used, and as the format.
    """
    files = _files(path)
    task = task or task_beside(next(iter(files.values()))) or _named(files)
    counts: Counter[str] = Counter()
    splits = {split: _counted(_of(file, task), counts, split) for split, file in files.items()}
    if form.name == hub.FORM.name and (path.is_dir() or out.suffix != ".parquet"):
        about = read_manifest(path) if path.is_dir() else {}
        hub.write_folder(out, splits, task, losses, about=about)
    elif path.is_dir():
        with new_folder(out, replace=False) as part:
            for split, records in splits.items():
                form.write(part / f"{split}{form.suffix}", records, task, losses)
    else:
        form.write(out, chain.from_iterable(splits.values()), task, losses)
    return {split: counts[split] for split in splits}


def _files(path: Path) -> dict[str, Path]:
    """Return the record files by split; a single file is the split it is called after, or train."""
    if not path.is_dir():
        return {path.stem if path.stem in SPLITS else "train": path}
    found = {split: path / f"{split}.jsonl" for split in SPLITS}
    files = {split: file for split, file in found.items() if file.is_file()}
    if not files:
        raise CorpusError(f"{path}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
    return files


def _named(files: Mapping[str, Path]) -> Task:
    for file in files.values():
        for record in store.iter_records(file):
            return task_named(record.task, file)
    raise CorpusError(f"{next(iter(files.values()))}: no record to tell the task by: name the task")


def _of(file: Path, task: Task) -> Iterator[Record]:
    """Yield the records of a file, none of which may hold what its task does not take."""
    for record in store.iter_records(file):
        wrong = record.facts if task.shape == "pairs" else record.pairs
        if wrong:
            raise CorpusError(
                f"{file}: record {record.id!r} is of {record.task or 'no task'}, and task"
                f" {task.name} takes {task.shape} alone: name another task"
            )
        yield record


def _counted(records: Iterable[Record], counts: Counter[str], split: str) -> Iterator[Record]:
    for record in records:
        counts[split] += 1
        yield record


# ---------------------------------------------------------------- in


def bring(
    form: Form,
    path: Path,
    out: Path,
    task: Task,
    *,
    losses: Losses,
    split: str = "train",
    replace: bool = False,
) -> dict[str, int]:
    """Read a format and write records: a file if `out` ends as one, else a dataset folder.

    A folder that holds a file or folder for each split gives these splits; anything else is the
    one named `split`. Returns how many records each split has. `replace` writes a dataset folder in
    the place of another.

    Raises CorpusError for input that is not of the format, RecordError for an id that comes twice.
    """
    if not path.exists():
        raise CorpusError(f"{path}: there is no such file or folder")
    sources = _sources(form, path) or {split: [path]}
    counts: Counter[str] = Counter()
    splits = {
        name: _counted(
            chain.from_iterable(form.read(file, task, losses) for file in files), counts, name
        )
        for name, files in sources.items()
    }
    with _from(path):
        if out.suffix in RECORD_FILES:
            store.write_records(out, chain.from_iterable(splits.values()))
        else:
            origin = {"from": path.name, "format": form.name}
            with store.new_dataset(out, task, tuple(splits), replace=replace) as dataset:
                for name, records in splits.items():
                    for record in records:
                        dataset.add(name, record)
                lost = dict(sorted(losses.counts.items()))
                dataset.about["imported"] = {**origin, "losses": lost}
    return {name: counts[name] for name in splits}


@contextmanager
def _from(path: Path) -> Iterator[None]:
    """Say where a record came from that cannot be written, which its writer does not know."""
    try:
        yield
    except RecordError as error:
        if error.path is not None:
            raise
        raise type(error)(error.reason, path=path) from None


def _sources(form: Form, path: Path) -> dict[str, list[Path]]:
    if not path.is_dir():
        return {}
    if form.name == hub.FORM.name:
        return hub.splits_of(path)
    found = {split: path / f"{split}{form.suffix}" for split in SPLITS}
    return {split: [place] for split, place in found.items() if place.exists()}
