"""Flow on many designs: against explicit gradients, finite differences, batches against singles."""

import pytest
import torch
from flow_models import (
    EAGER,
    HEADS,
    LAYERS,
    WATCHED,
    Plain,
    batch_of,
    exact_norms,
    model_of,
    tokens,
)

from pointline.errors import ModelError
from pointline.study.flow import attention
from pointline.study.flow.attention import Unwatchable
from pointline.study.flow.measure import How, choose_way, logits_of, measure

LENGTH = 23
DESIGNS = [*WATCHED, "llama with LoRA"]


@pytest.fixture(params=DESIGNS)
def model(request):
    name = request.param
    return model_of(name.removesuffix(" with LoRA"), lora=name.endswith("LoRA"))


def flows(products, heads="sum-then-abs"):
    """I of every layer, written out."""
    out = []
    for product in products:
        found = product.sum(1).abs() if heads == "sum-then-abs" else product.abs().sum(1)
        out.append(found.tril(-1))
    return out


@pytest.mark.parametrize("heads", ["sum-then-abs", "abs-then-sum"])
def test_flow_is_what_autograd_says(model, heads):
    made, goal = batch_of([tokens(LENGTH)])
    wanted = flows(Plain().products(model, made, goal), heads)
    found = measure(model, made, goal, How(heads=heads, rows=5), keep_maps=True)
    assert max(float(one.max()) for one in wanted) > 1e-3
    for layer in range(LAYERS):
        torch.testing.assert_close(found.recorder.maps[layer], wanted[layer], rtol=0, atol=1e-12)


def test_a_padded_batch_is_as_its_samples_one_by_one(model):
    prompts = [tokens(23, 1), tokens(17, 2), tokens(9, 3)]
    made, goal = batch_of(prompts)
    whole = measure(model, made, goal, How(rows=5))
    for row, prompt in enumerate(prompts):
        one = measure(model, *batch_of([prompt]), How())
        for name in ("table", "null", "estimate", "reached"):
            both = (getattr(outcome.recorder, name) for outcome in (whole, one))
            for batched, alone in zip(*(found.values() for found in both), strict=True):
                torch.testing.assert_close(batched[row], alone[0], rtol=0, atol=1e-12)
        torch.testing.assert_close(whole.losses[row], one.losses[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["gemma2, window 7, cap 5", "gpt2", "mistral, window 7"])
def test_flow_is_a_derivative(name):
    """A g is A times what the loss changes by when A alone is changed, divided by the change."""
    model, plain, small = model_of(name), Plain(), 1e-5
    exact_norms(model)
    made, goal = batch_of([tokens(LENGTH)])
    found = measure(model, made, goal, How(), keep_maps=True).recorder.maps
    plain.products(model, made, goal)
    kept, choose = dict(plain.maps), torch.Generator().manual_seed(3)
    for layer in range(LAYERS):
        row = LENGTH - 1 if layer == LAYERS - 1 else 15
        column = int(torch.randint(row, (1,), generator=choose))
        products = []
        for head in range(HEADS):
            losses = []
            for sign in (small, -small):
                change = torch.zeros_like(kept[layer])
                change[0, head, row, column] = sign
                plain.added = {layer: change}
                losses.append(float(goal.losses(logits_of(model, made), "vocabulary").detach()))
            slope = (losses[0] - losses[1]) / (2 * small)
            products.append(float(kept[layer][0, head, row, column]) * slope)
        assert abs(float(found[layer][0, row, column]) - abs(sum(products))) < 1e-8


def test_the_target_row_alone_has_flow_in_the_last_layer(model):
    made, goal = batch_of([tokens(LENGTH)])
    last = measure(model, made, goal, How(), keep_maps=True).recorder.maps[LAYERS - 1][0]
    assert last[:-1].abs().max() == 0 and last[-1].max() > 0


@pytest.mark.parametrize("name", ["llama", "gpt2", "gemma3, window 7"])
def test_checkpointing_changes_nothing(name):
    model = model_of(name)
    made, goal = batch_of([tokens(17, 2), tokens(LENGTH)])
    before = {key: vars(module).copy() for key, module in model.named_modules()}
    plain, thrifty = (measure(model, made, goal, How(checkpointing=c)) for c in (False, True))
    for layer in range(LAYERS):
        assert torch.equal(plain.recorder.table[layer], thrifty.recorder.table[layer])
    after = {key: vars(module) for key, module in model.named_modules()}
    assert all(before[key].keys() == after[key].keys() for key in before)
    assert not any(module.training for module in model.modules())


def test_the_model_is_left_as_it_was():
    model = model_of("llama")
    for parameter in list(model.parameters())[::2]:
        parameter.requires_grad_(False)
    flags = [parameter.requires_grad for parameter in model.parameters()]
    measure(model, *batch_of([tokens(LENGTH)]), How())
    assert model.config._attn_implementation == "eager"
    assert [parameter.requires_grad for parameter in model.parameters()] == flags
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not model.get_input_embeddings()._forward_hooks


@pytest.mark.parametrize("name", EAGER)
def test_other_designs_are_measured_by_eager_attention(name):
    model = model_of(name).float()
    made, goal = batch_of([tokens(LENGTH)])
    made = single_precision(made)
    if name != "bloom":  # its mask comes from a bias in the scores
        with pytest.raises(Unwatchable):
            measure(model, made, goal, How())
    assert choose_way(model, made, goal, How()) == "eager"
    found = measure(model, made, goal, How(way="eager"), keep_maps=True).recorder
    assert sorted(found.maps) == list(range(LAYERS)) and found.maps[0].max() > 0
    assert found.maps[LAYERS - 1][0, :-1].abs().max() == 0
    wanted = flows(returned(model, made, goal))
    for layer in range(LAYERS):
        torch.testing.assert_close(found.maps[layer], wanted[layer], rtol=1e-5, atol=1e-6)


def returned(model, made, goal):
    """A dL/dA of every layer, from the maps that the model returns when it is asked for them."""
    out = model(made.ids, attention_mask=made.mask, output_attentions=True, use_cache=False)
    losses = goal.losses(out.logits[:, -1], "vocabulary")
    slopes = torch.autograd.grad(losses.sum(), out.attentions)
    return [(a * slope).detach() for a, slope in zip(out.attentions, slopes, strict=True)]


@pytest.mark.parametrize("name", ["bert", "ctrl"])
def test_designs_that_once_broke_the_self_test(name):
    model, (made, goal) = model_of(name).float(), batch_of([tokens(LENGTH)])
    made = single_precision(made)
    assert choose_way(model, made, goal, How()) == "flow"
    found = measure(model, made, goal, How(), keep_maps=True).recorder.maps
    for layer, wanted in enumerate(flows(returned(model, made, goal))):
        torch.testing.assert_close(found[layer], wanted, rtol=1e-5, atol=1e-6)
    shown = measure(model, made, goal, How(way="eager"), keep_maps=True).recorder.maps
    assert sorted(shown) == list(range(LAYERS))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bert, encoder", "attends to what stands behind a token: flow needs a causal decoder"),
        ("roformer, encoder", "attends to what stands behind a token: flow needs a causal decod"),
        ("openai-gpt", "does not take its attention from the registry; no attention of OpenAI"),
    ],
)
def test_what_is_no_decoder_that_can_be_measured_is_refused(name, words):
    model, (made, goal) = model_of(name).float(), batch_of([tokens(LENGTH)])
    with pytest.raises(ModelError, match=words) as told:
        choose_way(model, single_precision(made), goal, How())
    assert "\n" not in str(told.value)


