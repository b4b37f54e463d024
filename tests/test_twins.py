"""Texts that are the same once folded."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from pointline.corpus.twins import groups, key
from pointline.format.text import fold


def without_punctuation(text):
    return "".join(char for char in text if unicodedata.category(char)[0] not in "PC")


@given(texts)
def test_the_key_is_the_folded_text_without_punctuation(text):
    assert key(text) == without_punctuation(fold(text).text)


@given(st.text(st.sampled_from("aＡßﾊﾞか\u3099\u0301ｶﾞ각\u1100\u1161ﬁⅣ①—“ 　\n\x1c"), max_size=12))
def test_the_key_is_the_folded_text_where_characters_join(text):
    assert key(text) == without_punctuation(fold(text).text)


def test_twins_differ_in_punctuation_only():
    assert key("It works.") == key("it works") == key("“It—works!”")
    assert key("良い，店。") == key("良い店")
    assert key("5%") != key("6%")
    assert key("A+") != key("A")
    assert key("：。—…\u200b") == ""


def test_documents_that_share_a_text_are_one_group_by_any_chain():
    texts_of = [("d", "1"), ("c", "1"), ("c", "2"), ("b", "2"), ("e", "3"), ("a", "4"), ("b", "4")]
    assert groups(texts_of) == {"d": "a", "c": "a", "b": "a", "a": "a", "e": "e"}
    assert groups(reversed(texts_of)) == groups(texts_of)
    assert groups([]) == {}
