"""What a verbalizer study's report says: differences, intervals, published tables, caveats."""

import json
from dataclasses import replace

import pytest

from pointline.corpus.store import read_records
from pointline.errors import InputError
from pointline.format.record import Prediction, Record
from pointline.format.tasks import task
from pointline.score.comparison import compare
from pointline.score.tables import NONE
from pointline.study.plan import Plan, PlannedRun
from pointline.study.results import Run, Study
from pointline.study.verbalizer import caveats, pages, report


def planted(folder, first_right, second_right, *, name="scpos-n-ja", seeds=3):
    """A study of two verbalizers with so many right answers of 40 in each run."""
    asked = task(name)
    gold = [Record(f"{n}", name, f"第{n}", asked.labels[n % 2]) for n in range(40)]
    runs, finished = [], {}
    for verbalizer, right in (("items", second_right), ("related", first_right)):
        for seed in range(seeds):
            run = PlannedRun(
                f"{verbalizer}.{seed}", name, f"{verbalizer} / 20-shot lora", seed, 40, 40
            )
            path = folder / "runs" / run.id
            path.mkdir(parents=True)
            lines = []
            for n, record in enumerate(gold):
                good = (n + seed) % 40 < right
                label = record.label if good else asked.labels[1 - n % 2]
                lines.append(
                    json.dumps({"id": record.id, "task": name, "text": record.text, "label": label})
                )
            (path / "predictions.jsonl").write_text("\n".join(lines) + "\n")
            runs.append(run)
            finished[run.id] = Run(run, path, {"macro": 0.5, "words": {"a": 3}, "texts_cut": 1})
    told = {
        "verbalizers": ["items", "related"],
        "model": "m",
        "tokens": "joint",
        "aggregate": "mean",
        "tune": ["lora"],
        "shots": 20,
        "total": None,
        "least": 5,
    }
    facts = {"template": "{text} {mask}", "left_out": {}}
    return Study(
        folder, Plan(told, {name: facts}, tuple(runs)), {name: (asked, tuple(gold))}, finished
    )


def test_differences_are_those_of_compare(tmp_path):
    made = planted(tmp_path, 20, 36)
    found = report.find(made, resamples=500)
    [(key, by_dataset)] = found.differences.items()
    assert key == ("20-shot lora", "related", "items")  # the items' words are the second
    sides = [
        [read_records(run.predictions) for run in made.runs("scpos-n-ja", f"{name} / 20-shot lora")]
        for name in ("related", "items")
    ]
    wanted = compare(made.datasets["scpos-n-ja"][1], *sides, resamples=500).tl
    one = by_dataset["scpos-n-ja"]
    assert (one.value, one.p, one.interval) == (wanted.value, wanted.p, wanted.interval)
    assert one.value == pytest.approx(0.4) and str(one.verdict) == "helps"
    assert found.common == {"scpos-n-ja": 0.5}
    assert not found.circular


def test_a_run_in_which_nothing_is_drawn_stands_against_every_draw(tmp_path):
    """Scores and their difference say the same: a mean over all draws."""
    made = planted(tmp_path, 20, 36)
    finished = dict(made.finished)
    for seed, right in enumerate((36, 20, 4)):  # the other side's draws differ much
        lines = finished[f"items.{seed}"].predictions
        told = [json.loads(line) for line in lines.read_text().splitlines()]
        labels = made.datasets["scpos-n-ja"][0].labels
        for n, record in enumerate(told):
            record["label"] = labels[n % 2 if n < right else 1 - n % 2]
        lines.write_text("".join(json.dumps(record) + "\n" for record in told))
    alone = [run for run in made.plan.runs if run.id not in ("related.1", "related.2")]
    made = replace(
        made, plan=replace(made.plan, runs=tuple(alone)),
        finished={run.id: finished[run.id] for run in alone},
    )  # fmt: skip
    found = report.find(made, resamples=200)
    related, items = (
        found.value("scpos-n-ja", name, "20-shot lora") for name in ("related", "items")
    )
    assert (related.runs, items.runs) == (1, 3)
    assert (related.f1, items.f1) == pytest.approx((0.5, 0.5))
    one = found.differences["20-shot lora", "related", "items"]["scpos-n-ja"]
    assert one.value == pytest.approx(items.f1 - related.f1)
    assert one.interval.low < -0.2 and one.interval.high > 0.2  # the draws are its runs


def test_labels_that_a_rule_made_from_the_items_are_told(tmp_path):
    made = planted(tmp_path, 20, 36)
    asked, gold = made.datasets["scpos-n-ja"]
    gold = tuple(replace(record, meta={"corpus": "chabsa"}) for record in gold)
    made = replace(made, datasets={"scpos-n-ja": (asked, gold)})
    found = report.find(made, resamples=100)
    assert found.circular == {"scpos-n-ja"}
    assert "know the answer: scpos-n-ja" in pages.write_report(made, found)["report.md"].read_text()


def test_the_interval_of_a_condition_holds_runs_and_records(tmp_path):
    found = report.find(planted(tmp_path, 20, 36), resamples=500)
    value = found.value("scpos-n-ja", "items", "20-shot lora")
    assert value.f1 == pytest.approx(0.9) and value.runs == 3
    assert 0.7 < value.interval.low < 0.9 < value.interval.high <= 1


