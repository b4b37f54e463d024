"""From words to classes: worked by hand, against torch, and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.study.verbalizer.refine import (
    AGGREGATES,
    Scores,
    aggregate,
    calibrated,
    frequent,
    learned,
    prior,
    probabilities,
    relevant,
)
from pointline.study.verbalizer.verbalizer import of

WORDS = ("川", "森", "法", "税")
TWO = of("v", {"自然": ["川", "森"], "社会": ["法", "税"]})
# p of each word after two texts
P = np.array([[0.2, 0.05, 0.1, 0.1], [0.1, 0.4, 0.02, 0.5]])
SCORES = Scores(WORDS, np.log(P))
matrices = st.lists(
    st.lists(st.floats(-40, -1e-6), min_size=4, max_size=4), min_size=1, max_size=6
).map(lambda rows: Scores(WORDS, np.array(rows)))


def test_aggregates_worked_by_hand():
    # mean of logarithms is the logarithm of the geometric mean: sqrt(.2 * .05) = .1
    assert np.exp(aggregate(TWO, SCORES, "mean")) == pytest.approx(
        np.array([[0.1, 0.1], [0.2, 0.1]])
    )
    assert np.exp(aggregate(TWO, SCORES, "max")) == pytest.approx(
        np.array([[0.2, 0.1], [0.4, 0.5]])
    )
    assert np.exp(aggregate(TWO, SCORES, "log-sum")) == pytest.approx(
        np.array([[0.25, 0.2], [0.5, 0.52]])
    )


def test_aggregates_with_weights_worked_by_hand():
    weighed = of("v", {"自然": {"川": 3, "森": 1}, "社会": {"法": 1, "税": 1}})
    first = aggregate(weighed, SCORES, "mean")[0, 0]
    assert np.exp(first) == pytest.approx((0.2**3 * 0.05) ** 0.25)
    assert np.exp(aggregate(weighed, SCORES, "log-sum")[0, 0]) == pytest.approx(0.65)
    assert np.exp(aggregate(weighed, SCORES, "max")[0, 0]) == pytest.approx(0.6)


def test_the_same_words_decide_otherwise_by_another_aggregate():
    chosen = {how: aggregate(TWO, SCORES, how).argmax(axis=1).tolist()[1] for how in AGGREGATES}
    assert chosen == {"mean": 0, "max": 1, "log-sum": 1}


def test_prior_and_calibration_worked_by_hand():
    bias = prior(SCORES)
    assert np.exp(bias) == pytest.approx([0.15, 0.225, 0.06, 0.3])
    even = calibrated(SCORES, bias)
    assert np.exp(even.values[0]) == pytest.approx([0.2 / 0.15, 0.05 / 0.225, 0.1 / 0.06, 1 / 3])
    # what a model says of everything says nothing: 税 no longer decides the first text
    assert aggregate(TWO, even, "max")[0].argmax() == 1
    assert prior(even) == pytest.approx(np.zeros(4))


def test_frequent_keeps_a_share_of_every_class():
    assert frequent(TWO, SCORES, share=0.5).words == ("森", "税")
    assert frequent(TWO, SCORES, share=0.01).words == ("森", "税")
    assert frequent(TWO, SCORES, share=1) == TWO
    with pytest.raises(InputError, match="share"):
        frequent(TWO, SCORES, share=0)


def test_relevant_keeps_words_that_go_with_their_class():
    # 森 rises where 川 (the name of its class) does, 株 where 法 does
    values = np.array([[0.4, 0.2, 0.01, 0.02], [0.01, 0.02, 0.4, 0.2], [0.3, 0.2, 0.02, 0.01]])
    support = Scores(("川", "森", "法", "株"), np.log(values))
    mixed = of("v", {"自然": ["川", "森", "株"], "社会": ["法"]})
    assert relevant(mixed, support, {"自然": "川", "社会": "法"}).words == ("川", "森", "法")
    lost = of("v", {"自然": ["株"], "社会": ["森", "法"]})
    found = relevant(lost, support, {"自然": "川", "社会": "法"})
    assert found.classes["自然"][0].text == "株"  # the best one stays
    assert [w.text for w in found.classes["社会"]] == ["法"]
    with pytest.raises(InputError, match="name of class '社会'"):
        relevant(mixed, support, {"自然": "川"})


def test_learned_weights_find_the_word_that_tells():
    rng = np.random.default_rng(0)
    labels = ["自然", "社会"] * 20
    values = rng.normal(-5, 1, size=(40, 4))  # 森 and 税 tell nothing
    for row, label in enumerate(labels):
        values[row, 0 if label == "自然" else 2] += 3
    scores = Scores(WORDS, values)
    found = learned(TWO, scores, labels)
    weights = found.to_dict()
    assert weights["自然"]["川"] > 1.5 > 0.5 > weights["自然"]["森"]
    assert weights["社会"]["法"] > 1.5 > 0.5 > weights["社会"]["税"]
    before, after = (
        -np.log(probabilities(aggregate(v, scores))[range(40), [0, 1] * 20]).mean()
        for v in (TWO, found)
    )
    assert after < before
    assert learned(TWO, scores, labels) == found
    with pytest.raises(InputError, match="one of them '技術'"):
        learned(TWO, SCORES, ["自然", "技術"])
    with pytest.raises(InputError, match="got 1"):
        learned(TWO, SCORES, ["自然"])


def test_scores_know_their_words():
    with pytest.raises(InputError, match="'山' was not scored"):
        aggregate(of("v", {"x": ["山"], "y": ["川"]}), SCORES)
    with pytest.raises(InputError, match="aggregated by"):
        aggregate(TWO, SCORES, "median")
    with pytest.raises(InputError, match="no scores of"):
        Scores(("川",), np.zeros((2, 2)))
    with pytest.raises(InputError, match="support"):
        prior(Scores(("川",), np.zeros((0, 1))))


@given(matrices)
def test_log_sum_is_between_the_largest_and_that_of_so_many(scores):
    most, total = aggregate(TWO, scores, "max"), aggregate(TWO, scores, "log-sum")
    mean = aggregate(TWO, scores, "mean")
    assert (mean <= most + 1e-9).all() and (most <= total + 1e-9).all()
    assert (total <= most + np.log(2) + 1e-9).all()


@given(matrices, st.floats(-5, 5))
def test_what_a_text_adds_to_every_word_changes_no_class(scores, shift):
    moved = Scores(scores.words, scores.values + shift)
    for how in AGGREGATES:
        one, other = (probabilities(aggregate(TWO, s, how)) for s in (scores, moved))
        assert np.allclose(one, other)
        assert np.allclose(one.sum(axis=1), 1)


@settings(max_examples=15)
@given(matrices, st.data())
def test_learned_weights_are_a_share_of_each_class(scores, data):
    labels = data.draw(
        st.lists(
            st.sampled_from(["自然", "社会"]),
            min_size=len(scores.values),
            max_size=len(scores.values),
        )
    )
    for words in learned(TWO, scores, labels).classes.values():
        assert sum(word.weight for word in words) == pytest.approx(2, abs=1e-6)
