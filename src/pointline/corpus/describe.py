"""What a dataset holds: counts, label shares, lengths, ambiguity. Values only; others draw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median

from pointline.corpus.store import Dataset
from pointline.format.record import Record
from pointline.format.text import place

__all__ = ["COLUMNS", "Lengths", "SplitStats", "Stats", "label_rows", "split_rows", "stats"]

#: The columns of `split_rows`.
COLUMNS = ("split", "records", "items", "items/record", "without items", "characters", "ambiguous")


@dataclass(frozen=True, slots=True)
class Lengths:
    """The mean, median and greatest length of texts, in code points."""

    mean: float = 0.0
    median: float = 0.0
    max: int = 0


@dataclass(frozen=True, slots=True)
class SplitStats:
    """The numbers of one split.

    `labels` and `item_labels` count by label, most frequent first; `ambiguous` is the share of
    the pairs whose entity the text offers in several places, so that a completion without a mark
    leaves open which is meant (`text.place`).
    """

    name: str
    records: int
    labels: Mapping[str, int] = field(hash=False)
    item_labels: Mapping[str, int] = field(hash=False)
    items: int
    without_items: int
    lengths: Lengths
    ambiguous: float

    @property
    def items_per_record(self) -> float:
        """The mean number of items of a record."""
        return self.items / self.records if self.records else 0.0


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of a dataset, split by split, and over all of them as `total`."""

    task: str
    splits: tuple[SplitStats, ...]
    total: SplitStats


def stats(dataset: Dataset) -> Stats:
    """Return the numbers of a dataset.

    >>> from pointline.format.tasks import task
    >>> records = (Record("1", "scnm-ja", "猫と犬", "自然"),)
    >>> stats(Dataset(task("scnm-ja"), {"train": records})).total.lengths.max
    3
    """
    splits = tuple(_split(name, records) for name, records in dataset.splits.items())
    total = _split("all", [record for records in dataset.splits.values() for record in records])
    return Stats(dataset.task.name, splits, total)


def split_rows(found: Stats) -> list[tuple[str, ...]]:
    """Return a table row a split, and one for all, under `COLUMNS`."""
    return [
        (
            split.name,
            f"{split.records:,}",
            f"{split.items:,}",
            f"{split.items_per_record:.2f}",
            f"{split.without_items:,}",
            f"{split.lengths.mean:.0f} (max {split.lengths.max:,})",
            f"{split.ambiguous:.1%}",
        )
        for split in (*found.splits, found.total)
    ]


def label_rows(found: Stats) -> list[tuple[str, ...]]:
    """Return a table row a label: level, label, count and share in each split, and over all."""
    rows = []
    columns = (*found.splits, found.total)
    for level in ("text", "item"):
        tables = [split.labels if level == "text" else split.item_labels for split in columns]
        for label in tables[-1]:
            rows.append((level, label, *(_share(table, label) for table in tables)))
    return rows


def _share(table: Mapping[str, int], label: str) -> str:
    whole = sum(table.values())
    count = table.get(label, 0)
    return f"{count:,} ({count / whole:.1%})" if whole else "0"


def _split(name: str, records: Sequence[Record]) -> SplitStats:
    pairs = [pair.label for record in records for pair in record.pairs]
    facts = [fact.fields[1] for record in records for fact in record.facts]
    return SplitStats(
        name=name,
        records=len(records),
        labels=_by_size(record.label for record in records),
        item_labels=_by_size([*pairs, *facts]),
        items=len(pairs) + len(facts),
        without_items=sum(not record.pairs and not record.facts for record in records),
        lengths=_lengths([len(record.text) for record in records]),
        ambiguous=sum(map(_ambiguous, records)) / len(pairs) if pairs else 0.0,
    )


def _ambiguous(record: Record) -> int:
    found = place(record.text, [pair.entity for pair in record.pairs])
    return sum(1 for at in found if at is not None and at.ambiguous)


def _lengths(lengths: Sequence[int]) -> Lengths:
    return Lengths(fmean(lengths), median(lengths), max(lengths)) if lengths else Lengths()


def _by_size(labels: Iterable[str]) -> Mapping[str, int]:
    return dict(sorted(Counter(labels).items(), key=lambda entry: (-entry[1], entry[0])))
