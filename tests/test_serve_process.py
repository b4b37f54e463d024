"""`pointline serve` as a process of its own, with a tiny model."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx2
import psutil
import pytest
from tiny import tiny_model, tiny_records

from pointline.model.extract import Extractor

WAIT = 120


class Process:
    """A server process, and a client of it."""

    def __init__(self, *args, port=0, env=None):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pointline", "serve", "--port", str(port), *map(str, args)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"} | (env or {}),
        )  # fmt: skip
        self.log = []
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        self.said = self.process.stdout.readline()
        self.base = next((word for word in self.said.split() if word.startswith("http")), "")
        self.client = httpx2.Client(base_url=self.base, timeout=WAIT) if self.base else None

    def _read_log(self):
        self.log.extend(self.process.stderr)

    def ask(self, **told):
        return self.client.post("/v1/extract", json=told)

    def end(self, how=signal.SIGTERM):
        if self.client:
            self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(WAIT)
        self._reader.join(WAIT)
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="module")
def running(model):
    process = Process("--model", model, "--batch-size", 2)
    yield process
    process.end(signal.SIGKILL)


def test_the_answers_are_those_of_the_extractor(running, model):
    """However many are asked at a time, with tasks of their own."""
    from concurrent.futures import ThreadPoolExecutor

    extractor = Extractor.load(model)
    records = tiny_records(9)
    asked = [{"text": one.text, "task": one.task} for one in records]
    asked += [
        {"text": one.text, "labels": ["news", "tale"], "entities": ["who"]} for one in records[:2]
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda told: running.ask(**told).json()["results"][0], asked))
    for told, result in zip(asked, found, strict=True):
        wanted = extractor(**told)
        assert result["completion"] == wanted.completion
        assert [(p["label"], p["start"]) for p in result["pairs"]] == [
            (pair.label, pair.start) for pair in wanted.pairs
        ]
        assert result["scores"]["label"] == pytest.approx(wanted.scores["label"], rel=1e-3)


def test_memory_does_not_grow_with_requests(running):
    texts = [one.text for one in tiny_records(16)]
    server = psutil.Process(running.process.pid)

    def ask(count):
        for n in range(count):
            assert running.ask(texts=texts[n % 13 : n % 13 + 3], task="scnm-ja").is_success
        return server.memory_info().rss

    before = ask(10)
    assert ask(20) - before < 16 * 2**20
    assert server.num_threads() < 60


def asking(process):
    """Ask for many texts in a thread, until some are read; what came of it is in a list."""
    texts, found = [one.text for one in tiny_records(12)], []

    def ask():
        with httpx2.Client(base_url=process.base, timeout=WAIT) as client:
            try:
                found.append(client.post("/v1/extract", json={"texts": texts, "task": "scnm-ja"}))
            except httpx2.TransportError as error:
                found.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not process.client.get("/health").json()["running"]:
        time.sleep(0.01)
    return thread, found


def test_a_killed_server_is_there_again_and_a_stopped_one_finishes_what_it_took(running, model):
    thread, found = asking(running)
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    thread.join(WAIT)
    assert isinstance(found[0], httpx2.TransportError)

    again = Process("--model", model, "--batch-size", 1, port=running.base.rpartition(":")[2])
    assert again.base == running.base
    health = again.client.get("/health").json()
    assert (health["status"], health["queue"], health["running"]) == ("ok", 0, 0)
    thread, found = asking(again)
    assert again.end(signal.SIGTERM) == 0
    thread.join(WAIT)
    assert found[0].status_code == 200 and len(found[0].json()["results"]) == 12
    assert not [line for line in again.log if "Traceback" in line]
    assert '"event":"stopping"' in again.log[-1]


def test_what_cannot_be_served_is_told_in_one_line(tmp_path):
    def refused(*args, env=None):
        process = Process(*args, env=env)
        assert process.end() == 2
        return "".join(process.log)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert "cannot serve here" in refused("--port", port)
    assert "POINTLINE_SERVE_TOKEN" in refused("--host", "0.0.0.0")
    (tmp_path / "empty").write_text("\n")
    assert "empty" in refused("--token-file", tmp_path / "empty")
    (tmp_path / "odd").write_bytes(b"\xff\xfes\0e\0c\0r\0e\0t\0")
    told = refused("--token-file", tmp_path / "odd")
    assert "not UTF-8" in told and "Traceback" not in told
    assert "no site whose pages may ask" in refused("--allow-origin", "*")
    for kind in ("openai", "completions"):
        assert "behind a server already" in refused("--model", f"{kind}:m@http://127.0.0.1:1/v1")
    assert "never fit" in refused("--max-queue", 5, "--max-texts", 6)
