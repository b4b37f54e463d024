"""Entropy, mutual information and its null, likelihood ratios: of counts, in bits.

Observations are pairs of whole numbers from 0: a label and a value. Numbers of numpy, no names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]

__all__ = ["Fourfold", "entropy", "fourfold", "mutual_information", "shuffled"]


def entropy(values: Ints) -> float:
    """Return the entropy of the observed shares, H = -sum p log2 p.

    >>> import numpy as np
    >>> entropy(np.array([0, 0, 1, 1, 2, 2, 3, 3]))
    2.0
    """
    import numpy as np

    counts = np.bincount(values)
    counts = counts[counts > 0]
    total = counts.sum()
    return float(np.log2(total) - (counts * np.log2(counts)).sum() / total) if total else 0.0


def mutual_information(labels: Ints, values: Ints) -> float:
    """Return I(L; X) = H(L) + H(X) - H(L, X) of the observed pairs (the plug-in estimate).

    >>> import numpy as np
    >>> mutual_information(np.array([0, 0, 1, 1]), np.array([5, 5, 7, 7]))
    1.0
    >>> mutual_information(np.array([0, 0, 1, 1]), np.array([5, 7, 5, 7]))
    0.0
    """
    if not len(labels):
        return 0.0
    _, joint = _joint(labels, values)
    return max(0.0, entropy(labels) + entropy(values) - _entropy_of(joint))


def shuffled(
    label_of: Ints, records: Ints, values: Ints, *, times: int, rng: np.random.Generator
) -> Floats:
    """Return the mutual information for `times` deals of the labels to the records.

    `label_of` is the label of each record, `records` the record of each observation. Only records
    that have observations take part, and each keeps all of its own.
    """
    import numpy as np

    there, at = np.unique(records, return_inverse=True)
    labels = label_of[there]
    told = entropy(values)
    found = np.zeros(times)
    for deal in range(times if len(values) else 0):
        dealt = rng.permutation(labels)[at]
        _, joint = _joint(dealt, values)
        found[deal] = max(0.0, entropy(dealt) + told - _entropy_of(joint))
    return found


def _joint(labels: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Return the pairs that occur, as label * width + value, and how often each does."""
    import numpy as np

    width = int(values.max()) + 1
    pairs = labels.astype(np.int64) * width + values
    if width * (int(labels.max()) + 1) > 4 * len(pairs) + 1000:
        return np.unique(pairs, return_counts=True)
    counts = np.bincount(pairs)
    there = np.flatnonzero(counts)
    return there, counts[there]


def _entropy_of(counts: Ints) -> float:
    import numpy as np

    total = counts.sum()
    return float(np.log2(total) - (counts * np.log2(counts)).sum() / total)


class Fourfold(NamedTuple):
    """For each label and value that meet: how many records have both, and what is expected."""

    labels: Ints
    values: Ints
    both: Ints
    expected: Floats
    pmi: Floats
    g2: Floats


def fourfold(label_of: Ints, records: Ints, values: Ints) -> Fourfold:
    """Return the fourfold tables of records: with the label or not, with the value or not.

    A record counts once for a value, however often it has it. `expected` is under independence,
    `pmi` = log2(both / expected), `g2` = 2 sum O ln(O / E) over the four cells (Dunning 1993).
    """
    import numpy as np

    width = int(values.max()) + 1
    once = np.unique(records.astype(np.int64) * width + values)
    records, values = once // width, once % width
    pairs, both = _joint(label_of[records], values)
    labels, values = pairs // width, pairs % width
    total = len(label_of)
    of_label = np.bincount(label_of)[labels].astype(float)
    of_value = np.bincount(once % width)[values].astype(float)
    expected = of_label * of_value / total
    cells = (
        (both.astype(float), expected),
        (of_label - both, of_label * (total - of_value) / total),
        (of_value - both, (total - of_label) * of_value / total),
        (total - of_label - of_value + both, (total - of_label) * (total - of_value) / total),
    )
    g2 = np.zeros(len(both))
    for seen, thought in cells:
        some = seen > 0
        g2[some] += 2 * seen[some] * np.log(seen[some] / thought[some])
    return Fourfold(labels, values, both, expected, np.log2(both / expected), g2)
