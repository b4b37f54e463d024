"""The faster LoRA layers: the same outputs and gradients as peft's, for the models that fit."""

import pytest
import torch
from tiny import tiny_model, tiny_records, tiny_samples

from pointline.model import backbone
from pointline.model.batches import collate, encode
from pointline.model.embedded import quiet
from pointline.model.learner import Learner
from pointline.model.lora import (
    _Adapted,
    _Gated,
    _gated_function,
    _linear_function,
    _Norm,
    _slope,
    quicken,
)
from pointline.model.loss import CompletionLoss
from pointline.model.settings import TrainConfig


def adapted(folder, **changes):
    """A tiny model as peft adapts it, with adapters that do something."""
    import peft

    model = backbone.load(folder).model
    config = {"r": 4, "lora_alpha": 6, "target_modules": "all-linear", **changes}
    with quiet():
        made = peft.get_peft_model(model, peft.LoraConfig(task_type="CAUSAL_LM", **config))
    fixed = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in made.named_parameters():
            if "lora_B" in name:
                value.normal_(0, 0.1, generator=fixed)
            if "lora_A" in name:
                value.normal_(0, 0.2, generator=fixed)
    return made.get_base_model()


def outcome(model):
    """Logits, and the gradients of every trained parameter of some function of them."""
    ids = torch.randint(3, 500, (3, 40), generator=torch.Generator().manual_seed(1))
    logits = model(input_ids=ids, use_cache=False).logits
    logits.log_softmax(-1)[:, 5:, 7].sum().backward()
    grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    return logits.detach(), grads


def assert_same(one, two):
    assert torch.allclose(one[0], two[0], rtol=1e-4, atol=2e-4 * one[0].std())
    assert one[1].keys() == two[1].keys()
    for name, gradient in one[1].items():
        assert (gradient - two[1][name]).norm() < 1e-4 * gradient.norm(), name


def mixed(folder, kind):
    """Write a tiny model of another family; return its folder."""
    import transformers

    sizes = {
        "vocab_size": 512, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.2,
        "pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2,
    }  # fmt: skip
    config = getattr(transformers, f"{kind}Config")(**sizes)
    getattr(transformers, f"{kind}ForCausalLM")(config).save_pretrained(folder)
    tiny_model(folder / "t")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / "t" / name).replace(folder / name)
    return folder


# what is replaced in 2 blocks: linear layers, the feed-forward block where it has three, norms
@pytest.mark.parametrize(
    ("kind", "count"),
    [("gemma3", 29), ("llama", 21), ("Qwen2", 21), ("Qwen3", 25), ("Mistral", 21), ("Phi3", 13)],
)
def test_outputs_and_gradients_are_those_of_peft(tmp_path, kind, count):
    known = kind in ("gemma3", "llama")
    make = tiny_model(tmp_path / "m", family=kind, spread=0.2) if known else None
    folder = make or mixed(tmp_path / "m", kind)
    model = adapted(folder)
    wanted = outcome(model)
    assert quicken(model) == count
    assert_same(wanted, outcome(model))


@pytest.mark.parametrize("changes", [{"lora_dropout": 0.1}, {"use_dora": True}])
def test_an_adapter_of_another_kind_is_left_to_peft(base, changes):
    assert quicken(adapted(base, **changes)) == 0


def test_other_types_and_full_training_are_left_alone(base):
    model = adapted(base).to(torch.bfloat16)
    assert quicken(model) == 0
    assert quicken(backbone.load(base).model) == 0


def test_a_step_is_seen_by_the_next_forward_pass(base):
    model, plain = adapted(base), adapted(base)
    quicken(model)
    outcome(model)
    for one in (model, plain):
        with torch.no_grad():
            for name, value in one.named_parameters():
                if "lora" in name:
                    value.mul_(1.5)
    assert_same(outcome(plain), outcome(model))


def test_a_change_between_forward_and_backward_is_an_error(base):
    model = adapted(base)
    quicken(model)
    loss = model(input_ids=torch.tensor([[5, 6, 7]]), use_cache=False).logits.sum()
    with torch.no_grad():
        next(p for n, p in model.named_parameters() if "lora_B" in n).mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


# ---------------------------------------------------------------- against finite differences


class _Layer:
    """What `_Adapted` asks of a peft layer, in float64."""

    def __init__(self, inputs, outputs):
        draw = torch.Generator().manual_seed(inputs * 100 + outputs)
        new = lambda *shape: torch.randn(*shape, generator=draw, dtype=torch.float64)  # noqa: E731
        self.active_adapters = ["a"]
        self.base_layer = torch.nn.Linear(inputs, outputs, dtype=torch.float64)
        self.lora_A = {"a": torch.nn.Linear(inputs, 2, bias=False, dtype=torch.float64)}
        self.lora_B = {"a": torch.nn.Linear(2, outputs, bias=False, dtype=torch.float64)}
        self.scaling = {"a": 1.7}
        self.lora_B["a"].weight.data = new(outputs, 2)


def test_gradients_of_a_layer_by_finite_differences():
    layer = _Adapted(_Layer(5, 7))
    states = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    apply = _linear_function().apply

    def forward(*values):
        layer._made_of = ()  # gradcheck changes values where nobody can see it
        return apply(*values, layer)

    assert torch.autograd.gradcheck(forward, (states, layer.down, layer.up))


@pytest.mark.parametrize(
    "act", [torch.nn.SiLU(), torch.nn.GELU(approximate="tanh"), torch.nn.GELU(), torch.nn.ELU()]
)
def test_gradients_of_a_block_by_finite_differences(act):
    block = _Gated.__new__(_Gated)
    block.layers = [_Adapted(_Layer(*sizes)) for sizes in ((4, 6), (4, 6), (6, 4))]
    block.act, block.slope = act, _slope(act)
    matrices = [m for layer in block.layers for m in (layer.down, layer.up)]
    states = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    apply = _gated_function().apply

    def forward(states, *matrices):
        for layer in block.layers:
            layer._made_of = ()
        return apply(states, block, *matrices)

    assert torch.autograd.gradcheck(forward, (states, *matrices))


def test_gradients_of_a_norm_by_finite_differences():
    norm = _Norm(torch.randn(6, dtype=torch.float64), 1e-3)
    states = torch.randn(2, 3, 6, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(norm, (states,))


# ---------------------------------------------------------------- in training


def test_the_learner_uses_it_and_saves_what_peft_reads(base, tmp_path):
    found = backbone.load(base)
    config = TrainConfig(("d",), "o", base=str(base), dtype="float32", max_length=256)
    student = Learner(found, config, None)
    examples = encode(tiny_samples(tiny_records(9)), found, max_length=256)
    for number in range(3):
        student.step([examples], rate=0.01, seed=number)
    assert quicken(student.model) == 29  # as many as it has already
    student._write_weights(tmp_path, None)
    loaded = backbone.load(base, adapter=tmp_path)
    tokens = sum(example.completion for example in examples)
    loss = CompletionLoss(loaded.model).value(collate(examples, pad=loaded.pad)) / tokens
    assert loss == pytest.approx(student.value([examples]), rel=1e-3)  # stored in float16
