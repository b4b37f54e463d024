"""`pointline batch`, as a user meets it."""

import json
import os
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from batched import gone, lines, results, shards_there
from chat_server import ChatServer, Reply
from test_batch_kills import _children, _wait
from tiny import tiny_records
from typer.testing import CliRunner

from pointline.app.batch import pool
from pointline.app.cli import app
from pointline.errors import InputError

TEXTS = [record.text for record in tiny_records(24)]


def run(*arguments):
    told = ["batch", *map(str, arguments)]
    return CliRunner().invoke(app, told, catch_exceptions=False)


def test_a_run_of_a_tiny_model_and_the_same_command_again(base, tmp_path):
    lines(tmp_path / "in" / "a.jsonl", TEXTS[:10])
    (tmp_path / "in" / "b.txt").write_bytes(TEXTS[10].encode() + b"\n\xff\xfe\n")
    asked = (tmp_path / "in", "--out", tmp_path / "out", "--task", "scnm-en", "-m", base,
             "--shard-rows", 6, "--max-new-tokens", 8)  # fmt: skip
    told = json.loads(run(*asked, "--json").stdout)
    assert (told["rows"], told["results"], told["errors"]) == (12, 11, 1)
    assert told["faults"] == {"not-utf8": 1} and told["shards"] == told["this call"]["shards"] == 2
    assert told["tokens"]["text"] > 50 and told["workers' processor seconds"] > 0
    found = results(tmp_path / "out")
    assert [row["source"] for row in found] == ["a.jsonl"] * 10 + ["b.txt"] * 2
    assert [row["text"] for row in found[:11]] == TEXTS[:11]
    again = run(*asked)
    assert "12 rows: 11 results, 1 errors" in again.stdout and "rows now" not in again.stdout
    assert "not-utf8" in again.stdout
    with pytest.raises(InputError, match="holds a run with another options"):
        run(*asked, "--free")


def test_a_plan_is_printed_with_a_measured_estimate(base, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(pool, "processors", lambda: 8)
    lines(tmp_path / "in" / "a.jsonl", TEXTS)
    (tmp_path / "in" / "notes.md").write_text("x")
    asked = (tmp_path / "in", "--labels", "news,weather", "--entities", "person", "-m", base,
             "--shard-rows", 10, "--max-new-tokens", 4, "--plan")  # fmt: skip
    told = json.loads(run(*asked, "--estimate", 5, "--workers", 2, "--json").stdout)
    assert (told["files"], told["rows"], told["shards"]) == (1, 24, 3)
    assert told["left out"] == ["notes.md"]
    made = told["estimate"]
    assert (made["sample"], made["failed"], made["workers"]) == (5, 0, 2)
    assert made["hours for all rows"] == pytest.approx(24 / made["texts a second"] / 7200, abs=1e-3)
    assert made["threads of a worker"] == 4
    many = json.loads(run(*asked, "--estimate", 1, "--workers", 9, "--json").stdout)
    assert many["estimate"]["workers"] == 3  # there are no more shards
    assert many["estimate"]["threads of a worker"] == 2
    shown = run(*asked).stdout
    assert "rows: 24" in shown and "left out" in shown and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--out", "OUT"), "what to extract"),
        (("--task", "scnm-en"), "where to"),
        (("--out", "OUT", "--task", "scnm-jp"), "did you mean"),
        (("--out", "OUT", "--task", "scnm-en", "--labels", "a"), "not both"),
        (("--out", "OUT", "--task", "scnm-en", "--estimate", "3"), "--estimate times a sample"),
        (("--out", "OUT", "--labels", "a,a"), "a"),
        (("--out", "OUT", "--task", "scnm-en", "--cpus", "2"), "give --ray, or leave them out"),
        (("--task", "scnm-en", "--plan", "--gpus", "0"), "give --ray, or leave them out"),
        (("--out", "OUT", "--task", "scnm-en", "--ray", "local", "--device", "cpu"), "by --gpus"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(tmp_path, options, told):
    file = lines(tmp_path / "a.jsonl", ["Ada"])
    options = [str(tmp_path / "out") if option == "OUT" else option for option in options]
    with pytest.raises(InputError, match=told):
        run(file, *options)
    assert not (tmp_path / "out").exists()


def test_an_input_that_is_not_there_leaves_no_folder(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        run(tmp_path / "none.txt", "--task", "scnm-en", "--out", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_chat_model_behind_an_address_keeps_its_answers(tmp_path):
    def script(body, number):
        if "REFUSED" in str(body):
            return Reply(status=400, error={"message": "this text is refused"})
        return Reply("Nature/NER/:person;Ada")

    lines(tmp_path / "a.jsonl", ["Ada 1", "REFUSED", "Ada 2"])
    with ChatServer(script) as server:
        told = json.loads(run(
            tmp_path / "a.jsonl", "--out", tmp_path / "out", "--task", "scnm-en", "--free",
            "-m", f"openai:tiny@{server.url}", "--json",
        ).stdout)  # fmt: skip
        asked = [body["messages"][-1]["content"] for body in server.asked]
    assert (told["results"], told["faults"]) == (2, {"no-answer": 1})
    assert told["tokens"] == {"text": 20, "completion": 4} and len(asked) == 3
    refused = results(tmp_path / "out")[1]
    assert "this text is refused" in refused["error"] and "record" not in refused["error"]


def test_an_interruption_ends_the_workers_and_says_how_to_go_on(tmp_path):
    lines(tmp_path / "a.jsonl", TEXTS * 10)
    out = tmp_path / "out"
    with ChatServer(lambda body, number: Reply("Nature/NER/", delay=0.1)) as server:
        command = [sys.executable, "-m", "pointline", "batch", tmp_path / "a.jsonl", "--out", out,
                   "--task", "scnm-en", "--free", "--shard-rows", "8", "--concurrency", "2",
                   "-m", f"openai:tiny@{server.url}"]  # fmt: skip
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, start_new_session=True,
            # a shell's background job ignores SIGINT, and its children would, too
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        _wait(lambda: shards_there(out) >= 1)
        workers = _children(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and workers and all(map(gone, workers))
    assert "stopped: run the same command again to go on" in told and "Traceback" not in told
    assert all(pq.read_table(file).num_rows == 8 for file in (out / "shards").glob("part-*"))
