"""Every fault of a file or a dataset folder, with its place."""

from dataclasses import replace

import orjson
import pytest

from pointline.corpus import store
from pointline.corpus.check import RULES, check
from pointline.corpus.manifest import task_beside
from pointline.errors import CorpusError, RecordError, TaskError
from pointline.format import tasks
from pointline.format.record import Fact, Pair, Prediction, Record

TASK = tasks.task("scnm-zh")


def record(id, text="乐队在北京。", label="社会", pairs=(), **rest):
    return Record(id, "scnm-zh", text, label, pairs, **rest)


def lines(path, *values):
    path.write_bytes(b"\n".join(v if isinstance(v, bytes) else orjson.dumps(v) for v in values))
    return path


def found(path, **options):
    return [(p.path.rpartition("/")[2], p.line, p.rule) for p in check(path, **options)]


def test_a_good_file_has_no_problem(tmp_path):
    path = tmp_path / "a.jsonl"
    store.write_records(path, [record("1", pairs=(Pair("地名", "北京", 3, 5),)), record("2")])
    findings = check(path)
    assert findings.ok
    assert (len(findings), findings.records, findings.over_delimiter) == (0, 2, 0)


def test_an_empty_file_and_texts_of_punctuation(tmp_path):
    (tmp_path / "empty.jsonl").write_text("\n")
    assert [str(p) for p in check(tmp_path / "empty.jsonl")] == [
        f"{tmp_path / 'empty.jsonl'}: there is no record in it"
    ]
    store.write_dataset(tmp_path / "none", TASK, {"train": [], "test": []})
    assert found(tmp_path / "none") == [("none", None, "empty")]
    splits = {"train": [record("1", "？！")], "test": [record("2", "……")]}
    store.write_dataset(tmp_path / "set", TASK, splits)
    assert check(tmp_path / "set").ok


def test_every_bad_line_is_listed_not_only_the_first(tmp_path):
    path = lines(
        tmp_path / "a.jsonl",
        {"id": "1", "task": "scnm-zh", "text": "甲"},
        b"broken",
        b"",
        {"id": "1", "task": "scnm-zh", "text": "乙"},
        {"id": "3", "task": "scnm-zh", "text": "丙", "label": "Society"},
        [],
        {"id": "4", "task": "scnm-zz", "text": "丁"},
        {"id": "5", "task": "scnm-zh", "text": "戊", "pairs": [{"label": "车", "entity": "船"}]},
        {"id": "6", "task": "scnm-zh", "text": "己", "facts": [{"fields": ["己", "人名", "庚"]}]},
    )
    assert found(path) == [
        ("a.jsonl", 2, "record"),
        ("a.jsonl", 4, "repeated id"),
        ("a.jsonl", 5, "unknown label"),
        ("a.jsonl", 6, "record"),
        ("a.jsonl", 7, "task"),
        ("a.jsonl", 8, "unknown item label"),
        ("a.jsonl", 8, "entity not in the text"),
        ("a.jsonl", 9, "shape"),
        ("a.jsonl", 9, "entity not in the text"),
    ]
    told = [str(problem) for problem in check(path)]
    assert told[0].startswith(f"{path}:2: not one JSON object")
    assert told[4] == f"{path}:7: record '4': no task 'scnm-zz' (pointline tasks lists them); " + (
        "did you mean scnm-zh or scnm-ja or scnm-en?"
    )
    assert check(path).records == 6


def test_a_task_given_goes_before_the_records_own(tmp_path):
    path = tmp_path / "a.jsonl"
    store.write_records(path, [record("1", label="体育")])
    assert found(path) == [("a.jsonl", 1, "unknown label")]
    own = tasks.Task("scnm-zh", "scnm", "zh", "抽取", ("体育",), None)
    assert found(path, task=own) == []
    assert found(path, task=tasks.task("tconer-zh")) == [("a.jsonl", 1, "task")]


def test_open_labels_and_a_missing_label_are_no_problem(tmp_path):
    path = tmp_path / "a.jsonl"
    pair = Pair("anything", "Ada")
    store.write_records(path, [Record("1", "tconer-en", "Ada", "whatever", (pair,))])
    assert found(path) == []
    store.write_records(path, [Prediction("1", "scnm-zh", "甲", ok=False)])
    assert found(path) == []


def test_records_that_the_plain_form_cannot_carry_are_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    clock = Pair("事件名", "10:30")
    store.write_records(path, [record("1", "在10:30。", pairs=(clock,)), record("2")])
    findings = check(path)
    assert findings.ok
    assert findings.over_delimiter == 1
    store.write_records(path, [Record("1", "mine", "晚饭。", "抽取晚饭")])
    own = tasks.Task("mine", "own", "zh", "抽取", None, None)
    assert check(path, task=own).over_delimiter == 1


