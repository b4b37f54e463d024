import unicodedata

from hypothesis import given
from strategies import texts

from pointline.format.text import Place, chunks, find_folded, fold, occurrences, place


@given(texts)
def test_folding_keeps_the_way_back(text):
    folded = fold(text)
    assert len(folded.text) == len(folded.starts) == len(folded.ends)
    assert list(folded.starts) == sorted(folded.starts)
    assert all(0 <= s < e <= len(text) for s, e in zip(folded.starts, folded.ends, strict=True))


@given(texts)
def test_chunks_join_to_the_text(text):
    assert "".join(chunks(text, words=True)) == text
    assert chunks(text, words=False) == list(text)


@given(texts, texts)
def test_a_folded_find_is_a_piece_that_folds_to_the_same(text, entity):
    for found in find_folded(text, entity):
        assert fold(text[found.start : found.end]).text == fold(entity).text


def test_width_case_and_composition_fold_together():
    assert find_folded("新しいＩＢＭ製品", "ibm") == [Place(3, 6)]
    decomposed = unicodedata.normalize("NFD", "Café がある")
    assert find_folded(decomposed, "café") == [Place(0, 5)]
    assert find_folded("ﾊﾞｽが来た", "バス") == [Place(0, 3)]
    assert find_folded("Straße 5", "STRASSE") == [Place(0, 6)]
    assert find_folded("他说“你好”。", '"你好"') == [Place(2, 6)]


def test_a_find_never_cuts_a_character_that_folds_to_several():
    assert find_folded("㍿東京", "株") == []
    assert find_folded("㍿東京", "株式会社") == [Place(0, 1)]


def test_the_kth_mention_takes_the_kth_occurrence():
    assert [p.start for p in place("甲乙甲乙", ["甲", "乙", "甲", "乙"])] == [0, 1, 2, 3]
    assert place("Ada", ["Ada", "Ada"]) == [Place(0, 3), Place(0, 3)]
    assert place("A A A", ["A", "A"]) == [Place(0, 1, True), Place(2, 3, True)]
    assert place("", ["A", ""]) == [None, None]


def test_overlapping_occurrences_are_all_found():
    assert occurrences("ナナナ", "ナナ") == [0, 1]
    assert occurrences("abc", "") == []


def test_words_stay_whole_in_latin_script_only():
    assert chunks("naïve 3rd 東京", words=True) == ["naïve", " ", "3rd", " ", "東", "京"]
    assert chunks("e\u0301te\u0301!", words=True) == ["e\u0301te\u0301", "!"]
