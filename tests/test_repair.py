"""Finding spans again. The written cases are in tests/data/spans.tsv."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pointline.draft import align
from pointline.draft.repair import Located, Step, locate
from pointline.errors import MissingExtra

CASES = Path(__file__).parent / "data" / "spans.tsv"
#: Cases that the rules get wrong, and why nothing short of knowing the words would help.
KNOWN = {
    ("Apple", "She ate an apple."),  # the model gave the fruit a capital, or the firm none
    ("good", "The goods came late."),  # a plural as any other
    ("リスト", "リストラが続く。"),  # verbatim: a run of katakana has no edges to see
    ("有名的", "没有名字。"),  # verbatim but for 的: nor has Chinese
    ("开心地", "她⟦开心⟧极了。"),  # 地 ends nouns too (目的地)
    ("buy", "They ⟦bought⟧ bread."),  # irregular forms need a dictionary
    ("child", "The ⟦children⟧ sang."),
    ("rude staff", "The ⟦staff were rude⟧ to us."),  # a verb came in between
    ("long queue", "The ⟦queues⟧ were long."),
    ("general", "They generally agree."),  # an adverb as any other
    ("new", "The news is bad."),
    ("子ども", "庭で⟦子供⟧が遊ぶ。"),  # another spelling, in a dictionary only
    ("インド", "インドネシアの島。"),
}


def cases():
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            lang, kind, wanted, marked = line.split("\t")
            before, mark, rest = marked.partition("⟦")
            span, _, after = rest.partition("⟧")
            right = (len(before), span) if mark else None
            known = (wanted, marked) in KNOWN
            yield pytest.param(
                kind, wanted, before + span + after, right,
                id=f"{lang} {kind} {wanted} {marked}",
                marks=[pytest.mark.xfail(reason="known")] if known else [],
            )  # fmt: skip


@pytest.mark.parametrize(("kind", "wanted", "text", "right"), list(cases()))
def test_the_written_cases(kind, wanted, text, right):
    (found,) = locate(text, [wanted])
    if right is None:
        assert found is None
    else:
        assert found is not None
        assert (found.start, found.entity) == right
        assert found.step == kind


def test_there_are_cases_of_every_kind_in_every_language():
    told = Counter(tuple(case.id.split(" ")[:2]) for case in cases())
    assert {lang for lang, _ in told} == {"en", "ja", "zh"}
    assert min(told.values()) >= 6 and sum(told.values()) > 200


def at(text, wanted, **options):
    return [found and (found.start, found.end) for found in locate(text, wanted, **options)]


# ---------------------------------------------------------------- several mentions


def test_the_kth_mention_takes_the_kth_place():
    assert at("甲は乙と甲に会い、甲は去る。", ["甲", "甲"]) == [(0, 1), (4, 5)]


def test_mentions_beyond_the_last_place_share_it():
    assert at("Una saw Una.", ["Una", "Una", "Una"]) == [(0, 3), (8, 11), (8, 11)]


def test_a_further_mention_takes_a_place_in_another_form():
    found = locate("IBMとＩＢＭは同じだ。", ["IBM", "IBM"])
    assert [(one.entity, one.step) for one in found] == [
        ("IBM", Step.VERBATIM),
        ("ＩＢＭ", Step.NORMALISED),
    ]
    assert at("One robot met two robots.", ["robot", "robot"]) == [(4, 9), (18, 24)]


def test_the_places_of_one_string_are_in_the_order_of_the_text():
    assert at("ＩＢＭとIBMは同じだ。", ["IBM", "IBM"]) == [(0, 3), (4, 7)]


def test_a_string_leaves_the_places_of_longer_ones_alone():
    assert at("東京大学は東京にある。", ["東京", "東京大学"]) == [(5, 7), (0, 4)]
    assert at("Lake Una is near Una.", ["Una", "Lake Una"]) == [(17, 20), (0, 8)]


def test_a_string_that_stands_only_within_another_is_found_there():
    assert at("东京大学很大。", ["东京", "东京大学"]) == [(0, 2), (0, 4)]


def test_what_is_wanted_with_no_words_is_not_found():
    assert at("a b", ["", " ", "·", "\u200d"]) == [None] * 4
    assert locate("", ["a"]) == (None,)


# ---------------------------------------------------------------- edges and offsets


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("🐈‍⬛とＡｄａ", "Ada"),
        ("👩‍👩‍👧 und Zoe\u0308 kam", "Zoë"),
        ("ﾃﾞﾊﾟｰﾄへ行く", "デパート"),
        ("が\u3099ラス館の前", "ガラス館"),
        ("Ａ\u3000Ｂ社", "A B社"),
        ("𠮷野屋、𠮷田", "𠮷田"),
    ],
)
def test_offsets_are_code_points_of_the_text_as_it_is(text, wanted):
    (found,) = locate(text, [wanted])
    if found is not None:
        assert text[found.start : found.end] == found.entity


def test_characters_are_not_cut():
    assert at("が行く", ["か"]) == [None]
    assert at("か\u3099く", ["か"]) == [None]
    assert at("ﾊﾞｽ", ["ﾊ"]) == [None]
    assert at("e\u0301 a", ["e"]) == [(0, 2)]
    assert at("👩🏽 left", ["👩"]) == [None]
    assert at("👩‍🚀 left", ["👩"]) == [None]


texts = st.text(
    alphabet=st.sampled_from("abAB 19.,-'ーァアアカｶﾞﾊ゙がかきく美味しいった東京大学的了·「」ée\u0301\u3099🐈👩\u200d🏽Ａ１"),
    max_size=24,
)  # fmt: skip


@given(texts, st.lists(texts, max_size=4))
@example("aa a", ["aa", "a", "a"])
def test_what_is_found_stands_there(text, wanted):
    found = locate(text, wanted)
    assert len(found) == len(wanted)
    for one in found:
        if one is not None:
            assert text[one.start : one.end] == one.entity != ""
            assert 0 < one.score <= 1


@given(texts, texts)
def test_what_stands_there_as_it_is_needs_no_other_step(before, wanted):
    text = f"{before} {wanted} ."
    (found,) = locate(text, [wanted])
    if wanted[:1].isalnum() and wanted[-1].isalnum() and found is not None:
        assert found.step in (Step.VERBATIM, Step.NORMALISED)


@given(texts, st.lists(texts, max_size=4), st.floats(0, 1))
def test_a_higher_threshold_finds_no_more(text, wanted, threshold):
    loose, strict, off = (locate(text, wanted, threshold=t) for t in (0.0, threshold, None))
    for one, other, none in zip(loose, strict, off, strict=True):
        assert one is not None or other is None
        assert other is not None or none is None
        assert none is None or none.step is not Step.ALIGNED


def test_a_long_text_is_searched_in_time():
    text = "港の近くに小さなパン屋があり、ノラが毎朝六時に窯を温める。" * 100
    assert locate(text, ["温めました"])[0].entity == "温める"
    assert locate("The ferry to Skarvik left the harbour at six. " * 200, ["ferries"])[0].start == 4


def test_the_step_that_needs_a_library_says_so(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "rapidfuzz", None)
    assert locate("Two robots.", ["robot"], threshold=None) == (None,)
    assert locate("A robot.", ["robot"])[0].step is Step.VERBATIM
    with pytest.raises(MissingExtra, match=r"pointline\[draft\]"):
        align.aligned("Two robots.", "robot")


def test_located_is_a_value():
    assert Located("a", 0, 1) == Located("a", 0, 1, Step.VERBATIM, 1.0)
    assert [str(step) for step in Step] == [
        "verbatim", "normalised", "asked", "aligned", "cross-lingual",
    ]  # fmt: skip
