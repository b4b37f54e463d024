"""The backend for Hugging Face models: a backbone and its decoder, behind the protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.model.backbone import base_mark
from pointline.model.backend import Completion, Halt, Request, check_room
from pointline.model.cost import Cost
from pointline.model.decode import Decoder
from pointline.model.gemma import Weights

if TYPE_CHECKING:
    from torch import Generator

    from pointline.model.backbone import Backbone

__all__ = ["HFBackend"]


class HFBackend:
    """A backbone as a `backend.Backend`.

    A text is encoded as text: a `<eos>` or `<|im_end|>` that a user spells out is no special
    token. `sample` draws tokens by their probability where grammar and model leave a choice,
    instead of taking the likeliest. `precision` is that in which a Gemma 3 on a processor keeps its
    weights while it generates (`gemma.body`); `remember` keeps what it read between calls, so that
    another task on the same text is faster, and its probabilities may differ in their last digits.
    """

    def __init__(
        self,
        backbone: Backbone,
        *,
        sample: Generator | None = None,
        precision: Weights = "float32",
        remember: bool = False,
    ) -> None:
        self._backbone = replace(backbone, model=None)  # the decoder may not need all its weights
        self._weights = _digest(backbone.model, precision)
        self._decoder = Decoder(
            backbone.model,
            backbone.tokenizer,
            eos=backbone.eos,
            weights=precision,
            remember=remember,
        )
        self._sample = sample

    @property
    def name(self) -> str:
        """The backbone's name without its folder, and whether an adapter is in it."""
        adapted = "" if self._backbone.adapter is None else "+adapter"
        return Path(self._backbone.name).name + adapted

    @property
    def weights(self) -> str:
        """The type and a digest of a sample of the weights, an adapter's included."""
        return self._weights

    @property
    def cost(self) -> Cost:
        """What was computed so far: passes, tokens, drafts, processor time."""
        return self._decoder.cost

    @property
    def window(self) -> int:
        """The most tokens that a prompt and its completion may have together."""
        return self._backbone.window

    def count(self, text: str) -> int:
        """Return how many tokens `text` has as a prompt, special tokens included."""
        return len(self._backbone.encode(text))

    def complete(
        self,
        prompts: Sequence[str],
        grammars: Sequence[str] | None = None,
        *,
        max_new_tokens: int = 512,
        halts: Sequence[Halt] | None = None,
    ) -> list[Completion]:
        """Return a completion for each prompt, all in one batch.

        Raises TextTooLong for a prompt that leaves no room in the window.
        """
        return self._decoder.generate(
            [self._encoded(prompt, max_new_tokens) for prompt in prompts],
            grammars,
            max_new_tokens=max_new_tokens,
            window=self.window,
            halts=halts,
            sample=self._sample,
        )

    def stream(
        self, requests: Iterable[Request | None], *, batch_size: int, max_new_tokens: int = 512
    ) -> Iterator[tuple[int, Completion]]:
        """Yield each request's number and completion as it ends; others take its place.

        Raises TextTooLong for a prompt that leaves no room in the window.
        """
        yield from self._decoder.stream(
            (
                None
                if one is None
                else (self._encoded(one.prompt, max_new_tokens), one.grammar, one.halt)
                for one in requests
            ),
            rows=batch_size,
            max_new_tokens=max_new_tokens,
            window=self.window,
            sample=self._sample,
        )

    def _encoded(self, prompt: str, max_new_tokens: int) -> list[int]:
        encoded = self._backbone.encode(prompt)
        check_room(self, len(encoded), max_new_tokens)
        return encoded


def _digest(model: Any, precision: Weights) -> str:
    digest = hashlib.sha256(json.dumps(base_mark(model, "")["sample"]).encode()).hexdigest()[:16]
    kind = str(model.dtype).removeprefix("torch.") if precision == "float32" else precision
    return f"{kind} {digest}"
