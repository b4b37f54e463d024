"""Student's law against its tables, and the spread of runs against simulated ones."""

from math import inf

import numpy as np
import pytest

from pointline.errors import InputError
from pointline.score.runs import spread, student, student_quantile

TABLE = [  # degrees of freedom, two-sided 5 % and 1 %
    (1, 12.706, 63.657), (2, 4.303, 9.925), (3, 3.182, 5.841), (5, 2.571, 4.032),
    (10, 2.228, 3.169), (30, 2.042, 2.750), (120, 1.980, 2.617), (inf, 1.960, 2.576),
]  # fmt: skip


@pytest.mark.parametrize(("freedom", "five", "one"), TABLE)
def test_students_law_is_that_of_the_tables(freedom, five, one):
    assert student_quantile(0.95, freedom) == pytest.approx(five, abs=6e-4)
    assert student_quantile(0.99, freedom) == pytest.approx(one, abs=6e-4)
    assert student(-five, freedom) == student(five, freedom) == pytest.approx(0.05, abs=4e-5)
    assert student(0.0, freedom) == pytest.approx(1.0)


def test_students_law_between_whole_degrees():
    values = [student(2.0, freedom) for freedom in (1, 1.5, 2, 2.7, 3, 999, 1001, inf)]
    assert values == sorted(values, reverse=True)


def simulated(rng, runs, *, of_run, of_record, left, records=200):
    """Values of each run, seen and over resampled records, with known parts of variance."""
    shifts = rng.normal(0, of_run, (runs, 1))
    scores = (
        shifts + of_record * rng.standard_normal(records) + rng.normal(0, left, (runs, records))
    )
    weights = rng.multinomial(records, np.full(records, 1 / records), size=150) / records
    return scores.mean(axis=1), weights @ scores.T, scores, weights


@pytest.mark.parametrize(
    "parts",
    [
        {"of_run": 0.0, "of_record": 0.0, "left": 1.0},
        {"of_run": 0.3, "of_record": 0.0, "left": 1.0},
        {"of_run": 0.0, "of_record": 1.0, "left": 1.0},
        {"of_run": 0.1, "of_record": 1.0, "left": 0.5},
    ],
)
def test_the_variance_is_that_of_the_parts(parts):
    rng = np.random.default_rng(1)
    runs, records = 4, 200
    found = []
    for _ in range(60):
        first, second = (simulated(rng, runs, **parts) for _ in range(2))
        # both systems answer the same resampled records
        drawn = first[1], first[3] @ second[2].T
        found.append(spread((first[0], second[0]), drawn).deviation ** 2)
    true = 2 * (
        parts["of_run"] ** 2 / runs
        + parts["of_record"] ** 2 / records
        + parts["left"] ** 2 / runs / records
    )
    # a little too large, never too small: runs that agree by luck are not taken at their word
    assert 0.85 <= np.mean(found) / true <= 1.6


def test_few_runs_that_differ_leave_few_degrees_of_freedom():
    rng = np.random.default_rng(2)
    one = simulated(rng, 3, of_run=1.0, of_record=0.1, left=0.1)
    two = simulated(rng, 3, of_run=1.0, of_record=0.1, left=0.1)
    found = spread((one[0], two[0]), (one[1], one[3] @ two[2].T))
    assert 2 <= found.freedom < 4.1
    assert found.runs > 10 * found.records


def test_one_run_does_not_tell_how_runs_differ():
    one, drawn = np.array([0.5]), np.full((9, 1), 0.5)
    with pytest.raises(InputError, match="two runs or more"):
        spread((one, one), (drawn, drawn))


def test_runs_that_are_equal_have_no_spread():
    seen, drawn = np.array([0.5, 0.5]), np.full((9, 2), 0.5)
    found = spread((seen, seen), (drawn, drawn))
    assert (found.deviation, found.freedom) == (0.0, inf)
