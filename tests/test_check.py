"""Every fault of a file or a dataset folder, with its place."""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from pointline.corpus import store
from pointline.corpus.check import KEPT, RULES, SEVERITY, check
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
    store.write_records(
        path, [record("1", pairs=(Pair("地名", "北京", 3, 5),)), record("2", "雨。")]
    )
    findings = check(path)
    assert findings.ok
    assert (len(findings), findings.records, set(findings.counts.values())) == (0, 2, {0})
    assert set(findings.counts) < set(SEVERITY)


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
    assert [w.rule for w in findings.warnings] == ["delimiter", "unreachable in paper mode"]
    assert findings.counts["delimiter"] == 1
    store.write_records(path, [Record("1", "mine", "晚饭。", "抽取晚饭")])
    own = tasks.Task("mine", "own", "zh", "抽取", None, None)
    assert check(path, task=own).counts["delimiter"] == 1


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
    assert "is in another split, at train.jsonl:2" in check(folder).problems[1].reason


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


def test_a_slash_in_the_label_is_read_back_by_the_paper_and_a_colon_is_not(tmp_path):
    path = tmp_path / "a.jsonl"
    own = tasks.Task("mine", "own", "en", "NER", None, None)
    good = Record("1", "mine", "Rain.", "weather/find")
    bad = Record("2", "mine", "At 10:30 in Turin.", "travel", (Pair("time", "10:30"),))
    store.write_records(path, [good, bad])
    findings = check(path, task=own)
    assert [(w.line, w.rule) for w in findings.warnings] == [
        (1, "delimiter"),
        (2, "delimiter"),
        (2, "unreachable in paper mode"),
    ]
    assert findings.counts["unreachable in paper mode"] == 1


def test_a_place_without_its_entity_breaks_the_rule_of_offsets(tmp_path):
    pair = {"label": "地名", "entity": "北京", "start": 0, "end": 2}
    half = {"label": "地名", "entity": "北京", "start": 0, "end": None}
    values = {"task": "scnm-zh", "text": "在北京。"}
    path = lines(
        tmp_path / "a.jsonl",
        {"id": "1", **values, "pairs": [pair]},
        {"id": "2", **values, "pairs": [half]},
        {"id": "3", **values, "pairs": [{**pair, "start": 1, "end": 3}]},
    )
    assert found(path) == [("a.jsonl", 1, "offsets"), ("a.jsonl", 2, "offsets")]


def test_a_text_that_comes_again_and_one_that_contradicts_itself(tmp_path):
    path = tmp_path / "a.jsonl"
    ada, lower = Pair("人名", "Ａｄａ"), Pair("人名", "ada")
    records = [
        record("1", "Ａｄａ来了。", pairs=(ada,)),
        record("2", "ada 来了", pairs=(lower,)),  # the same, written another way
        record("3", "ada来了", pairs=()),
        record("4", "Ada 来了。", "文艺", pairs=(Pair("人名", "Ada"),)),
        record("5", "乐队。"),
    ]
    store.write_records(path, records)
    findings = check(path)
    assert [(p.line, p.rule) for p in findings.problems] == [
        (3, "conflicting annotations"),
        (4, "conflicting annotations"),
    ]
    assert [(p.line, p.rule) for p in findings.warnings] == [
        (n, "repeated text") for n in (2, 3, 4)
    ]
    assert (
        "record '4'" in findings.problems[1].reason and "a.jsonl:1" in findings.problems[1].reason
    )


def test_leakage_between_two_datasets_is_across_sides_only(tmp_path):
    doc = {"corpus": "diary", "document": "7"}
    mine = {
        "train": [record("1", "一。"), record("2", "二。")],
        "test": [record("3", "三。", meta=doc)],
    }
    its = {
        "train": [record("1", "三！"), record("2", "四。")],
        "test": [record("3", "二"), record("4", "一 二")],
    }
    store.write_dataset(tmp_path / "a", TASK, mine)
    store.write_dataset(tmp_path / "b", TASK, its)
    findings = check(tmp_path / "a", against=tmp_path / "b")
    assert [(p.path[-11:], p.line, p.rule) for p in findings] == [
        ("train.jsonl", 2, "leakage"),
        ("/test.jsonl", 1, "leakage"),
    ]
    assert (
        findings.problems[0].reason == f"record '2': the same text is in {tmp_path}/b/test.jsonl:1"
    )
    assert check(tmp_path / "a", against=tmp_path / "a").ok
    store.write_records(
        tmp_path / "all.jsonl", [record("9", "Two.", meta=doc), record("8", "四。")]
    )
    findings = check(tmp_path / "all.jsonl", against=tmp_path / "a")
    assert [(p.line, p.rule) for p in findings] == [(1, "document leakage")]
    assert check(tmp_path / "all.jsonl", against=tmp_path / "b").counts["leakage"] == 1


