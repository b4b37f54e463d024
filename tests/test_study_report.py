"""The report of a study: whole, the same each time, nothing of a record is markup."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.util import find_spec

import pytest
from studied import SKILL, only, studied
from tiny import tiny_records
from typer.testing import CliRunner

from pointline.app.cli import app, main
from pointline.errors import InputError
from pointline.format.record import Pair, Record
from pointline.format.tasks import task
from pointline.study import paper
from pointline.study.answer import answer
from pointline.study.asking import find
from pointline.study.cells import CIRCULAR, TOGETHER
from pointline.study.report import latex, markdown, report
from pointline.study.reportdetails import labels
from pointline.study.reportpage import page
from pointline.study.reporttables import tables
from pointline.study.results import read_study

HOSTILE = ("<script>alert(1)</script>", "a_b & 50 % #{x}", "‮مرحبا‬", "|*`")


def hostile_records():
    """Records whose texts and entities would be markup in HTML, LaTeX or Markdown."""
    made = []
    for name in ("scnm-en", "scnm-ja", "scnm-zh"):
        known = task(name)
        for at in range(24):
            entity = HOSTILE[at % len(HOSTILE)]
            text = f"{entity} {at}"
            pairs = (Pair(known.item_labels[at % 3], entity, 0, len(entity)),)
            made.append(Record(f"{name}-{at:02}", name, text, known.labels[at % 3], pairs))
    return made


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "s"
    records = [
        replace(record, meta={"corpus": "chabsa"}) if record.task == "scnm-ja" else record
        for record in tiny_records(144)
    ]
    study = studied(folder, records=records, missing=("scnm-zh.text-items.1",))
    return find(read_study(study), resamples=200)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = studied(tmp_path_factory.mktemp("study") / "s", seeds=(0,), records=hostile_records())
    return find(read_study(folder), resamples=100)


class _Reading(HTMLParser):
    def __init__(self, source):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data):
        self.text += data


# ---------------------------------------------------------------- the answer


def test_the_answer_says_where_which_way_and_how_sure(found):
    told = answer(found)
    assert told[0].startswith("Mutual reinforcement is shown on none of 2 sub-datasets")
    assert re.match(r"The label helps the items on \d of 2 sub-datasets", told[1])
    assert "Over all records together the difference is +" in told[2]
    assert "32 of 42 (76.2%, p < 0.001) and 12 of 21 in both directions" in told[3]
    assert any(one.startswith(f"{CIRCULAR} The text label of scnm-ja was made") for one in told)
    assert told[-1].startswith("1 of 48 planned runs are missing")


def test_the_answer_names_what_is_mutual(tmp_path):
    skill = SKILL | {"text->items": (0, 0.1), "text->label": (0.1, 0)}
    skill |= {"text+label->items": (0, 1.0), "text+items->label": (1.0, 0)}
    made = find(read_study(studied(tmp_path / "s", seeds=(0,), skill=skill)), resamples=1000)
    told = answer(made)
    assert told[0] == "Mutual reinforcement is shown on 3 of 3: scnm-en, scnm-ja and scnm-zh."
    assert any("One run a condition speaks for these models alone" in one for one in told)


def test_the_answer_where_all_is_circular(tmp_path):
    records = [replace(r, meta={"corpus": "chabsa"}) for r in tiny_records(144)]
    folder = only(studied(tmp_path / "s", seeds=(0,), records=records), "scnm-ja")
    told = answer(find(read_study(folder), resamples=50))
    assert told[0].startswith("Nothing can be said of mutual reinforcement: a rule made")
    assert not any("0 of 0" in one for one in told)


# ---------------------------------------------------------------- tables


def test_the_tables_stand_beside_the_papers(found):
    made = tables(found)
    english = made["As the paper prints it: English"]
    printed = next(row for row in paper.ablation() if (row.lang, row.dataset) == ("en", "SCNM"))
    assert english.headers == ("", "scnm-en")
    by_name = {row[0]: row[1] for row in english.rows}
    assert by_name["MMM paper, WL w/o TLI"] == f"{printed.wl_without:.2f}"
    assert by_name["MMM paper, TL with WLI"] == f"{printed.tl_with:.2f}"
    ours = found.of("tl")["scnm-en"].difference
    assert by_name["TL with WLI"] == f"{100 * ours.second:.2f}"
    assert len(english.best) == 4  # of each two, the higher
    signs = {row[0]: row[1:] for row in made["Over all comparisons: sign tests"].rows}
    assert signs["MMM paper, Table 2"] == ("32", "10", "0", "76.2", "< 0.001", "12 of 21")
    assert signs["Flow paper, Tables 2, 3"][-1] == "3 of 6"


def test_every_sub_dataset_has_its_row_and_its_mark(found):
    made = tables(found)
    names = [row[0] for row in made["Both directions"].rows]
    assert names == ["scnm-en", f"scnm-ja {CIRCULAR}", "scnm-zh"]
    rows = {row[0]: row for row in made["Does the label help the items?"].rows}
    assert rows["scnm-zh"][9] == "1"
    assert rows["scnm-en"][9] == "2"
    assert rows["scnm-en"][10] == "+0.31"
    assert set(rows) == {*names}  # the two that count have different numbers of runs
    assert made["Do the items help the label?"].rows[-1][0] == TOGETHER
    assert made["Missing runs"].rows == (("scnm-zh", "text->items", "1"),)


def test_gains_by_label(found):
    made = labels(found, "scnm-zh")
    assert made.headers[0] == "label"
    assert {row[1] for row in made.rows} == {"item", "text"}
    counts = {row[0]: row[2] for row in made.rows}
    assert counts["人名"] == "48"  # one in each of 48 records, of one run


# ---------------------------------------------------------------- forms


def test_the_page_is_one_file_and_nothing_in_it_is_foreign_markup(hostile):
    made = page(hostile, {})
    read = _Reading(made)
    assert "script" not in read.tags
    assert "img" not in read.tags
    assert "http" not in made.replace("http-equiv", "")
    assert "<script>alert(1)</script>" in read.text  # shown as text
    assert "\u202e" not in made
    assert "32 of 42" in read.text
    assert 'lang="ja"' in made


def test_latex_escapes_and_closes_what_it_opens(hostile):
    made = latex(hostile)
    assert made.count(r"\begin{table}") == made.count(r"\end{table}") == len(tables(hostile))
    assert made.count(r"\begin{tabular}") == made.count(r"\end{tabular}")
    assert made.count(r"\toprule") == made.count(r"\bottomrule")
    body = made.split("\n", 1)[1]
    assert not re.search(r"(?<!\\)[%#]", body.replace("{%\n", ""))
    assert not re.search(r"(?<![\\&])_", body)
    for line in body.splitlines():
        if line.endswith(r"\\"):
            assert line.replace(r"\{", "").count("{") == line.replace(r"\}", "").count("}")


def test_markdown_keeps_rows_whole(hostile):
    made = markdown(hostile)
    for block in made.strip().split("\n\n"):
        lines = block.split("\n")
        if lines[0].startswith("| "):
            cells = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
            assert len(set(cells)) == 1, lines[0]
    assert "<script>" not in made.replace("\\<script>", "")


def test_flipped_examples_show_what_was_given(found):
    made = markdown(found)
    assert "## Examples that flipped, with what was shown" in made
    told = page(found, {})
    assert "wrong to right" in told
    assert "<dt>shown</dt>" in told
    assert "<mark>" in told


# ---------------------------------------------------------------- the command


needs_plots = pytest.mark.skipif(not find_spec("matplotlib"), reason="no matplotlib")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report with all its figures, of one Japanese sub-dataset."""
    root = tmp_path_factory.mktemp("report")
    folder = studied(root / "s", missing=("scnm-ja.joint-label-first.0",))
    return report(only(folder, "scnm-ja"), root / "out", resamples=50, examples=1)


