"""Merging: twins, contradictions, ids, tasks, leakage; whole or nothing."""

import pytest

from pointline.corpus import store
from pointline.corpus.check import check
from pointline.corpus.merge import merge
from pointline.errors import CorpusError, RecordError
from pointline.format import tasks
from pointline.format.record import Pair, Record

TASK = tasks.task("scnm-en")


def record(id, text, label="Nature", **meta):
    return Record(id, "scnm-en", text, label, (Pair("people", text.split()[0]),), meta=meta)


ONE = [record("1", "Ada left."), record("2", "Bob slept."), record("1-2", "Cy sang.")]
OTHER = [
    record("1", "ADA left!"),  # a twin with the same annotation
    record("2", "Bob slept", "Society"),  # one that says something else
    record("1-3", "Dan rowed."),
]
LAST = [record("1", "Eve 京都 😀 wrote."), record("1-2", "Flo ran.")]


def test_files_are_joined_and_every_record_accounted_for(tmp_path):
    paths = [tmp_path / f"{name}.jsonl" for name in "abc"]
    for path, records in zip(paths, (ONE, OTHER, LAST), strict=True):
        store.write_records(path, records)
    told = merge(paths, tmp_path / "all.jsonl")
    assert (told.read, told.kept, told.twins, told.conflicts, told.renamed) == (8, 6, 2, 1, 2)
    assert told.examples == (
        f"{paths[1]}:2 was dropped, and says something else than {paths[0]}:2",
    )
    merged = store.read_records(tmp_path / "all.jsonl")
    assert [r.id for r in merged] == ["1", "2", "1-2", "1-3", "1-4", "1-2-2"]
    assert [r.meta.get("original_id") for r in merged] == [None] * 4 + ["1", "1-2"]
    assert merged[:3] == ONE
    assert check(tmp_path / "all.jsonl").ok
    with pytest.raises(CorpusError, match="is there"):
        merge(paths, tmp_path / "all.jsonl")
    before = (tmp_path / "all.jsonl").read_bytes()
    merge(paths, tmp_path / "all.jsonl", overwrite=True)
    assert (tmp_path / "all.jsonl").read_bytes() == before


def test_datasets_are_joined_split_by_split(tmp_path):
    about = {"licences": ["MIT"], "sources": [{"corpus": "diary"}]}
    store.write_dataset(tmp_path / "a", TASK, {"train": ONE[:2], "test": ONE[2:]}, about=about)
    store.write_dataset(tmp_path / "b", TASK, {"train": LAST[:1], "dev": LAST[1:]})
    told = merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    merged = store.read_dataset(tmp_path / "c")
    assert {name: len(records) for name, records in merged.splits.items()} == {
        "train": 3,
        "dev": 1,
        "test": 1,
    }
    assert merged.manifest["licences"] == ["MIT"]
    assert merged.manifest["merged"]["kept"] == told.kept == 5
    assert merged.manifest["merged"]["datasets"][0]["sources"] == [{"corpus": "diary"}]
    assert check(tmp_path / "c").ok


def test_leakage_is_refused_with_both_places(tmp_path):
    store.write_dataset(tmp_path / "a", TASK, {"train": ONE})
    store.write_dataset(tmp_path / "b", TASK, {"test": OTHER})
    with pytest.raises(
        CorpusError,
        match=r"b/test\.jsonl:1: its text is in another split, at .*a/train\.jsonl:1 \(2 rec",
    ):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    store.write_dataset(tmp_path / "d", TASK, {"train": [record("1", "Gil dug.", document="9")]})
    store.write_dataset(tmp_path / "e", TASK, {"dev": [record("1", "Hal cut.", document="9")]})
    with pytest.raises(CorpusError, match="its document is in another split"):
        merge([tmp_path / "d", tmp_path / "e"], tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_what_cannot_be_merged(tmp_path):
    store.write_dataset(tmp_path / "a", TASK, {"train": ONE})
    own = tasks.Task("scnm-en", "scnm", "en", "NER", ("Nature",), None)
    store.write_dataset(tmp_path / "b", own, {"train": LAST})
    with pytest.raises(
        CorpusError,
        match="and they differ in labels, item_labels",
    ):
        merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    with pytest.raises(CorpusError, match="not both"):
        merge([tmp_path / "a", tmp_path / "a" / "train.jsonl"], tmp_path / "c")
    store.write_records(tmp_path / "x.jsonl", [Record("1", "scnm-ja", "雨")])
    with pytest.raises(
        CorpusError, match=r"x\.jsonl:1: a record of task 'scnm-ja' among those of 'scnm-en'"
    ):
        merge([tmp_path / "a" / "train.jsonl", tmp_path / "x.jsonl"], tmp_path / "c.jsonl")
    with pytest.raises(RecordError, match="no such file"):
        merge([tmp_path / "none.jsonl"], tmp_path / "c.jsonl")
    assert not (tmp_path / "c").exists() and not (tmp_path / "c.jsonl").exists()
