"""LoRA layers that train faster on a CPU: the same mathematics as peft's, in fewer passes.

peft computes x W' + s (x A') B' and lets autograd take it back piece by piece. Here W + s B A is
added up once a step, so that a layer's output and its input's gradient are one matrix product each;
the gradients of A and B come from four narrow ones. Norms and gated feed-forward blocks, where
autograd goes over memory many times, have their gradients written out. What is saved, and every
name, is peft's own.

Only float32 on a CPU is treated so: in a narrow type the sum would lose a small update, and on a
GPU a second copy of the weights costs more than it brings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["quicken"]

_CLOSE = 1e-5  # how near a faster module has to come to the one that it replaces


def quicken(model: Any) -> int:
    """Give the model's LoRA layers, norms and gated blocks their faster form; return how many.

    A module stays as it is where it is of no known kind, or its faster form would not give what it
    gives: dropout, a trained bias, another type than float32, a GPU.
    """
    layers = {module: _Adapted(module) for module in model.modules() if _is_plain(module)}
    faster: dict[Any, Callable[[Tensor], Tensor]] = dict(layers)
    if layers:
        for module in model.modules():
            if made := _gated(module, layers) or _norm(module):
                faster[module] = made
    for module, forward in faster.items():
        module.forward = forward
    return len(faster)


# ---------------------------------------------------------------- one linear layer


def _is_plain(module: Any) -> bool:
    """Say whether this is a LoRA layer as peft makes it where nothing special is asked."""
    import torch
    from peft.tuners.lora.layer import Linear

    if not isinstance(module, Linear) or type(module.base_layer) is not torch.nn.Linear:
        return False
    name, *others = module.active_adapters
    base, up = module.base_layer, module.lora_B[name]
    unusual = others or module.merged or module.disable_adapters or module.lora_variant
    return not (
        unusual
        or module.fan_in_fan_out
        or not isinstance(module.lora_dropout[name], torch.nn.Identity)
        or any(p.requires_grad for p in base.parameters())
        or up.bias is not None
        or base.weight.device.type != "cpu"
        or {base.weight.dtype, up.weight.dtype} != {torch.float32}
    )


class _Adapted:
    """A LoRA layer's parameters, and its weights with the adapter added to them."""

    def __init__(self, layer: Any) -> None:
        import torch

        (name,) = layer.active_adapters
        self.base, self.bias = layer.base_layer.weight, layer.base_layer.bias
        self.down, self.up = layer.lora_A[name].weight, layer.lora_B[name].weight
        self.scale = float(layer.scaling[name])
        self._sum = torch.empty_like(self.base)
        self._made_of: tuple[int, ...] = ()

    def __call__(self, states: Tensor) -> Tensor:
        out: Tensor = _linear_function().apply(states, self.down, self.up, self)
        return out

    @property
    def sum(self) -> Tensor:
        """W + s B A, computed again after W, A or B have changed."""
        import torch

        now = tuple(value._version for value in (self.base, self.down, self.up))
        if now != self._made_of:
            with torch.no_grad():
                torch.addmm(self.base, self.up, self.down, alpha=self.scale, out=self._sum)
            self._made_of = now
        return self._sum

    def out(self, states: Tensor) -> Tensor:
        from torch.nn.functional import linear

        return linear(states, self.sum, self.bias)


def _gradients(states: Tensor, flows: Sequence[Tensor], layers: Sequence[_Adapted]) -> list[Tensor]:
    """Return the gradients of A and B of layers with the same input, from those of their outputs.

    `states` and each of `flows` are matrices of a row per token.
    """
    import torch

    cuts = list(accumulate(len(layer.down) for layer in layers[:-1]))
    narrow = [
        (flow @ layer.up).mul_(layer.scale) for flow, layer in zip(flows, layers, strict=True)
    ]
    downs = torch.tensor_split(torch.cat(narrow, 1).T @ states, cuts)
    inner = states @ torch.cat([layer.down * layer.scale for layer in layers]).T
    parts = torch.tensor_split(inner, cuts, dim=1)
    ups = [(part.T @ flow).T for part, flow in zip(parts, flows, strict=True)]
    # (flow.T @ part would take twice as long)
    return [gradient for pair in zip(downs, ups, strict=True) for gradient in pair]


# ---------------------------------------------------------------- blocks and norms


class _Gated:
    """A feed-forward block of three layers: down(act(gate(x)) * up(x))."""

    def __init__(self, block: Any, layers: Mapping[Any, _Adapted]) -> None:
        self.layers = [layers[getattr(block, name)] for name in _GATED]
        self.act = block.act_fn
        self.slope = _slope(self.act)

    def __call__(self, states: Tensor) -> Tensor:
        matrices = [matrix for layer in self.layers for matrix in (layer.down, layer.up)]
        out: Tensor = _gated_function().apply(states, self, *matrices)
        return out


_GATED = ("gate_proj", "up_proj", "down_proj")


def _gated(block: Any, layers: Mapping[Any, _Adapted]) -> _Gated | None:
    """Return the faster form of a gated block whose three layers are adapted."""
    parts = [getattr(block, name, None) for name in _GATED]
    if not all(part in layers for part in parts) or not hasattr(block, "act_fn"):
        return None
    made = _Gated(block, layers)
    return made if _agree(block, made, made.layers[0].base) else None