@needs_plots
def test_the_same_study_gives_the_same_bytes(written, tmp_path):
    page = next(file for file in written.files if file.name == "report.html")
    again = report(page.parents[1] / "s", tmp_path / "again", resamples=50, examples=1)
    assert len(again.files) == len(written.files)
    for first, second in zip(written.files, again.files, strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


@needs_plots
def test_what_is_written(written):
    files = {file.name: file for file in written.files}
    assert {"report.html", "report.md", "report.tex", "report.json", "forest.png"} <= set(files)
    told = files["report.html"].read_text(encoding="utf-8")
    assert told.count("data:image/svg+xml;base64,") == 5
    assert written.unseen == ""  # the labels are Japanese: a font has them
    with files["forest.csv"].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["mmm_difference"] for row in rows] == ["0.0030", "0.0227"]
    assert [row["runs"] for row in rows] == ["2", "2"]
    with files["curves.csv"].open(encoding="utf-8", newline="") as file:
        curves = list(csv.DictReader(file))
    assert {row["condition"] for row in curves if row["runs"] == "1"} == {"joint:label-first"}
    assert len({row["condition"] for row in curves}) == 6  # predicted conditions train nothing


def test_the_command_reports(tmp_path):
    folder = studied(tmp_path / "s", seeds=(0,), missing=("scnm-en.text-label.0",))
    asked = ["study", "report", str(folder), "--resamples", "50", "--no-figures"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "Mutual reinforcement" in done.output
    assert (folder / "report" / "report.html").is_file()
    assert not (folder / "report" / "figures").exists()
    told = json.loads(CliRunner().invoke(app, [*asked, "--json"]).stdout)
    assert told["runs"] == {"planned": 24, "missing": ["scnm-en.text-label.0"]}
    assert told["mutual"]["gold"] == []


def test_what_cannot_be_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["pointline", "study", "report", str(tmp_path / "none")])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    folder = studied(tmp_path / "s", seeds=(0,))
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="this is a file"):
        report(folder, tmp_path / "file", figures=False)


# ---------------------------------------------------------------- in a browser


@needs_plots
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark")])
def test_a_browser_shows_the_page(written, browser, width, scheme):
    page = next(file for file in written.files if file.name == "report.html")
    faults: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.on("console", lambda line: faults.append(line.text))
    tab.on("request", lambda asked: faults.append(asked.url))
    tab.goto(page.as_uri())
    assert tab.locator("h1").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("[...document.images].filter(one => !one.naturalWidth).length") == 0
    assert [fault for fault in faults if not fault.startswith(("file:", "data:"))] == []
    context.close()
