"""Near-duplicates: texts that share most of their runs of three characters.

MinHash with banding proposes pairs; the exact Jaccard similarity of the runs decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from pointline.errors import MissingExtra

__all__ = ["GRAM", "THRESHOLD", "Near", "grams", "neighbours", "similarity"]

#: Characters in a run.
GRAM = 3

#: Two texts with this Jaccard similarity or more are near-duplicates.
THRESHOLD = 0.7

# Two texts are proposed where one of 32 bands of 4 hashes is the same in both, so of the pairs
# with a similarity of 0.7 fewer than 2 in 10,000 are missed: (1 - 0.7 ** 4) ** 32.
_BANDS = (32, 4)
_HASHES = _BANDS[0] * _BANDS[1]


@dataclass(frozen=True, slots=True, order=True)
class Near:
    """Two texts by their places in the sequence, the first before the second."""

    first: int
    second: int
    similarity: float


def grams(key: str) -> frozenset[str]:
    """Return the runs of `GRAM` characters of a text; a shorter text is one run.

    >>> sorted(grams("abcd")), sorted(grams("ab"))
    (['abc', 'bcd'], ['ab'])
    """
    return frozenset(key[at : at + GRAM] for at in range(max(1, len(key) - GRAM + 1)))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard similarity of two sets that are not empty: shared of all.

    >>> similarity(grams("abcd"), grams("abcde"))
    0.6666666666666666
    """
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def neighbours(keys: Sequence[str]) -> list[Near]:
    """Return all pairs of near-duplicates among texts, given as `twins.key` gives them, in order.

    Raises MissingExtra where datasketch is not installed.

    >>> neighbours(["thecatsatonthemat", "adogbarked", "thecatsatonthemap"])
    [Near(first=0, second=2, similarity=0.8666666666666667)]
    """
    found = []
    for first, second in _proposed(keys):
        alike = similarity(grams(keys[first]), grams(keys[second]))
        if alike >= THRESHOLD:
            found.append(Near(first, second, alike))
    return sorted(found)


def _proposed(keys: Sequence[str]) -> Iterator[tuple[int, int]]:
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise MissingExtra("datasketch", extra="corpora") from None
    index = MinHashLSH(num_perm=_HASHES, params=_BANDS)
    hashes = MinHash.generator(map(grams, keys), num_perm=_HASHES, hashfunc=_hash)
    for second, minhash in enumerate(hashes):
        for first in index.query(minhash):
            yield first, second
        index.insert(second, minhash, check_duplication=False)


def _hash(gram: str) -> int:
    return crc32(gram.encode())
