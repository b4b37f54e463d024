"""Predicates and arguments of FKC as strings that a reader would underline."""

import pytest
from invented_ja import relation, sentence, write_fkc
from invented_words import kana

from pointline.corpus.sources.fkc import CASES, GENRES, SOURCE
from pointline.errors import CorpusError
from pointline.format.tasks import task

SID = "fuman-trip-0000000001-1"


def arg(kind, at, *, mode=""):
    return relation(kind, "x", sid=SID, at=at, mode=mode)


def read(raw, *bunsetsu):
    """The facts of one sentence, its text, and the counts."""
    folder = raw / "fkc/knp/trip"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "fuman-trip-0000000001.knp"
    path.write_text(sentence(SID, *bunsetsu), encoding="utf-8")
    found = SOURCE.harvest(raw, "ja")
    (sourced,) = found.records
    facts = [fact.fields for fact in sourced.record.facts]
    for predicate, case, argument in facts:
        assert case in CASES
        assert predicate in sourced.record.text
        assert argument in sourced.record.text
    return facts, sourced.record.text, found.counts


def test_a_complaint_is_a_document_and_a_sentence_a_record(tmp_path):
    write_fkc(tmp_path, size=1)
    found = SOURCE.harvest(tmp_path, "ja")
    first, second = found.records[:2]
    assert first.document == second.document == "fuman-consumer_electronics-0000"
    assert (first.record.text, first.record.label) == (
        f"{kana(first.record.id)}の港バスが遅れ、来ないので、",
        "家電",
    )
    assert [fact.fields for fact in first.record.facts] == [("来ない", "ガ", "港バス")]
    assert [fact.fields for fact in second.record.facts] == [
        ("問う", "ニ", "職員"),
        ("問う", "ヲ", "第0便"),
    ]
    assert {sourced.record.label for sourced in found.records} == set(GENRES.values())
    counts = found.counts
    assert (counts["records read"], counts["records kept"]) == (12, 12)
    assert counts["relations read"] == 36
    assert counts["relations kept"] == 18
    assert counts["relations dropped: its argument is unsaid (著者)"] == 6
    assert counts["relations dropped: its argument is in another sentence"] == 6
    assert counts["relations dropped: it joins two nouns"] == 6


def test_the_task_has_the_genres_and_cases():
    assert task("open-tcree-ja").labels == tuple(GENRES.values())
    assert task("open-tcree-ja").item_labels == CASES


ENDINGS = {
    "a negation stays": ("届か/動詞//未然形 ない/接尾辞//基本形 。/特殊/句点", "届かない"),
    "a connective goes": ("濡れた/動詞//タ形 ので/助動詞///のだ 、/特殊/読点", "濡れた"),
    "a politeness stays": ("行き/動詞//基本連用形 ませ/接尾辞//未然形 ん/助動詞//基本形 でした/判定詞 が/助詞", "行きませんでした"),
    "a noun's copula goes": ("休み/名詞/普通名詞 だ/判定詞//基本形 。/特殊/句点", "休み"),
    "a quotation mark goes": ("「/特殊/括弧始 高い/形容詞//基本形 」/特殊/括弧終 と/助詞", "高い"),
    "a comma cuts": ("狭く/形容詞//連用形 、/特殊/読点 また/接続詞", "狭く"),
}  # fmt: skip


@pytest.mark.parametrize(("morphemes", "predicate"), ENDINGS.values(), ids=ENDINGS)
def test_a_predicate_has_its_endings_and_no_closing_particle(tmp_path, morphemes, predicate):
    facts, _, _ = read(tmp_path, [("船/名詞/普通名詞 は/助詞", "")], [(morphemes, arg("ガ", 0))])
    assert facts == [(predicate, "ガ", "船")]


