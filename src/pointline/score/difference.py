"""A difference between two systems' scores, what is known of it, and what several say together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Any, NamedTuple

from pointline.score.contingency import benjamini_hochberg, holm, mcnemar
from pointline.score.runs import Spread, student_quantile
from pointline.score.significance import Interval

__all__ = [
    "Difference",
    "Discordant",
    "Signs",
    "Verdict",
    "detectable",
    "family",
    "mutual",
    "signs",
    "signs_of",
]


class Verdict(StrEnum):
    """What the records say of the second system, beside the first."""

    HELPS = "helps"
    HURTS = "hurts"
    NO_EVIDENCE = "no evidence"


class Discordant(NamedTuple):
    """Records that only one of two systems has right, and p of McNemar's exact test."""

    first: int
    second: int
    p: float


@dataclass(frozen=True, slots=True)
class Difference:
    """One score of two systems; `value` is the second's minus the first's.

    `p` is what the verdict goes by: approximate randomisation of single runs, Student's t where
    each system has several (`spread`, None for single runs). `bootstrap` is the p of the paired
    bootstrap and `discordant` McNemar's test of single runs' labels (of "tl") or whole records
    (of "all"). `holm` and `benjamini_hochberg` are p corrected for the number of sub-datasets.
    """

    first: float
    second: float
    interval: Interval
    p: float
    bootstrap: float | None = None
    discordant: Discordant | None = None
    spread: Spread | None = None
    alone: float | None = None
    holm: float = 1.0
    benjamini_hochberg: float = 1.0
    verdict: Verdict = Verdict.NO_EVIDENCE

    @property
    def value(self) -> float:
        """The second system's score minus the first's."""
        return self.second - self.first

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        told, runs = self.discordant, self.spread
        interval = {name: getattr(self.interval, name) for name in ("low", "high", "level")}
        return {
            "first": self.first,
            "second": self.second,
            "difference": self.value,
            "interval": interval,
            "p": self.p,
            "p_alone": self.alone,
            "bootstrap": self.bootstrap,
            "discordant": None if told is None else told._asdict(),
            "deviation": None if runs is None else runs.deviation,
            "freedom": None if runs is None else min(runs.freedom, 1e9),
            "holm": self.holm,
            "benjamini_hochberg": self.benjamini_hochberg,
            "verdict": self.verdict.value,
        }


class Signs(NamedTuple):
    """In how many comparisons the second system came out better, worse, equal; p of a fair coin."""

    better: int
    worse: int
    equal: int
    p: float


def family(found: Mapping[str, Difference], *, alpha: float = 0.05) -> dict[str, Difference]:
    """Return the differences of a family with p corrected for their number, and their verdicts.

    A family is one question asked of several sub-datasets, such as: does the label help the items?
    The verdict goes by Holm's p.

    >>> sure = Difference(0.5, 0.6, Interval(0.07, 0.13), p=0.01)
    >>> unsure = Difference(0.5, 0.51, Interval(-0.02, 0.04), p=0.3)
    >>> [str(one.verdict) for one in family({"scnm-ja": sure, "scnm-zh": unsure}).values()]
    ['helps', 'no evidence']
    """
    values = [one.p for one in found.values()]
    corrected = zip(holm(values), benjamini_hochberg(values), strict=True)
    return {
        name: replace(
            one, holm=strict, benjamini_hochberg=loose, verdict=_verdict(one.value, strict, alpha)
        )
        for (name, one), (strict, loose) in zip(found.items(), corrected, strict=True)
    }


def mutual(text_helps_words: Difference, words_help_text: Difference) -> bool:
    """Tell whether the two levels of a sub-dataset reinforce each other: both directions help."""
    return text_helps_words.verdict is words_help_text.verdict is Verdict.HELPS


def detectable(found: Difference, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Return the true difference that has p < alpha in such a comparison with a chance of `power`.

    It is (t(1 - alpha / 2) + t(power)) standard errors, with the standard error that was observed:
    of single runs that of the interval, with normal quantiles. None where it was 0, as of two
    systems that answered alike: they do not tell how far others would differ.

    >>> one = Difference(0.5, 0.51, Interval(-0.0296, 0.0496), p=0.6)
    >>> round(detectable(one), 3)
    0.057
    """
    freedom = inf if found.spread is None else found.spread.freedom
    if found.spread is not None:
        error = found.spread.deviation
    else:
        error = found.interval.width / 2 / student_quantile(found.interval.level, inf)
    quantiles = student_quantile(1 - alpha, freedom) + student_quantile(2 * power - 1, freedom)
    return quantiles * error or None


def signs(differences: Iterable[Difference]) -> Signs:
    """Return in how many comparisons the second system is better, and p of the sign test.

    The test takes the comparisons as independent tosses of a coin and sees no sizes; equal scores
    are left out of it.

    >>> better, worse = (Difference(0.5, x, Interval(-1, 1), p=0.5) for x in (0.6, 0.4))
    >>> found = signs([better] * 5 + [worse])
    >>> found.better, found.worse, round(found.p, 5)
    (5, 1, 0.21875)
    """
    return signs_of(one.value for one in differences)


def signs_of(differences: Iterable[float]) -> Signs:
    """Return `signs` of differences that are numbers.

    >>> found = signs_of([0.3] * 32 + [-0.5] * 10)  # the recount of the MMM paper's Table 2
    >>> found.better, found.worse, round(found.p, 5)
    (32, 10, 0.00094)
    """
    values = list(differences)
    better, worse = sum(value > 0 for value in values), sum(value < 0 for value in values)
    return Signs(better, worse, len(values) - better - worse, mcnemar(worse, better))


def _verdict(value: float, p: float, alpha: float) -> Verdict:
    if p >= alpha or value == 0:
        return Verdict.NO_EVIDENCE
    return Verdict.HELPS if value > 0 else Verdict.HURTS
