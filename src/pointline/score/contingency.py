"""Whether shares differ: exact and chi-squared tests of counts, and Wilson's interval of one share.

All tests are two-sided. Counts may be in the millions: factorials are logarithms here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, fsum, inf, lgamma, log, sqrt
from statistics import NormalDist

from pointline.errors import InputError
from pointline.score.significance import Interval

__all__ = [
    "ChiSquared",
    "benjamini_hochberg",
    "chi_squared",
    "fisher",
    "holm",
    "mcnemar",
    "wilson",
]

_TIE = 1e-7  # tables whose probabilities differ by less, relatively, are equally likely


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """Pearson's statistic of a table, its degrees of freedom and p.

    `smallest` is the smallest expected count: below 5, p is a rough guess.
    """

    statistic: float
    freedom: int
    p: float
    smallest: float


def wilson(part: int, whole: int, *, level: float = 0.95) -> Interval:
    """Return Wilson's score interval of the share part / whole, from 0 to 1 where whole is 0.

    Of p = part / whole, n = whole and the normal quantile z: the centre is
    (p + z²/2n) / (1 + z²/n), half the width z sqrt(p (1 - p) / n + z²/4n²) / (1 + z²/n).

    Raises InputError for counts that make no share, or a level outside (0, 1).

    >>> found = wilson(8, 10)
    >>> round(found.low, 4), round(found.high, 4)
    (0.4902, 0.9433)
    """
    if not 0 <= part <= whole or not 0 < level < 1:
        raise InputError(f"no share has an interval of {part} of {whole} at level {level}")
    if not whole:
        return Interval(0.0, 1.0, level)
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = part / whole, z * z / whole
    centre = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    # at the ends the exact value is the end itself, which rounding may miss by a hair
    low = 0.0 if part == 0 else max(0.0, centre - half)
    high = 1.0 if part == whole else min(1.0, centre + half)
    return Interval(low, high, level)


def fisher(a: int, b: int, c: int, d: int) -> float:
    """Return p of Fisher's exact test of the table ((a, b), (c, d)).

    p is the probability, the margins fixed, of all tables no likelier than this one. It answers
    for two independent samples; for the same records twice, see `mcnemar`.

    Raises InputError for a negative count.

    >>> round(fisher(3, 1, 1, 3), 4)  # a lady tasting tea: 34 of 70
    0.4857
    """
    _refuse_negative((a, b, c, d))
    row, other, column = a + b, c + d, a + c
    whole = _log_choose(row + other, column)
    first, last = max(0, column - other), min(row, column)
    if first == last:
        return 1.0

    def weight(x: int) -> float:
        return _log_choose(row, x) + _log_choose(other, column - x) - whole

    seen = weight(a) + _TIE
    return min(1.0, fsum(exp(w) for x in range(first, last + 1) if (w := weight(x)) <= seen))


def mcnemar(first: int, second: int) -> float:
    """Return p of McNemar's exact test, for the same records under two treatments.

    `first` counts the records that only the first treatment kept, `second` those that only the
    second did; records that both treated alike say nothing. p is that of a fair coin.

    Raises InputError for a negative count.

    >>> round(mcnemar(1, 5), 5)  # 2 (1 + 6) / 64
    0.21875
    """
    _refuse_negative((first, second))
    tosses = first + second
    half = tosses * log(2)
    tail = fsum(exp(_log_choose(tosses, x) - half) for x in range(min(first, second) + 1))
    return min(1.0, 2 * tail)


def chi_squared(table: Sequence[Sequence[int]]) -> ChiSquared:
    """Return Pearson's chi-squared test that all rows of a table of counts share one distribution.

    Rows and columns that are all zero say nothing and are left out; without a second row and
    column nothing can differ, and p is 1. No continuity correction.

    Raises InputError for a negative count, or rows of different lengths.

    >>> found = chi_squared([[10, 20], [20, 10]])  # every expected count is 15
    >>> round(found.statistic, 4), found.freedom, round(found.p, 4)
    (6.6667, 1, 0.0098)
    """
    if len({len(row) for row in table}) > 1:
        raise InputError("a table of counts has rows of one length")
    for row in table:
        _refuse_negative(row)
    rows = [sum(row) for row in table]
    columns = [sum(column) for column in zip(*table, strict=True)]
    total = sum(rows)
    terms, smallest = [], inf
    for row, of_row in zip(table, rows, strict=True):
        for count, of_column in zip(row, columns, strict=True):
            if of_row and of_column:
                expected = of_row * of_column / total
                smallest = min(smallest, expected)
                terms.append((count - expected) ** 2 / expected)
    freedom = max(0, (sum(map(bool, rows)) - 1) * (sum(map(bool, columns)) - 1))
    statistic = fsum(terms)
    return ChiSquared(statistic, freedom, _beyond(statistic, freedom), smallest)


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """Return p values corrected for their number by Holm's step-down method, in their order.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, least = [0.0] * len(values), 0.0
    for rank, at in enumerate(order):
        least = max(least, min(1.0, (len(values) - rank) * values[at]))
        corrected[at] = least
    return tuple(corrected)


def benjamini_hochberg(values: Sequence[float]) -> tuple[float, ...]:
    """Return p values corrected for their number by Benjamini and Hochberg, in their order.

    Where Holm bounds the chance of a single false finding, this bounds the expected share of false
    ones among the findings.

    >>> [round(p, 3) for p in benjamini_hochberg([0.01, 0.04, 0.03])]
    [0.03, 0.04, 0.04]
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    corrected, most = [1.0] * len(values), 1.0
    for rank, at in reversed(list(enumerate(order, start=1))):
        most = min(most, values[at] * len(values) / rank)
        corrected[at] = most
    return tuple(corrected)


def _beyond(statistic: float, freedom: int) -> float:
    """Return the probability that chi-squared is greater: Q(a, x), a = freedom / 2, x = half of it.

    Q(1/2, x) = erfc(sqrt x), Q(1, x) = exp(-x) and Q(a + 1, x) = Q(a, x) + x^a exp(-x) / a!.
    """
    x = statistic / 2
    if freedom == 0 or x <= 0:
        return 1.0
    at, terms = (0.5, [erfc(sqrt(x))]) if freedom % 2 else (1.0, [exp(-x)])
    while at < freedom / 2:
        terms.append(exp(at * log(x) - x - lgamma(at + 1)))
        at += 1
    return min(1.0, fsum(terms))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _refuse_negative(counts: Sequence[int]) -> None:
    if min(counts, default=0) < 0:
        raise InputError(f"a count is 0 or more, got {min(counts)}")