def test_a_single_run_that_is_all_right_has_an_interval(tmp_path):
    found = report.find(planted(tmp_path, 20, 40, seeds=1), resamples=100)
    value = found.value("scpos-n-ja", "items", "20-shot lora")
    assert value.f1 == 1 == value.interval.high
    assert value.interval.low == pytest.approx(0.9124, abs=1e-4)  # 40 / (40 + 1.96 ** 2)


def test_the_published_table_stands_beside_ours(tmp_path):
    table = report.beside_paper(report.find(planted(tmp_path, 20, 36), resamples=100))
    row = dict(zip(table.headers, table.rows[0], strict=True))
    assert (row["MMM origin"], row["MMM items"]) == ("73.71", "88.31")
    assert (row["Flow W/O KV"], row["Flow KV"]) == ("88.31", "73.71")
    assert (row["our related"], row["our items"], row["items - related"]) == (
        "50.00",
        "90.00",
        "+40.00",
    )
    english = planted(tmp_path / "en", 20, 36, name="scpos-n-en")
    row = report.beside_paper(report.find(english, resamples=100)).rows[0]
    assert row[2:6] == ("81.95", "88.70", NONE, NONE)


def test_the_report_is_written_and_says_what_is_missing(tmp_path):
    made = planted(tmp_path, 20, 36)
    made.finished.pop("items.2")
    found = report.find(made, resamples=100)
    files = pages.write_report(made, found)
    assert {path.name for path in files.values()} >= {
        "report.md", "report.html", "scores.csv", "verbalizers.png", "verbalizers.svg",
    }  # fmt: skip
    text = files["report.md"].read_text()
    assert "1 of 6 runs are not finished" in text and "88.31" in text and "Texts cut" in text
    assert "verbalizers.png" in text
    html = files["report.html"].read_text()
    assert "<svg" not in html and "data:image/svg+xml" in html and "<script" not in html
    drawn_rows = files["verbalizers.csv"].read_text().splitlines()
    assert drawn_rows[0].startswith("dataset,method,verbalizer,f1,low,high")
    assert found.to_dict()["missing"] == 1


def caveats_of(folder, facts, *, settings=(), metrics=()):
    made = planted(folder, 20, 36)
    plan = replace(
        made.plan, settings=made.plan.settings | dict(settings),
        datasets={"scpos-n-ja": made.plan.datasets["scpos-n-ja"] | facts},
    )  # fmt: skip
    finished = {
        name: replace(run, metrics=run.metrics | dict(metrics))
        for name, run in made.finished.items()
    }
    made = replace(made, plan=plan, finished=finished)
    page = pages.write_report(made, report.find(made, resamples=50))["report.md"].read_text()
    assert all(line in page for line in caveats.of_plan(plan))
    return " ".join((*caveats.of_plan(plan), *caveats.of_runs(made)))


def test_what_was_left_out_is_told_in_words(tmp_path):
    said = caveats_of(tmp_path, {"left_out": {"": 12, "中立<b>": 1}})
    assert "Left out are records without a label: scpos-n-ja 12." in said
    assert "fewer than 5 training records" in said and "scpos-n-ja 中立<b> (1)." in said
    assert "{" not in said and "''" not in said
    html = (tmp_path / "report.html").read_text()
    assert "中立&lt;b&gt; (1)" in html and "中立<b>" not in html


@pytest.mark.parametrize(
    ("asked", "by_class", "told"),
    [
        ({"shots": 999}, {"積極": 20, "消極": 12}, "scpos-n-ja 積極 20 of 999, 消極 12 of 999."),
        ({"total": 15}, {"積極": 8, "消極": 6}, "scpos-n-ja 消極 6 of 7."),
        ({"total": 1}, {"積極": 1, "消極": 0}, "nothing can be learned: scpos-n-ja 消極."),
        ({"shots": 12}, {"積極": 12, "消極": 12}, ""),
        ({"shots": 999, "tune": []}, {"積極": 20, "消極": 12}, ""),
    ],
)
def test_how_many_labelled_records_were_really_drawn_is_told(tmp_path, asked, by_class, told):
    said = caveats_of(tmp_path, {"shots_by_class": by_class}, settings=asked)
    assert told in said and ("abel" in said) == bool(told)


def test_what_longest_leaves_out_is_told(tmp_path):
    caveats_of(tmp_path / "any", {})
    caveats_of(tmp_path / "one", {}, settings={"longest": 1})
    said = "words of more tokens than 1 are left out, but not a class's own name"
    assert said not in (tmp_path / "any" / "report.md").read_text()
    assert said in (tmp_path / "one" / "report.md").read_text()


def test_words_alike_and_names_that_stand_in_are_told(tmp_path):
    said = caveats_of(tmp_path, {}, metrics={"words_alike": 2, "names_alone": ["積極"]})
    assert "cannot tell them apart: scpos-n-ja items 2 of 3, scpos-n-ja related 2 of 3." in said
    assert "stands in: scpos-n-ja items 積極; scpos-n-ja related 積極." in said


def test_a_study_without_a_finished_run_says_so(tmp_path):
    made = planted(tmp_path, 20, 36)
    made.finished.clear()
    with pytest.raises(InputError, match="no run is finished"):
        report.find(made)


def test_silence_scores_nothing():
    gold = [Record("1", "scpos-n-ja", "あ", "積極"), Record("2", "scpos-n-ja", "い", "消極")]
    silent = [Prediction(record.id, record.task, record.text) for record in gold]
    assert compare(gold, [silent], [gold], resamples=50).tl.first == 0
