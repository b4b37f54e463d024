"""Record files and dataset folders."""

import os
import subprocess
import sys
import textwrap
from datetime import date, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import records

from pointline.corpus import store
from pointline.errors import CorpusError, MissingExtra, RecordError, TaskError
from pointline.format import tasks
from pointline.format.record import Fact, Pair, Prediction, Record

GOLD = Record(
    "1", "scnm-ja", "京都の京", "社会", (Pair("地名", "京都", 0, 2), Pair("地名", "京", 3, 4, True))
)
FACTS = Record("2", "open-tcree-en", "Ada 😀 Bo", "news", (), (Fact(("Ada", "role", "Bo")),))
GUESS = Prediction(
    "3",
    "scnm-ja",
    "京都",
    meta={"note": [1, None, {"deep": "ö"}]},
    scores={"label": 0.25, "items": []},
    completion="文芸/固有表現抽出/",
    repairs=("label not in the set",),
    ok=False,
)
ALL = [GOLD, FACTS, GUESS]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def write(path, *lines):
    path.write_bytes(
        b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    )
    return path


def line(**values):
    return orjson.dumps({"id": "x", "text": "Ada left.", **values})


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("name", ["all.jsonl", "all.parquet"])
def test_what_is_written_is_read_back_with_its_kind(tmp_path, name):
    path = tmp_path / "new" / name
    assert store.write_records(path, ALL) == 3
    found = store.read_records(path)
    assert found == ALL
    assert [type(record) for record in found] == [Record, Record, Prediction]
    assert [pair.ambiguous for pair in found[0].pairs] == [False, True]
    assert [entry.name for entry in path.parent.iterdir()] == [name]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(record=records(), meta=st.dictionaries(st.text(max_size=6), json_values, max_size=3))
def test_any_record_survives_both_kinds_of_file(tmp_path, record, meta):
    record = store.from_json({**store.to_json(record), "meta": meta})
    for name in ("one.jsonl", "one.parquet"):
        store.write_records(tmp_path / name, [record])
        assert store.read_records(tmp_path / name) == [record]


def test_no_records_make_an_empty_file_that_can_be_read(tmp_path):
    for name in ("none.jsonl", "none.parquet"):
        assert store.write_records(tmp_path / name, []) == 0
        assert store.read_records(tmp_path / name) == []


def test_unknown_keys_are_kept_in_meta():
    record = store.from_json({"id": "1", "text": "猫", "split": "x", "meta": {"a": 1}})
    assert record.meta == {"split": "x", "a": 1}
    with pytest.raises(RecordError, match="the key 'a' stands in the record and in its 'meta'"):
        store.from_json({"id": "1", "text": "猫", "a": 2, "meta": {"a": 1}})


def test_null_offsets_and_null_fields_are_taken_as_absent():
    pair = {"label": "地名", "entity": "京", "start": None, "end": None}
    record = store.from_json({"id": "1", "text": "京と京", "pairs": [pair], "facts": None})
    assert record.pairs == (Pair("地名", "京"),)
    assert store.to_json(record)["pairs"] == [pair]


def test_reading_streams(tmp_path):
    path = write(tmp_path / "a.jsonl", line(id="1"), line(id="2"), b"broken")
    found = store.iter_records(path)
    assert next(found).id == "1"
    assert next(found).id == "2"
    with pytest.raises(RecordError, match=r"a\.jsonl:3: not one JSON object"):
        next(found)


# ---------------------------------------------------------------- what files bring


def test_byte_order_mark_crlf_and_blank_lines_are_read_over(tmp_path):
    path = tmp_path / "windows.jsonl"
    path.write_bytes(
        b"\xef\xbb\xbf" + line(id="1") + b"\r\n\r\n  \r\n" + line(id="2") + b"\r\n\r\n"
    )
    assert [record.id for record in store.iter_records(path)] == ["1", "2"]
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(RecordError, match=r"windows\.jsonl:6: not one JSON object"):
        store.read_records(path)


def test_separators_inside_a_string_do_not_end_a_line(tmp_path):
    odd = "a\u2028b\u0085c\x1cd\x0be"
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"id": "1", "text": "{odd[:5]}"}}\n', encoding="utf-8")
    assert store.read_records(path)[0].text == odd[:5]
    store.write_records(path, [Record("1", "t", odd)])
    assert store.read_records(path)[0].text == odd


