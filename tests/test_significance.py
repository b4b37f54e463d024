import random
from collections import Counter
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.format.record import Record
from pointline.score import Counts, score, significance
from pointline.score.significance import Interval, bootstrap, f1, share

RIGHT = {"right": share(0, 1)}
WL = {"wl": f1(0, 1, 2)}


def binomial_quantile(n, p, tail):
    """Return the smallest k with P(X <= k) >= tail."""
    total = 0.0
    for k in range(n + 1):
        total += comb(n, k) * p**k * (1 - p) ** (n - k)
        if total >= tail:
            return k
    return n


@pytest.mark.parametrize(("n", "right"), [(100, 80), (400, 100), (1000, 970)])
def test_closed_case_of_a_share(n, right):
    """Of a share, the bootstrap is the binomial law: its quantiles are known."""
    rows = {(1, 1): right, (0, 1): n - right}
    found = bootstrap(rows, RIGHT, resamples=40_000, seed=1)["right"]
    assert found.low * n == pytest.approx(binomial_quantile(n, right / n, 0.025), abs=1)
    assert found.high * n == pytest.approx(binomial_quantile(n, right / n, 0.975), abs=1)


def test_closed_case_without_doubt():
    assert bootstrap({(1, 1): 50}, RIGHT)["right"] == Interval(1.0, 1.0)
    assert bootstrap({(0, 1): 50}, RIGHT)["right"] == Interval(0.0, 0.0)
    # the counts differ from record to record, their ratio does not
    assert bootstrap({(1, 2, 2): 5, (2, 4, 4): 9}, WL)["wl"] == Interval(0.5, 0.5)


def test_equals_drawing_record_by_record():
    """The multinomial over distinct rows is the textbook bootstrap over records."""
    rng = random.Random(4)
    records = [
        (min(g, p), g, p) for g, p in ((rng.randint(0, 4), rng.randint(0, 4)) for _ in range(60))
    ]
    records = [(rng.randint(0, m), g, p) for m, g, p in records]
    values = []
    for _ in range(4000):
        drawn = rng.choices(records, k=len(records))
        values.append(sum((Counts(*row) for row in drawn), Counts()).f1)
    values.sort()
    found = bootstrap(Counter(records), WL, resamples=4000, seed=2)["wl"]
    assert found.low == pytest.approx(values[100], abs=0.01)
    assert found.high == pytest.approx(values[3900], abs=0.01)


rows_of_counts = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)).map(
        lambda t: (min(t), *sorted(t)[1:])
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(rows_of_counts, st.integers(0, 5))
def test_the_interval_holds_the_estimate(records, seed):
    estimate = sum((Counts(*row) for row in records), Counts()).f1
    found = bootstrap(Counter(records), WL, resamples=400, seed=seed)["wl"]
    assert 0.0 <= found.low <= estimate <= found.high <= 1.0
    assert estimate in found


def test_the_interval_shrinks_with_the_number_of_records():
    widths = [
        bootstrap({(2, 3, 3): 6 * n, (0, 1, 2): 3 * n, (0, 0, 1): n}, WL, resamples=2000)[
            "wl"
        ].width
        for n in (1, 10, 100, 1000)
    ]
    assert widths == sorted(widths, reverse=True)
    # as one over the square root of n
    assert widths[1] / widths[3] == pytest.approx(10, rel=0.15)


def test_a_wider_level_gives_a_wider_interval():
    rows = {(1, 1): 70, (0, 1): 30}
    narrow, wide = (bootstrap(rows, RIGHT, level=level)["right"] for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (narrow.level, wide.level) == (0.5, 0.99)


def test_the_seed_decides_and_the_order_does_not():
    rows = {(1, 2, 2): 40, (0, 1, 3): 25, (2, 2, 2): 35}
    found = bootstrap(rows, WL, seed=11)
    assert found == bootstrap(dict(reversed(rows.items())), WL, seed=11)
    assert found != bootstrap(rows, WL, seed=12)


def test_chunks_change_nothing(monkeypatch):
    rows = {(1, 2, 2): 40, (0, 1, 3): 25, (2, 2, 2): 35}
    at_once = bootstrap(rows, WL, resamples=500)
    monkeypatch.setattr(significance, "CELLS", 21)
    assert bootstrap(rows, WL, resamples=500) == at_once


def test_a_row_may_hold_two_systems():
    """What a paired comparison will ask for: a difference, on the same resamples."""
    first, second = f1(0, 1, 2), f1(3, 4, 5)
    rows = {(1, 1, 1, 1, 1, 1): 90, (0, 1, 1, 1, 1, 1): 10}
    statistics = {"a": first, "b": second, "a - b": lambda sums: first(sums) - second(sums)}
    found = bootstrap(rows, statistics)
    assert found["b"] == Interval(1.0, 1.0)
    assert -0.1 in found["a - b"]
    assert found["a - b"].high < 0


@pytest.mark.parametrize("wrong", [{"resamples": 0}, {"level": 0.0}, {"level": 1.0}])
def test_what_gives_no_interval_is_refused(wrong):
    with pytest.raises(InputError, match="an interval needs records"):
        bootstrap({(1, 1): 3}, RIGHT, **wrong)


def test_no_records_give_no_interval():
    with pytest.raises(InputError, match="got 0 records"):
        bootstrap({}, RIGHT)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Test sets of 200 from a known share: about 95 of 100 intervals hold it."""
    rng = random.Random(9)
    held = 0
    for seed in range(300):
        right = sum(rng.random() < 0.7 for _ in range(200))
        rows = {(1, 1): right, (0, 1): 200 - right}
        held += 0.7 in bootstrap(rows, RIGHT, resamples=500, seed=seed)["right"]
    assert 0.91 <= held / 300 <= 0.98


def test_many_tasks_have_intervals_of_their_own():
    gold = [
        Record(f"{name}-{i}", name, "雨。", "自然")
        for name in ("scnm-ja", "scnm-zh")
        for i in range(40)
    ]
    predicted = [
        Record(g.id, g.task, g.text, "社会" if i % 4 == 0 and g.task == "scnm-ja" else "自然")
        for i, g in enumerate(gold)
    ]
    report = score(gold, predicted)
    assert report.tasks["scnm-zh"].intervals["tl"] == Interval(1.0, 1.0)
    assert 0.75 in report.tasks["scnm-ja"].intervals["tl"]
    assert report.tl.f1 in report.intervals["tl"]
