"""The published MMM dataset, from the hub or a local copy, as dataset folders: one a task.

    OUT/scnm-ja/...        a dataset folder for every task that has a record
    OUT/rows.jsonl         every row of every table: what became of it and why
    OUT/rejected.jsonl     the rows that gave no record, as they were
    OUT/report.json        the counts; read + repaired + rejected = rows

Tables are read twice, a row at a time: the first time tells the columns and the main language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Protocol

import orjson

from pointline.corpus import recordfile, store
from pointline.corpus.exchange import hub
from pointline.corpus.exchange.published import (
    Clue,
    Outcome,
    Status,
    family_in,
    holds_block,
    peel,
    read_row,
    script,
)
from pointline.corpus.exchange.rows import SUFFIXES, Fault, Row, rows
from pointline.corpus.folder import new_folder
from pointline.corpus.manifest import SPLITS, sha256
from pointline.errors import CorpusError
from pointline.format.record import Record
from pointline.format.tasks import TASKS, Task

__all__ = ["HUB_ID", "Account", "Columns", "bring"]

#: The dataset as it is published.
HUB_ID = "ganchengguang/MMM-dataset-Trainset"

_INPUTS = ("input", "text", "question", "prompt", "instruction", "source", "sentence")
_OUTPUTS = ("output", "label", "answer", "completion", "response", "target", "labels")
_ASIDE = {"dataset_infos.json", "dataset_dict.json", "state.json", "manifest.json", "config.json"}
_LOOKED_AT = 200  # rows from which the columns are told
_SPLIT = re.compile(r"(?<![a-z])(train|test|dev|valid)", re.IGNORECASE)


class Progress(Protocol):
    """Is told how many rows are done of how many."""

    def __call__(self, done: int, total: int, stage: str = "") -> object:
        """Take notice."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the columns that hold the input and the output strings; None: to be found."""

    source: str | None = None
    output: str | None = None


@dataclass(slots=True)
class Account:
    """What became of the rows. `reasons` are of repaired and rejected rows, by status."""

    rows: int = 0
    status: Counter[Status] = field(default_factory=Counter)
    reasons: dict[Status, Counter[str]] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Count one row."""
        self.rows += 1
        self.status[outcome.status] += 1
        self.reasons.setdefault(outcome.status, Counter()).update(outcome.reasons)
        self.notes.update(outcome.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return the account as JSON-ready values."""
        return {
            "rows": self.rows,
            **{status: self.status[status] for status in ("read", "repaired", "rejected")},
            "reasons": {
                status: _by_size(self.reasons.get(status, Counter()))
                for status in ("repaired", "rejected")
            },
            "notes": _by_size(self.notes),
            "records": dict(sorted(self.records.items())),
            "tables": self.tables,
            "files_left_aside": self.aside,
        }


