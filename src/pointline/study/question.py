"""What a study asks of every sub-dataset: is one level better with something than without it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DESIGNS", "GOLD", "QUESTIONS", "SHOWN", "Design", "Level", "Question", "asked"]

Design = Literal["gold", "predicted", "label first", "items first"]
Level = Literal["wl", "tl"]

#: What the designs are, in words: what the condition that is compared with the level alone has.
DESIGNS: dict[Design, str] = {
    "gold": "the other level's gold annotation beside the text",
    "predicted": "the other level as a model predicted it beside the text",
    "label first": "both levels in one completion, the label first",
    "items first": "both levels in one completion, the items first",
}


@dataclass(frozen=True, slots=True)
class Question:
    """A level's F1 in the condition `given`, beside the level alone in the condition `without`."""

    level: Level
    design: Design
    without: str
    given: str

    @property
    def name(self) -> str:
        """What tables and figures call it, such as "label to items"."""
        what = "label to items" if self.level == "wl" else "items to label"
        if self.design in ("gold", "predicted"):
            return what if self.design == "gold" else f"predicted {what}"
        return f"{'items' if self.level == 'wl' else 'label'}, jointly, {self.design}"

    @property
    def slug(self) -> str:
        """The name in names of files."""
        return self.name.replace(",", "").replace(" ", "-")


def _question(level: Level, design: Design, given: str) -> Question:
    return Question(level, design, "text->items" if level == "wl" else "text->label", given)


#: All of them, the paper's two first.
QUESTIONS = (
    _question("wl", "gold", "text+label->items"),
    _question("tl", "gold", "text+items->label"),
    _question("wl", "predicted", "text+predicted label->items"),
    _question("tl", "predicted", "text+predicted items->label"),
    _question("wl", "label first", "joint:label-first"),
    _question("tl", "label first", "joint:label-first"),
    _question("wl", "items first", "joint:items-first"),
    _question("tl", "items first", "joint:items-first"),
)

#: The paper's two: does the label help the items, do the items help the label?
GOLD = QUESTIONS[:2]

#: Those in which something stands beside the text.
SHOWN = QUESTIONS[:4]


def asked(level: Level, design: Design = "gold") -> Question:
    """Return the question of a level and a design.

    >>> asked("tl").name, asked("wl", "items first").name
    ('items to label', 'items, jointly, items first')
    """
    return next(one for one in QUESTIONS if (one.level, one.design) == (level, design))
