"""Whether flow predicts what an ablation finds: rank correlation over datasets.

Two sides meet by the name of the dataset: from the flow study a number for how strongly the
information of the other level reaches the answer, from the ablation the difference of F1 that
showing it made.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atanh, sqrt, tanh
from statistics import NormalDist

from pointline.errors import InputError
from pointline.score.significance import Interval

__all__ = ["Correlation", "correlate", "spearman"]

_SHUFFLES = 9999
_FEWEST = 4  # datasets from which an interval can be given


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's correlation over datasets, its interval, and p of a permutation test.

    `pairs` are the values that went in, by dataset: flow, ablation.
    """

    rho: float
    interval: Interval
    p: float
    pairs: Mapping[str, tuple[float, float]]


def correlate(
    flow: Mapping[str, float], ablation: Mapping[str, float], *, level: float = 0.95, seed: int = 0
) -> Correlation:
    """Return how far the datasets' order by flow is that by the ablation's difference.

    The interval is Fisher's, with the variance (1 + rho² / 2) / (n - 3) of Bonett and Wright
    (2000); p, two-sided, is the share of 9,999 drawn permutations with a correlation as great.

    Raises InputError for fewer than four datasets that both sides have.

    >>> found = correlate({"a": 1, "b": 2, "c": 3, "d": 9}, {"a": 0, "b": 1, "c": 4, "d": 2})
    >>> round(found.rho, 2)
    0.8
    """
    names = [name for name in flow if name in ablation]
    if len(names) < _FEWEST:
        raise InputError(
            f"a correlation needs {_FEWEST} datasets that both studies have: there are {len(names)}"
        )
    first, second = [flow[name] for name in names], [ablation[name] for name in names]
    rho = spearman(first, second)
    draw = random.Random(seed)
    as_great = 1
    for _ in range(_SHUFFLES):
        dealt = draw.sample(second, len(second))
        as_great += abs(spearman(first, dealt)) >= abs(rho) - 1e-12
    pairs = {name: (flow[name], ablation[name]) for name in names}
    return Correlation(rho, _interval(rho, len(names), level), as_great / (_SHUFFLES + 1), pairs)


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation, ties by their mean rank; 0 where one side is constant.

    Raises InputError for sides of different lengths.

    >>> spearman([1, 2, 3], [10, 20, 15])
    0.5
    """
    if len(first) != len(second):
        raise InputError(f"a correlation is of pairs: {len(first)} values against {len(second)}")
    a, b = _ranks(first), _ranks(second)
    mean = (len(a) - 1) / 2
    top = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    whole = sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))
    return top / whole if whole else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    order = sorted(range(len(values)), key=lambda at: values[at])
    ranks = [0.0] * len(values)
    start = 0
    for at in range(1, len(order) + 1):
        if at == len(order) or values[order[at]] != values[order[start]]:
            for place in order[start:at]:
                ranks[place] = (start + at - 1) / 2
            start = at
    return ranks


def _interval(rho: float, count: int, level: float) -> Interval:
    inside = max(-1 + 1e-12, min(1 - 1e-12, rho))
    half = NormalDist().inv_cdf((1 + level) / 2) * sqrt((1 + rho * rho / 2) / (count - 3))
    return Interval(tanh(atanh(inside) - half), tanh(atanh(inside) + half), level)
