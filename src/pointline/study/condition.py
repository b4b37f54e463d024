"""The conditions of an ablation: what a model is shown, what it is asked, by whom it is told.

The four of the paper (MMM, Section 7 and Appendix A): each level alone, and each level with the
other one's gold annotation beside the text. Two more designs that its readers ask for: joint, both
levels in one completion; and predicted, where what stands beside the text is what a model said of
it, as it would for a user, who has no gold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pointline.errors import InputError
from pointline.model.form import Form, Level, Order, Template

__all__ = ["CONDITIONS", "PAPER_CONDITIONS", "Condition", "chosen"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One way of training and testing; `slug` is its name in the names of folders.

    `model` names the condition whose trained model is tested, its own if "", and `source` the one
    whose predictions are given in the place of gold, none if "".
    """

    name: str
    slug: str
    level: Level
    order: Order = Order.LABEL_FIRST
    given: Level | None = None
    model: str = ""
    source: str = ""

    def form(self, template: Template) -> Form:
        """Return the form of its prompts in a template."""
        return Form(self.level, self.order, self.given, template)

    @property
    def needs(self) -> tuple[str, ...]:
        """The conditions that have to be finished before it."""
        return tuple(name for name in (self.model, self.source) if name)

    @property
    def scored(self) -> tuple[str, ...]:
        """What it is scored by: "tl", "wl", "all"."""
        if self.level is Level.BOTH:
            return ("tl", "wl", "all")
        return ("tl",) if self.level is Level.TEXT else ("wl",)


_TEXT, _WORD = Level.TEXT, Level.WORD
_ALL = (
    Condition("text->items", "text-items", _WORD),
    Condition("text+label->items", "text+label-items", _WORD, given=_TEXT),
    Condition("text->label", "text-label", _TEXT),
    Condition("text+items->label", "text+items-label", _TEXT, given=_WORD),
    Condition("joint:label-first", "joint-label-first", Level.BOTH),
    Condition("joint:items-first", "joint-items-first", Level.BOTH, Order.ITEMS_FIRST),
    Condition(
        "text+predicted label->items",
        "text+predicted-label-items",
        _WORD,
        given=_TEXT,
        model="text+label->items",
        source="text->label",
    ),
    Condition(
        "text+predicted items->label",
        "text+predicted-items-label",
        _TEXT,
        given=_WORD,
        model="text+items->label",
        source="text->items",
    ),
)

#: Every condition by its name, those that others need before them.
CONDITIONS: Mapping[str, Condition] = {condition.name: condition for condition in _ALL}

#: The names of the paper's four.
PAPER_CONDITIONS = tuple(CONDITIONS)[:4]


def chosen(names: Sequence[str] = ()) -> tuple[Condition, ...]:
    """Return the conditions of these names and those that they need, in the table's order.

    "paper", "joint" and "predicted" stand for several; no name stands for all.

    Raises InputError for a name that is none.

    >>> [c.name for c in chosen(["joint:items-first", "text->label"])]
    ['text->label', 'joint:items-first']
    """
    groups = {
        "paper": PAPER_CONDITIONS,
        "joint": tuple(name for name in CONDITIONS if name.startswith("joint:")),
        "predicted": tuple(name for name, found in CONDITIONS.items() if found.source),
    }
    wanted: set[str] = set()
    for name in names or tuple(CONDITIONS):
        if name not in groups and name not in CONDITIONS:
            told = ", ".join(map(repr, (*groups, *CONDITIONS)))
            raise InputError(f"no condition {name!r}: choose of {told}")
        for member in groups.get(name, (name,)):
            wanted |= {member, *CONDITIONS[member].needs}
    return tuple(found for name, found in CONDITIONS.items() if name in wanted)
