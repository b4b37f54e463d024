"""TCONER: open labels as words, and no record whose annotation has a hole."""

from collections import Counter

import pytest
from invented import write_all

from pointline.corpus import names
from pointline.corpus.recipes.tconer import RECIPES
from pointline.corpus.sources import SOURCES
from pointline.format.record import Pair, Record
from pointline.format.tasks import task


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("raw"))


def converted(raw, name):
    """The records of a dataset, and the counts."""
    counts = Counter()
    found = []
    for part in RECIPES[name].parts:
        for sourced in SOURCES[part.source].harvest(raw, task(name).lang).records:
            found.append(part.convert(sourced.record, task(name), counts))
    return [record for record in found if record], counts


def starting(records, text):
    """The one record whose text begins so."""
    (found,) = (record for record in records if record.text.startswith(text))
    return found


def test_crossre_speaks_words_of_each_language(raw):
    for lang, text, label, items in (
        (
            "en",
            "Mira Vale spoke in Port Oon on day 3 of music ",
            "music",
            (("musical artist", "Mira Vale"), ("location", "Port Oon")),
        ),
        (
            "ja",
            "ミラ・ベイルはウーン港でmusicの3日目に",
            "音楽",
            (("音楽家", "ミラ・ベイル"), ("場所", "ウーン港")),
        ),
        ("zh", "米拉在翁港的music会议第3天", "音乐", (("音乐人", "米拉"), ("地点", "翁港"))),
    ):
        found, _ = converted(raw, f"tconer-{lang}")
        record = starting(found, text)
        assert (record.label, record.items, record.facts) == (label, items, ())


def test_asdc_speaks_acts_and_requests_and_leaves_out_what_has_a_hole(raw):
    found, counts = converted(raw, "tconer-ja")
    wish = starting(found, "橋町1へ犬と行く予定で、1号室がいいです")
    assert (wish.label, wish.items) == (
        "要求",
        (("旅行先", "橋町1"), ("旅行シーン", "犬"), ("部屋", "1号室")),
    )
    assert (
        starting(found, "1階なら風呂がいい").label,
        starting(found, "どうも1回目です").label,
    ) == (
        "提案からの選択",
        "挨拶・相槌",
    )
    assert not any(record.text.startswith(("では1は", "はい、")) for record in found)
    assert counts["records dropped: a request of it stands in the agent's words"] == 20
    assert counts["records dropped: a word of it is marked elsewhere, and was not read here"] == 20


def test_smp_keeps_every_slot_under_its_name(raw):
    found, _ = converted(raw, "tconer-zh")
    assert starting(found, "给米拉打第0个电话").items == (("联系人", "米拉"),)
    assert starting(found, "从甲城到甲城的车").pairs == (
        Pair("出发地", "甲城", 1, 3),
        Pair("目的地", "甲城", 4, 6),
    )
    assert (starting(found, "咳嗽怎么办").label, starting(found, "咳嗽怎么办").items) == (
        "健康",
        (("病症", "咳嗽"),),
    )
    assert starting(found, "明天要带伞吗").items == ()


def test_a_translation_that_lost_a_mention_of_any_type_is_left_out():
    (part, _) = RECIPES["tconer-ja"].parts
    whole = Record("1", "crossre", "詩", "ai", (Pair("misc", "詩", 0, 1),), meta={"lost_types": ()})
    holed = Record("2", "crossre", "詩", "ai", meta={"lost_types": ("misc",)})
    counts = Counter()
    assert part.convert(whole, task("tconer-ja"), counts).items == (("その他", "詩"),)
    assert part.convert(holed, task("tconer-ja"), counts) is None
    assert counts == {"records dropped: an entity of the English row lost its place": 1}


def test_the_task_is_open_on_both_levels():
    for name in RECIPES:
        assert (task(name).labels, task(name).item_labels) == (None, None)
    assert names.CROSSRE_TYPE_NAMES["en"]["programlang"] == "programming language"
