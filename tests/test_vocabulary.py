from itertools import permutations

import pytest

from pointline.draft.vocabulary import item_labels, target, translated, unknown
from pointline.errors import TaskError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import LANGUAGES, Task, adhoc, task, tasks

PUBLISHED = [one for one in tasks() if not one.name.startswith("open-")]
OPEN = [one for one in tasks() if one.name.startswith("open-")]


@pytest.mark.parametrize("one", PUBLISHED, ids=lambda one: one.name)
def test_a_published_task_goes_to_its_twin_label_by_label(one):
    for to in LANGUAGES:
        if to == one.lang:
            continue
        twin = target(one, to)
        assert twin == task(f"{one.family}-{to}")
        if one.labels is not None:
            assert tuple(translated(label, one, to) for label in one.labels) == twin.labels
            found = (translated(label, one, to, level="word") for label in one.item_labels)
            assert tuple(found) == twin.item_labels


def test_there_and_back_is_the_label_again():
    for one in PUBLISHED:
        for to in LANGUAGES:
            for label in one.labels or () if to != one.lang else ():
                assert translated(translated(label, one, to), target(one, to), one.lang) == label


def test_a_label_may_mean_another_thing_on_the_other_level():
    one = task("scpos-rw-en")
    assert translated("positive", one, "ja") == "積極"
    assert translated("positive", one, "ja", level="word") == "ポジティブ"
    assert translated("neutral", one, "ja") is None


def test_the_open_tasks_labels_all_have_names():
    for one in OPEN:
        for to in LANGUAGES:
            if to == one.lang:
                continue
            told = target(one, to)
            assert (told.name, told.lang, told.shape) == (f"{one.name}-to-{to}", to, "facts")
            assert told.word == task(f"tcree-{to}").word
            assert len(told.labels) == len(one.labels)
            assert len(told.item_labels) == len(one.item_labels)
            for label, name in zip(one.item_labels, told.item_labels, strict=True):
                assert translated(label, one, to, level="word") == name


def test_open_labels_with_a_name_in_the_corpora_have_it_in_every_language():
    names = {"en": "programming language", "ja": "プログラミング言語", "zh": "编程语言"}
    for lang, to in permutations(names, 2):
        assert translated(names[lang], task(f"tconer-{lang}"), to, level="word") == names[to]
    assert translated("artificial intelligence", task("tconer-en"), "zh") == "人工智能"
    assert translated("cheese", task("tconer-en"), "zh") is None


def test_what_a_model_has_to_name():
    one = task("tconer-en")
    records = [
        Record("1", one.name, "Ada", "news", (Pair("person", "Ada"), Pair("ghost", "Ada"))),
        Record("2", one.name, "Ada", "folklore", (Pair("ghost", "Ada"),)),
        Record("3", one.name, "Ada", ""),
        Record("4", one.name, "Ada", "ghost"),
    ]
    assert unknown(records, one, "ja") == (
        ("word", "ghost"),
        ("text", "folklore"),
        ("text", "ghost"),
    )
    glossary = {("word", "ghost"): "幽霊"}
    assert item_labels(records[0], one, "ja", glossary) == ("人物", "幽霊")
    assert item_labels(records[0], one, "ja") == ("人物", "")


def test_a_label_outside_a_closed_set_is_no_question_for_a_model():
    one = task("scnm-en")
    record = Record("1", one.name, "Ada", "Weather", (Pair("ghosts", "Ada"),))
    assert unknown([record], one, "ja") == ()
    assert item_labels(record, one, "ja") == ("",)


def test_the_label_of_a_fact_is_its_second_field():
    one = task("tcree-en")
    record = Record("1", one.name, "Ada sang.", "film", facts=(Fact(("Ada", "starring", "Una")),))
    assert item_labels(record, one, "zh") == ("主演",)


def test_a_task_of_the_callers_keeps_its_shape():
    own = adhoc(labels=["news", "gossip"], entities=["person"])
    told = target(own, "ja")
    assert told.name == "adhoc-to-ja"
    assert told.labels is None  # gossip has no name in a table: any label, and a model's to give
    assert told.item_labels == ("人物",)
    assert told.word == task("scnm-ja").word


def test_a_task_with_another_set_under_a_published_name_is_no_twin():
    base = task("scnm-en")
    own = Task("scnm-en", "scnm", "en", "NER", ("news", "music"), base.item_labels)
    assert target(own, "zh").labels == ("新闻", "音乐")
    assert target(own, "zh").name == "scnm-en-to-zh"


@pytest.mark.parametrize("to", ["en", "fr", ""])
def test_no_language_to_go_to(to):
    with pytest.raises(TaskError):
        target(task("scnm-en"), to)
