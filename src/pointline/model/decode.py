"""Generation: batched, greedy, under a grammar for each row, or free.

Differs from `transformers`' generate in what it does not compute. Tokens that the grammar forces
are taken without a choice; a step feeds as many tokens as every row has waiting; the output layer
(two thirds of a 270-million model with a vocabulary of 262,144) is computed for the last place of
the rows that have a choice, and only for the tokens that some row allows; a row that is finished
leaves the batch. The choices are those of generate() with the same grammars (a test holds this).
docs/inference.md has the figures.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from pointline.errors import InputError, MissingExtra, ModelError
from pointline.model.backend import Completion, Halt, Token
from pointline.model.head import plain_head

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Generator, Tensor

__all__ = ["Decoder", "guide"]

# Tokens that close an item, or a free completion: what begins with ":" or a line break.
_CLOSING = "start: /[:\\n](?s:.)*/"
# With more than this share of the vocabulary allowed, picking rows of the output layer costs more
# than computing it whole.
_FEW = 0.25

_GUIDES: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()


def guide(tokenizer: Any) -> Any:
    """Return llguidance's view of a fast tokenizer; built once per tokenizer, which takes seconds.

    Raises MissingExtra without llguidance, ModelError for a tokenizer that is not a fast one.
    """
    if tokenizer in _GUIDES:
        return _GUIDES[tokenizer]
    try:
        from llguidance.hf import from_tokenizer
    except ImportError:
        raise MissingExtra("llguidance", extra="hf") from None
    try:
        built = from_tokenizer(tokenizer)
    except ValueError as error:
        raise ModelError(f"this tokenizer cannot guide generation: {error}") from None
    _GUIDES[tokenizer] = built
    return built


class Decoder:
    """Generates with one causal language model of `transformers` and its fast tokenizer.

    `eos` are further tokens that end a free completion, beside the tokenizer's own.
    """

    def __init__(self, model: Any, tokenizer: Any, *, eos: Sequence[int] = ()) -> None:
        self._outputs = _Outputs(model)
        self._guide = guide(tokenizer)
        self._vocabulary = min(self._guide.vocab_size, self._outputs.size)
        self._stops = frozenset(self._guide.eos_tokens) | frozenset(
            token for token in eos if self._guide.is_special_token(token)
        )
        self._closing = _bits(self._matcher(_CLOSING), self._vocabulary)
        self._closing[[token for token in self._stops if token < self._vocabulary]] = True

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        grammars: Sequence[str] | None = None,
        *,
        max_new_tokens: int = 512,
        window: int | None = None,
        halts: Sequence[Halt] | None = None,
        sample: Generator | None = None,
    ) -> list[Completion]:
        """Return a completion for each prompt (token ids, not empty), in their order.

        Greedy, so the same every time; with `sample` tokens are drawn by their probability.
        Under a grammar, `max_new_tokens` takes effect at the first place where the grammar may
        end, so a completion that was cut is still a string of its grammar; at `window` tokens,
        prompt included, it is taken back to the last such place. Without grammars a completion
        ends before the first line break. `halts` are asked wherever a token begins
        with the ":" that closes an item; a true answer cuts the completion before that token.

        Raises InputError for an empty prompt or a grammar that llguidance refuses, ModelError
        where the model's scores are no numbers.
        """
        import torch

        if not all(prompts):
            raise InputError("a prompt has no tokens")
        if grammars is not None and len(grammars) != len(prompts):
            raise InputError(f"{len(prompts)} prompts but {len(grammars)} grammars")
        matchers = [None] * len(prompts) if grammars is None else map(self._matcher, grammars)
        asked: Sequence[Halt | None] = halts or [None] * len(prompts)
        rows = [
            _Row(list(prompt), matcher, halt, None if window is None else window - len(prompt))
            for prompt, matcher, halt in zip(prompts, matchers, asked, strict=True)
        ]
        for row in rows:
            self._force(row, max_new_tokens)
        with torch.inference_mode():
            self._run([row for row in rows if not row.done], max_new_tokens, sample)
        return [self._completion(row) for row in rows]

    def _run(self, rows: list[_Row], limit: int, sample: Generator | None) -> None:
        stream = _Stream(self._outputs)
        width = max((len(row.pending) for row in rows), default=0)
        while rows:
            state = stream.feed([row.take(width) for row in rows])
            ready = [at for at, row in enumerate(rows) if not row.pending]
            if ready:
                self._choose([rows[at] for at in ready], state[ready], limit, sample)
            keep = [at for at, row in enumerate(rows) if not row.done]
            if keep and len(keep) < len(rows):
                stream.keep(keep)
            rows = [rows[at] for at in keep]
            width = min((len(row.pending) for row in rows), default=0)

    # ------------------------------------------------------------ one step

    def _choose(
        self, rows: list[_Row], state: Tensor, limit: int, sample: Generator | None
    ) -> None:
        """Choose the next token of each row, whose last state is given, and take it."""
        bits = self._allowed(rows)
        open_rows = np.flatnonzero(bits.sum(axis=1) > 1)
        tokens = bits.argmax(axis=1)
        logprobs = np.zeros(len(rows))
        closes = np.where(self._closing[tokens], 0.0, -np.inf)
        if open_rows.size:
            chosen = self._score(state[open_rows.tolist()], bits[open_rows], sample)
            tokens[open_rows], logprobs[open_rows], closes[open_rows] = chosen
        for row, *step in zip(rows, tokens, logprobs, closes, strict=True):
            self._take(row, int(step[0]), float(step[1]), float(step[2]), limit)
            self._force(row, limit)

    def _allowed(self, rows: list[_Row]) -> NDArray[np.bool_]:
        """Return which tokens each row allows: booleans (rows, vocabulary)."""
        size = self._vocabulary
        free = np.ones(size, dtype=np.bool_)
        return np.stack([free if r.matcher is None else _bits(r.matcher, size) for r in rows])

    def _score(
        self, state: Tensor, bits: NDArray[np.bool_], sample: Generator | None
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return token, log-probability and log-probability of closing, for each row."""
        import torch

        some = np.flatnonzero(bits.any(axis=0))
        few = some if some.size <= _FEW * self._outputs.size else np.arange(self._vocabulary)
        ids = None if few is not some else torch.from_numpy(few).to(state.device)
        scores = self._outputs.scores(state, ids)[:, : few.size]
        barred = torch.from_numpy(~bits[:, few]).to(state.device)
        logprobs = scores.masked_fill(barred, -torch.inf).log_softmax(dim=-1)
        if sample is None:
            best = logprobs.argmax(dim=-1, keepdim=True)
        else:
            best = torch.multinomial(logprobs.exp(), 1, generator=sample)
        closing = torch.from_numpy(np.flatnonzero(self._closing[few])).to(state.device)
        close = logprobs[:, closing].logsumexp(dim=-1)
        chosen = logprobs.gather(1, best)[:, 0]
        if not chosen.isfinite().all():
            raise ModelError(
                f"the model's scores are no numbers in {str(state.dtype).removeprefix('torch.')}:"
                " use bfloat16 or float32, or another model"
            )
        return few[best[:, 0].cpu().numpy()], chosen.cpu().numpy(), close.cpu().numpy()

    def _force(self, row: _Row, limit: int) -> None:
        """Take the tokens that the grammar leaves no choice about."""
        if row.matcher is None or row.done:
            return
        while not row.cut and (forced := self._forced(row.matcher)):
            for token in forced:
                if not row.cut:
                    self._take(row, token, 0.0, 0.0 if self._closing[token] else -np.inf, limit)
        row.done = row.cut or row.matcher.is_stopped()
        if row.matcher.is_error():
            reason = row.matcher.get_error().partition("\n")[0]
            raise ModelError(f"the grammar stopped: {reason}")

    def _forced(self, matcher: Any) -> Sequence[int]:
        """Return the forced tokens, none of them special.

        Where a label spells a special token, "<eos>", llguidance proposes that token, which is no
        text and which it then refuses.
        """
        tokens: list[int] = matcher.compute_ff_tokens()
        special = [at for at, token in enumerate(tokens) if self._guide.is_special_token(token)]
        if not special:
            return tokens
        spelled = matcher.compute_ff_bytes().decode(errors="ignore")
        plain: list[int] = self._guide.greedy_tokenize(spelled)
        return tokens[: special[0]] or plain

    def _take(self, row: _Row, token: int, logprob: float, close: float, limit: int) -> None:
        special = self._guide.is_special_token(token)
        piece: bytes = b"" if special else self._guide.decode_bytes([token])
        if row.halt and piece.startswith(b":") and row.halt(row.line()):
            row.done = row.cut = True
            return
        row.steps.append(_Step(token, piece, min(logprob, 0.0), min(close, 0.0)))
        row.pending.append(token)
        if token in self._stops:
            row.done = True
        elif row.matcher is None:
            row.done = b"\n" in piece
            row.cut = not row.done and len(row.steps) >= limit
        else:
            row.matcher.consume_token(token)
            ends = row.matcher.is_accepting()
            row.whole = len(row.steps) if ends else row.whole
            full = row.room is not None and len(row.steps) >= row.room
            over = full or (ends and len(row.steps) >= limit)
            row.cut = over and not row.matcher.is_stopped()
            if row.cut:
                del row.steps[row.whole :]
        row.done = row.done or row.cut

    # ------------------------------------------------------------ in and out

    def _matcher(self, grammar: str) -> Any:
        from llguidance import LLMatcher

        matcher = LLMatcher(self._guide, grammar, log_level=0)
        if matcher.is_error():
            reason = matcher.get_error().partition("\n")[0]
            raise InputError(f"llguidance refuses the grammar: {reason}")
        return matcher

    def _completion(self, row: _Row) -> Completion:
        """Join the pieces, bytes that may part a character, into text and spans."""
        decoder = getincrementaldecoder("utf-8")("replace")
        parts, spans, at = [], [], 0
        for step in row.steps:
            parts.append(decoder.decode(step.piece))
            begun = 1 if decoder.getstate()[0] else 0
            spans.append((at, at + len(parts[-1]) + begun))
            at += len(parts[-1])
        text = "".join(parts) + decoder.decode(b"", final=True)
        if row.matcher is None:
            text = text.partition("\n")[0]
        tokens = tuple(
            Token(step.id, min(start, len(text)), min(end, len(text)), step.logprob, step.close)
            for step, (start, end) in zip(row.steps, spans, strict=True)
        )
        return Completion(text, tokens, row.cut)


