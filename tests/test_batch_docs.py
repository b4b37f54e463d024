"""docs/batch.md and docs/ray say what the code does and what was measured."""

import importlib.util
import json
import shlex
from pathlib import Path

import pytest
from batched import ASK, here, lines, load
from typer.main import get_command

from pointline.app.batch.run import batch
from pointline.app.batch.work import FAULTS
from pointline.app.cli import app
from pointline.corpus import resultfile, textlines
from pointline.corpus.textrow import Fault

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
RAY = ROOT / "docs" / "ray"


def table(name):
    """The rows of the table marked with that name, without header and rule."""
    block = PAGE.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in block.split("\n")[2:]]


def measured(name):
    return json.loads((ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8"))


def test_the_columns_and_the_faults_are_the_codes_own():
    shown = {row[0].strip("`"): row[1] for row in table("columns")}
    assert shown == resultfile.COLUMNS
    assert [row[0].strip("`") for row in table("faults")] == [*Fault, *FAULTS]
    assert textlines.LONGEST == 64 << 20


def test_results_are_read_as_shown(tmp_path, monkeypatch):
    lines(tmp_path / "a.jsonl", ["Ada and 紫式部", "nobody", "Ada"])
    batch([tmp_path / "a.jsonl"], tmp_path / "results", load, ASK, workers=here)
    monkeypatch.chdir(tmp_path)
    arrow, pandas = ({} for _ in range(2))
    snippets = [part.split("```")[0] for part in PAGE.split("```python\n")[1:]]
    exec(next(one for one in snippets if "pyarrow.dataset" in one), arrow)
    assert arrow["good"].num_rows == 3
    exec(next(one for one in snippets if "pandas" in one), pandas)
    people = pandas["people"]
    assert list(people["id"]) == ["t0", "t0", "t2"]
    assert list(people["entity"]) == ["Ada", "紫式部", "Ada"]


@pytest.mark.parametrize("file", ["cluster.yaml", "rayjob.yaml"])
def test_the_commands_of_the_clusters_are_options_of_batch(file):
    text = (RAY / file).read_text(encoding="utf-8").replace("\n#   ", " ").replace("\n    ", " ")
    words = shlex.split(text.split("pointline batch ")[1].split('"')[0].split("\n")[0])
    known = {name for one in get_command(app).commands["batch"].params for name in one.opts}
    used = {word for word in words if word.startswith("--")}
    assert {"--out", "--ray", "--cpus", "--gpus"} <= used <= known


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs pointline[cluster]")
def test_the_cluster_is_of_rays_schema():
    jsonschema, yaml = pytest.importorskip("jsonschema"), pytest.importorskip("yaml")
    package = Path(importlib.util.find_spec("ray").origin).parent
    schema = json.loads((package / "autoscaler" / "ray-schema.json").read_text())
    told = yaml.safe_load((RAY / "cluster.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(told, schema)
    assert told["head_node_type"] in told["available_node_types"]
    job = yaml.safe_load((RAY / "rayjob.yaml").read_text(encoding="utf-8"))
    groups = [job["spec"]["rayClusterSpec"]["headGroupSpec"],
              *job["spec"]["rayClusterSpec"]["workerGroupSpecs"]]  # fmt: skip
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        mounted = {one["name"] for one in container["volumeMounts"]}
        assert mounted == {one["name"] for one in group["template"]["spec"]["volumes"]}


def test_the_kills_are_those_measured():
    told = measured("batch_kills.json")["kills"]
    shown = {row[0]: row[1] for row in table("kills")}
    assert shown == {name: f"{told[name]:,}" for name in shown} and len(shown) > 8


def test_the_workers_are_as_fast_as_measured():
    told = measured("batch_kills.json")
    shown = {row[0]: row[1:] for row in table("workers")}
    waits = told["waits"]
    seconds = [f"{waits['seconds at work'][n]} s" for n in "12"]
    assert shown.pop("waits 50 ms a batch") == [f"{waits['texts']:,}", *seconds]
    for name, model in {name: told[name] for name in shown}.items():
        spent = [model["workers"][n]["processor seconds a text"] for n in "12"]
        assert shown[name] == [
            str(model["texts"]),
            *(f"{each} processor s a text" for each in spent),
        ]


def test_the_costs_follow_from_the_seconds():
    for _, seconds, hours, days, cost in table("cpu"):
        each = float(seconds)
        assert f"{each / 3600 * 1e8:,.0f}" == hours and f"{each / 86400 * 1e8 / 64:.1f}" == days
        assert f"{each / 3600 * 1e8 * 0.04:,.0f}" == cost
    for batch_size, seconds_a_pass, rate, hours, cost in table("gpu"):
        texts = int(batch_size) / (26.2 * float(seconds_a_pass))
        assert f"{texts:.0f}" == rate and f"{1e8 / texts / 3600:.0f}" == hours == cost
