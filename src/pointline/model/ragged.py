"""Texts of any length in one step, each with a draft of what it will probably go on with.

What `decode` does with padded rows and transformers' forward pass, for a `gemma.Body`: new prompts
and texts on their way go through the model together, and behind the tokens of a text that have to
go through go some that were guessed. As long as the model chooses what was guessed, no step is
needed; what it does not choose is taken back. So the choices are the model's own, as ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointline.model.drafts import Drafter, Source
from pointline.model.gemma import Body, Memory

if TYPE_CHECKING:
    from torch import Generator

    from pointline.model.decode import Decoder, Row

__all__ = ["Prefixes", "Ragged"]

_TOKENS = 2048  # the most that go through the model at a time, unless one prompt has more
_DRAFTED = 16  # guessed tokens in a step, shared by its texts
_SHARED = 16  # a shorter beginning in common is not worth its copy
_KEPT = 4096  # tokens of earlier texts whose keys and values are kept


class Prefixes:
    """The memories of the last texts: a prompt that begins as one of them did begins there."""

    def __init__(self, body: Body) -> None:
        self.body = body
        self._kept: list[Memory] = []

    def take(self, prompt: Sequence[int]) -> Memory:
        """Return a memory of the longest beginning of the prompt that is known, its end left out.

        The last token is always to be fed, since its state is asked for.
        """
        best, memory = max(
            ((_common(kept.tokens, prompt), kept) for kept in self._kept),
            key=lambda pair: pair[0],
            default=(0, None),
        )
        best = min(best, len(prompt) - 1)
        if memory is None or best < _SHARED:
            return self.body.memory()
        return memory.beginning(best)

    def keep(self, memory: Memory) -> None:
        """Keep a text's memory; the oldest ones are let go of."""
        self._kept.append(memory)
        while sum(len(kept.tokens) for kept in self._kept) > _KEPT:
            del self._kept[0]


@dataclass(slots=True)
class _Text:
    """What belongs to a row beside its tokens."""

    memory: Memory
    source: Source | None
    draft: list[int]
    at: int = 0  # the state that the next token is chosen by


class Ragged:
    """The rows on their way; the same two verbs as the padded batch."""

    def __init__(
        self,
        decoder: Decoder,
        prefixes: Prefixes,
        drafter: Drafter,
        limit: int,
        sample: Generator | None,
    ) -> None:
        self.rows: list[Row] = []
        self._decoder, self._prefixes, self._drafter = decoder, prefixes, drafter
        self._limit, self._sample = limit, sample
        self._texts: dict[int, _Text] = {}

    def admit(self, rows: Sequence[Row]) -> list[Row]:
        """Take in new rows; return those that are done already."""
        fresh = [row for row in rows if not row.done]
        for row in fresh:
            memory = self._prefixes.take(row.prompt)
            row.pending = row.pending[len(memory.tokens) :]
            guided = row.matcher is not None and self._sample is None
            source = Source(self._decoder.spell(row.prompt)) if guided else None
            self._texts[row.number] = _Text(memory, source, [])
        self.rows += fresh
        return [row for row in rows if row.done]

    def step(self) -> list[Row]:
        """Feed what the rows have waiting, and drafts; return those that are done, which leave."""
        import torch

        with torch.inference_mode():
            for group in self._groups():
                self._advance(group)
        done = [row for row in self.rows if row.done]
        self.rows = [row for row in self.rows if not row.done]
        for row in done:
            self._prefixes.keep(self._texts.pop(row.number).memory)
        return done

    def _groups(self) -> Iterator[list[Row]]:
        """Yield the rows in parts that are not too long, each with its draft."""
        group: list[Row] = []
        tokens, room = 0, _DRAFTED // len(self.rows)
        for row in self.rows:
            text = self._texts[row.number]
            if text.source is not None and room:
                with self._decoder.cost.spent("drafts"):
                    text.draft = self._drafter.draft(text.source, row.matcher, row.line(), room)
            width = len(row.pending) + len(text.draft)
            if group and tokens + width > _TOKENS:
                yield group
                group, tokens = [], 0
            group.append(row)
            tokens += width
        yield group

    def _advance(self, rows: list[Row]) -> None:
        """Feed the rows, and choose their tokens as far as the drafts reach."""
        texts = [self._texts[row.number] for row in rows]
        queues = [row.pending + text.draft for row, text in zip(rows, texts, strict=True)]
        cost = self._decoder.cost
        asked = [1 + len(text.draft) for text in texts]
        with cost.spent("body"):
            states = self._prefixes.body.feed([text.memory for text in texts], queues, asked)
        cost.passes, cost.fed = cost.passes + 1, cost.fed + sum(map(len, queues))
        cost.drafted += sum(len(text.draft) for text in texts)
        begin = 0
        for row, text, count in zip(rows, texts, asked, strict=True):
            text.at, row.pending = begin, []
            begin += count
        while rows:
            chosen = states[[self._texts[row.number].at for row in rows]]
            self._decoder.choose(rows, chosen, self._limit, self._sample)
            rows = [row for row in rows if self._follows(row)]

    def _follows(self, row: Row) -> bool:
        """Say whether what was chosen had been drafted, so that the next choice can be made."""
        text = self._texts[row.number]
        same = _common(text.draft, row.pending)
        self._decoder.cost.kept += same
        row.pending, text.draft = row.pending[same:], text.draft[same:]
        if not (row.pending or row.done):
            text.at += same
            return True
        text.memory.forget(len(text.draft))
        text.draft = []
        return False


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens two sequences begin with alike."""
    for at, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return at
    return min(len(one), len(other))
