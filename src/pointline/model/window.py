"""Long texts: windows that overlap, and the way back to one prediction.

A window ends at a line break or the end of a sentence if there is one in its second half, else at
the best border there is. No border parts a character from its marks or a word that is written in
letters, unless a single one is longer than a window.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Prediction, Record

__all__ = ["merge", "split"]

_ENDS = frozenset("。．｡！？!?…")
_CLOSERS = frozenset("」』）)】〉》\"'”’]")
_CLAUSES = frozenset("、，､；：")
_ASCII_CLAUSES = frozenset(",;:")
_HANGING = _ENDS | _CLOSERS | _CLAUSES | _ASCII_CLAUSES | {"."}
_JOINERS = frozenset("\u200d\ufe0e\ufe0fﾞﾟ")
_MODIFIERS = range(0x1F3FB, 0x1F400)
_FLAGS = range(0x1F1E6, 0x1F200)
# Shorter than any text of that many tokens that is worth one window.
_CHARS_PER_TOKEN = 8


def split(
    text: str, *, limit: int, overlap: int, count: Callable[[str], int]
) -> list[tuple[int, int]]:
    """Return windows [start, end) that cover the text, each of at most `limit` by `count`.

    Neighbours share about `overlap` to twice that, measured as `count` does; an entity that is
    shorter lies whole in one of them. They share less where that is over a quarter of a window.

    Raises InputError where not even one character fits.

    >>> split("甲乙。丙丁。戊己。", limit=6, overlap=1, count=len)
    [(0, 6), (4, 9)]
    """
    room = limit - count("")
    if room <= 0:
        raise InputError(f"a window of {limit} has no room for text: {count('')} go to the prompt")
    if (whole := count(text)) <= limit:
        return [(0, len(text))]
    windows: list[tuple[int, int]] = []
    start = end = 0
    size = len(text) * limit // max(1, whole)
    while True:
        size = _reach(text, start, limit, count, size)
        if start + size >= len(text):
            return [*windows, (start, len(text))]
        if start < end and start + size <= end:  # what is shared would fill the window
            start = end
            continue
        end = _border(text, max(start, end), start + size // 2, start + size)
        while count(text[start:end]) > limit:  # a shorter text may have more tokens
            end = _border(text, start, end - 9, end - 1)
        windows.append((start, end))
        shared = max(1, min((end - start) // 4, (end - start) * overlap // room))
        start = max(_border(text, start, end - 2 * shared - 1, end - shared), start + 1)


def _reach(text: str, start: int, limit: int, count: Callable[[str], int], guess: int) -> int:
    """Return how many characters from `start` fit into the limit, to a sixteenth.

    `guess` is where to begin: each count costs as much as the characters that it reads.
    """
    most = min(len(text) - start, limit * _CHARS_PER_TOKEN)
    fits, over, size = 0, most + 1, max(1, min(guess, most))
    while over - fits > 1 + fits // 16:
        used = count(text[start : start + size])
        likely = size * limit // max(1, used)
        if used <= limit:
            fits, size = size, min(over - 1, max(size + 1, likely + likely // 20))
        else:
            over, size = size, max(fits + 1, min(size - 1, likely))
    if not fits and start < len(text):
        raise InputError(f"not even the character at {start} fits into a window of {limit}")
    return fits


def _border(text: str, floor: int, low: int, high: int) -> int:
    """Return the best place in (low, high] to part the text, the last one of the best rank.

    Where all of them part a word, the last place in (floor, low] that does not.
    """
    low = max(low, floor)
    best = max(range(low + 1, high + 1), key=lambda at: (_rank(text, at), at), default=high)
    if _rank(text, best) > 1:
        return best
    return next((at for at in range(low, floor, -1) if _rank(text, at) > 1), best)


def _rank(text: str, at: int) -> int:
    """Say how good it is to part the text before character `at`: 0 (in a character) to 7."""
    before, after = text[at - 1], text[at]
    if _in_character(before, after):
        return 0
    if before == "\n":
        return 7
    mark = text[at - 2] if before in _CLOSERS and at > 1 else before
    if mark in _ENDS or (mark == "." and after.isspace()):
        return 6
    if mark in _CLAUSES or (mark in _ASCII_CLAUSES and after.isspace()):
        return 5
    if before.isspace() or after.isspace():
        return 4
    if before.isalnum() and after.isalnum():
        scripts = _script(before), _script(after)
        return 1 if scripts == ("", "") else 2 if scripts[0] == scripts[1] else 3
    return 1 if after in _HANGING else 3


def _in_character(before: str, after: str) -> bool:
    return (
        unicodedata.category(after)[0] == "M"
        or after in _JOINERS
        or before == "\u200d"
        or ord(after) in _MODIFIERS
        or (ord(before) in _FLAGS and ord(after) in _FLAGS)
        or (before == "\r" and after == "\n")
    )


def _script(char: str) -> str:
    """Name the script of a character that is written without blanks between words, else ""."""
    code = ord(char)
    if 0x3040 <= code <= 0x309F:
        return "hiragana"
    if 0x30A0 <= code <= 0x30FF or 0xFF66 <= code <= 0xFF9F:
        return "katakana"
    han = 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or code >= 0x20000
    return "han" if han or char in "々〆" else ""


# ---------------------------------------------------------------- merging


@dataclass(frozen=True, slots=True)
class _Found:
    """An item as one window gave it, placed in the whole text; `cut`: it touches the border."""

    window: int
    number: int
    item: Pair | Fact
    score: float
    cut: bool

    @property
    def key(self) -> tuple[object, ...]:
        if isinstance(self.item, Fact):
            return self.item.fields
        return (self.item.label, self.item.entity, self.item.start)

    def disputes(self, other: _Found) -> bool:
        """Say whether two windows read the same place of the text in different ways."""
        if self.window == other.window or isinstance(self.item, Fact):
            return False
        one, two = self.item, other.item
        if not isinstance(two, Pair) or None in (one.start, two.start):
            return False
        return one.start < two.end and two.start < one.end  # type: ignore[operator]


def merge(
    record: Record, windows: Sequence[tuple[int, int]], parts: Sequence[Prediction]
) -> Prediction:
    """Return one prediction for the record from those of its windows.

    The label is the one with the largest sum of confidences; its score is that sum over the
    number of windows. Items get their places in the whole text; what two windows found alike
    comes once. Where two windows read overlapping places differently, an entity that does not
    touch the border of its window goes first, then the more confident one.
    """
    votes: dict[str, float] = {}
    for part in parts:
        votes[part.label] = votes.get(part.label, 0.0) + float(part.scores.get("label", 1.0))
    label = max(votes, key=lambda name: (bool(name), votes[name]))
    found = _settled(
        [f for at, part in enumerate(parts) for f in _found(at, windows[at], part, record.text)]
    )
    scores: dict[str, object] = {"items": [f.score for f in found]}
    if label:
        scores["label"] = votes[label] / len(parts)
    return replace(
        parts[0],
        id=record.id,
        text=record.text,
        meta=record.meta,
        label=label,
        pairs=tuple(f.item for f in found if isinstance(f.item, Pair)),
        facts=tuple(f.item for f in found if isinstance(f.item, Fact)),
        scores=scores if any(part.scores for part in parts) else {},
        completion="\n".join(part.completion or "" for part in parts),
        repairs=tuple(repair for part in parts for repair in part.repairs),
        ok=any(part.ok for part in parts),
    )


def _found(at: int, window: tuple[int, int], part: Prediction, text: str) -> list[_Found]:
    scores = part.scores.get("items") or [1.0] * len(part.items)
    begin, end = window
    items: tuple[Pair | Fact, ...] = (*part.pairs, *part.facts)
    out = []
    for number, (item, score) in enumerate(zip(items, scores, strict=True)):
        cut = False
        if isinstance(item, Pair) and item.start is not None and item.end is not None:
            item = replace(item, start=item.start + begin, end=item.end + begin)
            cut = (item.start == begin > 0) or (item.end == end < len(text))
        out.append(_Found(at, number, item, score, cut))
    return out


def _settled(found: Sequence[_Found]) -> list[_Found]:
    """Return what stays of the windows' items, in the order of the text."""
    kept: dict[tuple[object, ...], _Found] = {}
    near: dict[int, list[_Found]] = {}
    for one in sorted(found, key=lambda f: (f.cut, -f.score)):
        others = [o for at in range(one.window - 2, one.window + 3) for o in near.get(at, ())]
        if one.key in kept:
            best = max(one.score, kept[one.key].score)
            kept[one.key] = replace(kept[one.key], score=best)
        elif not any(one.disputes(other) for other in others):
            kept[one.key] = one
            near.setdefault(one.window, []).append(one)
    return sorted(kept.values(), key=_order)


def _order(found: _Found) -> tuple[int, int, int]:
    start = found.item.start if isinstance(found.item, Pair) else None
    return (1, found.window, found.number) if start is None else (0, start, found.number)