BAD = {
    "not JSON": (b'{"id": "x"', "not one JSON object a line"),
    "a list": (b"[1]", "a record is an object, got a list"),
    "a number": (b"7", "a record is an object, got a number"),
    "null": (b"null", "a record is an object, got null"),
    "two objects": (line() + line(), "not one JSON object a line"),
    "NUL": (b"\x00" * 20, "a NUL byte"),
    "UTF-16": ('{"id"'.encode("utf-16"), "a NUL byte: the file is UTF-16"),
    "Latin-1": ('{"id": "é"'.encode("latin-1"), r"byte 8 \(0xe9\) is not UTF-8"),
    "second mark": (b"\xef\xbb\xbf" + line(), "a byte-order mark within the file"),
    "lone surrogate": (b'{"id": "x", "text": "\\ud800"}', "not one JSON object a line"),
    "no text": (orjson.dumps({"id": "x"}), "the record has no 'text'"),
    "null id": (line(id=None), "the record has no 'id'"),
    "id a number": (line(id=7), "'id' is a string, got int 7"),
    "pairs an object": (line(pairs={}), "'pairs' is a list, got an object"),
    "pair a list": (line(pairs=[["a", "b"]]), "pair 0 is an object with 'label' and 'entity'"),
    "pair's key": (line(pairs=[{"label": "a", "entity": "b", "type": 1}]), "unknown key 'type'"),
    "half a place": (
        line(pairs=[{"label": "a", "entity": "Ada", "start": 0}]),
        "pair 0: a pair has both 'start' and 'end' or neither",
    ),
    "wrong place": (
        line(pairs=[{"label": "a", "entity": "Ada", "start": 1, "end": 4}]),
        r"text\[1:4\] is 'da ', not the entity 'Ada'",
    ),
    "empty entity": (
        line(pairs=[{"label": "a", "entity": ""}]),
        "pair 0: a pair's entity is empty",
    ),
    "fact a list": (line(facts=[["a", "b", "c"]]), "fact 0 is an object whose 'fields' is a list"),
    "short fact": (line(facts=[{"fields": ["a", "b"]}]), "fact 0: a fact needs three or more"),
    "fact's key": (line(facts=[{"fields": ["a", "b", "c"], "x": 1}]), "unknown key 'x'"),
    "meta a string": (line(meta="x"), "'meta' is an object, got a string"),
    "ok a string": (line(ok="yes"), "'ok' is true or false, got a string"),
    "completion": (line(completion=[]), "'completion' is a string or null, got a list"),
    "repairs": (line(repairs=[1]), "'repairs' is a list of strings"),
    "scores": (line(scores=[0.5]), "'scores' is an object, got a list"),
}


@pytest.mark.parametrize(("raw", "message"), BAD.values(), ids=BAD)
def test_a_line_that_is_no_record_is_named_with_file_and_line(tmp_path, raw, message):
    path = write(tmp_path / "bad.jsonl", line(id="fine"), raw)
    with pytest.raises(RecordError, match=rf"bad\.jsonl:2: .*{message}") as caught:
        store.read_records(path)
    assert caught.value.line == 2
    assert "\n" not in str(caught.value)


def test_a_repeated_id_is_refused_in_reading_and_writing(tmp_path):
    path = write(tmp_path / "a.jsonl", line(id="1"), line(id="2"), line(id="1"))
    with pytest.raises(RecordError, match=r"a\.jsonl:3: the id '1' came before"):
        store.read_records(path)
    with pytest.raises(RecordError, match="two records have the id '1'"):
        store.write_records(path, [GOLD, GOLD])


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(RecordError, match=r"none\.jsonl: there is no such file"):
        store.read_records(tmp_path / "none.jsonl")
    with pytest.raises(RecordError, match="this is a folder"):
        store.read_records(tmp_path)
    write(tmp_path / "a.parquet", line())
    with pytest.raises(RecordError, match=r"a\.parquet: not a Parquet file"):
        store.read_records(tmp_path / "a.parquet")


def test_a_bad_row_of_parquet_is_named_by_its_number(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": "1", "text": "a", "lang": "en"}, {"id": None, "text": "b", "lang": "ja"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    found = store.iter_records(tmp_path / "a.parquet")
    assert next(found).meta == {"lang": "en"}
    with pytest.raises(RecordError, match=r"a\.parquet:2: the record has no 'id'"):
        next(found)


@pytest.mark.parametrize("column", [{"completion": "社会/抽出/"}, {"scores": '{"label": 0.5}'}])
def test_a_row_of_parquet_that_tells_of_a_prediction_is_one(tmp_path, column):
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"id": "1", "text": "a", "repairs": None, **column}, {"id": "2", "text": "b"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    first, second = store.read_records(tmp_path / "a.parquet")
    assert isinstance(first, Prediction)
    assert (first.completion, first.scores) == (
        column.get("completion"),
        {"label": 0.5} if "scores" in column else {},
    )
    assert type(second) is Record


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r'pip install "pointline\[parquet\]"'):
        store.write_records(tmp_path / "a.parquet", [GOLD])
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- writing all or nothing


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_failed_write_leaves_what_was_there(tmp_path, name):
    path = tmp_path / name
    store.write_records(path, [GOLD])
    before = path.read_bytes()

    def failing():
        yield FACTS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write_records(path, failing())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_what_json_cannot_carry_is_refused_with_the_record_named(tmp_path, name):
    for value in (
        {1, 2},
        b"x",
        {1: "key"},
        2**70,
        [{"a": float("nan")}],
        float("inf"),
        datetime(2026, 1, 2),
        [date(2026, 1, 2)],
        Pair("a", "b"),
    ):
        with pytest.raises(RecordError, match="record '9' cannot be written as JSON"):
            store.write_records(tmp_path / name, [Record("9", "t", "x", meta={"v": value})])
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------- datasets

