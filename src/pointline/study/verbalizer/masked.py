"""Words of several tokens under masked models: as many masks as the word has tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.model.backbone import Kind
from pointline.study.verbalizer.scorer import Frame, Prompt
from pointline.study.verbalizer.spelling import Spelled, Tokens

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Masked"]


class Masked:
    """A masked model of BERT's kind; a word of k tokens is asked for at k masks, filled at once.

    Its log p is the sum over its places of log p(token at the place | text, all k masks). That is
    no chain of conditionals: a masked model has none, and the places do not see each other. The
    number of masks is given, so words of different lengths are told apart by it for free.

    Raises ModelError for a tokenizer without a mask.
    """

    kind: Kind = "masked"

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name, self.model = name, model
        self._mask = tokenizer.mask_token_id
        if self._mask is None:
            raise ModelError(f"{name!r} has no mask token: it is no masked model")
        ends = (tokenizer.cls_token_id, tokenizer.sep_token_id)
        start, end = ((id,) if id is not None else () for id in ends)
        window = getattr(model.config, "max_position_embeddings", tokenizer.model_max_length)
        places = int(window) - 2  # models of RoBERTa's kind number them from 2
        self.frame = Frame(tokenizer, start, (self._mask,), end, places)

    def log_probabilities(self, prompts: Sequence[Prompt], words: Spelled) -> Tensor:
        """Return log p of each word at the masks: (prompts, words)."""
        import torch

        tokens = list(words.tokens.values())
        found = torch.empty(len(prompts), len(tokens), device=self.model.device)
        for masks in sorted({len(word) for word in tokens}):
            at = [number for number, word in enumerate(tokens) if len(word) == masks]
            found[:, at] = self._of_length(prompts, [tokens[number] for number in at], masks)
        return found

    def _of_length(self, prompts: Sequence[Prompt], words: Sequence[Tokens], masks: int) -> Tensor:
        """Return log p of words of as many tokens: (prompts, words)."""
        import torch

        log_p = self._at_masks(prompts, masks)
        chosen = torch.tensor(words, device=log_p.device).T  # (masks, words)
        found: Tensor = log_p.gather(2, chosen.expand(len(prompts), -1, -1)).sum(dim=1)
        return found

    def _at_masks(self, prompts: Sequence[Prompt], masks: int) -> Tensor:
        """Return log p of every token at each of so many masks: (prompts, masks, vocabulary)."""
        import torch

        device = self.model.device
        rows = [[*p.ids[: p.blank], *[self._mask] * masks, *p.ids[p.blank + 1 :]] for p in prompts]
        width = max(map(len, rows))
        ids = [[*row, *[self._mask] * (width - len(row))] for row in rows]
        seen = [[1] * len(row) + [0] * (width - len(row)) for row in rows]
        logits: Tensor = self.model(
            input_ids=torch.tensor(ids, device=device),
            attention_mask=torch.tensor(seen, device=device),
        ).logits
        at = torch.tensor([[p.blank + k for k in range(masks)] for p in prompts], device=device)
        return logits[torch.arange(len(rows))[:, None], at].float().log_softmax(dim=-1)
