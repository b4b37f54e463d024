"""Words of a text: nothing lost, nothing moved, and a kind for each."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.corpus.words import tagger, words
from pointline.errors import InputError, MissingExtra

PIECES = st.sampled_from(
    ["庭", "美しい", "美しかった", "ﾊﾞｽ", "か\u3099", "。", "、", "很", "好", "干净", "酒店", "，",
     "the", "film's", "isn't", "U.S.", "cafe\u0301", "naïve", "well-made", "Ｗｉ", "１２", "3.5",
     "😀", "👩\u200d👧", "🇯🇵", " ", "　", "\n", "\r\n", "\t", "'", "n't", "-", "\u0301", "﷽", "𠮷"]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=12).map("".join) | st.text(
    st.characters(codec="utf-8"), max_size=30
)


@pytest.mark.parametrize("lang", ["en", "ja", "zh"])
@settings(deadline=None)  # the first call loads a dictionary
@given(text=TEXTS)
def test_words_stand_in_order_and_leave_out_nothing_but_white_space(lang, text):
    found = words(text, lang)
    at = 0
    for word in found:
        assert at <= word.start < word.end <= len(text)
        assert not text[at : word.start].strip()
        assert text[word.start : word.end] == word.forms[0]
        assert len(set(word.forms)) == len(word.forms)
        at = word.end
    assert not text[at:].strip()
    assert [word for word in found if word.kind != "other" and not word.forms[0].strip()] == []


def told(text, lang):
    return [(word.forms[0], word.kind) for word in words(text, lang)]


def test_english_words_and_their_clitics():
    assert told("The U.S. team's well-made plan isn't dull 😀.", "en") == [
        ("The", "determiner"), ("U.S.", "name"), ("team", "noun"), ("'s", "other"),
        ("well-made", "adjective"), ("plan", "noun"), ("is", "verb"), ("n't", "other"),
        ("dull", "adjective"), ("😀", "other"), (".", "other"),
    ]  # fmt: skip


def test_english_nouns_with_a_capital_are_names_but_where_a_sentence_begins():
    kinds = dict(told("Walks in Paper Garden. Gardens? A LOT of gardens", "en"))
    assert kinds["Garden"] == kinds["Paper"] == "name"
    assert kinds["Walks"] == kinds["Gardens"] == kinds["LOT"] == kinds["gardens"] == "noun"


def test_japanese_words_in_their_dictionary_form():
    (cold,) = (word for word in words("昨日は寒かった", "ja") if word.kind == "adjective")
    assert (cold.forms, cold.start, cold.end) == (("寒かっ", "寒い"), 3, 6)
    assert told("ﾊﾞｽは便利な３台、便利さで", "ja") == [
        ("ﾊﾞｽ", "noun"), ("は", "particle"), ("便利", "adjective"), ("な", "particle"),
        ("３", "number"), ("台", "noun"), ("、", "other"), ("便利", "noun"), ("さ", "affix"),
        ("で", "particle"),
    ]  # fmt: skip


def test_japanese_longer_than_the_tagger_reads_at_once():
    text = "猫が鳴く。" * 6000 + "長" * 13_000
    found = words(text, "ja")
    assert "".join(word.forms[0] for word in found) == text
    assert found[-1].end == len(text) == 43_000


def test_chinese_words_by_the_dictionary_and_its_corrections():
    assert told("他很满意，挺好用的房间😀", "zh") == [
        ("他", "other"), ("很", "adverb"), ("满意", "adjective"), ("，", "other"),
        ("挺", "adverb"), ("好用", "adjective"), ("的", "particle"), ("房间", "noun"), ("😀", "other"),
    ]  # fmt: skip
    assert told("很漂亮", "zh") == [("很", "adverb"), ("漂亮", "adjective")]
    assert told("超好用", "zh") == [("超", "adverb"), ("好用", "adjective")]
    assert told("麻烦", "zh") == [("麻烦", "noun")]
    assert told("太麻烦", "zh")[-1] == ("麻烦", "adjective")


def test_a_tagger_has_a_name_and_a_version():
    assert [tagger(lang).split()[0] for lang in ("en", "ja", "zh")] == [
        "HanTa", "SudachiPy", "rjieba",
    ]  # fmt: skip
    assert "SudachiDict-small 20" in tagger("ja")


@pytest.mark.parametrize("ask", [lambda: words("a", "de"), lambda: tagger("de")])
def test_a_language_without_a_tagger(ask):
    with pytest.raises(InputError, match="no tagger for the language 'de': there are en, ja, zh"):
        ask()


@pytest.mark.parametrize(
    ("lang", "library", "name"),
    [("en", "HanTa", "HanTa"), ("ja", "sudachipy", "SudachiPy"), ("zh", "rjieba", "rjieba")],
)
def test_a_tagger_that_is_not_installed(monkeypatch, lang, library, name):
    from pointline.corpus import words as module

    for load in (module._hanta, module._sudachi, module._jieba):
        load.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingExtra, match=rf'{name} is not installed: .*"pointline\[corpora\]"'):
        words("a text that no other test has", lang)
