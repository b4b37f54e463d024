"""Text: code-point offsets, width folding, finding a mention.

Nothing here splits on white space alone, and nothing folds a text before its offsets are kept:
`Folded` carries, for every folded character, the place in the original that it came from.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Folded", "Place", "chunks", "find_folded", "fold", "occurrences", "place"]

# Latin letters with their diacritics, digits and combining marks: what a writer of English means
# by the inside of a word. Every other character stands alone.
_CHUNK = re.compile(r"[0-9A-Za-zÀ-ÖØ-öø-ɏ̀-ͯḀ-ỿ]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mention is: [start, end) in code points; `ambiguous` if the text offered others."""

    start: int
    end: int
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Folded:
    """A text folded for comparison, and the way back.

    `starts[i]` and `ends[i]` are the original's [start, end) that folded character i came from.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def occurrences(text: str, entity: str) -> list[int]:
    """Return every start of `entity` in `text`, overlapping ones included.

    >>> occurrences("ああああ", "ああ")
    [0, 1, 2]
    """
    found, at = [], text.find(entity) if entity else -1
    while at >= 0:
        found.append(at)
        at = text.find(entity, at + 1)
    return found


def place(text: str, entities: Sequence[str]) -> list[Place | None]:
    """Return a place for each entity: the k-th mention of a string takes its k-th occurrence.

    Mentions beyond the last occurrence take the last one. A place is ambiguous where the string
    occurs more than once and not as often as it is mentioned. None: the string does not occur.

    >>> place("甲と乙と甲", ["甲", "甲", "丙"])
    [Place(start=0, end=1, ambiguous=False), Place(start=4, end=5, ambiguous=False), None]
    """
    mentions = Counter(entities)
    starts = {entity: occurrences(text, entity) for entity in mentions}
    seen: Counter[str] = Counter()
    places: list[Place | None] = []
    for entity in entities:
        found = starts[entity]
        if not found:
            places.append(None)
            continue
        start = found[min(seen[entity], len(found) - 1)]
        seen[entity] += 1
        ambiguous = len(found) > 1 and mentions[entity] != len(found)
        places.append(Place(start, start + len(entity), ambiguous))
    return places


@lru_cache(maxsize=64)
def fold(text: str) -> Folded:
    """Fold width, case, dashes, quotes and blanks, keeping the way back to the original.

    Folding goes cluster by cluster (a character with its combining or half-width voicing marks),
    so that a composed and a decomposed spelling fold to the same string.

    >>> fold("Ａｄａ").text, fold("ﾊﾞｽ").text, fold("ﾊﾞｽ").ends
    ('ada', 'バス', (2, 3))
    """
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(text):
        end = at + 1
        while end < len(text) and _joins(text[end]):
            end += 1
        for char in _fold_cluster(text[at:end]):
            out.append(char)
            starts.append(at)
            ends.append(end)
        at = end
    return Folded("".join(out), tuple(starts), tuple(ends))


def find_folded(text: str, entity: str) -> list[Place]:
    """Return where `entity` occurs in `text` when both are folded.

    >>> find_folded("ＩＢＭの新製品", "ibm")
    [Place(start=0, end=3, ambiguous=False)]
    """
    wanted = fold(entity).text
    if not wanted:
        return []
    folded = fold(text)
    places = []
    for at in occurrences(folded.text, wanted):
        last = at + len(wanted) - 1
        splits_before = at > 0 and folded.starts[at] == folded.starts[at - 1]
        splits_after = last + 1 < len(folded.text) and folded.ends[last] == folded.ends[last + 1]
        if not (splits_before or splits_after):
            places.append(Place(folded.starts[at], folded.ends[last]))
    return places


def chunks(text: str, *, words: bool) -> list[str]:
    """Split a text into the pieces that a mention may begin and end with.

    `words=True` keeps a Latin word or number whole; any other character is a piece of its own.

    >>> chunks("Ada的猫", words=True), len(chunks("Ada的猫", words=False))
    (['Ada', '的', '猫'], 5)
    """
    return _CHUNK.findall(text) if words else list(text)


_SAME = {
    **dict.fromkeys("‐‑‒–—―−", "-"),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟″", '"'),
}


def _joins(char: str) -> bool:
    return unicodedata.combining(char) != 0 or char in "ﾞﾟ"


def _fold_cluster(cluster: str) -> str:
    folded = unicodedata.normalize("NFKC", cluster).casefold()
    return "".join(_SAME.get(char, char) for char in folded if not char.isspace())
