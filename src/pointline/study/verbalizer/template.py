"""Templates: the text, and a place that is left open for a label word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pointline.errors import InputError
from pointline.format.tasks import Task

__all__ = ["MASK", "TEMPLATES", "TEXT", "Template", "template_for"]

TEXT, MASK = "{text}", "{mask}"


@dataclass(frozen=True, slots=True)
class Template:
    """A pattern with {text} and, behind it, {mask}, each once; all else is taken as it is.

    A causal model reads what stands before {mask}, so nothing may follow it there.

    Raises InputError for another pattern.

    >>> Template("{text} All in all, it was {mask}.").around("Good soup!")
    ('Good soup! All in all, it was ', '.')
    """

    pattern: str

    def __post_init__(self) -> None:
        counts = self.pattern.count(TEXT), self.pattern.count(MASK)
        if counts != (1, 1) or self.pattern.index(TEXT) > self.pattern.index(MASK):
            raise InputError(f"a template has {TEXT} once, then {MASK} once: got {self.pattern!r}")

    @property
    def lead(self) -> str:
        """What stands between the text and the open place, blanks before the place left out."""
        return self.pattern.partition(TEXT)[2].partition(MASK)[0].rstrip(" ")

    @property
    def blank(self) -> str:
        """The blank that the word at the open place brings along, "" where there is none."""
        return " " if self.pattern.partition(MASK)[0].endswith(" ") else ""

    @property
    def tail(self) -> str:
        """What follows the open place."""
        return self.pattern.partition(MASK)[2]

    def around(self, text: str) -> tuple[str, str]:
        """Return what stands before and behind the open place, with this text."""
        before, _, after = self.pattern.partition(MASK)
        start, _, lead = before.partition(TEXT)
        return start + text + lead, after


_TOPIC = {
    "en": "{text}\nTopic: {mask}",
    "ja": "{text}\n話題：{mask}",
    "zh": "{text}\n主题：{mask}",
}
_OPINION = {
    "en": "{text}\nIn one word: {mask}",
    "ja": "{text}\n一言で言うと：{mask}",
    "zh": "{text}\n一句话评价：{mask}",
}

#: The patterns that are used where none is given, by what is asked and language.
TEMPLATES: Mapping[str, Mapping[str, str]] = {"topic": _TOPIC, "opinion": _OPINION}

_OPINIONS = frozenset(("positive", "negative", "積極", "消極", "积极", "消极"))


def template_for(task: Task, given: Mapping[str, str] | None = None) -> Template:
    """Return the template of a task: the one given for its language, else ours.

    Raises InputError for a language that has none.

    >>> from pointline.format.tasks import task
    >>> template_for(task("scpos-n-ja")).lead
    '\\n一言で言うと：'
    """
    opinion = bool(task.labels) and _OPINIONS.issuperset(task.labels or ())
    known = {**TEMPLATES["opinion" if opinion else "topic"], **(given or {})}
    if task.lang not in known:
        raise InputError(f"{task.name}: no template for the language {task.lang!r}: give one")
    return Template(known[task.lang])
