"""Mending mentions that were projected onto a translation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.corpus.sources.projection import CHANGED, DROPPED, Span, mend


def span(words, first=0, last=None):
    """The span of the words first to last (split at "|") in the text they make."""
    tokens, at = [], 0
    parts = words.split("|")
    for part in parts:
        tokens.append((at, at + len(part)))
        at += len(part)
    return Span("".join(parts), tokens, first, len(parts) - 1 if last is None else last)


SPELLING, BRACKET, COMMA, PARTICLE, EDGES = CHANGED
CASES = {
    "good": ("ja", "ミラ", "Mira", "ミラ", ()),
    "particle behind": ("ja", "ミラ|は", "Mira", "ミラ", (EDGES,)),
    "bracket and particle": ("ja", "「|森の歌|」|の", "Song", "森の歌", (EDGES,)),
    "a clause behind": ("ja", "王党|を|破っ|た|後", "Royals", "王党", (PARTICLE,)),
    "a comma": ("ja", "オドー|は|、|今|も", "Odo", "オドー", (COMMA, PARTICLE)),
    "half a bracket": ("ja", "夢|』|と", "Dream", "夢", (BRACKET,)),
    "opening half": ("zh", "艾达|（|作者", "Ida", "艾达", (BRACKET,)),
    "a gloss": ("zh", "艾达|（|Ida Moon|）", "Ida Moon", "艾达", (BRACKET,)),
    "half a quotation": ("zh", '橡树 |"|的', "Oak", "橡树", (BRACKET, EDGES)),
    "Latin name": ("zh", "MRQ|都|参与|了", "MRQ", "MRQ", (SPELLING,)),
    "Latin name, whole": ("ja", "Mira Vale", "Mira Vale", "Mira Vale", ()),
    "a word that holds it": ("ja", "OpenMRQ|は", "MRQ", "OpenMRQ", (EDGES,)),
    "verb behind": ("zh", "会堂|举行", "Hall", "会堂", (EDGES,)),
    "leading particle": ("zh", "在|哈尔|于", "Harl", "哈尔", (EDGES,)),
    "a number's comma": ("zh", "1,000|米", "1000 m", "1,000米", ()),
    "nothing left": ("ja", "「|」|の", "x", None, (DROPPED[0],)),
    "a function word": ("ja", "ます", "Davies", None, (DROPPED[0],)),
    "one kana": ("ja", "き", "Ki", None, (DROPPED[0],)),
    "one ideograph": ("zh", "月", "Moon", "月", ()),
    "too long": ("ja", "長い名" * 7, "Long", None, (DROPPED[1],)),
    "long but as in the source": ("ja", "A Very Long Name of a Book", "A Very Long Name of a Book",
                                  "A Very Long Name of a Book", ()),
}  # fmt: skip


@pytest.mark.parametrize(("lang", "words", "source", "kept", "rules"), CASES.values(), ids=CASES)
def test_a_mention_is_mended(lang, words, source, kept, rules):
    given_span = span(words)
    mended = mend(given_span, lang=lang, source=source)
    assert (mended.place and given_span.text[slice(*mended.place)]) == kept
    assert mended.rules == rules


def test_a_title_keeps_its_particles():
    assert mend(span("猫|が|いる"), lang="ja", source="Cats", title=True).place == (0, 4)
    assert mend(span("猫|が|いる"), lang="ja", source="Cats").place == (0, 1)


def test_only_the_spans_own_tokens_count():
    inner = span("駅|で|ミラ|は|歌う", 2, 3)
    assert mend(inner, lang="ja", source="Mira").place == (2, 4)


@given(
    st.lists(st.sampled_from(["は", "の", "「", "」", "（", "）", "、", '"', "ミラ", "Ida", "的", "在", " ", "𠮷"]), min_size=1, max_size=8),
    st.sampled_from(["ja", "zh"]),
    st.booleans(),
)  # fmt: skip
def test_a_mended_place_lies_within_the_span_and_is_clean(words, lang, title):
    given_span = span("|".join(words))
    mended = mend(given_span, lang=lang, source="Ida", title=title)
    if mended.place is None:
        assert mended.rules[0] in DROPPED
        return
    start, end = mended.place
    assert given_span.start <= start < end <= given_span.end
    kept = given_span.text[start:end]
    assert kept == kept.strip()
    assert kept[0] not in "」）、" and kept[-1] not in "「（、"
    assert set(mended.rules) <= set(CHANGED)
