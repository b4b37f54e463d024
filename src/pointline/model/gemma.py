"""The body of a Gemma 3 model written out for a processor: what a few tokens cost, and no more.

transformers' forward pass spends a third of a one-token step on modules, masks and caches, and its
matrix products are slow for two to eight rows, which is what a draft has. Here products of one
input are one product, weights lie in the order in which the kernels read them, and every text has
keys and values of its own: texts of any length go through together without padding, and columns
can be taken back. `body` gives it for models whose settings it covers, and only where a trial says
that both compute the same.

Weights: "float32" is exact; "float16" halves what is read, activations and sums stay in float32.
Eight bits are not offered: torch's fast kernels round activations to eight bits as well, with one
step for the whole tensor, and Gemma's have outliers a thousand times the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pointline.errors import ModelError
from pointline.model.plain import Plain, covers

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Body", "Memory", "Weights", "body"]

Weights = Literal["float32", "float16"]

_Product = Callable[["Tensor"], "Tensor"]
_ROOM = 64  # columns that are added at a time
_KINDS = ("full_attention", "sliding_attention")


class Memory:
    """The keys and values of one text's tokens: (layers, heads, columns, dimensions)."""

    def __init__(self, keys: Tensor, values: Tensor, tokens: list[int]) -> None:
        self.keys, self.values, self.tokens = keys, values, tokens

    def forget(self, count: int) -> None:
        """Take the last tokens back."""
        if count:
            del self.tokens[-count:]

    def beginning(self, length: int) -> Memory:
        """Return a copy of the first tokens, with room for more."""
        some = slice(0, length)
        memory = Memory(self.keys[:, :, some], self.values[:, :, some], self.tokens[some])
        memory.reserve(_ROOM)
        return memory

    def reserve(self, count: int) -> None:
        """Have room for so many more tokens."""
        used = len(self.tokens)
        if used + count > self.keys.shape[2]:
            self.keys, self.values = (
                _longer(old, used, used + count + _ROOM) for old in (self.keys, self.values)
            )


def _longer(old: Tensor, used: int, columns: int) -> Tensor:
    new = old.new_empty(*old.shape[:2], columns, old.shape[3])
    new[:, :, :used] = old[:, :, :used]
    return new


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's products and scales; the norms before a product are in its weights."""

    qkv: _Product
    heads: Tensor  # scales of the queries and the key, the attention's own scale in it
    out: _Product
    attended: Tensor
    gated: _Product
    down: _Product
    fed: Tensor
    sliding: bool


@dataclass(frozen=True, slots=True)
class _Part:
    """Where one text's tokens stand in a feed, and what they may look at; None is everything."""

    rows: slice
    memory: Memory
    begin: int
    width: int
    masks: tuple[Tensor | None, Tensor | None]
    first: tuple[int, int]  # the first column that a full and a sliding layer look at


