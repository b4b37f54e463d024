"""`pointline train`: recipes, orders and estimates from the command line."""

import json

import pytest
from tiny import tiny_datasets
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.errors import InputError

RUNNER = CliRunner()


def ask(*arguments):
    return RUNNER.invoke(app, ["train", *map(str, arguments)], catch_exceptions=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_datasets(tmp_path_factory.mktemp("sets"), 21, dev=3)


def test_what_a_recipe_would_take(base, data, tmp_path):
    asked = (*data, "--out", tmp_path / "run", "-m", base, "--recipe", "oiellm", "--estimate")
    found = json.loads(ask(*asked, "--json").stdout)
    assert [one["machine"][:8] for one in found] == ["one H100", "three A8"]
    assert found[0]["trained"] == found[0]["parameters"] and found[0]["fits"]
    once = json.loads(ask(*asked, "--json", "--epochs", 1).stdout)
    assert 3 * once[0]["flops"] == pytest.approx(found[0]["flops"])
    less = json.loads(ask(*asked, "--json", "--method", "lora", "--rank", 2).stdout)
    assert less[0]["trained"] < found[0]["trained"]
    told = ask(*asked)
    assert "one H100" in told.stdout and "computed, not measured" in told.stdout
    assert not (tmp_path / "run").exists()


def test_items_first_is_what_is_learned_then(base, data, tmp_path):
    done = ask(
        data[0], "--out", tmp_path / "run", "-m", base, "--order", "items-first", "--epochs", 1,
        "--max-length", 256, "--dev-examples", 0, "--dtype", "float32",
    )  # fmt: skip
    assert done.exit_code == 0 and "a second) in" in done.stdout and " GB -> " in done.stdout
    told = json.loads((tmp_path / "run" / "config.json").read_text())
    assert told["form"]["order"] == "items-first" and told["level"] == "both"


def test_an_order_of_one_level_is_refused(data):
    with pytest.raises(InputError, match="--order is of completions with both levels"):
        ask(data[0], "--out", "o", "--level", "text", "--order", "items-first")


def test_labels_may_be_held_out(base, data, tmp_path):
    english = [path for path in data if "-en" in str(path)]
    asked = (*english, "--out", tmp_path / "run", "-m", base, "--epochs", 1, "--max-length", 256)
    with pytest.raises(InputError, match="--held-out 'Natrue': no training record has that label"):
        ask(*asked, "--held-out", "Natrue")
    done = ask(*asked, "--held-out", "Nature", "--dev-examples", 0, "--dtype", "float32")
    assert done.exit_code == 0
    told = json.loads((tmp_path / "run" / "config.json").read_text())
    assert told["held_out"] == ["Nature"]
    assert sum(dataset["held_out"] for dataset in told["datasets"]) > 0
