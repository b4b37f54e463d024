"""Every fault of a record file or dataset folder, by named rule, with file and line.

Files are read a line at a time; what is kept of a record is its digests (`census`). Of each rule
all cases are counted, and the first `KEPT` are told of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pointline.corpus import overlap, recordfile
from pointline.corpus.account import imbalances
from pointline.corpus.census import Census, take
from pointline.corpus.manifest import MANIFEST, SPLITS, read_manifest, sha256, task_beside, task_in
from pointline.errors import CorpusError, OffsetError, RecordError, TaskError
from pointline.format import codec, tasks
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["KEPT", "RULES", "SEVERITY", "Findings", "Problem", "Severity", "check", "files_of"]

Severity = Literal["error", "warning"]

#: Every rule by name. Breaking an error's rule is a fault; a warning is good to know.
SEVERITY: Mapping[str, Severity] = {
    "record": "error",
    "offsets": "error",
    "task": "error",
    "shape": "error",
    "unknown label": "error",
    "unknown item label": "error",
    "entity not in the text": "error",
    "empty": "error",
    "manifest": "error",
    "accounting": "error",
    "repeated id": "error",
    "text in two splits": "error",
    "document in two splits": "error",
    "conflicting annotations": "error",
    "leakage": "error",
    "document leakage": "error",
    "near-duplicate": "warning",
    "repeated text": "warning",
    "delimiter": "warning",
    "unreachable in paper mode": "warning",
}

#: How many cases of a rule are told of, one by one.
KEPT = 1000


@dataclass(frozen=True, slots=True)
class Problem:
    """One case of a rule: where it is, the rule, and what is wrong.

    >>> str(Problem("a.jsonl", 3, "record", "the record has no 'text'"))
    "a.jsonl:3: the record has no 'text'"
    """

    path: str
    line: int | None
    rule: str
    reason: str

    @property
    def place(self) -> str:
        """The file, and the line if it is one."""
        return self.path if self.line is None else f"{self.path}:{self.line}"

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Findings:
    """What a check found.

    `problems` are the faults and `warnings` the rest, in the order of the files, at most `KEPT` of
    a rule; `counts` has all cases of every rule that was asked, `records` how many were read.
    """

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    records: int
    counts: Mapping[str, int] = field(hash=False)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    def __len__(self) -> int:
        return len(self.problems)

    @property
    def ok(self) -> bool:
        """Whether no rule that is an error was broken."""
        return not self.problems

    @property
    def by_severity(self) -> Mapping[Severity, int]:
        """How many cases there are of errors, and of warnings."""
        counts: Counter[Severity] = Counter({"error": 0, "warning": 0})
        for rule, count in self.counts.items():
            counts[SEVERITY[rule]] += count
        return counts

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as JSON-ready values."""
        return {
            "records": self.records,
            "ok": self.ok,
            "rules": [
                {"rule": rule, "severity": SEVERITY[rule], "count": count}
                for rule, count in self.counts.items()
            ],
            "problems": [asdict(problem) for problem in self.problems],
            "warnings": [asdict(warning) for warning in self.warnings],
        }


def check(
    path: str | Path,
    *,
    task: Task | None = None,
    against: str | Path | None = None,
    near: bool = False,
) -> Findings:
    """Return every problem of a record file or a dataset folder, by the rules of `SEVERITY`.

    Records are held against `task`, else the manifest's, else the table's entry that they name.
    Texts are compared as twins are (`twins.key`), documents by `meta`. `against` is another file
    or dataset: no text and no document may be in both, but on the same side of the split. `near`
    also looks for near-duplicates across sides, and holds all texts in memory.

    Raises RecordError or CorpusError where there is no such file or folder, or one of `against`
    is no record; MissingExtra for `near` without datasketch.
    """
    path, log = Path(path), _Log()
    if path.is_dir():
        _check_folder(path, task, log)
    else:
        with _noted(path.parent, log):
            task = task or task_beside(path)
        _check_file(path, task, log)
    if not len(log.census) and not log.kept:
        log.note(Problem(str(path), None, "empty", "there is no record in it"))
    _check_overlap(log, None if against is None else Path(against), near=near)
    return log.findings()


def files_of(path: Path) -> list[Path]:
    """Return the record files of a dataset folder, in the order of its splits, or the file itself.

    Raises CorpusError for a folder without any.
    """
    if not path.is_dir():
        return [path]
    files = [file for split in SPLITS if (file := path / f"{split}.jsonl").is_file()]
    if not files:
        raise CorpusError(f"{path}: no train.jsonl, dev.jsonl or test.jsonl in this folder")
    return files


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
    if task.item_labels is None:
        return
    labels = [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]
    for label in dict.fromkeys(labels):
        if label not in task.item_labels:
            yield f"the item label {label!r} is none of task {task.name!r}"


def _entity_not_in_text(record: Record, task: Task) -> Iterator[str]:
    del task
    entities = [pair.entity for pair in record.pairs if pair.start is None]
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


def _against_plain_form(record: Record, task: Task) -> Iterator[tuple[str, str]]:
    """Tell of what the papers' plain form cannot carry, and what Algorithm 1 does not give back."""
    if not codec.needs_escape(record, task):
        return
    yield "delimiter", "a field holds a delimiter, or the label the task word: it needs an escape"
    if any(_wrong_shape(record, task)):
        return
    completion = codec.write(record, task, mode="paper")
    read = codec.read(completion, task, mode="paper")
    items = set(read.items) - {("/",)}  # the slash after the task word is an item to Algorithm 1
    same_items = task.shape == "facts" or items == set(record.items)
    if read.label != f"{record.label}/".strip() or not same_items:
        yield "unreachable in paper mode", f"Algorithm 1 reads something else in {completion!r}"