@dataclass(frozen=True, slots=True)
class _Step:
    id: int
    piece: bytes
    logprob: float
    close: float


@dataclass(slots=True)
class _Row:
    """One prompt on its way: the tokens not yet fed to the model, and the steps taken."""

    pending: list[int]
    matcher: Any
    halt: Halt | None
    room: int | None = None
    whole: int = 0  # how many of the steps are a string of the grammar
    steps: list[_Step] = field(default_factory=list)
    done: bool = False
    cut: bool = False

    def line(self) -> str:
        return b"".join(step.piece for step in self.steps).decode(errors="replace")

    def take(self, width: int) -> list[int]:
        taken, self.pending = self.pending[:width], self.pending[width:]
        return taken


class _Stream:
    """The model's memory of a batch: key-value cache and attention mask, rows can leave."""

    def __init__(self, outputs: _Outputs) -> None:
        from transformers import DynamicCache

        self._outputs = outputs
        self._cache = DynamicCache(config=outputs.model.config)
        self._mask: Any = None

    def feed(self, queues: Sequence[Sequence[int]]) -> Tensor:
        """Run the model on the next tokens of every row, and return the rows' last states."""
        import torch

        width = max(map(len, queues))
        device = self._outputs.model.device
        ids = torch.tensor([[0] * (width - len(q)) + list(q) for q in queues], device=device)
        mask = torch.tensor([[0] * (width - len(q)) + [1] * len(q) for q in queues], device=device)
        self._mask = mask if self._mask is None else torch.cat([self._mask, mask], dim=1)
        places = (self._mask.cumsum(dim=1) - 1).clamp(min=0)[:, -width:]
        return self._outputs.run(ids, self._mask, places, self._cache)

    def keep(self, rows: list[int]) -> None:
        """Drop all rows but these."""
        import torch

        chosen = torch.tensor(rows, device=self._mask.device)
        self._cache.batch_select_indices(chosen)
        self._mask = self._mask[chosen]


