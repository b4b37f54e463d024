"""Approximate randomisation against all exchanges counted out, and its behaviour."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.score import randomise
from pointline.score.contingency import mcnemar
from pointline.score.randomise import randomised
from pointline.score.significance import f1, share

WL = {"wl": f1(0, 1, 2)}


def f1_of(rows):
    matched, gold, predicted = map(sum, zip(*rows, strict=True))
    return 2 * matched / (gold + predicted) if gold + predicted else 1.0


def counted_out(records):
    """The exact p: every one of the 2 ** n exchanges."""
    seen = abs(f1_of([b for _, b in records]) - f1_of([a for a, _ in records])) - 1e-12
    far = 0
    for turned in itertools.product((False, True), repeat=len(records)):
        sides = [(b, a) if t else (a, b) for (a, b), t in zip(records, turned, strict=True)]
        far += abs(f1_of([b for _, b in sides]) - f1_of([a for a, _ in sides])) >= seen
    return far / 2 ** len(records)


def counted(records):
    rows = {}
    for a, b in records:
        rows[a + b] = rows.get(a + b, 0) + 1
    return rows


@st.composite
def answers(draw):
    gold = draw(st.integers(0, 3))
    sides = []
    for _ in range(2):
        predicted = draw(st.integers(0, 3))
        sides.append((draw(st.integers(0, min(gold, predicted))), gold, predicted))
    return tuple(sides)


@settings(deadline=None, max_examples=40)
@given(st.lists(answers(), min_size=1, max_size=8), st.integers(0, 3))
def test_equals_counting_out_all_exchanges(records, seed):
    found = randomised(counted(records), WL, resamples=4000, seed=seed)["wl"]
    assert found == pytest.approx(counted_out(records), abs=0.04)


@pytest.mark.parametrize(("only_first", "only_second"), [(1, 5), (30, 12), (0, 9), (7, 7)])
def test_of_shares_it_is_mcnemars_test(only_first, only_second):
    rows = {(1, 1, 0, 1): only_first, (0, 1, 1, 1): only_second, (1, 1, 1, 1): 50}
    rows = {row: count for row, count in rows.items() if count}
    found = randomised(rows, {"right": share(0, 1)}, resamples=40_000)["right"]
    assert found == pytest.approx(mcnemar(only_first, only_second), abs=0.01)


def test_equal_sides_give_one():
    assert randomised({(1, 2, 2, 1, 2, 2): 10, (0, 1, 0, 0, 1, 0): 3}, WL)["wl"] == 1.0


def test_p_is_never_zero():
    found = randomised({(0, 2, 2, 2, 2, 2): 400}, WL, resamples=999)["wl"]
    assert found == 1 / 1000


def test_who_is_first_does_not_matter():
    rows = {(1, 2, 2, 0, 2, 1): 9, (1, 3, 4, 3, 3, 3): 14, (2, 2, 3, 2, 2, 2): 5}
    turned = {row[3:] + row[:3]: count for row, count in rows.items()}
    found = [randomised(some, WL, resamples=20_000, seed=3)["wl"] for some in (rows, turned)]
    assert found[0] == pytest.approx(found[1], abs=0.01)


def test_the_seed_decides_and_order_and_chunks_do_not(monkeypatch):
    rows = {(1, 2, 2, 0, 2, 1): 9, (1, 3, 4, 3, 3, 3): 14, (2, 2, 3, 2, 2, 2): 5}
    found = randomised(rows, WL, resamples=500, seed=5)
    assert found == randomised(dict(reversed(rows.items())), WL, resamples=500, seed=5)
    monkeypatch.setattr(randomise, "CELLS", 7)
    assert found == randomised(rows, WL, resamples=500, seed=5)
