"""Approximate randomisation: had the two systems' answers been exchanged at random, what then?

If two systems are equally good, the names over a record's two answers could be exchanged and
nothing would change. So each record is exchanged with probability 1/2, many times, and p is the
share of times in which the difference is at least as large as the one that was seen (Noreen 1989;
for extraction, Chinchor 1992). Only records on which the two sides differ can move anything, and
of them only by how much: equal moves are drawn together, with a binomial law.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

from pointline.score.significance import CELLS, Statistic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["randomised"]

Name = TypeVar("Name", bound=str)

_TIE = 1e-12  # differences that lie closer are the same, whatever rounding made of them


def randomised(
    rows: Mapping[tuple[int, ...], int],
    statistics: Mapping[Name, Statistic],
    *,
    resamples: int = 10_000,
    seed: int = 0,
) -> dict[Name, float]:
    """Return the two-sided p of each statistic's difference between two systems.

    The first half of a row holds what the first system brought on a record, the second half what
    the second did; `rows` says how many records brought each row, and a statistic is of one half.
    p is (1 + exchanges at least as far apart) / (1 + resamples): never 0, and 1 for equal sides.

    >>> from pointline.score.significance import share
    >>> rows = {(0, 1, 1, 1): 5, (1, 1, 0, 1): 1, (1, 1, 1, 1): 94}
    >>> round(randomised(rows, {"right": share(0, 1)})["right"], 1)  # McNemar's exact p is 0.21875
    0.2
    """
    import numpy as np

    width = len(next(iter(rows))) // 2
    table = np.array(list(rows), dtype=np.float64)
    sums = np.array(list(rows.values()), dtype=np.float64) @ table
    first, second = sums[None, :width], sums[None, width:]
    seen = {name: float(abs(of(second) - of(first))[0]) - _TIE for name, of in statistics.items()}
    far = dict.fromkeys(statistics, 0)
    for moved in _moves(rows, width, resamples, seed):
        for name, of in statistics.items():
            apart = np.abs(of(second - moved) - of(first + moved))
            far[name] += int((apart >= seen[name]).sum())
    return {name: (1 + count) / (1 + resamples) for name, count in far.items()}


def _moves(
    rows: Mapping[tuple[int, ...], int], width: int, resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """Yield what exchanging gives to the first system's sums, (some, width) at a time."""
    import numpy as np

    moves: Counter[tuple[int, ...]] = Counter()
    for row, count in rows.items():
        move = tuple(b - a for a, b in zip(row[:width], row[width:], strict=True))
        if any(move):
            moves[move] += count
    ordered = sorted(moves.items())
    steps = np.array([move for move, _ in ordered], dtype=np.float64).reshape(-1, width)
    counts = np.array([count for _, count in ordered], dtype=np.int64)
    rng = np.random.default_rng(seed)
    chunk = max(1, CELLS // max(1, len(ordered)))
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        yield rng.binomial(counts, 0.5, size=(size, len(ordered))) @ steps
