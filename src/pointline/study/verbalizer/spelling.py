"""Words as tokens of a model: how one goes on from the prompt, what several have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

__all__ = ["HOW", "How", "Spelled", "Tokens", "Tree", "continuation", "spelled"]

Tokens = tuple[int, ...]

#: What the probability of a word of several tokens is: that of all of them, or of the first.
How = Literal["joint", "first"]
HOW: tuple[How, ...] = ("joint", "first")


def continuation(encode: Callable[[str], Sequence[int]], lead: str, word: str) -> Tokens:
    """Return the tokens by which a word (with its blank, if it has one) goes on from the prompt.

    A tokenizer may write a word at the beginning of a string in another way than within it:
    sentencepiece puts a blank before it, which no Japanese or Chinese text has. So the word is
    encoded behind the prompt's last words, and their tokens are taken off; where they melt into
    the word, behind a full stop; where that does too, alone.
    """
    for before in (lead, "."):
        known, both = list(encode(before)), list(encode(before + word))
        if before and both[: len(known)] == known and len(both) > len(known):
            return tuple(both[len(known) :])
    return tuple(encode(word))


@dataclass(frozen=True, slots=True)
class Spelled:
    """Words with their tokens; `left_out` are those that the model cannot write, by reason."""

    tokens: Mapping[str, Tokens]
    left_out: Mapping[str, str]
    how: How = "joint"

    @property
    def words(self) -> tuple[str, ...]:
        """The words that can be scored."""
        return tuple(self.tokens)

    @property
    def longest(self) -> int:
        """How many tokens the longest word has."""
        return max(map(len, self.tokens.values()), default=0)

    def alike(self, classes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
        """Return the words of each class whose tokens a word of another class has, too.

        Nothing in the model's answer tells such words apart.
        """
        owners: dict[Tokens, set[str]] = {}
        for label, words in classes.items():
            for word in words:
                owners.setdefault(self.tokens[word], set()).add(label)
        return {
            label: [word for word in words if len(owners[self.tokens[word]]) > 1]
            for label, words in classes.items()
        }

    def merged(self, classes: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
        """Return two classes with the same tokens, all in all; None where there are none such."""
        sets = {label: {self.tokens[word] for word in words} for label, words in classes.items()}
        return next(
            (pair for pair in combinations(sets, 2) if sets[pair[0]] == sets[pair[1]]), None
        )


def spelled(
    words: Sequence[str],
    write: Callable[[str], Tokens],
    *,
    unknown: int | None,
    how: How = "joint",
    longest: int | None = None,
    always: Collection[str] = (),
) -> Spelled:
    """Return the words as `write` spells them; one with the token of the unknown is left out.

    So is one of more than `longest` tokens, unless it is to be kept `always`. With "first" a word
    is its first token, and words that begin alike are not told apart.
    """
    tokens: dict[str, Tokens] = {}
    left_out: dict[str, str] = {}
    for word in dict.fromkeys(words):
        found = write(word)
        if not found or unknown in found:
            left_out[word] = "not in the vocabulary"
        elif how == "joint" and len(found) > (longest or len(found)) and word not in always:
            left_out[word] = f"more than {longest} tokens"
        else:
            tokens[word] = found[:1] if how == "first" else found
    return Spelled(tokens, left_out, how)


@dataclass(frozen=True, slots=True)
class Tree:
    """Token sequences, their common beginnings shared.

    log p(word) = log p(its first token) + the sum over its further tokens of log p(token | what is
    before it). `firsts` are the first tokens. Every beginning that some word goes on from is a
    node, fed to the model once: `nodes` are (row, depth) in `rows`, the beginnings that begin no
    other one. `steps` are (word, node, token): what each word adds at which node.

    >>> tree = Tree.of([(1,), (2, 3), (2, 3, 4), (2, 5)])
    >>> tree.rows, tree.nodes, tree.firsts
    (((2, 3),), ((0, 0), (0, 1)), (1, 2, 2, 2))
    >>> tree.steps
    ((1, 0, 3), (2, 0, 3), (2, 1, 4), (3, 0, 5))
    """

    firsts: Tokens
    rows: tuple[Tokens, ...]
    nodes: tuple[tuple[int, int], ...]
    steps: tuple[tuple[int, int, int], ...]

    @staticmethod
    def of(words: Sequence[Tokens]) -> Tree:
        """Return the tree of words, each of one token or more."""
        begun = {word[:cut] for word in words for cut in range(1, len(word))}
        inner = {start[:cut] for start in begun for cut in range(1, len(start))}
        rows = tuple(sorted(begun - inner, key=lambda row: (len(row), row)))
        place: dict[Tokens, tuple[int, int]] = {}
        for at, row in enumerate(rows):
            for depth in range(len(row)):
                place.setdefault(row[: depth + 1], (at, depth))
        numbers = {start: number for number, start in enumerate(place)}
        steps = tuple(
            (at, numbers[word[:cut]], word[cut])
            for at, word in enumerate(words)
            for cut in range(1, len(word))
        )
        return Tree(tuple(word[0] for word in words), rows, tuple(place.values()), steps)
