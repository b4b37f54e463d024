"""Texts that are the same once folded."""

from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from pointline.corpus.twins import groups, key
from pointline.format.text import fold


@given(texts)
def test_the_key_is_the_folded_text(text):
    assert key(text) == fold(text).text


@given(st.text(st.sampled_from("aＡßﾊﾞか\u3099\u0301ｶﾞ각\u1100\u1161ﬁⅣ①—“ 　\n\x1c"), max_size=12))
def test_the_key_is_the_folded_text_where_characters_join(text):
    assert key(text) == fold(text).text


def test_documents_that_share_a_text_are_one_group_by_any_chain():
    texts_of = [("d", "1"), ("c", "1"), ("c", "2"), ("b", "2"), ("e", "3"), ("a", "4"), ("b", "4")]
    assert groups(texts_of) == {"d": "a", "c": "a", "b": "a", "a": "a", "e": "e"}
    assert groups(reversed(texts_of)) == groups(texts_of)
    assert groups([]) == {}
