"""The variance between runs, moderated over a family of comparisons (empirical Bayes).

Two or three runs of a system say little of how much its runs differ, and Student's law answers
with intervals of ten standard errors. A family of comparisons, the same training on several
sub-datasets, says more: each one's variance s^2, with d degrees of freedom, is drawn towards what
all have in common,

    (d0 s0^2 + d s^2) / (d0 + d),    with d0 + d degrees of freedom,

where s0^2 and d0 are fitted to the observed variances, whose logarithms scatter by trigamma(d / 2)
where runs differ alike everywhere, and more the smaller d0 is. This is the moderated t of Smyth
(2004), made for thousands of genes with a few samples each. With few comparisons d0 is found
roughly; so d0 + d is never taken for more than what all comparisons have together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, inf, isinf, log, sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING, NamedTuple

from pointline.score.runs import Spread, student, student_quantile
from pointline.score.significance import Interval

if TYPE_CHECKING:
    from pointline.score.difference import Difference

__all__ = ["FEWEST", "Prior", "moderated", "prior"]

#: Fewer comparisons than this do not tell what they have in common.
FEWEST = 4
_LEAST = 1e-5  # of the median: below it an observed variance is luck, and its logarithm wild
_CAUTION = 1.0
_SERIES = 12.0  # from where the asymptotic series are exact to rounding


class Prior(NamedTuple):
    """What the variances of a family have in common: s0^2 and its degrees of freedom, d0."""

    variance: float
    freedom: float


def prior(variances: Sequence[float], freedom: float) -> Prior | None:
    """Return the prior of variances that have `freedom` degrees of freedom each.

    None where they are fewer than `FEWEST`, or most of them are 0.

    >>> found = prior([1.0, 1.0, 1.0, 1.0], 2)
    >>> found.freedom  # they differ less than chance alone would have it
    inf
    """
    middle = median(variances) if variances else 0.0
    if len(variances) < FEWEST or not middle:
        return None
    shift = log(freedom / 2) - _digamma(freedom / 2)
    logs = [log(max(one, _LEAST * middle)) + shift for one in variances]
    mean = fmean(logs)
    chance = _trigamma(freedom / 2)
    extra = sum((one - mean) ** 2 for one in logs) / (len(logs) - 1) - chance
    extra += _CAUTION * chance / sqrt(len(logs))
    if extra <= 0:
        return Prior(fmean(variances), inf)
    half = _trigamma_inverse(extra)
    return Prior(exp(mean + _digamma(half) - log(half)), 2 * half)


def moderated(found: Mapping[str, Difference]) -> dict[str, Difference]:
    """Return a family's differences, those of several runs with moderated variance, p and interval.

    Differences of single runs are as they were, and all of them where the family is too small to
    moderate. Those of unequal numbers of runs are moderated among their like.
    """
    made = dict(found)
    for freedom in {one.spread.own for one in found.values() if one.spread is not None}:
        alike = {
            name: (one, one.spread)
            for name, one in found.items()
            if one.spread is not None and one.spread.own == freedom
        }
        common = prior([spread.variance for _, spread in alike.values()], freedom)
        if common is not None:
            most = freedom * len(alike)
            for name, (one, spread) in alike.items():
                made[name] = _with(one, _drawn(spread, common, most))
    return made


def _drawn(spread: Spread, common: Prior, most: float) -> Spread:
    """Return a spread whose variance between runs is drawn towards the common one."""
    own, freedom = spread.own, min(common.freedom + spread.own, most)
    weight = 0.0 if isinf(common.freedom) else own / (common.freedom + own)
    variance = weight * spread.variance + (1 - weight) * common.variance
    runs = max(variance * spread.shares, spread.least)
    whole = runs + spread.records
    return replace(
        spread,
        runs=runs,
        variance=variance,
        freedom=freedom * (whole / runs) ** 2 if runs else inf,
    )


def _with(one: Difference, spread: Spread) -> Difference:
    if not spread.deviation:
        return one
    half = student_quantile(one.interval.level, spread.freedom) * spread.deviation
    return replace(
        one,
        interval=Interval(one.value - half, one.value + half, one.interval.level),
        p=student(one.value / spread.deviation, spread.freedom),
        spread=spread,
        alone=one.p,
    )


# ---------------------------------------------------------------- special functions


def _digamma(x: float) -> float:
    below = 0.0
    while x < _SERIES:
        below, x = below + 1 / x, x + 1
    y = 1 / (x * x)
    return log(x) - 1 / (2 * x) - y * (1 / 12 - y * (1 / 120 - y * (1 / 252 - y / 240))) - below


def _trigamma(x: float) -> float:
    below = 0.0
    while x < _SERIES:
        below, x = below + 1 / (x * x), x + 1
    y = 1 / (x * x)
    return 1 / x + y / 2 + y / x * (1 / 6 - y * (1 / 30 - y * (1 / 42 - y / 30))) + below


def _trigamma_inverse(value: float) -> float:
    """Return the x whose trigamma is `value`; trigamma falls, and is convex."""
    low, high = 0.0, 1.0
    while _trigamma(high) > value:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _trigamma(middle) > value else (low, middle)
    return (low + high) / 2
