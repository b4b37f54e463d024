"""The report of translation runs: counts, tests, examples, and what is refused.

With POINTLINE_PICTURES set to a folder, the picture of docs/translation.md is made there.
"""

import csv
import io
import json
import os
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from translators import Book, ChatServer, Translators
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import store
from pointline.draft.origin import origin
from pointline.draft.prompts import TranslationPrompt
from pointline.draft.report import Published, published, report
from pointline.draft.reportpage import page
from pointline.draft.reporttables import markdown, tables
from pointline.draft.rules import Rules
from pointline.draft.translate import translate
from pointline.draft.translator import Translator
from pointline.errors import InputError, RecordError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task
from pointline.model.limits import Limits
from pointline.model.question import Address

CHROMIUM = shutil.which("chromium")
EVIL = "</td><script>document.title = 'broken'</script> & \u202eabc\u202c | **x** \x07"
STEPS = {"kept": "verbatim"}


def drafted(id, *, rules=(), steps=None, text="A cat sleeps in 京都 🐈.", label="Nature", **more):
    about = {"model": "openai:play", "prompt": "p", "steps": steps or {}, "rules": list(rules)}
    return Record(id, "scnm-en", text, label, meta={"draft": about | more})


def write(folder, *, kept=(), dropped=(), queued=(), source="scnm-ja", to="en", model="play",
          shared=None, config=None, metrics=None):  # fmt: skip
    """A run folder as `translate run` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"train": kept, "dropped": dropped, "queued": queued}
    for name, records in files.items():
        store.write_records(folder / f"{name}.jsonl", records)
    told = {"what": "translate", "from": task(source).lang, "to": to, "prompt": "p",
            "model": f"openai:{model}@http://127.0.0.1:9/v1",
            "source": task(source).to_dict(), **(config or {})}  # fmt: skip
    by_rule, fired = {}, {}
    for record in dropped:
        rules = record.meta["draft"]["rules"]
        by_rule[rules[0]] = by_rule.get(rules[0], 0) + 1
        for rule in rules:
            fired[rule] = fired.get(rule, 0) + 1
    counts = {
        name: len(records)
        for name, records in zip(("kept", "dropped", "queued"), files.values(), strict=True)
    }
    made = {"records": sum(counts.values()), **counts, "dropped_by_rule": by_rule, "fired": fired,
            "queued_by_reason": {"no answer": len(queued)} if queued else {},
            "steps": {"verbatim": 3, "aligned": 1}, "requests": 7, "tokens_in": 900,
            "tokens_out": 100, "guessed": 0, "cost": 0.5, "filters": ["source-script"],
            "repair": ["verbatim"], **(metrics or {})}  # fmt: skip
    (folder / "config.json").write_text(json.dumps(told), encoding="utf-8")
    (folder / "metrics.json").write_text(json.dumps(made), encoding="utf-8")
    if shared:
        beside = {"translated": {"files": {"train.jsonl": shared}}}
        (folder / "manifest.json").write_text(json.dumps(beside), encoding="utf-8")
    return folder


def split(kept, dropped, rule="untranslated", first=0):
    """Records number `first` on: some that are kept, then some that a rule dropped."""
    ids = [f"r{n}" for n in range(first, first + kept + dropped)]
    return {
        "kept": [drafted(id, steps={"京都": "verbatim"}) for id in ids[:kept]],
        "dropped": [drafted(id, rules=[rule]) for id in ids[kept:]],
    }


# ---------------------------------------------------------------- one run


def test_every_record_is_counted_once(tmp_path):
    kept = [
        drafted("1", steps={"京都": "verbatim", "cat": "aligned"}),
        drafted("2", steps={"京都": "asked"}),
        drafted("3"),
    ]
    dropped = [
        drafted("4", rules=["untranslated", "entity-missing"]),
        drafted("5", rules=["entity-missing"], label="Society"),
    ]
    write(tmp_path / "run", kept=kept, dropped=dropped, queued=[drafted("6")])
    (run,) = report([tmp_path / "run"]).runs
    assert (run.records, run.kept, run.lost, run.queued, run.decided) == (6, 3, 2, 1, 5)
    assert run.dropped == {"untranslated": 1, "entity-missing": 1}
    assert run.fired == {"untranslated": 1, "entity-missing": 2}
    assert run.kept_by_step == {"aligned": 1, "asked": 1, "": 1}
    assert run.by_label == {("Nature", True): 3, ("Nature", False): 1, ("Society", False): 1}
    assert run.lost_percent == 40  # of those decided: the queued may still be kept
    assert (run.source, run.target, run.task, run.model) == ("ja", "en", "scnm-ja", "play")
    # Wilson, 3 of 5
    assert (round(run.retained.low, 4), round(run.retained.high, 4)) == (0.2307, 0.8824)


@pytest.mark.parametrize(
    ("filters", "repair", "name"),
    [
        (Rules.of("paper").filters, ["verbatim"], "paper"),
        (Rules.of("paper").filters, ["verbatim", "asked"], "paper, with repair"),
        (Rules.of("pointline").filters, ["verbatim", "asked"], "pointline"),
        (Rules.of("pointline").filters, ["verbatim"], "pointline, no repair"),
        (("copied",), ["verbatim", "asked"], "own"),
    ],
)
def test_rules_have_the_name_of_their_preset(tmp_path, filters, repair, name):
    told = {"filters": list(filters), "repair": repair}
    write(tmp_path / "run", **split(2, 1), metrics=told)
    assert report([tmp_path / "run"]).runs[0].rules == name


def test_a_run_of_which_nothing_is_decided(tmp_path):
    write(tmp_path / "run", queued=[drafted("1")])
    found = report([tmp_path / "run"])
    assert found.runs[0].lost_percent is None
    assert tables(found)["Runs"].rows[0][-1] == "–"
    assert "0 of 1" in page(found)


# ---------------------------------------------------------------- what is refused


def broken(folder, name, **values):
    file = folder / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values), encoding="utf-8")


def test_runs_that_do_not_add_up_are_refused(tmp_path):
    run = write(tmp_path / "run", **split(3, 2))
    for values, told in (
        ({"records": 6}, "3 kept + 2 dropped + 0 queued = 5, but 6 records were given"),
        ({"records": 5, "kept": 4}, "3 kept in the files, 4 in metrics.json"),
        ({"kept": 3, "dropped_by_rule": {"copied": 2}}, "the rules in dropped.jsonl"),
    ):
        broken(run, "metrics.json", **values)
        with pytest.raises(InputError, match="does not add up") as error:
            report([run])
        assert told in str(error.value) and "\n" not in str(error.value)


def test_a_row_that_was_lost_or_doubled_is_noticed(tmp_path):
    run = write(tmp_path / "run", **split(3, 2))
    file = run / "train.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-1]))
    with pytest.raises(InputError, match="2 kept \\+ 2 dropped"):
        report([run])
    file.write_bytes(b"".join([*lines[:-1], lines[0]]))
    with pytest.raises(RecordError, match=r"train\.jsonl:3: the id 'r0' stands in the run twice"):
        report([run])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "not one JSON object"),
        (b"[]", "an 'id'"),
        (b'{"id": "x"}', "no 'draft'"),
        (b'{"id": "x", "meta": {"draft": {"rules": []}}}', "names no rule"),
    ],
)
def test_a_line_that_is_no_draft_is_told_with_its_place(tmp_path, line, told):
    run = write(tmp_path / "run", **split(3, 2))
    with (run / "dropped.jsonl").open("ab") as file:
        file.write(b"\n" + line)
    with pytest.raises(RecordError, match=told) as error:
        report([run])
    assert "dropped.jsonl:4: " in str(error.value)


def test_folders_that_hold_no_run_are_refused(tmp_path):
    with pytest.raises(InputError, match="name the folder"):
        report([])
    with pytest.raises(InputError, match=r"config\.json is missing"):
        report([tmp_path / "nowhere"])
    run = write(tmp_path / "run", **split(1, 1), config={"what": "label"})
    with pytest.raises(InputError, match="no translation run"):
        report([run])
    run = write(tmp_path / "other", **split(1, 1))
    with pytest.raises(InputError, match="given twice"):
        report([run, tmp_path / "x" / ".." / "other"])
    (run / "metrics.json").unlink()
    with pytest.raises(InputError, match=r"metrics\.json is missing"):
        report([run])


# ---------------------------------------------------------------- several runs


def test_runs_of_one_name_are_told_apart(tmp_path):
    runs = [write(tmp_path / part / "run", **split(2, 1)) for part in "ab"]
    assert [run.name for run in report(runs).runs] == [str(path) for path in runs]


def test_runs_over_the_same_records_are_compared_record_by_record(tmp_path):
    ids = [f"r{n}" for n in range(20)]
    one = {"kept": [drafted(i) for i in ids[:15]],
           "dropped": [drafted(i, rules=["copied"]) for i in ids[15:]]}  # fmt: skip
    # drops r0 and keeps all but one of those that the other dropped: 1 against 4
    other = {"kept": [drafted(i) for i in ids[1:19]],
             "dropped": [drafted(i, rules=["copied"]) for i in (ids[0], ids[19])]}  # fmt: skip
    paths = [
        write(tmp_path / "one", **one, shared="s"),
        write(tmp_path / "two", **other, shared="s"),
    ]
    (found,) = report(paths).comparisons
    assert (found.test, found.records) == ("McNemar", 20)
    assert found.difference == pytest.approx(3 / 20)
    assert found.p == pytest.approx(2 * (1 + 5) / 32)


def test_a_queued_record_is_not_compared(tmp_path):
    one = write(tmp_path / "one", **split(5, 5), shared="s")
    other = split(5, 5)
    other["queued"] = [other["dropped"].pop()]
    (found,) = report([one, write(tmp_path / "two", **other, shared="s")]).comparisons
    assert (found.records, found.p) == (9, 1.0)


def test_runs_over_other_records_are_compared_by_their_counts(tmp_path):
    paths = [
        write(tmp_path / "one", **split(3, 1), shared="s"),
        write(tmp_path / "two", **split(1, 3, first=100), shared="t"),
    ]
    found = report(paths)
    assert found.comparisons[0].test == "Fisher"
    assert found.comparisons[0].p == pytest.approx(34 / 70)
    assert found.comparisons[0].difference == pytest.approx(-0.5)
    assert found.remaining.statistic == pytest.approx(2)  # every expected count is 2


def test_p_values_are_corrected_for_the_number_of_pairs(tmp_path):
    shares = {"a": (40, 10), "b": (30, 20), "c": (10, 40)}
    found = report([write(tmp_path / name, **split(*counts)) for name, counts in shares.items()])
    told = {(one.first, one.second): one for one in found.comparisons}
    assert list(told) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert told["a", "b"].corrected == told["a", "b"].p  # the largest of three is left as it is
    assert told["a", "c"].corrected == pytest.approx(3 * told["a", "c"].p)


def test_rules_that_drop_otherwise_and_labels_that_are_lost_more_often_show(tmp_path):
    one = split(50, 50, rule="copied")
    one["dropped"] = [drafted(r.id, rules=["copied"], label="Society") for r in one["dropped"]]
    found = report([write(tmp_path / "one", **one), write(tmp_path / "two", **split(50, 50))])
    assert found.remaining.p == 1
    assert found.rules.p < 1e-10
    assert found.labels["one"].p < 1e-10  # Society is lost, Nature kept
    assert found.labels["two"].p == 1


def test_sums_are_by_language_pair_model_and_rules(tmp_path):
    runs = [
        write(tmp_path / "a", **split(8, 2)),
        write(tmp_path / "b", **split(6, 4), source="tcree-ja"),
        write(tmp_path / "c", **split(1, 9), to="zh"),
    ]
    rows = tables(report(runs))["By language pair and model"].rows
    assert rows[0][:7] == ("ja to en", "play", "own, no repair", "2", "14", "6", "30.00")
    assert len(rows) == 2
    assert "By language pair and model" not in tables(report(runs[:1]))
    same = [write(tmp_path / name, **split(8, 2), shared="sum") for name in ("d", "e")]
    assert "By language pair and model" not in tables(report(same))
    rows = tables(report([*runs, same[0]]))["By language pair and model"].rows
    assert rows[0][3:6] == ("3", "22", "8")


# ---------------------------------------------------------------- the paper's table


def test_the_published_figures_are_those_of_the_paper():
    rows = published()
    assert len(rows) == 10
    assert rows[1] == Published("SCNM", "ja", "en", "GPT-4o", 3996, 25.21)
    assert rows[-1] == Published("TCONER", "en", "zh", "GPT-4o", 7951, 20.49)
    totals = [row.remaining / (1 - row.lost_percent / 100) for row in rows]
    assert [round(total) for total in totals] == [
        5343, 5343, 2000, 2005, 10000, 10000, 2000, 2000, 10000, 10000,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("source", "to", "dataset", "count"),
    [
        ("scnm-ja", "en", "SCNM", 2),
        ("scpos-rw-ja", "en", "SCPOS:RW", 2),
        ("tconer-en", "zh", "TCONER", 2),
        ("tconer-en", "ja", "TCONER", 0),  # no such direction in the table
        ("scnm-en", "ja", "SCNM", 0),
        ("scpos-n-ja", "en", None, 0),  # no such dataset
        ("open-tcree-ja", "en", None, 0),
    ],
)
def test_the_paper_stands_beside_runs_of_its_datasets_and_directions(
    tmp_path, source, to, dataset, count
):
    found = report([write(tmp_path / "run", **split(2, 1), source=source, to=to)])
    assert [row.dataset for row in found.published] == [dataset] * count
    assert ("Beside the MMM paper's Table 7" in tables(found)) == bool(count)


# ---------------------------------------------------------------- examples


def test_examples_are_of_every_rule_and_the_same_in_every_run(tmp_path):
    dropped = [drafted(f"r{n}", rules=["copied", "chatter"][n % 2 :]) for n in range(40)]
    paths = [write(tmp_path / name, dropped=dropped) for name in ("one", "two")]
    found = report(paths, examples=4)
    assert found.rule_names == ("chatter", "copied")
    for rule in found.rule_names:
        shown = found.examples(rule)
        assert [one.run for one in shown] == ["one"] * 4 + ["two"] * 4
        assert [one.record.id for one in shown[:4]] == [one.record.id for one in shown[4:]]
        assert all(rule in one.rules for one in shown)
    write(tmp_path / "turned", dropped=dropped[::-1])
    turned = report([tmp_path / "turned"], examples=4).examples("copied")
    assert {o.record.id for o in turned} == {o.record.id for o in found.examples("copied")}
    assert not report(paths, examples=0).examples("copied")


def test_why_an_example_was_dropped_is_told(tmp_path):
    record = Record(
        "1", "scnm-en", "Ada left.", "", (Pair("people", "Ada", 0, 3), Pair("places", "Turin")),
        meta={"draft": {"steps": {}, "rules": ["entity-missing", "copied"],
                        "reasons": {"copied": "the text is the source's"}, "source": "エイダ"}},
    )  # fmt: skip
    found = report([write(tmp_path / "run", dropped=[record])])
    whys = {row[3]: row[4] for rule in found.rule_names
            for row in [(*_row(found, rule)[:3], rule, _row(found, rule)[4])]}  # fmt: skip
    assert whys == {
        "entity-missing": "not in the draft: Turin; also copied",
        "copied": "the text is the source's; also entity-missing",
    }
    assert found.examples("copied")[0].source == "エイダ"


def _row(found, rule):
    from pointline.draft.reporttables import examples

    return examples(found.examples(rule)).rows[0]


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


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)")
def test_a_browser_shows_the_page(shown, tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    (tmp_path / "page.html").write_text(page(shown), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
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
        browser.close()


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
    CHROMIUM is None or not os.environ.get("POINTLINE_PICTURES"),
    reason="makes a picture where POINTLINE_PICTURES names a folder, with Chromium",
)
def test_the_picture_of_the_documentation(tmp_path, monkeypatch):
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
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
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1100, "height": 900})
        tab.goto((tmp_path / "page.html").as_uri())
        picture = Path(os.environ["POINTLINE_PICTURES"]) / "translation-report.png"
        tab.screenshot(path=picture)
        browser.close()
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
