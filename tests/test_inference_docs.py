"""docs/inference.md says what the code does and what was measured."""

import dataclasses
import json
from pathlib import Path
from typing import get_args

import pytest

from pointline.format.tasks import adhoc
from pointline.model.chat.question import PREFIX, RAW
from pointline.model.chat.reading import FAULTS
from pointline.model.chat.server import Grammar
from pointline.model.extract import Options
from pointline.model.grammar import LABEL_CHARS, MAX_ITEMS, build
from pointline.model.interpret import REPAIRS
from pointline.model.vllm import PREFIX as VLLM

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


def test_the_ways_to_hold_a_served_model_are_the_codes_own():
    assert {row[0].strip("`") for row in table("held")} == set(get_args(Grammar))


def test_the_names_of_backends_are_the_codes_own():
    names = {row[0].strip("`").partition(":")[0] + ":" for row in table("backends")[1:]}
    assert names == {PREFIX, RAW, VLLM}


def test_the_grammar_shown_is_built():
    shown = PAGE.split("```text\n")[1].split("```")[0]
    assert build(adhoc(labels=["a", "b"], entities=["time"]), "At 10:30").startswith(shown)
    assert f"more than {MAX_ITEMS} items" in PAGE
    assert f"than {LABEL_CHARS} characters" in PAGE


def test_every_text_came_out_the_same(results):
    rows = results("decode_speed.json")["rows"]
    assert all(row["same_text_as_plain"] == row["texts"] for row in rows)
