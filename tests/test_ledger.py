import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import pytest
import sqlalchemy
from postgres import cluster

from pointline.draft.ledger import Ledger, Row
from pointline.errors import InputError, MissingExtra
from pointline.model.chat.question import Answer, Usage


@pytest.fixture(scope="module")
def postgresql():
    with cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where an empty ledger may be begun."""
    if request.param == "sqlite":
        yield tmp_path / "l.sqlite"
        return
    url = request.getfixturevalue("postgresql")
    yield url
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("drop table answers, rows"))
    engine.dispose()


def test_answers_are_kept_and_counted(place):
    answer = Answer("にゃあ🐈\u2028", tokens=(("に", -0.5),), usage=Usage(1, 10, 2))
    with Ledger(place) as ledger:
        assert ledger.recall("k") is None
        assert ledger.spent() == Usage()
        ledger.keep("k", answer)
        ledger.keep("other", Answer("", usage=Usage(1, 5, 1, 1)))
    with Ledger(place) as ledger:
        assert ledger.recall("k") == answer
        assert ledger.spent() == Usage(2, 15, 3, 1)
        ledger.keep("k", answer)  # in its own place
        assert ledger.spent() == Usage(2, 15, 3, 1)


def test_rows_are_entered_looked_up_and_counted(place):
    with Ledger(place) as ledger:
        ledger.enter(Row("1", "m1", "failed", "500"))
        ledger.enter(Row("1", "m1", "done", body={"votes": ["社会"]}))
        ledger.enter(Row("弐", "m2", "dropped", "entity missing"))
        assert ledger.marks() == {"1": "m1", "弐": "m2"}
        assert ledger.marks("done") == {"1": "m1"}
        assert ledger.marks("done", "dropped") == {"1": "m1", "弐": "m2"}
        found = ledger.rows(["1", "弐", "3"])
        assert found["1"].body == {"votes": ["社会"]}
        assert set(found) == {"1", "弐"}
        assert ledger.counts() == {("done", ""): 1, ("dropped", "entity missing"): 1}


def test_many_rows_are_looked_up_at_once(place):
    with Ledger(place) as ledger:
        for n in range(1203):
            ledger.enter(Row(str(n), "m", "done"))
        assert len(ledger.rows([str(n) for n in range(2000)])) == 1203


def test_a_file_that_is_no_ledger_is_refused(tmp_path):
    file = tmp_path / "l.sqlite"
    file.write_text("these are notes of my own, and they are long enough to be a header" * 9)
    with pytest.raises(InputError, match="this is no ledger"):
        Ledger(file)
    assert file.read_text().startswith("these are notes")


def test_a_password_is_not_told():
    with pytest.raises(InputError) as error:
        Ledger("postgresql+nosuchdriver://me:hunter2@127.0.0.1:1/db")
    assert "hunter2" not in str(error.value)


def test_a_driver_that_is_missing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r"pointline\[postgres\]"):
        Ledger("postgresql+psycopg://me@127.0.0.1:1/db")


def test_a_kill_loses_nothing_that_was_entered(tmp_path):
    code = f"""
        from pointline.draft.ledger import Ledger, Row
        ledger = Ledger({str(tmp_path / "l.sqlite")!r})
        n = 0
        while True:
            ledger.enter(Row(str(n), "m", "done"))
            print(n, flush=True)
            n += 1
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(50)]
    time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    lines += process.communicate()[0].splitlines()
    told = int([line for line in lines if line.strip()][-1])
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert {str(n) for n in range(told + 1)} <= ledger.marks().keys()
    with sqlite3.connect(tmp_path / "l.sqlite") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
