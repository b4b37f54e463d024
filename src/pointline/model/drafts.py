"""Drafts: what a completion will probably go on with, guessed from the text and what was written.

A draft costs a row in a step of the model, and saves a step where it is right. Nothing here looks
at the model: an entity goes on as the text does until the kind of character changes; an item is
followed by another with a usual label, whose entity is the next stretch of the text that looks like
a name. What the grammar does not allow is left out by `Drafter.draft`, and what the model would not
have chosen is taken back by who asked, so a wrong guess costs time and nothing else.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

__all__ = ["Drafter", "Habits", "Source"]

_CAPITAL = r"[A-ZÀ-ÖØ-ÞŁŚŠŽČİΑ-ΩА-Я]"
# What looks like a name: capitalised words, a run of katakana, of Han, of digits.
_NAMELIKE = re.compile(
    rf"{_CAPITAL}[\w'’&-]*(?: (?:(?:of|de|van|von|der|and) )?(?:the )?[A-ZÀ-ÞΑ-ΩА-Я\d][\w'’&-]*)*"
    r"|[\u30a1-\u30fa\u30fc・＝]+|[\u4e00-\u9fff々〆]+|\d+"
)
_WORD = re.compile(r"[\w'’&-]+")
_HEADER = re.compile(r"(?:[/:].*\n)*")


class Habits:
    """Which labels were written, and behind which: what the next ones are guessed by."""

    def __init__(self) -> None:
        self._after: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def saw(self, line: str) -> None:
        """Learn from a finished completion."""
        head, *items = line.split(":")
        before = ""
        for label in [head.partition("/")[0], *(item.partition(";")[0] for item in items)]:
            self._after[before][label] += 1
            before = f"/{label}" if before == "" else label

    def label(self, before: str, begun: str) -> str | None:
        """Return the usual label that begins so, behind another; "" is before a completion."""
        for label, _ in self._after[before].most_common():
            if label.startswith(begun) and label != begun:
                return label
        return None


class Source:
    """The text of one prompt, and where the completion that is written of it has got to."""

    def __init__(self, prompt: str) -> None:
        begin = prompt.rfind("\n\n") + 1
        begin = begin + 1 if begin else _HEADER.match(prompt).end()  # type: ignore[union-attr]
        self._text = prompt[begin:].rpartition("/")[0]

    def guesses(self, line: str, habits: Habits) -> list[str]:
        """Return what may come next, to the end of the field that is being written; best first."""
        head, *items = line.split(":")
        if not items:
            label = None if "/" in line else habits.label("", line)
            return [":"] if label is None else [label[len(line) :]]
        fields = items[-1].split(";")
        found = []
        if len(fields) < 3:
            found += self._label(head, items, fields[-1], habits)
        if entity := self._entity(items, fields[-1]):
            found.append(entity + (";" if len(fields) == 1 else ":"))
        return found

    def _label(self, head: str, items: list[str], begun: str, habits: Habits) -> list[str]:
        last = items[-2].partition(";")[0] if len(items) > 1 else f"/{head.partition('/')[0]}"
        label = habits.label(last, begun)
        if label is None and last.startswith(begun) and last != begun and last[0] != "/":
            label = last
        return [] if label is None else [label[len(begun) :] + ";"]

    def _entity(self, items: list[str], begun: str) -> str:
        """Return how an entity goes on, or the next one where none was begun."""
        at = self._position(items[:-1])
        if begun:
            start = self._text.find(begun, at)
            start = self._text.find(begun) if start < 0 else start
            if start < 0:
                return ""
            return self._text[start + len(begun) : _end(self._text, start, start + len(begun))]
        named = _NAMELIKE.search(self._text, at)
        return named[0] if named else ""

    def _position(self, items: list[str]) -> int:
        """Return where the last entity written ends in the text, 0 where it is not found."""
        at = 0
        for item in items:
            entity = item.rpartition(";")[2]
            start = self._text.find(entity, at)
            at = start + len(entity) if start >= 0 else at
        return at


def _end(text: str, start: int, least: int) -> int:
    """Return where the name that begins at `start` ends, not before `least`."""
    named = _NAMELIKE.match(text, start) or _WORD.match(text, start)
    end = named.end() if named else least
    if end >= least:
        return end
    more = _WORD.match(text, least) or _NAMELIKE.match(text, least)
    return more.end() if more and text[least - 1].isalnum() else least


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
        self.habits = Habits()

    def draft(self, source: Source, matcher: Any, line: str, room: int) -> list[int]:
        """Return at most `room` tokens that the grammar allows next; the matcher is left as it is.

        `line` is the completion so far.
        """
        made: list[int] = []
        while len(made) < room:
            more = self._forced(matcher) or self._guess(source, matcher, line + self._spell(made))
            more = more[: room - len(made)]
            if not more or not matcher.consume_tokens(more):
                break
            made += more
        if made:
            matcher.rollback(len(made))
        return made

    def _guess(self, source: Source, matcher: Any, line: str) -> list[int]:
        for guess in source.guesses(line, self.habits):
            tokens = self._encode(guess)
            if allowed := matcher.validate_tokens(list(tokens)):
                return list(tokens[:allowed])
        return []
