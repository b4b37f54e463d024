"""The body of Gemma 3 written out: transformers' states, in any cut, and what it does not cover."""

import json

import pytest
import torch
from tiny import tiny_model

from pointline.errors import ModelError
from pointline.model import backbone, gemma
from pointline.model.embedded import quiet
from pointline.model.hf import HFBackend

TOKENS = [2, *range(5, 300, 3)]  # three windows of the tiny model, whose sliding layer sees 32


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return backbone.load(tiny_model(tmp_path_factory.mktemp("m") / "m", spread=0.2)).model


@pytest.fixture(scope="module")
def states(model):
    with torch.inference_mode():
        return model.get_decoder()(input_ids=torch.tensor([TOKENS])).last_hidden_state[0]


def close(ours, theirs, least=1e-4):
    return torch.allclose(ours, theirs, atol=least, rtol=least)


@pytest.mark.parametrize("cuts", [[], [1], [40], [1, 2, 3, 50, 51, 90], list(range(1, 99))])
def test_states_are_transformers_however_the_text_is_cut(model, states, cuts):
    body = gemma.body(model)
    memory = body.memory()
    parts = [TOKENS[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    with torch.inference_mode():
        ours = torch.cat([body.feed([memory], [part]) for part in parts])
    assert memory.tokens == TOKENS
    assert close(ours, states)


@pytest.mark.parametrize("begun", [0, 5, 30, 60])
def test_columns_are_taken_back(model, states, begun):
    body = gemma.body(model)
    memory = body.memory()
    with torch.inference_mode():
        if begun:
            body.feed([memory], [TOKENS[:begun]])
        for wrong in (1, 7, 40):
            body.feed([memory], [TOKENS[begun : begun + 2] + [400] * wrong])
            memory.forget(wrong + 2)
        ours = body.feed([memory], [TOKENS[begun:]])
    assert close(ours, states[begun:])


def test_texts_of_any_length_go_through_together(model, states):
    body = gemma.body(model)
    texts = [body.memory() for _ in range(3)]
    with torch.inference_mode():
        body.feed(texts[:2], [TOKENS[:50], TOKENS[:3]])
        found = body.feed(texts, [TOKENS[50:], TOKENS[3:4], TOKENS[:40]], [1, 1, 40])
    assert close(found[0], states[-1])
    assert close(found[1], states[3])
    assert close(found[2:], states[:40])


def test_a_beginning_is_a_memory_of_its_own(model, states):
    body = gemma.body(model)
    memory = body.memory()
    with torch.inference_mode():
        body.feed([memory], [TOKENS])
        other = memory.beginning(45)
        body.feed([other], [[400] * 70])
        third = memory.beginning(45)
        assert close(body.feed([third], [TOKENS[45:]]), states[45:])
    assert memory.tokens == TOKENS
    assert len(other.tokens) == 45 + 70


def test_half_the_bits_are_nearly_the_same(model, states):
    body = gemma.body(model, "float16")
    with torch.inference_mode():
        ours = body.feed([body.memory()], [TOKENS])
    assert not torch.equal(ours, states)
    assert close(ours, states, 2e-2)


def test_what_is_not_covered(tmp_path, model):
    llama = backbone.load(tiny_model(tmp_path / "l", family="llama")).model
    assert gemma.body(llama) is None
    with pytest.raises(ModelError, match="is for Gemma 3 in float32"):
        gemma.body(llama, "float16")
    with pytest.raises(ModelError, match="weights are float32, float16, got 'int3'"):
        gemma.body(model, "int3")
    half = backbone.load(tiny_model(tmp_path / "g"), dtype="bfloat16").model
    assert gemma.body(half) is None
    capped = backbone.load(tmp_path / "g").model
    capped.config.attn_logit_softcapping = 50.0
    assert gemma.body(capped) is None


def test_a_body_that_disagrees_is_not_used(tmp_path):
    other = backbone.load(tiny_model(tmp_path / "g", spread=0.2)).model
    norm = other.get_decoder().layers[0].input_layernorm
    norm.forward = lambda state: state * 1.5
    assert gemma.body(other) is None


@pytest.mark.parametrize("where", [{"target_modules": ["v_proj"]}, {"layers_to_transform": [1]}])
def test_a_model_with_an_adapter_beside_its_layers_is_not_covered(tmp_path, where):
    from peft import LoraConfig, get_peft_model

    model = backbone.load(tiny_model(tmp_path / "g")).model
    chosen = {"target_modules": ["q_proj"]} | where
    with quiet():
        adapted = get_peft_model(model, LoraConfig(r=2, **chosen)).get_base_model()
    assert gemma.body(adapted) is None
    with pytest.raises(ModelError, match="is for Gemma 3 in float32"):
        gemma.body(adapted, "float16")


def test_a_model_that_is_run_whole_has_no_weights_of_another_type(tmp_path):
    folder = tiny_model(tmp_path / "g")
    config = folder / "config.json"
    config.write_text(
        json.dumps(json.loads(config.read_text()) | {"final_logit_softcapping": 30.0})
    )
    loaded = backbone.load(folder)
    assert HFBackend(loaded).weights.startswith("float32")
    for precision, told in [("float16", "is for Gemma 3 in float32"), ("int3", "weights are")]:
        with pytest.raises(ModelError, match=told):
            HFBackend(loaded, precision=precision)
