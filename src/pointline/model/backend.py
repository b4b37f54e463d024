"""What a backend does: prompts in, completions out. Values and a protocol, no library.

`model.hf` is the backend for Hugging Face models; `Scripted` answers from a function and needs no
model, for examples and tests. `completions` asks either kind of backend, one that takes batches
and one that streams.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Protocol, runtime_checkable

__all__ = [
    "Backend",
    "Completion",
    "Halt",
    "Request",
    "Scripted",
    "Streaming",
    "Token",
    "completions",
]

#: Asked with the line so far wherever an item is closed; true cuts the completion there.
Halt = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token and the characters [start, end) of the completion that it spells.

    A token may hold a part of a character, so spans may overlap; the end-of-sequence token has
    an empty span. `logprob` is the natural logarithm of the token's probability, renormalised
    over the tokens that were allowed at that step; `close` that of all allowed tokens together
    that begin with ":" or end the sequence, which is how an item is closed (-inf: none was).
    """

    id: int
    start: int
    end: int
    logprob: float
    close: float


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote after a prompt.

    `cut` marks one that the limit of new tokens, or its `Halt`, stopped before the model did. A
    backend that knows no probabilities gives no tokens.
    """

    text: str
    tokens: tuple[Token, ...] = ()
    cut: bool = False

    @property
    def ids(self) -> tuple[int, ...]:
        """The token ids, the end-of-sequence token included where the model wrote it."""
        return tuple(token.id for token in self.tokens)


@dataclass(frozen=True, slots=True)
class Request:
    """One prompt, with the grammar that its completion keeps to and what may halt it."""

    prompt: str
    grammar: str | None = None
    halt: Halt | None = None


class Backend(Protocol):
    """A model behind two verbs.

    `name` says which model it is, wherever it lies, and `weights` tells it from another of that
    name; `window` is the most tokens that a prompt and its completion
    may have together.
    """

    @property
    def name(self) -> str:
        """Which model this is."""

    @property
    def weights(self) -> str:
        """What changes when a weight or the type of the weights does; "" where it is not known."""

    @property
    def window(self) -> int:
        """The most tokens that a prompt and its completion may have together."""

    def count(self, text: str) -> int:
        """Return how many tokens `text` has as a prompt, special tokens included."""

    def complete(
        self,
        prompts: Sequence[str],
        grammars: Sequence[str] | None = None,
        *,
        max_new_tokens: int = 512,
        halts: Sequence[Halt] | None = None,
    ) -> list[Completion]:
        """Return the most likely completion of each prompt, step by step, in their order.

        With grammars (Lark text, one a prompt) a completion is a string of its grammar, also
        when it is cut: the limit takes effect at the first place where the grammar may end.
        Without, a completion ends before the first line break. A backend that cannot ask `halts`
        (one a prompt) goes on to the limit.
        """


@runtime_checkable
class Streaming(Protocol):
    """A backend that takes the next prompt when a completion ends, instead of batch by batch."""

    def stream(
        self, requests: Iterable[Request], *, batch_size: int, max_new_tokens: int = 512
    ) -> Iterator[tuple[int, Completion]]:
        """Yield each request's number and completion as it ends.

        No more than `batch_size` requests are taken and not answered at any time.
        """


def completions(
    backend: Backend, requests: Iterable[Request], *, batch_size: int, max_new_tokens: int = 512
) -> Iterator[tuple[int, Completion]]:
    r"""Yield each request's number and completion, in the order in which they end.

    Either all requests have a grammar or none.

    >>> asked = [Request("Rain./NER\n"), Request("Sun./NER\n")]
    >>> found = completions(Scripted(lambda prompt: "Nature/NER/"), asked, batch_size=1)
    >>> [(number, completion.text) for number, completion in found]
    [(0, 'Nature/NER/'), (1, 'Nature/NER/')]
    """
    if isinstance(backend, Streaming):
        yield from backend.stream(requests, batch_size=batch_size, max_new_tokens=max_new_tokens)
        return
    numbers, rest = count(), iter(requests)
    while batch := list(islice(rest, batch_size)):
        grammars = [request.grammar for request in batch if request.grammar is not None]
        made = backend.complete(
            [request.prompt for request in batch],
            grammars or None,
            max_new_tokens=max_new_tokens,
            halts=[request.halt or _never for request in batch],
        )
        for completion in made:
            yield next(numbers), completion


def _never(line: str) -> bool:  # noqa: ARG001 - a halt that stops nothing
    return False


@dataclass(frozen=True, slots=True)
class Scripted:
    r"""A backend that answers from a function of the prompt: for examples and tests.

    A token is a character. Grammars are not looked at.

    >>> Scripted(lambda prompt: "Nature/NER/").complete(["Rain./NER\n"])[0].text
    'Nature/NER/'
    """

    answer: Callable[[str], str]
    window: int = 2048
    name: str = "scripted"
    weights: str = ""

    def count(self, text: str) -> int:
        """Return the number of characters."""
        return len(text)

    def complete(
        self,
        prompts: Sequence[str],
        grammars: Sequence[str] | None = None,  # noqa: ARG002 - part of the protocol
        *,
        max_new_tokens: int = 512,
        halts: Sequence[Halt] | None = None,  # noqa: ARG002
    ) -> list[Completion]:
        """Return the answers, each character with probability 1, cut at `max_new_tokens`."""
        answers = map(self.answer, prompts)
        return [
            Completion(
                text[:max_new_tokens],
                tuple(Token(0, at, at + 1, 0.0, 0.0) for at in range(len(text[:max_new_tokens]))),
                cut=len(text) > max_new_tokens,
            )
            for text in answers
        ]
