"""Attention that is watched: forward as ever, and backward by blocks of rows, map by map.

A model of transformers that asks its registry for the attention function is given ours by name;
nothing of the model is patched. Forward calls torch's scaled dot-product attention, which keeps no
T x T map. Backward computes the weights A of a block of rows again, has dL/dA at hand as
dL/dO V^T, shows both to whoever watches, and forgets them. A mask function has to be registered
under the same name: without one transformers would give no mask at all, and every token would
see all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary

from pointline.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

__all__ = ["NAME", "Blocked", "Unwatchable", "Watcher", "register", "watched"]

#: The name under which the attention function is registered with transformers.
NAME = "pointline_flow"

#: What some designs hand to their attention, and what changes its weights (s_aux: sinks).
_UNKNOWN = ("s_aux", "position_bias", "head_mask")

_ROWS = 256  # of the attention map that are in memory at once


class Unwatchable(ModelError):
    """A model whose attention takes more than this function knows; eager attention may do."""


class Watcher(Protocol):
    """Who is shown the attention weights A and A dL/dA, a block of rows at a time."""

    def see(self, layer: int, weights: Tensor, product: Tensor, row: int, column: int) -> None:
        """Take both, [batch, heads, rows, columns] from `row` and `column` on, to read only."""

    def reach(self, layer: int, mask: Tensor) -> None:
        """Take a layer's mask, [batch, 1, T, T]: 0 where a token may look, else very low."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Edges that a knockout cuts, [batch, 1, T, T] with True where, and in which layers."""

    edges: Tensor
    layers: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Watch:
    watcher: Watcher | None
    blocked: Blocked | None
    rows: int


# which module is watched by whom: a graph's backward pass runs in threads of its own on a GPU,
# so that neither a context variable nor a thread's own storage would reach it
_WATCHES: WeakKeyDictionary[Module, _Watch] = WeakKeyDictionary()


@contextmanager
def watched(
    model: Any,
    watcher: Watcher | None = None,
    *,
    blocked: Blocked | None = None,
    rows: int = _ROWS,
) -> Iterator[None]:
    """Give the model our attention function while the block runs; afterwards it has its own again.

    Raises Unwatchable for a model whose attention does not come from transformers' registry.
    """
    register()
    before: str = model.config._attn_implementation
    if not model._can_set_attn_implementation():
        raise Unwatchable(f"{type(model).__name__} does not take its attention from the registry")
    modules = [module for module in model.modules() if hasattr(module, "layer_idx")]
    watch = _Watch(watcher, blocked, rows)
    _WATCHES.update(dict.fromkeys(modules, watch))
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        for module in modules:
            _WATCHES.pop(module, None)


@cache
def register() -> None:
    """Make our attention function and its mask known to transformers.

    Raises MissingExtra without it.
    """
    try:
        from transformers import AttentionInterface, AttentionMaskInterface
        from transformers.masking_utils import eager_mask
    except ImportError as error:
        raise MissingExtra(error.name or "transformers", extra="hf") from None
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, eager_mask)


def _attention(
    module: Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    softcap: float | None = None,
    **more: Any,  # what transformers hands on: window and position ids are in the mask already
) -> tuple[Tensor, None]:
    """Compute attention as transformers' own functions do, under watch."""
    import torch

    if attention_mask is None or dropout:
        raise Unwatchable("attention came without a mask, or with dropout")
    unknown = [
        name for name in ("s_aux", "position_bias", "head_mask") if more.get(name) is not None
    ]
    if unknown or getattr(module, "sinks", None) is not None:
        raise Unwatchable(f"attention has {(unknown or ['sinks'])[0]}, which is not computed here")
    if key.shape[-2] != query.shape[-2]:
        raise Unwatchable("keys come from elsewhere (a cache, a prefix): load without it")
    watch, layer = _WATCHES[module], int(module.layer_idx)  # type: ignore[arg-type]
    mask = attention_mask.to(query.dtype)
    if watch.blocked is not None and layer in watch.blocked.layers:
        lowest = _lowest(mask)
        mask = mask.masked_fill(watch.blocked.edges, lowest)
    how = _How(
        scale=query.shape[-1] ** -0.5 if scaling is None else scaling,
        softcap=softcap,
        rows=watch.rows,
        layer=layer,
        watcher=watch.watcher,
    )
    if not query.requires_grad and torch.is_grad_enabled():
        # weights are frozen: the graph begins here, and nothing below the first layer is gone back
        query = query.detach().requires_grad_()
    out: Tensor = _function().apply(query, key, value, mask, how)
    return out.transpose(1, 2).contiguous(), None


# ---------------------------------------------------------------- forward and backward


@dataclass(frozen=True, slots=True)
class _How:
    scale: float
    softcap: float | None
    rows: int
    layer: int
    watcher: Watcher | None


