"""Reading what a translator wrote, whatever it wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.draft.reading import read, strings

ASKED = ("京都", "🌸祭")
WHOLE = json.dumps({"text": "The 🌸 fair in Kyoto.", "entities": ["Kyoto", "🌸 fair"]})


def test_a_good_answer_is_read_as_it_is():
    found = read(WHOLE, ASKED)
    assert (found.text, found.mended, found.uneven) == ("The 🌸 fair in Kyoto.", False, False)
    assert found.entities == {"京都": "Kyoto", "🌸祭": "🌸 fair"}


@pytest.mark.parametrize(
    "answer",
    [
        f"Sure!\n```json\n{WHOLE}\n```",
        f"<think>maybe {{\"text\": \"no\"}}</think>{WHOLE}",
        WHOLE.replace(", ", ",\n\n"),
        WHOLE[:-1],  # no closing brace
        WHOLE[:-2],
        WHOLE.replace("]}", ",]}"),
        "{\"text\": \"The 🌸 fair in Kyoto.\", \"entities\": [\"Kyoto\" \"🌸 fair\"",
    ],
)  # fmt: skip
def test_what_is_whole_enough_is_read(answer):
    found = read(answer, ASKED)
    assert found is not None
    assert found.text == "The 🌸 fair in Kyoto."
    assert found.entities == {"京都": "Kyoto", "🌸祭": "🌸 fair"}


def test_a_bare_line_break_in_a_string_is_read():
    found = read('{"text": "one\ntwo", "entities": []}', ())
    assert (found.text, found.mended) == ("one\ntwo", True)


@pytest.mark.parametrize(
    "answer",
    ["", "The fair in Kyoto.", '{"text": ""}', '{"text": ["a"]}', '{"text": "cut of', '{"answer": 1}',
     "{" * 2000, "null", '{"text"']
)  # fmt: skip
def test_what_holds_no_translation_is_none(answer):
    assert read(answer, ASKED) is None


def test_a_paragraph_is_taken_for_the_text_where_plain_text_is_allowed():
    found = read("<think>hm</think> The fair in Kyoto.\n", ASKED, plain=True)
    assert (found.text, found.entities, found.mended, found.uneven) == (
        "The fair in Kyoto.", {}, True, True
    )  # fmt: skip
    for answer in ("", '{"text": 1}', "Sure!\n\nThe fair in Kyoto.", '{"answer": "The fair'):
        assert read(answer, ASKED, plain=True) is None


@pytest.mark.parametrize("entities", [["Kyoto"], ["a", "b", "c"], [], "Kyoto", None])
def test_entities_of_another_number_are_not_taken(entities):
    found = read(json.dumps({"text": "x", "entities": entities}), ASKED)
    assert (found.entities, found.uneven) == ({}, True)


def test_entities_that_are_crossed_are_not_taken():
    asked = ("１８４０年", "IBM", "柏林")
    for told in (["IBM", "1840", "Berlin"], ["in 1840", "Berlin", "IBM"]):
        found = read(json.dumps({"text": "x", "entities": told}), asked)
        assert (found.entities, found.uneven) == ({}, True)
    found = read(json.dumps({"text": "x", "entities": ["1840", "I.B.M.", "Berlin, IBM's"]}), asked)
    assert found.uneven
    found = read(json.dumps({"text": "x", "entities": ["1840", "IBM", "Berlin (IBM)"]}), asked)
    assert not found.uneven


def test_an_entity_that_is_no_string_is_not_given():
    found = read('{"text": "x", "entities": ["Kyoto", null]}', ASKED)
    assert found.entities == {"京都": "Kyoto", "🌸祭": ""}


def test_half_a_surrogate_becomes_a_character_that_utf8_can_carry():
    found = read('{"text": "a\\ud83d b", "entities": ["\\udc00", "b"]}', ASKED)
    assert found.text == "a\ufffd b"
    assert found.entities["京都"] == "\ufffd"


@given(st.text(), st.lists(st.text(), max_size=4))
def test_whatever_is_written_as_json_is_read_back(text, entities):
    asked = tuple(f"名札その{n}" for n in range(len(entities)))
    found = read(json.dumps({"text": text, "entities": entities}, ensure_ascii=False), asked)
    if text.strip():
        assert found.text == text.strip()
        assert list(found.entities.values()) == [one.strip() for one in entities]
    else:
        assert found is None


@given(st.integers(0, len(WHOLE)))
def test_an_answer_cut_anywhere_gives_the_text_or_nothing(end):
    found = read(WHOLE[:end], ASKED)
    assert found is None or found.text == "The 🌸 fair in Kyoto."
    assert found is None or set(found.entities) <= set(ASKED)


@given(st.text(alphabet='{}[]":,textniesl\\ \n京', max_size=60))
def test_reading_never_raises(answer):
    read(answer, ASKED)
    strings(answer, "labels")
