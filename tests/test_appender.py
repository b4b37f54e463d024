"""Files that grow a record at a time: resumed, mended after a kill, left alone if foreign."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from pointline.corpus import recordfile, store
from pointline.errors import RecordError
from pointline.format.record import Fact, Pair, Prediction, Record

GOLD = Record("1", "scnm-ja", "京都の京", "社会", (Pair("地名", "京都", 0, 2),))
FACTS = Record("2", "open-tcree-en", "Ada 😀 Bo", "news", (), (Fact(("Ada", "role", "Bo")),))
GUESS = Prediction("3", "scnm-ja", "京都", completion="文芸/固有表現抽出/", ok=False)


def test_an_appender_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "run" / "predictions.jsonl"
    with store.Appender(path) as out:
        out.add(GOLD)
        assert store.read_records(path) == [GOLD]  # written through at once
    with store.Appender(path) as out:
        assert (len(out), "1" in out, "3" in out) == (1, True, False)
        with pytest.raises(RecordError, match="the record '1' is finished"):
            out.add(GOLD)
        out.add(GUESS)
    out.close()
    assert store.read_records(path) == [GOLD, GUESS]


@pytest.mark.parametrize("rest", [b"{", b'{"id": "3", "text": "half', b"x" * 200_000, b"\0\0"])
def test_an_appender_cuts_a_half_written_line(tmp_path, rest):
    path = tmp_path / "a.jsonl"
    path.write_bytes(recordfile.dump(GOLD) + rest)
    with store.Appender(path) as out:
        assert len(out) == 1
        out.add(GUESS)
    assert store.read_records(path) == [GOLD, GUESS]


def test_an_appender_cuts_a_first_line_that_was_written_by_half(tmp_path):
    path = tmp_path / "a.jsonl"
    for size in (1, 5, 20, len(recordfile.dump(GOLD)) - 2):
        path.write_bytes(recordfile.dump(GOLD)[:size])
        store.Appender(path).close()
        assert path.read_bytes() == b""


def test_an_appender_keeps_a_last_record_that_lacks_its_line_break(tmp_path):
    path = tmp_path / "a.jsonl"
    for before in (b"", recordfile.dump(FACTS)):
        path.write_bytes(before + recordfile.dump(GOLD)[:-1])
        with store.Appender(path) as out:
            assert "1" in out
            out.add(GUESS)
        assert path.read_bytes() == before + recordfile.dump(GOLD) + recordfile.dump(GUESS)


FOREIGN = {
    "bytes": b"\xff\xd8\xff\xe0" * 50,
    "bytes with line breaks": b"\x89PNG\r\n\x1a\n\0\0\0\r",
    "a page": b"<html>\n<p>",
    "an object": b'{\n  "id": 1',
    "a value": b'{"name": "x"}',
    "a value behind a record": recordfile.dump(GOLD) + b'{"name": "x"}',
    "the id twice": recordfile.dump(GOLD) + recordfile.dump(GOLD)[:-1],
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_an_appender_leaves_a_file_that_is_none_of_its_as_it_is(tmp_path, content):
    path = tmp_path / "photo.bin"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"photo\.bin:[12]: "):
        store.Appender(path)
    assert path.read_bytes() == content


def test_an_appender_grows_jsonl_only(tmp_path):
    store.write_records(tmp_path / "a.parquet", [GOLD])
    before = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(RecordError, match=r"a\.parquet: a Parquet file cannot grow"):
        store.Appender(tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == before
    with pytest.raises(RecordError, match="this is a folder"):
        store.Appender(tmp_path)


def test_an_appender_refuses_a_file_that_is_broken_elsewhere(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"broken\n" + recordfile.dump(GOLD))
    with pytest.raises(RecordError, match=r"a\.jsonl:1: not one JSON object"):
        store.Appender(path)


def test_an_appender_outlives_a_kill(tmp_path):
    path = tmp_path / "a.jsonl"
    code = textwrap.dedent(f"""
        import os, signal
        from pointline.corpus.store import Appender
        from pointline.format.record import Record
        out = Appender({str(path)!r})
        for number in range(50):
            out.add(Record(str(number), "t", "text"))
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    ended = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert ended.returncode == -signal.SIGKILL
    with store.Appender(path) as out:
        assert len(out) == 50
