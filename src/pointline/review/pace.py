"""How fast somebody reviews, and how long the rest will take."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["an_hour"]

_BREAK = 300.0  # seconds without a decision that are no work


def an_hour(times: Sequence[float]) -> float | None:
    """Return decisions in an hour of work; a gap of five minutes or more is a break.

    `times` are those of the decisions, in seconds, in any order. None: there is too little to tell.

    >>> an_hour([0, 30, 60, 4000, 4030]), an_hour([0, 4000])
    (120.0, None)
    """
    gaps = [later - earlier for earlier, later in pairwise(sorted(times))]
    worked = [gap for gap in gaps if gap < _BREAK]
    seconds = sum(worked)
    return 3600 * len(worked) / seconds if len(worked) > 1 and seconds > 0 else None
