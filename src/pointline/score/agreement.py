"""How far two annotators agree: share, Cohen's kappa, and who said what where they differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pointline.errors import InputError
from pointline.score.significance import Interval, Statistic, bootstrap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T", bound=Hashable)

__all__ = ["Agreement", "agreement", "cohen"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What two annotators say of the same records.

    `confusion` counts (first, second) labels. `accuracy` is the share on which they agree, `kappa`
    what is left of it beyond the agreement that their label frequencies alone would give; None
    where both gave every record one and the same label, which shows nothing. The intervals are
    None where no resamples were asked for.
    """

    confusion: Counter[tuple[str, str]]
    accuracy: float
    kappa: float | None
    accuracy_interval: Interval | None = None
    kappa_interval: Interval | None = None

    @property
    def records(self) -> int:
        """How many records were compared."""
        return self.confusion.total()

    @property
    def labels(self) -> list[str]:
        """All labels that either gave, the most frequent of the first annotator's first."""
        counts: Counter[str] = Counter()
        for (first, second), count in self.confusion.items():
            counts[first] += count
            counts[second] += 0
        return sorted(counts, key=lambda label: (-counts[label], label))

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""

        def ends(found: Interval | None) -> list[float] | None:
            return None if found is None else [found.low, found.high]

        return {
            "records": self.records,
            "accuracy": self.accuracy,
            "accuracy_interval": ends(self.accuracy_interval),
            "kappa": self.kappa,
            "kappa_interval": ends(self.kappa_interval),
            "confusion": [
                {"first": first, "second": second, "count": count}
                for (first, second), count in sorted(self.confusion.items())
            ],
        }


def agreement(
    pairs: Iterable[tuple[str, str]], *, resamples: int = 1000, seed: int = 0
) -> Agreement:
    """Return how far the labels of two annotators agree, given as (first, second) by record.

    Cohen's kappa is (o - e) / (1 - e): o the share that agrees, e the share expected of two
    annotators who draw labels at random with the frequencies of these two. The intervals are
    percentile bootstraps over records.

    Raises InputError where there is no record.

    >>> found = agreement([("a", "a"), ("a", "b"), ("b", "b"), ("b", "b")], resamples=0)
    >>> found.accuracy, found.kappa
    (0.75, 0.5)
    """
    confusion = Counter(pairs)
    if not confusion:
        raise InputError("no record has labels of both annotators: there is nothing to compare")
    labels = sorted({label for pair in confusion for label in pair})
    at = {label: number for number, label in enumerate(labels)}
    width = len(labels)
    same = sum(count for (first, second), count in confusion.items() if first == second)
    accuracy = same / confusion.total()
    kappa = cohen(confusion)
    if resamples == 0:
        return Agreement(confusion, accuracy, kappa)
    rows: Counter[tuple[int, ...]] = Counter()
    for (first, second), count in confusion.items():
        row = [0] * (2 * width) + [int(first == second), 1]
        row[at[first]] = row[width + at[second]] = 1
        rows[tuple(row)] += count
    statistics = {"accuracy": _accuracy, "kappa": _kappa(width)}
    found = bootstrap(rows, statistics, resamples=resamples, seed=seed)
    return Agreement(confusion, accuracy, kappa, found["accuracy"], found["kappa"])


def cohen(confusion: Mapping[tuple[T, T], int]) -> float | None:
    """Return Cohen's kappa of counts of (first, second) categories, None where it has no value.

    That is where nothing was counted, or both used one and the same category only.

    >>> counts = {("y", "y"): 20, ("y", "n"): 5, ("n", "y"): 10, ("n", "n"): 15}
    >>> round(cohen(counts), 4)
    0.4
    """
    first: Counter[T] = Counter()
    second: Counter[T] = Counter()
    for (one, other), count in confusion.items():
        first[one] += count
        second[other] += count
    total = first.total()
    alike = sum(count for (one, other), count in confusion.items() if one == other)
    # in whole numbers, so that a chance agreement of exactly 1 is seen as such
    chance = sum(count * second[category] for category, count in first.items())
    if total**2 == chance:
        return None
    return (total * alike - chance) / (total**2 - chance)


def _accuracy(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = sums[:, -2] / sums[:, -1]
    return shares


def _kappa(width: int) -> Statistic:
    def of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        import numpy as np

        total = sums[:, -1]
        expected = (sums[:, :width] * sums[:, width : 2 * width]).sum(axis=1) / total**2
        beyond = sums[:, -2] / total - expected
        # a resample in which both give one and the same label shows nothing beyond chance
        kappa: NDArray[np.float64] = np.zeros_like(beyond)
        np.divide(beyond, 1 - expected, out=kappa, where=expected < 1)
        return kappa

    return of
