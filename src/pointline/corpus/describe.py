"""What a dataset holds: counts, shares, lengths, ambiguity, and how its two levels go together.

Values only; `figures` draws them. A file or folder is read once, a record at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pointline.corpus.association import Association, Cell, Levels, Mutual
from pointline.corpus.check import files_of
from pointline.corpus.manifest import read_manifest, task_beside, task_in
from pointline.corpus.store import Dataset, iter_records
from pointline.format.record import Record
from pointline.format.text import place

__all__ = ["Lengths", "SplitStats", "Stats", "describe", "stats"]

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Lengths:
    """The mean, median and greatest length of texts, in code points."""

    mean: float = 0.0
    median: float = 0.0
    max: int = 0


@dataclass(frozen=True, slots=True)
class SplitStats:
    """The numbers of one split.

    `labels` and `item_labels` count by label, most frequent first; `bags` says how many records
    have so many items. `ambiguous` is the share of the pairs whose entity the text offers in
    several places, but not in as many as mention it, so that a completion without a mark leaves
    open which is meant (`text.place`). Facts have no places and take no part in it.
    """

    name: str
    records: int
    labels: Mapping[str, int] = field(hash=False)
    item_labels: Mapping[str, int] = field(hash=False)
    bags: Mapping[int, int] = field(hash=False)
    lengths: Lengths
    ambiguous: float

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(self.item_labels.values())

    @property
    def without_items(self) -> int:
        """How many records have no item."""
        return self.bags.get(0, 0)

    @property
    def items_per_record(self) -> float:
        """The mean number of items of a record."""
        return self.items / self.records if self.records else 0.0


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of a dataset, split by split, and over all of them as `total`.

    `association` says how its two levels go together, where that was asked for.
    """

    task: str
    splits: tuple[SplitStats, ...]
    total: SplitStats
    association: Association | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON-ready values."""
        told = asdict(self)
        for values, split in zip(
            (*told["splits"], told["total"]), (*self.splits, self.total), strict=True
        ):
            values |= {"items": split.items, "without_items": split.without_items}
        if self.association:
            for values, mutual in zip(
                told["association"]["mutual"], self.association.mutual, strict=True
            ):
                values["label_known"] = mutual.label_known
                values["value_known"] = mutual.value_known
        return told

    def tables(self) -> dict[str, Table]:
        """Return the tables that show the numbers: title -> (headers, rows of strings)."""
        columns = (self.total,) if len(self.splits) == 1 else (*self.splits, self.total)
        names = tuple(split.name for split in columns)
        tables: dict[str, Table] = {
            self.task: (_HEADERS, [_row(split) for split in columns]),
            "text labels": (("label", *names), _shares([split.labels for split in columns])),
            "item labels": (("label", *names), _shares([split.item_labels for split in columns])),
        }
        if self.association:
            tables["text label L and items X: mutual information in bits"] = (
                _MUTUAL,
                [_mutual_row(mutual) for mutual in self.association.mutual],
            )
            tables["what goes together most, in records"] = (
                _CELLS,
                [_cell_row(cell) for cell in self.association.cells],
            )
        return tables


def stats(dataset: Dataset) -> Stats:
    """Return the numbers of a dataset, without the association of its levels.

    >>> from pointline.format.tasks import task
    >>> records = (Record("1", "scnm-ja", "猫と犬", "自然"),)
    >>> stats(Dataset(task("scnm-ja"), {"train": records})).total.lengths.max
    3
    """
    return _counted(dataset.task.name, dataset.splits, None)


def describe(path: str | Path, *, seed: int = 0, permutations: int = 200, top: int = 12) -> Stats:
    """Return the numbers of a record file or dataset folder, with the association of its levels.

    `permutations` deals of the text labels, by `seed`, say what mutual information there is by
    chance; `top` is how many pairs of label and item label, and of label and entity, are named.

    Raises CorpusError or RecordError for what is no dataset or no record file.
    """
    path = Path(path)
    files = files_of(path)
    task = task_in(read_manifest(path), path=path) if path.is_dir() else task_beside(path)
    levels = Levels()
    splits = {file.stem: iter_records(file) for file in files}
    found = _counted(task.name if task else path.name, splits, levels)
    association = levels.association(seed=seed, permutations=permutations, top=top)
    return Stats(found.task, found.splits, found.total, association)


# ---------------------------------------------------------------- counting


@dataclass(slots=True)
class _Count:
    """Counts records as they pass; lengths and bags as histograms, so that it stays small."""

    labels: Counter[str] = field(default_factory=Counter)
    item_labels: Counter[str] = field(default_factory=Counter)
    bags: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)
    pairs: int = 0
    ambiguous: int = 0

    def add(self, record: Record) -> None:
        items = [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]
        self.labels[record.label] += 1
        self.item_labels.update(items)
        self.bags[len(items)] += 1
        self.lengths[len(record.text)] += 1
        self.pairs += len(record.pairs)
        self.ambiguous += _ambiguous(record)

    def join(self, other: _Count) -> None:
        for name in ("labels", "item_labels", "bags", "lengths"):
            getattr(self, name).update(getattr(other, name))
        self.pairs += other.pairs
        self.ambiguous += other.ambiguous

    def told(self, name: str) -> SplitStats:
        return SplitStats(
            name=name,
            records=self.lengths.total(),
            labels=_by_size(self.labels),
            item_labels=_by_size(self.item_labels),
            bags=dict(sorted(self.bags.items())),
            lengths=_lengths(self.lengths),
            ambiguous=self.ambiguous / self.pairs if self.pairs else 0.0,
        )


def _counted(task: str, splits: Mapping[str, Iterable[Record]], levels: Levels | None) -> Stats:
    total, told = _Count(), []
    for name, records in splits.items():
        count = _Count()
        for record in records:
            count.add(record)
            if levels:
                levels.add(record)
        total.join(count)
        told.append(count.told(name))
    return Stats(task, tuple(told), total.told("all"))


def _ambiguous(record: Record) -> int:
    if not record.pairs:
        return 0
    found = place(record.text, [pair.entity for pair in record.pairs])
    return sum(1 for at in found if at is not None and at.ambiguous)


def _lengths(counts: Counter[int]) -> Lengths:
    total = counts.total()
    if not total:
        return Lengths()
    ordered = sorted(counts.items())
    mean = sum(length * count for length, count in ordered) / total
    low, high = (_nth(ordered, at) for at in ((total - 1) // 2, total // 2))
    return Lengths(mean, (low + high) / 2, ordered[-1][0])


def _nth(ordered: Sequence[tuple[int, int]], at: int) -> int:
    """Return the value at a place of what a sorted histogram counts."""
    for value, count in ordered:
        at -= count
        if at < 0:
            return value
    return ordered[-1][0]


def _by_size(counts: Counter[str]) -> Mapping[str, int]:
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


# ---------------------------------------------------------------- tables

_HEADERS = ("split", "records", "items", "a record", "none", "characters", "longest", "ambiguous")
_MUTUAL = ("X", "n", "I(L;X)", "by chance (95 %)", "p", "L told", "X told")
_CELLS = ("text label", "goes with", "records", "expected", "PMI", "G2")

#: How many labels a table lists; the rest of an open label set is summed up in a row.
_LISTED = 30


def _row(split: SplitStats) -> tuple[str, ...]:
    return (
        split.name,
        f"{split.records:,}",
        f"{split.items:,}",
        f"{split.items_per_record:.2f}",
        f"{split.without_items:,}",
        f"{split.lengths.mean:.0f}",
        f"{split.lengths.max:,}",
        f"{split.ambiguous:.1%}",
    )


def _shares(tables: Sequence[Mapping[str, int]]) -> list[tuple[str, ...]]:
    """Return a row a label of the last table: its count and share in each."""
    labels = list(tables[-1])
    rows = [
        (label or "(none)", *(_share(table, [label]) for table in tables))
        for label in labels[:_LISTED]
    ]
    if others := labels[_LISTED:]:
        rows.append((f"({len(others):,} others)", *(_share(table, others) for table in tables)))
    return rows


def _share(table: Mapping[str, int], labels: Sequence[str]) -> str:
    whole = sum(table.values())
    count = sum(table.get(label, 0) for label in labels)
    if not whole:
        return "0"
    share = count / whole
    return f"{count:,} {share:.1%}" if share < 0.0995 else f"{count:,} {share:.0%}"


def _mutual_row(mutual: Mutual) -> tuple[str, ...]:
    return (
        mutual.name,
        f"{mutual.observations:,}",
        f"{mutual.bits:.3f}",
        f"{mutual.null:.3f} ({mutual.low:.3f}-{mutual.high:.3f})",
        f"{mutual.p:.3f}",
        f"{mutual.label_known:.1%}",
        f"{mutual.value_known:.1%}",
    )


def _cell_row(cell: Cell) -> tuple[str, ...]:
    return (
        cell.label,
        cell.value if cell.kind == "entity" else f"[{cell.value}]",
        f"{cell.records:,}",
        f"{cell.expected:.1f}",
        f"{cell.pmi:+.2f}",
        f"{cell.g2:,.1f}",
    )
