"""Where names begin and end: units are the text, chances are chances, and names are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.model.edges import Edges, features, shipped, units


@given(st.text(max_size=60))
def test_units_are_the_text(text):
    assert "".join(units(text)) == text


@given(st.text(min_size=1, max_size=30), st.sampled_from(["begins", "ends"]))
def test_chances(text, which):
    around = units(text)
    for at in range(len(around) + 1):
        assert 0 < shipped(which).chance(around, at) < 1
        assert len(list(features(around, at))) == 6


def test_weights_are_added():
    around = units("Ada met Bo")
    assert Edges({}).chance(around, 4) == 0.5
    assert Edges({">Bo": 2.0, "=": -2.0}).chance(around, 4) == 0.5


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yesterday Jonas Vik walked home", "Jonas Vik"),
        ("昨日はマリー・ロランが歩いた。", "マリー・ロラン"),
        ("The Lake District is wet", "Lake District"),
    ],
)
def test_names_of_our_own_texts(text, name):
    around = units(text)
    begin = len(units(text[: text.index(name)]))
    end = begin + len(units(name))
    ends = [shipped("ends").chance(around, at) for at in range(begin + 1, end + 1)]
    assert shipped("begins").chance(around, begin) > 0.3
    assert max(ends) == ends[-1]
