"""docs/inference.md says what the code does and what was measured."""

import dataclasses
import json
from pathlib import Path

import pytest

from pointline.format.tasks import adhoc
from pointline.model.chat.reading import FAULTS
from pointline.model.extract import Options
from pointline.model.grammar import LABEL_CHARS, MAX_ITEMS, build
from pointline.model.interpret import REPAIRS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "inference.md").read_text(encoding="utf-8")


def table(name):
    """The rows of the table marked with that name, without header and rule."""
    block = PAGE.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in block.split("\n")[2:]]


@pytest.fixture(scope="module")
def results():
    def read(name):
        return json.loads((ROOT / "benchmarks" / "results" / name).read_text(encoding="utf-8"))

    return read


def test_the_options_are_the_codes_own():
    shown = {row[0].strip("`"): row[1].strip("`") for row in table("options")}
    names = {"Level.BOTH": "<Level.BOTH: 'both'>"}
    defaults = {f.name: repr(f.default) for f in dataclasses.fields(Options)}
    assert {key: names.get(value, value) for key, value in shown.items()} == defaults


def test_the_repairs_are_the_codes_own():
    assert {row[0].strip("`"): row[1] for row in table("repairs")} == REPAIRS


def test_the_faults_are_the_codes_own():
    assert {row[0].strip("`"): row[1] for row in table("faults")} == FAULTS


def test_the_prompted_answers_are_those_measured(results):
    counts = results("prompted_local.json")["counts"]
    assert [tuple(row) for row in table("prompted")] == [
        (way, str(told["texts"]), str(told["answers"].get("in the format", 0)),
         f"{told['labels right']} of {told['texts']}",
         f"{told['items right']} of {told['items in gold']}",
         f"{told['entities in the text']} of {told['items written']}")
        for way, told in counts.items()
    ]  # fmt: skip


def test_the_grammar_shown_is_built():
    shown = PAGE.split("```text\n")[1].split("```")[0]
    assert build(adhoc(labels=["a", "b"], entities=["time"]), "At 10:30").startswith(shown)
    assert f"more than {MAX_ITEMS} items" in PAGE
    assert f"than {LABEL_CHARS} characters" in PAGE


def test_the_fuzz_counts_are_those_measured(results):
    measured = results("fuzz_decode.json")
    assert {row[0]: int(row[1]) for row in table("fuzz")}.items() <= measured.items()


def test_the_stream_is_as_fast_as_measured(results):
    columns = ("data", "batch", "texts", "before_s", "after_s")
    rows = results("stream_speed.json")["rows"]
    assert [tuple(row) for row in table("stream")] == [
        tuple(str(r[c]) for c in columns) for r in rows
    ]


def test_the_speeds_are_those_measured(results):
    measured = results("decode_speed.json")
    assert [tuple(row) for row in table("speed")] == [
        (str(row["batch"]), row["way"], str(row["passes"]), str(row["cpu_s"]))
        for row in measured["rows"]
    ]
    assert all(row["same_text_as_plain"] == row["texts"] for row in measured["rows"])
    assert [tuple(row) for row in table("grammar")] == [
        tuple(str(row[k]) for k in ("lang", "characters", "compile_ms", "mask_ms_mean"))
        for row in measured["grammar"]
    ]
