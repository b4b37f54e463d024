"""The sentiment of a text by the agreement of its opinions."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["agreement"]


def agreement(polarities: Iterable[str]) -> str:
    """Return the polarity on which all opinions that are not neutral agree.

    "neutral" where all are, "mixed" where they do not agree, "none" where there is no opinion.

    >>> agreement(["positive", "neutral"]), agreement(["positive", "negative"])
    ('positive', 'mixed')
    """
    found = set(polarities)
    if not found:
        return "none"
    polar = found - {"neutral"}
    return "neutral" if not polar else polar.pop() if len(polar) == 1 else "mixed"
