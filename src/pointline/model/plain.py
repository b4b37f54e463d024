"""A Gemma 3 that pointline converted, read without transformers: weights, settings, tokenizer.

Generating on a processor needs no more (`gemma.Body`), and importing transformers' Gemma, making
its modules and trying them takes half of the time until the first answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, device, dtype

__all__ = ["Plain", "PlainTokenizer", "covers"]

_SETTINGS = {
    "attention_bias": False,
    "attn_logit_softcapping": None,
    "hidden_activation": "gelu_pytorch_tanh",
    "use_bidirectional_attention": False,
}


def covers(config: Any) -> bool:
    """Say whether a Gemma 3's settings are those that `gemma.Body` computes with."""
    if any(getattr(config, key, value) != value for key, value in _SETTINGS.items()):
        return False
    if any(rope.get("rope_type") != "default" for rope in config.rope_parameters.values()):
        return False
    return bool(config.head_dim % 2 == 0)


class Plain:
    """The weights of a Gemma 3 by transformers' names, in float32, with its settings.

    Stands for transformers' model where no more than these is asked for.
    """

    def __init__(self, config: SimpleNamespace, weights: dict[str, Tensor]) -> None:
        self.config, self.generation_config = config, config
        self._weights = weights

    @classmethod
    def open(cls, folder: Path) -> Plain | None:
        """Return the model in a folder, mapped into memory; None where it is another kind.

        Raises OSError, ValueError or SafetensorError for files that are missing or damaged.
        """
        import torch

        config = SimpleNamespace(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
        if config.architectures != ["Gemma3ForCausalLM"] or not covers(config):
            return None
        file = folder / "model.safetensors"  # a larger model has several
        if getattr(config, "final_logit_softcapping", None) or not file.is_file():
            return None
        from safetensors.torch import load_file

        weights = load_file(file)
        plain = all(weight.dtype == torch.float32 for weight in weights.values())
        return cls(config, weights) if plain and "lm_head.weight" not in weights else None

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

        Raises OSError or ValueError for files that are missing or damaged.
        """
        from tokenizers import Tokenizer

        said = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        try:
            self.backend_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises nothing narrower
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

    def _id(self, token: str | None) -> int | None:
        found: int | None = None if token is None else self.backend_tokenizer.token_to_id(token)
        return found