@cache
def _function() -> Any:
    """Return the autograd function; torch is not imported before it is needed."""
    import torch

    class WatchedAttention(torch.autograd.Function):
        """softmax(scale Q K^T + mask) V, whose backward pass shows the weights."""

        @staticmethod
        def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, how: _How) -> Tensor:
            ctx.save_for_backward(q, k, v, mask)
            ctx.how = how
            return _forward(q, k, v, mask, how)

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
            q, k, v, mask = ctx.saved_tensors
            made = _backward(gradients[0], q, k, v, mask, ctx.how)
            return (*made, None, None)

    return WatchedAttention


def _forward(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, how: _How) -> Tensor:
    import torch
    from torch.nn.functional import scaled_dot_product_attention as attend

    parts = []
    for rows, columns in _blocks(mask, how.rows):
        block = q[:, :, rows], k[:, :, columns], v[:, :, columns]
        seen = mask[:, :, rows, columns]
        if how.softcap:
            weights = _weights(_folded(block[0], k), block[1], seen, how)
            made = (weights.to(v.dtype) @ block[2]).reshape(*block[0].shape[:-1], -1)
        else:
            grouping = q.shape[1] != k.shape[1]
            made = attend(*block, attn_mask=seen, scale=how.scale, enable_gqa=grouping)
        parts.append(made)
    return torch.cat(parts, 2) if len(parts) > 1 else parts[0]


def _backward(
    do: Tensor, q: Tensor, k: Tensor, v: Tensor, mask: Tensor, how: _How
) -> tuple[Tensor, Tensor, Tensor]:
    """Return dL/dQ, dL/dK, dL/dV; the weights and their gradients are shown on the way.

    With S = scale Q K^T (capped), A = softmax(S + mask), O = A V:
    dA = dO V^T, dS = A (dA - sum_k A dA), dQ = scale dS K, dK = scale dS^T Q, dV = A^T dO.
    """
    dq, dk, dv = q.new_zeros(q.shape), k.new_zeros(k.shape), v.new_zeros(v.shape)
    if how.watcher is not None:
        how.watcher.reach(how.layer, mask)
    for rows, columns in _blocks(mask, how.rows):
        if not do[:, :, rows].any():  # in the last layer only the target's row has a gradient
            continue
        queries, downs = _folded(q[:, :, rows], k), _folded(do[:, :, rows], k)
        keys, values = k[:, :, columns], v[:, :, columns]
        weights = _weights(queries, keys, mask[:, :, rows, columns], how)
        product = weights * (downs @ values.transpose(-1, -2)).to(weights.dtype)
        if how.watcher is not None:
            shape = (*do.shape[:2], rows.stop - rows.start, -1)
            how.watcher.see(
                how.layer, weights.view(shape), product.view(shape), rows.start, columns.start
            )
        dv[:, :, columns] += weights.to(v.dtype).transpose(-1, -2) @ downs
        ds = _through_softmax(weights, product)
        if how.softcap:
            ds *= 1 - (_scores(queries, keys, how) / how.softcap) ** 2
        ds = (ds * how.scale).to(q.dtype)
        dq[:, :, rows] = (ds @ keys).view(dq[:, :, rows].shape)
        dk[:, :, columns] += ds.transpose(-1, -2) @ queries
    return dq, dk, dv


def _through_softmax(weights: Tensor, product: Tensor) -> Tensor:
    return product - weights * product.sum(-1, keepdim=True)


def _blocks(mask: Tensor, size: int) -> Iterator[tuple[slice, slice]]:
    """Yield blocks of rows, each with the columns that any of its rows can see.

    Columns behind a row are never seen, those before a sliding window not either.
    """
    length = mask.shape[-1]
    for start in range(0, length, size):
        end = min(length, start + size)
        first = 0
        if start:
            seen = (mask[:, :, start:end, :end] > _lowest(mask) / 2).flatten(0, 2).any(0)
            first = int(seen.to(dtype=mask.dtype).argmax())
        yield slice(start, end), slice(first, end)


def _folded(rows: Tensor, key: Tensor) -> Tensor:
    """Return [batch, key heads, group x rows, d]: heads that share keys as further rows."""
    return rows.reshape(rows.shape[0], key.shape[1], -1, rows.shape[-1])


def _scores(queries: Tensor, keys: Tensor, how: _How) -> Tensor:
    """Return scale Q K^T, capped where the model caps it, in float32 or better."""
    import torch

    exact = torch.promote_types(queries.dtype, torch.float32)
    scores = (queries @ keys.transpose(-1, -2)).to(exact) * how.scale
    return torch.tanh(scores / how.softcap) * how.softcap if how.softcap else scores


def _weights(queries: Tensor, keys: Tensor, mask: Tensor, how: _How) -> Tensor:
    """Return the attention weights, [batch, key heads, group x rows, columns]."""
    scores = _scores(queries, keys, how)
    grouped = scores.view(*scores.shape[:2], -1, *mask.shape[-2:])
    return (grouped + mask[:, :, None].to(scores.dtype)).softmax(-1).view(scores.shape)


def _lowest(mask: Tensor) -> float:
    import torch

    return torch.finfo(mask.dtype).min
