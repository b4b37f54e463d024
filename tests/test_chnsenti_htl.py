"""Polar words of Chinese reviews: what is taken, and what is left out under which name."""

import pytest
from invented_opinions import write_htl, write_lexicons, write_reviews

from pointline.corpus.sources.chnsenti_htl import LONGEST, SOURCE
from pointline.errors import CorpusError
from pointline.format.record import Pair


def read(raw, *texts):
    write_lexicons(raw)
    write_reviews(raw, [("1", text) for text in texts])
    return SOURCE.harvest(raw, "zh")


def test_a_review_is_a_record_with_its_rating(tmp_path):
    write_lexicons(tmp_path)
    write_htl(tmp_path, size=1)
    good, bad = (sourced.record for sourced in SOURCE.harvest(tmp_path, "zh").records)
    assert (good.label, bad.label) == ("positive", "negative")
    assert [(p.label, p.entity) for p in good.pairs] == [("positive", "干净"), ("positive", "特色")]
    assert [(p.label, p.entity) for p in bad.pairs] == [("negative", "吵闹"), ("negative", "噪音")]
    assert [pair.entity == good.text[pair.start : pair.end] for pair in good.pairs] == [True, True]


TAKEN = {
    "床很干净": ("positive", "干净"),
    "老板热情😀": ("positive", "热情"),
    "这里不大，干净": ("positive", "干净"),
    "Ｗｉｆｉ弱但是方便": ("positive", "方便"),
    "有特色的小店": ("positive", "特色"),
    "隔壁噪音不断": ("negative", "噪音"),
}
LEFT_OUT = {
    "最好早点来": "no praise or blame in itself",
    "和朋友来": "no praise or blame in itself",
    "床不干净": "negated",
    "床不是很干净": "negated",
    "没有任何特色": "negated",
    "连礼貌都没有": "negated",
    "干净度一流": "inside a longer word",
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_polar_word_is_taken(tmp_path, text):
    label, entity = TAKEN[text]
    start = text.index(entity)
    found = read(tmp_path, text)
    assert found.records[0].record.pairs == (Pair(label, entity, start, start + len(entity)),)


@pytest.mark.parametrize("text", LEFT_OUT)
def test_a_polar_word_is_left_out_under_a_name(tmp_path, text):
    found = read(tmp_path, text)
    assert found.records[0].record.pairs == ()
    assert found.counts[f"mentions dropped: {LEFT_OUT[text]}"] == found.counts["mentions read"] == 1


def test_what_is_not_the_reviewers_is_cut_off(tmp_path):
    found = read(
        tmp_path,
        "干净。宾馆反馈2031年5月4日：谢谢您，欢迎再来！",
        "方便。免费注册网站导航甲乙",
        "前台说酒店反馈很快",
    )
    assert [s.record.text for s in found.records] == ["干净。", "方便。", "前台说酒店反馈很快"]
    assert found.counts["records changed: the hotel's reply cut off"] == 1
    assert found.counts["records changed: the foot of the web page cut off"] == 1


def test_reviews_that_cannot_be_read_are_left_out_under_a_name(tmp_path):
    garbled = "谰嚯偌粗糅歙褫洇湮挚汔侬迮褓腴腔镒湫嫒飨媪锛殁"
    found = read(tmp_path, "干净" * (LONGEST // 2), "干净" * 300, "", " ", garbled, "床很干净")
    assert [s.record.id for s in found.records] == ["row-1", "row-6"]
    counts = found.counts
    assert (counts["records read"], counts["records kept"]) == (6, 2)
    assert counts[f"records dropped: longer than {LONGEST} characters"] == 1
    assert counts["records dropped: no text"] == 2
    assert counts["records dropped: garbled"] == 1


FAULTS = {
    "label": ("label,review\r\n1,甲\r\n2,乙\r\n", r"all\.csv:3: not of the corpus's shape \(KeyError: '2'\)"),
    "header": ("a,b\r\n1,甲\r\n", r"all\.csv:2: not of the corpus's shape \(KeyError: 'label'\)"),
    "csv": ("label,review\r\n1," + "a" * 140_000, r"all\.csv:2: not CSV: field larger"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_is_not_of_the_shape(tmp_path, fault):
    read(tmp_path, "甲")
    content, message = FAULTS[fault]
    path = tmp_path / "chnsenti-htl" / SOURCE.files[0]
    path.write_text(content, encoding="utf-8", newline="")
    with pytest.raises(CorpusError, match=message):
        SOURCE.harvest(tmp_path, "zh")


@pytest.mark.corpora
def test_the_real_corpus_is_accounted_for(raw_corpora):
    found = SOURCE.harvest(raw_corpora, "zh")
    counts = found.counts
    dropped = sum(n for rule, n in counts.items() if rule.startswith("records dropped"))
    assert counts["records read"] == counts["records kept"] + dropped == 7766
    mentions = sum(n for rule, n in counts.items() if rule.startswith("mentions dropped"))
    assert counts["mentions read"] == counts["mentions kept"] + mentions
    assert counts["mentions kept"] == sum(len(s.record.pairs) for s in found.records)
    assert len(found.records) > 7500
