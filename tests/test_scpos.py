"""SCPOS by part of speech: which items are adjectives, which are nouns."""

from collections import Counter

import pytest

from pointline.corpus.recipes import RECIPES, SIDES, digest
from pointline.corpus.recipes.scpos import RECIPES as SCPOS
from pointline.corpus.words import tagger
from pointline.format import tasks
from pointline.format.record import Pair, Record

ITEMS = {
    ("en", "A dull walk, badly paced for Ada."): {
        "dull": "adjective", "walk": "noun", "badly": None, "paced": None, "Ada": None,
        "dull walk": None, "al": "no whole words",
    },
    ("ja", "わが国経済の売上高は良かったが、東京は遅れた。"): {
        "わが国経済": "noun", "売上高": "noun", "良かった": "adjective", "東京": None,
        "遅れ": None, "上高": "no whole words", "売上高は": None,
    },
    ("zh", "味道很清爽，挺好的，我喜欢，赠品少得可怜。"): {
        "很清爽": "adjective", "挺好的": "adjective", "味道": "noun", "喜欢": None,
        "味道很清爽": None, "可": "no whole words",
    },
}  # fmt: skip
CASES = [
    pytest.param(lang, text, entity, kind, id=f"{lang}-{entity}")
    for (lang, text), items in ITEMS.items()
    for entity, kind in items.items()
]
TAKEN = {"adjn": {"adjective", "noun"}, "adj": {"adjective"}, "n": {"noun"}}


def convert(name, record):
    counts = Counter()
    (part,) = SCPOS[name].parts
    return part.convert(record, tasks.task(name), counts), counts


def record_of(text, entity, polarity="positive", label="positive"):
    start = text.index(entity)
    pair = Pair(polarity, entity, start, start + len(entity))
    return Record("r", "raw", text, label, (pair,))


@pytest.mark.parametrize("variant", TAKEN)
@pytest.mark.parametrize(("lang", "text", "entity", "kind"), CASES)
def test_an_item_is_taken_by_its_part_of_speech(variant, lang, text, entity, kind):
    name = f"scpos-{variant}-{lang}"
    found, counts = convert(name, record_of(text, entity))
    if kind in TAKEN[variant]:
        assert [pair.entity for pair in found.pairs] == [entity]
        assert found.pairs[0].label == tasks.task(name).item_labels[0]
        assert counts == {}
    else:
        assert found is None
        assert counts == {
            f"items dropped: {kind or 'of another part of speech'}": 1,
            "records dropped: no word with a polarity": 1,
        }


def test_neutral_items_stay_where_the_task_has_them():
    record = record_of("売上高は遅れた。", "売上高", polarity="neutral")
    found, _ = convert("scpos-n-ja", record)
    assert found.pairs[0].label == "中立"
    found, counts = convert("scpos-adj-zh", record_of("挺好的。", "挺好的", polarity="neutral"))
    assert found is None
    assert counts["items dropped: neutral"] == 1


@pytest.mark.parametrize("name", SCPOS)
def test_a_text_without_a_side_is_dropped_whole(name):
    found, counts = convert(name, record_of("good", "good", label="neutral"))
    assert found is None
    assert counts == {"records dropped: the text is neutral": 1}


def test_the_twelve_datasets_and_their_labels():
    assert len(SCPOS) == 12
    for name, recipe in SCPOS.items():
        by_speech = not name.startswith("scpos-rw")
        assert [part.by_speech for part in recipe.parts] == [by_speech]


def test_the_digest_of_a_recipe_tells_the_tagger(monkeypatch):
    task = tasks.task("scpos-adj-zh")
    before = digest(task, RECIPES[task.name], SIDES)
    assert tagger("zh") in "rjieba " + tagger("zh")
    monkeypatch.setattr("pointline.corpus.recipes.tagger", lambda lang: f"another for {lang}")
    assert digest(task, RECIPES[task.name], SIDES) != before
    rw = tasks.task("scpos-rw-zh")
    monkeypatch.undo()
    plain = digest(rw, RECIPES[rw.name], SIDES)
    monkeypatch.setattr("pointline.corpus.recipes.tagger", lambda lang: f"another for {lang}")
    assert digest(rw, RECIPES[rw.name], SIDES) == plain