def test_one_document_in_two_splits(tmp_path):
    doc = {"document": "7"}
    splits = {"train": [record("1", "一。", meta=doc)], "dev": [record("2", "二。", meta=doc)]}
    store.write_dataset(tmp_path / "a", TASK, splits)
    assert found(tmp_path / "a") == [("dev.jsonl", 1, "document in two splits")]


def test_near_duplicates_of_many_twins_take_no_more_time(tmp_path):
    pytest.importorskip("datasketch")
    one, other = "港の朝はとても静かだった。", "港の朝はとても静かだったね。"
    many = [record(f"a{n}", one) for n in range(3000)]
    store.write_records(tmp_path / "a.jsonl", many)
    store.write_records(
        tmp_path / "b.jsonl", [record("b1", other), record("b2", other), record("b3", one)]
    )
    findings = check(tmp_path / "b.jsonl", against=tmp_path / "a.jsonl", near=True)
    near = [w for w in findings.warnings if w.rule == "near-duplicate"]
    assert [w.line for w in near] == [1, 2]
    assert all(w.reason.endswith("a.jsonl:1") for w in near)
    findings = check(tmp_path / "a.jsonl", against=tmp_path / "b.jsonl", near=True)
    assert findings.counts["near-duplicate"] == 3000
    assert check(tmp_path / "a.jsonl", near=True).counts["near-duplicate"] == 0


def test_near_duplicates_are_a_warning(tmp_path):
    pytest.importorskip("datasketch")
    one, other = (
        "The harbour of Genoa was quiet in the morning.",
        "The harbour of Genoa was quiet this morning.",
    )
    splits = {"train": [record("1", one)], "test": [record("2", "雨。"), record("3", other)]}
    store.write_dataset(tmp_path / "a", TASK, splits)
    findings = check(tmp_path / "a", near=True)
    assert findings.ok
    assert [(w.line, w.rule) for w in findings.warnings] == [(2, "near-duplicate")]
    assert findings.warnings[0].reason.endswith("is in train.jsonl:1")
    store.write_records(tmp_path / "b.jsonl", [record("1", "港。"), record("2", other)])
    findings = check(tmp_path / "b.jsonl", against=tmp_path / "a", near=True)
    assert [(w.line, w.rule) for w in findings.warnings] == [(2, "near-duplicate")]
    assert [(p.line, p.rule) for p in findings] == [(2, "leakage")]


def test_the_accounting_of_a_manifest(tmp_path):
    about = {"rules": {"records read": 3, "records kept": 2, "items read": 0}, "sources": []}
    store.write_dataset(tmp_path / "a", TASK, {"train": [record("1")]}, about=about)
    assert {p.rule for p in check(tmp_path / "a")} == {"accounting"}
    store.write_dataset(
        tmp_path / "b", TASK, {"train": [record("1")]}, about=about | {"few_shot": {}}
    )
    assert check(tmp_path / "b").ok


def test_a_rule_broken_ever_so_often_is_counted_in_full_and_told_of_in_part(tmp_path):
    path = tmp_path / "a.jsonl"
    store.write_records(path, [record(str(n), "雨。") for n in range(KEPT + 5)])
    findings = check(path)
    assert (findings.counts["repeated text"], len(findings.warnings)) == (KEPT + 4, KEPT)
    assert findings.ok and findings.to_dict()["rules"][-3:] == [
        {"rule": "repeated text", "severity": "warning", "count": KEPT + 4},
        {"rule": "delimiter", "severity": "warning", "count": 0},
        {"rule": "unreachable in paper mode", "severity": "warning", "count": 0},
    ]


def test_paths_that_hold_nothing_to_check(tmp_path):
    with pytest.raises(RecordError, match="there is no such file"):
        check(tmp_path / "none.jsonl")
    with pytest.raises(CorpusError, match=r"no train\.jsonl"):
        check(tmp_path)


def test_the_page_names_every_rule_and_its_severity():
    page = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")
    table = page.split("<!-- table: rules -->\n")[1].split("\n\n")[0].splitlines()[2:]
    told = [line.strip("| ").split(" | ")[:2] for line in table]
    assert {rule.strip("`"): severity for rule, severity in told} == dict(SEVERITY)


def test_rules_have_names():
    assert list(RULES) == ["shape", "unknown label", "unknown item label", "entity not in the text"]
    assert set(RULES) < set(SEVERITY)


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
