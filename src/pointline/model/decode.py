"""Generation: batched, greedy, under a grammar for each row, or free.

Differs from `transformers`' generate in what it does not compute. Tokens that the grammar forces
are taken without a choice; a step feeds as many tokens as every row has waiting; the output layer
(two thirds of a 270-million model with a vocabulary of 262,144) is computed for the last place of
the rows that have a choice, and only for the tokens that some row allows; a row that is finished
leaves the batch, and in a stream the next prompts take the places. For a Gemma 3 on a processor
`ragged` does the steps, with drafts; else they are padded batches of transformers' own pass. The
choices are those of generate() with the same grammars (a test holds this). docs/inference.md has
the figures.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from pointline.errors import InputError, ModelError
from pointline.model.backend import Completion, Halt, Token, taken
from pointline.model.cost import Cost
from pointline.model.drafts import Drafter
from pointline.model.gemma import Weights, body
from pointline.model.guide import guide, special_tokens
from pointline.model.keyvalues import KeyValues
from pointline.model.outputs import Outputs
from pointline.model.ragged import Prefixes, Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Generator, Tensor

__all__ = ["Decoder", "Row", "guide"]

# Tokens that close an item, or a free completion: what begins with ":" or a line break.
_CLOSING = "start: /[:\\n](?s:.)*/"
# With more than this share of the vocabulary allowed, picking rows of the output layer costs more
# than computing it whole.
_FEW = 0.25
# New rows join when one of so many parts of the batch is free: fed together, they cost less.
_SHARES = 4


class Decoder:
    """Generates with one causal language model of `transformers` and its fast tokenizer.

    `eos` are further tokens that end a free completion, beside the tokenizer's own. `weights` are
    those that `gemma.body` computes with where it covers the model; None is transformers' own pass.
    `remember` keeps what was read from one call to the next: a text that was seen is faster, and
    its probabilities may differ in their last digits. `cost` counts what was computed.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        *,
        eos: Sequence[int] = (),
        weights: Weights | None = "float32",
        remember: bool = False,
    ) -> None:
        self.cost = Cost()
        self._outputs = Outputs(model)
        made = None if weights is None else body(model, weights, whole=self._outputs.whole)
        self._body = made
        if made is not None:
            self._outputs.leave_model()
        self._prefixes = Prefixes(made) if made is not None and remember else None
        self._tokenizer = tokenizer
        self._guide = guide(tokenizer)
        self._special = special_tokens(tokenizer)
        self._vocabulary = min(self._guide.vocab_size, self._outputs.size)
        self._stops = frozenset(self._guide.eos_tokens) | frozenset(
            token for token in eos if self._guide.is_special_token(token)
        )
        self._closing = _unpacked(_packed(self._matcher(_CLOSING)), self._vocabulary)
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
        if grammars is not None and len(grammars) != len(prompts):
            raise InputError(f"{len(prompts)} prompts but {len(grammars)} grammars")
        rules: Sequence[str | None] = [None] * len(prompts) if grammars is None else grammars
        asked: Sequence[Halt | None] = halts or [None] * len(prompts)
        made = self.stream(
            zip(prompts, rules, asked, strict=True),
            rows=max(1, len(prompts)),
            max_new_tokens=max_new_tokens,
            window=window,
            sample=sample,
        )
        return [completion for _, completion in sorted(made, key=itemgetter(0))]

    def stream(
        self,
        asked: Iterable[tuple[Sequence[int], str | None, Halt | None] | None],
        *,
        rows: int,
        max_new_tokens: int = 512,
        window: int | None = None,
        sample: Generator | None = None,
    ) -> Iterator[tuple[int, Completion]]:
        """Yield the number and the completion of each (prompt, grammar, halt) as it ends.

        At most `rows` are on their way at a time, and no more are taken from `asked`; the next
        ones join when a part of the places is free, so that the batch stays full. None among them
        is as in `backend.Streaming`. Otherwise as `generate`, also in what is raised.
        """
        batch, share = self._batch(rows, max_new_tokens, sample)
        coming = self._rows(asked, max_new_tokens, window)
        more = True
        while more or batch.rows:
            while not batch.rows or rows - len(batch.rows) >= share:
                group, more = taken(coming, share)
                yield from map(self._completion, batch.admit(group))
                if not group:
                    break
            if batch.rows:
                yield from map(self._completion, batch.step())

    def _batch(
        self, rows: int, limit: int, sample: Generator | None
    ) -> tuple[_Batch | Ragged, int]:
        """Return an empty batch, and how many new rows join it at a time."""
        if self._body is not None:
            drafter = Drafter(self._encode, self._forced, self.spell)
            prefixes = self._prefixes or Prefixes(self._body)
            return Ragged(self, prefixes, drafter, limit, sample), 1
        share = max(1, rows // _SHARES) if KeyValues(self._outputs).joinable else rows
        return _Batch(self, limit, sample), share

    def spell(self, tokens: Sequence[int]) -> str:
        """Return the text of tokens; what is left of a character at an end is left out."""
        spelled: bytes = self._guide.decode_bytes(list(tokens))
        return spelled.decode(errors="ignore")

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True, verbose=False
        ).input_ids
        return ids

    def _rows(
        self,
        asked: Iterable[tuple[Sequence[int], str | None, Halt | None] | None],
        limit: int,
        window: int | None,
    ) -> Iterator[Row | None]:
        numbers = count()
        for one in asked:
            if one is None:
                yield None
                continue
            number, (prompt, grammar, halt) = next(numbers), one
            if not prompt:
                raise InputError("a prompt has no tokens")
            matcher = None if grammar is None else self._matcher(grammar)
            room = None if window is None else window - len(prompt)
            row = Row(number, tuple(prompt), list(prompt), matcher, halt, room)
            self._force(row, limit)
            yield row

    # ------------------------------------------------------------ one step

    def choose(
        self, rows: Sequence[Row], state: Tensor, limit: int, sample: Generator | None
    ) -> None:
        """Choose the next token of each row, whose last state is given, and take it."""
        with self.cost.spent("grammar"):
            ids, allowed = self._allowed(rows)
        open_rows = np.flatnonzero(allowed.sum(axis=1) > 1)
        tokens = ids[allowed.argmax(axis=1)]
        logprobs = np.zeros(len(rows))
        closes = np.where(self._closing[tokens], 0.0, -np.inf)
        if open_rows.size:
            with self.cost.spent("outputs"):
                chosen = self._score(state[open_rows.tolist()], ids, allowed[open_rows], sample)
            tokens[open_rows], logprobs[open_rows], closes[open_rows] = chosen
        with self.cost.spent("grammar"):
            for row, *step in zip(rows, tokens, logprobs, closes, strict=True):
                self._take(row, int(step[0]), float(step[1]), float(step[2]), limit)
                self._force(row, limit)

    def _allowed(self, rows: Sequence[Row]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return the tokens that some row allows, and which of them each does: (rows, tokens).

        The tokens are the whole vocabulary where they are many.
        """
        size = self._vocabulary
        free = np.full(-(-self._guide.vocab_size // 32) * 4, 255, dtype=np.uint8)
        packed = np.stack([free if r.matcher is None else _packed(r.matcher) for r in rows])
        ids = np.flatnonzero(_unpacked(np.bitwise_or.reduce(packed, axis=0), size))
        if ids.size > _FEW * self._outputs.size:
            return np.arange(size), _unpacked(packed, size)
        bits = packed[:, ids >> 3] >> (ids & 7).astype(np.uint8)
        return ids, (bits & 1).view(np.bool_)

    def _score(
        self,
        state: Tensor,
        ids: NDArray[np.intp],
        allowed: NDArray[np.bool_],
        sample: Generator | None,
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return token, log-probability and log-probability of closing, for each row."""
        import torch

        some = None if ids.size == self._vocabulary else torch.from_numpy(ids).to(state.device)
        scores = self._outputs.scores(state, some)[:, : ids.size]
        barred = torch.from_numpy(~allowed).to(state.device)
        logprobs = scores.masked_fill(barred, -torch.inf).log_softmax(dim=-1)
        if sample is None:
            best = logprobs.argmax(dim=-1, keepdim=True)
        else:
            best = torch.multinomial(logprobs.exp(), 1, generator=sample)
        closing = torch.from_numpy(np.flatnonzero(self._closing[ids])).to(state.device)
        close = logprobs[:, closing].logsumexp(dim=-1)
        chosen = logprobs.gather(1, best)[:, 0]
        if not chosen.isfinite().all():
            raise ModelError(
                f"the model's scores are no numbers in {str(state.dtype).removeprefix('torch.')}:"
                " use bfloat16 or float32, or another model"
            )
        return ids[best[:, 0].cpu().numpy()], chosen.cpu().numpy(), close.cpu().numpy()

    def _force(self, row: Row, limit: int) -> None:
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

    def _take(self, row: Row, token: int, logprob: float, close: float, limit: int) -> None:
        special = token in self._special
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

    def _completion(self, row: Row) -> tuple[int, Completion]:
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
        return row.number, Completion(text, tokens, row.cut)


@dataclass(frozen=True, slots=True)
class _Step:
    id: int
    piece: bytes
    logprob: float
    close: float


@dataclass(slots=True)
class Row:
    """One prompt on its way: the tokens not yet fed to the model, and the steps taken."""

    number: int
    prompt: tuple[int, ...]
    pending: list[int]
    matcher: Any
    halt: Halt | None
    room: int | None = None
    whole: int = 0  # how many of the steps are a string of the grammar
    steps: list[_Step] = field(default_factory=list)
    done: bool = False
    cut: bool = False

    def line(self) -> str:
        """Return the completion so far."""
        return b"".join(step.piece for step in self.steps).decode(errors="replace")

    def take(self, width: int) -> list[int]:
        """Return the next tokens to be fed, which are waiting no longer."""
        taken, self.pending = self.pending[:width], self.pending[width:]
        return taken


class _Batch:
    """The rows on their way, and what the model remembers of them."""

    def __init__(self, decoder: Decoder, limit: int, sample: Generator | None) -> None:
        self.rows: list[Row] = []
        self._decoder, self._limit, self._sample = decoder, limit, sample
        self._memory = KeyValues(decoder._outputs)

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Feed new rows to the model, let them join; return those that are done already."""
        import torch

        done = [row for row in rows if row.done]
        fresh = [row for row in rows if not row.done]
        if not fresh:
            return done
        with torch.inference_mode():
            memory = KeyValues(self._decoder._outputs)
            width = max(len(row.pending) for row in fresh)
            left = self._advance(fresh, memory, width)
            if left:
                self._memory.join(memory)
        self.rows += left
        return done + [row for row in fresh if row.done]

    def step(self) -> list[Row]:
        """Feed what every row has waiting; return those that are done, which leave."""
        import torch

        rows = self.rows
        with torch.inference_mode():
            width = min(len(row.pending) for row in rows)
            self.rows = self._advance(rows, self._memory, width)
        return [row for row in rows if row.done]

    def _advance(self, rows: list[Row], memory: KeyValues, width: int) -> list[Row]:
        """Feed at most `width` tokens of each row, choose where none is left; return the rest."""
        queues = [row.take(width) for row in rows]
        cost = self._decoder.cost
        with cost.spent("body"):
            state = memory.feed(queues)
        cost.passes, cost.fed = cost.passes + 1, cost.fed + sum(map(len, queues))
        ready = [at for at, row in enumerate(rows) if not row.pending]
        if ready:
            chosen = [rows[at] for at in ready]
            self._decoder.choose(chosen, state[ready], self._limit, self._sample)
        done = [at for at, row in enumerate(rows) if row.done]
        return [rows[at] for at in memory.drop(done)] if done else rows


def _packed(matcher: Any) -> NDArray[np.uint8]:
    """Return which tokens a matcher allows next, a bit each."""
    return np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)


def _unpacked(packed: NDArray[np.uint8], size: int) -> NDArray[np.bool_]:
    return np.unpackbits(packed, axis=-1, count=size, bitorder="little").view(np.bool_)