class Body:
    """The states of tokens, text by text; of weights by transformers' names in its decoder."""

    def __init__(
        self, parameters: Mapping[str, Tensor], config: Any, weights: Weights = "float32"
    ) -> None:
        self._embedding = parameters["embed_tokens.weight"]
        self._scale = float(config.hidden_size**0.5)
        self._norm = _spread(parameters["norm.weight"])
        # what keeps a state of nothing from being divided by nothing, as a length
        self._least = {size: _least(config.rms_norm_eps, size) for size in _sizes(config)}
        self._sizes = (config.num_attention_heads, config.num_key_value_heads, config.head_dim)
        self._window = config.sliding_window
        self._rates = [_rates(config, kind) for kind in _KINDS]
        self._layers = [
            _layer(parameters, config, number, weights) for number in range(len(config.layer_types))
        ]

    def memory(self) -> Memory:
        """Return the memory of a text that nothing was fed of."""
        _, heads, size = self._sizes
        empty = self._norm.new_empty(len(self._layers), heads, 0, size)
        return Memory(empty, empty, [])

    def feed(
        self,
        memories: Sequence[Memory],
        queues: Sequence[Sequence[int]],
        asked: Sequence[int] | None = None,
    ) -> Tensor:
        """Run the next tokens of every text; return their states, one text behind the other.

        `asked` is of how many of each text's last tokens: all, if not given.
        """
        import torch

        tail = None if asked is None else _tails(queues, asked)

        parts = self._parts(memories, queues)
        ids = torch.tensor([token for queue in queues for token in queue])
        places = [place for part in parts for place in range(part.begin, _end(part))]
        at = torch.tensor(places, dtype=torch.float32)[:, None]
        turns = [_turns(at * rates) for rates in self._rates]
        state = self._embedding[ids].float() * self._scale
        for number, layer in enumerate(self._layers):
            attended = self._attended(layer, number, state, parts, turns[layer.sliding])
            if number == len(self._layers) - 1 and tail is not None:
                state, attended = state[tail], attended[tail]
            state = state + self._scaled(layer.out(attended), layer.attended)
            gate, up = layer.gated(self._scaled(state)).chunk(2, dim=-1)
            fed = torch.nn.functional.gelu(gate, approximate="tanh").mul_(up)
            state = state + self._scaled(layer.down(fed), layer.fed)
        return self._scaled(state, self._norm)

    def _parts(self, memories: Sequence[Memory], queues: Sequence[Sequence[int]]) -> list[_Part]:
        parts, row = [], 0
        for memory, queue in zip(memories, queues, strict=True):
            begin, width = len(memory.tokens), len(queue)
            memory.reserve(width)
            memory.tokens += queue
            first = max(0, begin + 1 - self._window)
            masks = (_mask(0, begin, width), _mask(first, begin, width, self._window))
            parts.append(_Part(slice(row, row + width), memory, begin, width, masks, (0, first)))
            row += width
        return parts

    def _scaled(self, state: Tensor, scale: Tensor | None = None) -> Tensor:
        """Bring states to length 1, times a scale: the norm, as its root of the size is in that."""
        import torch

        length = torch.linalg.vector_norm(state, dim=-1, keepdim=True)
        scaled = state / torch.hypot(length, self._least[state.shape[-1]])
        return scaled if scale is None else scaled.mul_(scale)

    def _attended(
        self, layer: _Layer, number: int, state: Tensor, parts: Sequence[_Part], turns: Any
    ) -> Tensor:
        """Write the keys and values of the tokens, and return what each takes from the others."""
        import torch

        heads, shared, size = self._sizes
        made = layer.qkv(self._scaled(state)).view(len(state), heads + 2 * shared, size)
        turned = self._scaled(made[:, : heads + shared], layer.heads)
        turned = torch.addcmul(turned * turns[0], turned.roll(size // 2, -1), turns[1])
        queries, keys, values = turned[:, :heads], turned[:, heads:], made[:, heads + shared :]
        found = []
        for part in parts:
            end, memory, first = _end(part), part.memory, part.first[layer.sliding]
            memory.keys[number, :, part.begin : end] = keys[part.rows].transpose(0, 1)
            memory.values[number, :, part.begin : end] = values[part.rows].transpose(0, 1)
            seen = slice(first, end)
            found.append(
                _attention(
                    queries[part.rows],
                    memory.keys[number, :, seen],
                    memory.values[number, :, seen],
                    part.masks[layer.sliding],
                )
            )
        return torch.cat(found) if len(found) > 1 else found[0]


def body(model: Any, weights: Weights = "float32", *, whole: bool = False) -> Body | None:
    """Return the body of a model in these weights, None where the model is not covered.

    Nor is one that has to be run `whole`, whose scores are more than a product with its states.

    One of transformers' is tried beside it; a `Plain` is what our own conversion wrote.

    Raises ModelError for other weights than float32 of a model that is not covered.
    """
    if weights not in get_args(Weights):
        raise ModelError(f"weights are {', '.join(get_args(Weights))}, got {weights!r}")
    if isinstance(model, Plain) and not whole:
        return Body(model.inner(), model.config, weights)
    made = _body(model, weights) if not whole and _covered(model) else None
    if made is not None and (weights != "float32" or _agrees(made, model)):
        return made
    if weights != "float32":
        raise ModelError(f"weights={weights!r} is for Gemma 3 in float32 on a processor")
    return None


def _covered(model: Any) -> bool:
    """Say whether this is a plain Gemma 3 in float32 on a processor."""
    import torch

    config = model.config
    if type(model).__name__ != "Gemma3ForCausalLM" or model.device.type != "cpu":
        return False
    if not covers(config):
        return False
    modules = model.get_decoder().named_modules()
    projections = (layer for name, layer in modules if name.endswith("_proj"))
    plain = all(type(layer) is torch.nn.Linear for layer in projections)  # none with a LoRA in it
    return plain and bool(model.dtype == torch.float32)


def _body(model: Any, weights: Weights) -> Body:
    return Body(dict(model.get_decoder().named_parameters()), model.config, weights)


def _agrees(made: Body, model: Any) -> bool:
    """Try both on a dozen tokens, ours in two feeds."""
    import torch

    with torch.inference_mode():
        ids = torch.linspace(1, len(made._embedding) - 1, 12).long().tolist()
        memory = made.memory()
        ours = torch.cat([made.feed([memory], [some]) for some in (ids[:7], ids[7:])])
        theirs = model.get_decoder()(input_ids=torch.tensor([ids]), use_cache=False)
        theirs = theirs.last_hidden_state[0]
        return torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().mean()))