def _by_size(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    split: str
    rows: Callable[[], Iterable[tuple[int, Row]]]
    columns: Columns
    clue: Clue
    size: int

    def told(self) -> dict[str, Any]:
        """Return what is taken for granted of its rows."""
        return {
            "rows": self.size,
            "split": self.split,
            "input_column": self.columns.source,
            "output_column": self.columns.output,
            "family": self.clue.family,
            "language": self.clue.majority,
        }


# ---------------------------------------------------------------- all of it


def bring(
    source: str,
    out: Path,
    *,
    columns: Columns | None = None,
    task: Task | None = None,
    revision: str | None = None,
    progress: Progress | None = None,
) -> Account:
    """Read the dataset of a hub id, a folder or a file, and write a dataset folder for each task.

    `task` is that of every row, where the task words are not to be trusted.

    Raises CorpusError for a source that is none, a table without the two columns, or an `out` that
    is there; MissingExtra where the hub or Parquet needs a library.
    """
    account = Account()
    raw, files = _raw_tables(source, revision, account)
    wanted = columns or Columns()
    tables = [_looked_at(name, found, wanted, task) for name, found in raw.items()]
    account.tables = {table.name: table.told() for table in tables}
    total = sum(table.size for table in tables)
    with new_folder(out, replace=False) as part, ExitStack() as open_files:
        files_of = {
            name: open_files.enter_context(recordfile.atomic(part / f"{name}.jsonl"))
            for name in ("rows", "rejected")
        }
        writer = _Writer(part, open_files, tables, account, files_of, task)
        for table in tables:
            for number, row in table.rows():
                writer.take(table, number, row)
                if progress and account.rows % 500 == 0:
                    progress(account.rows, total, table.name)
        origin = {"corpus": "mmm", "from": source, "revision": revision or "", "files": files}
        writer.close(origin)
        with recordfile.atomic(part / "report.json") as report:
            report.write(
                orjson.dumps(
                    {"from": source, "revision": revision, **account.to_dict()},
                    option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
                )
            )
    return account


@dataclass(slots=True)
class _Writer:
    """Where rows go: their records to the datasets, and every row to the account."""

    folder: Path
    open_files: ExitStack
    tables: list[_Table]
    account: Account
    files: Mapping[str, IO[bytes]]
    task: Task | None
    datasets: dict[str, store.NewDataset] = field(default_factory=dict)

    def take(self, table: _Table, number: int, row: Row) -> None:
        outcome = _read(table, row)
        ids = []
        for record in outcome.records:
            numbered = _numbered(record, table, number, row, self.account)
            self._dataset(record.task).add(table.split, numbered)
            ids.append(numbered.id)
        self.account.count(outcome)
        told = {"file": table.name, "row": number, "status": outcome.status, "ids": ids}
        told |= {"reasons": outcome.reasons, "notes": outcome.notes}
        self._line("rows", told)
        if outcome.status == "rejected":
            raw = row.raw if isinstance(row, Fault) else dict(row)
            why = {"reason": outcome.reasons[0], "detail": outcome.detail}
            self._line("rejected", {"file": table.name, "row": number, **why, "raw": raw})

    def _line(self, file: str, values: Mapping[str, Any]) -> None:
        # what a row holds may be anything that a table can: a date, a lone surrogate
        self.files[file].write(_json(values) + b"\n")

    def _dataset(self, name: str) -> store.NewDataset:
        if name not in self.datasets:
            task = self.task if self.task and self.task.name == name else TASKS[name]
            splits = [s for s in SPLITS if any(table.split == s for table in self.tables)]
            new = store.new_dataset(self.folder / name, task, splits)
            self.datasets[name] = self.open_files.enter_context(new)
        return self.datasets[name]

    def close(self, origin: Mapping[str, Any]) -> None:
        for dataset in self.datasets.values():
            dataset.about.update(
                sources=[dict(origin)],
                notes=["the published MMM dataset; see report.json for every row's account"],
            )
        self.open_files.close()


def _json(values: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(values, default=str)
    except TypeError:
        return orjson.dumps(repr(values).encode(errors="backslashreplace").decode())


def _numbered(record: Record, table: _Table, number: int, row: Row, account: Account) -> Record:
    account.records[record.task] += 1
    used = {table.columns.source, table.columns.output}
    more = {} if isinstance(row, Fault) else {k: v for k, v in row.items() if k not in used}
    plain = {k: v for k, v in more.items() if isinstance(v, str | int | float | bool | None)}
    meta = {"file": table.name, "row": number} | ({"columns": plain} if plain else {})
    for name in more.keys() - plain.keys():
        account.notes[f"column {name!r} holds more than a value: left out"] += 1
    return replace(record, id=f"{record.task}-{account.records[record.task]:06d}", meta=meta)


def _read(table: _Table, row: Row) -> Outcome:
    if isinstance(row, Fault):
        return Outcome("rejected", reasons=("the row cannot be parsed",), detail=row.reason)
    columns = table.columns
    return read_row(row.get(columns.source or ""), row.get(columns.output or ""), table.clue)


# ---------------------------------------------------------------- the tables

_RawTables = dict[str, Callable[[], Iterable[tuple[int, Row]]]]


def _raw_tables(
    source: str, revision: str | None, account: Account
) -> tuple[_RawTables, dict[str, str]]:
    """Return the tables by name, and the SHA-256 of local files."""
    path = Path(source)
    if not path.exists():
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", source, re.ASCII):
            raise CorpusError(f"{source}: no such file or folder, and no id of the hub")
        found = hub.fetch(source, revision=revision)
        return {name: _numbering(table) for name, table in found.items()}, {}
    files = {str(file.relative_to(path)): file for file in _files(path, account)}
    if path.is_file():
        files = {path.name: path}
    if not files:
        raise CorpusError(f"{path}: no table here: none ends in {', '.join(SUFFIXES)}")
    digests = {name: sha256(file) for name, file in files.items()}
    return {name: _reading(file) for name, file in files.items()}, digests


def _numbering(table: Iterable[Mapping[str, Any]]) -> Callable[[], Iterable[tuple[int, Row]]]:
    return lambda: enumerate(table, start=1)


def _reading(file: Path) -> Callable[[], Iterable[tuple[int, Row]]]:
    return lambda: rows(file)


def _files(path: Path, account: Account) -> Iterator[Path]:
    for file in sorted(path.rglob("*")):
        if not file.is_file() or any(part.startswith(".") for part in file.relative_to(path).parts):
            continue
        if file.suffix.lower() in SUFFIXES and file.name not in _ASIDE:
            yield file
        else:
            account.aside.append(str(file.relative_to(path)))


def _looked_at(
    name: str, found: Callable[[], Iterable[tuple[int, Row]]], wanted: Columns, task: Task | None
) -> _Table:
    """Read a table once: its columns, its main language, its size."""
    scripts: Counter[str] = Counter()
    first: list[Mapping[str, Any]] = []
    columns: Columns | None = None
    size = 0
    for size, (_, row) in enumerate(found(), start=1):  # noqa: B007
        if isinstance(row, Fault):
            continue
        if len(first) < _LOOKED_AT:
            first.append(row)
            continue
        columns = columns or _columns(name, first, wanted)
        scripts[script(str(row.get(columns.source or "")))] += 1
    columns = columns or _columns(name, first, wanted)
    scripts.update(script(peel(str(row.get(columns.source or "")))[0]) for row in first)
    split = [found.lower() for found in _SPLIT.findall(name)]
    ours = {"valid": "dev"}.get(split[-1], split[-1]) if split else "train"
    clue = Clue(task, family_in(name), _majority(scripts))
    return _Table(name, ours, found, columns, clue, size)


def _majority(scripts: Counter[str]) -> str | None:
    """Return the language of most texts; those without kana are of what the table is more of."""
    han = "zh" if scripts["han"] > scripts["ja"] else "ja"
    counts = Counter({"en": scripts["en"], "ja": scripts["ja"]})
    counts[han] += scripts["han"]
    best = max(counts, key=counts.__getitem__)
    return best if 2 * counts[best] > counts.total() else None


def _columns(name: str, first: list[Mapping[str, Any]], wanted: Columns) -> Columns:
    """Tell the two columns: as asked, by their names, or by what stands in them."""
    there = list(dict.fromkeys(column for row in first for column in row))
    source = wanted.source or _told(first, there, _INPUTS, lambda value: bool(peel(value)[1]))
    output = wanted.output or _told(first, there, _OUTPUTS, holds_block)
    missing = [asked for asked in (wanted.source, wanted.output) if asked and asked not in there]
    if first and (missing or source is None or output is None or source == output):
        what = f"no column {missing[0]!r}" if missing else "no columns of inputs and outputs found"
        raise CorpusError(
            f"{name}: {what} among {', '.join(map(repr, there)) or 'none'}:"
            " say --input-column and --output-column"
        )
    return Columns(source, output)


def _told(
    first: list[Mapping[str, Any]],
    there: list[str],
    known: Iterable[str],
    holds: Callable[[str], bool],
) -> str | None:
    """Return the column of a known name, unless another one holds what is looked for."""
    shares = {
        column: sum(isinstance(v := row.get(column), str) and holds(v) for row in first)
        for column in there
    }
    folded = {column.strip().casefold(): column for column in there}
    named = next((folded[name] for name in known if name in folded), None)
    best = max(there, key=shares.__getitem__, default=None)
    if best and not (named and shares[named]) and 2 * shares[best] >= len(first):
        return best
    return named
