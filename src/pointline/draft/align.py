"""Finding another form of wanted words in a text: inflected, respelled, with words turned.

Every run of whole words (of characters, in Japanese and Chinese) that is at all similar, as
rapidfuzz measures it, is a candidate; one that is a form of the same words (`forms`) is a place.
Similarity alone does not do: of the 317 written cases (benchmarks/span_repair.py) it finds 63
right and 62 wrong at 0.8, 27 and 9 at 0.9; with forms it is 107 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pointline.draft.forms import NUMERALS, alike, opening
from pointline.draft.squash import bounded, squash
from pointline.errors import MissingExtra
from pointline.format.text import chunks

__all__ = ["THRESHOLD", "aligned"]

#: The least similarity of a candidate, in [0, 1] (benchmarks/span_repair.py).
THRESHOLD = 0.25

_MOST = 240  # characters of a wanted string: longer ones are no mentions
_Place = tuple[int, int, float]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a text at [start, end), squashed at [first, last) of the squashed text."""

    start: int
    end: int
    first: int
    last: int


def aligned(text: str, wanted: str, *, threshold: float = THRESHOLD) -> list[_Place]:
    """Return the places of other forms of wanted words, the best first, none overlapping.

    Raises MissingExtra without `rapidfuzz`.

    >>> aligned("Two robots and a dog.", "the robot")[0][:2]
    (4, 10)
    >>> aligned("空が美しかった。", "美しい")[0][:2]
    (2, 7)
    """
    if not wanted.strip() or len(wanted) > _MOST:
        return []
    found = [
        (start, end, score)
        for (start, end), score in _similar(text, wanted, threshold).items()
        if bounded(text, start, end) and alike(wanted, text[start:end])
    ]
    found.sort(key=lambda place: _rank(text, place))
    places: list[_Place] = []
    for start, end, score in found:
        if all(end <= other or last <= start for other, last, _ in places):
            places.append((start, end, score))
    return places


def _rank(text: str, place: _Place) -> tuple[float, float, int]:
    """Return what the best place has least of: a Japanese ending is taken in whole."""
    start, end, score = place
    return (0 if text[start:end].isascii() else start - end, -score, start)


def _similar(text: str, wanted: str, threshold: float) -> dict[tuple[int, int], float]:
    """Return the runs of pieces that are similar to a wanted string, with their similarity."""
    try:
        from rapidfuzz import fuzz, process
    except ImportError:
        raise MissingExtra("rapidfuzz", extra="draft") from None
    plain, pieces = _pieces(text)
    runs = list(_runs(plain, pieces, wanted))
    strings = [plain[one.first : other.last] for one, other in runs]
    found: dict[tuple[int, int], float] = {}
    for scorer in (fuzz.ratio, fuzz.token_sort_ratio):
        best = process.extract(
            _pieces(wanted)[0], strings, scorer=scorer, limit=None, score_cutoff=100 * threshold
        )
        for _, score, at in best:
            place = runs[at][0].start, runs[at][1].end
            found[place] = max(score / 100, found.get(place, 0.0))
    return found


@lru_cache(maxsize=64)
def _pieces(text: str) -> tuple[str, tuple[_Piece, ...]]:
    """Return a text squashed, with a blank for blanks, and the pieces that have a place in it."""
    plain, at, pieces = "", 0, []
    for chunk in chunks(text, words=True):
        squashed = squash(chunk).text.translate(NUMERALS)
        if chunk[0].isalnum() and squashed:
            pieces.append(_Piece(at, at + len(chunk), len(plain), len(plain) + len(squashed)))
        elif chunk.isspace() and not plain.endswith(" "):
            squashed = " "
        plain += squashed
        at += len(chunk)
    return plain, tuple(pieces)


def _runs(plain: str, pieces: tuple[_Piece, ...], wanted: str) -> Iterator[tuple[_Piece, _Piece]]:
    """Yield the first and last pieces of what may be a form of a wanted string."""
    words, its_pieces = _pieces(wanted)
    openings = {opening(words[piece.first :]) for piece in its_pieces}
    least, most = len(wanted) // 3, 2 * len(wanted) + 8
    for at, one in enumerate(pieces):
        if opening(plain[one.first :]) not in openings:
            continue
        for other in pieces[at:]:
            if other.end - one.start > most:
                break
            if other.end - one.start >= least:
                yield one, other
