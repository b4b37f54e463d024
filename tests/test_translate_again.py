"""A run of translation that stops, is killed, and goes on; on SQLite and on PostgreSQL."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from postgres import cluster
from translating import dataset, files, found, run
from translators import MOODS, Book, ChatServer, Translators

from pointline.corpus import store
from pointline.draft.ledger import Ledger
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.rules import Rules
from pointline.draft.translate import LEDGER, translate
from pointline.draft.translator import Translator
from pointline.errors import InputError
from pointline.model.chat.question import Address


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


# ------------------------------------------------------------ going on


def test_a_second_call_asks_nothing_and_changes_nothing(tmp_path):
    book = Book(6)
    with ChatServer(Translators(book, lambda n: "changed")) as server:
        source = dataset(tmp_path / "in", book.records("ja"))
        run(source, server, tmp_path / "out")
        before, asked = files(tmp_path / "out"), len(server.asked)
        run(source, server, tmp_path / "out")
        assert len(server.asked) == asked
        assert files(tmp_path / "out") == before


def test_the_papers_way_drops_what_ours_finds_and_the_ledger_serves_both(tmp_path):
    book = Book(9)
    script = Translators(book, lambda n: "changed")
    with ChatServer(script) as server:
        source = dataset(tmp_path / "in", book.records("ja"))
        paper = run(source, server, tmp_path / "out", rules=Rules.of("paper", "none"), asks=False)
        assert paper.to_dict()["dropped_by_rule"] == {"entity-not-verbatim": 9 - paper.kept}
        assert 0 < paper.kept < 9
        assert sum(n for (_, kind), n in script.asked.items() if kind == "missing") == 0
        ours = run(source, server, tmp_path / "out")
        assert ours.kept == 9
        assert all(n == 1 for n in script.asked.values())


def test_entities_that_a_budget_left_unasked_are_queued_and_not_missing(tmp_path):
    book = Book(9)
    script = Translators(book, lambda n: "changed")
    with ChatServer(script) as server:
        source = dataset(tmp_path / "in", book.records("ja"))
        paper = run(source, server, tmp_path / "out", rules=Rules.of("paper", "none"), asks=False)
        spent = run(source, server, tmp_path / "out", budget_tokens=1)
        told = spent.to_dict()
        assert (spent.stopped_by, told["dropped"]) == ("budget", 0)
        assert told["queued_by_reason"] == {"missing entities not asked for yet": 9 - spent.kept}
        assert paper.kept <= spent.kept < 9
        assert run(source, server, tmp_path / "out").kept == 9


def test_a_budget_leaves_rows_queued_and_a_larger_one_goes_on(tmp_path):
    book = Book(12)
    script = Translators(book)
    with ChatServer(script) as server:
        source = dataset(tmp_path / "in", book.records("ja"))
        first = run(source, server, tmp_path / "out", budget_tokens=36, concurrency=1)
        assert first.stopped_by == "budget" and "36 tokens" in first.stopped
        values = first.to_dict()
        assert (values["kept"], values["queued"]) == (3, 9)
        assert values["queued_by_reason"] == {"not asked yet": 9}
        assert len(store.read_records(tmp_path / "out" / "queued.jsonl")) == 9
        second = run(source, server, tmp_path / "out", budget_tokens=999)
    assert (second.kept, second.stopped) == (12, "")
    assert all(n == 1 for n in script.asked.values())


def test_a_server_that_goes_away_leaves_rows_queued(tmp_path):
    book = Book(8)
    source = dataset(tmp_path / "in", book.records("ja"))
    with ChatServer(Translators(book)) as server:
        run(source, server, tmp_path / "out", more={"limit": 3})
    done = run(source, server, tmp_path / "out")
    assert done.stopped_by == "server" and "no server answers there" in done.stopped
    values = done.to_dict()
    assert (values["kept"], values["queued"], values["records"]) == (3, 5, 8)


def test_a_changed_record_is_asked_for_again(tmp_path):
    book = Book(3)
    script, records = Translators(book), book.records("ja")
    store.write_records(tmp_path / "in.jsonl", records)
    with ChatServer(script) as server:
        run(tmp_path / "in.jsonl", server, tmp_path / "out")
        records[1] = replace(records[1], pairs=records[1].pairs[:1])
        store.write_records(tmp_path / "in.jsonl", records)
        run(tmp_path / "in.jsonl", server, tmp_path / "out")
    assert [script.asked[n, "text"] for n in range(3)] == [1, 2, 1]
    assert len(found(tmp_path / "out")["book-00001"][3].pairs) == 1


def test_a_larger_sample_holds_the_smaller_and_asks_for_the_rest(tmp_path):
    book = Book(30)
    script = Translators(book)
    source = dataset(tmp_path / "in", book.records("ja"))
    with ChatServer(script) as server:
        small = run(source, server, tmp_path / "out", more={"limit": 5, "seed": 3})
        ids = set(found(tmp_path / "out"))
        large = run(source, server, tmp_path / "out", more={"limit": 12, "seed": 3})
    assert (small.kept, large.kept) == (5, 12)
    assert ids < set(found(tmp_path / "out"))
    assert script.asked.total() == 12
    assert ids != {r.id for _, r in origin(source, limit=5, seed=4)}


def test_progress_is_told_stage_by_stage(tmp_path):
    book, seen = Book(5), []
    source = dataset(tmp_path / "in", book.records("ja"))
    with ChatServer(Translators(book)) as server:
        run(source, server, tmp_path / "out", more={"limit": 2})
        who = Translator(Address("tiny", server.url), TranslationPrompt("ja", "en"))
        translate(origin(source), who, tmp_path / "out", progress=lambda *told: seen.append(told))
    told = [(done, total) for done, total, stage in seen if stage == "translating"]
    assert sorted(told)[-1] == (5, 5) and len(told) == 3
    assert seen[-1] == (0, 5, "writing")


# ------------------------------------------------------------ kills


def command(source, server, out):
    return [sys.executable, "-m", "pointline", "translate", "run", str(source), "--to", "en",
            "--model", f"openai:tiny@{server.url}", "--out", str(out), "--json"]  # fmt: skip


def finished(folder) -> set[int]:
    """The numbers of the records that a ledger calls done."""
    if not (folder / LEDGER).exists():
        return set()
    with sqlite3.connect(folder / LEDGER) as connection:
        try:
            rows = connection.execute("select id from rows where state = 'done'").fetchall()
        except sqlite3.OperationalError:  # killed before there was a table
            rows = []
    connection.close()
    return {int(id.removeprefix("book-")) for (id,) in rows}


def test_kills_change_nothing_and_no_finished_row_is_asked_twice(tmp_path):
    rng, book = random.Random(7), Book(200)
    moods = [mood for mood in MOODS if "slow" not in mood and mood != "refused"]
    script = Translators(book, lambda n: moods[n % len(moods)], delay=0.02)
    source = dataset(tmp_path / "in", book.records("ja"))
    with ChatServer(script) as server:
        kills = 0
        while kills < 3:
            done = finished(tmp_path / "killed")
            script.asked.clear()
            process = subprocess.Popen(
                command(source, server, tmp_path / "killed"),
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            wanted = rng.randint(10, 80)
            while script.asked.total() < wanted and process.poll() is None:
                time.sleep(0.005)
            time.sleep(rng.random() * 0.05)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
            assert not done & {n for n, _ in script.asked}
        done = finished(tmp_path / "killed")
        assert done
        script.asked.clear()
        told = run(source, server, tmp_path / "killed").to_dict()
        assert not done & {n for n, _ in script.asked}
        script.asked.clear()
        script.delay = 0.0
        run(source, server, tmp_path / "undisturbed")
    assert told["kept"] + told["dropped"] + told["queued"] == told["records"] == 200
    assert files(tmp_path / "killed") == files(tmp_path / "undisturbed")
    assert not [f.name for f in (tmp_path / "killed").iterdir() if "part" in f.name]


# ------------------------------------------------------------ PostgreSQL


def test_a_postgresql_ledger_gives_the_same_files(tmp_path):
    book = Book(24)
    moods = [mood for mood in MOODS if "slow" not in mood and mood != "refused"]
    script = Translators(book, lambda n: moods[n % len(moods)])
    source = dataset(tmp_path / "in", book.records("ja"))
    with cluster() as url, ChatServer(script) as server:
        run(source, server, tmp_path / "sqlite")
        script.asked.clear()
        given, prompt = origin(source), TranslationPrompt("ja", "en")
        who = Translator(Address("tiny", server.url), prompt)
        translate(given, who, tmp_path / "postgres", db=url)
        first = script.asked.copy()
        done = translate(given, who, tmp_path / "postgres", db=url)
        assert script.asked == first
        with pytest.raises(InputError, match="holds another run"):
            other = Translator(Address("other", server.url), prompt)
            translate(given, other, tmp_path / "other", db=url)
        with Ledger(url) as ledger:
            assert len(ledger.marks("done")) == 24
            assert ledger.spent() == done.usage
    assert files(tmp_path / "postgres") == files(tmp_path / "sqlite")
    assert not (tmp_path / "postgres" / LEDGER).exists()
    password = url.split(":")[2].split("@")[0].encode()
    assert all(password not in f.read_bytes() for f in (tmp_path / "postgres").iterdir())
