"""What goes so that no near-duplicate of a test text is trained on."""

from collections import Counter

import pytest

from pointline.corpus.near import Near
from pointline.corpus.screen import NEAR, TRANSLATED, screened, texts
from pointline.corpus.shelf import Shelved, Stock, item_count
from pointline.corpus.sources import Sourced
from pointline.format.record import Fact, Pair, Record

SIDES = {"diary": (0.4, 0.2), "letters": (0.4, 0.2)}
TRAIN, DEV, TEST = 0.1, 0.5, 0.9
BESIDE = "records kept beside a near-duplicate on their side"


def stock(*rows):
    """A stock of rows (unit, position), each with one pair and one fact."""
    shelved = []
    for at, (unit, position) in enumerate(rows):
        record = Record(
            f"{unit}-{at}", "t", "灯", pairs=(Pair("物", "灯"),), facts=(Fact(("灯", "は", "灯")),)
        )
        shelved.append(Shelved(Sourced(record, unit), f"{unit} {at}", unit, position))
    items = sum(map(item_count, shelved))
    return Stock(tuple(shelved), Counter({"records kept": len(rows), "items kept": items}))


def units(stock):
    return [row.unit for row in stock.rows]


def test_the_texts_of_a_language_are_those_of_its_corpora_in_order():
    stocks = {
        ("letters", "ja"): stock(("x", TEST)),
        ("diary", "ja"): stock(("a", TEST), ("b", DEV)),
    }
    assert texts(stocks, "ja") == ("a 0", "b 1", "x 0")
    assert texts(stocks, "zh") == ()


@pytest.mark.parametrize(
    ("one", "other", "kept", "rule"),
    [
        (TRAIN, TEST, ["b"], NEAR["test"]),
        (TEST, TRAIN, ["a"], NEAR["test"]),
        (TRAIN, DEV, ["b"], NEAR["dev"]),
        (DEV, TEST, ["b"], NEAR["test"]),
        (TEST, DEV, ["a"], NEAR["test"]),
    ],
)  # fmt: skip
def test_the_lighter_side_gives_way(one, other, kept, rule):
    found = screened(
        {("diary", "ja"): stock(("a", one), ("b", other))}, {"ja": [Near(0, 1, 0.8)]}, SIDES
    )
    (after,) = found.values()
    assert units(after) == kept
    assert after.counts == {
        "records kept": 1, "items kept": 2, f"records dropped: {rule}": 1,
        "items dropped: with their record": 2,
    }  # fmt: skip


@pytest.mark.parametrize("side", [TRAIN, DEV, TEST])
def test_near_duplicates_on_one_side_stay_and_are_counted(side):
    stocks = {("diary", "ja"): stock(("a", side), ("b", side), ("c", side))}
    (after,) = screened(stocks, {"ja": [Near(0, 2, 0.8)]}, SIDES).values()
    assert units(after) == ["a", "b", "c"]
    assert after.counts[BESIDE] == 2


def test_two_corpora_of_a_language_are_held_against_each_other():
    stocks = {("diary", "ja"): stock(("a", TRAIN)), ("letters", "ja"): stock(("x", TEST))}
    found = screened(stocks, {"ja": [Near(0, 1, 1.0)]}, SIDES)
    assert units(found["diary", "ja"]) == []
    assert units(found["letters", "ja"]) == ["x"]


def test_a_translation_goes_with_its_row_and_one_rule_counts_each_record():
    rows = [("a", TRAIN), ("b", TEST), ("c", DEV)]
    stocks = {("diary", lang): stock(*rows) for lang in ("en", "ja", "zh")}
    stocks["letters", "zh"] = stock(("a", TRAIN))
    near = {"en": [], "ja": [Near(0, 1, 0.9), Near(0, 2, 0.9)], "zh": []}
    found = screened(stocks, near, SIDES)
    for lang in ("en", "ja", "zh"):
        assert units(found["diary", lang]) == ["b", "c"]
        rule = NEAR["test"] if lang == "ja" else TRANSLATED
        assert found["diary", lang].counts[f"records dropped: {rule}"] == 1
    assert f"records dropped: {NEAR['dev']}" not in found["diary", "ja"].counts
    assert units(found["letters", "zh"]) == ["a"]


def test_what_is_dropped_for_the_test_side_counts_so_in_whatever_order():
    stocks = {("diary", "ja"): stock(("a", TRAIN), ("b", TEST), ("c", DEV))}
    for pairs in ([Near(0, 2, 0.9), Near(0, 1, 0.9)], [Near(0, 1, 0.9), Near(0, 2, 0.9)]):
        (after,) = screened(stocks, {"ja": pairs}, SIDES).values()
        assert after.counts[f"records dropped: {NEAR['test']}"] == 1
        assert f"records dropped: {NEAR['dev']}" not in after.counts
