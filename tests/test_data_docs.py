"""docs/data.md tells the maps, sides and sources of the code; its example of a corpus runs."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
from invented_words import latin

from pointline.corpus import maps, store
from pointline.corpus.account import imbalances
from pointline.corpus.build import all_names
from pointline.corpus.near import GRAM, THRESHOLD
from pointline.corpus.sources import SOURCES
from pointline.corpus.sources.projection import CHANGED, DROPPED

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "data.md").read_text(encoding="utf-8")


def table(name):
    """The rows of the table marked with that name, without header and rule."""
    block = PAGE.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in block.split("\n")[2:]]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture(scope="module")
def counts():
    """The script that writes the tables of counts."""
    path = ROOT / "benchmarks" / "data_counts.py"
    spec = importlib.util.spec_from_file_location("data_counts", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAPS = {
    "domains": maps.CROSSRE_DOMAINS,
    "types": maps.CROSSRE_TYPES,
    "smp-domains": maps.SMP_DOMAINS,
    "smp-slots": maps.SMP_SLOTS,
}


@pytest.mark.parametrize("name", MAPS)
def test_the_page_prints_the_map(name):
    assert MAPS[name] == {
        entry: None if label == "dropped" else label
        for label, entries in table(name)
        for entry in quoted(entries)
    }


def test_the_page_prints_organisations_sides_and_sources(counts):
    told = {domain.strip("`"): label for domain, label in table("organisations")}
    assert told == maps.CROSSRE_ORGANISATIONS
    assert f"one of {len(maps.FACILITY_WORDS)} words" in PAGE
    assert table("sides") == [list(row) for row in counts.sides({})][1:]
    assert table("sources") == [list(row) for row in counts.sources({})][1:]


def test_the_page_names_every_dataset_rule_and_threshold():
    for name in ("sizes", "origins"):
        assert [row[0].strip("`") for row in table(name)] == list(all_names())
    for rule in (*CHANGED, *DROPPED):
        assert f": {rule} |" in PAGE
    assert f"share {THRESHOLD:.0%} of all their runs of".replace("%", " %") in PAGE
    assert GRAM == 3


def test_the_page_says_where_every_file_of_every_corpus_goes():
    told = {
        f"{folder.strip('`')}{file}"
        for folder, files, _ in table("folders")
        for file in quoted(files)
    }
    read = {
        f"lexicons/{file.removeprefix('../lexicons/')}"
        if file.startswith("../")
        else f"{source.folder}/{file}"
        for source in SOURCES.values()
        for file in source.files
    }
    assert told == read


def test_the_example_of_a_corpus_runs(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    line = next(found for found in re.findall(r"`(\{.*?\})`", PAGE) if "mood" in found)
    row = json.loads(line)
    rows = [
        {**row, "id": str(n), "month": str(n // 6), "text": f"Ada met {' '.join(latin(n, 5))}."}
        for n in range(120)
    ]
    rows.append({**row, "id": "nobody", "who": "Zoe"})
    path = tmp_path / "corpora/diary/diary.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(map(json.dumps, [row, *rows])))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/data.md", "exec"), {"__name__": "example"})
    dataset = store.read_dataset(tmp_path / "data/tconer-en")
    assert dataset.train and dataset.test
    assert list(store.check(tmp_path / "data/tconer-en")) == []
    assert imbalances(dataset.manifest) == []
    rules = dataset.manifest["sources"][0]["rules"]
    assert rules["records dropped: nobody named"] == 1
    assert "my own" in (tmp_path / "data/tconer-en/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["sizes", "near", "accounts", "reading-rules", "converting-rules"])
def test_the_tables_of_counts_stand_in_the_page(name):
    assert table(name)
