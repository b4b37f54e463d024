"""Words of several tokens under models that write from left to right: causal, and with sentinels.

The prompt is read once. What follows is the tree of the words (`spelling.Tree`): every beginning
that some word goes on from is fed once, behind the prompt's memory, and the softmax at each such
place is over the whole vocabulary. So log p of a word is exact: the sum over its tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.model.backbone import Backbone, Kind
from pointline.model.head import plain_head
from pointline.study.verbalizer.scorer import Frame, Prompt
from pointline.study.verbalizer.spelling import Spelled, Tree

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Causal", "Sentinel"]

_ROWS = 48  # beginnings fed at a time: each carries a copy of the prompt's memory
_SENTINEL = "<extra_id_0>"


class Causal:
    """A causal model: the word goes on from the end of the prompt."""

    kind: Kind = "causal"

    def __init__(self, loaded: Backbone) -> None:
        self.name = loaded.name
        self.model = loaded.model
        self.frame = Frame(loaded.tokenizer, loaded.bos, (), (), loaded.window)
        self._head, _ = plain_head(self.model)

    def log_probabilities(self, prompts: Sequence[Prompt], words: Spelled) -> Tensor:
        """Return log p of each word behind each prompt: (prompts, words)."""
        import torch

        tree = Tree.of(list(words.tokens.values()))
        if not tree.rows:
            return self.vocabulary(self._ends(prompts))[:, list(tree.firsts)]
        return torch.stack([self._whole_words(prompt, tree) for prompt in prompts])

    def _ends(self, prompts: Sequence[Prompt]) -> Tensor:
        """Return the states of the prompts' last tokens; what fills up the right is never seen."""
        import torch

        width = max(len(prompt.ids) for prompt in prompts)
        ids = [[*prompt.ids, *[0] * (width - len(prompt.ids))] for prompt in prompts]
        states = self.states(torch.tensor(ids, device=self.model.device), None)
        return states[torch.arange(len(prompts)), [len(prompt.ids) - 1 for prompt in prompts]]

    def _whole_words(self, prompt: Prompt, tree: Tree) -> Tensor:
        import torch
        from transformers import DynamicCache

        memory = DynamicCache(config=self.model.config)
        ids = torch.tensor([prompt.ids], device=self.model.device)
        return _walk(self, tree, self.states(ids, memory)[0, -1], memory)

    def states(self, ids: Tensor, memory: Any) -> Tensor:
        """Return the body's last states, or whole logits where the output layer is not plain."""
        options = {"input_ids": ids, "past_key_values": memory, "use_cache": memory is not None}
        if self._head is None:
            logits: Tensor = self.model(**options).logits
            return logits
        found: Tensor = self.model.get_decoder()(**options).last_hidden_state
        return found

    def vocabulary(self, states: Tensor) -> Tensor:
        """Return log p of every token that may follow: (states, vocabulary)."""
        logits: Tensor = states if self._head is None else self._head(states)
        return logits.float().log_softmax(dim=-1)


