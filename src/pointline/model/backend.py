"""What a backend does: prompts in, completions out. Values and a protocol, no library.

`model.hf` is the backend for Hugging Face models, `model.vllm` for those that vLLM runs,
`model.served` for those behind a server; `Scripted` answers from a function and needs no model, for
examples and tests. `completions` asks either kind of backend, one that takes batches and one that
streams.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from operator import itemgetter
from typing import Protocol, TypeVar, runtime_checkable

from pointline.errors import InputError, TextTooLong

__all__ = [
    "Backend",
    "Completion",
    "Halt",
    "Request",
    "Scripted",
    "Streaming",
    "Token",
    "check_room",
    "completions",
    "gathered",
    "spell",
    "taken",
]

_T = TypeVar("_T")

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


def spell(pieces: Iterable[bytes]) -> tuple[str, list[tuple[int, int]]]:
    """Return the text that tokens spell, and the characters [start, end) of each.

    A piece may hold a part of a character, which the tokens that share it all have in their span.

    >>> spell([b"a", "é".encode()[:1], "é".encode()[1:] + b"b", b""])
    ('aéb', [(0, 1), (1, 2), (1, 3), (3, 3)])
    """
    decoder = getincrementaldecoder("utf-8")("replace")
    parts, spans, at = [], [], 0
    for piece in pieces:
        parts.append(decoder.decode(piece))
        begun = 1 if decoder.getstate()[0] else 0
        spans.append((at, at + len(parts[-1]) + begun))
        at += len(parts[-1])
    return "".join(parts) + decoder.decode(b"", final=True), spans


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
    may have together. It may be asked from any thread, but from one at a time.
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
        self, requests: Iterable[Request | None], *, batch_size: int, max_new_tokens: int = 512
    ) -> Iterator[tuple[int, Completion]]:
        """Yield each request's number and completion as it ends.

        No more than `batch_size` requests are taken and not answered at any time. None among them
        has no number: it says that nothing waits now, so that those on their way go on, and more
        are asked for when some of them have ended. Where none is on its way more are asked for at
        once, so an iterable that can wait waits then.
        """


def completions(
    backend: Backend,
    requests: Iterable[Request | None],
    *,
    batch_size: int,
    max_new_tokens: int = 512,
) -> Iterator[tuple[int, Completion]]:
    r"""Yield each request's number and completion, in the order in which they end.

    Either all requests have a grammar or none. None among them is as in `Streaming.stream`.

    >>> asked = [Request("Rain./NER\n"), Request("Sun./NER\n")]
    >>> found = completions(Scripted(lambda prompt: "Nature/NER/"), asked, batch_size=1)
    >>> [(number, completion.text) for number, completion in found]
    [(0, 'Nature/NER/'), (1, 'Nature/NER/')]
    """
    if isinstance(backend, Streaming):
        yield from backend.stream(requests, batch_size=batch_size, max_new_tokens=max_new_tokens)
        return
    numbers, rest, more = count(), iter(requests), True
    while more:
        batch, more = taken(rest, batch_size)
        if not batch:
            continue
        grammars = [request.grammar for request in batch if request.grammar is not None]
        made = backend.complete(
            [request.prompt for request in batch],
            grammars or None,
            max_new_tokens=max_new_tokens,
            halts=[request.halt or _never for request in batch],
        )
        for completion in made:
            yield next(numbers), completion


def gathered(
    backend: Streaming,
    prompts: Sequence[str],
    grammars: Sequence[str] | None,
    halts: Sequence[Halt] | None,
    max_new_tokens: int,
) -> list[Completion]:
    """Return what a streaming backend makes of a batch, in its order.

    Raises InputError where there is not a grammar for each prompt, and as `stream`.
    """
    if grammars is not None and len(grammars) != len(prompts):
        raise InputError(f"{len(prompts)} prompts but {len(grammars)} grammars")
    rules: Sequence[str | None] = [None] * len(prompts) if grammars is None else grammars
    asking: Sequence[Halt | None] = halts or [None] * len(prompts)
    made = backend.stream(
        map(Request, prompts, rules, asking),
        batch_size=max(1, len(prompts)),
        max_new_tokens=max_new_tokens,
    )
    return [completion for _, completion in sorted(made, key=itemgetter(0))]


def check_room(backend: Backend, used: int, new: int) -> None:
    """Raise TextTooLong for a prompt whose tokens, with the new ones, exceed the window."""
    if used + new > backend.window:
        raise TextTooLong(
            f"a prompt of {used:,} tokens and {new:,} new ones do not fit into the window of"
            f" {backend.name}, {backend.window:,} tokens: split the text"
        )


def taken(coming: Iterator[_T | None], most: int) -> tuple[list[_T], bool]:
    """Return the next ones, at most so many and none behind a None, and whether more may come.

    >>> coming = iter([1, 2, 3, None, 4])
    >>> taken(coming, 2), taken(coming, 2), taken(coming, 2)
    (([1, 2], True), ([3], True), ([4], False))
    """
    group: list[_T] = []
    for one in islice(coming, most):
        if one is None:
            return group, True
        group.append(one)
    return group, len(group) == most


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
