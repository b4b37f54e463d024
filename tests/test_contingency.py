"""Tests of counts against cases worked by hand, against counting, and against each other."""

from fractions import Fraction
from itertools import product
from math import comb, exp, pi, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.score.contingency import chi_squared, fisher, holm, mcnemar, wilson

COUNTS = st.integers(0, 30)


# ---------------------------------------------------------------- Wilson's interval


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),  # the upper end is z² / (n + z²) = 3.8415 / 13.8415
        (10, 10, 0.7225, 1.0),
        (5, 10, 0.2366, 0.7634),
        (0, 0, 0.0, 1.0),
        (834, 1000, 0.8097, 0.8558),
    ],
)
def test_wilson_by_hand(part, whole, low, high):
    found = wilson(part, whole)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_its_mirror(counts):
    part, whole = counts
    found, mirror = wilson(part, whole), wilson(whole - part, whole)
    assert 0 <= found.low <= part / whole <= found.high <= 1
    assert found.low == pytest.approx(1 - mirror.high, abs=1e-12)
    assert found.width < wilson(part, whole, level=0.99).width


@pytest.mark.parametrize("part", range(0, 41, 5))
def test_wilson_covers_what_it_says(part):
    # its ends are the shares p at which (part/n - p) / sqrt(p (1 - p) / n) is z
    found = wilson(part, 40)
    for end in (found.low, found.high):
        if 0 < end < 1:
            assert abs(part / 40 - end) / sqrt(end * (1 - end) / 40) == pytest.approx(1.959964)


@pytest.mark.parametrize(("part", "whole", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_wilson_refuses_what_is_no_share(part, whole, level):
    with pytest.raises(InputError, match="no share"):
        wilson(part, whole, level=level)


# ---------------------------------------------------------------- Fisher's exact test


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((3, 1, 1, 3), Fraction(34, 70)),
        ((4, 0, 0, 4), Fraction(2, 70)),
        ((1, 9, 11, 3), Fraction(7462, 2704156)),  # C(24, 12) tables
        ((0, 0, 3, 4), Fraction(1)),
        ((2, 0, 5, 0), Fraction(1)),
        ((0, 2, 3, 0), Fraction(1, 10)),
    ],
)
def test_fisher_by_hand(table, p):
    assert fisher(*table) == pytest.approx(float(p), rel=1e-6)


def counted(a, b, c, d):
    """Fisher's p in whole numbers, by listing every table of these margins."""
    row, other, column = a + b, c + d, a + c
    weights = {
        x: comb(row, x) * comb(other, column - x)
        for x in range(max(0, column - other), min(row, column) + 1)
    }
    return sum(w for w in weights.values() if w <= weights[a]) / comb(row + other, column)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_fisher_is_what_counting_gives(a, b, c, d):
    assert fisher(a, b, c, d) == pytest.approx(counted(a, b, c, d), rel=1e-6)
    assert fisher(a, b, c, d) == pytest.approx(fisher(c, d, a, b))
    assert fisher(a, b, c, d) == pytest.approx(fisher(a, c, b, d))


def test_fisher_bears_large_counts():
    assert fisher(400_000, 100_000, 400_000, 100_000) == pytest.approx(1.0)
    assert fisher(400_000, 100_000, 300_000, 200_000) == 0.0  # smaller than a float can be
    assert 0.01 < fisher(40_000, 10_000, 40_160, 9_840) < 0.3


# ---------------------------------------------------------------- McNemar's exact test


@pytest.mark.parametrize(
    ("first", "second", "p"),
    [(0, 0, 1), (1, 0, 1), (1, 5, 14 / 64), (0, 10, 2 / 1024), (3, 3, 1), (2, 8, 112 / 1024)],
)
def test_mcnemar_by_hand(first, second, p):
    assert mcnemar(first, second) == pytest.approx(p)
    assert mcnemar(second, first) == pytest.approx(p)


@given(COUNTS, COUNTS)
def test_mcnemar_is_what_counting_gives(first, second):
    tosses = first + second
    tail = sum(comb(tosses, x) for x in range(min(first, second) + 1))
    assert mcnemar(first, second) == pytest.approx(min(1, 2 * tail / 2**tosses))


# ---------------------------------------------------------------- chi-squared


def test_chi_squared_by_hand():
    found = chi_squared([[10, 20], [20, 10]])
    assert found.statistic == pytest.approx(20 / 3)
    assert (found.freedom, found.smallest) == (1, 15)
    # three runs: rows 30, 30, 40, columns 50, 50; expected 15, 15 and 20
    found = chi_squared([[20, 10], [10, 20], [20, 20]])
    assert found.statistic == pytest.approx(20 / 3)
    assert found.freedom == 2
    assert found.p == pytest.approx(exp(-10 / 3))  # with 2 degrees it is the exponential law


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ([[5, 5], [5, 5]], 1.0),
        ([[5, 0], [7, 0]], 1.0),
        ([[5, 3], [0, 0]], 1.0),
        ([[0, 0], [0, 0]], 1.0),
        ([], 1.0),
    ],
)
def test_chi_squared_where_nothing_differs(table, p):
    assert chi_squared(table).p == p


@pytest.mark.parametrize(
    ("statistic", "freedom"),
    [(3.8415, 1), (5.9915, 2), (7.8147, 3), (9.4877, 4), (11.0705, 5), (18.3070, 10)],
)
def test_the_tail_is_that_of_the_printed_tables(statistic, freedom):
    from pointline.score.contingency import _beyond

    assert _beyond(statistic, freedom) == pytest.approx(0.05, abs=1e-5)


def test_the_tail_is_the_integral_of_the_density():
    from pointline.score.contingency import _beyond

    def density(x):  # of chi-squared with 5 degrees
        return x**1.5 * exp(-x / 2) / (3 * sqrt(2 * pi))

    step = 1e-3
    area = sum(density((k + 0.5) * step) for k in range(6_000, 120_000)) * step
    assert _beyond(6.0, 5) == pytest.approx(area, abs=1e-6)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_chi_squared_does_not_care_for_order(a, b, c, d):
    tables = ([[a, b], [c, d]], [[c, d], [a, b]], [[b, a], [d, c]], [[a, c], [b, d]])
    values = [chi_squared(table).p for table in tables]
    assert values == pytest.approx([values[0]] * 4)


def test_both_tests_agree_on_large_tables():
    for lost, more in product((300, 500), (0, 20, 60)):
        table = [[2000 - lost, lost], [2000 - lost - more, lost + more]]
        exact = fisher(*table[0], *table[1])
        assert exact == pytest.approx(chi_squared(table).p, abs=0.06)


@pytest.mark.parametrize("table", [[[1, 2], [3]], [[1, -2], [3, 4]]])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(InputError):
        chi_squared(table)


def test_negative_counts_are_refused():
    for call in (lambda: fisher(1, -1, 2, 2), lambda: mcnemar(-1, 2)):
        with pytest.raises(InputError, match="0 or more"):
            call()


# ---------------------------------------------------------------- Holm's correction


@pytest.mark.parametrize(
    ("given", "corrected"),
    [
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02], [0.02]),
        ([], []),
    ],
)
def test_holm_by_hand(given, corrected):
    assert holm(given) == pytest.approx(tuple(corrected))
