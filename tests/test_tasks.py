import pytest

from pointline.errors import TaskError
from pointline.format.tasks import TASKS, Task, adhoc, from_dict, task, tasks


def test_the_table_is_seven_families_in_three_languages():
    published = [t for t in tasks() if not t.name.startswith("open-")]
    assert len(published) == 21
    assert len({t.family for t in published}) == 7
    assert {t.name for t in tasks(family="scpos-adjn")} == {
        "scpos-adjn-en",
        "scpos-adjn-ja",
        "scpos-adjn-zh",
    }
    assert all(t.name == f"{t.family}-{t.lang}" for t in tasks())


def test_label_sets_and_words_as_published():
    assert task("scnm-en").labels == ("Society", "Literature", "Academia", "Technology", "Nature")
    assert task("scnm-ja").labels == ("社会", "文芸", "学問", "技術", "自然")
    assert task("scpos-adj-zh").item_labels == ("积极", "消极")
    assert task("scpos-n-ja").item_labels == ("ポジティブ", "中立", "ネガティブ")
    assert (task("tconer-zh").labels, task("tconer-zh").item_labels) == (None, None)
    assert len(task("scnm-zh").item_labels) == 8
    assert len(task("tcree-en").item_labels) == 13
    assert {t.word for t in tasks(lang="ja")} >= {"固有表現抽出", "感情分析形容詞名詞", "関係抽出"}
    assert [t.shape for t in tasks(family="tcree")] == ["facts"] * 3


def test_the_languages_of_a_family_have_as_many_labels():
    for family in {t.family for t in tasks()} - {"open-tcree"}:
        sizes = {(len(t.labels or ()), len(t.item_labels or ())) for t in tasks(family=family)}
        assert len(sizes) == 1, family


def test_a_word_names_one_task_of_a_language_but_for_the_open_one():
    for lang in ("en", "ja", "zh"):
        words = [t.word for t in tasks(lang=lang) if t.family not in ("tconer", "open-tcree")]
        assert len(set(words)) == len(words)


def test_a_wrong_name_is_met_with_the_right_ones():
    with pytest.raises(TaskError) as error:
        task("scpos_adjn_ja")
    assert "scpos-adjn-ja" in error.value.close


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_travels_as_json(name):
    assert from_dict(task(name).to_dict()) == task(name)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"word": "a/b"}, "task word"),
        ({"word": " NER"}, "task word"),
        ({"labels": ()}, "None means any label"),
        ({"labels": ("a", "a")}, "more than once"),
        ({"labels": ("a", " ")}, "is no label"),
        ({"labels": "ab"}, "got the string"),
        ({"shape": "trees"}, "'pairs' or 'facts'"),
        ({"colour": "red"}, "not a task: 'colour' unknown"),
        ({"word": 3}, "'word' is a string, got 3"),
        ({"name": 3}, "'name' is a string"),
        ({"family": None}, "'family' is a string"),
        ({"lang": ["en"]}, "'lang' is a string"),
        ({"aliases": "abc"}, "aliases is a list, got the string 'abc'"),
        ({"aliases": [3]}, "3 in aliases is no task word"),
        ({"aliases": None}, "aliases is a list, got None"),
        ({"labels": 3}, "labels is a list, got 3"),
        ({"item_labels": [None]}, "None in item_labels is no label"),
        ({"shape": ["pairs"]}, "'pairs' or 'facts'"),
    ],
)
def test_an_ill_formed_task_is_refused(change, reason):
    with pytest.raises(TaskError, match=reason):
        from_dict(task("scnm-en").to_dict() | change)


def test_what_a_task_lacks_is_named():
    with pytest.raises(TaskError) as error:
        from_dict({"name": "x", "lang": "en", "labels": None})
    assert str(error.value) == (
        "not a task: 'family', 'word', 'item_labels' missing (null is any label)"
    )
    with pytest.raises(TaskError, match=r"^not a task: 'word' missing$"):
        from_dict({k: v for k, v in task("scnm-en").to_dict().items() if k != "word"})


def test_a_family_or_language_that_is_none_is_refused():
    with pytest.raises(TaskError, match=r"no language 'jp', there are: en, ja, zh"):
        tasks(lang="jp")
    with pytest.raises(TaskError, match="did you mean scnm"):
        tasks(family="scmn")


def test_adhoc_tasks():
    assert adhoc(labels=["甲", "乙"], lang="zh").word == "实体命名识别"
    assert adhoc(relations=["works for"]).shape == "facts"
    assert adhoc(shape="facts").item_labels is None
    assert adhoc(word="Find them").word == "Find them"
    assert isinstance(adhoc(), Task)
    with pytest.raises(TaskError, match="not both"):
        adhoc(entities=["a"], relations=["b"])
    with pytest.raises(TaskError, match="got the string 'team'"):
        adhoc(entities="team")


def test_choices_that_are_none_are_refused():
    with pytest.raises(TaskError, match="lang is one of en, ja, zh"):
        adhoc(lang="fr")
    with pytest.raises(TaskError, match="shape is"):
        adhoc(shape="trees")
    with pytest.raises(TaskError, match="no task 5"):
        task(5)
