"""Several runs of each system: how far a difference would move with other runs and other records.

A run is a system trained anew with another seed. Runs and records are both samples, and they are
crossed: every run answers the same records. With the law d(run, record) = system + run + record +
what is left, the variance of a mean over S runs and N records has three parts, run / S, record / N
and left / (S N). The variance between the observed runs holds the first and the third; what the
runs' values have in common when the records are drawn anew is the second. Their sum is counted
here, no part of it twice.

Percentiles of drawn runs would not do: of three runs there are ten different draws, and where runs
differ more than records do, all three lie on one side of 0 in a quarter of all null comparisons.
The interval is Student's instead, with Satterthwaite's degrees of freedom: few runs, wide interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import atan, exp, inf, lgamma, pi, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from pointline.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Spread", "spread", "student", "student_quantile"]

_NORMAL = 1000.0  # degrees of freedom from which Student's law is taken as normal
_POINTS = 2001  # of Simpson's rule; odd
_CLOSE = 1e-10  # how far, for its size, a quantile may be from where it is


@dataclass(frozen=True, slots=True)
class Spread:
    """The variance of a difference of means over runs, and the degrees of freedom it was told by.

    `runs` is the part that more runs would make smaller, `records` the part that more records
    would. `variance` is that of a single run, both systems' pooled, with `own` degrees of freedom;
    `runs` is about `shares` times it, and not below `least`, what each run makes of the records.
    """

    runs: float
    records: float
    freedom: float
    variance: float = 0.0
    own: float = inf
    shares: float = 0.0
    least: float = 0.0

    @property
    def deviation(self) -> float:
        """The standard error of the difference."""
        return sqrt(self.runs + self.records)


def spread(
    seen: tuple[NDArray[np.float64], NDArray[np.float64]],
    drawn: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> Spread:
    """Return the spread of mean(second) - mean(first), for two systems with several runs each.

    `seen` holds the runs' values, shaped (runs,); `drawn` the same over resampled records, shaped
    (resamples, runs), all on the same resamples. Runs of the two systems are taken as independent:
    where a shared seed made them alike, the answer errs to the side of caution.

    Raises InputError for a system with a single run: it does not tell how runs differ.
    """
    import numpy as np

    if min(len(values) for values in seen) < 2:
        raise InputError("runs are told apart from records by two runs or more of each system")
    between = np.cov(np.hstack(drawn), rowvar=False)
    cut = len(seen[0])
    blocks = (between[:cut, :cut], between[cut:, cut:])
    shared = [_off_diagonal(block) for block in blocks]
    records = max(0.0, sum(shared) - 2 * float(between[:cut, cut:].mean()))
    sizes = [len(values) for values in seen]
    variances = [float(np.var(values, ddof=1)) for values in seen]
    # runs that agree by luck still differ by what each makes of the records
    least = [
        max(float(np.diag(block).mean()) - common, 0.0) / size
        for block, common, size in zip(blocks, shared, sizes, strict=True)
    ]
    parts = [
        max(variance / size, floor)
        for variance, size, floor in zip(variances, sizes, least, strict=True)
    ]
    within = sum(part**2 / (size - 1) for part, size in zip(parts, sizes, strict=True))
    runs, own = sum(parts), sum(sizes) - 2
    return Spread(
        runs,
        records,
        (runs + records) ** 2 / within if within else inf,
        variance=sum(v * (n - 1) for v, n in zip(variances, sizes, strict=True)) / own,
        own=own,
        shares=sum(1 / size for size in sizes),
        least=sum(least),
    )


def student(t: float, freedom: float) -> float:
    """Return the probability that Student's t is farther from 0 than `t`, on either side.

    With t = sqrt(freedom) tan(angle), the density is cos(angle) ** (freedom - 1), up to a factor.

    >>> round(student(2.776445, 4), 5), round(student(1.959964, inf), 5)
    (0.05, 0.05)
    """
    import numpy as np

    t = abs(t)
    if freedom >= _NORMAL:
        return 2 * NormalDist().cdf(-t)
    angles, step = np.linspace(atan(t / sqrt(freedom)), pi / 2, _POINTS, retstep=True)
    heights = np.maximum(np.cos(angles), 0.0) ** (freedom - 1)
    weights = np.where(np.arange(_POINTS) % 2, 4.0, 2.0)
    weights[0] = weights[-1] = 1.0
    area = float(heights @ weights) * float(step) / 3
    whole = sqrt(pi) / 2 * exp(lgamma(freedom / 2) - lgamma((freedom + 1) / 2))
    return min(1.0, area / whole)


@lru_cache(maxsize=1024)
def student_quantile(level: float, freedom: float) -> float:
    """Return the t that Student's law exceeds, on either side, with probability 1 - level.

    >>> round(student_quantile(0.95, 2), 3)
    4.303
    """
    low, high = 0.0, 1.0
    while student(high, freedom) > 1 - level:
        low, high = high, 2 * high
    while high - low > _CLOSE * high:
        middle = (low + high) / 2
        low, high = (middle, high) if student(middle, freedom) > 1 - level else (low, middle)
    return (low + high) / 2


def _off_diagonal(block: NDArray[np.float64]) -> float:
    size = len(block)
    return float(block.sum() - block.trace()) / (size * (size - 1))
