"""What a backend does: prompts in, completions out. Values and a protocol, no library.

`model.hf` is the backend for Hugging Face models; `Scripted` answers from a function and needs no
model, for examples and tests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Backend", "Completion", "Halt", "Scripted", "Token"]

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
