"""A whole study on a tiny model: what it writes, that it goes on, that seeds decide; its report."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner
from verbalized import tiny_bert, tiny_causal, tiny_classified, tiny_gpt2, tiny_t5, word_file

from pointline.app.cli import app
from pointline.corpus.manifest import sha256
from pointline.corpus.store import read_records
from pointline.errors import InputError
from pointline.format.record import Prediction, Record
from pointline.format.tasks import task
from pointline.model.runfolder import RunFolder
from pointline.score.comparison import compare
from pointline.score.tables import NONE
from pointline.study.plan import Plan, PlannedRun
from pointline.study.results import Run, Study, read_study
from pointline.study.verbalizer import caveats, pages, report
from pointline.study.verbalizer import scorer as scoring
from pointline.study.verbalizer.plan import Settings, condition, drawn, method_of, planned
from pointline.study.verbalizer.sources import Source
from pointline.study.verbalizer.study import run_study
from pointline.study.verbalizer.template import template_for


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("verbalizers")
    tiny_causal(folder / "causal")
    tiny_classified(folder / "data", langs=("ja", "en"))
    (folder / "words").mkdir()
    for lang in ("ja", "en"):
        word_file(folder / "words" / f"scnm-{lang}.json", lang)
    return folder


@pytest.fixture(scope="module")
def settings(place):
    return Settings(
        (str(place / "data"),), model=str(place / "causal"), shots=3, seeds=2, test=10,
        verbalizers=("label", "items", f"related:{place / 'words'}"), words=12, least=3,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study(place, settings):
    return run_study(settings, place / "out")


def no_model():
    raise AssertionError("the model was loaded")


# ---------------------------------------------------------------- the plan


def test_what_is_drawn_follows_from_the_seed(settings):
    first, again = drawn(settings), drawn(settings)
    assert first == again
    other = drawn(replace(settings, seed=1))
    assert [d.test for d in first] != [d.test for d in other]
    for found in first:
        assert len(found.test) == 10
        assert found.shots[0] != found.shots[1]
        for shots in found.shots:
            counts = [sum(r.label == label for r in shots) for label in found.task.labels]
            assert counts == [3] * len(found.task.labels)
            assert not {r.id for r in shots} & {r.id for r in found.test}


def test_a_total_is_spread_over_the_classes(settings):
    found = drawn(replace(settings, total=7))[0]
    labels = found.task.labels
    counts = [sum(r.label == label for r in found.shots[0]) for label in labels]
    assert sum(counts) == 7 and max(counts) - min(counts) <= 1
    assert replace(settings, total=7).methods[-1] == "7-text weights"


def test_rare_classes_are_left_out_and_counted(settings):
    found = drawn(replace(settings, least=8))[0]
    assert 1 < len(found.task.labels) < 5
    assert set(found.left_out) == set(task(found.task.name).labels) - set(found.task.labels)
    with pytest.raises(InputError, match=r"fewer than two classes .* give a smaller --least"):
        drawn(replace(settings, least=500))


def test_one_class_is_none_whatever_least_is(settings, place, tmp_path):
    shutil.copytree(place / "data" / "scnm-ja", tmp_path / "scnm-ja")
    for split in ("train", "test"):
        file = tmp_path / "scnm-ja" / f"{split}.jsonl"
        records = [json.loads(line) | {"label": "文芸"} for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(InputError, match="two classes are needed") as found:
        drawn(replace(settings, data=(str(tmp_path / "scnm-ja"),)))
    assert "scnm-ja" in str(found.value) and "--least" not in str(found.value)


def test_what_draws_nothing_has_one_run(settings):
    plan = planned(replace(settings, verbalizers=("items", "items:shots")), drawn(settings)[:1])
    seeds = {}
    for run in plan.runs:
        seeds.setdefault(run.condition, []).append(run.seed)
    assert seeds == {
        "items / zero-shot": [0], "items / calibrated": [0], "items / 3-shot weights": [0, 1],
        "items:shots / zero-shot": [0, 1], "items:shots / calibrated": [0, 1],
        "items:shots / 3-shot weights": [0, 1],
    }  # fmt: skip
    assert len({run.id for run in plan.runs}) == len(plan.runs)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))).runs == plan.runs


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"verbalizers": ("words",)}, "no verbalizer 'words'"),
        ({"verbalizers": ("label", "label")}, "twice"),
        ({"verbalizers": ()}, "a verbalizer or more"),
        ({"tune": ("prefix",)}, "weights, lora, full"),
        ({"tokens": "all"}, "joint, first"),
        ({"aggregate": "median"}, "mean, max, log-sum"),
        ({"templates": {"ja": "{text}"}}, "{mask} once"),
        ({"templates": {"fr": "{text} {mask}"}}, "en, ja, zh"),
        ({"shots": 0}, "shots is 1 or more"),
        ({"epochs": 0}, "1 or more"),
    ],
)
def test_settings_that_cannot_be(settings, change, why):
    with pytest.raises(InputError, match=why):
        replace(settings, **change)


def test_data_that_cannot_be(settings, tmp_path):
    with pytest.raises(InputError, match="neither a dataset folder"):
        drawn(replace(settings, data=(str(tmp_path),)))
    shutil.copytree(f"{settings.data[0]}/scnm-ja", tmp_path / "other" / "scnm-ja")
    with pytest.raises(InputError, match="two datasets are called"):
        drawn(replace(settings, data=(f"{settings.data[0]}/scnm-ja", str(tmp_path / "other"))))


def test_lists_whose_paths_look_alike_have_runs_of_their_own(settings, place, tmp_path):
    (tmp_path / "q").mkdir()
    names = [f"{tmp_path}/q/a.json", f"{tmp_path}/q-a.json", f"{tmp_path}/{'long' * 40}.json"]
    for name in names:
        word_file(Path(name), "ja")
    mine = replace(
        settings, data=(f"{settings.data[0]}/scnm-ja",), tune=(),
        verbalizers=("label", *(f"related:{name}" for name in names)),
    )  # fmt: skip
    ids = [run.id for run in planned(mine, drawn(mine)).runs]
    assert len(set(ids)) == len(ids) == 2 * 4
    assert ids[0] == "scnm-ja.label.zero-shot.0" and max(map(len, ids)) < 100


def test_lists_are_read_when_a_study_is_planned(settings, place, tmp_path):
    """The first dataset has its list, the second has none, or one that is none."""
    shutil.copy(place / "words" / "scnm-en.json", tmp_path / "scnm-en.json")
    mine = replace(settings, verbalizers=(f"label+related:{tmp_path}",))
    with pytest.raises(InputError, match=r"scnm-ja\.json: cannot be read"):
        run_study(mine, tmp_path / "out", load=no_model)
    assert not (tmp_path / "out").exists()
    (tmp_path / "scnm-ja.json").write_text("{")
    done = CliRunner().invoke(
        app,
        ["study", "verbalizer", settings.data[0], "--verbalizers", f"related:{tmp_path}",
         "--least", "3", "--out", str(tmp_path / "out"), "--dry-run"],
    )  # fmt: skip
    assert isinstance(done.exception, InputError) and "not JSON" in str(done.exception)


def test_a_list_is_read_once(settings, place, tmp_path):
    shutil.copytree(place / "words", tmp_path / "words")
    mine = replace(settings, verbalizers=(f"related:{tmp_path / 'words'}",), tune=())
    found = drawn(mine)[0]
    shutil.rmtree(tmp_path / "words")
    [one] = found.lists.values()
    made = Source(mine.verbalizers[0]).verbalizer(
        found.task, found.known, found.shots[0], lists=found.lists
    )
    assert made.classes == one.verbalizer.classes


def test_what_a_study_rests_on_is_in_its_plan(settings, place):
    facts = drawn(replace(settings, verbalizers=("related", f"related:{place / 'words'}")))[1]
    told = facts.facts()
    for split in ("train", "test"):
        assert told["sha256"][split] == sha256(place / "data" / "scnm-ja" / f"{split}.jsonl")
    ours, mine = told["lists"].values()
    assert ours["file"] == "scnm-ja.json" and len(ours["sha256"]) == 64
    assert mine == {
        "file": str(place / "words" / "scnm-ja.json"),
        "sha256": sha256(place / "words" / "scnm-ja.json"),
    }
    assert told["shots_by_class"] == dict.fromkeys(told["classes"], 3)


def test_items_are_not_asked_of_data_without(settings, place, tmp_path):
    shutil.copytree(place / "data" / "scnm-ja", tmp_path / "scnm-ja")
    for split in ("train", "test"):
        file = tmp_path / "scnm-ja" / f"{split}.jsonl"
        records = [json.loads(line) | {"pairs": []} for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
    for name in ("items", "label+items:shots"):
        with pytest.raises(InputError, match="no training record has an item"):
            drawn(replace(settings, data=(str(tmp_path / "scnm-ja"),), verbalizers=(name,)))
    assert drawn(replace(settings, data=(str(tmp_path / "scnm-ja"),), verbalizers=("label",)))


# ---------------------------------------------------------------- the runs


def test_a_study_writes_the_folder_of_every_study(study, settings):
    assert not study.missing and len(study.finished) == 2 * 3 * (1 + 1 + 2)
    assert set(study.datasets) == {"scnm-en", "scnm-ja"}
    for run in study.finished.values():
        predicted = read_records(run.predictions)
        gold_task, gold = study.datasets[run.planned.dataset]
        assert [p.id for p in predicted] == [g.id for g in gold]
        assert all(p.label in gold_task.labels and 0 < p.scores["label"] <= 1 for p in predicted)
        right = sum(p.label == g.label for p, g in zip(predicted, gold, strict=True))
        assert run.metrics["tl"] == pytest.approx(right / len(gold))
        words = json.loads((run.folder / "verbalizer.json").read_text())
        assert {c: len(w) for c, w in words.items()} == run.metrics["words"]


def test_it_goes_on_and_does_nothing_twice(place, settings, study):
    once = {run: found.predictions.read_bytes() for run, found in study.finished.items()}
    copy = place / "copy"
    shutil.copytree(study.folder, copy)
    for run in list(study.finished)[3:7]:
        shutil.rmtree(copy / "runs" / run)
    again = run_study(settings, copy)
    assert {run: found.predictions.read_bytes() for run, found in again.finished.items()} == once
    assert read_study(copy).finished.keys() == study.finished.keys()
    run_study(settings, copy, load=no_model)


def test_word_scores_are_kept(place, settings, study, monkeypatch):
    copy = place / "kept"
    shutil.copytree(study.folder, copy)
    shutil.rmtree(copy / "runs")
    monkeypatch.setattr(scoring, "score_prompts", no_model)
    monkeypatch.setattr("pointline.study.verbalizer.scored.score_prompts", no_model)
    assert run_study(settings, copy).finished.keys() == study.finished.keys()
    file = next(copy.glob("scores/*/*.npy"))
    file.write_bytes(b"half")
    shutil.rmtree(copy / "runs")
    with pytest.raises(InputError, match="remove it"):
        run_study(settings, copy)


def test_another_study_needs_another_folder(settings, study, tmp_path):
    with pytest.raises(InputError, match="another shots"):
        run_study(replace(settings, shots=2), study.folder)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds no run"):
        run_study(settings, tmp_path)


@pytest.fixture
def begun(place, settings, tmp_path):
    """A study of one dataset and one list, finished, both in a folder of its own; its settings."""
    shutil.copytree(place / "data" / "scnm-ja", tmp_path / "data" / "scnm-ja")
    shutil.copytree(place / "words", tmp_path / "words")
    mine = replace(
        settings, data=(str(tmp_path / "data"),), verbalizers=(f"related:{tmp_path / 'words'}",),
        tune=(), seeds=1, test=4,
    )  # fmt: skip
    run_study(mine, tmp_path / "out")
    return mine


def files_of(folder):
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def relabelled(path):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    labels = [record["label"] for record in records]
    turned = [
        record | {"label": label} for record, label in zip(records, labels[::-1], strict=True)
    ]
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in turned))


def other_words(path):
    words = json.loads(path.read_text())
    path.write_text(json.dumps(dict(zip(words, list(words.values())[::-1], strict=True))))


@pytest.mark.parametrize(
    ("file", "change", "told"),
    [
        ("data/scnm-ja/test.jsonl", relabelled, "test split of scnm-ja"),
        ("data/scnm-ja/train.jsonl", relabelled, "train split of scnm-ja"),
        ("words/scnm-ja.json", other_words, "list .*words/scnm-ja.json"),
    ],
)
def test_what_has_changed_is_named_before_anything_is_written(begun, tmp_path, file, change, told):
    """Same ids, same settings, one run to do: it would be of other data than the others."""
    out = tmp_path / "out"
    next(out.glob("runs/*/metrics.json")).unlink()
    before = files_of(out)
    change(tmp_path / file)
    with pytest.raises(InputError, match=f"begun with another {told}: give another --out") as found:
        run_study(begun, out, load=no_model)
    assert "\n" not in str(found.value)
    assert files_of(out) == before


def test_a_study_without_digests_is_not_gone_on_with(begun, tmp_path):
    plan = RunFolder(tmp_path / "out")
    values = plan.read("plan.json")
    del values["datasets"]["scnm-ja"]["sha256"]
    plan.write("plan.json", values)
    with pytest.raises(InputError, match="noted no digests of scnm-ja"):
        run_study(begun, tmp_path / "out", load=no_model)


def test_other_datasets_under_the_same_settings_are_told(begun, place, tmp_path):
    shutil.copytree(place / "data" / "scnm-en", tmp_path / "data" / "scnm-en")
    with pytest.raises(InputError, match="another choice of datasets"):
        run_study(begun, tmp_path / "out", load=no_model)


def test_zero_shot_is_what_the_words_say(study, settings):
    """One run, recomputed from the model alone."""
    run = study.runs("scnm-ja", condition("items", "zero-shot"))[0]
    found = next(d for d in drawn(settings) if d.name == "scnm-ja")
    words = json.loads((run.folder / "verbalizer.json").read_text())
    scorer = scoring.load(settings.model)
    spelled = scorer.frame.spell(
        list(dict.fromkeys(word for some in words.values() for word in some)), found.template
    )
    for record, predicted in zip(found.test, read_records(run.predictions), strict=True):
        scores = scoring.score_prompts(
            scorer, [scorer.frame.prompt(record.text, found.template)], spelled
        )
        of = dict(zip(scores.words, scores.values[0], strict=True))
        means = {label: sum(of[w] for w in ws) / len(ws) for label, ws in words.items()}
        assert predicted.label == max(means, key=means.get)


def test_classes_that_have_the_same_first_tokens_are_refused(place, settings, tmp_path):
    """The tiny tokenizer writes Japanese in bytes, many characters with the same first one."""
    words = tmp_path / "words.json"
    labels = task("scnm-ja").labels
    given = dict(zip(labels, (["文芸"], ["斉"], ["森", "文"], ["川"], ["海"]), strict=True))
    words.write_text(json.dumps(given))
    spelled = scoring.load(settings.model).frame.spell(
        ["文芸", "斉"], template_for(task("scnm-ja")), how="first"
    )
    assert len(set(spelled.tokens.values())) == 1
    mine = replace(
        settings, data=(f"{settings.data[0]}/scnm-ja",), tune=(), seeds=1, test=4, least=1,
        verbalizers=("label", f"related:{words}"), tokens="first",
    )  # fmt: skip
    with pytest.raises(InputError, match=r"same tokens.* give --tokens joint"):
        run_study(mine, tmp_path / "out")
    # nothing is begun: the remedy works in the same folder
    done = run_study(replace(mine, tokens="joint"), tmp_path / "out")
    assert {run.metrics["words_alike"] for run in done.finished.values()} == {0}


def test_a_window_that_the_texts_fill(place, settings, tmp_path):
    """A model breaks on what stands behind its last place."""
    file = tmp_path / "words.json"
    words = {label: [f"{label}についての長い小説"] for label in task("scnm-ja").labels}
    file.write_text(json.dumps(words))
    mine = replace(
        settings, data=(f"{settings.data[0]}/scnm-ja",), tune=(), test=4, seeds=1,
        model=str(tiny_gpt2(tmp_path / "model", window=32)), verbalizers=(f"related:{file}",),
    )  # fmt: skip
    done = run_study(mine, tmp_path / "out")
    assert all(run.metrics["texts_cut"] for run in done.finished.values())


@pytest.mark.parametrize("make", [tiny_t5, tiny_bert])
def test_other_kinds_of_models_and_a_tuned_one(place, settings, tmp_path, make):
    small = replace(
        settings, data=(f"{settings.data[0]}/scnm-ja",), model=str(make(tmp_path / "model")),
        verbalizers=("items",), tune=("lora",), seeds=1, test=4, words=3, epochs=1,
    )  # fmt: skip
    found = run_study(small, tmp_path / "out")
    tuned = found.runs("scnm-ja", "items / 3-shot lora")[0]
    assert len(tuned.metrics["losses"]) == -(-tuned.planned.train // 4)
    again = run_study(small, tmp_path / "again")
    other = again.runs("scnm-ja", "items / 3-shot lora")[0]
    assert other.metrics["losses"] == tuned.metrics["losses"]
    assert other.predictions.read_bytes() == tuned.predictions.read_bytes()


# ---------------------------------------------------------------- the report


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


def test_a_class_without_items_is_called_by_its_name_and_told(settings, tmp_path):
    data = tmp_path / "scnm-ja"
    shutil.copytree(f"{settings.data[0]}/scnm-ja", data)
    train = [json.loads(line) for line in (data / "train.jsonl").read_text().splitlines()]
    for record in train:
        record["pairs"] = [] if record["label"] == "文芸" else record["pairs"]
    (data / "train.jsonl").write_text("".join(json.dumps(record) + "\n" for record in train))
    mine = replace(
        settings, data=(str(data),), verbalizers=("label", "items"), tune=(), seeds=1, test=4
    )
    done = run_study(mine, tmp_path / "out")
    for run in done.finished.values():
        named = {"文芸"} if run.planned.condition.startswith("items") else set()
        assert set(run.metrics["names_alone"]) == named


def test_a_study_without_a_finished_run_says_so(tmp_path):
    made = planted(tmp_path, 20, 36)
    made.finished.clear()
    with pytest.raises(InputError, match="no run is finished"):
        report.find(made)


def test_silence_scores_nothing():
    gold = [Record("1", "scpos-n-ja", "あ", "積極"), Record("2", "scpos-n-ja", "い", "消極")]
    silent = [Prediction(record.id, record.task, record.text) for record in gold]
    assert compare(gold, [silent], [gold], resamples=50).tl.first == 0


# ---------------------------------------------------------------- the command


def test_the_command(place, settings, study, tmp_path):
    command = [
        "study", "verbalizer", "--data", settings.data[0], "--model", settings.model,
        "--verbalizers", ",".join(settings.verbalizers), "--shots", "3", "--seeds", "2",
        "--test", "10", "--words", "12", "--least", "3", "--resamples", "100",
    ]  # fmt: skip
    done = CliRunner().invoke(app, [*command, "--out", str(study.folder)])
    assert done.exit_code == 0, done.output
    assert "24 of 24 runs" in done.output
    assert (study.folder / "report.html").is_file()
    told = CliRunner().invoke(app, [*command, "--out", str(study.folder), "--json"])
    values = json.loads(told.stdout)
    assert len(values["values"]) == 18 and values["missing"] == 0
    plan = CliRunner().invoke(
        app, [*command, "--out", str(tmp_path / "none"), "--dry-run", "--json"]
    )
    assert len(json.loads(plan.stdout)["runs"]) == 24 and not (tmp_path / "none").exists()


def test_the_command_tells_of_shots_that_there_are_not(place, settings, tmp_path):
    command = [
        "study", "verbalizer", f"{settings.data[0]}/scnm-ja", "--model", settings.model,
        "--verbalizers", "label", "--shots", "999", "--seeds", "1", "--test", "4", "--least", "3",
        "--resamples", "50", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    for more in ([], ["--dry-run"]):
        done = CliRunner().invoke(app, [*command, *more])
        assert done.exit_code == 0, done.output
        assert "fewer labelled records to draw than asked for: scnm-ja" in done.output
        assert " of 999" in done.output


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (["--template", "{text}"], "LANG=PATTERN"),
        (["--verbalizers", "nouns"], "no verbalizer"),
        (["--tune", "prefix"], "weights, lora, full"),
    ],
)
def test_a_command_that_cannot_be(settings, tmp_path, option, why):
    done = CliRunner().invoke(
        app, ["study", "verbalizer", settings.data[0], "--out", str(tmp_path / "out"), *option]
    )
    assert isinstance(done.exception, InputError) and why in str(done.exception)


def test_conditions_have_names_that_can_be_taken_apart():
    assert method_of(condition("related:a / b.json", "20-shot lora")) == (
        "related:a / b.json",
        "20-shot lora",
    )
