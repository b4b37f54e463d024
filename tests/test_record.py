import pickle

import pytest

from pointline.errors import RecordError
from pointline.format.record import Fact, Pair, Prediction, Record


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("", "Ada"), "label is empty"),
        (("people", ""), "entity is empty"),
        (("people", "Ada", 3, None), "both 'start' and 'end' or neither"),
        (("people", "Ada", None, 3), "both 'start' and 'end' or neither"),
        (("people", "Ada", -1, 2), "offsets are whole numbers from 0, got -1"),
        (("people", "Ada", 1, -2), "offsets are whole numbers from 0, got -2"),
        (("people", "Ada", True, 4), "offsets are whole numbers from 0, got True"),
        (("people", "Ada", 3.0, 6.0), r"offsets are whole numbers from 0, got 3\.0"),
        (("people", "Ada", "0", 3), "offsets are whole numbers from 0, got '0'"),
        (("people", "Ada", 0, 4), "does not have the length"),
        (("people", "A\udc00"), "lone surrogate at character 1"),
        ((None, "Ada"), "is a string, got NoneType"),
    ],
)
def test_a_pair_refuses_nonsense(arguments, reason):
    with pytest.raises(RecordError, match=reason):
        Pair(*arguments)


def test_a_fact_has_three_fields_or_more():
    assert Fact(["a", "b", "c"]).fields == ("a", "b", "c")
    with pytest.raises(RecordError, match="three or more"):
        Fact(("a", "b"))
    with pytest.raises(RecordError, match="field is empty"):
        Fact(("a", "", "c"))


def test_a_record_holds_its_entities_where_it_says():
    Record("1", "t", "👩‍🚀と東京", pairs=(Pair("地名", "東京", 4, 6),))
    with pytest.raises(RecordError, match=r"text\[3:5\] is 'と東', not the entity '東京'"):
        Record("1", "t", "👩‍🚀と東京", pairs=(Pair("地名", "東京", 3, 5),))


def test_values_are_frozen_hashable_and_travel_between_processes():
    record = Record("1", "t", "Ada", "x", (Pair("people", "Ada", 0, 3),), meta={"k": [1]})
    assert len({record, Record("1", "t", "Ada", "x", record.pairs, meta={"k": [1]})}) == 1
    assert pickle.loads(pickle.dumps(record)) == record
    with pytest.raises(AttributeError):
        record.text = "other"


def test_how_a_place_was_found_takes_no_part_in_equality():
    assert Pair("a", "b", 0, 1, ambiguous=True) == Pair("a", "b", 0, 1)


def test_a_prediction_is_a_record():
    prediction = Prediction("1", "t", "Ada", "x", completion="x/NER/", repairs=["blank-dropped"])
    assert isinstance(prediction, Record)
    assert (prediction.repairs, prediction.ok) == (("blank-dropped",), True)
    with pytest.raises(RecordError):
        Prediction("1", "t", "Bob", pairs=(Pair("people", "Ada", 0, 3),))


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"scores": "x"}, "'scores' is a mapping, got 'x'"),
        ({"scores": [0.5]}, "'scores' is a mapping"),
        ({"completion": 5}, "'completion' is a string or None, got 5"),
        ({"completion": b"x/NER/"}, "'completion' is a string or None"),
        ({"repairs": "abc"}, "'repairs' are several of str, got 'abc'"),
        ({"repairs": [1]}, "'repairs' are of str, got 1"),
        ({"ok": "no"}, "'ok' is True or False, got 'no'"),
        ({"ok": None}, "'ok' is True or False"),
    ],
)
def test_a_prediction_refuses_values_of_another_kind(wrong, reason):
    with pytest.raises(RecordError, match=reason):
        Prediction("1", "t", "x", **wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"pairs": None}, {"pairs": [("a", "b")]}, {"facts": [Pair("a", "b")]}, {"meta": None}],
)
def test_a_record_refuses_values_of_another_kind(wrong):
    with pytest.raises(RecordError, match=next(iter(wrong))):
        Record("1", "t", "x", **wrong)
    with pytest.raises(RecordError, match="several of str"):
        Fact("abc")
