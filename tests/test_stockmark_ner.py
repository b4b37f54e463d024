"""stockmark-ner: entities with the published types, and no text label until one is given."""

import json

import pytest
from invented_ja import write_stockmark

from pointline.corpus.sources.stockmark_ner import SOURCE
from pointline.errors import CorpusError
from pointline.format.record import Pair
from pointline.format.tasks import task


def test_entities_are_pairs_in_the_order_of_the_text_and_the_label_is_none(tmp_path):
    write_stockmark(tmp_path)
    found = SOURCE.harvest(tmp_path, "ja")
    first = found.records[0]
    assert (first.record.text, first.record.label) == ("灯野0号は港町にある。", "")
    assert first.record.pairs == (Pair("施設名", "灯野0号", 0, 4), Pair("地名", "港町", 5, 7))
    assert [sourced.document for sourced in found.records[:3]] == ["0", "0", "1"]
    assert found.records[-1].record.pairs == ()
    assert (found.counts["records read"], found.counts["records kept"]) == (13, 13)
    assert (found.counts["mentions read"], found.counts["mentions kept"]) == (24, 24)
    assert SOURCE.origins["ja"] == ("human", "none", "human")


def test_what_is_there_twice_or_has_no_text_is_counted(tmp_path):
    folder = tmp_path / "stockmark-ner"
    folder.mkdir()
    entity = {"name": "灯", "span": [0, 1], "type": "人名"}
    rows = [
        {"curid": "1", "text": "灯だ", "entities": [entity, entity]},
        {"curid": "2", "text": " ", "entities": []},
    ]
    (folder / "ner.json").write_text(json.dumps(rows))
    found = SOURCE.harvest(tmp_path, "ja")
    assert found.counts["mentions dropped: the same span and type twice"] == 1
    assert found.counts["records dropped: no text"] == 1
    assert (found.counts["mentions kept"], found.counts["records kept"]) == (1, 1)


MISSHAPEN = {
    "no list": ({}, r"ner\.json: a list is expected"),
    "no text": ([{"curid": "1"}], r"ner\.json\[0\]: not of .*KeyError: 'text'"),
    "another type": (
        [
            {
                "curid": "1",
                "text": "灯",
                "entities": [{"name": "灯", "span": [0, 1], "type": "船名"}],
            }
        ],
        r"ner\.json\[0\]: .*no type of entity: '船名'",
    ),
    "another place": (
        [
            {
                "curid": "1",
                "text": "灯",
                "entities": [{"name": "火", "span": [0, 1], "type": "人名"}],
            }
        ],
        r"ner\.json\[0\]: .*not the entity '火'",
    ),
}


@pytest.mark.parametrize(("rows", "message"), MISSHAPEN.values(), ids=MISSHAPEN)
def test_a_misshapen_file_is_one_clear_error(tmp_path, rows, message):
    (tmp_path / "stockmark-ner").mkdir()
    (tmp_path / "stockmark-ner/ner.json").write_text(json.dumps(rows))
    with pytest.raises(CorpusError, match=message):
        SOURCE.harvest(tmp_path, "ja")


@pytest.mark.corpora
def test_the_real_corpus_speaks_the_published_types(raw_corpora):
    records = [sourced.record for sourced in SOURCE.harvest(raw_corpora, "ja").records]
    labels = {pair.label for record in records for pair in record.pairs}
    assert labels == set(task("scnm-ja").item_labels)
    assert sum(len(record.pairs) for record in records) == 13185