class Sentinel:
    """An encoder-decoder of T5's kind: a sentinel holds the place, and its words follow it.

    Raises ModelError for a tokenizer without a sentinel <extra_id_0>.
    """

    kind: Kind = "seq2seq"

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name, self.model = name, model
        sentinel = tokenizer.convert_tokens_to_ids(_SENTINEL)
        if sentinel is None or sentinel == tokenizer.unk_token_id:
            raise ModelError(f"{name!r} has no sentinel {_SENTINEL}: it is not of T5's kind")
        end = () if tokenizer.eos_token_id is None else (tokenizer.eos_token_id,)
        window = min(tokenizer.model_max_length, 1 << 20)
        self.frame = Frame(tokenizer, (), (sentinel,), end, window)
        start = model.config.decoder_start_token_id
        self._begin = [start if start is not None else model.config.pad_token_id, sentinel]

    def log_probabilities(self, prompts: Sequence[Prompt], words: Spelled) -> Tensor:
        """Return log p of each word behind the sentinel: (prompts, words)."""
        import torch

        tree = Tree.of(list(words.tokens.values()))
        read, mask = self._read(prompts)
        if not tree.rows:
            return self.vocabulary(self._decode(read, mask).logits[:, -1])[:, list(tree.firsts)]
        return torch.stack(
            [self._whole_words(read[[at]], mask[[at]], tree) for at in range(len(prompts))]
        )

    def _whole_words(self, read: Tensor, mask: Tensor, tree: Tree) -> Tensor:
        found = self._decode(read, mask, use_cache=True)
        branch = _Branch(self, read, mask)
        return _walk(branch, tree, found.logits[0, -1], found.past_key_values)

    def _read(self, prompts: Sequence[Prompt]) -> tuple[Tensor, Tensor]:
        """Return the encoder's states of the prompts, and which of them are no padding."""
        import torch

        device, width = self.model.device, max(len(prompt.ids) for prompt in prompts)
        ids = [[*prompt.ids, *[0] * (width - len(prompt.ids))] for prompt in prompts]
        seen = [[1] * len(prompt.ids) + [0] * (width - len(prompt.ids)) for prompt in prompts]
        mask = torch.tensor(seen, device=device)
        encoder = self.model.get_encoder()
        states = encoder(input_ids=torch.tensor(ids, device=device), attention_mask=mask)
        return states.last_hidden_state, mask

    def _decode(self, read: Tensor, mask: Tensor, *, use_cache: bool = False) -> Any:
        import torch

        begin = torch.tensor([self._begin] * len(read), device=self.model.device)
        return self.model(
            encoder_outputs=(read,), attention_mask=mask, decoder_input_ids=begin,
            use_cache=use_cache,
        )  # fmt: skip

    def vocabulary(self, logits: Tensor) -> Tensor:
        """Return log p of every token that may follow: (logits, vocabulary)."""
        return logits.float().log_softmax(dim=-1)


class _Branch:
    """The decoder of one prompt of a `Sentinel`, for `_walk`."""

    def __init__(self, owner: Sentinel, read: Tensor, mask: Tensor) -> None:
        self.model, self.vocabulary = owner.model, owner.vocabulary
        self._read, self._mask = read, mask

    def states(self, ids: Tensor, memory: Any) -> Tensor:
        """Return the logits of tokens that follow what the memory holds."""
        logits: Tensor = self.model(
            encoder_outputs=(self._read.expand(len(ids), -1, -1),),
            attention_mask=self._mask.expand(len(ids), -1),
            decoder_input_ids=ids, past_key_values=memory, use_cache=True,
        ).logits  # fmt: skip
        return logits


# ---------------------------------------------------------------- the tree


def _walk(model: Causal | _Branch, tree: Tree, last: Tensor, memory: Any) -> Tensor:
    """Return log p of the tree's words: (words,). `last` is the state that they go on from."""
    import torch

    found = model.vocabulary(last[None])[0, list(tree.firsts)]
    added = []  # log p of each further token, in the order of `numbers`
    numbers = []
    for nodes, states in _states(model, tree, memory):
        steps = [step for step in tree.steps if step[1] in nodes]
        log_p = model.vocabulary(states)
        added.append(log_p[[nodes[node] for _, node, _ in steps], [t for _, _, t in steps]])
        numbers += [word for word, _, _ in steps]
    at = torch.tensor(numbers, device=found.device)
    return found.index_add(0, at, torch.cat(added))


def _states(
    model: Causal | _Branch, tree: Tree, memory: Any
) -> Iterator[tuple[dict[int, int], Tensor]]:
    """Yield nodes, each with its number among the states that come with them."""
    import torch

    for start in range(0, len(tree.rows), _ROWS):
        rows = tree.rows[start : start + _ROWS]
        width = max(map(len, rows))
        ids = [[*row, *[0] * (width - len(row))] for row in rows]
        states = model.states(
            torch.tensor(ids, device=model.model.device), _branched(memory, len(rows))
        )
        here = [
            (node, row - start, depth)
            for node, (row, depth) in enumerate(tree.nodes)
            if start <= row < start + len(rows)
        ]
        chosen = states[[row for _, row, _ in here], [depth for _, _, depth in here]]
        yield {node: number for number, (node, _, _) in enumerate(here)}, chosen


def _branched(memory: Any, rows: int) -> Any:
    """Return a memory of as many rows, each with what this one holds; this one stays as it is."""
    from transformers import EncoderDecoderCache

    if isinstance(memory, EncoderDecoderCache):
        parts = (memory.self_attention_cache, memory.cross_attention_cache)
        return EncoderDecoderCache(*(_branched(part, rows) for part in parts))
    branch = copy.copy(memory)
    branch.layers = [copy.copy(layer) for layer in memory.layers]
    branch.batch_repeat_interleave(rows)
    return branch
