"""Every fault of a record file or dataset folder, with file and line, not only the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pointline.corpus import recordfile
from pointline.corpus.manifest import MANIFEST, SPLITS, read_manifest, sha256, task_beside, task_in
from pointline.corpus.twins import key
from pointline.errors import CorpusError, RecordError, TaskError
from pointline.format import codec, tasks
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["Findings", "Problem", "check"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is, the rule that it breaks, and what is wrong.

    >>> str(Problem("a.jsonl", 3, "record", "the record has no 'text'"))
    "a.jsonl:3: the record has no 'text'"
    """

    path: str
    line: int | None
    rule: str
    reason: str

    def __str__(self) -> str:
        place = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found: the problems, and how many records were read.

    `over_delimiter` counts the records that the papers' plain form cannot carry, because a field
    holds a delimiter or the label the task word; pointline's form carries them, so they are no
    problem.
    """

    problems: tuple[Problem, ...]
    records: int
    over_delimiter: int

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __len__(self) -> int:
        return len(self.problems)

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems


def check(path: str | Path, *, task: Task | None = None) -> Findings:
    """Return every problem of a record file or a dataset folder.

    Records are held against `task`, else the manifest's, else the table's entry that they name.
    The rules are `RULES`, no id twice and one record or more; of a folder also: no text in two
    splits, and a manifest whose counts and SHA-256 are those of the files.

    Raises RecordError or CorpusError where there is no such file or folder.
    """
    path, tally = Path(path), _Tally()
    if path.is_dir():
        _check_folder(path, task, tally)
    else:
        with _noted(path.parent, tally):
            task = task or task_beside(path)
        _check_file(path, task, tally)
    if not any(tally.counts.values()) and not tally.problems:
        tally.problems.append(Problem(str(path), None, "empty", "there is no record in it"))
    return tally.findings()


# ---------------------------------------------------------------- rules of one record


def _wrong_shape(record: Record, task: Task) -> Iterator[str]:
    wrong = record.facts if task.shape == "pairs" else record.pairs
    if wrong:
        kind = "facts" if record.facts else "pairs"
        yield f"{len(wrong)} {kind}, where task {task.name!r} takes {task.shape}"


def _unknown_label(record: Record, task: Task) -> Iterator[str]:
    if task.labels is not None and record.label and record.label not in task.labels:
        yield f"the label {record.label!r} is none of task {task.name!r}"


def _unknown_item_label(record: Record, task: Task) -> Iterator[str]:
    labels = [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]
    for label in dict.fromkeys(labels):
        if task.item_labels is not None and label not in task.item_labels:
            yield f"the item label {label!r} is none of task {task.name!r}"


def _entity_not_in_text(record: Record, task: Task) -> Iterator[str]:
    del task
    entities = [pair.entity for pair in record.pairs]
    entities += [value for fact in record.facts for value in (fact.fields[0], *fact.fields[2:])]
    for entity in dict.fromkeys(entities):
        if entity not in record.text:
            yield f"the entity {entity!r} is not in the text"


#: What is asked of a record, by name: each rule yields a reason for every fault.
RULES: Mapping[str, Callable[[Record, Task], Iterator[str]]] = {
    "shape": _wrong_shape,
    "unknown label": _unknown_label,
    "unknown item label": _unknown_item_label,
    "entity not in the text": _entity_not_in_text,
}


# ---------------------------------------------------------------- files and folders


@dataclass(slots=True)
class _Tally:
    """What has been seen so far."""

    problems: list[Problem] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    texts: dict[bytes, tuple[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    over_delimiter: int = 0

    def findings(self) -> Findings:
        return Findings(tuple(self.problems), sum(self.counts.values()), self.over_delimiter)


@contextmanager
def _noted(folder: Path, tally: _Tally) -> Iterator[None]:
    """Make a problem of a manifest that cannot be used."""
    try:
        yield
    except (CorpusError, TaskError) as error:
        file = str(folder / MANIFEST)
        reason = str(error).removeprefix(f"{file}: ")
        tally.problems.append(Problem(file, None, "manifest", reason))


def _check_folder(folder: Path, task: Task | None, tally: _Tally) -> None:
    manifest = None
    with _noted(folder, tally):
        manifest = read_manifest(folder)
        task = task or task_in(manifest, path=folder)
    files = [path for split in SPLITS if (path := folder / f"{split}.jsonl").is_file()]
    if not files:
        raise CorpusError(f"{folder}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
    for path in files:
        _check_file(path, task, tally)
    if manifest is not None:
        tally.problems += _check_manifest(folder, manifest, files, tally.counts)


def _check_file(path: Path, task: Task | None, tally: _Tally) -> None:
    tally.counts[path.stem] = 0
    for line, found in recordfile.scan(path):
        if isinstance(found, RecordError):
            tally.problems.append(Problem(str(path), line, "record", found.reason))
            continue
        tally.counts[path.stem] += 1
        tally.over_delimiter += codec.needs_escape(found, task)
        for rule, reason in (
            *_against_task(found, task),
            *_against_others(found, path, line, tally),
        ):
            where = f"record {found.id!r}: {reason}"
            tally.problems.append(Problem(str(path), line, rule, where))


def _against_task(record: Record, task: Task | None) -> Iterator[tuple[str, str]]:
    if task is None:
        try:
            task = tasks.task(record.task)
        except TaskError as error:
            yield "task", str(error)
            return
    elif record.task != task.name:
        yield "task", f"task {record.task!r}, where {task.name!r} is expected"
    for name, rule in RULES.items():
        for reason in rule(record, task):
            yield name, reason


def _against_others(
    record: Record, path: Path, line: int, tally: _Tally
) -> Iterator[tuple[str, str]]:
    place = f"{path.name}:{line}"
    before = tally.ids.setdefault(record.id, place)
    if before != place:
        yield "repeated id", f"the id came before, at {before}"
    text = blake2b((key(record.text) or record.text).encode(), digest_size=16).digest()
    split, before = tally.texts.setdefault(text, (path.stem, place))
    if split != path.stem:
        yield "text in two splits", f"the same text is in split {split!r}, at {before}"


def _check_manifest(
    folder: Path, manifest: Mapping[str, Any], files: Sequence[Path], counts: Mapping[str, int]
) -> Iterator[Problem]:
    file = folder / MANIFEST
    if not file.is_file():
        yield Problem(str(file), None, "manifest", "the folder has no manifest")
        return
    told = manifest.get("counts")
    if told != counts:
        reason = f"counts are {told}, but the files hold {dict(counts)} records"
        yield Problem(str(file), None, "manifest", reason)
    sums = manifest.get("sha256")
    sums = sums if isinstance(sums, Mapping) else {}
    for name in dict.fromkeys([*sums, *(path.name for path in files)]):
        found = sha256(folder / name) if (folder / name).is_file() else "no such file"
        if found != sums.get(name):
            reason = f"sha256 of {name} is {found}, not {sums.get(name)}"
            yield Problem(str(file), None, "manifest", reason)
