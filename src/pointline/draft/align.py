"""Finding another form of the same words in a text."""

from __future__ import annotations

from pointline.draft.squash import bounded, numbers, squash
from pointline.errors import MissingExtra
from pointline.format.text import chunks

__all__ = ["THRESHOLD", "aligned"]

#: The least similarity of what is taken for another form of the same words.
THRESHOLD = 0.8


def aligned(
    text: str, string: str, *, threshold: float = THRESHOLD
) -> list[tuple[int, int, float]]:
    """Return the place of the span that is most like a string, [] where none is like enough."""
    try:
        from rapidfuzz import fuzz
    except ImportError:
        raise MissingExtra("rapidfuzz", extra="draft") from None
    wanted = squash(string).text
    best: tuple[float, int, int] | None = None
    edges = [0]
    for piece in chunks(text, words=True):
        edges.append(edges[-1] + len(piece))
    for at, start in enumerate(edges[:-1]):
        for end in edges[at + 1 :]:
            if end - start > 2 * len(string) + 4:
                break
            score = fuzz.ratio(wanted, squash(text[start:end]).text) / 100
            if score < threshold or (best is not None and score <= best[0]):
                continue
            if bounded(text, start, end) and numbers(text[start:end]) == numbers(string):
                best = (score, start, end)
    return [(best[1], best[2], best[0])] if best else []
