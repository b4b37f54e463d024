"""Words that a chat model writes, and the file that a study reads them from."""

import json

import pytest
from chat_server import ChatServer, Reply
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.errors import InputError, NoAnswer
from pointline.format.tasks import task
from pointline.model.chat.client import Client
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.study.verbalizer.asking import ask_words, question
from pointline.study.verbalizer.sources import related_words

SCPOS = task("scpos-n-ja")
QUICK = Limits(first_wait=0.01, longest_wait=0.02, attempts=2, timeout=5.0, concurrency=2)


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def reply(body, number):
    first = 'class "積極"' in body["messages"][0]["content"]
    words = ["快適", "満足", " 快適 ", ""] if first else ["不満"]
    return Reply("はい。" + json.dumps({"words": words}, ensure_ascii=False))


def test_each_class_is_asked_for_and_told_from_the_others():
    asked = question(SCPOS, "積極", count=50).messages[0][1]
    assert "50 Japanese words" in asked and '"積極"' in asked and "(消極)" in asked
    with pytest.raises(InputError, match="no label"):
        question(SCPOS, "中立")
    with pytest.raises(InputError, match="open labels"):
        ask_words(None, task("tconer-ja"))


def test_words_are_cleaned_and_counted():
    with ChatServer(reply) as server:
        found = ask_words(Client(Address("tiny", server.url), QUICK), SCPOS)
    assert found == {"積極": ["快適", "満足"], "消極": ["不満"]}
    with ChatServer(reply) as server:
        found = ask_words(Client(Address("tiny", server.url), QUICK), SCPOS, count=1)
    assert found["積極"] == ["快適"]


@pytest.mark.parametrize("text", ["", "[]", '{"words": "快適"}', '{"words": [1]}', "I cannot."])
def test_an_answer_without_words(text):
    with ChatServer(lambda body, n: Reply(text)) as server, pytest.raises(NoAnswer):
        ask_words(Client(Address("tiny", server.url), QUICK), SCPOS)


def test_the_file_is_what_related_reads(tmp_path):
    out = tmp_path / "words.json"
    with ChatServer(reply) as server:
        command = ["study", "words", "--task", SCPOS.name, "--model", f"openai:tiny@{server.url}"]
        done = CliRunner().invoke(app, [*command, "--out", str(out)])
        again = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert done.exit_code == 0 and "満足" in done.output
    assert related_words(SCPOS, out).words == ("快適", "満足", "不満")
    assert isinstance(again.exception, InputError) and "replace" in str(again.exception)
