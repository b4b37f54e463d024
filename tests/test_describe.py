"""What a dataset holds, in numbers."""

import json

import pytest

from pointline.corpus.describe import stats
from pointline.corpus.store import Dataset
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
    assert found.tables()["item labels"][1][0] == ("地点", "0", "2 (66.7%)", "2 (66.7%)")


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
            ("社会", "2 (66.7%)", "1 (100.0%)", "3 (75.0%)"),
            ("自然", "1 (33.3%)", "0 (0.0%)", "1 (25.0%)"),
        ],
    )
    assert json.loads(json.dumps(found.to_dict()))["total"]["items"] == 5