class _Norm:
    """A root-mean-square norm with fixed weights."""

    def __init__(self, weight: Tensor, eps: float) -> None:
        self.weight, self.eps = weight, eps

    def __call__(self, states: Tensor) -> Tensor:
        out: Tensor = _norm_function().apply(states, self.weight, self.eps)
        return out


def _norm(module: Any) -> _Norm | None:
    """Return the faster form of a norm; some kinds add 1 to what they store as weight."""
    import torch

    weight = getattr(module, "weight", None)
    eps = getattr(module, "variance_epsilon", getattr(module, "eps", None))
    if not type(module).__name__.endswith("RMSNorm") or weight is None or eps is None:
        return None
    if weight.requires_grad or weight.dtype != torch.float32:
        return None
    forms = (_Norm(weight.detach() + shift, eps) for shift in (0.0, 1.0))
    return next((form for form in forms if _agree(module, form, weight)), None)


def _agree(module: Any, faster: Callable[[Tensor], Tensor], weight: Tensor) -> bool:
    """Say whether two modules whose input is as wide as `weight` give the same."""
    import torch

    states = torch.linspace(-3, 3, 4 * weight.shape[-1]).sin().view(1, 4, -1)
    with torch.no_grad():
        return torch.allclose(module(states), faster(states), rtol=_CLOSE, atol=_CLOSE)


def _slope(act: Any) -> Callable[[Tensor, Tensor], Tensor]:
    """Return what takes a gradient and an activation's input to the gradient of that input."""
    import torch

    def by_autograd(flow: Tensor, at: Tensor) -> Tensor:
        with torch.enable_grad():
            at = at.detach().requires_grad_()
            return torch.autograd.grad(act(at), at, flow)[0]

    known: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
        lambda flow, at: torch.ops.aten.gelu_backward(flow, at, approximate="tanh"),
        torch.ops.aten.silu_backward,
    )  # which need not compute the activation again
    at = torch.linspace(-6, 6, 49)
    wanted = by_autograd(torch.ones_like(at), at)
    for slope in known:
        if torch.allclose(slope(torch.ones_like(at), at), wanted, rtol=_CLOSE, atol=_CLOSE):
            return slope
    return by_autograd


# ---------------------------------------------------------------- the gradients, written out


@cache
def _linear_function() -> Any:
    """Return a linear layer's function, made when torch is there to be imported."""
    import torch

    class Linear(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, states: Tensor, down: Tensor, up: Tensor, layer: _Adapted) -> Tensor:
            ctx.layer = layer
            ctx.save_for_backward(states, down, up)  # so that a change before backward is noticed
            return layer.out(states)

        @staticmethod
        def backward(ctx: Any, flow: Tensor) -> tuple[Any, ...]:
            states = _rows(ctx.saved_tensors[0])
            flows = _rows(flow)
            inward = None
            if ctx.needs_input_grad[0]:
                inward = (flows @ ctx.layer.sum).view(*flow.shape[:-1], -1)
            return inward, *_gradients(states, [flows], [ctx.layer]), None

    return Linear


@cache
def _gated_function() -> Any:
    """Return a gated block's function."""
    import torch

    class Gated(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, states: Tensor, block: _Gated, *matrices: Tensor) -> Tensor:
            gate, up, down = block.layers
            opening, passing = gate.out(states), up.out(states)
            open_ = block.act(opening)
            ctx.block = block
            ctx.save_for_backward(states, opening, open_, passing, *matrices)
            return down.out(open_ * passing)

        @staticmethod
        def backward(ctx: Any, flow: Tensor) -> tuple[Any, ...]:
            states, opening, open_, passing = map(_rows, ctx.saved_tensors[:4])
            gate, up, down = ctx.block.layers
            flows = _rows(flow)
            lower = _gradients(open_ * passing, [flows], [down])
            inner = flows @ down.sum
            to_up = inner * open_
            to_gate = ctx.block.slope(inner.mul_(passing), opening)
            upper = _gradients(states, [to_gate, to_up], [gate, up])
            inward = (to_gate @ gate.sum).addmm_(to_up, up.sum).view(*flow.shape[:-1], -1)
            return inward, None, *upper, *lower

    return Gated


@cache
def _norm_function() -> Any:
    """Return a norm's function."""
    import torch

    class Norm(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, states: Tensor, weight: Tensor, eps: float) -> Tensor:
            size = states.shape[-1]
            inverse = torch.linalg.vecdot(states, states).div_(size).add_(eps).rsqrt_()
            inverse = inverse.unsqueeze(-1)
            ctx.save_for_backward(states, weight, inverse)
            out: Tensor = (states * inverse).mul_(weight)
            return out

        @staticmethod
        def backward(ctx: Any, flow: Tensor) -> tuple[Any, ...]:
            states, weight, inverse = ctx.saved_tensors
            inward = flow * weight
            along = torch.linalg.vecdot(inward, states).unsqueeze(-1)
            along = along.mul_(inverse.pow(3)).div_(states.shape[-1])
            return inward.mul_(inverse).addcmul_(states, along, value=-1), None, None

    return Norm


def _rows(states: Tensor) -> Tensor:
    return states.reshape(-1, states.shape[-1])