TASK = tasks.task("scnm-ja")


def test_what_a_kill_left_of_a_file_is_cleared_up(tmp_path):
    code = f"""
        import os, signal
        from pathlib import Path
        from pointline.corpus.recordfile import atomic
        with atomic(Path({str(tmp_path / "a.jsonl")!r})) as out:
            out.write(b"half")
            out.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    (left,) = tmp_path.iterdir()
    alive = tmp_path / f".a.jsonl.{os.getppid()}.part"
    others = [alive, tmp_path / ".b.jsonl.999999999.part", tmp_path / ".a.jsonl.mine.part"]
    for other in others:
        other.touch()
    store.write_records(tmp_path / "a.jsonl", [GOLD])
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "a.jsonl"])
    assert left not in others


def test_where_no_file_can_be_written_is_told(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for place, message in (
        (tmp_path / "folder", "folder: this is a folder: name a file to write"),
        (tmp_path / "file" / "a.jsonl", r"a\.jsonl: cannot be written \(.+\): name another place"),
    ):
        with pytest.raises(RecordError, match=message):
            store.write_records(place, [GOLD])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_meta_that_is_nested_too_deeply_is_refused(tmp_path):
    deep = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(RecordError, match="'1' cannot be written as JSON"):
        store.write_records(tmp_path / "a.jsonl", [Record("1", "", "雨", meta={"deep": deep})])


def test_a_dataset_is_read_back_with_its_task_and_manifest(tmp_path):
    made = store.write_dataset(
        tmp_path / "d", TASK, {"test": [GUESS], "train": [GOLD]}, about={"seed": 7}
    )
    found = store.read_dataset(tmp_path / "d")
    assert found == made
    assert found.manifest == made.manifest
    assert (found.train, found.dev, found.test) == ((GOLD,), (), (GUESS,))
    assert list(found.splits) == ["train", "test"]
    assert found.manifest["counts"] == {"train": 1, "test": 1}
    assert found.manifest["labels"] == {"": 1, "社会": 1}
    assert found.manifest["item_labels"] == {"地名": 2}
    assert found.manifest["seed"] == 7
    assert set(found.manifest["sha256"]) == {"train.jsonl", "test.jsonl"}


def test_the_manifests_task_goes_before_the_table(tmp_path):
    own = tasks.Task("scnm-ja", "scnm", "ja", "抽出", ("甲",), None)
    store.write_dataset(tmp_path / "d", own, {"test": [GOLD]})
    assert store.read_dataset(tmp_path / "d").task == own


def test_without_a_manifest_the_records_name_the_task(tmp_path):
    store.write_records(tmp_path / "test.jsonl", [GOLD])
    assert store.read_dataset(tmp_path).task == TASK
    store.write_records(tmp_path / "dev.jsonl", [FACTS])
    with pytest.raises(CorpusError, match=r"no task in manifest\.json, and the records name 2"):
        store.read_dataset(tmp_path)


def test_folders_that_are_no_dataset_are_named(tmp_path):
    with pytest.raises(CorpusError, match="there is no such dataset folder"):
        store.read_dataset(tmp_path / "none")
    with pytest.raises(CorpusError, match=r"no train\.jsonl, dev\.jsonl or test\.jsonl"):
        store.read_dataset(tmp_path)
    write(tmp_path / "test.jsonl", line())
    for manifest, error in (("{", CorpusError), ("[]", CorpusError), ('{"task": 3}', TaskError)):
        (tmp_path / "manifest.json").write_text(manifest)
        with pytest.raises(error, match=r"manifest\.json"):
            store.read_dataset(tmp_path)


def test_an_id_is_in_one_split_only_and_a_manifest_is_json(tmp_path):
    with pytest.raises(RecordError, match="d: the id '1' is in train and in test"):
        store.write_dataset(tmp_path / "d", TASK, {"train": [GOLD], "test": [GOLD]})
    with pytest.raises(CorpusError, match="d: the manifest cannot be written as JSON"):
        store.write_dataset(tmp_path / "d", TASK, {"train": [GOLD]}, about={"seeds": {1}})
    assert list(tmp_path.iterdir()) == []
