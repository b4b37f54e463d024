import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.score.agreement import agreement

LABELS = st.sampled_from(["社会", "自然", "a", ""])
PAIRS = st.lists(st.tuples(LABELS, LABELS), min_size=1, max_size=40)


def test_kappa_by_hand():
    pairs = [("a", "a")] * 20 + [("a", "b")] * 5 + [("b", "a")] * 10 + [("b", "b")] * 15
    found = agreement(pairs, resamples=0)
    assert found.records == 50
    assert found.accuracy == pytest.approx(0.70)
    assert found.kappa == pytest.approx((0.70 - 0.50) / (1 - 0.50))
    assert found.kappa_interval is None


def test_a_majority_guess_has_no_kappa():
    found = agreement([("社会", "社会")] * 9 + [("自然", "社会")], resamples=200)
    assert found.accuracy == 0.9
    assert found.kappa == 0.0
    assert found.kappa_interval is not None
    assert (found.kappa_interval.low, found.kappa_interval.high) == (0.0, 0.0)


def test_one_label_for_everything_shows_nothing():
    found = agreement([("社会", "社会")] * 5)
    assert found.accuracy == 1.0
    assert found.kappa is None
    assert found.to_dict()["kappa"] is None


@given(PAIRS)
def test_kappa_is_symmetric_and_at_most_one(pairs):
    found = agreement(pairs, resamples=0)
    turned = agreement([(second, first) for first, second in pairs], resamples=0)
    assert found.accuracy == turned.accuracy
    if found.kappa is None:
        assert turned.kappa is None
    else:
        assert found.kappa == pytest.approx(turned.kappa)
        assert -1 - 1e-9 <= found.kappa <= 1 + 1e-9


def test_the_interval_holds_the_value_and_is_the_same_every_time():
    pairs = ([("a", "a")] * 40 + [("a", "b")] * 6 + [("b", "b")] * 30 + [("c", "a")] * 4) * 2
    found = agreement(pairs, seed=3)
    assert found == agreement(reversed(pairs), seed=3)
    assert found.kappa is not None and found.kappa in found.kappa_interval
    assert found.accuracy in found.accuracy_interval
    assert 0.05 < found.kappa_interval.width < 0.3


def test_labels_come_by_frequency():
    assert agreement([("b", "a"), ("b", "b"), ("c", "c")], resamples=0).labels == ["b", "c", "a"]


def test_nothing_to_compare_is_refused():
    with pytest.raises(InputError, match="nothing to compare"):
        agreement([])
