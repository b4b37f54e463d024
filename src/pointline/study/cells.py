"""How the numbers of a study's report are printed, and what its rows are called."""

from __future__ import annotations

from pointline.score.significance import Interval
from pointline.score.tables import NONE
from pointline.study.findings import Subset

__all__ = ["CIRCULAR", "PAPER", "TOGETHER", "ends", "named", "percent", "points", "probability"]

#: What stands behind the name of a circular sub-dataset, and what the papers' rows are called.
CIRCULAR, PAPER = "†", "MMM paper"
#: The row of all records of all sub-datasets that are not circular: one comparison, not corrected.
TOGETHER = "all records together"


def points(value: float | None) -> str:
    """Return a difference in points, with its sign.

    >>> points(0.0031), points(-0.02), points(None)
    ('+0.31', '−2.00', '–')
    """
    return NONE if value is None else f"{100 * value:+.2f}".replace("-", "−")


def probability(value: float) -> str:
    """Return a p as it is printed.

    >>> probability(0.04321), probability(0.00002)
    ('0.043', '< 0.001')
    """
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def percent(value: float) -> str:
    """Return a score in percent.

    >>> percent(0.8153)
    '81.53'
    """
    return f"{100 * value:.2f}"


def ends(interval: Interval) -> str:
    """Return an interval of a difference, in points.

    >>> ends(Interval(-0.01, 0.025))
    '[−1.00, 2.50]'
    """
    low, high = (f"{100 * end:.2f}".replace("-", "−") for end in (interval.low, interval.high))
    return f"[{low}, {high}]"


def named(subset: Subset) -> str:
    """Return a sub-dataset's name, with a mark where it is circular."""
    return f"{subset.name} {CIRCULAR}" if subset.circular else subset.name
