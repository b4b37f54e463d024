"""docs/studies.md, the ablation: conditions, templates, files and options are the code's own."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.format.record import Pair, Record
from pointline.format.tasks import task
from pointline.model.form import TEMPLATES, Form, Level, Order
from pointline.model.prompt import input_text, target
from pointline.study.condition import CONDITIONS

PAGE = (Path(__file__).parents[1] / "docs" / "studies.md").read_text(encoding="utf-8")
ABLATION = PAGE.split("## The ablation\n")[1].split("\n## ")[0]
ADA = Record("1", "scnm-en", "Ada left.", "Society", [Pair("people", "Ada")])


def _rows(header: str) -> list[list[str]]:
    """The cells of the table with that header."""
    lines = ABLATION.split(header)[1].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_conditions_are_the_codes_own():
    rows = _rows("| condition | prompt | completion | scored |")
    assert [row[0].strip("`") for row in rows] == list(CONDITIONS)
    for (_, prompt, completion, scored), how in zip(rows, CONDITIONS.values(), strict=True):
        assert scored == ", ".join(how.scored).upper()
        assert (how.given is not None) == ("," in prompt)
        assert ("gave" in prompt) == bool(how.source) and how.source in prompt
        first = "items" if how.level is Level.WORD or how.order is Order.ITEMS_FIRST else "label"
        assert completion.startswith(first)


def test_the_templates_write_what_the_page_shows():
    asked, form = task("scnm-en"), Form(Level.WORD, given=Level.TEXT)
    for name, prompt, completion in _rows("| | prompt, given a label | completion |"):
        template = TEMPLATES[name.strip("`")]
        shown = Form(form.level, given=form.given, template=template)
        written = input_text(ADA.text, asked, shown, given=ADA).replace("\n", "⏎")
        assert (written, target(ADA, asked, shown)) == (prompt.strip("`"), completion.strip("`"))
        for order in Order:
            joint = target(ADA, asked, Form(order=order, template=template))
            assert f"`{joint}`" in ABLATION


def test_the_example_runs():
    code = re.search(r"```python\n(.*?)```", ABLATION, re.DOTALL)[1]
    *lines, last = code.strip().split("\n")
    names: dict = {}
    exec("\n".join(lines), names)
    expression, _, told = last.partition("  # ")
    assert repr(eval(expression, names)) == told


def test_the_options_are_there():
    told = CliRunner().invoke(app, ["study", "ablation", "--help"], env={"COLUMNS": "200"})
    shown = re.sub(r"\x1b\[[0-9;]*m", "", told.output)
    for option in set(re.findall(r"`[^`\n]*?(--[a-z-]+)", ABLATION)):
        assert option in shown, option


def test_the_command_is_taken(tmp_path):
    line = re.search(r"^    pointline (study ablation.*)$", ABLATION, re.MULTILINE)[1]
    told = CliRunner().invoke(app, [*shlex.split(line), "--dry-run", "--data", str(tmp_path)])
    with pytest.raises(Exception, match="neither a dataset folder"):
        raise told.exception
