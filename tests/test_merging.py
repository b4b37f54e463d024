"""An adapter in the weights: what peft computes; what is more than plain LoRA is left to peft."""

import json

import pytest
import torch
from tiny import tiny_adapter, tiny_model

from pointline.errors import ModelError
from pointline.model import backbone
from pointline.model.embedded import quiet
from pointline.model.merging import merge


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A tiny model, and an adapter of it whose matrices are random."""
    root = tmp_path_factory.mktemp("adapter")
    model = backbone.load(tiny_model(root / "base", spread=0.1)).model
    tiny_adapter(model, root / "adapter", ["q_proj", "v_proj", "down_proj"])
    return root / "base", root / "adapter"


def test_it_is_what_peft_computes(folders):
    from peft import PeftModel

    base, adapter = folders
    ours, theirs = backbone.load(base).model, backbone.load(base).model
    with quiet():
        theirs = PeftModel.from_pretrained(theirs, adapter).merge_and_unload()
    before = {name: parameter.clone() for name, parameter in ours.named_parameters()}
    assert merge(ours, adapter)
    wanted = dict(theirs.named_parameters())
    changed = [n for n, p in ours.named_parameters() if not torch.equal(p, before[n])]
    assert len(changed) == 2 * 3
    for name, parameter in ours.named_parameters():
        assert torch.allclose(parameter, wanted[name], atol=1e-6), name


@pytest.mark.parametrize(
    "setting",
    [
        {"use_dora": True},
        {"bias": "all"},
        {"rank_pattern": {"q_proj": 2}},
        {"init_lora_weights": "pissa"},
        {"init_lora_weights": "olora"},
    ],
)
def test_what_is_more_is_left_to_peft(folders, tmp_path, setting):
    base, adapter = folders
    model = backbone.load(base).model
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    for file in adapter.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | setting))
    assert not merge(model, tmp_path)
    assert all(torch.equal(p, before[n]) for n, p in model.named_parameters())


def test_an_adapter_of_another_shape_changes_nothing(folders, tmp_path):
    _, adapter = folders
    other = backbone.load(tiny_model(tmp_path / "other", family="llama")).model
    other.model.layers[0].self_attn.q_proj = torch.nn.Linear(64, 8)
    assert not merge(other, adapter)


@pytest.mark.parametrize("value", [[], 3])
def test_settings_that_are_no_object(folders, tmp_path, value):
    (tmp_path / "adapter_config.json").write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ModelError, match="is not a JSON object"):
        merge(backbone.load(folders[0]).model, tmp_path)
