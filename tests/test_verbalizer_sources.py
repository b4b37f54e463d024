"""Where label words come from: names, items of three languages, lists of ours and of users."""

import json
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, adhoc, task
from pointline.study.verbalizer.sources import (
    PACKAGED,
    Source,
    item_words,
    label_words,
    packaged,
    related_words,
)

LANGS = ["en", "ja", "zh"]


def texts(verbalizer):
    return {c: [word.text for word in words] for c, words in verbalizer.classes.items()}


def record(number, name, label, *entities):
    pairs = [Pair("x", entity) for entity in entities]
    return Record(f"{number}", name, " ".join(entities), label, pairs)


# ---------------------------------------------------------------- the lists that come along


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("family", PACKAGED)
def test_a_list_has_a_hundred_words_a_class(family, lang):
    found = packaged(family, lang)
    raw = json.loads(
        files("pointline.study.verbalizer").joinpath("words", f"{family}-{lang}.json").read_text()
    )
    for label, words in found.items():
        assert len(words) == 100, label
        assert len(raw[label]) == 100, f"a word is twice in {label}"
        assert all(word == word.strip() and word.isprintable() for word in words)
    named = "scpos-rw" if family == "scpos" else family
    assert tuple(found) == TASKS[f"{named}-{lang}"].labels


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("family", PACKAGED)
def test_classes_share_few_words(family, lang):
    found = packaged(family, lang)
    every = [word for words in found.values() for word in words]
    assert len(every) - len(set(every)) <= 0.04 * len(every)


def test_the_script_of_a_list_is_that_of_its_language():
    kana = {chr(code) for code in range(0x3041, 0x30FF)}
    for family in PACKAGED:
        assert not kana & set(
            "".join(word for ws in packaged(family, "zh").values() for word in ws)
        )
        assert kana & set("".join(word for ws in packaged(family, "ja").values() for word in ws))
        assert all(
            word.isascii() or "é" in word for ws in packaged(family, "en").values() for word in ws
        )


def test_every_task_with_a_closed_set_has_a_list():
    for asked in TASKS.values():
        if asked.labels:
            assert set(related_words(asked).classes) == set(asked.labels)
    with pytest.raises(InputError, match="open labels"):
        related_words(task("tconer-ja"))
    with pytest.raises(InputError, match="no list comes with pointline"):
        related_words(adhoc(labels=["bread", "soup"]))


# ---------------------------------------------------------------- labels and items


def test_items_are_taken_apart_and_counted_by_the_label_of_their_record():
    records = [
        record(1, "scnm-zh", "自然", "大熊猫", "森林小路"),
        record(2, "scnm-zh", "自然", "森林"),
        record(3, "scnm-zh", "社会", "最高人民法院"),
        record(4, "scnm-zh", "", "森林"),
        record(5, "scnm-zh", "体育", "足球"),
    ]
    found = texts(item_words(records, task("scnm-zh")))
    assert found["自然"][0] == "森林" and "大熊猫" in found["自然"]
    assert any("法院" in word for word in found["社会"])
    assert found["文艺"] == ["文艺"]  # no record: its name
    assert "足球" not in {word for words in found.values() for word in words}


def test_items_of_japanese_have_their_dictionary_form():
    records = [
        record(1, "scpos-adj-ja", "積極", "美味しく", "美味しかった", "広い"),
        record(2, "scpos-adj-ja", "消極", "狭かった"),
    ]
    found = texts(item_words(records, task("scpos-adj-ja")))
    assert found == {"積極": ["美味しい", "広い"], "消極": ["狭い"]}


def test_items_of_english_fold_case_but_for_names():
    records = [
        record(1, "scpos-n-en", "positive", "Soup", "the soup of Turin"),
        record(2, "scpos-n-en", "negative", "queue"),
    ]
    found = texts(item_words(records, task("scpos-n-en")))
    assert found["positive"][0] == "soup"
    assert set(found["positive"]) == {"soup", "Turin"}
    assert found["negative"] == ["queue"]


