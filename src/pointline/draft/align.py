"""Finding another form of wanted words in a text: inflected, respelled, with a word turned.

Every run of whole words (of characters, in Japanese and Chinese) that is like enough, as rapidfuzz
measures it, is a candidate; one that is a form of the same words (`forms`) is a place.
"""

from __future__ import annotations

from collections.abc import Iterator

from pointline.draft.forms import alike
from pointline.draft.squash import bounded, squash
from pointline.errors import MissingExtra
from pointline.format.text import chunks

__all__ = ["THRESHOLD", "aligned"]

#: The least similarity of a form of the same words, in [0, 1] (benchmarks/span_repair.py).
THRESHOLD = 0.25

_MOST = 240  # characters of a wanted string: longer ones are no mentions
_Place = tuple[int, int, float]


def aligned(text: str, wanted: str, *, threshold: float = THRESHOLD) -> list[_Place]:
    """Return the places of other forms of wanted words, the most similar first, none overlapping.

    Raises MissingExtra without `rapidfuzz`.

    >>> aligned("Two robots and a dog.", "the robot")[0][:2], aligned("空が美しかった。", "美しい")[0][:2]
    ((4, 10), (2, 7))
    """
    if not wanted.strip() or len(wanted) > _MOST:
        return []
    found = [
        (start, end, score)
        for start, end, score in _similar(text, wanted, threshold)
        if bounded(text, start, end) and alike(wanted, text[start:end])
    ]
    found.sort(key=lambda place: (-_rank(text, wanted, place), place[0]))
    places: list[_Place] = []
    for start, end, score in found:
        if all(end <= other or last <= start for other, last, _ in places):
            places.append((start, end, score))
    return places


def _rank(text: str, wanted: str, place: _Place) -> float:
    """Return how good a place is: a Japanese ending is taken in whole, a small word is not."""
    start, end, score = place
    return score + 0.5 * (end - start) / len(wanted) * (not text[start:end].isascii())


def _similar(text: str, wanted: str, threshold: float) -> Iterator[_Place]:
    """Yield the runs of pieces that are like a wanted string, with their similarity."""
    try:
        from rapidfuzz import fuzz, process
    except ImportError:
        raise MissingExtra("rapidfuzz", extra="draft") from None
    places = list(_runs(text, wanted))
    runs = [_comparable(text[start:end]) for start, end in places]
    for scorer in (fuzz.ratio, fuzz.token_sort_ratio):
        similar = process.extract(
            _comparable(wanted), runs, scorer=scorer, limit=None, score_cutoff=100 * threshold
        )
        for _, score, at in similar:
            yield (*places[at], score / 100)


def _comparable(string: str) -> str:
    return " ".join(squash(word).text for word in string.split())


def _runs(text: str, wanted: str) -> Iterator[tuple[int, int]]:
    """Yield the runs of pieces that may be a form of a wanted string, from word to word."""
    edges = [0]
    for piece in chunks(text, words=True):
        edges.append(edges[-1] + len(piece))
    least, most = len(wanted) // 3, 2 * len(wanted) + 8
    for at, start in enumerate(edges[:-1]):
        if not text[start].isalnum():
            continue
        for end in edges[at + 1 :]:
            if end - start > most:
                break
            if end - start >= least and text[end - 1].isalnum():
                yield start, end
