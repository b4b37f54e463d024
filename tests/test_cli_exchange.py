"""`data import` and `data export` as a user meets them."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import store
from pointline.corpus.exchange import FORMATS, hub
from pointline.errors import CorpusError, InputError, RecordError, TaskError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task

RUNNER = CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"})
SCNM = task("scnm-ja")
TEXT = "花子は京都の人。"
RECORDS = [
    Record(
        f"r{n}", "scnm-ja", TEXT + "猫" * n, "社会", (Pair("人名", "花子", 0, 2),), meta={"n": n}
    )
    for n in range(3)
]


def ask(*arguments):
    """The command in this process; errors come as exceptions."""
    return RUNNER.invoke(app, ["data", *map(str, arguments)], catch_exceptions=False)


def told(*arguments):
    done = ask(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture
def file(tmp_path):
    store.write_records(tmp_path / "gold.jsonl", RECORDS)
    return tmp_path / "gold.jsonl"


@pytest.fixture
def dataset(tmp_path):
    splits = {"train": RECORDS[:2], "test": RECORDS[2:]}
    store.write_dataset(tmp_path / "gold", SCNM, splits, about={"licences": ["CC0"]})
    return tmp_path / "gold"


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_goes_out_and_comes_back_in_every_format(tmp_path, file, name):
    there = tmp_path / f"there{FORMATS[name].suffix}"
    done = told("export", name, file, "--out", there)
    assert (done["format"], done["records"]) == (name, {"train": 3})
    done = told("import", name, there, "--task", "scnm-ja", "--out", tmp_path / "back.jsonl")
    assert done["records"] == {"train": 3}
    back = store.read_records(tmp_path / "back.jsonl")
    assert [r.items for r in back] == [r.items for r in RECORDS]
    if "text" in FORMATS[name].carries:
        assert [r.text for r in back] == [r.text for r in RECORDS]


@pytest.mark.parametrize("name", ["docbin", "conll", "brat", "csv", "datasets"])
def test_a_dataset_folder_goes_out_and_comes_back_split_by_split(tmp_path, dataset, name):
    done = told("export", name, dataset, "--out", tmp_path / "there")
    assert done["records"] == {"train": 2, "test": 1}
    done = told("import", name, tmp_path / "there", "--task", dataset, "--out", tmp_path / "back")
    assert done["records"] == {"train": 2, "test": 1}
    back = store.read_dataset(tmp_path / "back")
    assert [r.text for r in back.train] == [r.text for r in RECORDS[:2]]
    assert [r.text for r in back.test] == [RECORDS[2].text]
    assert back.manifest["imported"]["format"] == name
    assert (back.task, ask("check", tmp_path / "back").exit_code) == (SCNM, 0)


def test_a_folder_of_datasets_tells_its_own_task_and_licences(tmp_path, dataset):
    ask("export", "datasets", dataset, "--out", tmp_path / "hf")
    assert "- CC0" in (tmp_path / "hf" / "README.md").read_text(encoding="utf-8")
    done = told("import", "datasets", tmp_path / "hf", "--out", tmp_path / "back.parquet")
    assert done["losses"] == {}
    assert store.read_records(tmp_path / "back.parquet") == RECORDS


def test_a_single_file_takes_the_split_that_is_asked_for(tmp_path, file):
    ask("export", "csv", file, "--out", tmp_path / "a.csv")
    out = tmp_path / "mine"
    done = told(
        "import", "csv", tmp_path / "a.csv", "-t", "scnm-ja", "--out", out, "--split", "dev"
    )
    assert done["records"] == {"dev": 3}
    assert len(store.read_dataset(out).dev) == 3


def test_what_is_lost_is_a_table_and_strict_exits_one(tmp_path, file):
    done = ask("export", "csv", file, "--out", tmp_path / "a.csv")
    assert done.exit_code == 0
    for part in ("3 records", "lost", "meta: left out", "r0, r1, r2"):
        assert part in done.output
    again = ("export", "csv", file, "--out", tmp_path / "a.csv", "--strict", "--replace")
    assert ask(*again).exit_code == 1
    done = ask("export", "docbin", file, "--out", tmp_path / "a.spacy", "--strict")
    assert (done.exit_code, "nothing was lost" in done.output) == (0, True)


def test_json_tells_reasons_counts_and_examples(tmp_path, file):
    losses = told("export", "gliner2", file, "--out", tmp_path / "a.jsonl")["losses"]
    assert losses == {"meta: left out": {"count": 3, "examples": ["r0", "r1", "r2"]}}


def test_formats_lists_them_all():
    assert [form["name"] for form in told("formats")] == list(FORMATS)
    done = ask("formats")
    assert "spaCy DocBin" in done.output


BAD = {
    "format": (("export", "xml", "gold.jsonl", "--out", "x"), InputError, "no format 'xml'; there"),
    "no out": (("export", "csv", "gold.jsonl"), InputError, "say --out"),
    "no file": (("export", "csv", "no.jsonl", "--out", "x", "-t", "scnm-ja"), RecordError, "no such"),
    "no path": (("import", "csv", "--out", "x"), InputError, "PATH or --from, one of them"),
    "both": (("import", "csv", "a", "--from", "b", "--out", "x"), InputError, "one of them"),
    "no task": (("import", "csv", "gold.jsonl", "--out", "x"), InputError, "say --task"),
    "task": (("import", "csv", "a.csv", "-t", "scnm-jp", "--out", "x"), TaskError, "scnm-ja"),
    "missing": (("import", "csv", "no.csv", "-t", "scnm-ja", "--out", "x"), CorpusError, "no such"),
    "mmm's": (
        ("import", "csv", "a", "-t", "scnm-ja", "--out", "x", "--revision", "1"),
        InputError, "are for the format mmm",
    ),
    "push": (("export", "csv", "gold.jsonl", "--push", "a/b"), InputError, "for the format datasets"),
    "hub name": (("export", "datasets", "gold.jsonl", "--push", "a"), InputError, "OWNER/NAME"),
    "not conll": (
        ("import", "docbin", "gold.jsonl", "-t", "scnm-ja", "--out", "x"), CorpusError, "not a DocBin",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_nothing_is_written(
    tmp_path, file, monkeypatch, arguments, kind, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message) as caught:
        ask(*arguments)
    assert "\n" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == {"gold.jsonl"}


def test_bad_input_exits_two_without_a_traceback(tmp_path, file):
    done = subprocess.run(
        [sys.executable, "-m", "pointline", "data", "export", "xml", str(file), "--out", "x"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: no format 'xml'")
    assert len(done.stderr.splitlines()) == 1


def test_records_of_the_other_shape_are_refused(tmp_path):
    facts = Record("f", "tcree-ja", TEXT, "映画", (), (Fact(("花子", "出演", "京都")),))
    store.write_records(tmp_path / "mixed.jsonl", [*RECORDS, facts])
    with pytest.raises(
        CorpusError, match="record 'f' is of tcree-ja, and task scnm-ja takes pairs"
    ):
        ask("export", "csv", tmp_path / "mixed.jsonl", "--out", tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()
    store.write_records(tmp_path / "none.jsonl", [])
    with pytest.raises(CorpusError, match="no record to tell the task by"):
        ask("export", "csv", tmp_path / "none.jsonl", "--out", tmp_path / "a.csv")


def test_push_puts_the_folder_on_the_hub_and_never_prints_the_token(dataset, monkeypatch):
    pushed = []

    def push_to_hub(folder, repository, *, private):
        pushed.append((sorted(path.name for path in folder.iterdir()), repository, private))
        return "https://hub/datasets/owner/name"

    monkeypatch.setattr(hub, "push_to_hub", push_to_hub)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    done = ask("export", "datasets", dataset, "--push", "owner/name", "--private")
    assert pushed == [(["README.md", "data", "manifest.json"], "owner/name", True)]
    assert "https://hub/datasets/owner/name: 3 records (train 2, test 1)" in done.output
    assert "hf_secret" not in done.output


def test_push_without_a_token_does_no_work(tmp_path, dataset, monkeypatch):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(InputError, match="HF_TOKEN"):
        ask("export", "datasets", dataset, "--push", "owner/name", "--out", tmp_path / "hf")
    assert not (tmp_path / "hf").exists()


# ---------------------------------------------------------------- the published MMM


@pytest.fixture
def published(tmp_path):
    rows = [
        {"input": f"{TEXT}/固有表現抽出", "output": "社会/固有表現抽出/:人名;花子"},
        {"input": f"{TEXT}/固有表現抽出", "output": "社会/固有表現抽出:人名;花子"},
        {"input": "", "output": "x"},
    ]
    (tmp_path / "SCNM").mkdir()
    (tmp_path / "SCNM" / "train.json").write_text(json.dumps(rows), encoding="utf-8")
    return tmp_path / "SCNM"


def test_mmm_is_read_from_a_path_or_from(tmp_path, published):
    file = published / "train.json"
    as_path = told("import", "mmm", published, "--out", tmp_path / "a", "--task", "scnm-ja")
    as_from = told("import", "mmm", "--from", file, "--out", tmp_path / "b", "--task", "scnm-ja")
    counts = {name: as_path[name] for name in ("rows", "read", "repaired", "rejected", "records")}
    assert counts == {
        "rows": 3, "read": 1, "repaired": 1, "rejected": 1, "records": {"scnm-ja": 2},
    }  # fmt: skip
    assert as_path["tables"]["train.json"]["output_column"] == "output"
    assert {**as_from, "tables": as_path["tables"]} == as_path
    assert len(store.read_dataset(tmp_path / "a" / "scnm-ja").train) == 2


def test_mmm_shows_its_account_and_strict_exits_one(tmp_path, published):
    done = ask("import", "mmm", published, "--out", tmp_path / "out", "--strict")
    assert done.exit_code == 1
    for part in ("read", "repaired", "rejected", "in all", "the input is empty", "scnm-ja"):
        assert part in done.output
    with pytest.raises(CorpusError, match="the folder is there"):
        ask("import", "mmm", published, "--out", tmp_path / "out")


def test_mmm_takes_columns(tmp_path, published):
    columns = ("--input-column", "input", "--output-column", "nowhere")
    with pytest.raises(CorpusError, match="no column 'nowhere' among 'input', 'output'"):
        ask("import", "mmm", published, "--out", tmp_path / "out", *columns)


def test_what_is_there_is_written_over_only_where_asked(tmp_path, file):
    out = tmp_path / "a.json"
    out.with_suffix(".xml").write_text("<mine/>")
    with pytest.raises(InputError, match=r"a\.xml: is there: replace it, or choose another"):
        ask("export", "label-studio", file, "--out", out)
    assert not out.exists()
    told("export", "label-studio", file, "--out", out, "--replace")
    back = ("import", "label-studio", out, "--task", "scnm-ja", "--out")
    with pytest.raises(InputError, match=r"gold\.jsonl: is there: replace it"):
        ask(*back, file)
    assert len(store.read_records(file)) == 3
    told(*back, tmp_path / "back")
    with pytest.raises(CorpusError, match="the folder is there: replace it"):
        ask(*back, tmp_path / "back")
    told(*back, tmp_path / "back", "--replace", "--split", "test")
    assert len(store.read_dataset(tmp_path / "back").test) == 3


def test_a_dataset_folder_becomes_one_folder_of_datasets_whatever_it_is_called(tmp_path, dataset):
    told("export", "datasets", dataset, "--out", tmp_path / "v1.parquet")
    assert {p.name for p in (tmp_path / "v1.parquet").iterdir()} == {
        *("README.md", "manifest.json", "data")
    }


def test_a_record_that_cannot_be_written_is_told_of_with_its_file(tmp_path):
    foreign = tmp_path / "twice.conll"
    foreign.write_text("# id = 1\nAda B-PER\n\n# id = 1\nBo B-PER\n")
    for out in ("a.jsonl", "a"):
        with pytest.raises(RecordError, match=r"the id '1'.*: give another to one"):
            ask("import", "conll", foreign, "--task", "scnm-en", "--out", tmp_path / out)
        assert not (tmp_path / out).exists()
    with pytest.raises(RecordError, match=r"twice\.conll: two records have the id '1'"):
        ask("import", "conll", foreign, "--task", "scnm-en", "--out", tmp_path / "a.jsonl")
    (tmp_path / "named.jsonl").write_text('{"id": "1", "text": "y"}\n')
    with pytest.raises(TaskError, match=r"named\.jsonl: its records name no task: say --task"):
        ask("export", "csv", tmp_path / "named.jsonl", "--out", tmp_path / "a.csv")
