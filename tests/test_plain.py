"""A model that we converted, without transformers: the same states, tokens and completions."""

import json
import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_adapter, tiny_model, tiny_records

from pointline.errors import MissingExtra, ModelError
from pointline.model import backbone, gemma
from pointline.model.extract import Extractor, Options
from pointline.model.hf import HFBackend
from pointline.model.plain import Plain, PlainTokenizer

TOKENS = [2, *range(5, 300, 3)]


def converted(folder, **options):
    """A tiny model in a folder as `embedded.convert` leaves it."""
    tiny_model(folder, spread=0.2, **options)
    (folder / "pointline.json").write_text(json.dumps({"conversion": 1, "files": {}}))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return converted(tmp_path_factory.mktemp("m") / "m")


@pytest.fixture(scope="module")
def whole(folder):
    return backbone.load(folder)


@pytest.fixture(scope="module")
def lean(folder):
    return backbone.load(folder, lean=True)


def test_everything_about_it_is_the_same(whole, lean):
    assert isinstance(lean.model, Plain) and not isinstance(whole.model, Plain)
    for name in ("name", "window", "bos", "eos", "pad", "adapter", "mark", "tasks"):
        assert getattr(lean, name) == getattr(whole, name), name
    assert HFBackend(lean).weights == HFBackend(whole).weights
    assert HFBackend(lean).name == HFBackend(whole).name


def test_states_and_scores_are_the_same_bits(whole, lean):
    bodies = [gemma.body(one.model) for one in (whole, lean)]
    with torch.inference_mode():
        ours, theirs = (body.feed([body.memory()], [TOKENS]) for body in bodies)
        assert torch.equal(ours, theirs)
        assert torch.equal(lean.model.head()(ours), whole.model.lm_head(theirs))


@pytest.mark.parametrize("constrained", [True, False])
def test_predictions_are_the_same(folder, constrained):
    records = tiny_records(6)
    options = Options(constrained=constrained, max_new_tokens=40)
    ours = Extractor.load(folder, options=options)
    theirs = Extractor(HFBackend(backbone.load(folder)), options)
    for record in records:
        assert ours(record) == theirs(record)


@given(st.text(max_size=40) | st.sampled_from(["<eos>", "a<bos> b", "  x", "é👍🏽", "ｱ紫\u3099"]))
@settings(max_examples=200)
def test_tokens_are_the_same(folder_tokenizers, text):
    whole, plain = folder_tokenizers
    ids = plain(text, add_special_tokens=False).input_ids
    assert (
        ids
        == whole(text, add_special_tokens=False, split_special_tokens=True, verbose=False).input_ids
    )
    said = plain.decode(ids, skip_special_tokens=True)
    assert said == whole.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


@pytest.fixture(scope="module")
def folder_tokenizers(folder, whole):
    return whole.tokenizer, PlainTokenizer(folder)


def test_an_adapter_is_merged_in_the_same_way(folder, tmp_path, whole):
    tiny_adapter(backbone.load(folder).model, tmp_path, ["q_proj", "down_proj"])
    lean, merged = (
        backbone.load(folder, adapter=tmp_path, merge=True, lean=lean) for lean in (True, False)
    )
    assert isinstance(lean.model, Plain)
    ours, theirs = (dict(one.model.named_parameters()) for one in (lean, merged))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    untouched = dict(whole.model.named_parameters())
    assert sum(not torch.equal(ours[name], untouched[name]) for name in ours) == 2 * 2

    setting = tmp_path / "adapter_config.json"  # more than plain LoRA is peft's, and transformers'
    setting.write_text(
        json.dumps(json.loads(setting.read_text()) | {"rank_pattern": {"q_proj": 4}})
    )
    other = backbone.load(folder, adapter=tmp_path, merge=True, lean=True)
    assert not isinstance(other.model, Plain)
    theirs = dict(other.model.named_parameters())
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-6) for name in ours)


@pytest.mark.parametrize(
    "changed",
    [
        {"attn_logit_softcapping": 50.0},
        {"final_logit_softcapping": 30.0},
        {"use_bidirectional_attention": True},
        {"architectures": ["Gemma3Model"]},
        {"architectures": None},
        {"layer_types": None},
        {"sliding_window": None},
        {"rope_parameters": {"rope_theta": 1e4, "rope_type": "default"}},
        {"rope_parameters": {"sliding_attention": {"rope_theta": 1e4, "rope_type": "default"}}},
    ],
)
def test_what_else_a_model_does_takes_transformers(tmp_path, changed):
    folder = converted(tmp_path / "m")
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changed))
    assert Plain.open(folder) is None


def test_only_what_we_converted_and_only_to_generate(folder, tmp_path):
    other = tiny_model(tmp_path / "other")
    assert not isinstance(backbone.load(other, lean=True).model, Plain)
    assert not isinstance(backbone.load(folder).model, Plain)
    assert not isinstance(backbone.load(folder, lean=True, dtype="bfloat16").model, Plain)
    llama = converted(tmp_path / "llama", family="llama")
    assert not isinstance(backbone.load(llama, lean=True).model, Plain)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_damaged_folder_is_one_line(tmp_path, name):
    folder = converted(tmp_path / "m")
    (folder / name).write_bytes((folder / name).read_bytes()[:100])
    with pytest.raises(ModelError) as told:
        Extractor.load(folder)
    assert "\n" not in str(told.value) and str(folder) in str(told.value)


def test_transformers_is_not_imported(folder):
    run = "import sys, pointline as pl; ex = pl.Extractor.load(sys.argv[1]); "
    run += "ex('Ada wrote in Turin.', task='scnm-en'); print('transformers' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", run, str(folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [("config.json", [1]), ("tokenizer_config.json", []), ("generation_config.json", 3)],
)
def test_settings_that_are_no_object_are_one_line(tmp_path, name, value):
    folder = converted(tmp_path / "m")
    (folder / name).write_text(json.dumps(value))
    with pytest.raises(ModelError, match=f"{name} is not a JSON object"):
        Extractor.load(folder)


def test_a_missing_weight_is_named(tmp_path):
    from safetensors.torch import load_file, save_file

    folder = converted(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    missing = r"lacks 1 of .* e\.g\. model\.layers\.1\.mlp\.down_proj"
    with pytest.raises(ModelError, match=missing):
        Extractor.load(folder)


def test_what_ends_a_text_is_read_where_transformers_reads_it(tmp_path):
    folder = converted(tmp_path / "m")
    said = folder / "generation_config.json"
    said.write_text(json.dumps(json.loads(said.read_text()) | {"eos_token_id": [1, 7]}))
    own = folder / "tokenizer_config.json"
    whole = json.loads(own.read_text()) | {"eos_token": {"content": "<eos>", "special": True}}
    own.write_text(json.dumps(whole))
    assert backbone.load(folder, lean=True).eos == (1, 7)


def test_without_torch_it_is_told_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"torch is not installed: run pip install"):
        backbone.load(folder, lean=True)
