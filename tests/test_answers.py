import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.model.chat.answers import (
    is_refusal,
    json_object,
    label_in,
    short_label,
    whole,
)

FIVE = ("社会", "文芸", "学問", "技術", "自然")
ENGLISH = ("Society", "Literature", "Nature", "Natural science", "IT")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"label": "a"}', {"label": "a"}),
        ('Here it is:\n```json\n{"label": "a"}\n```\nAnything else?', {"label": "a"}),
        ('<think>{"label": "b"}? No.</think>{"label": "a"}', {"label": "a"}),
        ('<think>a thought that was cut {"label": "b"}', None),
        ('First {"label": "b"}, better {"label": "a"}', {"label": "a"}),
        ('{"label": {"name": "a"}}', {"label": {"name": "a"}}),
        ('{{"label": "a"}', {"label": "a"}),
        ('{"label": "a"', None),
        ("{" * 50_000, None),
        ('["a"]', None),
        ("", None),
    ],
)
def test_json_is_found_among_chatter(text, value):
    assert json_object(text) == value


@given(st.text())
def test_nothing_that_a_model_writes_raises(text):
    json_object(text)
    is_refusal(text)
    label_in(text, FIVE)
    short_label(text)
    whole(text).encode()


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("社会", "社会"),
        ("「社会」", "社会"),
        ("**社会**", "社会"),
        ("ラベルは社会です。", "社会"),
        ("この文は社会についての文です。", "社会"),
        ("社会または自然", None),
        ("経済", None),
        ("", None),
    ],
)
def test_a_japanese_label_is_found(text, label):
    assert label_in(text, FIVE) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("SOCIETY", "Society"),
        ("Ｓｏｃｉｅｔｙ", "Society"),
        ("The label is Literature.", "Literature"),
        ("natural science", "Natural science"),
        ("It belongs to Nature", None),  # which "it" is meant cannot be told
        ("unnatural", None),
        ("Nature and Society", None),
    ],
)
def test_an_english_label_is_a_whole_word(text, label):
    assert label_in(text, ENGLISH) == label


def test_a_label_within_a_longer_one_is_not_meant():
    assert label_in("I choose Adj and N here", ("N", "Adj", "Adj and N")) == "Adj and N"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("space travel", "space travel"),
        ("Label: space travel.", "space travel"),
        ("標籤", "標籤"),
        ("答案：体育", "体育"),
        ("ラベル：宇宙旅行", "宇宙旅行"),
        ("Label printing", "Label printing"),
        ("x" * 49, None),
        ("This text talks about a long journey to the sea", None),
        ("体育。还有政治。", None),
        ("two\nlines", None),
        ("zero\u0000", None),
        ("\ud83d", None),
        ("", None),
        ("...", None),
    ],
)
def test_an_open_label_is_short(text, label):
    assert short_label(text) == label


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.", "I’m sorry, I cannot assist.",
        "As an AI, I do not label texts.", "I am unable to answer.",
        "申し訳ありませんが、お答えできません。", "回答できません", "抱歉，我无法回答。", "对不起。",
    ],
)  # fmt: skip
def test_a_refusal_is_known(text):
    assert is_refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "社会",
        "Sorry Business (a film)",
        '{"label": "I\'m sorry"}',
        "The label is Society",
        "无法无天",
    ],
)
def test_an_answer_is_no_refusal(text):
    assert not is_refusal(text)
