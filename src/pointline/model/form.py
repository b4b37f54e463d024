r"""Forms: which levels a prompt asks for, what it shows beside the text, how both are written.

A template has a pattern for each, of `{text}`, `{word}` (the task word), `{label}`, `{items}`
(`:label;entity:label;entity`) and `{given}`. Labels and items are escaped as in the mix format, so
a completion can be taken apart again: a label holds no bare `/`, `:` or `;`, and items, none of
whose fields is empty, hold no bare `::`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, NamedTuple

from pointline.errors import InputError
from pointline.format.escape import split

__all__ = [
    "PAPER",
    "POINTLINE",
    "TEMPLATES",
    "Form",
    "Level",
    "Order",
    "Parts",
    "Template",
    "literals",
]

_FIELDS = re.compile(r"\{(\w*)\}")
_ANSWERED = re.compile(r"\{(label|items)\}")


class Level(Enum):
    """Which levels a prompt asks for: both, the text-level label, or the word-level items."""

    BOTH = "both"
    TEXT = "text"
    WORD = "word"


class Order(Enum):
    """Which of the two a completion with both levels begins with."""

    LABEL_FIRST = "label-first"
    ITEMS_FIRST = "items-first"


class Parts(NamedTuple):
    """Where a completion's label and items stand in it: half-open spans, None for what is not."""

    label: tuple[int, int] | None
    items: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Template:
    """How prompts and completions are written; `TEMPLATES` has two, and anybody can make more.

    `alone` and `beside` are the prompt without and with what is given, `text`, `word`,
    `label_first` and `items_first` the completions. What is given is written as the completion of
    its level is.

    Raises InputError for a pattern that lacks a field, or whose completion could not be taken
    apart again: behind `{label}` comes nothing, the items, or one of `/ : ;`; items come last, or
    have `::` behind them; and a completion is one line.

    >>> Template("arrow", alone="{text} ->", beside="{text} | {given} ->").word
    '{items}'
    """

    name: str
    alone: str
    beside: str
    text: str = "{label}"
    word: str = "{items}"
    label_first: str = "{label}{items}"
    items_first: str = "{items}::{label}"

    def __post_init__(self) -> None:
        for pattern, reason in self._faults():
            raise InputError(f"template {self.name!r}: {pattern} {reason}")

    def completion(self, level: Level, order: Order) -> str:
        """Return the pattern of the completions of a level."""
        if level is Level.TEXT:
            return self.text
        if level is Level.WORD:
            return self.word
        return self.label_first if order is Order.LABEL_FIRST else self.items_first

    def _faults(self) -> Iterator[tuple[str, str]]:
        for name, wanted in _WANTED.items():
            pattern = getattr(self, name)
            found = [field for field in _FIELDS.findall(pattern) if field != "word"]
            if found != list(wanted):
                fields = " and ".join(f"{{{field}}}" for field in wanted)
                yield name, f"has {fields} once each, in this order, and may have {{word}}"
            if name not in ("alone", "beside"):
                if "\n" in pattern:
                    yield name, "is one line"
                if not _PARTED[name].search(pattern):
                    yield name, "could not be taken apart: see the documentation of templates"


_WANTED: Mapping[str, tuple[str, ...]] = {
    "alone": ("text",),
    "beside": ("text", "given"),
    "text": ("label",),
    "word": ("items",),
    "label_first": ("label", "items"),
    "items_first": ("items", "label"),
}
_PARTED = {
    "text": re.compile(r"\{label\}([/:;]|$)"),
    "word": re.compile(r"\{items\}$"),
    "label_first": re.compile(r"\{label\}([/:;].*)?\{items\}$"),
    "items_first": re.compile(r"\{items\}::.*\{label\}([/:;]|$)"),
}

#: The papers' ablation: text, what is given and the output, one behind the other, nothing between.
PAPER = Template("paper", alone="{text}", beside="{text}{given}")

#: The mix format that pointline is trained on; what is given has a line of its own.
POINTLINE = Template(
    "pointline",
    alone="{text}/{word}\n",
    beside="{text}/{word}\n{given}\n",
    text="{label}/{word}/",
    word="/{word}/{items}",
    label_first="{label}/{word}/{items}",
    items_first="/{word}/{items}::{label}",
)

