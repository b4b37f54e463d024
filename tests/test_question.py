import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.errors import InputError
from pointline.model.chat.question import HOSTED, Address, Answer, Question, Usage


@pytest.mark.parametrize(
    ("name", "model", "base_url"),
    [
        ("openai:qwen@http://127.0.0.1:8000/v1", "qwen", "http://127.0.0.1:8000/v1"),
        ("openai:Qwen/Qwen3-8B@https://a.example/v1/", "Qwen/Qwen3-8B", "https://a.example/v1"),
        ("openai:@cf/meta/llama@https://a.example/v1", "@cf/meta/llama", "https://a.example/v1"),
        ("openai:@cf/meta/llama", "@cf/meta/llama", HOSTED),
        ("openai:ft:small:日本", "ft:small:日本", HOSTED),
        ("openai:m@http://[::1]:8000/v1", "m", "http://[::1]:8000/v1"),
    ],
)
def test_a_name_says_which_model_and_where(monkeypatch, name, model, base_url):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    found = Address.parse(name)
    assert (found.model, found.base_url) == (model, base_url)


def test_the_environment_may_say_where(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:9/v1")
    assert Address.parse("openai:m") == Address("m", "http://localhost:9/v1")


@pytest.mark.parametrize(
    "name",
    [
        "gemma", "openai:", "openai: @http://a.example", "openai:m@localhost:8000",
        "openai:m@http://", "openai:m@http://user:hunter2@a.example/v1",
        "openai:m@http://a.example/v1?api-key=hunter2", "openai:m@http://a.example:port/v1",
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_refused_without_its_password(name):
    with pytest.raises(InputError) as error:
        Address.parse(name)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:1/v1", True), ("http://localhost/v1", True), ("http://[::1]/v1", True),
        ("http://127.9.9.9", True), ("http://10.0.0.1", False), ("https://localhost.example", False),
    ],
)  # fmt: skip
def test_only_this_machine_is_local(url, local):
    assert Address("m", url).local is local


def test_a_probability_is_that_of_the_tokens_that_spell_the_value():
    tokens = (('{"label": "', -0.5), ("社", -1.0), ("会", -2.0), ('"}', -0.25))
    answer = Answer('{"label": "社会"}', tokens=tokens)
    assert answer.probability("社会") == pytest.approx(math.exp(-3))
    assert answer.probability("自然") is None
    assert answer.probability("") is None
    assert Answer("社会").probability("社会") is None


def test_a_token_across_the_border_counts():
    answer = Answer('"ab"', tokens=(('"a', -1.0), ('b"', -2.0)))
    assert answer.probability("ab") == pytest.approx(math.exp(-3))


@given(
    st.text(),
    st.lists(st.tuples(st.text(), st.floats(max_value=0, allow_infinity=False)), max_size=4),
    st.integers(0, 10**9),
)
def test_an_answer_survives_json(text, tokens, count):
    import orjson

    answer = Answer(
        text.encode("utf-8", "ignore").decode(), "length", "", (), Usage(1, count, 2, 1)
    )
    assert Answer.from_dict(orjson.loads(orjson.dumps(answer.to_dict()))) == answer
    told = Answer("x", tokens=tuple((t.encode("utf-8", "ignore").decode(), p) for t, p in tokens))
    assert Answer.from_dict(orjson.loads(orjson.dumps(told.to_dict()))) == told


def test_usage_adds():
    assert Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 44)
    assert Usage(1, 2, 3).tokens == 5
    assert Question((("user", "x"),)).temperature == 0