class _Outputs:
    """Next-token scores of a model: for every token, or for the few that are asked for.

    Few are possible where the scores are a plain linear layer on the body's last state
    (`head.plain_head`); a model that caps or scales its scores is run whole.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self._layer, self.size = plain_head(model)
        self._body = None if self._layer is None else model.get_decoder()

    def run(self, ids: Tensor, mask: Tensor, places: Tensor, cache: Any) -> Tensor:
        """Return the last state of each row, which `scores` takes."""
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": places,
            "past_key_values": cache,
            "use_cache": True,
        }
        if self._body is None:
            logits: Tensor = self.model(**inputs, logits_to_keep=1).logits[:, -1]
            return logits
        state: Tensor = self._body(**inputs).last_hidden_state[:, -1]
        return state

    def scores(self, state: Tensor, ids: Tensor | None) -> Tensor:
        """Return the scores in float32: (rows, tokens), of `ids` or of the whole vocabulary."""
        from torch.nn.functional import linear

        if self._layer is None:
            return (state if ids is None else state[:, ids]).float()
        if ids is None:
            scores: Tensor = self._layer(state)
            return scores.float()
        bias = self._layer.bias
        return linear(state, self._layer.weight[ids], None if bias is None else bias[ids]).float()


def _bits(matcher: Any, size: int) -> NDArray[np.bool_]:
    """Return which of the first `size` tokens a matcher allows next."""
    packed = np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
    return np.unpackbits(packed, count=size, bitorder="little").view(np.bool_)