# ---------------------------------------------------------------- files and folders


# What every record is asked; the other rules are counted where they are.
_ASKED = ("record", "offsets", "task", *RULES, "delimiter", "unreachable in paper mode")


@dataclass(slots=True)
class _Log:
    """What has been found so far, in which files."""

    files: list[Path] = field(default_factory=list)
    census: Census = field(default_factory=Census)
    kept: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=lambda: Counter(dict.fromkeys(_ASKED, 0)))

    def note(self, problem: Problem) -> None:
        self.counts[problem.rule] += 1
        if self.counts[problem.rule] <= KEPT:
            self.kept.append(problem)

    def findings(self) -> Findings:
        order = {str(path): number for number, path in enumerate(self.files)}
        told = sorted(
            self.kept, key=lambda p: (order.get(p.path, len(order)), p.line or float("inf"))
        )
        by_severity = {s: tuple(p for p in told if SEVERITY[p.rule] == s) for s in _SEVERITIES}
        counts = {rule: self.counts[rule] for rule in SEVERITY if rule in self.counts}
        return Findings(by_severity["error"], by_severity["warning"], len(self.census), counts)


_SEVERITIES: tuple[Severity, ...] = ("error", "warning")


@contextmanager
def _noted(folder: Path, log: _Log) -> Iterator[None]:
    """Make a problem of a manifest that cannot be used."""
    try:
        yield
    except (CorpusError, TaskError) as error:
        file = str(folder / MANIFEST)
        reason = str(error).removeprefix(f"{file}: ")
        log.note(Problem(file, None, "manifest", reason))


def _check_folder(folder: Path, task: Task | None, log: _Log) -> None:
    manifest = None
    with _noted(folder, log):
        manifest = read_manifest(folder)
        task = task or task_in(manifest, path=folder)
    counts = {}
    for path in files_of(folder):
        before = len(log.census)
        _check_file(path, task, log)
        counts[path.stem] = len(log.census) - before
    for rule in ("manifest", "accounting"):
        log.counts.setdefault(rule, 0)
    if manifest is not None:
        for rule, reason in _against_files(folder, manifest, counts):
            log.note(Problem(str(folder / MANIFEST), None, rule, reason))


def _check_file(path: Path, task: Task | None, log: _Log) -> None:
    source = len(log.files)
    log.files.append(path)
    for line, found in recordfile.scan(path):
        if isinstance(found, RecordError):
            rule = "offsets" if isinstance(found, OffsetError) else "record"
            log.note(Problem(str(path), line, rule, found.reason))
            continue
        log.census.add(found, source=source, line=line)
        for rule, reason in _against_task(found, task):
            log.note(Problem(str(path), line, rule, f"record {found.id!r}: {reason}"))


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
    yield from _against_plain_form(record, task)


def _against_files(
    folder: Path, manifest: Mapping[str, Any], counts: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    """Tell what a manifest says that is not so."""
    if not (folder / MANIFEST).is_file():
        yield "manifest", "the folder has no manifest"
        return
    told = manifest.get("counts")
    if told != counts:
        yield "manifest", f"counts are {told}, but the files hold {dict(counts)} records"
    sums = manifest.get("sha256")
    sums = sums if isinstance(sums, Mapping) else {}
    for name in dict.fromkeys([*sums, *(f"{split}.jsonl" for split in counts)]):
        found = sha256(folder / name) if (folder / name).is_file() else "no such file"
        if found != sums.get(name):
            yield "manifest", f"sha256 of {name} is {found}, not {sums.get(name)}"
    if "few_shot" not in manifest and "items read" in (manifest.get("rules") or ()):
        # a sample has fewer records than its rules tell of; older builds did not count items
        yield from (("accounting", reason) for reason in imbalances(manifest))


# ---------------------------------------------------------------- records among each other

_SAID = {
    "repeated id": "the id came before, at {}",
    "text in two splits": "the same text is in another split, at {}",
    "document in two splits": "its document is in another split, at {}",
    "repeated text": "the same text came before, at {}",
    "conflicting annotations": "the same text has another label or other items at {}",
    "leakage": "the same text is in {}",
    "document leakage": "its document (a translation, another annotation) is in {}",
    "near-duplicate": "nearly the same text is in {}",
}


def _check_overlap(log: _Log, against: Path | None, *, near: bool) -> None:
    mine, files = log.census, log.files
    for rule, shared in overlap.within(mine).items():
        _note_shared(log, rule, shared, mine, files)
    shared = overlap.conflicts(mine, files)
    _note_shared(log, "conflicting annotations", shared, mine, files)
    other, others = None, files
    if against is not None:
        others = files_of(against)
        other = take(others)
        for rule, shared in overlap.between(mine, files, other, others).items():
            _note_shared(log, rule, shared, other, others)
    if near:
        shared = overlap.near(mine, files, other, others)
        _note_shared(log, "near-duplicate", shared, mine if other is None else other, others)


def _note_shared(
    log: _Log, rule: str, shared: overlap.Shared, other: Census, others: Sequence[Path]
) -> None:
    log.counts[rule] += len(shared.places)
    places = shared.places[:KEPT]
    records = overlap.records_at(log.census, log.files, places)
    for place, at, record in zip(places, shared.others, records, strict=False):
        path, before = log.files[log.census.source[place]], others[other.source[at]]
        where = f"{before.name if other is log.census else before}:{other.line[at]}"
        reason = f"record {record.id!r}: {_SAID[rule].format(where)}"
        log.kept.append(Problem(str(path), log.census.line[place], rule, reason))
