"""Words of several tokens under models that write from left to right: causal, and with sentinels.

The prompt is read once. What follows is the tree of the words (`spelling.Tree`): every beginning
that some word goes on from is fed once, behind the prompt's memory, and the softmax at each such
place is over the whole vocabulary. So log p of a word is exact: the sum over its tokens.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.model.backbone import Backbone, Kind
from pointline.model.head import plain_head
from pointline.study.verbalizer.scorer import Frame, Prompt
from pointline.study.verbalizer.spelling import Spelled, Tree

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Causal", "Sentinel"]

_ROWS = 48  # beginnings fed at a time, over all prompts: each has a copy of its prompt's memory
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
        tree = Tree.of(list(words.tokens.values()))
        if not tree.rows:
            return self.vocabulary(self._ends(prompts))[:, list(tree.firsts)]
        return _walks(tree, prompts, lambda some: _Read(self, some))

    def _ends(self, prompts: Sequence[Prompt]) -> Tensor:
        """Return the states of the prompts' last tokens; what fills up the right is never seen."""
        import torch

        width = max(len(prompt.ids) for prompt in prompts)
        ids = [[*prompt.ids, *[0] * (width - len(prompt.ids))] for prompt in prompts]
        states = self.states(input_ids=torch.tensor(ids, device=self.model.device), use_cache=False)
        return states[torch.arange(len(prompts)), [len(prompt.ids) - 1 for prompt in prompts]]

    def states(self, **given: Any) -> Tensor:
        """Return the body's last states, or whole logits where the output layer is not plain."""
        if self._head is None:
            logits: Tensor = self.model(**given).logits
            return logits
        found: Tensor = self.model.get_decoder()(**given).last_hidden_state
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
        self.frame = Frame(tokenizer, (), (sentinel,), end, window, beside=False)
        start = model.config.decoder_start_token_id
        self.begin = (start if start is not None else model.config.pad_token_id, sentinel)

    def log_probabilities(self, prompts: Sequence[Prompt], words: Spelled) -> Tensor:
        """Return log p of each word behind the sentinel: (prompts, words)."""
        tree = Tree.of(list(words.tokens.values()))
        if not tree.rows:
            return self.vocabulary(_Encoded(self, prompts).last)[:, list(tree.firsts)]
        return _walks(tree, prompts, lambda some: _Encoded(self, some))

    def vocabulary(self, states: Tensor) -> Tensor:
        """Return log p of every token that may follow: (states, vocabulary)."""
        return states.float().log_softmax(dim=-1)


# ---------------------------------------------------------------- what was read


class _Read:
    """Prompts that a causal model has read, filled up on the left: what words go on from."""

    def __init__(self, owner: Causal, prompts: Sequence[Prompt]) -> None:
        import torch
        from transformers import DynamicCache

        width = max(len(prompt.ids) for prompt in prompts)
        device = owner.model.device
        ids = [[*[0] * (width - len(p.ids)), *p.ids] for p in prompts]
        seen = [[0] * (width - len(p.ids)) + [1] * len(p.ids) for p in prompts]
        self._owner, self.vocabulary = owner, owner.vocabulary
        self._mask = torch.tensor(seen, device=device)
        self._memory = DynamicCache(config=owner.model.config)
        self.last = self._states(torch.tensor(ids, device=device), self._mask, self._memory)[:, -1]

    def after(self, rows: Tensor) -> Tensor:
        """Return the states of tokens behind every prompt: (prompts, rows, tokens, state)."""
        import torch

        prompts, count = len(self._mask), len(rows)
        ids = rows.repeat(prompts, 1)
        mask = torch.cat([self._mask.repeat_interleave(count, dim=0), torch.ones_like(ids)], dim=1)
        states = self._states(ids, mask, _branched(self._memory, count))
        return states.reshape(prompts, count, *states.shape[1:])

    def _states(self, ids: Tensor, mask: Tensor, memory: Any) -> Tensor:
        places = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        return self._owner.states(
            input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=memory,
            use_cache=True,
        )  # fmt: skip


