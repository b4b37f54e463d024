import json

import pytest

from pointline.draft.prompts import LabelPrompt, TranslationPrompt
from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import LANGUAGES

RECORD = Record("1", "", "紫式部は京都にいた。🌸", "", (Pair("人名", "紫式部", 0, 3),))


@pytest.mark.parametrize("lang", ["en", "ja", "zh"])
def test_one_example_is_shown_and_its_label_is_in_the_set_beside_it(lang):
    system, shown, solved, asked = LabelPrompt(("社会", "自然"), lang).messages(RECORD)
    example = json.loads(shown[1])
    assert json.loads(solved[1])["label"] in example["labels"]
    assert example["items"][0][1] in example["text"]
    assert json.loads(asked[1]) == {
        "text": RECORD.text, "items": [["人名", "紫式部"]], "labels": ["社会", "自然"],
    }  # fmt: skip
    assert [role for role, _ in (system, shown, solved, asked)] == [
        "system", "user", "assistant", "user",
    ]  # fmt: skip


def test_an_open_label_is_asked_for_in_the_language_of_the_records():
    system, shown, _, asked = LabelPrompt(None, "ja").messages(RECORD)
    assert "Japanese" in system[1]
    assert "labels" not in json.loads(asked[1])
    assert "labels" not in json.loads(shown[1])


def test_an_example_of_the_callers_own_is_shown_with_the_set():
    example = Record("e", "", "雨が三日降りつづいた。", "自然")
    _, shown, solved, _ = LabelPrompt(("社会", "自然"), "ja", example).messages(RECORD)
    assert json.loads(shown[1])["labels"] == ["社会", "自然"]
    assert json.loads(solved[1]) == {"label": "自然"}


def test_facts_are_shown_too():
    record = Record("1", "", "A bought B.", facts=(Fact(("A", "bought", "B")),))
    asked = LabelPrompt(None, "en").messages(record)[-1]
    assert json.loads(asked[1])["items"] == [["A", "bought", "B"]]


def test_every_change_of_a_word_is_another_version():
    example = Record("e", "", "雨", "自然")
    versions = {
        LabelPrompt(None, "ja").version,
        LabelPrompt(None, "zh").version,
        LabelPrompt(("社会", "自然"), "ja").version,
        LabelPrompt(("自然", "社会"), "ja").version,
        LabelPrompt(("社会", "自然"), "ja", example).version,
    }
    assert len(versions) == 5
    assert LabelPrompt(None, "ja").version == LabelPrompt(None, "ja").version


@pytest.mark.parametrize(
    ("labels", "example"),
    [
        ((), None), (("社会",), None), (("社会", "社会"), None),
        (("社会", "自然"), Record("e", "", "雨", "天気")), (None, Record("e", "", "雨")),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_is_refused(labels, example):
    with pytest.raises(InputError):
        LabelPrompt(labels, "ja", example)


def test_the_schema_holds_a_closed_set():
    assert LabelPrompt(("a", "b"), "en").schema["properties"]["label"]["enum"] == ["a", "b"]
    assert "enum" not in LabelPrompt(None, "en").schema["properties"]["label"]


# ------------------------------------------------------------ translation

DIRECTIONS = [(one, other) for one in LANGUAGES for other in LANGUAGES if one != other]


@pytest.mark.parametrize(("source", "target"), DIRECTIONS)
def test_the_solved_translation_is_in_the_two_languages_and_its_entities_are_in_it(source, target):
    prompt = TranslationPrompt(source, target)
    system, asked, solved, question = prompt.messages("x", ("y", "z"))
    assert f"from {LANGUAGES[source]} into {LANGUAGES[target]}" in system[1]
    asked, solved = json.loads(asked[1]), json.loads(solved[1])
    assert len(asked["entities"]) == len(solved["entities"]) == 3
    places = [asked["text"].index(entity) for entity in asked["entities"]]
    assert places == sorted(places)
    assert all(entity in solved["text"] for entity in solved["entities"])
    assert json.loads(question[1]) == {"text": "x", "entities": ["y", "z"]}
    assert (
        solved["text"]
        == json.loads(TranslationPrompt(target, source).messages("", ())[1][1])["text"]
    )


def test_the_missing_are_asked_for_beside_both_texts():
    question = TranslationPrompt("ja", "en").missing("京都の秋", "Autumn in Kyoto", ["秋"])
    _, asked, solved, last = (content for _, content in question.messages)
    example, answer = json.loads(asked), json.loads(solved)
    assert all(one in example["text"] for one in example["entities"])
    assert all(one in example["translation"] for one in answer["entities"])
    assert json.loads(last) == {
        "text": "京都の秋", "translation": "Autumn in Kyoto", "entities": ["秋"]
    }  # fmt: skip
    assert list(question.schema["properties"]) == ["entities"]


def test_labels_are_asked_for_with_those_that_are_known():
    question = TranslationPrompt("en", "zh").labels(["tea house"], {"house": "房屋"})
    assert json.loads(question.messages[-1][1]) == {
        "labels": ["tea house"], "known": {"house": "房屋"}
    }  # fmt: skip


def test_a_translation_prompt_has_a_version_of_its_own_for_every_direction():
    versions = {TranslationPrompt(*direction).version for direction in DIRECTIONS}
    assert len(versions) == 6
    again = TranslationPrompt("ja", "en")
    assert again.version == TranslationPrompt("ja", "en").version
    one, other = again.question("x", ()), again.question("x", (), draw=1)
    assert (one.temperature, other.draw) == (0.0, 1) and other.temperature > 0
    assert again.question("x" * 100, ()).max_tokens > one.max_tokens


@pytest.mark.parametrize(("source", "target"), [("ja", "ja"), ("ja", "fr"), ("", "en")])
def test_a_direction_that_is_none_is_refused(source, target):
    with pytest.raises(InputError, match="language"):
        TranslationPrompt(source, target)