# ---------------------------------------------------------------- pieces


def _spread(norm: Tensor) -> Tensor:
    """Return a norm's scales for states of length 1."""
    scales: Tensor = (1.0 + norm.detach().float()) * len(norm) ** 0.5
    return scales


def _rates(config: Any, kind: str) -> Tensor:
    """Return the angles by which one place turns each pair of a head's dimensions."""
    import torch

    shares = torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim
    rates: Tensor = 1.0 / (config.rope_parameters[kind]["rope_theta"] ** shares)
    return rates


def _tails(queues: Sequence[Sequence[int]], asked: Sequence[int]) -> list[int]:
    """Return where the last tokens of each text stand."""
    rows: list[int] = []
    end = 0
    for queue, count in zip(queues, asked, strict=True):
        end += len(queue)
        rows += range(end - count, end)
    return rows


def _least(eps: float, size: int) -> Tensor:
    import torch

    return torch.tensor((eps * size) ** 0.5)


def _sizes(config: Any) -> tuple[int, int]:
    return config.hidden_size, config.head_dim


def _end(part: _Part) -> int:
    return part.begin + part.width


def _turns(angles: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a head and its halves changed about are multiplied by: (tokens, 1, dims)."""
    import torch

    cos, sin = angles.cos(), angles.sin()
    return torch.cat((cos, cos), -1)[:, None], torch.cat((-sin, sin), -1)[:, None]


def _mask(first: int, begin: int, width: int, window: int | None = None) -> Tensor | None:
    """Return which columns from `first` on each of the next tokens looks at; None for all."""
    import torch

    if width == 1:
        return None
    columns = torch.arange(first, begin + width)
    tokens = torch.arange(begin, begin + width)[:, None]
    barred = columns > tokens
    if window is not None:
        barred |= columns <= tokens - window
    return torch.zeros(barred.shape).masked_fill_(barred, -torch.inf)


def _attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None) -> Tensor:
    """Return what each query takes of the values: (tokens, heads times dims)."""
    tokens, heads, size = queries.shape
    shared = len(keys)
    asked = queries.view(tokens, shared, heads // shared, size).permute(1, 2, 0, 3)
    scores = asked.reshape(shared, -1, size) @ keys.transpose(1, 2)
    if mask is not None:
        scores.view(shared, -1, *mask.shape).add_(mask)
    found: Tensor = scores.softmax(-1) @ values
    return found.view(shared, -1, tokens, size).permute(2, 0, 1, 3).reshape(tokens, heads * size)


def _layer(parameters: Mapping[str, Tensor], config: Any, number: int, weights: Weights) -> _Layer:
    import torch

    def of(name: str) -> Tensor:
        return parameters[f"layers.{number}.{name}.weight"].detach()

    def stacked(norm: str | None, *parts: str) -> _Product:
        whole = torch.cat([of(part) for part in parts])
        return _product(whole if norm is None else whole * _spread(of(norm)), weights)

    query = _spread(of("self_attn.q_norm")) * config.query_pre_attn_scalar**-0.5
    key = _spread(of("self_attn.k_norm"))
    counts = (config.num_attention_heads, config.num_key_value_heads)
    return _Layer(
        qkv=stacked("input_layernorm", *(f"self_attn.{part}_proj" for part in "qkv")),
        heads=torch.cat([query.expand(counts[0], -1), key.expand(counts[1], -1)]),
        out=stacked(None, "self_attn.o_proj"),
        attended=_spread(of("post_attention_layernorm")),
        gated=stacked("pre_feedforward_layernorm", "mlp.gate_proj", "mlp.up_proj"),
        down=stacked(None, "mlp.down_proj"),
        fed=_spread(of("post_feedforward_layernorm")),
        sliding=config.layer_types[number] == _KINDS[1],
    )


def _product(matrix: Tensor, weights: Weights) -> _Product:
    """Return the product with a matrix, in the order and the type in which it is read fastest."""
    import torch

    ops: Any = torch.ops
    if weights == "float16":
        halves = ops.quantized.linear_prepack_fp16(matrix, None)
        return lambda state: ops.quantized.linear_dynamic_fp16(state, halves)
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return lambda state: torch.nn.functional.linear(state, matrix)
    ordered = ops.mkldnn._reorder_linear_weight(matrix, 4)
    return lambda state: ops.mkldnn._linear_pointwise(state, ordered, None, "none", [], "")
