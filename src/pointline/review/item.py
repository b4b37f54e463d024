"""What a reviewer has in hand: an item, its state, who decides, and what may stand in the way."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pointline.errors import PointlineError
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = [
    "STATUSES",
    "VIEWS",
    "Conflict",
    "Event",
    "Filter",
    "Item",
    "Lease",
    "Opinion",
    "Review",
    "Reviewer",
    "Row",
    "Status",
    "changes",
    "searchable",
]

Status = Literal["open", "accepted", "rejected", "skipped"]

#: What a decision makes of an item; every item is open at first.
STATUSES: tuple[str, ...] = get_args(Status)

#: What a filter may ask of an item's state, and what the page calls it.
VIEWS: Mapping[str, str] = {
    "open": "To do",
    "": "All",
    "accepted": "Accepted",
    "rejected": "Rejected",
    "skipped": "Skipped",
    "flagged": "Flagged",
    "commented": "Commented",
    "corrected": "Corrected",
    "second": "Second opinion",
}


class Conflict(PointlineError):
    """A change that is refused: the item was changed since (`stale`), or another has it (`held`).

    `item` is the item as it is now.
    """

    def __init__(self, kind: Literal["stale", "held"], item: Item) -> None:
        """Keep the kind and the item as it is now."""
        who = (item.lease.name if item.lease else "") if kind == "held" else item.changed_by
        told = "is being reviewed by" if kind == "held" else "was changed since by"
        super().__init__(f"item {item.position + 1} {told} {who or 'somebody'}: look at it again")
        self.kind = kind
        self.item = item


@dataclass(frozen=True, slots=True)
class Reviewer:
    """A person's name, and the session in which they work: two tabs of a browser are one."""

    name: str
    session: str


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has an item to themselves, and until when (seconds since 1970)."""

    name: str
    session: str
    until: float


@dataclass(frozen=True, slots=True)
class Row:
    """A draft beside its original, as it enters the queue; `rules` are the filters that fired."""

    split: str
    draft: Record
    source: Record | None = None
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Two files that are looked at side by side, or one alone (`source` is empty).

    `share` is the share of items that a second person is to judge.
    """

    id: int
    source: str
    draft: str
    share: float
    tasks: Mapping[str, Task] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """The names of the files."""
        return f"{self.source} → {self.draft}" if self.source else self.draft


@dataclass(frozen=True, slots=True)
class Item:
    """An item as it is now.

    `version` counts its changes. `draft` is what entered the queue, `record` what became of it.
    `draw` in [0, 1) says whether the item is in the sample for a second opinion.
    """

    id: int
    review: int
    position: int
    version: int
    split: str
    status: str
    reason: str
    flagged: bool
    draw: float
    decided_by: str
    changed_by: str
    changed_at: float
    lease: Lease | None
    rules: tuple[str, ...]
    source: Record | None
    draft: Record
    record: Record

    @property
    def corrected(self) -> tuple[str, ...]:
        """Which parts of the draft a person changed."""
        return changes(self.draft, self.record)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit log: who did what to which item, when; `before` is what it replaced."""

    id: int
    item: int
    position: int
    record_id: str
    reviewer: str
    at: float
    action: str
    note: str
    version: int
    before: Mapping[str, Any] = field(hash=False)
    after: Mapping[str, Any] = field(hash=False)
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one person thought of one item: a verdict and the text label that it was given."""

    item: int
    reviewer: str
    verdict: str
    label: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are wanted: of a view (see `VIEWS`), a rule, a text label, that hold a text.

    >>> Filter(search="Ａda").folded
    'ada'
    """

    view: str = ""
    rule: str = ""
    label: str = ""
    search: str = ""

    @property
    def folded(self) -> str:
        """The text that is searched for, in the form of `searchable`."""
        return searchable(self.search)


def searchable(*texts: str) -> str:
    """Return texts in the form in which they are searched: width and case do not count."""
    return unicodedata.normalize("NFKC", "\n".join(texts)).casefold().strip()


def changes(draft: Record, record: Record) -> tuple[str, ...]:
    """Return which of text, label and items differ.

    >>> changes(Record("1", "", "犬"), Record("1", "", "猫", "社会"))
    ('text', 'label')
    """
    parts = {
        "text": draft.text != record.text,
        "label": draft.label != record.label,
        "items": (draft.pairs, draft.facts) != (record.pairs, record.facts),
    }
    return tuple(part for part, differs in parts.items() if differs)
