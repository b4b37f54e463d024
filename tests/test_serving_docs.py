"""docs/serving.md says what the server does and what was measured."""

import dataclasses
import json
import re
from pathlib import Path

import pytest
from serving import Paced, serving
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.app.serve import Limits
from pointline.app.serve.values import Asked

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
SOURCE = "".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "src/pointline/app/serve").glob("*.py")
)


def table(name):
    """The rows of the table marked with that name, without header and rule."""
    block = PAGE.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0]
    return [
        [cell.strip().strip("`") for cell in row.strip("|").split("|")]
        for row in block.split("\n")[2:]
    ]


def test_the_fields_are_those_that_are_read():
    assert [row[0] for row in table("asked")] == list(Asked.model_fields)


def test_the_bounds_are_the_servers_own():
    told = CliRunner().invoke(app, ["serve", "--help"], env={"COLUMNS": "200"}).output
    rows = table("limits")
    assert [(row[0], row[1]) for row in rows] == [
        (one.name, str(one.default)) for one in dataclasses.fields(Limits)
    ]
    for _, default, option, _ in rows:
        if option:
            assert option in told
            kib = int(default) // 1024 if option == "--max-body" else default
            (line,) = [line for line in told.splitlines() if f"{option} " in line]
            assert f"[default: {kib}]" in line or "64 if the queue has room" in line, option
    for option in set(re.findall(r"`(--[a-z-]+)", PAGE)) - {"--max-texts"}:
        assert option in told, option


def test_the_codes_are_those_that_are_answered():
    told = {tuple(row) for row in table("codes")}
    refused = set(re.findall(r'Refusal\(\s*(\d{3}),\s*"(\w+)"', SOURCE))
    by_framework = {("404", "not_found"), ("405", "method_not_allowed")}
    assert refused | by_framework == told


def test_the_metrics_are_those_that_are_counted():
    with serving(Paced()) as served:
        served.ask("Ada ran.")
        served.ask("Ada refused.")
        text = served.client.get("/metrics").text
    there = {
        name
        for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE)
        if name.startswith("pointline_") and not name.endswith("_created")
    }
    assert there == {row[0] for row in table("metrics")}
    for name, labels, _ in table("metrics"):
        for label in filter(None, labels.split(", ")):
            assert re.search(rf"^{name}(_count|_bucket)?{{[^}}]*{label}=", text, re.MULTILINE), name


def test_the_python_shown_runs(capsys):
    (shown,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    with serving(Paced()) as served:
        exec(shown.replace("http://127.0.0.1:8000", served.base), {})
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "people Tomas 0 5"
    assert sorted(line.split()[0] for line in said[1:]) == ["0", "1"]


def test_nothing_was_refused_under_load():
    for name in ("serve_load.json", "serve_soak.json"):
        path = ROOT / "benchmarks" / "results" / name
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
        assert all(set(row["answers"]) == {"ok"} for row in rows)


def test_the_memory_of_the_long_run_is_that_measured():
    path = ROOT / "benchmarks" / "results" / "serve_soak.json"
    (row,) = json.loads(path.read_text(encoding="utf-8"))["rows"]
    memory = row["memory_mib"]
    assert f"{row['answers']['ok']:,} answers" in PAGE
    assert f"{round(memory['samples'][-1]):,} at the end" in PAGE
    assert f"{memory['per_minute']:.1f} MiB a minute" in PAGE


@pytest.mark.parametrize("name", re.findall(r"\]\((pictures/[^)]+|[a-z]+\.md)\)", PAGE))
def test_what_is_linked_is_there(name):
    assert (ROOT / "docs" / name).is_file()
