"""Verdicts, families of sub-datasets, mutual reinforcement, the sign test."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.score.contingency import benjamini_hochberg, holm
from pointline.score.difference import (
    Difference,
    Verdict,
    detectable,
    family,
    mutual,
    signs,
)
from pointline.score.runs import Spread
from pointline.score.significance import Interval
from pointline.study import paper


def difference(value, p=1.0):
    return Difference(0.5, 0.5 + value, Interval(value - 0.1, value + 0.1), p)


def test_the_verdict_goes_by_the_corrected_p():
    found = family({"a": difference(0.1, 0.03)})
    assert found["a"].verdict is Verdict.HELPS
    found = family({"a": difference(0.1, 0.03), "b": difference(0.1, 0.5)})
    assert (found["a"].holm, found["a"].verdict) == (0.06, Verdict.NO_EVIDENCE)
    found = family({"a": difference(-0.1, 0.001), "b": difference(0.0, 0.001)})
    assert found["a"].verdict is Verdict.HURTS
    assert found["b"].verdict is Verdict.NO_EVIDENCE
    assert family({"a": difference(0.1, 0.03)}, alpha=0.01)["a"].verdict is Verdict.NO_EVIDENCE
    assert family({}) == {}


def test_mutual_is_both_and_nothing_less():
    helps, hurts = (family({"": difference(v, 0.001)})[""] for v in (0.1, -0.1))
    unsure = family({"": difference(0.1, 0.2)})[""]
    assert mutual(helps, helps)
    for other in (hurts, unsure):
        assert not mutual(helps, other)
        assert not mutual(other, helps)
        assert not mutual(other, other)


def test_signs_count_and_toss():
    found = signs([difference(v) for v in (0.1, 0.2, 0.3, -0.1, 0.0)])
    assert found[:3] == (3, 1, 1)
    assert found.p == pytest.approx(10 / 16)  # 2 (1 + 4) / 16
    assert signs([]).p == 1.0


def test_what_a_comparison_could_have_seen():
    """With known deviation 1 point, 1.96 + 0.84 of them; few runs take more, by Student's t."""
    single = Difference(0.5, 0.5, Interval(-0.0196, 0.0196), 1.0)
    assert detectable(single) == pytest.approx(0.0280, abs=5e-5)
    assert detectable(single, alpha=0.05 / 21) == pytest.approx(0.0388, abs=5e-5)  # 3.038 + 0.842
    runs = replace(single, spread=Spread(0.0001, 0.0, freedom=4.0))
    assert detectable(runs) == pytest.approx(0.01 * (2.776 + 0.941), abs=5e-5)
    assert detectable(replace(single, interval=Interval(0.0, 0.0))) is None


ps = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(ps)
def test_corrections_keep_order_and_bounds(values):
    loose, strict = benjamini_hochberg(values), holm(values)
    for p, by_share, by_chance in zip(values, loose, strict, strict=True):
        assert p <= by_share + 1e-12 <= by_chance + 2e-12
        assert by_chance <= 1
    for corrected in (loose, strict):
        order = sorted(range(len(values)), key=values.__getitem__)
        sorted_so = [corrected[at] for at in order]
        assert sorted_so == sorted(sorted_so)


@given(ps, st.floats(0.01, 0.5))
def test_benjamini_hochberg_is_its_definition(values, share):
    """Rejected is what stands at or below the largest k with p(k) <= k share / n."""
    ranked = sorted(values)
    bounds = [p for k, p in enumerate(ranked, 1) if p * len(ranked) / k <= share]
    last = max(bounds, default=-1.0)
    found = benjamini_hochberg(values)
    assert [q <= share for q in found] == [p <= last for p in values]


def test_the_papers_recount_by_the_sign_test():
    """32 of 42 from printed numbers; both directions on 12 of 21 is another claim."""
    gains = [(row.wl_gain, row.tl_gain) for row in paper.ablation()]
    found = signs([difference(gain) for both in gains for gain in both])
    assert found[:3] == (32, 10, 0)
    assert round(found.p, 5) == 0.00094
    assert sum(min(both) > 0 for both in gains) == 12
