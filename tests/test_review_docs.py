import re
from pathlib import Path

from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.review.export import COLUMNS

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "review.md").read_text()
KEYS = (ROOT / "src/pointline/review/static/keys.js").read_text()


def shown(key: str) -> str:
    if len(key) == 1:
        return key.upper()
    told = key.replace("ArrowRight", "→").replace("ArrowLeft", "←").replace("Escape", "Esc")
    return re.sub(r"\+([a-z])$", lambda found: "+" + found[1].upper(), told)


def test_the_table_of_keys_is_that_of_the_script():
    rows = re.findall(r'^    \["\w+", \[([^\]]+)\], "([^"]+)"\],$', KEYS, re.MULTILINE)
    there = [
        (", ".join(shown(key) for key in re.findall(r'"([^"]+)"', keys)), what)
        for keys, what in rows
    ]
    told = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert len(there) == 25
    assert [row for row in told if row != ("key", "what it does")] == there


def test_no_key_does_two_things():
    keys = [
        key
        for found in re.findall(r'^    \["\w+", \[([^\]]+)\]', KEYS, re.MULTILINE)
        for key in re.findall(r'"([^"]+)"', found)
    ]
    assert len(keys) == len(set(keys)) > 25


def test_pictures_columns_and_options_are_there():
    pictures = re.findall(r"\]\((pictures/[^)]+)\)", PAGE)
    assert pictures and all((ROOT / "docs" / name).stat().st_size < 100_000 for name in pictures)
    flat = " ".join(PAGE.split())
    assert ", ".join(COLUMNS) in flat
    told = CliRunner().invoke(app, ["review", "--help"], env={"COLUMNS": "200"}).output
    for option in set(re.findall(r"`?(--[a-z]+)", PAGE)):
        assert option in told, option
