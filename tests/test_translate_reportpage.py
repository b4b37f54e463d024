"""The report of translation runs as tables, page and command.

With POINTLINE_PICTURES set to a folder, the picture of docs/translation.md is made there.
"""

import csv
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsing import chromium
from translated import drafted, split, write
from translators import Book, ChatServer, Translators
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import store
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.report import report
from pointline.draft.reportpage import page
from pointline.draft.reporttables import markdown, tables
from pointline.draft.rules import Rules
from pointline.draft.translate import translate
from pointline.draft.translator import Translator
from pointline.errors import InputError
from pointline.format.record import Fact, Pair, Record
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address

EVIL = "</td><script>document.title = 'broken'</script> & \u202eabc\u202c | **x** \x07"


# ---------------------------------------------------------------- how it is shown


@pytest.fixture
def shown(tmp_path):
    """A report of two runs; texts, labels, names and models that want to be markup."""
    evil = Record(
        "evil", "scnm-en", EVIL, EVIL, (Pair(EVIL, EVIL, 0, len(EVIL)), Pair("x", EVIL)),
        (Fact((EVIL, "r", EVIL)),),
        {"draft": {"steps": {}, "rules": ["copied"], "reasons": {"copied": EVIL}, "source": EVIL}},
    )  # fmt: skip
    dropped = [evil, *(drafted(f"d{n}", rules=["chatter"]) for n in range(9))]
    one = write(
        tmp_path / "<b>one", kept=split(30, 0)["kept"], dropped=dropped, model=EVIL.strip("\x07")
    )
    two = write(tmp_path / "二", **split(30, 4), queued=[drafted("q")])
    return report([one, two])


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.attributes = set(), "", []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_the_page_is_one_file_without_script_and_nothing_of_a_run_is_markup(shown):
    made = Page()
    made.feed(page(shown))
    assert made.tags <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "div", "span",
        "i", "ul", "li", "section", "table", "thead", "tbody", "tr", "th", "td", "details",
        "summary", "article", "mark", "b", "br",
    }  # fmt: skip
    assert not any(name in ("src", "href") or name.startswith("on") for name, _ in made.attributes)
    assert "http" not in page(shown).replace("http-equiv", "")
    assert "</td><script>" in made.text  # as text
    assert "\u202e" not in page(shown) and "\x07" not in page(shown)


def test_markdown_has_all_tables_and_examples_and_no_markup_of_a_run(shown):
    made = markdown(shown)
    assert "<script" not in made.replace("\\<script", "")
    for title in (*tables(shown), "Examples: copied", "Examples: chatter"):
        assert f"## {title}" in made
    for block in re.findall(r"(?:^\|.*\n)+", made, flags=re.MULTILINE):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(cells) == 1  # no text breaks its row


def test_csv_is_table_7_and_more(shown):
    rows = list(csv.DictReader(io.StringIO(shown.csv())))
    assert [row["run"] for row in rows] == ["<b>one", "二", *["MMM paper, Table 7"] * 2]
    first = list(rows[0])[:8]
    assert first == [
        "run", "dataset", "source", "target", "model", "rules", "remaining", "lost_percent",
    ]  # fmt: skip
    assert rows[1]["lost_percent"] == "11.76" and rows[1]["queued"] == "1"
    assert rows[0]["dropped: chatter"] == "9" and rows[1]["dropped: chatter"] == "0"
    assert rows[2]["remaining"] == "4449" and rows[2]["records"] == ""


def test_the_json_adds_up(shown):
    values = json.loads(json.dumps(shown.to_dict()))
    for run in values["runs"]:
        assert run["remaining"] + run["lost"] + run["queued"] == run["records"]
        assert sum(run["dropped_by_rule"].values()) == run["lost"]
        assert sum(label["records"] for label in run["by_label"]) == run["records"] - run["queued"]
    assert {one["rule"] for one in values["examples"]} == {"copied", "chatter", "untranslated"}


def test_cells_say_what_was_counted(shown):
    made = tables(shown)
    assert made["Retained"].rows[1] == ("二", "30 of 34", "88.24", "73.38–95.33", "1")
    by_rule = {row[0]: row[1:] for row in made["Dropped by rule (the first that fired)"].rows}
    assert by_rule["untranslated"] == ("0", "4 (11.76 %)")
    assert made["Waiting"].rows == (("no answer", "0", "1 (2.86 %)"),)
    cost = made["Cost: tokens, and for a kept record; money, and for 1,000 kept"].rows[0]
    assert cost == ("<b>one", "7", "900", "100", "33", "0.5000", "16.6667")


def test_a_browser_shows_the_page(shown, tmp_path):
    (tmp_path / "page.html").write_text(page(shown), encoding="utf-8")
    with chromium() as browser:
        colours = {}
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 400)):
            context = browser.new_context(
                viewport={"width": width, "height": 800}, color_scheme=scheme
            )
            tab, asked, faults = context.new_page(), [], []
            tab.on("request", lambda request, asked=asked: asked.append(request.url))
            tab.on("console", lambda told, faults=faults: faults.append(told.text))
            tab.goto((tmp_path / "page.html").as_uri())
            assert len(asked) == 1 and not faults and tab.title() == "Translation runs"
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            colours[scheme] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
            tab.locator("summary").last.click()
            assert tab.locator("details[open]").count() == 2
            bar = tab.locator(".bar").first
            parts = bar.locator("i").evaluate_all("all => all.map(i => i.offsetWidth)")
            assert parts[0] / sum(parts) == pytest.approx(0.75, abs=0.02)  # 30 of 40 kept
        assert colours["light"] != colours["dark"]


