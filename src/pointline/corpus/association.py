"""What the two levels say of each other in the annotation itself: the statistical face of MRE.

Mutual information in bits, I(L; X) = H(L) + H(X) - H(L, X), between the text label L and
- the *item label* of an item, one observation an item;
- the *item label set* of a record, one observation a record;
- an *entity*, one observation for each of a record's; entities of one record only say nothing.

Estimated from counts it is never 0, and the more values X has, the greater it is by chance. So it
is held against what is left when the text labels are dealt to the records anew: the bag of a
record's items stays whole, only its label changes. Records without a text label take no part.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pointline.corpus import information
from pointline.format.record import Record

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Association", "Cell", "Grid", "Levels", "Mutual"]

#: So many observations are dealt at most, over all permutations; there are never fewer than 20.
_DEALT = 50_000_000
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class Mutual:
    """The mutual information of the text label and one property of the items, in bits.

    `null`, `low` and `high` are the mean and the middle 95 % of `permutations` deals of the labels;
    `p` is the share of deals (and the data) that come to as much. `label_bits` and `value_bits` are
    the entropies of both sides over the observations, `values` how many values there are.
    """

    name: str
    observations: int
    values: int
    bits: float
    null: float
    low: float
    high: float
    p: float
    label_bits: float
    value_bits: float
    permutations: int

    @property
    def label_known(self) -> float:
        """How much of the label's entropy the items tell: 0 by chance, 1 if they tell all."""
        return _share(self.bits - self.null, self.label_bits - self.null)

    @property
    def value_known(self) -> float:
        """How much of the items' entropy the label tells: 0 by chance, 1 if it tells all."""
        return _share(self.bits - self.null, self.value_bits - self.null)


