"""How a flow study begins: what settles its folder, what it refuses, what it notes and goes on."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from tiny import tiny_datasets
from transformers import AutoModelForCausalLM, GPTJConfig
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.errors import InputError, ModelError
from pointline.model import backbone
from pointline.model.runfolder import RunFolder
from pointline.study.flow.prompt import Role
from pointline.study.flow.result import read_flow
from pointline.study.flow.roles import Straddle
from pointline.study.flow.run import Engine, run
from pointline.study.flow.samples import Chosen, choose, read_split
from pointline.study.flow.settings import FlowConfig

BARE = FlowConfig(
    "items-to-label", split="train", samples=3, draws=3, random_models=0, knockout=0, maps=0
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return [Path(path) for path in tiny_datasets(tmp_path_factory.mktemp("data"), 30)][:2]


@pytest.fixture(scope="module")
def study(tmp_path_factory, data, base):
    out = tmp_path_factory.mktemp("flow") / "study"
    return run(data, BARE, out=out, model=str(base), engine=Engine(dtype="float32"))


@pytest.fixture(scope="module")
def eager_only(tmp_path_factory, base):
    """A tiny model whose maps eager attention alone shows, with the tiny model's tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "gptj"
    shutil.copytree(base, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    known = backbone.load(base)
    config = GPTJConfig(
        vocab_size=len(known.tokenizer), n_embd=48, n_layer=2, n_head=6, rotary_dim=4,
        n_positions=256, bos_token_id=known.bos[0] if known.bos else None, eos_token_id=known.eos[0],
    )  # fmt: skip
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path, values):
    path.write_text(json.dumps(values), encoding="utf-8")


def held(folder):
    return list(folder.glob("[!.]*"))


def command(data, model, out, *more):
    told = [
        "study", "flow", str(data[0]), "--direction", "items-to-label", "--model", str(model),
        "--out", str(out), "--split", "train", "--samples", "3", "--draws", "3", "--maps", "1",
        "--random-models", "0", "--no-figures", *more,
    ]  # fmt: skip
    return CliRunner().invoke(app, told)


def test_a_setting_that_differs_is_named_with_both_values(study, data, base):
    words = (
        r'another flow \(flow.heads was "sum-then-abs", is "abs-then-sum"\): give another folder'
    )
    with pytest.raises(InputError, match=words):
        run(data, replace(BARE, heads="abs-then-sum"), out=study, model=str(base))
    many = replace(BARE, heads="abs-then-sum", draws=9, samples=8, seed=1, maps=2)
    with pytest.raises(InputError, match=r"flow.draws was 3, is 9; .*; 2 more\): give another"):
        run(data, many, out=study, model=str(base))
    with pytest.raises(InputError, match=r"another datasets .*scnm-ja was \{.*…, is not given\)"):
        run(data[:1], BARE, out=study, model=str(base))


