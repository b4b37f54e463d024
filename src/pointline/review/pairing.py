"""Two record files side by side: drafts beside their originals, matched by record id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from pointline.corpus import manifest, store
from pointline.errors import InputError, RecordError
from pointline.format import tasks as known
from pointline.format.record import Record
from pointline.format.tasks import LANGUAGES, Task
from pointline.review.item import Row

__all__ = ["Side", "key", "language", "links", "mark", "rows", "rules_of", "side", "task_of"]

_DRAFTS = "drafts.jsonl"  # what a translation run over a single file kept


@dataclass(frozen=True, slots=True)
class Side:
    """The record files of one side by split, and the task that the manifest beside them carries.

    An uploaded side is known by what is in it, any other by where its files are.
    """

    name: str
    files: Mapping[str, Path] = field(hash=False)
    task: Task | None = None
    uploaded: bool = False

    @property
    def place(self) -> str:
        """What the side is known by."""
        if self.uploaded:
            return "".join(manifest.sha256(file) for file in self.files.values())
        return "\0".join(str(file.resolve()) for file in self.files.values())

    def records(self) -> Iterator[tuple[str, Record]]:
        """Yield every record and its split, a line at a time."""
        for split, file in self.files.items():
            for record in store.iter_records(file):
                yield split, record


def side(path: Path, *, name: str = "") -> Side:
    """Return the side that a record file or a dataset folder is.

    A file that is not named for a split is one of training records, as is what a translation run
    over a single file kept.

    Raises InputError where it is neither, CorpusError or TaskError for a manifest that is none.
    """
    if path.is_dir():
        files = {s: file for s in manifest.SPLITS if (file := path / f"{s}.jsonl").is_file()}
        if not files and (path / _DRAFTS).is_file():
            files = {"train": path / _DRAFTS}
        if not files:
            raise InputError(f"{path}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
        return Side(name or path.name, files, manifest.task_in(_manifest(path), path=path))
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    split = path.stem if path.stem in manifest.SPLITS else "train"
    return Side(name or path.name, {split: path}, manifest.task_beside(path))


def _manifest(folder: Path) -> Mapping[str, Any]:
    return manifest.read_manifest(folder)


def mark(*sides: Side) -> str:
    """Return a digest of what is in the files."""
    found = sha256()
    for each in sides:
        for split, file in each.files.items():
            found.update(f"{split}\0{manifest.sha256(file)}\0".encode())
    return found.hexdigest()


def key(source: Side | None, draft: Side) -> str:
    """Return what a review of two sides is known by."""
    told = f"{source.place if source else ''}\0{draft.place}"
    return sha256(told.encode("utf-8", "surrogateescape")).hexdigest()


def rows(source: Side | None, draft: Side) -> Iterator[Row]:
    """Yield every draft with its original, in the order of the drafts.

    A draft in a file that is not named for a split, as one of what a translation dropped, is of its
    original's. The originals are held in memory.

    Raises InputError where no id is on both sides, RecordError for a line that is no record or an
    id that comes twice, be it in two splits.
    """
    originals = {record.id: (split, record) for split, record in _once(source)} if source else {}
    matched = source is None
    for split, record in _once(draft):
        of, original = originals.get(record.id, (split, None))
        matched = matched or original is not None
        named = draft.files[split].stem == split
        yield Row(split if named else of, record, original, rules_of(record))
    if not matched and source is not None:
        raise InputError(
            f"{source.name} and {draft.name}: no record id is in both, so nothing can be shown"
            " side by side: give the files of one translation, or the draft alone"
        )


def _once(side: Side) -> Iterator[tuple[str, Record]]:
    """Yield the records of a side; the splits of a folder may not share an id either."""
    seen: dict[str, str] = {}
    for split, record in side.records():
        before = seen.get(record.id)
        if before is not None:
            where = f"in {before} and in {split}" if before != split else f"twice in {split}"
            raise RecordError(f"{side.name}: the id {record.id!r} is {where}: give another to one")
        seen[record.id] = split
        yield split, record


def rules_of(record: Record) -> tuple[str, ...]:
    """Return the rules that fired on a draft, and what a labeller doubted of it.

    >>> rules_of(Record("1", "", "x", meta={"doubt": "no answer: timeout"}))
    ('no answer',)
    """
    draft = record.meta.get("draft")
    told = list(_names(draft.get("rules") if isinstance(draft, Mapping) else None))
    told += [reason.partition(":")[0].strip() for reason in _names(record.meta.get("doubt"))]
    return tuple(dict.fromkeys(rule for rule in told if rule))


def _names(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (str(key) for key in value)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _names(each)


def task_of(record: Record, carried: Mapping[str, Task]) -> Task:
    """Return a record's task: a manifest's, the table's, or one in which any label may be given."""
    found = carried.get(record.task) or known.TASKS.get(record.task)
    if found:
        return found
    if not record.task and len(carried) == 1:
        return next(iter(carried.values()))
    lang = record.meta.get("lang")
    shape: Any = "facts" if record.facts else "pairs"
    adhoc = known.adhoc(shape=shape)
    return Task(
        record.task or "adhoc", "adhoc", lang if isinstance(lang, str) else "", adhoc.word,
        None, None, shape,
    )  # fmt: skip


def language(record: Record, task: Task) -> tuple[str, str]:
    """Return the code and the name of a record's language, empty where nothing tells of it."""
    told = record.meta.get("lang")
    code = told if isinstance(told, str) else task.lang
    return code, LANGUAGES.get(code, code)


def links(source: Record, draft: Record) -> list[int | None]:
    """Return for each item of the draft which item of the original it is, None where none is.

    Items are in the same order on both sides; where their number differs, the entities that are
    written alike are linked, and no other.

    >>> from pointline.format.record import Pair
    >>> one = Record("1", "", "Ada in 1840", pairs=(Pair("p", "Ada"), Pair("t", "1840")))
    >>> links(one, Record("1", "", "1840年", pairs=(Pair("t", "1840"),)))
    [1]
    """
    theirs, ours = source.items, draft.items
    if len(theirs) == len(ours):
        return list(range(len(ours)))
    left = {at: _entity(item) for at, item in enumerate(theirs)}
    found: list[int | None] = []
    for item in ours:
        at = next((at for at, entity in left.items() if entity == _entity(item)), None)
        if at is not None:
            del left[at]
        found.append(at)
    return found


def _entity(item: tuple[str, ...]) -> str:
    return item[1] if len(item) == 2 else item[0]
