"""Where names begin and end in a text: a guess, by what stands on both sides of a border.

A logistic model of a few features: the kinds of the units before and behind (a capitalised word, a
kana, digits, a blank), and the units themselves. `edges.json` holds weights learned from
training sets in three languages (`benchmarks/draft_edges.py`). Only drafts depend on it, no result.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

__all__ = ["Edges", "features", "shipped", "units"]

_UNIT = re.compile(r"[^\W\d_\u3041-\u30ff\u3400-\u9fff々]+|\d+|[ァ-ヺー]+|\s+|.", re.DOTALL)
_KINDS = (("h", "\u3041", "\u309f"), ("k", "\u30a1", "\u30ff"), ("j", "\u3400", "\u9fff"))


def units(text: str) -> list[str]:
    """Return the text's units: words in letters, numbers, katakana, blanks, other characters.

    >>> units("In 1840 アダは")
    ['In', ' ', '1840', ' ', 'アダ', 'は']
    """
    return _UNIT.findall(text)


class Edges:
    """The chance that a border between two units is one where a name begins, or where one ends."""

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = weights

    def chance(self, around: Sequence[str], at: int) -> float:
        """Return the probability for the border before unit `at`."""
        score = sum(self.weights.get(feature, 0.0) for feature in features(around, at))
        return 1 / (1 + math.exp(-score))


@cache
def shipped(which: Literal["begins", "ends"]) -> Edges:
    """Return what comes with pointline: the borders where names begin, or end."""
    found = json.loads(Path(__file__).with_name("edges.json").read_text(encoding="utf-8"))
    return Edges(found[which])


def features(around: Sequence[str], at: int) -> Iterator[str]:
    """Yield what the border before unit `at` is told by."""
    before = around[at - 1] if at else ""
    behind = around[at] if at < len(around) else ""
    gap = "_" if before.isspace() or behind.isspace() else ""
    if before.isspace():
        before = around[at - 2] if at > 1 else ""
    elif behind.isspace():
        behind = around[at + 1] if at + 1 < len(around) else ""
    left, right = _kind(before), _kind(behind)
    yield "="
    yield f"{left}{gap}|{right}"
    yield f"{left}{gap}|"
    yield f"|{gap}{right}"
    yield f"<{before}"
    yield f">{behind}"


def _kind(unit: str) -> str:
    """Return what kind of unit this is; a sign is its own."""
    first = unit[:1]
    if first.isdigit():
        return "9"
    for kind, low, high in _KINDS:
        if low <= first <= high:
            return kind
    if not first.isalpha():
        return first
    if first.isupper():
        return "AB" if len(unit) > 1 and unit.isupper() else "Ab"
    return "a"
