"""What a training would take: against the models themselves, and the table in the docs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny import tiny_datasets, tiny_model

from pointline.errors import PreflightError
from pointline.model import backbone
from pointline.model.embedded import quiet
from pointline.model.estimate import MACHINES, Shape, Work, _kept, estimate, estimate_run
from pointline.model.learner import Learner
from pointline.model.settings import TrainConfig

LLAMA_8B = Shape(4096, 32, 14336, 32, 8, 128, 128_256, tied=False, norms=8192)


@pytest.mark.parametrize("family", ["gemma3", "llama"])
def test_sizes_are_those_of_the_model(tmp_path, family):
    folder = tiny_model(tmp_path / "m", family=family)
    model = backbone.load(folder).model
    shape = Shape.of(model)
    assert shape == Shape.of(backbone.outline(folder).model)
    assert shape.parameters == sum(p.numel() for p in model.parameters() if p.ndim == 2)
    blocks = [p.numel() for n, p in model.named_parameters() if "layers" in n and p.ndim == 2]
    assert shape.block * shape.layers == sum(blocks)


def test_an_adapter_has_as_many_weights_as_peft_makes(base):
    import peft

    model = backbone.load(base).model
    shape = Shape.of(model)
    lora = peft.LoraConfig(task_type="CAUSAL_LM", r=4, target_modules="all-linear")
    with quiet():
        made = peft.get_peft_model(model, lora)
    assert shape.adapter(4) == sum(p.numel() for p in made.parameters() if p.requires_grad)


def kept_by_autograd(model, *, size=4):
    """How many bytes the body keeps for a token's way back, its weights left out."""
    own = {p.data_ptr() for p in model.parameters()}
    kept = {}

    def keep(value):
        storage = value.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return value

    ids = torch.randint(3, 500, (4, 100))
    cast = torch.autocast("cpu", torch.bfloat16, enabled=size == 2)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value), cast:
        model.get_decoder()(input_ids=ids, use_cache=False)
    shape = Shape.of(model)
    casts = size * shape.layers * shape.block if size == 2 else 0  # weights in bfloat16
    return (sum(kept.values()) - casts) / ids.numel()


@pytest.mark.parametrize("family", ["gemma3", "llama"])
@pytest.mark.parametrize("size", [2, 4])
def test_what_the_way_back_needs_is_what_autograd_keeps(tmp_path, family, size):
    model = backbone.load(tiny_model(tmp_path / "m", family=family)).model.train()
    found = kept_by_autograd(model, size=size)
    assert _kept(Shape.of(model), Work(1, size=size)) == pytest.approx(found, rel=0.2)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_checkpointing_keeps_a_fraction_of_it(base, method):
    found = {}
    for checkpointing in (False, True):
        config = TrainConfig(
            ("d",), "o", method=method, dtype="float32", checkpointing=checkpointing
        )
        student = Learner(backbone.load(base), config, None)
        found[checkpointing] = kept_by_autograd(student.model.train())
    assert found[True] < found[False] / 4


def test_known_models_have_their_size():
    assert LLAMA_8B.parameters == pytest.approx(8.03e9, rel=1e-3)
    one = estimate(LLAMA_8B, Work(10**6), MACHINES[0])
    # 16 bytes a weight and 2 for the copy of the blocks that is computed with
    assert one.weights + one.optimizer == pytest.approx(16 * 8.03e9 + 2 * 6.98e9, rel=1e-3)
    assert one.flops == pytest.approx(6 * (6.98e9 + 0.45 * 0.525e9) * 10**6, rel=0.01)
    assert not one.fits and estimate(LLAMA_8B, Work(1, rank=16), MACHINES[0]).fits


def test_what_saves_memory_saves_it():
    work = Work(10**6, batch=16_384)
    plain = estimate(LLAMA_8B, work, MACHINES[0])
    less = estimate(LLAMA_8B, replace(work, checkpointing=True), MACHINES[0])
    assert less.activations < plain.activations / 4 and less.flops == pytest.approx(
        plain.flops * 4 / 3, rel=0.05
    )
    parts = estimate(LLAMA_8B, work, MACHINES[1])
    assert parts.optimizer == pytest.approx(plain.optimizer / 6)
    assert parts.weights < plain.weights and parts.activations == plain.activations / 6


def test_a_run_is_estimated_from_its_data(base, tmp_path):
    data = tiny_datasets(tmp_path, 21)
    config = TrainConfig(data, str(tmp_path / "run"), base=str(base), epochs=3, max_length=256)
    found = estimate_run(config)
    assert [one.machine for one in found] == [machine.name for machine in MACHINES]
    assert found[0].flops > 0 and not (tmp_path / "run").exists()
    twice = estimate_run(replace(config, epochs=6))
    assert twice[0].flops == pytest.approx(2 * found[0].flops)
    with pytest.raises(PreflightError, match=r"tokens, .* where 8 are allowed"):
        estimate_run(replace(config, max_length=8))


# ---------------------------------------------------------------- the docs

DOCS = Path(__file__).parents[1] / "docs" / "training.md"
SHAPES = {
    "Gemma-3-270M (0.3B)": Shape(640, 18, 2048, 4, 1, 256, 262_144, tied=True, norms=3840),
    "Llama-3.2-1B": Shape(2048, 16, 8192, 32, 8, 64, 128_256, tied=True, norms=4096),
    "Llama-3-8B": LLAMA_8B,
    "Llama-2-13B": Shape(5120, 40, 13824, 40, 40, 128, 32_000, tied=False, norms=10_240),
}
TOKENS = 1_553_049  # of the 21 training splits as built, with Gemma's tokenizer
UNION = Work(3 * TOKENS, completion=0.4, batch=16_384, length=69)
WORKS = {
    "every weight": UNION,
    "every weight, checkpointing": replace(UNION, checkpointing=True),
    "LoRA": replace(UNION, rank=16),
    "LoRA, checkpointing": replace(UNION, rank=16, checkpointing=True),
}


def table():
    """The rows of the table: gigabytes on each GPU, and minutes."""
    for name, shape in SHAPES.items():
        for how, work in WORKS.items():
            cells = []
            for machine in MACHINES:
                found = estimate(shape, work, machine)
                size = f"{found.memory / 1e9:.1f}"
                cells += [size if found.fits else f"({size})"]
                cells += [f"{found.seconds / 60:.1f}" if found.fits else "–"]
            yield f"| {name} | {how} | {' | '.join(cells)} |"


def test_the_table_in_the_docs_is_what_is_computed():
    text = DOCS.read_text(encoding="utf-8")
    found = re.search(r"<!-- table: estimates -->\n\n(.*?)\n\n", text, re.DOTALL)
    assert found and found[1].splitlines()[2:] == list(table())
    assert f"{TOKENS:,} tokens" in text