class _Encoded:
    """Prompts that an encoder has read, and its decoder up to the sentinel; states are logits."""

    def __init__(self, owner: Sentinel, prompts: Sequence[Prompt]) -> None:
        import torch

        device, width = owner.model.device, max(len(prompt.ids) for prompt in prompts)
        ids = [[*p.ids, *[0] * (width - len(p.ids))] for p in prompts]
        seen = [[1] * len(p.ids) + [0] * (width - len(p.ids)) for p in prompts]
        self._owner, self.vocabulary = owner, owner.vocabulary
        self._mask = torch.tensor(seen, device=device)
        self._read = owner.model.get_encoder()(
            input_ids=torch.tensor(ids, device=device), attention_mask=self._mask
        ).last_hidden_state
        begin = torch.tensor([owner.begin] * len(prompts), device=device)
        found = self._decode(begin, self._read, self._mask, None)
        self.last, self._memory = found.logits[:, -1], found.past_key_values

    def after(self, rows: Tensor) -> Tensor:
        """Return the logits of tokens behind every sentinel: (prompts, rows, tokens, logits)."""
        prompts, count = len(self._mask), len(rows)
        read, mask = (kept.repeat_interleave(count, dim=0) for kept in (self._read, self._mask))
        memory = _branched(self._memory, count)
        logits: Tensor = self._decode(rows.repeat(prompts, 1), read, mask, memory).logits
        return logits.reshape(prompts, count, *logits.shape[1:])

    def _decode(self, ids: Tensor, read: Tensor, mask: Tensor, memory: Any) -> Any:
        return self._owner.model(
            encoder_outputs=(read,), attention_mask=mask, decoder_input_ids=ids,
            past_key_values=memory, use_cache=True,
        )  # fmt: skip


def _branched(memory: Any, rows: int) -> Any:
    """Return a memory with each of its rows so many times; this one stays as it is."""
    from transformers import EncoderDecoderCache

    if isinstance(memory, EncoderDecoderCache):
        parts = (memory.self_attention_cache, memory.cross_attention_cache)
        return EncoderDecoderCache(*(_branched(part, rows) for part in parts))
    branch = copy.copy(memory)
    branch.layers = [copy.copy(layer) for layer in memory.layers]
    branch.batch_repeat_interleave(rows)
    return branch


# ---------------------------------------------------------------- the tree


def _walks(
    tree: Tree,
    prompts: Sequence[Prompt],
    read: Callable[[Sequence[Prompt]], _Read | _Encoded],
) -> Tensor:
    """Return log p of the tree's words: (prompts, words); small trees take many prompts at once."""
    import torch

    at_once = max(1, _ROWS // len(tree.rows))
    return torch.cat(
        [
            _walk(tree, read(prompts[start : start + at_once]))
            for start in range(0, len(prompts), at_once)
        ]
    )


def _walk(tree: Tree, read: _Read | _Encoded) -> Tensor:
    """Return log p of the tree's words behind what was read: (prompts, words)."""
    import torch

    found = read.vocabulary(read.last)[:, list(tree.firsts)]
    added, numbers = [], []
    for nodes, states in _nodes(tree, read):
        steps = [step for step in tree.steps if step[1] in nodes]
        log_p = read.vocabulary(states)
        added.append(log_p[:, [nodes[node] for _, node, _ in steps], [t for _, _, t in steps]])
        numbers += [word for word, _, _ in steps]
    at = torch.tensor(numbers, device=found.device)
    return found.index_add(1, at, torch.cat(added, dim=1))


def _nodes(tree: Tree, read: _Read | _Encoded) -> Iterator[tuple[dict[int, int], Tensor]]:
    """Yield nodes, each with its number among the states that come with them: (prompts, nodes)."""
    import torch

    for start in range(0, len(tree.rows), _ROWS):
        rows = tree.rows[start : start + _ROWS]
        width = max(map(len, rows))
        ids = [[*row, *[0] * (width - len(row))] for row in rows]
        states = read.after(torch.tensor(ids, device=read.last.device))
        here = [
            (node, row - start, depth)
            for node, (row, depth) in enumerate(tree.nodes)
            if start <= row < start + len(rows)
        ]
        chosen = states[:, [row for _, row, _ in here], [depth for _, _, depth in here]]
        yield {node: number for number, (node, _, _) in enumerate(here)}, chosen
