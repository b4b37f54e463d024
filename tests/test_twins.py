"""Texts that are the same once folded."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from pointline.corpus.twins import groups, key
from pointline.format.text import fold


def letters(text):
    """What is left without punctuation, control and format marks, and the key's minus sign."""
    kinds = ((char, unicodedata.category(char)) for char in text if char != "−")
    return "".join(char for char, kind in kinds if kind[0] != "P" and kind not in ("Cc", "Cf"))


@given(texts)
def test_the_key_is_the_folded_text_without_most_punctuation(text):
    assert letters(key(text)) == letters(fold(text).text)


CHARS = "aＡßﾊﾞか\u3099\u0301ｶﾞ각\u1100\u1161ﬁⅣ①—“ 　\n\x1c１5.,（)-－−\u200b"


@given(st.text(st.sampled_from(CHARS), max_size=12))
def test_the_key_is_the_folded_text_where_characters_join(text):
    assert letters(key(text)) == letters(fold(text).text)
    if not any(char.isdecimal() for char in fold(text).text):
        assert key(text) == letters(fold(text).text)


def test_twins_differ_in_punctuation_only():
    assert key("It works.") == key("it works") == key("“It—works!”")
    assert key("良い，店。") == key("良い店")
    assert key("5%") != key("6%")
    assert key("A+") != key("A")
    assert key("：。—…\u200b") == ""


def test_what_makes_another_number_is_no_mere_punctuation():
    for one, other in (
        ("up 1.5 %", "up 15 %"),
        ("-5", "5"),
        ("気温は −5 度", "気温は 5 度"),
        ("（－5）", "（5）"),
        ("at 10:30", "at 1030"),
        ("2/3 of them", "23 of them"),
        ("1995–7", "19957"),
    ):
        assert key(one) != key(other)


def test_the_rest_of_punctuation_by_a_number_is_mere_punctuation():
    for one, other in (
        ("up １．５ %", "up 1.5"),
        ("won 7-6 (7-5)", "won 7-6（7-5）"),
        ("won 6-0, 7-6", "won 6-0，7-6"),
        ("Covid-19", "COVID 19"),
        ("第-5回", "第5回"),
        ("5.", "5"),
        ("1\u200b.5", "1.5"),
    ):
        assert key(one) == key(other)


def test_documents_that_share_a_text_are_one_group_by_any_chain():
    texts_of = [("d", "1"), ("c", "1"), ("c", "2"), ("b", "2"), ("e", "3"), ("a", "4"), ("b", "4")]
    assert groups(texts_of) == {"d": "a", "c": "a", "b": "a", "a": "a", "e": "e"}
    assert groups(reversed(texts_of)) == groups(texts_of)
    assert groups([]) == {}
