"""The comparison of version 1: what is scored, what is common, what the tables say."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pointline.corpus.store import write_dataset, write_records
from pointline.format.record import Pair, Record
from pointline.format.tasks import LANGUAGES, adhoc, task

ROOT = Path(__file__).parents[1]


@pytest.fixture
def versions(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import adapter_v1

    return adapter_v1


def gold(name, number, kind="person"):
    text = f"Ada {number} 走过🌧 Turin."
    labels = ("news", "music") if name.startswith("tconer") else ("Society", "Nature")
    kind = "people" if name.startswith("scnm") else kind
    return Record(f"{name}-{number}", name, text, labels[number % 2], (Pair(kind, "Ada", 0, 3),))


@pytest.fixture
def sets(versions):
    made = [
        versions.Tested(name, task(name), tuple(gold(name, n) for n in range(12)), gold(name, 99))
        for name in ("scnm-en", "tconer-en")
    ]
    music = tuple(gold("tconer-en", n, "band") for n in range(12, 16))
    tconer = replace(made[1], records=made[1].records + music)
    held = versions.Tested("music-en", task("tconer-en"), music, gold("tconer-en", 99), beside=True)
    return [made[0], tconer, held]


def said(sets, wrong):
    """Predictions in which every `wrong`th text label is wrong."""
    return {
        each.name: [
            replace(r, label="Nature" if each.name == "scnm-en" else "music")
            if n % wrong == 0
            else r
            for n, r in enumerate(each.records)
        ]
        for each in sets
    }


def test_the_better_system_is_told_and_what_is_missing_is_left_out(versions, sets):
    worse, better = said(sets, 2), said(sets, 50)
    single = {"scnm-en": worse["scnm-en"][:5]}
    told = versions.results(
        sets, {versions.V1: better, versions.V0: worse, versions.SINGLE: single}
    )
    assert json.loads(json.dumps(told)) == told
    scores = told["systems"]
    assert scores[versions.V1]["scnm-en"]["tl"]["f1"] > scores[versions.V0]["scnm-en"]["tl"]["f1"]
    assert scores[versions.SINGLE]["scnm-en"]["records"] == 5
    assert "tconer-en" not in scores[versions.SINGLE]
    whole = told["differences"]["version 1 against version 0"]["datasets"]
    assert set(whole["tasks"]) == {"scnm-en", "tconer-en"}
    alone = told["differences"]["version 1 against one task each"]
    assert alone["datasets"]["records"] == 5 and alone["held out"] == {}
    part = "tconer-en, types trained on"
    assert scores[versions.V1][part]["records"] == 12
    assert scores[versions.V1]["tconer-en"]["records"] == 16


def test_a_set_may_be_asked_as_another_task_than_its_records(versions, sets):
    listed = replace(sets[1], name=f"tconer-en{versions.LISTED}", task=adhoc(word="NER"))
    answers = [replace(r, task="adhoc") for r in listed.records]
    assert versions.scored(listed, answers)["all"] == 1.0


class Runs:
    """What `of_one_task` asks of a study: the folders of the runs of each condition."""

    def __init__(self, folder, **conditions):
        self.folder, self.conditions = folder, conditions

    def runs(self, dataset, condition):
        name = condition.replace("->", "_").replace(":", "_").replace("-", "_")
        records = self.conditions.get(name, {}).get(dataset)
        if records is None:
            return []
        file = self.folder / f"{name}.jsonl"
        write_records(file, records)
        return [argparse.Namespace(predictions=file)]

    def both(self, dataset, first, second):
        found = self.runs(dataset, first), self.runs(dataset, second)
        return list(zip(*found, strict=True)) if all(found) else []


def test_adapters_of_one_task_may_be_one_for_each_level(versions, sets, tmp_path):
    whole = list(sets[0].records)
    labels = {"scnm-en": [replace(record, pairs=()) for record in whole]}
    items = {"scnm-en": [replace(record, label="") for record in whole[:7]]}
    study = Runs(tmp_path, text_label=labels, text_items=items)
    assert versions.of_one_task(study, sets) == {"scnm-en": whole[:7]}
    joint = {"scnm-en": whole[:3]}
    study = Runs(tmp_path, text_label=labels, text_items=items, joint_label_first=joint)
    assert versions.of_one_task(study, sets) == joint
    assert versions.of_one_task(Runs(tmp_path, text_label=labels), sets) == {}


def test_what_is_answered_already_may_be_scored_without_a_model(versions, sets, tmp_path):
    arguments = argparse.Namespace(no_predict=True, out=tmp_path)
    for name, records in (("scnm-en", sets[0].records), ("tconer-en", sets[1].records[:3])):
        folder = tmp_path / "version-1" / name
        folder.mkdir(parents=True)
        write_records(folder / "predictions.jsonl", records)
    found = versions.predictions(versions.V1, tmp_path, sets, arguments)
    assert found == {"scnm-en": list(sets[0].records)}  # the other one is not through


def test_tables(versions, sets):
    told = versions.results(sets, {versions.V1: said(sets, 50), versions.V0: said(sets, 2)})
    told["sets"] = {each.name: each.beside for each in sets}
    every = versions.tables(told)
    head, _, *rows = every.split("versions tl\n\n")[1].split("\n\n")[0].splitlines()
    assert head == "| TL | version 0 | version 1 |"
    assert rows[0].startswith("| `scnm-en` | ") and rows[-1].startswith("| mean of 2 | ")
    assert "`music-en`" in every and "`tconer-en, types trained on`" in every
    part = every.split("versions\n\n| version 1 against")[1]
    assert "| version 0 | datasets | 28 | +" in part and "| version 0 | held out | 4 | +" in part
    better = told["differences"]["version 1 against version 0"]["datasets"]["tasks"]
    sure = sum(found["tl"]["verdict"] == "helps" for found in better.values())
    assert f"TL {sure} better, 0 worse; WL 0 better, 0 worse of 2 |" in part


def test_a_mean_is_over_what_all_have_and_over_what_all_but_one_have(versions, sets):
    worse, better = said(sets, 2), said(sets, 50)
    single = {"scnm-en": worse["scnm-en"]}
    third = replace(sets[0], name="scnm-zh")
    for found in (worse, better):
        found["scnm-zh"] = found["scnm-en"]
    sets = [*sets[:2], third]
    told = versions.results(
        sets, {versions.V1: better, versions.V0: worse, versions.SINGLE: single}
    )
    told["sets"] = {each.name: each.beside for each in sets}
    rows = versions.tables(told).split("versions tl\n\n")[1].split("\n\n")[0].splitlines()
    assert [row.split(" | ")[0] for row in rows[5:]] == ["| mean of 3"]
    assert rows[-1].split(" | ")[2] == "–" and rows[3].split(" | ")[2] == "–"


def test_what_is_tested(versions, tmp_path):
    for lang in LANGUAGES:
        name = f"tconer-{lang}"
        songs = {"en": "band", "ja": "バンド", "zh": "乐队"}[lang]
        train = [replace(gold(name, n), pairs=2 * (Pair("person", "Ada"),)) for n in range(9)]
        train = [replace(train[0], pairs=2 * (Pair(songs, "Ada"),)), *train[1:]]
        test = [gold(name, n, songs) for n in range(20, 30)]
        write_dataset(tmp_path / name, task(name), {"train": train, "test": test})
    arguments = argparse.Namespace(data=tmp_path, raw=tmp_path / "none", limit=4)
    sets = versions.tested_sets(arguments, None)
    names = [f"tconer-{lang}" for lang in LANGUAGES]
    assert [each.name for each in sets if not each.beside] == names
    assert all(len(each.records) == 4 for each in sets)
    listed = [each for each in sets if each.name.endswith(versions.LISTED)]
    assert {each.task.labels for each in listed} == {("music", "news")}
    assert {each.task.family for each in listed} == {"adhoc"}
    # a system that is shown an example is shown no label that is held out
    assert all(each.example.id.endswith("-1") for each in sets)
    assert [each.name for each in sets if each not in listed][3:] == ["music-en"]