@dataclass(frozen=True, slots=True)
class Cell:
    """A text label and a value of the items that meet in more records than by chance.

    `records` have both, `expected` would if they were independent; `pmi` is log2 of their ratio,
    `g2` Dunning's log-likelihood ratio of the fourfold table (3.84 is the 5 % point of one test).
    """

    label: str
    kind: str
    value: str
    records: int
    expected: float
    pmi: float
    g2: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Counts of items by text label (rows) and value (columns); the rarest are summed as others."""

    kind: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Association:
    """How the two levels go together: the information, the most telling cells, the counts."""

    records: int
    mutual: tuple[Mutual, ...]
    cells: tuple[Cell, ...]
    grids: tuple[Grid, ...]


@dataclass(slots=True)
class _Bags:
    """One property of the items: the values that each record has, as numbers."""

    numbers: dict[Any, int] = field(default_factory=dict)
    values: array[int] = field(default_factory=lambda: array("i"))
    records: array[int] = field(default_factory=lambda: array("i"))

    def add(self, record: int, value: Any) -> None:
        self.values.append(self.numbers.setdefault(value, len(self.numbers)))
        self.records.append(record)


class Levels:
    """Collects what the records of a dataset say on both levels, in some 16 bytes an item.

    The memory grows with the number of different entities.
    """

    def __init__(self) -> None:
        """Begin with no record."""
        self._labels: dict[str, int] = {}
        self._label_of = array("i")
        self._bags = {name: _Bags() for name in ("item label", "item label set", "entity")}

    def add(self, record: Record) -> None:
        """Take in one record; one without a text label is passed over."""
        if not record.label:
            return
        number = len(self._label_of)
        self._label_of.append(self._labels.setdefault(record.label, len(self._labels)))
        labels = [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]
        entities = [pair.entity for pair in record.pairs]
        entities += [value for fact in record.facts for value in (fact.fields[0], *fact.fields[2:])]
        for label in labels:
            self._bags["item label"].add(number, label)
        self._bags["item label set"].add(number, frozenset(labels))
        for entity in dict.fromkeys(entities):
            self._bags["entity"].add(number, entity)

    def association(
        self, *, seed: int = 0, permutations: int = 200, top: int = 12, size: int = 16
    ) -> Association:
        """Return how the levels go together.

        `top` cells are told of for each kind of value; grids have at most `size` rows and columns.
        In a large dataset fewer permutations are dealt, at least 20; the result says how many.
        """
        import numpy as np

        rng = np.random.default_rng(seed)
        seen = [self._seen(kind) for kind in self._bags]
        mutual = tuple(_mutual(each, rng, permutations) for each in seen)
        cells, grids = [], []
        for each in seen:
            if each.kind != "item label set" and len(each.values):
                found = _cells(each)
                cells += found[:top]
                first = [cell.value for cell in found] if each.kind == "entity" else []
                grids.append(_grid(each, size, first))
        return Association(len(self._label_of), mutual, tuple(cells), tuple(grids))

    def _seen(self, kind: str) -> _Seen:
        import numpy as np

        bags = self._bags[kind]
        label_of = np.frombuffer(self._label_of, dtype=np.intc)
        records = np.frombuffer(bags.records, dtype=np.intc)
        values = np.frombuffer(bags.values, dtype=np.intc)
        if kind == "entity":
            shared = np.bincount(values, minlength=1)[values] > 1
            records, values = records[shared], values[shared]
        return _Seen(kind, label_of, records, values, list(self._labels), list(bags.numbers))


# ---------------------------------------------------------------- from observations to numbers


@dataclass(frozen=True, slots=True)
class _Seen:
    """The observations of one property: the record and the value of each, and what they are called.

    `label_of` is the text label of each record.
    """

    kind: str
    label_of: NDArray[np.intc]
    records: NDArray[np.intc]
    values: NDArray[np.intc]
    label_names: list[str]
    value_names: list[Any]


def _mutual(seen: _Seen, rng: np.random.Generator, permutations: int) -> Mutual:
    import numpy as np

    times = min(permutations, max(_FEWEST, _DEALT // max(1, len(seen.values))))
    labels = seen.label_of[seen.records]
    bits = information.mutual_information(labels, seen.values)
    dealt = information.shuffled(seen.label_of, seen.records, seen.values, times=times, rng=rng)
    low, high = np.quantile(dealt, (0.025, 0.975))
    return Mutual(
        name=seen.kind,
        observations=len(seen.values),
        values=len(np.unique(seen.values)),
        bits=bits,
        null=float(dealt.mean()),
        low=float(low),
        high=float(high),
        p=float((1 + (dealt >= bits - 1e-12).sum()) / (times + 1)),
        label_bits=information.entropy(labels),
        value_bits=information.entropy(seen.values),
        permutations=times,
    )


def _cells(seen: _Seen) -> list[Cell]:
    """Return the cells that are met more often than expected, the most telling first."""
    found = information.fourfold(seen.label_of, seen.records, seen.values)
    cells = [
        Cell(seen.label_names[label], seen.kind, seen.value_names[value], *numbers)
        for label, value, *numbers in zip(*(column.tolist() for column in found), strict=True)
        if numbers[2] > 0
    ]
    return sorted(cells, key=lambda cell: (-cell.g2, cell.label, cell.value))


def _grid(seen: _Seen, size: int, first: Sequence[str]) -> Grid:
    """Return the counts by label and value; `first` names the values to show, else the largest."""
    labels = [seen.label_names[number] for number in seen.label_of[seen.records].tolist()]
    values = [seen.value_names[number] for number in seen.values.tolist()]
    rows = _shown(_largest(labels), size, len(set(labels)))
    columns = _shown(list(dict.fromkeys(first)) or _largest(values), size, len(set(values)))
    some_rows, some_columns = set(rows), set(columns)
    counts = Counter(
        (label if label in some_rows else rows[-1], value if value in some_columns else columns[-1])
        for label, value in zip(labels, values, strict=True)
    )
    table = tuple(tuple(counts[row, column] for column in columns) for row in rows)
    return Grid(seen.kind, tuple(rows), tuple(columns), table)


def _largest(names: list[str]) -> list[str]:
    counts = Counter(names)
    return sorted(counts, key=lambda name: (-counts[name], name))


def _shown(names: list[str], size: int, total: int) -> list[str]:
    """Return the first names, and behind `size` of them what sums up the others."""
    size = len(names) if total == len(names) == size + 1 else size
    shown = names[:size]
    return [*shown, f"({total - len(shown):,} others)"] if total > len(shown) else shown


def _share(part: float, whole: float) -> float:
    return max(0.0, part / whole) if whole > 1e-9 else 0.0
