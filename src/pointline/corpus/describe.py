"""What a dataset holds: counts, label shares, lengths, ambiguity. Values only; others draw them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, median
from typing import Any

from pointline.corpus.store import Dataset
from pointline.format.record import Record
from pointline.format.text import place

__all__ = ["Lengths", "SplitStats", "Stats", "stats"]


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
    the pairs whose entity the text offers in several places, but not in as many as mention it, so
    that a completion without a mark leaves open which is meant (`text.place`). Facts have no
    places and take no part in it.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as JSON-ready values."""
        return asdict(self)

    def tables(self) -> dict[str, tuple[tuple[str, ...], list[tuple[str, ...]]]]:
        """Return the tables that show the numbers: title -> (headers, rows of strings)."""
        columns = (*self.splits, self.total)
        names = tuple(split.name for split in columns)
        return {
            self.task: (_HEADERS, [_row(split) for split in columns]),
            "text labels": (("label", *names), _shares([split.labels for split in columns])),
            "item labels": (("label", *names), _shares([split.item_labels for split in columns])),
        }


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


_HEADERS = ("split", "records", "items", "a record", "none", "characters", "longest", "ambiguous")


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
    return [(label, *(_share(table, label) for table in tables)) for label in tables[-1]]


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
