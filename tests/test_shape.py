"""Splitting and sampling: by seed, twins and documents whole, in two readings."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointline.corpus import store
from pointline.corpus.census import Census, first_of
from pointline.corpus.check import check
from pointline.corpus.shape import _groups, sample, split
from pointline.corpus.split import draw, few_shot
from pointline.errors import CorpusError, RecordError, TaskError
from pointline.format import tasks
from pointline.format.record import Pair, Record

TASK = tasks.task("scnm-ja")
LABELS = ("社会", "文芸", "自然")


def record(id, text, label="社会", **meta):
    return Record(str(id), "scnm-ja", text, label, (Pair("地名", text[:1]),), meta=meta)


RECORDS = [record(n, f"港{n}の朝。", LABELS[n % 3], document=f"d{n // 2}") for n in range(60)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "all.jsonl"
    store.write_records(path, RECORDS)
    return path


def texts(dataset):
    return {name: {r.text for r in records} for name, records in dataset.splits.items()}


def test_a_split_has_the_sizes_asked_for_and_every_record_once(file, tmp_path):
    manifest = split(file, tmp_path / "a", train=0.5, dev=6, seed=3)
    assert manifest["counts"] == {"train": 30, "dev": 6, "test": 24}
    assert manifest["split"]["groups"] == 30 and manifest["split"]["seed"] == 3
    dataset = store.read_dataset(tmp_path / "a")
    assert dataset.task == TASK
    everything = [r for records in dataset.splits.values() for r in records]
    assert sorted(everything, key=lambda r: int(r.id)) == RECORDS
    sides = {}
    for name, records in dataset.splits.items():
        assert [int(r.id) for r in records] == sorted(int(r.id) for r in records)
        for found in records:
            assert sides.setdefault(found.meta["document"], name) == name
    assert check(tmp_path / "a").ok


def test_a_split_depends_on_seed_and_texts_not_on_the_order_of_the_file(file, tmp_path):
    split(file, tmp_path / "a", train=20, dev=10, seed=1)
    shuffled = RECORDS[:]
    random.Random(5).shuffle(shuffled)
    store.write_records(tmp_path / "other.jsonl", shuffled)
    split(tmp_path / "other.jsonl", tmp_path / "b", train=20, dev=10, seed=1)
    split(file, tmp_path / "c", train=20, dev=10, seed=2)
    one, same, other = (texts(store.read_dataset(tmp_path / name)) for name in "abc")
    assert one == same != other
    split(file, tmp_path / "d", train=20, dev=10, seed=1)
    assert (tmp_path / "a" / "train.jsonl").read_bytes() == (
        tmp_path / "d" / "train.jsonl"
    ).read_bytes()


def test_twins_stay_together_by_text_and_documents_only_where_asked(tmp_path):
    path = tmp_path / "all.jsonl"
    twins = [
        record(f"{n}-{m}", f"Ａda {n}" if m else f"ada {n}!", document=f"{n}{m}")
        for n in range(9)
        for m in (0, 1)
    ]
    store.write_records(path, twins)
    split(path, tmp_path / "a", train=8, by="text")
    dataset = store.read_dataset(tmp_path / "a")
    train = {r.id.split("-")[0] for r in dataset.train}
    assert len(dataset.train) == 8 and len(train) == 4
    assert not train & {r.id.split("-")[0] for r in dataset.test}
    store.write_records(path, [record(n, f"雨{n}。", document="one") for n in range(4)])
    split(path, tmp_path / "b", train=2, by="text")
    with pytest.raises(CorpusError, match="there is no room"):
        split(path, tmp_path / "c", train=2)


def test_records_tied_by_a_chain_of_texts_and_documents_are_one_group():
    census = Census()
    ties = [
        ("a", "1"),
        ("b", "1"),
        ("b", "2"),
        ("c", "2"),
        ("d", "3"),
        ("c", "4"),
        ("e", None),
        ("e", "5"),
    ]
    for at, (text, document) in enumerate(ties):
        meta = {} if document is None else {"document": document}
        census.add(Record(str(at), "", text, meta=meta), source=0, line=at + 1)
    assert _groups(census, "document").tolist() == [0, 0, 0, 0, 4, 0, 6, 6]
    assert _groups(census, "text").tolist() == [0, 1, 1, 3, 4, 3, 6, 6]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=30))
def test_groups_are_those_of_a_plain_union(ties):
    census = Census()
    for at, (text, document) in enumerate(ties):
        meta = {"document": str(document)} if document else {}
        census.add(Record(str(at), "", f"text {text}", meta=meta), source=0, line=at + 1)
    parent = list(range(len(ties)))

    def root(at):
        return at if parent[at] == at else root(parent[at])

    for one, (text, document) in enumerate(ties):
        for other in range(one):
            if text == ties[other][0] or (document and document == ties[other][1]):
                low, high = sorted((root(one), root(other)))
                parent[high] = low
    assert _groups(census, "document").tolist() == [root(at) for at in range(len(ties))]


def test_what_cannot_be_split_leaves_nothing(file, tmp_path):
    for sizes, message in (
        ({"train": 61}, "holds 60 records, which cannot give 61"),
        ({"train": 0}, "cannot give 0 records to train on"),
        ({"train": 1.5}, "train is a number of records, or a share below 1"),
        ({"train": 0.5, "dev": 40}, "cannot give 30 records to train on and 40"),
        ({"train": float("inf")}, "train is a number of records, or a share below 1"),
        ({"train": float("nan")}, "train is a number of records, or a share below 1"),
        ({"train": 0.9, "dev": 0.2}, "cannot give 54 records to train on and 12"),
    ):
        with pytest.raises(CorpusError, match=message):
            split(file, tmp_path / "out", **sizes)
    with file.open("ab") as out:
        out.write(b'{"id": "x", "task": "scnm-zh", "text": "y"}\n')
    with pytest.raises(CorpusError, match=r"all\.jsonl:61: a record of task 'scnm-zh' among"):
        split(file, tmp_path / "out", train=3)
    (tmp_path / "half.jsonl").write_bytes(b"half\n")
    with pytest.raises(RecordError, match=r"half\.jsonl:1: not one JSON object"):
        split(tmp_path / "half.jsonl", tmp_path / "out", train=3, task=TASK)
    (tmp_path / "own.jsonl").write_text('{"id": "1", "task": "mine", "text": "y"}\n')
    with pytest.raises(TaskError, match=r"own\.jsonl: no task 'mine'.*: say --task"):
        split(tmp_path / "own.jsonl", tmp_path / "out", train=1)
    (tmp_path / "own.jsonl").write_text('{"id": "1", "text": "y"}\n')
    with pytest.raises(TaskError, match=r"own\.jsonl: its records name no task: say --task"):
        split(tmp_path / "own.jsonl", tmp_path / "out", train=1)
    (tmp_path / "own.jsonl").write_text("\n")
    with pytest.raises(CorpusError, match="there is no record in it"):
        split(tmp_path / "own.jsonl", tmp_path / "out", train=1)
    assert not (tmp_path / "out").exists()


def test_large_files_take_little_memory():
    root = Path(__file__).parents[1]
    found = json.loads((root / "benchmarks" / "results" / "big_file.json").read_text())
    assert max(step["peak_mib"] for step in found["results"]) < 600 and found["bytes"] > 200e6


def test_a_sample_of_a_file_is_that_of_the_dataset(file, tmp_path):
    assert sample(file, tmp_path / "s.jsonl", shots=2, seed=7) == dict.fromkeys(sorted(LABELS), 2)
    drawn = store.read_records(tmp_path / "s.jsonl")
    dataset = store.Dataset(TASK, {"train": tuple(RECORDS)})
    assert tuple(drawn) == few_shot(dataset, 2, 7).train
    more = draw(reversed(RECORDS), shots=3, seed=7)
    assert {r.id for r in drawn} < {r.id for r in more}
    assert draw(RECORDS, n=500, seed=1) != draw(RECORDS, n=500, seed=2)
    assert sum(sample(file, tmp_path / "n.parquet", n=7, seed=1).values()) == 7
    assert len(store.read_records(tmp_path / "n.parquet")) == 7


def test_a_sample_of_a_dataset_keeps_dev_and_test(file, tmp_path):
    split(file, tmp_path / "a", train=40, dev=10)
    before = store.read_dataset(tmp_path / "a")
    for name, asked in (("s", {"shots": 2}), ("n", {"n": 5})):
        labels = sample(tmp_path / "a", tmp_path / name, seed=4, **asked)
        after = store.read_dataset(tmp_path / name)
        assert (after.dev, after.test) == (before.dev, before.test)
        assert len(after.train) == sum(labels.values()) < 10
        assert after.manifest["few_shot"]["labels"] == labels
        assert after.manifest["counts"]["train"] == len(after.train)
        assert after.manifest["split"] == before.manifest["split"]
        assert check(tmp_path / name).ok


def test_shares_that_are_all_of_it_never_ask_for_more(tmp_path):
    store.write_records(tmp_path / "three.jsonl", RECORDS[:6:2])
    manifest = split(tmp_path / "three.jsonl", tmp_path / "out", train=0.5, dev=0.5)
    assert manifest["counts"] == {"train": 2, "dev": 1, "test": 0}


def test_samples_that_cannot_be(file, tmp_path):
    (tmp_path / "none.jsonl").touch()
    with pytest.raises(CorpusError, match=r"none\.jsonl: there is no record in it"):
        sample(tmp_path / "none.jsonl", tmp_path / "s.jsonl", n=1)
    assert not (tmp_path / "s.jsonl").exists()
    for asked in ({}, {"shots": 1, "n": 1}):
        with pytest.raises(CorpusError, match="ask for one"):
            sample(file, tmp_path / "s.jsonl", **asked)
    with pytest.raises(CorpusError, match="one record or more"):
        sample(file, tmp_path / "s.jsonl", n=0)
    sample(file, tmp_path / "s.jsonl", n=3)
    with pytest.raises(CorpusError, match="is there"):
        sample(file, tmp_path / "s.jsonl", n=4)
    sample(file, tmp_path / "s.jsonl", n=4, replace=True)
    assert len(store.read_records(tmp_path / "s.jsonl")) == 4
    store.write_dataset(tmp_path / "d", TASK, {"test": RECORDS})
    with pytest.raises(CorpusError, match=r"no train\.jsonl"):
        sample(tmp_path / "d", tmp_path / "e", shots=1)


@given(st.lists(st.integers(0, 5)))
def test_first_of(values):
    import numpy as np

    assert first_of(np.array(values, dtype=np.uint64)).tolist() == [values.index(v) for v in values]
