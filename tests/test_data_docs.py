"""docs/data.md tells the maps, sides and sources of the code."""

import re
from pathlib import Path

import pytest

from pointline.corpus import maps
from pointline.corpus.recipes import RECIPES, SIDES
from pointline.corpus.sources import SOURCES
from pointline.corpus.sources.projection import CHANGED, DROPPED

PAGE = (Path(__file__).parents[1] / "docs" / "data.md").read_text(encoding="utf-8")


def table(name):
    """The rows of the table marked with that name, without header and rule."""
    block = PAGE.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in block.split("\n")[2:]]


def by_label(name):
    return {
        entry: None if label == "dropped" else label
        for label, entries in table(name)
        for entry in re.findall(r"`([^`]+)`", entries)
    }


MAPS = {
    "domains": maps.CROSSRE_DOMAINS,
    "types": maps.CROSSRE_TYPES,
    "smp-domains": maps.SMP_DOMAINS,
    "smp-slots": maps.SMP_SLOTS,
}


@pytest.mark.parametrize("name", MAPS)
def test_the_page_prints_the_map(name):
    assert by_label(name) == MAPS[name]


def test_the_page_prints_organisations_sides_and_sources():
    told = {domain.strip("`"): label for domain, label in table("organisations")}
    assert told == maps.CROSSRE_ORGANISATIONS
    assert f"one of {len(maps.FACILITY_WORDS)} words" in PAGE
    sides = {name.strip("`"): (float(a), float(b)) for name, a, b in table("sides")}
    assert sides == SIDES
    assert table("sources") == [
        [f"`{source.name}`", lang, *origins, source.licence]
        for source in SOURCES.values()
        for lang, origins in source.origins.items()
    ]


def test_the_page_names_every_dataset_and_rule():
    assert [row[0].strip("`") for row in table("sizes")] == list(RECIPES)
    for name in RECIPES:
        assert f" {name} " in PAGE.split("```")[1]
    for rule in (*CHANGED, *DROPPED):
        assert f": {rule} |" in PAGE
