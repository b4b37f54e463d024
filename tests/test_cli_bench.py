"""`pointline bench` as a user meets it, on a small clone and on this one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pointline.app.bench import pages, scripts, tables
from pointline.app.cli import app
from pointline.errors import InputError

ROOT = Path(__file__).parents[1]
SCRIPT = '''"""How long nothing takes.

    python benchmarks/idle.py [--times 1]

Sleeps. Writes results/idle.json.

Needs {needs}; takes
no time at all.
"""

import argparse
import json
{more}from pathlib import Path

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--fail", action="store_true")
    asked = parser.parse_args()
    asked.json.write_text(json.dumps({{"times": asked.times, "machine": {{"processor": "Abacus"}}}}))
    raise SystemExit(3 if asked.fail else 0)
'''


@pytest.fixture
def clone(tmp_path):
    folder = tmp_path / "benchmarks"
    (folder / "results").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    (folder / "machine.py").write_text('"""What it was measured on."""\n')
    written = SCRIPT.format(needs="nothing", more="import machine\n")
    (folder / "idle.py").write_text(written)
    return tmp_path


def ask(*arguments, folder):
    """The command in this process; errors come as exceptions."""
    command, *others = map(str, arguments)
    given = ["bench", command, "--folder", str(folder), *others]
    return CliRunner().invoke(app, given, catch_exceptions=False)


def test_list_tells_what_the_docstrings_say(clone):
    printed = ask("list", folder=clone / "benchmarks").stdout
    assert printed.splitlines() == [
        "idle: How long nothing takes",
        "    needs nothing; takes no time at all",
    ]
    (clone / "benchmarks/lost.py").write_text(
        SCRIPT.format(needs="much", more="import no_such_package.part\n")
    )
    told = json.loads(ask("list", "--json", folder=clone / "benchmarks").stdout)
    assert [(one["name"], one["not installed"]) for one in told] == [
        ("idle", []),
        ("lost", ["no_such_package"]),
    ]
    assert told[0]["takes"] == "no time at all"


def test_run_passes_options_on_and_says_what_it_wrote(clone):
    folder = clone / "benchmarks"
    result = folder / "results" / "idle.json"
    done = ask("run", "idle", "--times", 7, folder=folder)
    assert done.exit_code == 0 and done.stdout == f"wrote {result}\n"
    assert json.loads(result.read_text())["times"] == 7
    assert "    idle.json: Abacus" in ask("list", folder=folder).stdout
    elsewhere = clone / "other.json"
    assert not ask("run", "idle", "--json", elsewhere, folder=folder).stdout
    assert elsewhere.is_file()


def test_run_ends_at_a_benchmark_that_fails(clone):
    folder = clone / "benchmarks"
    (folder / "next.py").write_text((folder / "idle.py").read_text())
    done = ask("run", "idle", "next", "--fail", folder=folder)
    assert done.exit_code == 1 and "idle: ended with exit code 3" in done.stderr
    assert not (folder / "results" / "next.json").exists()


def test_run_without_a_name_is_refused(clone):
    with pytest.raises(InputError, match="no benchmark is named before the options"):
        ask("run", "--times", 5, folder=clone / "benchmarks")


def test_what_cannot_be_run_is_told_before_anything_runs(clone):
    folder = clone / "benchmarks"
    with pytest.raises(InputError, match=r"no benchmark 'idel'; did you mean idle\?"):
        ask("run", "idle", "idel", folder=folder)
    assert not list((folder / "results").iterdir())
    with pytest.raises(InputError, match="no benchmarks here: run this in a clone"):
        ask("list", folder=clone)
    (folder / "lost.py").write_text(SCRIPT.format(needs="much", more="import no_such_package\n"))
    with pytest.raises(InputError, match="lost: not installed: no_such_package"):
        ask("run", "idle", "lost", folder=folder)
    assert not list((folder / "results").iterdir())


HEAD = "| batch | way | passes of the model | processor seconds |\n|---|---|---|---|\n"
STALE = f"Ours:\n\n<!-- table: speed -->\n{HEAD}| 1 | own | 9 | 0.5 |\n\nAs said.\n"
FRESH = STALE.replace("| 9 |", "| 4 |")


@pytest.fixture
def page(clone):
    """A page with a table that is not that of its result."""
    rows = [{"batch": 1, "way": "own", "passes": 4, "cpu_s": 0.5}]
    result = clone / "benchmarks" / "results" / "decode_speed.json"
    result.write_text(json.dumps({"rows": rows}))
    page = clone / "docs" / "speed.md"
    page.write_text(STALE)
    return page


def test_report_holds_the_pages_to_the_results_and_writes_them(clone, page):
    folder = clone / "benchmarks"
    (clone / "tests").mkdir()
    (clone / "tests" / "test_other.py").write_text("TABLE = 'of another'\n")
    other = "<!-- table: of another -->\n| a |\n|---|\n"
    page.write_text(STALE + other)
    done = ask("report", "speed", "--check", folder=folder)
    assert done.exit_code == 1
    assert done.stdout.startswith("docs/speed.md: table 'speed' (decode_speed.json): not that of")
    assert page.read_text() == STALE + other
    assert ask("report", "speed", "--write", folder=folder).exit_code == 0
    assert page.read_text() == FRESH + other
    done = ask("report", "speed", "--check", folder=folder)
    assert done.exit_code == 0 and not done.stdout
    printed = ask("report", "speed", folder=folder).stdout
    assert printed == f"<!-- table: speed -->\n{HEAD}| 1 | own | 4 | 0.5 |\n\n"
    with pytest.raises(InputError, match="no table 'sped'"):
        ask("report", "sped", folder=folder)


def test_a_table_that_stands_twice_is_held_twice(clone, page):
    page.write_text(STALE + FRESH)
    done = ask("report", "speed", "--check", folder=clone / "benchmarks")
    assert done.exit_code == 1 and done.stdout.count("table 'speed'") == 1
    ask("report", "speed", "--write", folder=clone / "benchmarks")
    assert page.read_text() == FRESH + FRESH


@pytest.mark.parametrize("mark", ["table: spede", "tabel: speed", "table:speed"])
def test_a_mark_that_is_misspelt_is_told(clone, page, mark):
    page.write_text(FRESH.replace("table: speed", mark))
    done = ask("report", "speed", "--check", folder=clone / "benchmarks")
    assert done.exit_code == 1
    assert "table 'speed' stands in no page: write its mark, <!-- table: speed -->" in done.stdout
    page.write_text(page.read_text() + FRESH)
    done = ask("report", "speed", "--check", folder=clone / "benchmarks")
    if mark.startswith("table: "):
        assert done.exit_code == 1
        assert done.stdout.startswith("docs/speed.md: mark 'spede': no such table, nor does a test")
    else:
        assert done.exit_code == 0  # a comment like any other


def test_all_tables_are_looked_for(clone, page):
    done = ask("report", "--check", folder=clone / "benchmarks")
    for name in tables.TABLES:
        assert (f"table {name!r} stands in no page" in done.stdout) == (name != "speed")


def test_a_table_of_which_nothing_was_measured_has_a_head(tmp_path):
    for name in tables.TABLES:
        lines = tables.table(name, tmp_path).splitlines()
        assert len(lines) == 2 and lines[0].count("|") == lines[1].count("|")


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_part_of_a_result_that_is_missing_has_no_rows(tmp_path, name):
    file, _ = tables.TABLES[name]
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("{}")
    assert len(tables.table(name, tmp_path).splitlines()) == 2
    (tmp_path / file).write_text("[]")
    with pytest.raises(InputError, match=rf"{file}: no result of a benchmark"):
        tables.table(name, tmp_path)


def test_a_row_without_a_cell_is_told_in_a_line(tmp_path):
    told = {"texts": 3, "languages": {"en": {"texts": 3, "reference": {"same": 3}}}}
    (tmp_path / "fast_path_1.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"fast_path_1.json: no cells for table 'fast': 'passes'"):
        tables.table("fast", tmp_path)


@pytest.mark.parametrize("told", ["[1]", "{", "\xff", '{"machine": [], "rows": 1}', "null"])
def test_a_result_that_is_none_does_not_end_the_list(clone, told):
    folder = clone / "benchmarks"
    (folder / "results" / "idle.json").write_bytes(told.encode("latin-1"))
    done = ask("list", folder=folder)
    assert done.exit_code == 0
    last = done.stdout.splitlines()[-1]
    assert last == f"    idle.json: {'' if 'machine' in told else 'no result of a benchmark'}"


def test_a_table_may_end_its_page_and_may_be_empty():
    page = "<!-- table: a -->\n\n<!-- table: b -->\n| n |"
    assert pages.marked(page) == [("a", ""), ("b", "| n |")]
    assert pages.rewritten(page, {"a": "| m |\n"}) == page.replace("a -->\n", "a -->\n| m |\n")


# ---------------------------------------------------------------- this clone


@pytest.fixture(scope="module")
def found():
    return scripts.scripts(ROOT / "benchmarks")


def test_every_result_belongs_to_one_benchmark(found):
    owned = [path for script in found for path in script.results]
    there = (ROOT / "benchmarks" / "results").glob("*.json")
    assert sorted(owned) == sorted(set(owned)) == sorted(there)


PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "benchmarks" / "README.md")
PRINTED = [
    (path, name)
    for path in PAGES
    for name, _ in pages.marked(path.read_text(encoding="utf-8"))
    if name in tables.TABLES
]


@pytest.mark.parametrize(("page", "name"), PRINTED, ids=[name for _, name in PRINTED])
def test_a_table_of_a_page_is_that_of_the_results(page, name):
    printed = dict(pages.marked(page.read_text(encoding="utf-8")))[name]
    assert printed == tables.table(name, ROOT / "benchmarks" / "results")


def test_every_table_is_printed_once():
    assert sorted(name for _, name in PRINTED) == sorted(tables.TABLES)


def test_every_benchmark_says_what_it_needs_and_takes(found):
    assert not [script.name for script in found if not (script.needs and script.takes)]


def test_the_list_of_benchmarks_is_that_of_the_scripts():
    folder = ROOT / "benchmarks"
    printed = ask("report", "benchmarks", folder=folder).stdout
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert pages.marked(printed) == pages.marked(page)[:1]


def test_every_mark_of_this_clone_is_of_a_table_that_something_holds():
    printed = ask("report", "--check", folder=ROOT / "benchmarks").stdout
    assert "stands in no page" not in printed and "no such table" not in printed


def test_beside_llamacpp_it_is_as_fast_as_the_page_says():
    """1.5 times in float16, in float32 not everywhere."""
    path = ROOT / "benchmarks" / "results" / "llamacpp_peer.json"
    times = {"float16": [], "float32": []}
    for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        times[row["weights"]].append(row["times"])
    assert min(times["float16"]) >= 1.5 > min(times["float32"]) > 1


def test_llguidance_allows_no_token_that_xgrammar_does_not():
    path = ROOT / "benchmarks" / "results" / "mask_peers.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    assert not [row["lang"] for row in rows if any(row["only_llguidance"])]
