"""The README prints what was measured."""

import json
import re
from pathlib import Path

import pytest

from pointline.app.bench.cells import points

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def systems(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import systems

    return systems


@pytest.fixture
def results():
    path = ROOT / "benchmarks" / "results" / "systems.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_adapter_beats_the_bare_model_and_grammars_hold(results, systems):
    """What the README says of the table: in every dataset, at both levels."""
    free, constrained, adapter = (results["systems"][s.name] for s in systems.SYSTEMS)
    assert len(adapter) == 8
    for name, best in adapter.items():
        for metric in ("tl", "wl"):
            for other in (free, constrained):
                assert best[metric]["f1"] > other[name][metric]["f1"], (name, metric)
        assert best["records"] == 200
        for report in (best, constrained[name]):
            assert report["well_formed"] == report["verbatim"] == 1.0


def test_the_fast_path_says_what_was_said_before_it():
    """What docs/inference.md says of the table of both paths."""
    path = ROOT / "benchmarks" / "results" / "path_scores.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["datasets"].values()
    assert sum(row["records"] for row in rows) == sum(row["same"] for row in rows) == 1_600
    assert all(row[m]["before"] == row[m]["after"] for row in rows for m in ("tl", "wl", "all"))


def test_the_answer_of_the_readme_is_that_of_the_study():
    """Every sure difference with its interval, the others as a number, and what is not through."""
    path = ROOT / "benchmarks" / "results" / "mre" / "report.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    section = README.split("## Does one level help the other?")[1].split("\n## ")[0]
    said = dict(
        re.findall(r"^- The gold \*\*(label|items)\*\*(.*?)(?=^- |\Z)", section, re.S | re.M)
    )
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    words += ["eleven", "twelve"]
    for level, question in (("label", "label to items"), ("items", "items to label")):
        found = [one for one in told["findings"] if one["question"] == question]
        sure = [one for one in found if one["verdict"] != "no evidence"]
        text = " ".join(said[level].split())
        for one in sure:
            assert f"`{one['dataset']}` ({points(one)}" in text
        assert text.count("` (") == len(sure)
        assert f"the other {words[len(found) - len(sure)]} there is no evidence" in text
        runs = {len(one["seeds"]) for one in found}
        assert runs == {1} and "with one run of each condition" in section
        through = f"{words[len(found)]} of the {words[len(told['datasets'])]} are through"
        assert through in " ".join(section.split())
    assert not told["mutual"]["gold"] and "never both ways" in " ".join(section.split())


def test_what_is_said_of_version_1_is_what_was_measured():
    """The sentences of docs/adapter.md between its tables, and the README's."""
    path = ROOT / "benchmarks" / "results" / "adapter_v1.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    before = told["differences"]["version 1 against version 0"]
    one_task = told["differences"]["version 1 against one task each"]["datasets"]
    sets = [name for name, beside in told["sets"].items() if not beside]
    assert len(sets) == len(before["datasets"]["tasks"]) == 21
    assert all(
        found[level]["verdict"] != "hurts"
        for part in (before["datasets"], before["held out"], one_task)
        for found in part["tasks"].values()
        for level in ("tl", "wl", "all")
    )
    unseen = before["held out"]["tasks"]
    better = {
        level: {name for name, found in unseen.items() if found[level]["verdict"] == "helps"}
        for level in ("tl", "wl")
    }
    assert better == {"tl": {"music-en", "music-ja", "music-zh"}, "wl": {"music-ja"}}
    scores = told["systems"]["version 1"]
    for lang in ("en", "ja", "zh"):
        plain, listed = (scores[f"tconer-{lang}{end}"] for end in ("", ", text labels listed"))
        assert 0.065 < listed["wl"]["f1"] - plain["wl"]["f1"] < 0.17
    said = " ".join(README.split())
    for level, name in (("tl", "labels"), ("wl", "items")):
        gain = 100 * before["datasets"][level]["difference"]
        assert f"{gain:.1f} points of F1 for {name}" in said
