"""The states that a model is in while it is measured, each of which ends as it began."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.study.flow.attention import Watcher

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["checkpointed", "eager", "frozen", "graph"]


@contextmanager
def frozen(model: Any) -> Iterator[None]:
    """Hold every weight fixed, so that a backward pass computes no gradient of any."""
    flags = {parameter: parameter.requires_grad for parameter in model.parameters()}
    model.eval()
    for parameter in flags:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, flag in flags.items():
            parameter.requires_grad_(flag)


@contextmanager
def checkpointed(model: Any) -> Iterator[None]:
    """Have each layer forget its activations and compute them again in the backward pass.

    Transformers does so in training alone: the layers are told that they train, and nothing in
    them; a layer's own share of dropout is 0 for as long.
    """
    from functools import partial

    from torch.utils.checkpoint import checkpoint
    from transformers.modeling_layers import GradientCheckpointingLayer

    with ExitStack() as stack:
        for layer in model.modules():
            if isinstance(layer, GradientCheckpointingLayer):
                told: dict[str, Any] = {n: 0.0 for n, v in vars(layer).items() if _drops(n, v)}
                told |= {"training": True, "gradient_checkpointing": True}
                told["_gradient_checkpointing_func"] = partial(checkpoint, use_reentrant=False)
                stack.enter_context(_set(layer, told))
        yield


def _drops(name: str, value: object) -> bool:
    return "dropout" in name and isinstance(value, float)


@contextmanager
def _set(layer: Module, told: dict[str, Any]) -> Iterator[None]:
    before = {name: vars(layer)[name] for name in told if name in vars(layer)}
    vars(layer).update(told)
    try:
        yield
    finally:
        for name in told:
            vars(layer).pop(name)
        vars(layer).update(before)


@contextmanager
def graph(model: Any) -> Iterator[None]:
    """Have the model attend eagerly, with a graph that begins at the embeddings.

    Its weights are frozen; without this nothing would have a gradient.
    """
    if model._can_set_attn_implementation():
        before: str | None = model.config._attn_implementation
        model.set_attn_implementation("eager")
    else:
        before = None

    def begin(_: Module, __: Any, out: Tensor) -> Tensor:
        # a copy, since some designs scale their embeddings in place, which no leaf allows
        return out.requires_grad_(True).clone() if out.is_leaf else out

    handle = model.get_input_embeddings().register_forward_hook(begin)
    try:
        yield
    finally:
        handle.remove()
        if before is not None:
            model.set_attn_implementation(before)


@contextmanager
def eager(model: Any, watcher: Watcher) -> Iterator[None]:
    """Show the maps that eager attention returns, each once: wrappers hand on what is inside them.

    Layers have the numbers that their modules know, else are numbered as they come.

    Raises ModelError where two maps are of one layer.
    """
    maps: dict[int, Tensor] = {}

    def hook(module: Module, _: Any, out: Any) -> None:
        weights = _map_of(out)
        if weights is None or not weights.requires_grad:
            return
        if any(weights is known for known in maps.values()):
            return
        layer = getattr(module, "layer_idx", None)
        layer = layer if isinstance(layer, int) else len(maps)
        if layer in maps:
            raise ModelError(
                f"two attention maps of {type(model).__name__} are of layer {layer}: flow cannot"
                " tell its layers apart; take a decoder of another design"
            )
        maps[layer] = weights
        show = _shows(watcher, layer, weights.detach())
        weights.register_hook(show)  # type: ignore[no-untyped-call]

    with ExitStack() as stack:
        stack.enter_context(graph(model))
        for module in model.modules():
            if "Attention" in type(module).__name__:
                stack.callback(module.register_forward_hook(hook).remove)
        yield


def _shows(watcher: Watcher, layer: int, weights: Tensor) -> Callable[[Tensor], None]:
    import torch

    def show(gradient: Tensor) -> None:
        exact = torch.promote_types(weights.dtype, torch.float32)
        unseen = weights.sum(1, keepdim=True) == 0
        lowest = torch.finfo(exact).min
        watcher.reach(
            layer, unseen.new_zeros(unseen.shape, dtype=exact).masked_fill(unseen, lowest)
        )
        watcher.see(layer, weights.to(exact), weights.to(exact) * gradient.to(exact), 0, 0)

    return show


def _map_of(out: Any) -> Tensor | None:
    """Return the attention map among what a module returned: [batch, heads, T, T]."""
    import torch

    for part in out[1:] if isinstance(out, tuple) else ():
        if torch.is_tensor(part) and part.dim() == 4 and part.shape[-1] == part.shape[-2]:
            return part
    return None