def test_items_of_facts_are_all_fields_but_the_relation():
    facts = [Fact(("震源", "地点", "城市"))]
    records = [
        Record("1", "open-tcree-zh", "城市", "地震", facts=facts),
        Record("2", "open-tcree-zh", "仓库", "火灾", facts=[Fact(("起火", "地点", "仓库"))]),
    ]
    found = texts(item_words(records, task("open-tcree-zh")))
    assert set(found["地震"]) == {"震源", "城市"}
    assert "地点" not in {word for words in found.values() for word in words}


def test_the_most_frequent_words_come_first_and_so_many():
    records = [record(n, "scpos-n-en", "positive", "soup", "bread") for n in range(3)]
    records += [
        record(9, "scpos-n-en", "positive", "soup"),
        record(10, "scpos-n-en", "negative", "queue"),
    ]
    assert texts(item_words(records, task("scpos-n-en"), count=1))["positive"] == ["soup"]
    assert texts(item_words(records[::-1], task("scpos-n-en")))["positive"] == ["soup", "bread"]


def test_label_words_need_a_closed_set():
    assert label_words(task("scpos-n-ja")).words == ("積極", "消極")
    with pytest.raises(InputError, match="open labels"):
        label_words(task("tconer-zh"))


# ---------------------------------------------------------------- files


def test_a_list_of_ones_own(tmp_path):
    mood = adhoc(labels=["calm", "angry"])
    file = tmp_path / "mood.json"
    file.write_text(
        json.dumps({"calm": ["quiet", "still", " quiet"], "angry": ["furious"], "x": []})
    )
    assert texts(related_words(mood, file)) == {"calm": ["quiet", "still"], "angry": ["furious"]}
    (tmp_path / "adhoc.json").write_text(file.read_text())
    assert related_words(mood, tmp_path).words == ("quiet", "still", "furious")
    assert related_words(mood, file, count=1).words == ("quiet", "furious")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("[1]", "JSON object of lists"),
        ('{"calm": "quiet"}', "list of strings"),
        ('{"calm": ["quiet"]}', "no words for 'angry'"),
        ('{"calm": ["quiet"], "angry": []}', "no words for 'angry', a class of adhoc"),
        ('{"calm": ["quiet", " "], "angry": ["furious"]}', "a word of 'calm' is empty"),
        ("{", "not JSON"),
    ],
)
def test_a_list_that_is_none(tmp_path, content, why):
    file = tmp_path / "mood.json"
    file.write_text(content)
    with pytest.raises(InputError, match=why) as caught:
        related_words(adhoc(labels=["calm", "angry"]), file)
    assert "mood.json" in str(caught.value)


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        related_words(adhoc(labels=["calm", "angry"]), tmp_path / "none.json")


# ---------------------------------------------------------------- sources by name


@pytest.mark.parametrize("name", ["", "words", "items:all", "related:", "label+", "label,items"])
def test_a_source_that_is_none(name):
    with pytest.raises(InputError, match="no verbalizer"):
        Source(name)


def test_sources_are_joined_and_drawn():
    asked = task("scpos-n-en")
    train = [
        record(1, asked.name, "positive", "soup"),
        record(2, asked.name, "negative", "queue"),
        record(3, asked.name, "negative", "noise"),
    ]
    both = Source("label+items").verbalizer(asked, train, train[:2])
    assert both.name == "label+items"
    assert texts(both) == {
        "positive": ["positive", "soup"],
        "negative": ["negative", "noise", "queue"],
    }
    few = Source("items:shots").verbalizer(asked, train, train[:2])
    assert texts(few)["negative"] == ["queue"]
    assert not Source("items").drawn and Source("items:shots").drawn


@given(st.lists(st.sampled_from(["label", "items", "items:shots", "related"]), min_size=1))
def test_any_sources_can_be_joined(parts):
    assert Source("+".join(parts)).parts == tuple(parts)