ARGUMENTS = {
    "particles go": ([[("船/名詞 など/助詞 は/助詞", "")]], 0, "船"),
    "a compound is whole": ([[("掃除/名詞/サ変名詞", ""), ("機/名詞 を/助詞", "")]], 1, "掃除機"),
    "a suffix is whole": ([[("管理/名詞", ""), ("者/接尾辞 が/助詞", "")]], 1, "管理者"),
    "brackets go": ([[("「/特殊/括弧始 灯/名詞 」/特殊/括弧終 を/助詞", "")]], 0, "灯"),
    "a copula goes": ([[("雨/名詞 です/判定詞 が/助詞", "")]], 0, "雨"),
    "a formal noun takes in what it stands for": (
        [[("遅い/形容詞//基本形", "")], [("こと/名詞/形式名詞 が/助詞", "")]], 1, "遅いこと"),
    "and what stands before という": (
        [[("遅い/形容詞//基本形 と/助詞", "")], [("いう/動詞//基本形", "")], [("こと/名詞/形式名詞 が/助詞", "")]],
        2, "遅いということ"),
    "事 as a noun does too": ([[("その/指示詞", "")], [("事/名詞/普通名詞 が/助詞", "")]], 1, "その事"),
    "an adjective's stem is a noun": ([[("不満/形容詞//語幹 が/助詞", "")]], 0, "不満"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "at", "argument"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_an_argument_is_what_a_reader_would_underline(tmp_path, before, at, argument):
    facts, _, _ = read(tmp_path, *before, [("困る/動詞//基本形 。/特殊/句点", arg("ガ", at))])
    assert facts == [("困る", "ガ", argument)]


DROPPED = {
    "it modifies and fills no case": arg("修飾", 0),
    "it is coreference": arg("=", 0),
    "it holds only nearly (≒)": arg("ガ≒", 0),
    "its case is a compound one": arg("ニツイテ", 0),
    "its argument is unsaid (不特定)": relation("ガ", "不特定:人1"),
    "its argument is marked as doubtful": arg("ガ", 0, mode="？"),
    "its argument is a clause": arg("ト", 1),
    "no word left of its argument": arg("ガ", 2),
    "its predicate is a part of the argument": arg("ガ", 3),
    "the same three strings twice": arg("ガ", 0) * 2,
}


@pytest.mark.parametrize(("reason", "relations"), DROPPED.items(), ids=DROPPED)
def test_every_relation_that_makes_no_fact_is_counted_under_its_reason(tmp_path, reason, relations):
    facts, _, counts = read(
        tmp_path,
        [("船/名詞/普通名詞 が/助詞", "")],
        [("揺れる/動詞//基本形 と/助詞", "")],
        [("、/特殊/読点", "")],
        [("嫌/名詞", relations)],
    )
    assert counts[f"relations dropped: {reason}"] == 1
    dropped = sum(n for rule, n in counts.items() if rule.startswith("relations dropped"))
    assert counts["relations read"] == counts["relations kept"] + dropped
    assert len(facts) == counts["relations kept"]


def test_a_predicate_does_not_take_in_its_own_arguments(tmp_path):
    facts, text, _ = read(
        tmp_path,
        [("情報/名詞/普通名詞", ""), ("収集/名詞/サ変名詞 が/助詞", arg("ヲ", 0))],
        [("自転/名詞/サ変名詞", ""), ("車/名詞/普通名詞 だ/判定詞", arg("ガ", 1))],
    )
    assert text == "情報収集が自転車だ"
    assert facts == [("収集", "ヲ", "情報"), ("自転車", "ガ", "情報収集")]


def test_facts_stand_in_the_order_of_predicate_and_argument(tmp_path):
    facts, _, _ = read(
        tmp_path,
        [("朝/名詞 は/助詞", "")],
        [("船/名詞 が/助詞", "")],
        [("出て/動詞//タ系連用テ形", arg("ガ", 1) + arg("時間", 0))],
        [("着く/動詞//基本形", arg("ガ", 1))],
    )
    assert facts == [("出て", "時間", "朝"), ("出て", "ガ", "船"), ("着く", "ガ", "船")]


MISSHAPEN = {
    "a line before any sentence": ("+ 1D\n", r"\.knp:1: .*a line outside a sentence"),
    "no id": ("# nothing\n", r"\.knp:1: .*a sentence without S-ID"),
    "no end": ("# S-ID:a-1\n* 1D\n+ 1D\n", r"\.knp:1: the sentence has no EOS"),
    "few columns": ("# S-ID:a-1\n* 1D\n+ 1D\n船 ふね\nEOS\n", r"\.knp:4: not of the corpus's shape"),
    "no phrase": ("# S-ID:a-1\n* 1D\n船 よみ 船 名詞 1 * 1 * 0 * 0\nEOS\n", r"\.knp:3: not of"),
    "no such phrase": (
        sentence("a-1", [("嫌/名詞", relation("ガ", "x", sid="a-1", at=7))]),
        r"\.knp:1: not of the corpus's shape \(IndexError",
    ),
    "a relation without a type": (
        "# S-ID:a-1\n* 1D\n+ 1D <rel target=\"x\"/>\n船 よみ 船 名詞 1 * 1 * 0 * 0\nEOS\n",
        r"\.knp:1: .*KeyError: 'type'",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_file_is_one_clear_error(tmp_path, content, message):
    folder = tmp_path / "fkc/knp/it"
    folder.mkdir(parents=True)
    (folder / "a.knp").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        SOURCE.harvest(tmp_path, "ja")


def test_a_genre_that_the_corpus_does_not_have(tmp_path):
    folder = tmp_path / "fkc/knp/space"
    folder.mkdir(parents=True)
    (folder / "a.knp").write_text("", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"a\.knp: not of .*KeyError: 'space'"):
        SOURCE.harvest(tmp_path, "ja")


@pytest.mark.corpora
def test_the_real_corpus_loses_what_the_page_says(raw_corpora):
    found = SOURCE.harvest(raw_corpora, "ja")
    counts = found.counts
    dropped = {rule: n for rule, n in counts.items() if rule.startswith("relations dropped")}
    assert counts["relations read"] == counts["relations kept"] + sum(dropped.values()) == 12260
    assert counts["relations kept"] == sum(len(s.record.facts) for s in found.records) == 3989
    across = dropped["relations dropped: its argument is in another sentence"]
    within = counts["relations kept"] + sum(
        dropped[f"relations dropped: {reason}"]
        for reason in (
            "its argument is a clause",
            "its argument is marked as doubtful",
            "its predicate is a part of the argument",
            "no word left of its argument",
            "the same three strings twice",
        )
    )
    assert (across, within) == (617, 4463)
    for sourced in found.records:
        for fact in sourced.record.facts:
            assert all(field in sourced.record.text for field in fact.fields[::2])
