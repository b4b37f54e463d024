"""From sums to curves: S_wp, S_pq and S_ww by layer, held against chance.

Of a sample, in a layer (Wang et al. 2023; Gan et al. for a span in the place of a label word):

    S_wp = mean of I(i, j) over i in the information, j in the source (text, or all before i)
    S_pq = mean of I(q, i) over i in the information, q the target's position
    S_ww = mean of I(i, j) over all other pairs j < i

A curve is the mean over samples; a share is a mean divided by the sum of the three in its layer.
The null puts a random set of positions, as many as there are of information, in its place; it is
averaged over samples draw by draw, so that its band is one for a curve and not for a sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointline.study.flow.parts import Measured
from pointline.study.flow.prompt import Role
from pointline.study.flow.settings import Source, View

if TYPE_CHECKING:
    from pointline.study.flow.parts import Array

__all__ = ["QUANTITIES", "Band", "Curves", "curves", "edges", "null_strengths", "strengths"]

QUANTITIES = ("S_wp", "S_pq", "S_ww")

_RESAMPLES = 1000
_NULL = (5, 95)  # percentiles of the null's band
_SURE = (2.5, 97.5)  # of the interval of a mean


@dataclass(frozen=True, slots=True)
class Band:
    """A curve with the band around it, each [L] or [3, L]."""

    middle: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True)
class Curves:
    """The curves of a dataset; [3, L] in the order of QUANTITIES.

    `means` and `shares` have 95 % intervals over samples; `null_means` and `null_shares` are the
    mean and the 5 to 95 % band over random sets; `estimate` [2, L] is the knockouts' effect on the
    loss in nats, to first order, with its interval.
    """

    layers: tuple[int, ...]
    samples: int
    means: Band
    shares: Band
    null_means: Band
    null_shares: Band
    estimate: Band

    def of(self, view: View) -> tuple[Band, Band]:
        """Return the means or the shares, and the null's."""
        if view == "means":
            return self.means, self.null_means
        return self.shares, self.null_shares

    @property
    def ratio(self) -> Band:
        """The means over the null's, with the null's own band around 1."""
        null = self.null_means.middle
        return Band(
            _over(self.means.middle, null),
            _over(self.null_means.low, null),
            _over(self.null_means.high, null),
        )


def curves(measured: Measured, source: Source, *, seed: int = 0) -> Curves:
    """Return the curves of what was measured; the bootstrap over samples is drawn by the seed."""
    import numpy as np

    own = strengths(measured, source).transpose(2, 1, 0)  # [3, L, n]
    null = null_strengths(measured).mean(0).transpose(2, 0, 1)  # [3, L, D]
    weights = _weights(own.shape[-1], seed)
    drawn = own @ weights  # [3, L, resamples]
    effect = measured.estimate.transpose(2, 1, 0)
    return Curves(
        layers=measured.layers,
        samples=len(measured.ids),
        means=_band(own.mean(-1), drawn, _SURE),
        shares=_band(_shares(own.mean(-1)), _shares(drawn), _SURE),
        null_means=_band(null.mean(-1), null, _NULL),
        null_shares=_band(np.mean(_shares(null), axis=-1), _shares(null), _NULL),
        estimate=_band(effect.mean(-1), effect @ weights, _SURE),
    )


def strengths(measured: Measured, source: Source) -> Array:
    """Return S_wp, S_pq and S_ww of each sample and layer, [n, L, 3]."""
    table, pairs = measured.table, measured.pairs[:, None]
    sums = edges(table, source)
    counts = edges(pairs, source)
    return _three(sums, counts, table.sum((-1, -2)), pairs.sum((-1, -2)))


def null_strengths(measured: Measured) -> Array:
    """Return the same with each random set in the place of the information, [n, L, D, 3]."""
    sums = measured.null
    counts = measured.null_pairs[:, None]
    whole = measured.table.sum((-1, -2))[..., None]
    pairs = measured.pairs.sum((-1, -2))[:, None, None]
    return _three(sums, counts, whole, pairs)


def edges(table: Array, source: Source) -> Array:
    """Return a table's sums into the information and from it into the target, [..., 2].

    `table` is [..., to, from], of flows or of pairs.
    """
    import numpy as np

    into = table[..., Role.INFO, :]
    into = into[..., Role.TEXT] if source == "text" else into.sum(-1)
    return np.stack([into, table[..., Role.TARGET, Role.INFO]], axis=-1)


def _three(sums: Array, counts: Array, whole: Array, pairs: Array) -> Array:
    import numpy as np

    rest = (whole - sums.sum(-1)) / (pairs - counts.sum(-1))
    # a random set at the very beginning has nothing before it, and no flow into it
    two = sums / np.maximum(counts, 1)
    return np.concatenate([two, rest[..., None]], axis=-1)


def _shares(values: Array) -> Array:
    return _over(values, values.sum(0, keepdims=True))


def _over(part: Array, whole: Array) -> Array:
    """Return part / whole, 0 where the whole is 0 (S_wp of the last layer)."""
    import numpy as np

    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole != 0)


def _band(middle: Array, drawn: Array, percentiles: tuple[float, float]) -> Band:
    import numpy as np

    low, high = np.percentile(drawn, percentiles, axis=-1)
    return Band(middle, low, high)


def _weights(count: int, seed: int) -> Array:
    """Return the weights of each sample in each resample, [n, resamples]."""
    import numpy as np

    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=_RESAMPLES)
    return (drawn / count).T
