"""`pointline predict` and `extract` with a chat model, as a user meets them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from chat_server import ChatServer, Reply
from test_openai import GOLD, asked_text, mixed, oracle
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import store
from pointline.errors import InputError

ENGLISH = [gold for gold in GOLD if gold.task == "scnm-en"]


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def source(tmp_path):
    store.write_records(tmp_path / "gold.jsonl", GOLD)
    return tmp_path / "gold.jsonl"


@pytest.fixture
def dataset(tmp_path):
    """A dataset folder: its training split has the example, its test split the questions."""
    (tmp_path / "data").mkdir()
    store.write_records(tmp_path / "data" / "train.jsonl", ENGLISH[:2])
    store.write_records(tmp_path / "data" / "test.jsonl", ENGLISH[2:])
    return tmp_path / "data"


def ask(source, out, *more):
    arguments = ["predict", str(source), "--out", str(out), *map(str, more)]
    return CliRunner().invoke(app, arguments, catch_exceptions=False)


def command(source, out, *more):
    return [sys.executable, "-m", "pointline", "predict", source, "--out", out, *more]


def shell(source, out, *more):
    return subprocess.run(
        command(source, out, *more), capture_output=True, text=True, timeout=120,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"},
    )  # fmt: skip


def test_the_table_says_what_broke_and_what_repairs_would_give(source, tmp_path):
    with ChatServer(mixed) as server:
        model = f"openai:tiny@{server.url}"
        done = ask(source, tmp_path / "run", "--model", model, "--free", "--price-in", 1.5)
    assert done.exit_code == 0
    assert "24 of 24 records" in done.stdout
    assert "answers that say nothing" in done.stdout
    assert "not in the format" in done.stdout
    assert "the same answers repaired:" in done.stdout
    assert "24 requests" in done.stdout
    assert "at the prices given" in done.stdout


def test_repair_writes_the_repaired_predictions(source, tmp_path):
    with ChatServer(mixed) as server:
        model = f"openai:tiny@{server.url}"
        done = ask(source, tmp_path / "run", "--model", model, "--repair", "--json")
    told = json.loads(done.stdout)
    assert "score_repaired" not in told
    assert told["faults"]["refused"] == 9
    made = store.read_records(tmp_path / "run" / "predictions.jsonl")
    assert sum("chatter-dropped" in one.repairs for one in made) == 3


def test_the_example_comes_from_the_training_split(dataset, tmp_path):
    with ChatServer(oracle) as server:
        model = f"openai:tiny@{server.url}"
        done = ask(dataset, tmp_path / "run", "--model", model, "--task", "scnm-en")
        bare = ask(dataset, tmp_path / "bare", "--model", model, "--task", "scnm-en",
                   "--one-shot", "none")  # fmt: skip
        other = ask(dataset, tmp_path / "other", "--model", model, "--task", "scnm-en",
                    "--one-shot", dataset / "test.jsonl")  # fmt: skip
    assert {done.exit_code, bare.exit_code, other.exit_code} == {0}
    assert f"shown before every text: {ENGLISH[0].id} of" in done.stderr
    asked = [body["messages"] for body in server.asked]
    many = len(ENGLISH) - 2
    assert [len(messages) for messages in asked] == [4] * many + [2] * many + [4] * many
    assert asked[0][1]["content"] == f"{ENGLISH[0].text}/NER\n"
    assert asked[-1][1]["content"] == f"{ENGLISH[2].text}/NER\n"


def test_a_budget_exits_1_and_the_same_command_goes_on(source, tmp_path):
    with ChatServer(oracle) as server:
        more = ("--model", f"openai:tiny@{server.url}", "--concurrency", 1)
        done = ask(source, tmp_path / "run", *more, "--budget-tokens", 60)
        assert done.exit_code == 1
        assert "stopped: the budget of 60 tokens is spent" in done.stderr
        again = ask(source, tmp_path / "run", *more)
    assert again.exit_code == 0
    assert "19 of 24 records" in again.stdout
    assert len(server.asked) == 24


def test_errors_are_one_clear_line(source, tmp_path):
    done = shell(source, tmp_path / "run", "--model", "openai:m@http://127.0.0.1:9/v1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: http://127.0.0.1:9/v1: no server answers there: start it, or mend the address\n"
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--model", "openai:m@example.org"), "begins with http"),
        (("--model", "openai:m"), "OPENAI_API_KEY is not set"),
        (("--model", "openai:m@http://127.0.0.1:9", "--adapter", "x"), "leave an adapter out"),
        (("--model", "openai:m@http://127.0.0.1:9", "--device", "cpu"), "leave a device out"),
        (("--model", "openai:m@http://127.0.0.1:9", "--budget", "1"), "a budget of money"),
        (("--budget-tokens", "5"), "for a model behind an address"),
        (("--repair",), "for a model behind an address"),
    ],
)
def test_options_that_do_not_go_together_are_refused(source, tmp_path, more, told):
    with pytest.raises(InputError, match=told):
        ask(source, tmp_path / "run", *more)
    assert not (tmp_path / "run").exists()


def test_texts_without_an_answer_are_listed(source, tmp_path):
    def script(body, n):
        bad = asked_text(body) in (GOLD[0].text, GOLD[1].text)
        return Reply(status=400, error={"message": "too long"}) if bad else oracle(body, n)

    with ChatServer(script) as server:
        done = shell(source, tmp_path / "run", "--model", f"openai:tiny@{server.url}", "--free")
    first, *listed = done.stderr.splitlines()
    assert done.returncode == 2
    assert "2 of the texts got no answer" in first
    assert len(listed) == 2
    assert all("the question is refused (400)" in line for line in listed)
    assert len(store.read_records(tmp_path / "run" / "predictions.jsonl")) == 22


def test_a_killed_run_asks_only_what_was_in_flight_again(source, tmp_path):
    killed = []

    def script(body, n):
        if not killed and n > 12:
            time.sleep(30)  # in flight when the process is killed
        return oracle(body, n)

    with ChatServer(script) as server:
        more = ("--model", f"openai:tiny@{server.url}", "--concurrency", "4")
        process = subprocess.Popen(
            command(source, tmp_path / "run", *more),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        answers = tmp_path / "run" / "answers.jsonl"
        until = time.monotonic() + 60
        while not (answers.exists() and answers.read_bytes().count(b"\n") == 12):
            assert time.monotonic() < until
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        killed.append(True)
        with answers.open("ab") as torn:
            torn.write(b'{"key":"3f')
        done = ask(source, tmp_path / "run", *more, "--json")
        asked = Counter(map(asked_text, server.asked))
    assert json.loads(done.stdout)["score"]["all"] == 1.0
    assert len(asked) == 24
    assert sum(asked.values()) <= 24 + 4
    made = store.read_records(tmp_path / "run" / "predictions.jsonl")
    assert sorted(one.id for one in made) == sorted(gold.id for gold in GOLD)


# ---------------------------------------------------------------- extract


@pytest.mark.parametrize("free", [False, True])
def test_extract_asks_a_chat_model(free):
    gold = next(gold for gold in GOLD if gold.task == "scnm-ja")
    with ChatServer(oracle) as server:
        arguments = ["extract", gold.text, "--task", "scnm-ja", "--json"]
        arguments += ["--model", f"openai:tiny@{server.url}", *(["--free"] if free else [])]
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    told = json.loads(done.stdout)
    assert (told["label"], told.get("ok", True)) == (gold.label, True)
    assert [(p["entity"], p["start"]) for p in told["pairs"]] == [
        (pair.entity, pair.start) for pair in gold.pairs
    ]


def test_extract_writes_its_page(tmp_path):
    with ChatServer(oracle) as server:
        page = tmp_path / "page.html"
        arguments = ["extract", ENGLISH[0].text, "--task", "scnm-en", "--html", str(page)]
        done = CliRunner().invoke(
            app, [*arguments, "--model", f"openai:tiny@{server.url}"], catch_exceptions=False
        )
    assert done.exit_code == 0
    assert "Extracted by openai:tiny@http://127.0.0.1" in page.read_text("utf-8")
