"""Drafts: what a completion will probably go on with, guessed from the text and what was written.

A draft costs a row in a step of the model, and saves a step where it is right. Nothing here looks
at the model: an item's label is guessed to be that of the one before, its entity the next stretch
of the text that looks like a name (`model.edges`). What the grammar does not allow is left out by
`Drafter.draft`, and what the model would not have chosen is taken back by who asked, so a wrong
guess costs time and nothing else.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from pointline.model.edges import shipped, units

__all__ = ["Drafter", "Guess", "Source"]

_LEAST = 0.25  # a draft ends where it is right with a smaller chance
_TOLD = 0.5  # a name is drafted as far as its going on is likelier than this
_BEGINS = 0.4  # the first border of at least this chance is guessed
_AGAIN = 0.6  # the chance that an item has the label of the one before


class Guess(NamedTuple):
    """How the field that was `begun` goes on, with the delimiter behind it, and the chance."""

    begun: str
    rest: str
    chance: float


class Source:
    """The text that a prompt asks about, in units, to guess how its completion goes on."""

    def __init__(self, prompt: str) -> None:
        # a solved example ends in an empty line, lists of labels are lines in front of the text
        asked = prompt[prompt.rfind("\n\n") + 2 :] if "\n\n" in prompt else prompt
        while asked[:1] in ("/", ":") and "\n" in asked.rstrip("\n"):
            asked = asked.partition("\n")[2]
        self._text = asked.rpartition("/")[0]
        self._units = units(self._text)
        self._starts = [0, *accumulate(map(len, self._units))]

    def guesses(self, line: str) -> Iterator[Guess]:
        """Yield what the field that is being written may be, the likeliest first."""
        head, *items = line.split(":")
        if not items:
            if "/" in head:
                yield Guess("", ":" if head.count("/") > 1 else "/:", 0.9)
            return
        before, fields = [], items[-1].split(";")
        if len(items) > 1:
            before = items[-2].split(";")
        if before and len(fields) - 1 == (1 if len(before) > 2 else 0):
            label = before[len(fields) - 1]
            if label.startswith(fields[-1]) and label != fields[-1]:
                yield Guess(fields[-1], label[len(fields[-1]) :] + ";", _AGAIN)
        yield from self._entity(items[:-1], fields[-1], ";" if len(fields) == 1 else ":")

    def _entity(self, items: Sequence[str], begun: str, delimiter: str) -> Iterator[Guess]:
        """Guess how an entity goes on, or the next one where none was begun."""
        last, chance = 0, 1.0
        for item in items:
            last = self._behind(item.rpartition(";")[2], last)
        if begun:
            start = self._text.find(begun, self._starts[last])
            start = self._text.find(begun) if start < 0 else start
        else:
            at, chance = self._begin(last)
            start = -1 if at is None else self._starts[at]
        if start >= 0:
            end, right, whole = self._end(start + max(len(begun), 1))
            rest = self._text[start + len(begun) : end] + (delimiter if whole else "")
            yield Guess(begun, rest, chance * right)

    def _begin(self, last: int) -> tuple[int | None, float]:
        for at in range(last, len(self._units)):
            if not self._units[at].isspace():
                chance = shipped("begins").chance(self._units, at)
                if chance >= _BEGINS:
                    return at, chance
        return None, 0.0

    def _end(self, least: int) -> tuple[int, float, bool]:
        """Return where a name ends, not before `least`, the chance, and whether it is the end.

        It is not where the end cannot be told: so far the name goes on.
        """
        right = 1.0
        at = bisect_left(self._starts, least)
        end = self._starts[at]
        while at < len(self._units):
            if not self._units[at - 1].isspace():
                chance = shipped("ends").chance(self._units, at)
                end = self._starts[at]
                if chance >= 0.5 or right * (1 - chance) < _TOLD:
                    return end, right * max(chance, _TOLD), chance >= 0.5
                right *= 1 - chance
            at += 1
        return self._starts[at], right, True

    def _behind(self, entity: str, last: int) -> int:
        """Return the unit behind an entity, the next behind `last`; `last` where there is none."""
        start = self._text.find(entity, self._starts[last])
        if start < 0 or not entity:
            return last
        return bisect_left(self._starts, start + len(entity))


class Drafter:
    """Drafts for the rows of a decoder.

    `encode` returns the tokens of a string, `forced` those that a matcher leaves no choice about,
    `spell` the string of tokens.
    """

    def __init__(
        self,
        encode: Callable[[str], Sequence[int]],
        forced: Callable[[Any], Sequence[int]],
        spell: Callable[[Sequence[int]], str],
    ) -> None:
        self._encode, self._forced, self._spell = encode, forced, spell

    def draft(self, source: Source, matcher: Any, line: str, room: int) -> list[int]:
        """Return at most `room` tokens that the grammar allows next; the matcher is left as it is.

        `line` is the completion so far.
        """
        made: list[int] = []
        chance = 1.0
        while len(made) < room and chance >= _LEAST:
            more = list(self._forced(matcher))
            if not more:
                more, right = self._guess(source, matcher, line + self._spell(made))
                chance *= right
            more = more[: room - len(made)]
            if not more or chance < _LEAST or not matcher.consume_tokens(more):
                break
            made += more
        if made:
            matcher.rollback(len(made))
        return made

    def _guess(self, source: Source, matcher: Any, line: str) -> tuple[list[int], float]:
        for guess in source.guesses(line):
            tokens = self._tokens(guess)
            if allowed := matcher.validate_tokens(tokens):
                return tokens[:allowed], guess.chance
        return [], 0.0

    def _tokens(self, guess: Guess) -> list[int]:
        """Return the rest's tokens as the whole field has them, if what was begun is some."""
        whole = list(self._encode(guess.begun + guess.rest))
        for at in range(len(whole)):
            spelled = self._spell(whole[:at])
            if spelled == guess.begun:
                return whole[at:]
            if len(spelled) > len(guess.begun):
                break
        return list(self._encode(guess.rest))
