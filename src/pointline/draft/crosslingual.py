"""Finding a mention by meaning: where vectors of the source's tokens meet those of the translation.

The tokens of a mention are aligned with the tokens of the translation that they are nearest to and
that are nearest to them (the mutual argmax of SimAlign: Jalili Sabet et al. 2020). The vectors are
the caller's: hidden states of a multilingual encoder, say. The step is off unless they are given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointline.draft.repair import Located, Step
from pointline.draft.squash import bounded

__all__ = ["Encoded", "Encoder", "meet"]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A text's tokens as [start, end) in code points, and a vector for each: (tokens, width)."""

    places: Sequence[tuple[int, int]]
    vectors: NDArray[np.floating]


#: Gives a text's tokens and their vectors; both languages in one space.
Encoder = Callable[[str], Encoded]


def meet(
    source: str,
    spans: Sequence[tuple[int, int]],
    text: str,
    encoder: Encoder,
    *,
    threshold: float = 0.6,
) -> tuple[Located | None, ...]:
    """Return for each [start, end) of a source text the span of its translation that it meets.

    None where no token of it meets another, the tokens that it meets do not stand together, the
    span's edges are within a word, or their mean cosine is below `threshold` in [-1, 1]. Spans do
    not overlap: of two that would, the one of the greater cosine stays.
    """
    one, other = encoder(source), encoder(text)
    if not (spans and len(one.places) and len(other.places)):
        return (None,) * len(spans)
    cosines = _unit(one.vectors) @ _unit(other.vectors).T
    mutual = cosines.argmax(axis=1)
    mutual = np.where(cosines.argmax(axis=0)[mutual] == np.arange(len(mutual)), mutual, -1)
    found = [_span(one.places, span, other.places, cosines, mutual) for span in spans]
    places: list[Located | None] = [None] * len(spans)
    for at in sorted(range(len(spans)), key=lambda at: -(found[at] or (0, 0, -1.0))[2]):
        start, end, score = found[at] or (0, 0, -1.0)
        free = all(not p or end <= p.start or p.end <= start for p in places)
        if start < end and score >= threshold and free and bounded(text, start, end):
            places[at] = Located(text[start:end], start, end, Step.CROSSLINGUAL, min(1.0, score))
    return tuple(places)


def _span(
    tokens: Sequence[tuple[int, int]],
    span: tuple[int, int],
    others: Sequence[tuple[int, int]],
    cosines: NDArray[np.floating],
    mutual: NDArray[np.integer],
) -> tuple[int, int, float] | None:
    """Return the span that the tokens within a span meet, and their mean cosine."""
    within = [k for k, (start, end) in enumerate(tokens) if start < span[1] and span[0] < end]
    met = {k: int(mutual[k]) for k in within if mutual[k] >= 0}
    if not met:
        return None
    first, last = min(met.values()), max(met.values())
    if last - first + 1 > 2 * len(set(met.values())):
        return None
    score = float(np.mean([cosines[k, to] for k, to in met.items()]))
    return others[first][0], others[last][1], score


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths))
