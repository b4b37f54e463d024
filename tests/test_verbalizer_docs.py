"""docs/studies.md says of verbalizers what the code does."""

import re
from pathlib import Path

from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.format.tasks import LANGUAGES
from pointline.study.verbalizer.refine import AGGREGATES
from pointline.study.verbalizer.sources import Source
from pointline.study.verbalizer.template import TEMPLATES

PAGE = Path(__file__).parents[1] / "docs" / "studies.md"
SECTION = PAGE.read_text().split("## Knowledgeable verbalizers")[1].split("\n## ")[0]


def test_every_source_of_the_table_is_one():
    named = re.findall(r"^\| `([^`-][^`]*)` \|", SECTION, re.MULTILINE)
    assert {"label", "items", "items:shots", "related", "label+items"} <= set(named)
    assert [Source(name).name for name in named if "mask" not in name]


def test_the_templates_are_those_of_the_code():
    for asked, row in (("topic", "topic"), ("opinion", "sentiment")):
        cells = [f"`{TEMPLATES[asked][lang]}`".replace("\n", "⏎") for lang in LANGUAGES]
        assert f"| {row} | {' | '.join(cells)} |" in SECTION


def test_every_aggregate_is_defined():
    for name in AGGREGATES:
        assert re.search(rf"^ +{name} +s\(c\) = ", SECTION, re.MULTILINE)


def test_every_option_that_is_named_is_there():
    # wide, so that no option of the help is broken or cut
    wide = {"COLUMNS": "400"}
    commands = (["study", "verbalizer"], ["study", "words"])
    told = "".join(CliRunner().invoke(app, [*one, "--help"], env=wide).output for one in commands)
    named = set(re.findall(r"--[a-z][a-z-]+", SECTION))
    assert len(named) > 10 and not {option for option in named if option not in told}
