"""The moderated variance: its special functions, what it keeps, and what it is for."""

from math import inf, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.score import moderation
from pointline.score.difference import Difference
from pointline.score.moderation import FEWEST, moderated, prior
from pointline.score.runs import Spread, student
from pointline.score.significance import Interval

EULER = 0.5772156649015329


def test_the_special_functions_are_those_of_the_tables():
    assert moderation._digamma(1) == pytest.approx(-EULER, abs=1e-11)
    assert moderation._digamma(0.5) == pytest.approx(-EULER - 2 * np.log(2), abs=1e-11)
    assert moderation._trigamma(1) == pytest.approx(pi**2 / 6, abs=1e-12)
    assert moderation._trigamma(0.5) == pytest.approx(pi**2 / 2, abs=1e-12)
    for value in (1e-3, 0.1, 1.0, 30.0):
        x = moderation._trigamma_inverse(value)
        assert moderation._trigamma(x) == pytest.approx(value, rel=1e-8)


def test_the_prior_of_variances_that_have_one():
    rng = np.random.default_rng(0)
    own, freedom, variance = 4, 6.0, 0.25
    true = variance * freedom / rng.chisquare(freedom, 20_000)
    found = prior(list(true * rng.chisquare(own, 20_000) / own), own)
    assert found.freedom == pytest.approx(freedom, rel=0.1)
    assert found.variance == pytest.approx(variance, rel=0.03)


def test_variances_that_differ_by_chance_alone_are_one():
    found = prior(list(2.0 * np.linspace(0.8, 1.2, 9)), 2)
    assert found == (pytest.approx(2.0), inf)


@pytest.mark.parametrize("variances", [[], [1.0] * (FEWEST - 1), [0.0] * 6, [0.0, 0.0, 0.0, 1.0]])
def test_too_little_to_tell(variances):
    assert prior(variances, 2) is None


def compared(variance, *, value=0.03, runs=2, records=1e-5, least=0.0):
    shares, own = 2 / runs, 2 * (runs - 1)
    whole = max(variance * shares, least) + records
    freedom = whole**2 / ((variance * shares) ** 2 / own) if variance else inf
    spread = Spread(whole - records, records, freedom, variance, own, shares, least)
    p = student(value / spread.deviation, freedom)
    return Difference(0.5, 0.5 + value, Interval(0.4, 0.6), p, spread=spread)


def test_one_lucky_and_one_unlucky_comparison_come_together():
    found = {str(n): compared(1e-4 * size) for n, size in enumerate([0.01, 0.8, 1.0, 1.2, 5.0])}
    made = moderated(found)
    lucky, unlucky = made["0"], made["4"]
    assert found["0"].spread.variance < lucky.spread.variance < unlucky.spread.variance
    assert unlucky.spread.variance < found["4"].spread.variance
    assert lucky.p > found["0"].p == lucky.alone
    assert unlucky.p < found["4"].p == unlucky.alone
    assert unlucky.spread.freedom > found["4"].spread.freedom
    for name, one in made.items():
        assert one.value == found[name].value
        assert one.interval.low < one.value < one.interval.high
        assert (one.p < 0.05) == (0.0 not in one.interval)


def test_what_each_run_makes_of_the_records_is_the_least():
    found = {str(n): compared(1e-6, least=1e-3) for n in range(5)}
    assert all(one.spread.runs == 1e-3 for one in moderated(found).values())


def test_single_runs_and_small_families_stay():
    single = Difference(0.5, 0.6, Interval(0.05, 0.15), p=0.01)
    few = {str(n): compared(1e-4) for n in range(FEWEST - 1)} | {"single": single}
    assert moderated(few) == few


def test_runs_are_moderated_among_their_like():
    found = {f"two{n}": compared(1e-4 * (n + 1)) for n in range(5)}
    found |= {f"three{n}": compared(1.0, runs=3) for n in range(2)}
    made = moderated(found)
    assert {name for name, one in made.items() if one.alone is not None} == {
        f"two{n}" for n in range(5)
    }


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(1e-8, 1e-2), min_size=FEWEST, max_size=21), st.integers(2, 5))
def test_a_moderated_variance_lies_between_its_own_and_the_common_one(variances, runs):
    found = {str(n): compared(one, runs=runs) for n, one in enumerate(variances)}
    common = prior(variances, 2 * (runs - 1))
    for name, one in moderated(found).items():
        ends = sorted([found[name].spread.variance, common.variance])
        assert ends[0] * (1 - 1e-9) <= one.spread.variance <= ends[1] * (1 + 1e-9)
        assert 0 <= one.p <= 1


def test_no_more_is_found_than_there_is():
    """2 runs, 12 comparisons without a difference: 5 % have p < 0.05, though runs differ unlike."""
    rng = np.random.default_rng(3)
    hits = {"moderated": 0, "alone": 0, "there": 0}
    families, size = 60, 12
    for _ in range(families):
        deviations = 0.01 * np.exp(0.3 * rng.standard_normal(size))
        found = {}
        for n, deviation in enumerate(deviations):
            runs = rng.normal(0, deviation, (2, 2))
            value = float(runs[1].mean() - runs[0].mean())
            found[str(n)] = compared(float(runs.var(axis=1, ddof=1).mean()), value=value)
        shifted = {
            name: compared(one.spread.variance, value=one.value + 0.025)
            for name, one in found.items()
        }
        hits["moderated"] += sum(one.p < 0.05 for one in moderated(found).values())
        hits["alone"] += sum(one.p < 0.05 for one in shifted.values())
        hits["there"] += sum(one.p < 0.05 for one in moderated(shifted).values())
    shares = {name: count / (families * size) for name, count in hits.items()}
    assert 0.03 <= shares["moderated"] <= 0.075
    assert shares["there"] > 1.4 * shares["alone"]
