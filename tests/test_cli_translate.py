"""`pointline translate run` as it is typed: exit codes, what is printed, what is refused."""

import json
import os
import subprocess
import sys

import pytest
from translators import Book, ChatServer, Translators
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import store
from pointline.errors import InputError


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


@pytest.fixture
def source(tmp_path):
    store.write_records(tmp_path / "in.jsonl", Book(6).records("ja"))
    return tmp_path / "in.jsonl"


def ask(source, out, *options, to="en", model="openai:tiny@http://127.0.0.1:9/v1"):
    told = ["translate", "run", source, "--out", out, "--to", to, "--model", model, *options]
    result = CliRunner().invoke(app, [str(one) for one in told], env={"COLUMNS": "160"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_account_is_told(source, tmp_path):
    with ChatServer(Translators(Book(6), lambda n: ("good", "lost", "refused")[n % 3])) as server:
        done = ask(source, tmp_path / "out", model=f"openai:tiny@{server.url}")
    assert done.exit_code == 0
    assert "2 kept + 2 dropped + 2 queued = 6 records" in done.stdout
    for words in ("entity-missing", "no answer", "verbatim", "missing", "requests"):
        assert words in done.stdout


def test_json_is_json(source, tmp_path):
    with ChatServer(Translators(Book(6))) as server:
        done = ask(source, tmp_path / "out", "--json", model=f"openai:tiny@{server.url}")
        limited = ask(source, tmp_path / "two", "--json", "--limit", 2, "--price-in", 5,
                      model=f"openai:tiny@{server.url}")  # fmt: skip
    told = json.loads(done.stdout)
    assert (told["records"], told["kept"], told["steps"]) == (6, 6, {"verbatim": 18})
    told = json.loads(limited.stdout)
    assert told["records"] == 2
    assert told["cost"] == pytest.approx(20 * 5 / 1e6)


def test_the_papers_filters_ask_for_no_missing_entity(source, tmp_path):
    script = Translators(Book(6), lambda n: "inflected")
    with ChatServer(script) as server:
        done = ask(source, tmp_path / "out", "--filters", "paper", "--json",
                   model=f"openai:tiny@{server.url}")  # fmt: skip
    assert json.loads(done.stdout)["dropped_by_rule"] == {"entity-not-verbatim": 6}
    assert {kind for _, kind in script.asked} == {"text"}


def test_an_encoder_looks_for_what_is_left(source, tmp_path, base):
    with ChatServer(Translators(Book(6), lambda n: "lost")) as server:
        done = ask(source, tmp_path / "out", "--encoder", base, "--json",
                   model=f"openai:tiny@{server.url}")  # fmt: skip
    told = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert told["repair"][-1] == "cross-lingual"
    assert told["mentions"] == 18 == sum(told["steps"].values())
    assert json.loads(done.stdout)["steps"]["verbatim"] == 12


def test_a_budget_exits_1_and_says_how_to_go_on(source, tmp_path):
    with ChatServer(Translators(Book(6))) as server:
        model = f"openai:tiny@{server.url}"
        stopped = ask(
            source, tmp_path / "out", "--budget-tokens", 24, "--concurrency", 1, model=model
        )
        assert stopped.exit_code == 1
        assert "2 kept + 0 dropped + 4 queued = 6 records" in stopped.stdout
        assert "stopped: the budget of 24 tokens" in stopped.stderr
        done = ask(source, tmp_path / "out", model=model)
    assert (done.exit_code, "6 kept" in done.stdout) == (0, True)


def test_an_address_where_nobody_is_exits_2(source, tmp_path):
    done = ask(source, tmp_path / "out")
    assert done.exit_code == 2
    assert "0 kept + 0 dropped + 6 queued = 6 records" in done.stdout
    assert "no server answers there" in done.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--to", "ja"), "choose another language"),
        (("--filters", "fun"), "no filter 'fun'"),
        (("--model", "gemma"), "names no server"),
        (("--model", "openai:m"), "OPENAI_API_KEY is not set"),
        (("--budget", 1.0), "needs prices"),
        (("--task", "scnm-jp"), "did you mean scnm-ja"),
        (("--db", "nosuch://x"), "is no ledger"),
    ],
)
def test_a_wrong_request_is_refused(source, tmp_path, options, told):
    with pytest.raises(InputError, match=told):
        ask(source, tmp_path / "out", *options)


def test_a_fault_of_a_file_is_one_line_with_its_place(source, tmp_path):
    with source.open("a") as file:
        file.write("{half\n")
    done = subprocess.run(
        [sys.executable, "-m", "pointline", "translate", "run", source, "--to", "en",
         "--model", "openai:m@http://127.0.0.1:9/v1", "--out", tmp_path / "out"],
        capture_output=True, text=True, env={**os.environ, "COLUMNS": "160"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and "in.jsonl:7" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_help_has_an_example():
    told = CliRunner().invoke(app, ["translate", "run", "--help"], env={"COLUMNS": "140"}).stdout
    assert "pointline translate run data/scnm-ja --to en" in told
