"""How sure one can be of a score: bootstrap intervals over records.

What one record brought to a score is a row of counts, and a score is a function of the sums of
rows. Resampling n records with replacement is drawing from the distinct rows with a multinomial
law, which is the same law at a fraction of the cost: a test set has far fewer distinct rows than
records. A row may hold the counts of two systems side by side, and a statistic may be the
difference of two others: that is all that a paired comparison needs from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pointline.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CELLS", "Interval", "Statistic", "bootstrap", "f1", "resampled", "share", "tails"]

#: Sums of rows, shaped (resamples, columns), to one value for each resample.
Statistic = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]

Row = TypeVar("Row", bound=tuple[int, ...])

#: Drawn counts held at once: 16 MB as integers, 16 MB as floats.
CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided percentile interval; `level` is the share of resamples inside it.

    >>> 0.8 in Interval(0.75, 0.85)
    True
    """

    low: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """The distance between the ends."""
        return self.high - self.low


def f1(matched: int, gold: int, predicted: int) -> Statistic:
    """Return the micro F1 of three columns; 1.0 where a resample holds nothing to find or found.

    >>> import numpy as np
    >>> f1(0, 1, 2)(np.array([[1.0, 2.0, 1.0], [0.0, 0.0, 0.0]])).round(4).tolist()
    [0.6667, 1.0]
    """

    def of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return _ratio(2 * sums[:, matched], sums[:, gold] + sums[:, predicted])

    return of


def share(part: int, whole: int) -> Statistic:
    """Return the share of one column in another.

    >>> import numpy as np
    >>> share(0, 1)(np.array([[3.0, 4.0]])).tolist()
    [0.75]
    """

    def of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        return _ratio(sums[:, part], sums[:, whole])

    return of


def bootstrap(
    rows: Mapping[Row, int],
    statistics: Mapping[str, Statistic],
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return the percentile bootstrap interval of each statistic.

    `rows` says how many records brought each row of counts. One resample draws as many records
    as there are, with replacement; all statistics see the same resamples. The result depends on
    the seed and the rows, not on the order in which records came. Memory is bounded: resamples
    are drawn in chunks, and only the statistics' values are kept.

    Raises InputError where there are no records, fewer than one resample, or a level outside
    (0, 1).

    >>> found = bootstrap({(1, 1): 80, (0, 1): 20}, {"right": share(0, 1)})["right"]
    >>> 0.8 in found, round(found.width, 2)
    (True, 0.16)
    """
    import numpy as np

    if not rows or resamples < 1 or not 0 < level < 1:
        raise InputError(
            "an interval needs records, one resample or more and a level between 0 and 1, got"
            f" {sum(rows.values())} records, resamples={resamples}, level={level}"
        )
    drawn = [
        [statistic(sums) for statistic in statistics.values()]
        for sums in resampled(rows, resamples, seed)
    ]
    tails = [(1 - level) / 2, (1 + level) / 2]
    out = {}
    for name, chunks in zip(statistics, zip(*drawn, strict=True), strict=True):
        low, high = np.quantile(np.concatenate(chunks), tails)
        out[name] = Interval(float(low), float(high), level)
    return out


def resampled(rows: Mapping[Row, int], resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield the sums of rows of `resamples` resamples, (some, columns) at a time.

    >>> [sums.shape for sums in resampled({(1, 1): 80, (0, 1): 20}, 500, seed=0)]
    [(500, 2)]
    """
    import numpy as np

    ordered = sorted(rows.items())
    table = np.array([row for row, _ in ordered], dtype=np.float64)
    weights = np.array([count for _, count in ordered], dtype=np.int64)
    records = int(weights.sum())
    rng = np.random.default_rng(seed)
    chunk = max(1, CELLS // len(ordered))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        yield rng.multinomial(records, weights / records, size=size) @ table


def tails(differences: NDArray[np.float64]) -> float:
    """Return the two-sided bootstrap p of a difference: twice the smaller share beyond 0.

    >>> import numpy as np
    >>> tails(np.zeros(99)), tails(np.ones(99))
    (1.0, 0.02)
    """
    beyond = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (1 + beyond) / (1 + len(differences)))


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return np.divide(part, whole, out=np.ones_like(part), where=whole != 0)