def test_a_facts_arguments_are_in_the_text_its_role_need_not_be(tmp_path):
    path = tmp_path / "a.jsonl"
    good = Fact(("发生", "地点", "码头"))
    bad = Fact(("发生", "地点", "机场"))
    store.write_records(
        path, [Record("1", "open-tcree-zh", "码头发生火灾。", "火灾", facts=(good, bad))]
    )
    assert [problem.reason for problem in check(path)] == [
        "record '1': the entity '机场' is not in the text"
    ]


def test_a_dataset_is_checked_over_its_splits(tmp_path):
    folder = tmp_path / "d"
    splits = {
        "train": [record("1", "同一句话。"), record("2", "Ａｄａ来了。")],
        "test": [record("3", "另一句话。"), record("4", "第三句话。"), record("5", "ada 来了。")],
    }
    store.write_dataset(folder, TASK, splits)
    store.write_records(
        folder / "test.jsonl", [replace(r, id="1") if r.id == "4" else r for r in splits["test"]]
    )
    assert found(folder) == [
        ("test.jsonl", 2, "repeated id"),
        ("test.jsonl", 3, "text in two splits"),
        ("manifest.json", None, "manifest"),
    ]
    assert "is in split 'train', at train.jsonl:2" in check(folder).problems[1].reason


def test_a_manifest_that_does_not_tell_the_truth(tmp_path):
    folder = tmp_path / "d"
    store.write_dataset(folder, TASK, {"train": [record("1")], "dev": [record("2", "二")]})
    (folder / "dev.jsonl").unlink()
    with (folder / "train.jsonl").open("ab") as file:
        file.write(orjson.dumps(store.to_json(record("9", "九"))) + b"\n")
    reasons = [problem.reason for problem in check(folder) if problem.rule == "manifest"]
    assert (
        reasons[0] == "counts are {'train': 1, 'dev': 1}, but the files hold {'train': 2} records"
    )
    assert reasons[1].startswith("sha256 of train.jsonl is ")
    assert reasons[2].startswith("sha256 of dev.jsonl is no such file")
    (folder / "manifest.json").write_text("{")
    assert [p.rule for p in check(folder)] == ["manifest"]
    (folder / "manifest.json").write_text("{}")
    assert [p.reason.partition(" of")[0] for p in check(folder)] == [
        "counts are None, but the files hold {'train': 2} records",
        "sha256",
    ]
    (folder / "manifest.json").unlink()
    assert [p.reason for p in check(folder)] == ["the folder has no manifest"]


def test_paths_that_hold_nothing_to_check(tmp_path):
    with pytest.raises(RecordError, match="there is no such file"):
        check(tmp_path / "none.jsonl")
    with pytest.raises(CorpusError, match=r"no train\.jsonl"):
        check(tmp_path)


def test_rules_have_names():
    assert list(RULES) == ["shape", "unknown label", "unknown item label", "entity not in the text"]


def test_a_file_is_held_against_the_task_of_the_manifest_beside_it(tmp_path):
    own = tasks.Task("mine", "own", "en", "NER", ("a",), ("b",))
    store.write_dataset(tmp_path / "own", own, {"test": [Record("1", "mine", "It rains.", "a")]})
    assert check(tmp_path / "own" / "test.jsonl").ok
    for another_tools in ('{"task": "build"}', "[]"):
        (tmp_path / "own" / "manifest.json").write_text(another_tools)
        assert [p.rule for p in check(tmp_path / "own" / "test.jsonl")] == ["task"]


@pytest.mark.parametrize(
    ("manifest", "error", "reason"),
    [
        ("{", CorpusError, "not JSON"),
        ('{"task": {"name": "mine"}}', TaskError, "not a task"),
        ('{"task": {"name": "", "family": "x"}}', TaskError, "not a task"),
    ],
)
def test_a_manifest_that_is_broken_is_not_passed_over(tmp_path, manifest, error, reason):
    path = tmp_path / "test.jsonl"
    store.write_records(path, [record("1")])
    (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(error, match=rf"manifest\.json: {reason}"):
        task_beside(path)
    for what in (path, tmp_path):
        told = next(p for p in check(what) if p.rule == "manifest")
        assert str(told).startswith(f"{tmp_path / 'manifest.json'}: {reason}")
    assert check(path, task=TASK).ok