#: The templates that have a name.
TEMPLATES: Mapping[str, Template] = {template.name: template for template in (PAPER, POINTLINE)}


@dataclass(frozen=True, slots=True)
class Form:
    """What a prompt asks for, in which order, what it shows beside the text, and how.

    `given` is the level whose annotation stands in the prompt; then `level` is the other one.

    Raises InputError for a level that is both asked and given.

    >>> Form(Level.WORD, given=Level.TEXT).to_dict()["given"]
    'text'
    """

    level: Level = Level.BOTH
    order: Order = Order.LABEL_FIRST
    given: Level | None = None
    template: Template = field(default=POINTLINE)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "level", Level(self.level))
            object.__setattr__(self, "order", Order(self.order))
            object.__setattr__(self, "given", None if self.given is None else Level(self.given))
        except ValueError as error:
            raise InputError(f"no form: {error}") from None
        if self.given is not None and {self.level, self.given} != {Level.TEXT, Level.WORD}:
            raise InputError(
                f"a form that is given one level asks for the other, got level {self.level.value!r}"
                f" and given {self.given.value!r}"
            )

    @property
    def pattern(self) -> str:
        """The pattern of the completion."""
        return self.template.completion(self.level, self.order)

    @property
    def fields(self) -> tuple[str, ...]:
        """What a completion has, in its order: "label", "items"."""
        return tuple(_ANSWERED.findall(self.pattern))

    @property
    def is_mix(self) -> bool:
        """Whether completions are lines of the mix format, as `codec.read` takes them."""
        items_first = self.level is Level.BOTH and self.order is Order.ITEMS_FIRST
        return not items_first and self.pattern == POINTLINE.completion(self.level, self.order)

    def to_dict(self) -> dict[str, Any]:
        """Return the form as JSON-ready values; a template of the table by its name."""
        named = TEMPLATES.get(self.template.name) == self.template
        return {
            "level": self.level.value,
            "order": self.order.value,
            "given": None if self.given is None else self.given.value,
            "template": self.template.name if named else asdict(self.template),
        }

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Form:
        """Return the form that `to_dict` wrote.

        Raises InputError for a template that is neither known by its name nor written out, and as
        `Form` does.

        >>> Form.from_dict(Form(template=PAPER).to_dict()) == Form(template=PAPER)
        True
        """
        told = {**values}
        template = told.pop("template", POINTLINE.name)
        if isinstance(template, Mapping):
            return Form(**told, template=Template(**template))
        if template not in TEMPLATES:
            raise InputError(f"no template {template!r}: there are {', '.join(TEMPLATES)}")
        return Form(**told, template=TEMPLATES[template])

    def parts(self, line: str, word: str) -> Parts | None:
        """Return where label and items stand in a completion; None where it is not of this form.

        >>> Form(order=Order.ITEMS_FIRST, template=PAPER).parts(":people;Ada::Nature", "NER")
        Parts(label=(13, 19), items=(0, 11))
        """
        before, behind, *rest = literals(self.pattern, word)
        last = rest[-1] if rest else behind
        start, end = len(before), len(line) - len(last)
        if not (line.startswith(before) and line.endswith(last) and start <= end):
            return None
        if not rest:
            span = (start, end)
            return Parts(None, span) if self.level is Level.WORD else Parts(span, None)
        if self.order is Order.LABEL_FIRST:
            cut = start + min(len(split(line[start:end], mark)[0][1]) for mark in "/:;")
            label, items = (start, cut), (cut + len(behind), end)
        else:
            cut = _double(line, start, end)
            items, label = (start, cut), (cut + len(behind), end)
        return Parts(label, items) if line[cut:].startswith(behind) else None


def literals(pattern: str, word: str) -> list[str]:
    """Return what stands before, between and behind the fields of a completion's pattern.

    >>> literals("{label}/{word}/{items}", "NER")
    ['', '/NER/', '']
    """
    return [piece.replace("{word}", word) for piece in _ANSWERED.split(pattern)[::2]]


def _double(line: str, start: int, end: int) -> int:
    """Return where the first bare `::` is, the end if there is none."""
    pieces = split(line[start:end], ":", offset=start)
    return next((at - 1 for at, piece in pieces[1:-1] if not piece), end)
