"""Verbalizers as values, and the steps between them: worked by hand, and as properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.study.verbalizer.verbalizer import (
    LabelWord,
    Verbalizer,
    even,
    expand,
    of,
    top,
    unshared,
    without,
)

WORDS = ["river", "法律", "裁判", "é", "e\u0301", "ＡＢ", "🌳", "the end"]
counts = st.dictionaries(st.sampled_from(WORDS), st.integers(1, 9), min_size=1)
verbalizers = st.dictionaries(st.sampled_from("xyz"), counts, min_size=2).map(
    lambda classes: of("v", classes)
)


def texts(verbalizer: Verbalizer) -> dict[str, list[str]]:
    return {c: [word.text for word in words] for c, words in verbalizer.classes.items()}


@pytest.mark.parametrize("text", ["", " river", "river\n"])
def test_a_label_word_is_no_blank(text):
    with pytest.raises(InputError, match="blank edges"):
        LabelWord(text)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_is_above_zero(weight):
    with pytest.raises(InputError, match="above 0"):
        LabelWord("river", weight)


def test_a_verbalizer_refuses_nonsense():
    with pytest.raises(InputError, match="two classes"):
        of("v", {"x": ["a"]})
    with pytest.raises(InputError, match="'y' has no label word"):
        of("v", {"x": ["a"], "y": []})
    with pytest.raises(InputError, match="'a' is twice in 'x'"):
        of("v", {"x": ["a", "b", "a"], "y": ["c"]})


def test_shares_decide_who_keeps_a_word_not_counts():
    # hotel: 4 of 10 in x, 3 of 4 in y; nice: 6 of 10 in x alone; old: 1 of 4 in y alone
    shared = of("v", {"x": {"hotel": 4, "nice": 6}, "y": {"hotel": 3, "old": 1}})
    assert texts(unshared(shared)) == {"x": ["nice"], "y": ["hotel", "old"]}
    assert texts(unshared(shared, keep="none")) == {"x": ["nice"], "y": ["old"]}


def test_a_tie_is_kept_by_nobody_and_a_last_word_is_left():
    tied = of("v", {"x": {"hotel": 1}, "y": {"hotel": 1}})
    with pytest.raises(InputError, match="no label word"):
        unshared(tied)
    assert texts(unshared(tied, last={"x": "x", "y": "y"})) == {"x": ["x"], "y": ["y"]}


def test_expand_takes_the_words_of_all_once():
    one = of("label", {"自然": ["自然"], "社会": ["社会"]})
    two = of("items", {"自然": {"川": 3, "自然": 9}, "社会": {"裁判": 2}})
    both = expand(one, two)
    assert texts(both) == {"自然": ["自然", "川"], "社会": ["社会", "裁判"]}
    assert both.classes["自然"][0].weight == 1
    with pytest.raises(InputError, match="same classes"):
        expand(one, of("other", {"自然": ["a"], "技術": ["b"]}))


def test_top_even_without():
    weighed = of("v", {"x": {"a": 1, "b": 5, "c": 3}, "y": {"d": 2}})
    assert texts(top(weighed, 2)) == {"x": ["b", "c"], "y": ["d"]}
    assert {w.weight for words in even(weighed).classes.values() for w in words} == {1}
    assert texts(without(weighed, {"b", "z"})) == {"x": ["a", "c"], "y": ["d"]}
    with pytest.raises(InputError, match="'y' has no label word"):
        without(weighed, {"d"})


@given(verbalizers)
def test_after_unshared_no_word_stands_for_two_classes(verbalizer):
    found = unshared(verbalizer, last={label: f"name of {label}" for label in verbalizer.classes})
    assert sum(map(len, found.classes.values())) == len(found.words)
    assert unshared(found) == found


@given(verbalizers, st.integers(1, 4))
def test_top_keeps_the_heaviest(verbalizer, count):
    for label, words in top(verbalizer, count).classes.items():
        left = [word.weight for word in verbalizer.classes[label] if word not in words]
        assert len(words) == min(count, len(verbalizer.classes[label]))
        assert not left or min(word.weight for word in words) >= max(left)


@given(verbalizers)
def test_steps_leave_their_verbalizer_as_it_is(verbalizer):
    before = verbalizer.to_dict()
    for step in (even, lambda v: top(v, 1), lambda v: expand(v, v)):
        assert set(step(verbalizer).words) <= set(verbalizer.words)
        assert verbalizer.to_dict() == before
    assert texts(expand(verbalizer, verbalizer)) == texts(verbalizer)
