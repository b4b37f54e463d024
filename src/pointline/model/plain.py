"""A Gemma 3 that pointline converted, read without transformers: weights, settings, tokenizer.

Generating on a processor needs no more (`gemma.Body`), and importing transformers' Gemma, making
its modules and trying them takes two fifths of the time until the first answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.model.places import read_json

if TYPE_CHECKING:
    from torch import Tensor, device, dtype

__all__ = ["Plain", "PlainTokenizer", "covers"]

_SETTINGS = {
    "attention_bias": False,
    "attn_logit_softcapping": None,
    "hidden_activation": "gelu_pytorch_tanh",
    "use_bidirectional_attention": False,
}


#: What `gemma.Body` and `backbone` read of the settings.
_NEEDED = (
    "architectures", "head_dim", "hidden_size", "layer_types", "max_position_embeddings",
    "num_attention_heads", "num_key_value_heads", "query_pre_attn_scalar", "rms_norm_eps",
    "rope_parameters", "sliding_window", "vocab_size",
)  # fmt: skip
_PARTS = (
    "input_layernorm", "mlp.down_proj", "mlp.gate_proj", "mlp.up_proj", "post_attention_layernorm",
    "post_feedforward_layernorm", "pre_feedforward_layernorm", "self_attn.k_norm",
    "self_attn.k_proj", "self_attn.o_proj", "self_attn.q_norm", "self_attn.q_proj",
    "self_attn.v_proj",
)  # fmt: skip


def _is_gemma(config: SimpleNamespace) -> bool:
    if any(getattr(config, name, None) is None for name in _NEEDED):
        return False
    capped = getattr(config, "final_logit_softcapping", None)
    return config.architectures == ["Gemma3ForCausalLM"] and not capped


def _names(layers: int) -> set[str]:
    """Return the names of a Gemma 3's weights, whose output layer is the embedding."""
    parts = {f"layers.{n}.{part}" for n in range(layers) for part in _PARTS}
    return {f"model.{part}.weight" for part in {"embed_tokens", "norm", *parts}}


def covers(config: Any) -> bool:
    """Say whether a Gemma 3's settings are those that `gemma.Body` computes with."""
    if any(getattr(config, key, value) != value for key, value in _SETTINGS.items()):
        return False
    turns = [config.rope_parameters.get(kind) for kind in ("full_attention", "sliding_attention")]
    if any(not isinstance(turn, Mapping) or turn.get("rope_type") != "default" for turn in turns):
        return False
    return bool(config.head_dim % 2 == 0)


class Plain:
    """The weights of a Gemma 3 by transformers' names, in float32, with its settings.

    Stands for transformers' model where no more than these is asked for.
    """

    def __init__(
        self, config: SimpleNamespace, generation: SimpleNamespace, weights: dict[str, Tensor]
    ) -> None:
        self.config, self.generation_config, self._weights = config, generation, weights

    @classmethod
    def open(cls, folder: Path) -> Plain | None:
        """Return the model in a folder, mapped into memory; None where it is another kind.

        Raises OSError or SafetensorError for files that are missing or damaged, ModelError for
        settings that are no JSON object and for weights that are not all there.
        """
        import torch

        config = SimpleNamespace(**read_json(folder / "config.json"))
        file = folder / "model.safetensors"  # a larger model has several
        if not (_is_gemma(config) and covers(config) and file.is_file()):
            return None
        from safetensors.torch import load_file

        weights, wanted = load_file(file), _names(len(config.layer_types))
        if missing := sorted(wanted - weights.keys()):
            raise ModelError(
                f"{folder} lacks {len(missing)} of the model's weights, e.g. {missing[0]}"
            )
        plain = all(weight.dtype == torch.float32 for weight in weights.values())
        if not plain or weights.keys() != wanted:
            return None
        said = folder / "generation_config.json"
        generation = SimpleNamespace(**read_json(said)) if said.is_file() else config
        return cls(config, generation, weights)

    @property
    def device(self) -> device:
        """The processor."""
        return self._weights["model.embed_tokens.weight"].device

    @property
    def dtype(self) -> dtype:
        """float32."""
        return self._weights["model.embed_tokens.weight"].dtype

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Yield the weights, each with its name."""
        yield from self._weights.items()

    def linears(self) -> Mapping[str, Tensor]:
        """Return the weights of the linear layers by the layer's name."""
        ending = "_proj.weight"
        return {
            name.removesuffix(".weight"): weight
            for name, weight in self._weights.items()
            if name.endswith(ending)
        }

    def inner(self) -> Mapping[str, Tensor]:
        """Return the weights by their names within transformers' decoder."""
        return {name.removeprefix("model."): weight for name, weight in self._weights.items()}

    def head(self) -> Any:
        """Return the layer that makes scores of the body's state: the embedding, used again."""
        import torch

        embedding = self._weights["model.embed_tokens.weight"]
        tokens, size = embedding.shape
        layer = torch.nn.Linear(size, tokens, bias=False, device="meta")
        layer.weight = torch.nn.Parameter(embedding, requires_grad=False)
        return layer


class PlainTokenizer:
    """A tokenizer.json with the little of transformers' interface that generating asks for.

    A special token that a text spells out is plain text, always.
    """

    def __init__(self, folder: Path) -> None:
        """Read the folder's tokenizer.json and tokenizer_config.json.

        Raises ValueError or ModelError for files that are missing or damaged.
        """
        from tokenizers import Tokenizer

        said = read_json(folder / "tokenizer_config.json")
        try:
            self.backend_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            if type(error) is not Exception:  # the library's own are nothing narrower
                raise
            raise ValueError(f"tokenizer.json: {error}") from None
        self.backend_tokenizer.encode_special_tokens = True
        ids = {kind: self._id(said.get(f"{kind}_token")) for kind in ("bos", "eos", "pad")}
        self.bos_token_id, self.eos_token_id, self.pad_token_id = ids.values()

    def __call__(self, text: str, *, add_special_tokens: bool = True, **_: object) -> Any:
        """Return the tokens of a text as `input_ids`."""
        made = self.backend_tokenizer.encode(text, add_special_tokens=add_special_tokens)
        return SimpleNamespace(input_ids=made.ids)

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = False, **_: object) -> str:
        """Return the text of tokens."""
        text: str = self.backend_tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)
        return text

    def _id(self, token: str | Mapping[str, Any] | None) -> int | None:
        """Return a special token's number; older files write such a token as an object."""
        spelled = token.get("content") if isinstance(token, Mapping) else token
        if not isinstance(spelled, str):
            return None
        found: int | None = self.backend_tokenizer.token_to_id(spelled)
        return found
