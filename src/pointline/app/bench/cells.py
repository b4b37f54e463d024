"""What the cells of every table are made of: a row of columns, a score with its interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["METRICS", "Cells", "columns_of", "interval", "points"]

Cells = Iterator[tuple[str, ...]]

METRICS = ("tl", "wl", "all")


def columns_of(row: Mapping[str, Any], *columns: str) -> tuple[str, ...]:
    """Return those columns of a row as text."""
    return tuple(str(row[column]) for column in columns)


def interval(report: Mapping[str, Any], metric: str) -> str:
    """Return a score in per cent with its interval.

    >>> interval({"all": 0.1, "intervals": {"all": {"low": 0.06, "high": 0.14}}}, "all")
    '10.0 [6, 14]'
    """
    value = report["all"] if metric == "all" else report[metric]["f1"]
    sure = report["intervals"][metric]
    return f"{100 * value:.1f} [{100 * sure['low']:.0f}, {100 * sure['high']:.0f}]"


def points(difference: Mapping[str, Any]) -> str:
    """Return a difference in points with its interval.

    >>> points({"difference": -0.0213, "interval": {"low": -0.04, "high": 0.0004}})
    '−2.1 [−4.0, +0.0]'
    """
    low, high = (difference["interval"][side] for side in ("low", "high"))
    return f"{_signed(difference['difference'])} [{_signed(low)}, {_signed(high)}]"


def _signed(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")
