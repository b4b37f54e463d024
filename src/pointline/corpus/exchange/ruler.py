"""Offsets in code points and in UTF-16 code units, which browsers count: there and back."""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal

__all__ = ["Ruler", "Unit"]

#: What an offset counts. They differ behind characters beyond U+FFFF, such as most emoji.
Unit = Literal["code points", "UTF-16"]


class Ruler:
    """A text with both counts of its places.

    >>> ruler = Ruler("😀猫")
    >>> ruler.utf16(1), ruler.point(2), ruler.point(1)
    (2, 1, None)
    """

    __slots__ = ("_astral", "_length", "_units")

    def __init__(self, text: str) -> None:
        self._length = len(text)
        self._astral: list[int] = []
        if not text.isascii():
            self._astral = [at for at, char in enumerate(text) if char > "\uffff"]
        self._units = [at + before for before, at in enumerate(self._astral)]

    @property
    def differs(self) -> bool:
        """Say whether the two counts differ anywhere in this text."""
        return bool(self._astral)

    def utf16(self, point: int) -> int:
        """Return the UTF-16 offset of a code-point offset."""
        return point + bisect_left(self._astral, point)

    def point(self, unit: int) -> int | None:
        """Return the code-point offset of a UTF-16 offset; None within a pair or past the end."""
        before = bisect_left(self._units, unit)
        if before and self._units[before - 1] == unit - 1:
            return None
        point = unit - before
        return point if 0 <= point <= self._length else None

    def span(self, start: int, end: int, unit: Unit) -> tuple[int, int] | None:
        """Return a span in code points; None where it is none in this count, or empty."""
        first = self.point(start) if unit == "UTF-16" else start
        last = self.point(end) if unit == "UTF-16" else end
        if first is None or last is None or not 0 <= first < last <= self._length:
            return None
        return first, last
