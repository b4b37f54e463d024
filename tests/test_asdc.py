"""ASDC: the users' utterances, spans in their own words, and what was not read for spans."""

import pytest
from invented_ja import COLUMNS, pointing, span, utterance, write_asdc
from invented_words import kana

from pointline.corpus.sources.asdc import MARKED, SOURCE
from pointline.errors import CorpusError
from pointline.format.record import Pair


def read(raw, *rows):
    folder = raw / "asdc/data/main/request_span"
    folder.mkdir(parents=True)
    lines = ["\t".join(COLUMNS), *(line for utterance in rows for line in utterance)]
    (folder / "001.tsv").write_text("\n".join(lines), encoding="utf-8")
    found = SOURCE.harvest(raw, "ja")
    return {sourced.record.id: sourced.record for sourced in found.records}, found.counts


def test_a_dialogue_is_a_document_and_an_utterance_of_the_user_a_record(tmp_path):
    write_asdc(tmp_path, dialogues=2)
    found = SOURCE.harvest(tmp_path, "ja")
    wish, choice, point, yes, thanks = (sourced.record for sourced in found.records[:5])
    assert [sourced.document for sourced in found.records] == ["1"] * 5 + ["2"] * 5
    assert (wish.text, wish.label) == (
        f"橋町1へ犬と行く予定で、1号室がいいです、{kana((1, 1))}",
        "要求",
    )
    assert wish.pairs == (
        Pair("旅行.RYAR", "橋町1", 0, 3),
        Pair("旅行.RYSC", "犬", 4, 5),
        Pair("部屋.HEJO", "1号室", 12, 15),
    )
    # お風呂 in the agent's words is 風呂 in the user's; 別館 is only pointed at
    assert choice.pairs == (Pair("風呂.FUTY", "風呂", 4, 6),)
    assert (point.pairs, point.meta["elsewhere"]) == ((), 1)
    # はい is no act that is read for spans, and this one names a town that is a span above
    assert (yes.label, yes.pairs, yes.meta["unmarked"]) == ("はい", (), True)
    assert (thanks.label, thanks.meta["unmarked"]) == ("その他", False)
    assert not {"はい", "その他"} & set(MARKED)
    counts = found.counts
    assert counts["records read"] == 12
    assert counts["records dropped: said by the agent"] == 2
    assert counts["mentions read"] == 12
    assert counts["mentions kept"] == sum(len(s.record.pairs) for s in found.records) == 8
    assert counts["mentions dropped: the same span and type twice"] == 2
    assert counts["mentions dropped: in the agent's words only"] == 2
    assert counts["mentions changed: the user's words in place of the agent's"] == 2


def test_a_span_of_the_agent_counts_where_one_string_holds_the_other(tmp_path):
    offer, text = "和か洋のお部屋", "和室と別の棟"
    spans = [
        span(1, offer, "和", "部屋", "HETY:x") | pointing(2, text, "和室"),
        span(1, offer, "洋", "部屋", "HETY:x") | pointing(2, text, "別の棟"),
        span(1, offer, "お部屋", "部屋", "HETY:x"),
    ]
    found, counts = read(
        tmp_path, utterance(1, 1, offer, ""), utterance(2, 1, text, "照応要求", *spans)
    )
    assert found["2"].pairs == (Pair("部屋.HETY", "和室", 0, 2),)
    assert found["2"].meta["elsewhere"] == 2
    assert counts["mentions dropped: in the agent's words only"] == 2


def test_quotation_marks_are_text_and_two_types_may_share_a_span(tmp_path):
    text = '"湯"と"床'
    found, _ = read(
        tmp_path,
        utterance(
            1,
            1,
            text,
            "要求",
            span(1, text, "湯", "風呂", "FUTY:x"),
            span(1, text, "湯", "宿", "YAEN:x"),
        ),
    )
    assert found["1"].text == text
    assert [pair.label for pair in found["1"].pairs] == ["風呂.FUTY", "宿.YAEN"]


MISSHAPEN = {
    "fields": ("utterance_id\tspeaker\n1\n", r"001\.tsv:2: not as many fields"),
    "columns": (
        "a\tb\n1\t2\n",
        r"001\.tsv:2: not of the corpus's shape \(KeyError: 'utterance_id'",
    ),
    "no act": ("utterance_id\tspeaker\n1\tuser\n", r"001\.tsv:2: not of .*KeyError: 'src_file_id'"),
}


@pytest.mark.parametrize(("content", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_file_is_one_clear_error(tmp_path, content, message):
    folder = tmp_path / "asdc/data/main/request_span"
    folder.mkdir(parents=True)
    (folder / "001.tsv").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        SOURCE.harvest(tmp_path, "ja")


def test_a_span_that_is_not_where_it_is_said_to_be_is_named_with_its_line(tmp_path):
    row = utterance(1, 1, "湯", "要求", span(1, "湯", "湯", "風呂", "FUTY:x") | {"span_start": 5})
    with pytest.raises(CorpusError, match=r"001\.tsv:2: .*text\[5:6\] is not '湯'"):
        read(tmp_path, row)


@pytest.mark.corpora
def test_the_real_corpus_has_what_the_page_says(raw_corpora):
    found = SOURCE.harvest(raw_corpora, "ja")
    assert found.counts["mentions read"] == 3392
    assert found.counts["mentions kept"] == 3246
    assert len({sourced.document for sourced in found.records}) == 210
    unmarked = [s.record for s in found.records if s.record.label not in MARKED]
    assert not any(record.pairs for record in unmarked)
