"""`data check`, `stats`, `figure`, `split`, `sample` and `merge` as a user meets them."""

import json
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus.store import read_dataset, read_records, write_dataset, write_records
from pointline.errors import CorpusError, InputError
from pointline.format.record import Pair, Record
from pointline.format.tasks import task

RECORDS = [
    Record(
        str(n), "scnm-zh", f"第{n}次去广州。", "社会" if n % 3 else "文艺",
        (Pair("地名", "广州"),), meta={"document": str(n // 2)},
    )
    for n in range(24)
]  # fmt: skip


def ask(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture
def file(tmp_path):
    write_records(tmp_path / "all.jsonl", RECORDS)
    return tmp_path / "all.jsonl"


def test_a_file_is_split_sampled_merged_and_checked(file, tmp_path):
    done = ask("data", "split", file, "--out", tmp_path / "d", "--train", 0.5, "--dev", 4, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["counts"] == {"train": 12, "dev": 4, "test": 8}
    done = ask("data", "sample", tmp_path / "d", "--shots", 2, "--out", tmp_path / "s")
    assert done.exit_code == 0 and "4 records" in " ".join(done.stdout.split())
    assert len(read_dataset(tmp_path / "s").train) == 4
    done = ask(
        "data", "sample", file, "--n", 5, "--seed", 3, "--out", tmp_path / "n.jsonl", "--json"
    )
    assert json.loads(done.stdout)["records"] == len(read_records(tmp_path / "n.jsonl")) == 5
    parts = [tmp_path / "d" / f"{name}.jsonl" for name in ("train", "test")]
    done = ask("data", "merge", *parts, tmp_path / "n.jsonl", "--out", tmp_path / "m.jsonl")
    assert done.stdout.startswith("25 records read, ")
    done = ask("data", "merge", *parts, "--out", tmp_path / "m.jsonl", "--replace", "--json")
    assert json.loads(done.stdout)["kept"] == 20
    assert ask("data", "check", tmp_path / "d").exit_code == 0
    leaking = ask("data", "check", tmp_path / "n.jsonl", "--against", tmp_path / "d", "--json")
    assert leaking.exit_code == 1
    counts = {rule["rule"]: rule["count"] for rule in json.loads(leaking.stdout)["rules"]}
    assert counts["leakage"] == 5


def test_a_check_prints_problems_warnings_and_a_table_of_rules(file, tmp_path):
    twins = [*RECORDS, Record("x", "scnm-zh", "第1次去广州", "社会", (Pair("地名", "广州"),))]
    write_records(
        file, [*twins, Record("y", "scnm-zh", "10:30。", "技术", (Pair("事件名", "10:30"),))]
    )
    done = ask("data", "check", file, "--limit", 2)
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert lines[0] == f"{file}:25: warning: record 'x': the same text came before, at all.jsonl:2"
    assert lines[2] == "... and 1 more (--limit shows more)"
    assert lines[-1] == "26 records, 0 problems, 3 warnings"
    assert any(line.split()[:2] == ["delimiter", "warning"] for line in lines)


def test_stats_and_figures(file, tmp_path):
    told = json.loads(ask("data", "stats", file, "--json", "--permutations", 20).stdout)
    assert told["total"]["records"] == 24 and told["association"]["mutual"][0]["bits"] == 0
    if not find_spec("matplotlib"):
        pytest.skip("no matplotlib")
    write_dataset(tmp_path / "sets" / "a", task("scnm-zh"), {"train": RECORDS})
    done = ask(
        "data", "stats", tmp_path / "sets" / "a", "--figures", tmp_path / "f", "--permutations", 20
    )
    assert done.exit_code == 0
    assert {path.name for path in (tmp_path / "f").glob("*.png")} == {
        "labels.png", "text-label-and-entity.png", "text-label-and-item-label.png",
    }  # fmt: skip
    assert ask("data", "figure", tmp_path / "sets", "--out", tmp_path / "g").exit_code == 0
    assert len(list((tmp_path / "g").iterdir())) == 12


def test_bad_input_is_one_error(file, tmp_path):
    with pytest.raises(InputError, match="neither a dataset folder nor a folder of datasets"):
        ask("data", "figure", tmp_path, "--out", tmp_path / "g")
    for figures in (("stats", file, "--figures"), ("figure", tmp_path / "d", "--out")):
        write_dataset(tmp_path / "d", task("scnm-ja"), {"train": []}, replace=True)
        with pytest.raises(CorpusError, match="this is a file: name a folder for the figures"):
            ask("data", *figures, file)
    with pytest.raises(CorpusError, match="ask for one"):
        ask("data", "sample", file, "--out", tmp_path / "s.jsonl")
