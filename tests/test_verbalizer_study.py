"""A whole study on a tiny model: what it writes, that it goes on, that seeds decide."""

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
from pointline.format.tasks import task
from pointline.model.runfolder import RunFolder
from pointline.study.plan import Plan
from pointline.study.results import read_study
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
