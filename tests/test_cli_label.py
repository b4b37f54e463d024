"""`pointline data label` as a user meets it."""

import json
import os
import subprocess
import sys

import pytest
from chat_server import ChatServer, Reply, label
from tiny import tiny_records
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import store
from pointline.errors import InputError
from pointline.format.record import Record

TEXTS = ["駅前に図書館が開いた。", "新しい橋の設計が決まった。", "川で珍しい鳥が見つかった🐦。"]


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.fixture
def source(tmp_path):
    records = [Record(str(n), "", text) for n, text in enumerate(TEXTS)]
    store.write_records(tmp_path / "in.jsonl", records)
    return tmp_path / "in.jsonl"


def ask(source, out, *more):
    arguments = ["data", "label", str(source), "--out", str(out), *map(str, more)]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def shell(source, out, *more, **environment):
    """The command in a process of its own, for what ends up on the error stream."""
    return subprocess.run(
        [sys.executable, "-m", "pointline", "data", "label", source, "--out", out, *more],
        capture_output=True, text=True, timeout=120,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100", **environment},
    )  # fmt: skip


def answers(body, n):
    text = json.loads(body["messages"][-1]["content"])["text"]
    return label({"駅": "社会", "新": "技術", "川": "動物"}[text[0]])


def test_a_run_is_told_in_numbers_that_add_up(source, tmp_path):
    with ChatServer(answers) as server:
        model = f"openai:tiny@{server.url}"
        done = ask(source, tmp_path / "run", "--model", model, "--task", "scnm-ja",
                   "--price-in", 1.5, "--price-out", 2)  # fmt: skip
    assert done.exit_code == 0
    assert "2 labelled + 1 queued + 0 failed = 3 records" in done.stdout
    assert "out of set" in done.stdout
    assert "3 requests, 30 tokens asked, 6 answered, 0.0001 at the prices given" in done.stdout
    assert {record.task for record in store.iter_records(tmp_path / "run" / "labelled.jsonl")} == {
        "scnm-ja"
    }


def test_json_is_one_object(source, tmp_path):
    with ChatServer(answers) as server:
        done = ask(source, tmp_path / "run", "--model", f"openai:tiny@{server.url}",
                   "--labels", "社会、技術，動物", "--json")  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["labelled"], told["queued"]) == (3, 0)
    assert told["labels"] == {"社会": 1, "技術": 1, "動物": 1}


def test_open_labels_are_in_the_language_of_the_records(source, tmp_path):
    with ChatServer(lambda body, n: label("図書館")) as server:
        model = f"openai:tiny@{server.url}"
        assert ask(source, tmp_path / "run", "--model", model, "--open").exit_code == 0
        assert "Japanese" in server.asked[0]["messages"][0]["content"]
        ask(source, tmp_path / "zh", "--model", model, "--open", "--lang", "zh")
        assert "Chinese" in server.asked[-1]["messages"][0]["content"]


def test_an_example_of_ones_own_is_shown(source, tmp_path):
    store.write_records(tmp_path / "shown.jsonl", [Record("e", "", "祭りの夜。", "社会")])
    with ChatServer(answers) as server:
        ask(source, tmp_path / "run", "--model", f"openai:tiny@{server.url}",
            "--task", "scnm-ja", "--example", tmp_path / "shown.jsonl")  # fmt: skip
        assert "祭りの夜。" in server.asked[0]["messages"][1]["content"]


def test_gold_is_compared(source, tmp_path):
    gold = [Record("0", "", TEXTS[0], "社会"), Record("2", "", TEXTS[2], "自然")]
    store.write_records(tmp_path / "gold.jsonl", gold)
    with ChatServer(answers) as server:
        done = ask(source, tmp_path / "run", "--model", f"openai:tiny@{server.url}",
                   "--task", "scnm-ja", "--gold", tmp_path / "gold.jsonl")  # fmt: skip
    assert "gold: 2 records, accuracy 0.50" in done.stdout
    assert "Cohen's kappa" in done.stdout


def test_a_spent_budget_is_no_success(source, tmp_path):
    with ChatServer(answers) as server:
        more = ("--model", f"openai:tiny@{server.url}", "--task", "scnm-ja")
        done = ask(source, tmp_path / "run", *more, "--budget-tokens", 10, "--concurrency", 1)
        assert done.exit_code == 1
        assert "2 waiting = 3 records" in done.stdout
        assert "stopped: the budget of 10 tokens is spent" in done.stderr
        assert ask(source, tmp_path / "run", *more).exit_code == 0
    assert len(server.asked) == 3


def test_a_tiny_model_labels_under_the_grammar(base, tmp_path):
    records = [r for r in tiny_records(30) if r.task == "scnm-ja"][:4]
    store.write_records(tmp_path / "in.jsonl", records)
    arguments = ("--model", base, "--labels", "社会,自然", "--relabel", "--threshold", 0)
    done = ask(tmp_path / "in.jsonl", tmp_path / "run", *arguments)
    assert "4 labelled + 0 queued + 0 failed = 4 records" in done.stdout
    made = store.read_records(tmp_path / "run" / "labelled.jsonl")
    assert all(record.label in ("社会", "自然") for record in made)
    assert all(0 < record.meta["label_source"]["confidence"] <= 1 for record in made)


# ---------------------------------------------------------------- what cannot be done


def test_no_server_is_one_line_and_exit_2(source, tmp_path):
    done = shell(source, tmp_path / "run", "--open", "--model", "openai:m@http://127.0.0.1:9/v1")
    assert done.returncode == 2
    assert done.stderr == (
        "error: http://127.0.0.1:9/v1: no server answers there: start it, or mend the address\n"
    )


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(status=401, error={"message": "bad"}), "the key is refused (401)"),
        (Reply(status=404, error={"message": "no"}), "no model 'tiny' (404)"),
    ],
)
def test_a_server_that_will_not_is_one_line_and_exit_2(source, tmp_path, reply, told):
    with ChatServer(lambda body, n: reply) as server:
        done = shell(source, tmp_path / "run", "--open", "--model", f"openai:tiny@{server.url}",
                     OPENAI_API_KEY="sk-very-secret")  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_retries_are_silent(source, tmp_path):
    with ChatServer(lambda body, n: answers(body, n) if n > 1 else Reply(status=503)) as server:
        done = shell(source, tmp_path / "run", "--task", "scnm-ja",
                     "--model", f"openai:tiny@{server.url}")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "which labels"),
        (("--open", "--task", "scnm-ja"), "which labels"),
        (("--labels", "社会", "--model", "openai:m@http://127.0.0.1:9/v1"), "two labels or more"),
        (("--open", "--votes", 3), "--votes is for a chat model"),
        (("--open", "--model", "openai:m"), "OPENAI_API_KEY is not set"),
        (("--open", "--model", "openai:m@127.0.0.1:9"), "begins with http"),
        (("--open", "--budget", 1.0), "needs prices"),
        (("--task", "scnm-jp"), "did you mean scnm-ja"),
    ],
)
def test_a_wrong_request_is_refused(source, tmp_path, options, told):
    with pytest.raises(InputError, match=told):
        ask(source, tmp_path / "run", *options)
    assert not (tmp_path / "run").exists()


def test_help_has_an_example():
    told = CliRunner().invoke(app, ["data", "label", "--help"], env={"COLUMNS": "120"}).stdout
    assert "pointline data label ner.jsonl" in told