def test_layers_that_come_twice_or_are_missed_are_refused():
    model, (made, goal) = model_of("gpt-neo").float(), batch_of([tokens(LENGTH)])
    made = single_precision(made)
    layers = [module.attn for module in model.transformer.h]
    inner = [module.attention for module in layers]
    for module in inner:
        module.layer_idx = 1
    with pytest.raises(
        ModelError, match=r"two attention maps of GPTNeo.* are of layer 1: flow can"
    ):
        choose_way(model, made, goal, How())
    for module in inner:
        module.layer_idx = module.layer_id
    for module in (inner[1], layers[1]):  # so named, no map of theirs is looked for
        module.__class__ = type("Other", (type(module),), {})
    with pytest.raises(ModelError, match=r"self-test: 2 attention maps .* but it has 3: nothing"):
        choose_way(model, made, goal, How())


def test_a_fault_that_was_not_foreseen_is_told_in_one_line(monkeypatch):
    model, (made, goal) = model_of("gptj").float(), batch_of([tokens(LENGTH)])

    def broken(*told, **more):
        raise RuntimeError("a leaf\nis used in place")

    monkeypatch.setattr(model.transformer.h[1].attn, "_attn", broken)
    words = "flow cannot be measured on GPTJ.*: .*registry; RuntimeError: a leaf is used in place"
    with pytest.raises(ModelError, match=words) as told:
        choose_way(model, single_precision(made), goal, How())
    assert "\n" not in str(told.value)


def test_both_ways_agree(model):
    made, goal = batch_of([tokens(LENGTH), tokens(14, 4)])
    made, model = single_precision(made), model.float()
    assert choose_way(model, made, goal, How()) == "flow"
    flow, eager = (measure(model, made, goal, How(way=way)).recorder for way in ("flow", "eager"))
    for layer in range(LAYERS):
        torch.testing.assert_close(flow.table[layer], eager.table[layer], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(flow.null[layer], eager.null[layer], rtol=1e-4, atol=1e-5)
        assert torch.equal(flow.reached[layer], eager.reached[layer])


def test_ways_that_differ_stop_everything(monkeypatch):
    model = model_of("llama")
    made, goal = batch_of([tokens(LENGTH)])
    monkeypatch.setattr(attention, "_through_softmax", lambda weights, slope: weights * slope)
    with pytest.raises(
        ModelError,
        match=r"self-test: the flow of LlamaForCausalLM and that of the maps .* differ by",
    ):
        choose_way(model, made, goal, How())


def test_bfloat16_is_near():
    model = model_of("llama", spread=0.05)
    made, goal = batch_of([tokens(LENGTH)])
    exact = measure(model, made, goal, How()).recorder
    single = batch_of([tokens(LENGTH)])[0]
    rough = measure(model.bfloat16(), single_precision(single), goal, How()).recorder
    assert choose_way(model, single_precision(single), goal, How()) == "flow"
    for layer in range(LAYERS):
        apart = (rough.table[layer] - exact.table[layer]).abs().max()
        assert apart < 0.1 * exact.table[layer].max()


def single_precision(made):
    return type(made)(made.ids, made.mask, made.member.float(), made.drawn.float())


def test_a_label_set_restricts_the_loss():
    model = model_of("gpt2")
    made, goal = batch_of([tokens(LENGTH)])
    wanted = flows(Plain().products(model, made, goal, "label-set"))
    found = measure(model, made, goal, How(loss="label-set"), keep_maps=True)
    torch.testing.assert_close(found.recorder.maps[0], wanted[0], rtol=0, atol=1e-12)
    logits = logits_of(model, made)[0, [5, 9, 11]]
    torch.testing.assert_close(found.losses[0], -logits.log_softmax(0)[0].detach())
    assert int(found.answers[0]) == (5, 9, 11)[int(logits.argmax())]
