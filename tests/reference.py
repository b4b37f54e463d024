"""The plain way to generate under grammars: transformers' generate() with a logits processor.

What `model.decode` is compared with, in tests and benchmarks.
"""

import llguidance
import numpy as np
import torch
from transformers import LogitsProcessor, LogitsProcessorList


class GrammarProcessor(LogitsProcessor):
    """One matcher a row; forced tokens are taken in llguidance's spelling, as decode takes them."""

    def __init__(self, guide, grammars, eos):
        self.matchers = [llguidance.LLMatcher(guide, grammar) for grammar in grammars]
        self.queues = [[] for _ in grammars]
        self.stopped = [False] * len(grammars)
        self.eos, self.first = eos, True

    def __call__(self, ids, scores):
        out = torch.full_like(scores, -torch.inf)
        for row, matcher in enumerate(self.matchers):
            if not self.first and not self.stopped[row]:
                token = int(ids[row, -1])
                self.stopped[row] = token == self.eos or not matcher.consume_token(token)
            if not self.stopped[row] and not self.queues[row]:
                self.queues[row] = matcher.compute_ff_tokens()
            if self.queues[row]:
                out[row, self.queues[row].pop(0)] = 0
            elif self.stopped[row] or matcher.is_stopped():
                out[row, self.eos] = 0
            else:
                packed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
                allowed = np.flatnonzero(np.unpackbits(packed, bitorder="little"))
                index = torch.from_numpy(allowed[allowed < scores.shape[1]])
                out[row, index] = scores[row, index]
        self.first = False
        return out


def generate(base, prompts, guide=None, grammars=None, *, max_new_tokens):
    """Greedy token ids for each prompt (token ids), cut before the end-of-sequence token."""
    width = max(map(len, prompts))
    eos = base.eos[0]
    processors = [GrammarProcessor(guide, grammars, eos)] if grammars else []
    out = base.model.generate(
        input_ids=torch.tensor([[base.pad] * (width - len(ids)) + list(ids) for ids in prompts]),
        attention_mask=torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts]),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        logits_processor=LogitsProcessorList(processors),
        pad_token_id=base.pad,
        eos_token_id=eos,
    )
    rows = [row[width:].tolist() for row in out]
    return [row[: row.index(eos)] if eos in row else row for row in rows]
