"""A whole ablation with a tiny model, and what makes its comparisons fair."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from studied import small_datasets, small_design
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus.store import read_records
from pointline.errors import InputError, ModelError
from pointline.study import schedule
from pointline.study.ablation import plan_study, train_folder
from pointline.study.condition import CONDITIONS
from pointline.study.design import Design, training
from pointline.study.results import read_study
from pointline.study.schedule import Here, run_study
from pointline.study.workers import processes


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return small_datasets(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def design(base) -> Design:
    return small_design(base)


@pytest.fixture(scope="module")
def finished(data, base, tmp_path_factory):
    """A complete study of all conditions, made by the command; its folder and what it printed."""
    folder = tmp_path_factory.mktemp("study") / "out"
    told = CliRunner().invoke(app, [*_command(data, base, folder), "--json"])
    assert told.exit_code == 0, told.output
    return folder, json.loads(told.stdout)


def _command(data, base, folder):
    options = {
        "--model": base, "--out": folder, "--seeds": "0", "--examples": 8, "--test": 7,
        "--epochs": 2, "--learning-rate": 0.01, "--rank": 4, "--batch-tokens": 512,
        "--max-length": 256, "--max-new-tokens": 48, "--dtype": "float32",
    }  # fmt: skip
    pairs = [str(part) for pair in options.items() for part in pair]
    return ["study", "ablation", str(data), *pairs]


# ---------------------------------------------------------------- a whole study


def test_a_complete_ablation(finished):
    folder, told = finished
    study = read_study(folder)
    assert told["runs"] == told["finished"] == told["made"] == 3 * len(CONDITIONS) == 24
    assert study.missing == () and not told["failed"]
    for run in study.finished.values():
        task_, gold = study.datasets[run.planned.dataset]
        made = read_records(run.predictions)
        assert sorted(record.id for record in made) == sorted(record.id for record in gold)
        assert {record.task for record in made} == {task_.name}
        scores = run.metrics["scores"]
        scored = run.planned.how.scored
        assert {key for key in ("tl", "wl", "all") if scores[key] is not None} <= set(scored)
        assert scores["well_formed"] == 1.0
        assert (run.metrics["training"] is None) == bool(run.planned.how.model)
        assert not (run.folder / "training").exists()  # models are removed unless asked for
        if not run.planned.how.model:
            assert [row["step"] for row in run.curve] == list(range(1, len(run.curve) + 1))
            assert run.metrics["training"]["steps"] == len(run.curve)


def test_one_level_is_asked_where_one_is_asked(finished):
    study = read_study(finished[0])
    for run in study.finished.values():
        made = read_records(run.predictions)
        if "tl" not in run.planned.how.scored:
            assert not any(record.label for record in made)
        if "wl" not in run.planned.how.scored:
            assert not any(record.items for record in made)


def test_too_long_records_are_left_out_and_counted(finished):
    facts = read_study(finished[0]).plan.datasets["scnm-ja"]
    assert facts["test"] == {**facts["test"], "records": 6, "left_out": {"too long": 1}}
    assert facts["train"]["0"]["records"] == 8


def test_what_is_shown_is_what_the_other_run_predicted(finished):
    study = read_study(finished[0])
    (run,) = study.runs("scnm-zh", "text+predicted items->label")
    (source,) = study.runs("scnm-zh", "text->items")
    said = {record.id: record for record in read_records(source.predictions)}
    shown = read_records(run.given)
    assert len(shown) == 6
    for record in shown:
        assert record.label == "" and record.items == said[record.id].items


def test_a_finished_study_does_nothing_again(finished, data, base):
    folder, _ = finished
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/predictions.jsonl")}
    told = CliRunner().invoke(app, _command(data, base, folder))
    assert told.exit_code == 0 and "24 of 24 runs are finished" in told.output
    assert "text+predicted items->label" in told.output
    assert before == {path: path.stat().st_mtime_ns for path in before}


# ---------------------------------------------------------------- fair comparisons


def test_conditions_share_weights_batches_and_vocabulary(finished, data, design, tmp_path):
    import torch

    from pointline.corpus.store import read_dataset
    from pointline.model.job import describe, prepare
    from pointline.model.runfolder import RunFolder

    folder, _ = finished
    drawn = train_folder(folder, "scnm-en", 0)
    jobs = []
    for condition in CONDITIONS.values():
        config = training(design, condition, drawn, tmp_path, seed=0)
        sets = [(drawn, read_dataset(drawn))]
        jobs.append(prepare(config, sets, RunFolder(tmp_path), describe(config, sets), None))
    first, *others = jobs
    learned = {tuple((e.tokens, e.prompt) for e in job.examples) for job in jobs}
    assert len(learned) == len(design.forms) == 6
    for job in others:
        assert job.steps == first.steps
        assert [e.id for e in job.examples] == [e.id for e in first.examples]
        assert job.learner.weights.keys() == first.learner.weights.keys()
        for name, weight in first.learner.weights.items():
            assert torch.equal(weight, job.learner.weights[name])
        assert job.learner._numbers == first.learner._numbers


def test_seeds_draw_other_records_and_one_test_set(data, design, tmp_path):
    some = replace(design, seeds=(0, 1), examples=4, test=3, conditions=("text->label",))
    plan_study(tmp_path / "a", [data / "scnm-en"], some)
    ids = [
        [r.id for r in read_records(train_folder(tmp_path / "a", "scnm-en", seed) / "train.jsonl")]
        for seed in (0, 1)
    ]
    assert ids[0] != ids[1] and len(ids[0]) == len(ids[1]) == 4
    assert len(read_study(tmp_path / "a").datasets["scnm-en"][1]) == 3


_TWO = ("text+label->items", "text+predicted label->items")


def test_cross_fitted_models_learn_from_predictions(data, design, tmp_path):
    """What is shown in training is what a model said that had not seen the record."""
    name = "text+predicted label->items"
    made = replace(design, conditions=(name,), predicted_training="crossfit", epochs=1)
    plan = plan_study(tmp_path, [data / "scnm-en"], made)
    runs = {run.condition: run for run in plan.runs}
    own = runs["text->label"].tokens[0] + runs["text+label->items"].tokens[0]
    assert runs[name].tokens[0] == own
    assert run_study(tmp_path, Here(), keep_models=True).finished
    place = tmp_path / "runs" / runs[name].id
    gold = read_records(train_folder(tmp_path, "scnm-en", 0) / "train.jsonl")
    halves = [read_records(place / "crossfit" / f"half-{n}" / "train.jsonl") for n in (0, 1)]
    assert sorted(r.id for half in halves for r in half) == sorted(r.id for r in gold)
    shown = read_records(place / "crossfit" / "shown.jsonl")
    assert len(shown) == 8 and not any(record.items for record in shown)
    study = read_study(tmp_path)
    steps = [study.finished[runs[key].id].metrics["training"]["steps"] for key in _TWO]
    assert steps[0] == steps[1] > 0
    config = json.loads((place / "training" / "config.json").read_text())
    assert len(config["given"]) == 64 and config["form"]["given"] == "text"


# ---------------------------------------------------------------- plans


def test_a_dry_run_writes_nothing(data, base, tmp_path):
    command = [*_command(data, base, tmp_path / "dry"), "--dry-run"]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0 and "24 runs" in told.output
    assert not (tmp_path / "dry").exists()
    runs = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)["runs"]
    tokens = {run["condition"]: run["tokens"] for run in runs if run["dataset"] == "scnm-en"}
    assert tokens["text+label->items"][0] > tokens["text->items"][0] > 0
    assert tokens["text+predicted label->items"][0] == 0 < tokens["text->label"][1]


def test_a_study_grows_by_datasets_seeds_and_conditions(data, design, tmp_path):
    small = replace(design, conditions=("text->label",))
    plan_study(tmp_path, [data / "scnm-en"], small)
    plan = plan_study(tmp_path, [data / "scnm-ja"], replace(small, seeds=(1,)))
    assert [run.id for run in plan.runs] == ["scnm-en.text-label.0", "scnm-ja.text-label.1"]
    grown = replace(small, conditions=("joint:items-first",))
    plan = plan_study(tmp_path, [data / "scnm-en"], grown)
    assert [run.id for run in plan.runs][:2] == [
        "scnm-en.text-label.0",
        "scnm-en.joint-items-first.0",
    ]
    assert len(plan.runs) == 3 and plan.settings["seeds"] == [0, 1]


def test_other_settings_are_refused_in_one_line(finished, data, design, tmp_path):
    folder, _ = finished
    sets = [data / "scnm-en"]
    for changed in ({"epochs": 3}, {"template": _pointline()}, {"test": 5}):
        name = next(iter(changed))
        with pytest.raises(InputError, match=f"another {name}") as caught:
            plan_study(folder, sets, replace(design, **changed))
        assert "\n" not in str(caught.value)
    copy = tmp_path / "scnm-en"
    shutil.copytree(data / "scnm-en", copy)
    (copy / "test.jsonl").write_text((data / "scnm-ja" / "test.jsonl").read_text())
    with pytest.raises(InputError, match="changed since"):
        plan_study(folder, [copy], design)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("x")
    with pytest.raises(InputError, match="holds no study"):
        plan_study(tmp_path / "full", sets, design)
    with pytest.raises(InputError, match="two datasets"):
        plan_study(tmp_path / "twins", [data / "scnm-en", copy], design)
    with pytest.raises(InputError, match="needs a dataset"):
        plan_study(tmp_path / "none", [], design)
    with pytest.raises(InputError, match=r"train\.jsonl is not there"):
        plan_study(tmp_path / "none", [tmp_path / "full"], design)
    with pytest.raises(InputError, match="no record of the train split fits"):
        plan_study(tmp_path / "none", sets, replace(design, max_length=8))


def _pointline():
    from pointline.model.form import POINTLINE

    return POINTLINE


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seeds", "one"], "whole numbers"),
        (["--seeds", "1,1"], "different numbers"),
        (["--template", "x"], "paper, pointline"),
        (["--conditions", "half"], "no condition 'half'"),
    ],
)
def test_what_was_mistyped_is_told(data, base, tmp_path, options, told):
    made = CliRunner().invoke(app, [*_command(data, base, tmp_path / "x"), *options])
    assert isinstance(made.exception, InputError) and told in str(made.exception)


# ---------------------------------------------------------------- going on


def _rows(folder: Path, run: str) -> list[str]:
    return sorted((folder / "runs" / run / "predictions.jsonl").read_text().split("\n"))


def test_a_killed_study_goes_on_to_the_same_end(finished, data, base, tmp_path):
    wanted, _ = finished
    folder = tmp_path / "killed"
    shutil.copytree(data / "scnm-en", tmp_path / "scnm-en")
    command = [*_command(tmp_path / "scnm-en", base, folder), "--conditions", "text->items,paper"]
    process = subprocess.Popen([sys.executable, "-m", "pointline", *command], env={**os.environ})
    first = folder / "runs" / "scnm-en.text-items.0" / "metrics.json"
    second = folder / "runs" / "scnm-en.text+label-items.0"
    deadline = time.monotonic() + 120
    while not (first.exists() and second.exists()) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert read_study(folder).missing
    stamp = first.stat().st_mtime_ns
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert first.stat().st_mtime_ns == stamp  # what was finished is not done again
    for run in read_study(folder).finished:
        assert _rows(folder, run) == _rows(wanted, run)


def test_two_processes_give_what_one_gives(finished, data, design, tmp_path):
    wanted, _ = finished
    plan = plan_study(
        tmp_path, [data / "scnm-ja"], replace(design, conditions=("text+predicted label->items",))
    )
    assert len(plan.runs) == 3
    with processes(2) as workers:
        outcome = run_study(tmp_path, workers)
    assert outcome.finished and outcome.made == 3
    for run in plan.runs:
        assert _rows(tmp_path, run.id) == _rows(wanted, run.id)


def test_a_run_that_fails_leaves_out_those_that_need_it(data, design, tmp_path, monkeypatch):
    conditions = ("text->items", "text+predicted label->items")
    plan_study(tmp_path, [data / "scnm-en"], replace(design, conditions=conditions))
    asked = []

    def execute(folder, run, **_):
        asked.append(run.id)
        if run.condition == "text->label":
            raise ModelError("the loss became nan")
        return True

    monkeypatch.setattr(schedule, "execute", execute)
    done = []
    outcome = run_study(tmp_path, Here(), done=lambda run: done.append(run.condition))
    assert not outcome.finished and outcome.failed == {
        "scnm-en.text-label.0": "the loss became nan"
    }
    assert done == ["text->items", "text+label->items"]
    assert len(asked) == 3


def test_an_interrupted_run_ends_the_study(data, design, tmp_path, monkeypatch):
    plan_study(tmp_path, [data / "scnm-en"], replace(design, conditions=("paper",)))
    monkeypatch.setattr(schedule, "execute", lambda *_, **__: False)
    outcome = run_study(tmp_path, Here())
    assert (outcome.made, outcome.failed, outcome.finished) == (0, {}, False)
