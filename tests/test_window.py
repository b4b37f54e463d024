"""Windows: they cover the text, fit, overlap, part nothing that hangs together, and merge."""

import itertools
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts

from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.model.window import merge, split

_LONG = st.lists(texts, min_size=1, max_size=30).map("。 ".join)


def windows(text, limit, overlap=4, count=len):
    return split(text, limit=limit, overlap=overlap, count=count)


@settings(max_examples=150, deadline=None)
@given(_LONG, st.integers(8, 80), st.integers(0, 12))
def test_windows_cover_fit_and_advance(text, limit, overlap):
    found = windows(text, limit, overlap)
    assert found[0][0] == 0
    assert found[-1][1] == len(text)
    for start, end in found:
        assert end - start <= limit
        assert start < end or not text
    for (start, end), (after, later) in itertools.pairwise(found):
        assert start < after < end < later  # neighbours overlap, and go on


@settings(max_examples=150, deadline=None)
@given(_LONG, st.integers(24, 80))
def test_no_border_parts_a_character(text, limit):
    for start, end in windows(text, limit):
        for border in (start, end):
            if 0 < border < len(text):
                before, after = text[border - 1], text[border]
                lone = "".join(text[max(0, border - limit // 4) : border + limit // 4])
                if not _hangs_together(lone):
                    assert unicodedata.category(after)[0] != "M"
                    assert "\u200d" not in (before, after)
                    assert after not in "ﾞﾟ"


def _hangs_together(piece):
    """Say whether a long run has no border at all."""
    joins = [unicodedata.category(c)[0] == "M" or c in "\u200dﾞﾟ" for c in piece]
    return sum(joins) > len(piece) // 3


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("One two. Three four. Five six.", 22, ["One two. Three four.", "four. Five six."]),
        ("甲は乙。丙は丁。戊は己。", 9, ["甲は乙。丙は丁。", "丁。戊は己。"]),
        ("北京很大，上海也大，都灵不大", 11, ["北京很大，上海也大，", "大，都灵不大"]),
        ("first line\nsecond line here", 16, ["first line\n", "\nsecond line ", " here"]),
    ],
)
def test_borders_are_where_a_reader_would_stop(text, limit, parts):
    assert [text[start:end] for start, end in windows(text, limit, overlap=1)] == parts


def test_words_and_clusters_stay_whole():
    text = "internationalisation of 👩‍🚀👩‍🚀 e\u0301te\u0301 ｶﾞｷﾞ Straße привет 12345 " * 4
    whole = {0, *(at for at, char in enumerate(text) if char == " ")}
    borders = {border for window in windows(text, 30, overlap=3) for border in window}
    for border in borders - {len(text)}:
        before, after = text[border - 1], text[border]
        assert border in whole or not (before.isalnum() and after.isalnum()) or before in "ｶｷﾞ"
        assert after not in "\u0301\u200dﾞﾟ"


def test_one_word_longer_than_a_window_is_parted_after_all():
    assert windows("a" * 50, 20)[-1][1] == 50
    assert windows("e" + "\u0301" * 50, 20)[-1][1] == 51


def test_an_entity_shorter_than_the_overlap_lies_whole_in_a_window():
    text = "雨が降る町で" * 60
    found = windows(text, 60, overlap=12)
    for at in range(len(text) - 12):
        assert any(start <= at and at + 12 <= end for start, end in found)


def test_what_goes_to_the_prompt_does_not_eat_the_overlap():
    text = "雨が降る町で" * 60
    for overhead in (0, 40, 50):
        found = windows(text, 60, overlap=2, count=lambda piece, n=overhead: n + len(piece))
        for (_, end), (start, _) in pairwise(found):
            assert end - start >= 2


def test_a_window_fits_where_a_shorter_text_has_more_tokens():
    odd = lambda piece: len(piece) + 3 * (len(piece) % 2)  # noqa: E731 - as merges may do
    found = windows("Ada went home. " * 40, 50, count=odd)
    assert all(odd(("Ada went home. " * 40)[start:end]) <= 50 for start, end in found)


def test_the_count_rules_and_not_the_length():
    tokens = lambda piece: 5 + 3 * len(piece)  # noqa: E731 - a prompt of 5 tokens around
    for start, end in windows("雨が降る。" * 40, 50, count=tokens):
        assert tokens("雨が降る。"[: end - start]) <= 50
        assert end - start <= 15
    with pytest.raises(InputError, match="a window of 5 has no room for text: 5 go to the prompt"):
        windows("雨", 5, count=tokens)
    with pytest.raises(InputError, match="not even the character at 0 fits"):
        windows("雨", 7, count=tokens)


def test_a_short_text_is_one_window():
    assert windows("", 5) == [(0, 0)]
    assert windows("甲乙丙", 5) == [(0, 3)]


def test_long_texts_are_fast():
    calls = []
    windows("Ada went home. " * 20000, 1000, count=lambda piece: calls.append(1) or len(piece) // 4)
    assert len(calls) < 1000


# ---------------------------------------------------------------- merging

_TEXT = "Ada met Bo Li in New York City."
_RECORD = Record("r", "scnm-en", _TEXT, meta={"a": 1})


def part(start, end, *items, label="Society", score=0.9, repairs=()):
    """A prediction for a window; items are (label, entity, confidence)."""
    text = _TEXT[start:end]
    pairs = tuple(
        Pair(kind, e, text.index(e), text.index(e) + len(e)) if e in text else Pair(kind, e)
        for kind, e, _ in items
    )
    return Prediction(
        "r",
        "scnm-en",
        text,
        label,
        pairs,
        scores={"label": score, "items": [confidence for _, _, confidence in items]},
        completion=f"{label}/NER/",
        repairs=repairs,
    )


def merged(*parts):
    """The merger of (window, prediction)."""
    spans, predictions = zip(*parts, strict=True)
    return merge(_RECORD, spans, predictions)


def test_items_get_their_places_in_the_whole_text_and_come_once():
    found = merged(
        ((0, 14), part(0, 14, ("people", "Ada", 0.9), ("people", "Bo Li", 0.5))),
        ((8, 31), part(8, 31, ("people", "Bo Li", 0.7), ("places", "New York City", 0.8))),
    )
    assert [(p.entity, p.start, p.end) for p in found.pairs] == [
        ("Ada", 0, 3),
        ("Bo Li", 8, 13),
        ("New York City", 17, 30),
    ]
    assert found.scores["items"] == [0.9, 0.7, 0.8]
    assert found.text == _TEXT
    assert found.meta == {"a": 1}
    assert found.completion == "Society/NER/\nSociety/NER/"


def test_an_entity_that_the_border_cut_gives_way():
    found = merged(
        ((0, 25), part(0, 25, ("places", "New York", 0.99))),
        ((11, 31), part(11, 31, ("places", "New York City", 0.4))),
    )
    assert [p.entity for p in found.pairs] == ["New York City"]


def test_where_windows_disagree_the_more_confident_goes_first():
    found = merged(
        ((0, 16), part(0, 16, ("places", "Bo Li", 0.6))),
        ((4, 31), part(4, 31, ("people", "Bo Li", 0.7), ("people", "Bo", 0.2))),
    )
    assert [(p.label, p.entity) for p in found.pairs] == [("people", "Bo Li"), ("people", "Bo")]


def test_the_label_has_the_largest_sum_of_confidences():
    found = merged(
        ((0, 10), part(0, 10, label="Society", score=0.4)),
        ((8, 20), part(8, 20, label="Nature", score=0.7, repairs=("cut-dropped",))),
        ((18, 31), part(18, 31, label="Society", score=0.5)),
    )
    assert found.label == "Society"
    assert found.scores["label"] == pytest.approx(0.9 / 3)
    assert found.repairs == ("cut-dropped",)


def test_facts_come_once_in_the_order_found():
    def fact(*names):
        return Prediction(
            "r", "tcree-en", "", "film", facts=tuple(Fact((n, "age", "3")) for n in names)
        )

    found = merge(_RECORD, [(0, 9), (5, 31)], [fact("Ada", "Bo"), fact("Bo", "Cy")])
    assert [f.fields[0] for f in found.facts] == ["Ada", "Bo", "Cy"]
    assert found.scores == {}


def test_items_without_a_place_come_once():
    found = merged(
        ((0, 16), part(0, 16, ("people", "Zed", 0.6), ("people", "Ada", 0.5))),
        ((4, 31), part(4, 31, ("people", "Zed", 0.7))),
    )
    assert [(p.entity, p.start) for p in found.pairs] == [("Ada", 0), ("Zed", None)]
    assert found.scores["items"] == [0.5, 0.7]
