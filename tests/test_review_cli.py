import json
import os
import re
import signal
import subprocess
import sys
import urllib.request

import pytest
from reviewed import drafts, originals
from typer.testing import CliRunner

from pointline.app import listening
from pointline.app.cli import app
from pointline.corpus import store
from pointline.errors import InputError
from pointline.review.item import Reviewer
from pointline.review.queue import Change, Queue


@pytest.fixture
def folder(tmp_path):
    store.write_records(tmp_path / "ja.jsonl", originals(4))
    store.write_records(tmp_path / "en.jsonl", drafts(4))
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["review", *map(str, words)], catch_exceptions=False)


def test_what_is_decided_is_exported(folder):
    files = (folder / "ja.jsonl", folder / "en.jsonl")
    first = run(*files, "--export", folder / "out", "--json")
    assert json.loads(first.output)["statuses"] == {"open": 4}
    with Queue(folder / "review.sqlite") as queue:
        review = queue.reviews()[0]
        item = queue.find.at(review, "1")
        queue.change(item.id, Reviewer("Mei", ""), 0, Change("accepted", status="accepted"))
    done = run(*files, "--export", folder / "out")
    assert "share_corrected" in done.output and "0.0%" in done.output
    assert len(store.read_dataset(folder / "out" / "scnm-en").train) == 1
    alone = run(
        folder / "en.jsonl", "--db", folder / "own.sqlite", "--export", folder / "one", "--json"
    )
    assert json.loads(alone.output)["source"] == ""


def test_bad_input_is_told_in_one_line(folder):
    for words, reason in (
        ((folder / "none.jsonl",), "there is no such file"),
        ((folder, folder, folder), "two files"),
        ((folder, "--export", folder / "out"), "name the files"),
        ((folder / "ja.jsonl", folder), r"no train\.jsonl"),
    ):
        with pytest.raises(InputError, match=reason):
            run(*words)


def test_a_port_that_is_taken_is_told(folder):
    with listening._bound("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"127.0.0.1:{port}: cannot serve here"):
            run(folder, "--port", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_server_says_where_it_is_and_ends_by_the_keyboard(folder, host):
    code = "from pointline.app.cli import main; main()"
    command = [sys.executable, "-c", code, "review", "ja.jsonl", "en.jsonl", "--port", "0"]
    environment = {**os.environ, "POINTLINE_REVIEW_TOKEN": "let-me-in"}
    with subprocess.Popen(
        [*command, "--host", host], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment,
    ) as process:  # fmt: skip
        line = process.stdout.readline()
        found = re.search(r"http://[^:]+:(\d+)(/\S+)", line)
        assert found, line
        try:
            assert found[2] == ("/r/1" if host == "127.0.0.1" else "/token?key=let-me-in")
            with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/enter") as answer:
                page = answer.read().decode()
            assert ("Token needed" if host == "0.0.0.0" else "Who is reviewing?") in page
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
        assert process.stderr.read() == ""