def test_the_type_of_numbers_is_one_of_the_settings(study, data, base, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(study, out)
    assert read_json(out / "config.json")["dtype"] == "float32"
    words = r'another dtype \(dtype was "float32", is "bfloat16"\)'
    for _ in range(2):  # a finished study, and one that is to be gone on with
        with pytest.raises(InputError, match=words):
            run(data, BARE, out=out, model=str(base), engine=Engine(dtype="bfloat16"))
        (out / "finished.json").unlink(missing_ok=True)
        shutil.rmtree(out / "scnm-ja" / "model", ignore_errors=True)
    run(data, BARE, out=out, model=str(base), engine=Engine(dtype="float32"))
    assert read_flow(out).results["scnm-ja"].curves.samples == 3


def test_a_folder_that_does_not_say_its_type_goes_on(study, data, base, tmp_path):
    """As earlier versions wrote it."""
    out = tmp_path / "out"
    shutil.copytree(study, out)
    before = {key: v for key, v in read_json(out / "config.json").items() if key != "dtype"}
    write_json(out / "config.json", before)
    run(data, BARE, out=out, model=str(base))
    (out / "finished.json").unlink()
    shutil.rmtree(out / "scnm-ja" / "model")
    run(data, BARE, out=out, model=str(base))
    assert read_flow(out).results["scnm-ja"].curves.samples == 3
    assert read_json(out / "config.json") == before


@pytest.mark.parametrize("kind", ["missing", "seq2seq"])
def test_a_model_that_cannot_be_measured_settles_nothing(data, base, tmp_path, kind):
    out, folder = tmp_path / "out", tmp_path / "model"
    if kind == "seq2seq":
        folder.mkdir()
        write_json(folder / "config.json", {"model_type": "t5", "is_encoder_decoder": True})
        (folder / "model.safetensors").touch()
    with pytest.raises(ModelError) as told:
        run(data[:1], BARE, out=out, model=str(folder))
    assert "\n" not in str(told.value) and not held(out)
    words = "is no causal decoder but a seq2seq model: flow needs a decoder, such as gemma3-270m"
    assert kind == "missing" or words in str(told.value)
    run(data[:1], BARE, out=out, model=str(base))
    assert read_json(out / "config.json")["model"] == str(base)


def test_data_that_cannot_be_measured_settle_nothing(data, base, tmp_path):
    with pytest.raises(InputError, match="no record can be measured"):
        run(data, replace(BARE, max_tokens=5), out=tmp_path / "out", model=str(base))
    assert not held(tmp_path / "out")


def test_knockouts_that_are_asked_for_are_refused_at_the_start(data, eager_only, tmp_path):
    out = tmp_path / "out"
    refused = command(data, eager_only, out, "--knockout", "2")
    assert isinstance(refused.exception, InputError) and not held(out)
    assert "does not come from transformers' registry: give --knockout 0" in str(refused.exception)
    assert command(data, eager_only, out, "--knockout", "0").exit_code == 0


def test_knockouts_of_the_recipe_are_left_out_and_noted(data, eager_only, tmp_path):
    out = tmp_path / "out"
    done = command(data, eager_only, out, "--checkpointing")
    assert done.exit_code == 0, done.output
    assert "no knockouts: the attention of" in done.stderr
    assert "--checkpointing is ignored: eager attention keeps all maps" in done.stderr
    log = RunFolder(out)
    assert log.events("knockouts skipped") and log.events("checkpointing ignored")
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "No edge was cut in earnest: the attention of" in page


def test_the_recipe_says_which_training_came_before(data, base, tmp_path):
    done = command(data, base, tmp_path / "out", "--recipe", "mre")
    line = next(one for one in done.stderr.splitlines() if "trained its model before" in one)
    told = re.search("pointline (train .*) does; then --model RUN", line)[1].split()
    assert {"--examples", "--learning-rate", "--method", "--warmup-steps"} <= set(told)
    known = typer.main.get_command(app).commands["train"].params
    options = {option for parameter in known for option in parameter.opts}
    assert {one for one in told if one.startswith("--")} <= options


def test_tokens_of_two_pieces_are_written_down(data, base, tmp_path, monkeypatch):
    """The tiny tokenizer merges nothing across pieces, so that some are put in by hand."""
    two = Straddle(4, "都で", (Role.TEXT, Role.INFO))

    def marked(records, task, known, config):
        found = choose(records, task, known, config)
        tokens = (replace(one.tokens, straddles=(two,) * 60) for one in found.samples)
        made = (replace(s, tokens=t) for s, t in zip(found.samples, tokens, strict=True))
        return Chosen(tuple(made), found.left_out)

    monkeypatch.setattr("pointline.study.flow.run.choose", marked)
    run(data[1:], BARE, out=tmp_path / "out", model=str(base))
    told = read_json(tmp_path / "out" / "scnm-ja" / "straddles.json")
    assert told["count"] == 180 and len(told["tokens"]) == 100
    task, records = read_split(data[1], "train")
    first = choose(records, task, backbone.load(base), BARE).samples[0]
    assert told["tokens"][0] == {
        "id": first.id, "token": 4, "text": "都で", "roles": ["TEXT", "INFO"],
        "given_to": first.tokens.roles[4].name,
    }  # fmt: skip
