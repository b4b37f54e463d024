"""`pointline data build` as a user meets it."""

import json
import os
import subprocess
import sys

import pytest
from invented import write_chabsa, write_zhijiang
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus.build import all_names
from pointline.corpus.store import read_dataset
from pointline.errors import CorpusError, InputError


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    raw = tmp_path_factory.mktemp("raw")
    write_chabsa(raw)
    write_zhijiang(raw)
    return raw


def ask(*arguments):
    """The command in this process; errors come as exceptions."""
    return CliRunner().invoke(app, ["data", "build", *map(str, arguments)], catch_exceptions=False)


def test_build_prints_how_large_datasets_are_and_where_they_come_from(raw, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    out = tmp_path / "out"
    printed = ask("scpos-rw-ja", "scpos-rw-zh", "--raw", raw, "--out", out, "--jobs", 1).stdout
    rows = {line.split()[0]: line.split() for line in printed.splitlines() if line.strip()}
    found = read_dataset(out / "scpos-rw-ja")
    assert rows["dataset"] == ["dataset", "text", "labels", "items", "licence"]
    counts = [str(len(found.splits[split])) for split in ("train", "dev", "test")]
    items = sum(found.manifest["item_labels"].values())
    size, origin = [line.split() for line in printed.splitlines() if "scpos-rw-ja" in line]
    assert size == ["scpos-rw-ja", *counts, "2", "2", str(items)]
    assert origin[:4] == ["scpos-rw-ja", "human", "derived", "human"]
    assert "none stated; research use" in printed


def test_build_prints_manifests_as_json_and_keeps_what_is_there(raw, tmp_path):
    told = [
        json.loads(ask("scpos-rw-ja", "--raw", raw, "--out", tmp_path, "--json").stdout)
        for _ in range(2)
    ]
    assert told[0] == told[1] == {"scpos-rw-ja": read_dataset(tmp_path / "scpos-rw-ja").manifest}


def test_build_takes_names_or_all(raw, tmp_path):
    for names in ([], ["scpos-rw-ja", "--all"]):
        with pytest.raises(InputError, match="name the datasets to build, or give --all"):
            ask(*names, "--raw", raw, "--out", tmp_path)
    with pytest.raises(CorpusError, match="the corpus 'crossre' is not there; see docs"):
        ask("--all", "--raw", raw, "--out", tmp_path)
    assert all_names()[0] == "scnm-en"
    assert list(tmp_path.iterdir()) == []


def test_a_fault_in_a_process_of_the_crew_is_one_line_and_exit_2(raw, tmp_path):
    other = tmp_path / "raw"
    write_chabsa(other)
    (other / "chabsa/data/chABSA/e90001_ann.json").write_text("{")
    done = subprocess.run(
        [sys.executable, "-m", "pointline", "data", "build", "scpos-rw-ja", "--jobs", "2",
         "--raw", str(other), "--out", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=300,
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "e90001_ann.json" in done.stderr and "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
