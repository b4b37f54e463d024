"""docs/studies.md on information flow: its options, recipes, files and columns are the program's."""

import re
from pathlib import Path

import typer

from pointline.app.cli import app
from pointline.study.flow.settings import RECIPES, FlowConfig

PAGE = (Path(__file__).parents[1] / "docs" / "studies.md").read_text(encoding="utf-8")
SECTION = PAGE.split("\n## Information flow\n", 1)[1].split("\n## ", 1)[0]


def options(*names):
    group = typer.main.get_command(app)
    for name in names:
        group = group.commands[name]
    return {option for parameter in group.params for option in parameter.opts}


def test_every_option_is_one():
    known = options("study", "flow") | options("study", "flow-ablation")
    told = set(re.findall(r"--[a-z][a-z-]+", SECTION))
    assert told and told <= known


def test_every_setting_that_is_a_choice_is_explained():
    for name in ("heads", "loss", "source", "view", "prompt", "knockout", "maps", "draws"):
        assert f"--{name}" in SECTION
    assert FlowConfig("items-to-label").draws == 50 and "drawn 50 times" in SECTION
    assert all(f"--recipe {name}" in SECTION for name in RECIPES if name != "pointline")


def test_every_paper_of_the_criticism_is_named():
    for name in ("Liu et al. 2022", "Kramár et al. 2024", "Bastings", "Kobayashi et al. 2020"):
        assert name in SECTION