# ---------------------------------------------------------------- the command, on real runs


def translated(folder, source, name, *, rules, asks, mood, book):
    with ChatServer(Translators(book, mood), models=("play",)) as server:
        who = Translator(
            Address("play", server.url), TranslationPrompt("ja", "en"), asks=asks,
            limits=Limits(timeout=5, attempts=1),
        )  # fmt: skip
        return translate(origin(source), who, folder / name, rules=rules)


def mood(number):
    return {0: "refusal", 1: "copied", 2: "lost", 3: "refused"}.get(number, "changed")


def test_the_command_reports_on_runs_as_they_are_made(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    book = Book(24)
    source = tmp_path / "ja.jsonl"
    store.write_records(source, book.records("ja"))
    ours = translated(tmp_path, source, "ours", rules=Rules.of(), asks=True, mood=mood, book=book)
    paper = Rules.of("paper", "none")
    theirs = translated(tmp_path, source, "paper", rules=paper, asks=False, mood=mood, book=book)
    outs = {name: tmp_path / f"out.{name}" for name in ("markdown", "csv", "html")}
    options = [part for name, file in outs.items() for part in (f"--{name}", str(file))]
    command = ["translate", "report", *(str(tmp_path / n) for n in ("ours", "paper")), *options]
    done = CliRunner().invoke(app, [*command, "--json"])
    assert done.exit_code == 0, done.output
    values = json.loads(done.stdout)
    for told, made in zip(values["runs"], (ours, theirs), strict=True):
        metrics = made.to_dict()
        assert (told["remaining"], told["lost"], told["queued"]) == tuple(
            metrics[name] for name in ("kept", "dropped", "queued")
        )
        assert told["fired"] == metrics["fired"]
        assert sum(told["kept_by_step"].values()) == made.kept
    assert [told["rules"] for told in values["runs"]] == ["pointline", "paper"]
    assert values["runs"][0]["queued"] == 1  # "refused" gets no answer
    (compared,) = values["comparisons"]
    assert compared["test"] == "McNemar" and compared["records"] == 23
    assert compared["difference"] < 0 and compared["p"] < 0.01
    assert all(one["source"] for one in values["examples"])
    assert {one["rule"] for one in values["examples"]} == {
        rule for run in values["runs"] for rule in run["fired"]
    }
    assert outs["html"].read_text(encoding="utf-8").startswith("<!doctype html>")
    assert outs["csv"].read_text(encoding="utf-8").count("\n") == 5

    shown = CliRunner().invoke(app, command, env={"COLUMNS": "100"})
    assert shown.exit_code == 0
    assert "MMM paper" in shown.stdout and "McNemar" in shown.stdout
    assert "draft:  (none)" in shown.stdout  # a refusal


@pytest.mark.skipif(
    not os.environ.get("POINTLINE_PICTURES"),
    reason="makes a picture where POINTLINE_PICTURES names a folder",
)
def test_the_picture_of_the_documentation(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    book, source = Book(168), tmp_path / "ja.jsonl"
    store.write_records(source, book.records("ja"))
    names = ("refusal", "copied", "lost", "chatter", "half", "inflected", "refused")
    ways = {"ja-en": (Rules.of(), True), "ja-en-paper": (Rules.of("paper", "none"), False)}
    for name, (rules, asks) in ways.items():
        translated(
            tmp_path, source, name, rules=rules, asks=asks, book=book,
            mood=lambda n: names[n // 6 % len(names)] if n % 6 == 0 else ("good", "changed")[n % 2],
        )  # fmt: skip
    made = page(report([tmp_path / name for name in ways]))
    (tmp_path / "page.html").write_text(made, encoding="utf-8")
    with chromium() as browser:
        tab = browser.new_page(viewport={"width": 1100, "height": 900})
        tab.goto((tmp_path / "page.html").as_uri())
        picture = Path(os.environ["POINTLINE_PICTURES"]) / "translation-report.png"
        tab.screenshot(path=picture)
    assert picture.stat().st_size > 20_000


def test_the_command_refuses_what_cannot_be_written_to(tmp_path):
    run = write(tmp_path / "run", **split(2, 1))
    done = CliRunner().invoke(app, ["translate", "report", str(run), "--html", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert "cannot write here" in str(done.exception)


def test_many_runs_are_shown_a_few_at_a_time(tmp_path):
    names = [f"run-{n}" for n in range(10)]
    runs = [str(write(tmp_path / name, **split(3, 1))) for name in names]
    done = CliRunner().invoke(app, ["translate", "report", *runs], env={"COLUMNS": "100"})
    assert done.exit_code == 0
    rules = [line for line in done.stdout.splitlines() if line.startswith("untranslated  ")]
    assert len(rules) == 6 and all(line.count("(25.00 %)") <= 4 for line in rules)
