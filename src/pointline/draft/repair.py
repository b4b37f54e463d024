"""Finding in a translation the words that the model gave for each entity, step by step.

A wrong span is worse than a lost one: it stays in the data. So each step takes only what it is
sure of, and leaves the rest to the next.

1. VERBATIM: the words as they are, at the edges of words.
2. NORMALISED: but for width, case, accents, blanks, punctuation, and hiragana or katakana.
3. ALIGNED: another form of the same words (`align`).

ASKED and CROSSLINGUAL are the caller's: what a model gave when it was asked for the missing words
again, and where vectors of both languages meet (`crosslingual`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pointline.draft.align import THRESHOLD, aligned
from pointline.draft.squash import bounded, find_squashed
from pointline.format.text import occurrences

__all__ = ["THRESHOLD", "Located", "Step", "locate"]


class Step(StrEnum):
    """How a mention was found, in the order in which it is tried."""

    VERBATIM = "verbatim"
    NORMALISED = "normalised"
    ASKED = "asked"
    ALIGNED = "aligned"
    CROSSLINGUAL = "cross-lingual"


@dataclass(frozen=True, slots=True)
class Located:
    """Where a mention is, `text[start:end] == entity`; which step found it, how sure in [0, 1]."""

    entity: str
    start: int
    end: int
    step: Step = Step.VERBATIM
    score: float = 1.0


_Place = tuple[int, int, float]
_Search = Callable[[str, str], list[_Place]]


def locate(
    text: str, wanted: Sequence[str], *, threshold: float | None = THRESHOLD
) -> tuple[Located | None, ...]:
    """Return where each wanted string is in a text, None where no step finds it.

    The k-th mention of a string takes its k-th place. A string leaves the places of longer ones
    alone as long as it has another; mentions beyond the last place share it. `threshold` is the
    least similarity of an aligned mention in [0, 1]; None turns that step off.

    Raises MissingExtra without `rapidfuzz`, unless the step is off.

    >>> found = locate("東京大学は東京にある。ＩＢＭも。", ["東京", "東京大学", "IBM", "奈良"])
    >>> [(f.entity, f.start, str(f.step)) if f else None for f in found]
    [('東京', 5, 'verbatim'), ('東京大学', 0, 'verbatim'), ('ＩＢＭ', 11, 'normalised'), None]
    """
    found = _Found(text, wanted)
    found.search(Step.VERBATIM, _verbatim)
    found.search(Step.NORMALISED, _normalised)
    if threshold is not None:
        least = threshold
        found.search(Step.ALIGNED, lambda text, string: aligned(text, string, threshold=least))
    return found.shared()


class _Found:
    """The mentions that are found so far."""

    def __init__(self, text: str, wanted: Sequence[str]) -> None:
        self.text, self.wanted = text, wanted
        self.located: list[Located | None] = [None] * len(wanted)

    def lost(self) -> list[str]:
        """Return the strings of which no mention is found, longest first."""
        known = {
            string
            for string, located in zip(self.wanted, self.located, strict=True)
            if located is not None
        }
        lost = dict.fromkeys(one for one in self.wanted if one.strip() and one not in known)
        return sorted(lost, key=len, reverse=True)

    def search(self, step: Step, search: _Search) -> None:
        """Give places to the mentions that have none: free ones, or else those within others."""
        lost = self.lost()
        strings = dict.fromkeys((*lost, *self._unplaced()))
        for string in sorted(strings, key=len, reverse=True):
            places = search(self.text, string)
            free = [place for place in places if not self._taken(place)]
            if not free and string in lost:
                free = places
            self._assign(step, string, free)

    def shared(self) -> tuple[Located | None, ...]:
        """Return all mentions, those of a string in the order of the text; the last is shared."""
        for string in dict.fromkeys(self.wanted):
            mentions = [at for at, one in enumerate(self.wanted) if one == string]
            places = [one for at in mentions if (one := self.located[at]) is not None]
            places.sort(key=lambda one: one.start)
            for k, at in enumerate(mentions if places else ()):
                self.located[at] = places[min(k, len(places) - 1)]
        return tuple(self.located)

    def _unplaced(self) -> list[str]:
        pairs = zip(self.wanted, self.located, strict=True)
        return [string for string, located in pairs if located is None and string.strip()]

    def _taken(self, place: _Place) -> bool:
        start, end, _ = place
        return any(one and one.start < end and start < one.end for one in self.located)

    def _assign(self, step: Step, string: str, places: list[_Place]) -> None:
        waiting = [
            at for at, one in enumerate(self.wanted) if one == string and self.located[at] is None
        ]
        for at, (start, end, score) in zip(waiting, places, strict=False):
            self.located[at] = Located(self.text[start:end], start, end, step, score)


def _verbatim(text: str, string: str) -> list[_Place]:
    starts = occurrences(text, string)
    places = [(start, start + len(string), 1.0) for start in starts]
    return [place for place in places if bounded(text, place[0], place[1])]


def _normalised(text: str, string: str) -> list[_Place]:
    return [(start, end, 1.0) for start, end in find_squashed(text, string)]
