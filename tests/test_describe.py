"""What a dataset holds, in numbers."""

import json

import pytest

from pointline.corpus import store
from pointline.corpus.describe import describe, stats
from pointline.corpus.store import Dataset
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task

JA = task("scnm-ja")
TRAIN = (
    Record(
        "1", JA.name, "京都の京", "社会", (Pair("地名", "京都", 0, 2), Pair("人名", "京", 3, 4))
    ),
    Record("2", JA.name, "東京と東京", "社会", (Pair("地名", "東京", 3, 5),)),
    Record("3", JA.name, "雨", "自然"),
)
TEST = (
    Record("4", JA.name, "港と港", "社会", (Pair("地名", "港", 0, 1), Pair("地名", "港", 2, 3))),
)


def test_splits_are_counted_and_added_up():
    found = stats(Dataset(JA, {"train": TRAIN, "test": TEST}))
    train = found.splits[0]
    assert (train.name, train.records, train.items, train.without_items) == ("train", 3, 3, 1)
    assert train.labels == {"社会": 2, "自然": 1}
    assert train.item_labels == {"地名": 2, "人名": 1}
    assert (train.lengths.mean, train.lengths.median, train.lengths.max) == (10 / 3, 4, 5)
    assert train.items_per_record == 1.0
    assert found.total.records == 4
    assert found.total.item_labels == {"地名": 4, "人名": 1}


def test_a_mention_is_ambiguous_where_the_text_offers_more_places_than_mentions():
    found = stats(Dataset(JA, {"train": TRAIN, "test": TEST}))
    train, test = found.splits
    assert train.ambiguous == pytest.approx(2 / 3)  # 京 (also in 京都) and 東京, but not 京都
    assert test.ambiguous == 0  # 港 is mentioned as often as it occurs


def test_facts_count_by_their_relation_and_empty_splits_by_nothing():
    facts = (Fact(("甲", "地点", "乙")), Fact(("甲", "时间", "丙")), Fact(("丁", "地点", "戊")))
    record = Record("1", "open-tcree-zh", "甲乙丙丁戊", "火灾", facts=facts)
    found = stats(Dataset(task("open-tcree-zh"), {"train": (), "test": (record,)}))
    assert found.total.item_labels == {"地点": 2, "时间": 1}
    assert found.splits[0].items_per_record == found.splits[0].ambiguous == 0
    assert found.splits[0].lengths.max == 0
    assert found.tables()["item labels"][1][0] == ("地点", "0", "2 67%", "2 67%")


def test_tables_and_json():
    found = stats(Dataset(JA, {"train": TRAIN, "test": TEST}))
    tables = found.tables()
    assert list(tables) == ["scnm-ja", "text labels", "item labels"]
    headers, rows = tables["scnm-ja"]
    assert rows[0] == ("train", "3", "3", "1.00", "1", "3", "5", "66.7%")
    assert [row[0] for row in rows] == ["train", "test", "all"]
    assert len(headers) == len(rows[0])
    assert tables["text labels"] == (
        ("label", "train", "test", "all"),
        [
            ("社会", "2 67%", "1 100%", "3 75%"),
            ("自然", "1 33%", "0 0.0%", "1 25%"),
        ],
    )
    assert json.loads(json.dumps(found.to_dict()))["total"]["items"] == 5


def test_a_folder_and_a_file_are_described_with_the_association_of_their_levels(tmp_path):
    store.write_dataset(tmp_path / "d", JA, {"train": TRAIN, "test": TEST})
    found = describe(tmp_path / "d", permutations=20)
    assert (found.splits, found.total) == (
        stats(Dataset(JA, {"train": TRAIN, "test": TEST})).splits,
        stats(Dataset(JA, {"train": TRAIN, "test": TEST})).total,
    )
    assert found.association.records == 4
    assert [m.name for m in found.association.mutual] == ["item label", "item label set", "entity"]
    told = json.loads(json.dumps(found.to_dict()))
    assert told["association"]["mutual"][0]["label_known"] == 0
    assert list(found.tables())[3:] == [
        "text label L and items X: mutual information in bits",
        "what goes together most, in records",
    ]
    alone = describe(tmp_path / "d" / "train.jsonl", permutations=20)
    assert (alone.task, alone.total.records, alone.splits[0].name) == ("scnm-ja", 3, "train")
    assert alone.tables()["scnm-ja"][1] == [("all", "3", "3", "1.00", "1", "3", "5", "66.7%")]


def test_an_open_label_set_is_summed_up(tmp_path):
    records = [Record(str(n), "tconer-en", f"It is {n}.", f"label {n:02}") for n in range(40)]
    store.write_records(tmp_path / "a.jsonl", records)
    rows = describe(tmp_path / "a.jsonl").tables()["text labels"][1]
    assert (len(rows), rows[0], rows[-1]) == (31, ("label 00", "1 2.5%"), ("(10 others)", "10 25%"))


def test_what_is_nothing_to_describe(tmp_path):
    with pytest.raises(CorpusError, match=r"no train\.jsonl"):
        describe(tmp_path)
    with pytest.raises(RecordError, match="no such file"):
        describe(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").touch()
    assert describe(tmp_path / "empty.jsonl").total.records == 0
