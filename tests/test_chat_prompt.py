"""What a chat model is asked: every word is ours, in the task's language, and has a version."""

import pytest
from tiny import tiny_records

from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, Task, adhoc, task
from pointline.model import prompt
from pointline.model.chat.prompt import ChatPrompt, example_among
from pointline.model.chat.words import WORDS
from pointline.model.prompt import Level

EXAMPLE = next(record for record in tiny_records(50) if record.task == "scnm-ja")


def test_behind_the_instruction_stands_what_any_model_is_shown():
    asked = ChatPrompt(task("scnm-ja"), example=EXAMPLE).messages("雨だ。")
    assert [role for role, _ in asked] == ["system", "user", "assistant", "user"]
    shown = asked[1][1] + asked[2][1] + "\n\n" + asked[3][1]
    assert shown == prompt.one_shot(EXAMPLE, "雨だ。", task("scnm-ja"))


def test_without_an_example_only_the_text_is_asked():
    assert [role for role, _ in ChatPrompt(task("scnm-ja")).messages("雨だ。")] == [
        "system",
        "user",
    ]


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("structured", [False, True])
@pytest.mark.parametrize("level", Level)
def test_the_instruction_names_all_that_is_asked_for(name, structured, level):
    asked = ChatPrompt(task(name), structured, level)
    told = asked.messages("")[0][1]
    assert task(name).word in told
    if level is not Level.WORD:
        assert all(label in told for label in task(name).labels or ())
    if level is not Level.TEXT:
        assert all(label in told for label in task(name).item_labels or ())
    assert ("JSON" in told) is structured is (asked.schema is not None)
    assert "{" not in told or structured


def test_the_words_are_of_the_language_of_the_task():
    told = {lang: ChatPrompt(task(f"tconer-{lang}")).messages("")[0][1] for lang in WORDS}
    assert "short term of English" in told["en"]
    assert "日本語" in told["ja"]
    assert "中文" in told["zh"]
    french = Task("f", "f", "fr", "REN", None, None)
    assert ChatPrompt(french).messages("")[0][1].startswith("Give the text one label")


def test_braces_in_a_label_are_only_braces():
    told = ChatPrompt(adhoc(labels=["{form}", "{0}"], entities=["{labels}"])).messages("{x}")
    assert "{form}, {0}" in told[0][1]
    assert told[-1][1] == "{x}/NER\n"


def test_every_word_makes_the_version():
    versions = {
        ChatPrompt(task("scnm-ja")).version,
        ChatPrompt(task("scnm-zh")).version,
        ChatPrompt(task("scnm-ja"), structured=True).version,
        ChatPrompt(task("scnm-ja"), level=Level.TEXT).version,
        ChatPrompt(task("scnm-ja"), example=EXAMPLE).version,
    }
    assert len(versions) == 5


def test_the_question_carries_schema_and_limit():
    asked = ChatPrompt(task("scnm-ja"), structured=True).question("雨だ。", max_tokens=77)
    assert asked.schema["properties"]["label"]["enum"] == list(task("scnm-ja").labels)
    assert (asked.max_tokens, asked.temperature, asked.draw) == (77, 0.0, 0)
    assert ChatPrompt(task("scnm-ja")).question("雨だ。").schema is None


@pytest.mark.parametrize(
    ("record", "level", "reason"),
    [
        (Record("e", "", "x", "Sports"), Level.BOTH, "'Sports' is none of its labels"),
        (Record("e", "", "x"), Level.BOTH, "'' is none of its labels"),
        (Record("e", "", "x", "Nature", (Pair("ghost", "x"),)), Level.WORD, "'ghost' is none"),
        (Record("e", "", "x", "Nature", (), (Fact(("a", "b", "c")),)), Level.BOTH, "takes pairs"),
    ],
)
def test_an_example_of_something_else_is_refused(record, level, reason):
    with pytest.raises(InputError, match=f"example 'e' is not of the task 'scnm-en': .*{reason}"):
        ChatPrompt(task("scnm-en"), level=level, example=record)


def test_an_example_whose_fact_has_more_fields_than_are_asked_for_is_refused():
    record = Record("e", "", "x", "a", (), (Fact(tuple("abcd")),))
    with pytest.raises(InputError, match="a fact of more than 3 fields"):
        ChatPrompt(adhoc(shape="facts"), example=record)
    ChatPrompt(adhoc(shape="facts"), example=record, fields=4)


def test_an_example_needs_only_the_level_that_is_asked_for():
    ChatPrompt(task("scnm-en"), level=Level.WORD, example=Record("e", "", "x"))
    ChatPrompt(task("scnm-en"), level=Level.TEXT, example=Record("e", "", "x", "Nature"))


# ---------------------------------------------------------------- the choice of an example


def example(id, *entities, label="Nature", name="scnm-en", text="In Turin, Ada slept at 10:30."):
    return Record(id, name, text, label, tuple(Pair("people", entity) for entity in entities))


@pytest.mark.parametrize(
    ("records", "chosen"),
    [
        ([example("one", "Ada"), example("two", "Ada", "Turin")], "two"),
        ([example("none"), example("one", "Ada")], "one"),
        ([example("none")], "none"),
        ([example("escaped", "Ada", "10:30"), example("one", "Ada")], "one"),
        ([example("long", "Ada", text="Ada " * 200), example("one", "Ada")], "one"),
        ([example("odd", "Ada", label="Odd"), example("one", "Ada")], "one"),
        ([example("other", "Ada", name="scnm-ja"), example("one", "Ada")], "one"),
        ([example("other", "Ada", name="scnm-ja")], None),
    ],
)
def test_the_first_record_that_will_do_is_shown(records, chosen):
    found = example_among(records, task("scnm-en"))
    assert (found and found.id) == chosen
