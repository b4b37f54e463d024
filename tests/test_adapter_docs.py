"""The trials of docs/adapter.md are those that were planned."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def recipes(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import recipes

    return recipes


@pytest.fixture
def results(recipes):
    return json.loads(recipes.RESULTS.read_text(encoding="utf-8"))


def test_every_trial_differs_from_the_first_in_what_it_asks(recipes, results):
    first, *others = results["trials"].values()
    assert first["changes"] == {} and all(trial["changes"] for trial in others)
    planned = {trial.name: dict(trial.changes) for trial in recipes.PLAN}
    assert {n: t["changes"] for n, t in results["trials"].items()}.items() <= planned.items()
