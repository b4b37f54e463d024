"""The desk: what the page asks of a queue, in the words of the page, and what it is shown."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pointline.corpus import store
from pointline.errors import InputError, RecordError
from pointline.format.record import Record
from pointline.review import checks, pace, pairing
from pointline.review.item import Filter, Item, Review, Reviewer
from pointline.review.pairing import Side
from pointline.review.queue import Change, Opened, Queue

__all__ = ["REASONS", "Desk", "Refused"]

#: Why a draft is rejected; a reviewer may write another.
REASONS = (
    "wrong meaning", "unnatural", "item lost", "wrong label", "not translated", "bad original",
)  # fmt: skip

_NOTE = 2000  # characters of a reason or a comment


class Refused(InputError):
    """A change that cannot be made as it stands; `problems` says where on the page."""

    def __init__(self, reason: str, problems: Sequence[checks.Problem]) -> None:
        """Keep what is wrong, and where."""
        super().__init__(reason)
        self.problems = tuple(problems)


class Desk:
    """A queue, the folder whose files may be opened, and the share that a second person judges."""

    def __init__(self, queue: Queue, folder: Path, *, share: float | None = None) -> None:
        """Work on a queue; `share` as in `Queue.open`."""
        self.queue, self.folder, self.share = queue, folder, share
        self._opening = threading.Lock()

    def open(
        self, source: Side | None, draft: Side, *, progress: Callable[[int], None] | None = None
    ) -> Opened:
        """Open two sides, or a draft alone; a review that was begun goes on."""
        sides = [side for side in (source, draft) if side]
        tasks = {side.task.name: side.task for side in sides if side.task}
        names = (source.name if source else "", draft.name)
        with self._opening:
            return self.queue.open(
                pairing.key(source, draft),
                lambda: pairing.rows(source, draft),
                names=names, mark=pairing.mark(*sides), tasks=tasks, share=self.share,
                progress=progress,
            )  # fmt: skip

    # ------------------------------------------------------------ what is shown

    def view(self, review: Review, item: Item, who: Reviewer, *, second: bool = False) -> Any:
        """Return an item as JSON-ready values for the page.

        For a second opinion the draft is shown as it came, and nothing of what another decided:
        flagged is then what this person flagged.
        """
        record = item.draft if second else item.record
        lease = item.lease
        events = [] if second else self.queue.log.events(review, item=item.id, size=30)
        flagged = who.name in self.queue.log.flaggers(item) if second else item.flagged
        return {
            "id": item.id,
            "number": item.position + 1,
            "record_id": item.draft.id,
            "split": item.split,
            "version": item.version,
            "status": "open" if second else item.status,
            "reason": "" if second else item.reason,
            "flagged": flagged,
            "second": second,
            "mine": bool(lease and lease.session == who.session),
            "until": lease.until if lease and lease.session == who.session else None,
            "held_by": lease.name if lease and lease.session != who.session else "",
            "changed_by": item.changed_by,
            "changed_at": item.changed_at,
            "rules": list(item.rules),
            "about": _about(item.draft),
            "source": self._side(review, item.source) if item.source else None,
            "draft": _values(item.draft),
            "record": self._side(review, record),
            "links": pairing.links(item.source, record) if item.source else [],
            "problems": self.problems(review, record),
            "events": [_told(event) for event in events],
        }

    def _side(self, review: Review, record: Record) -> dict[str, Any]:
        task = pairing.task_of(record, review.tasks)
        lang, name = pairing.language(record, task)
        return _values(record) | {
            "task": task.name,
            "lang": lang,
            "language": name,
            "labels": task.labels and list(task.labels),
            "item_labels": task.item_labels and list(task.item_labels),
            "shape": task.shape,
        }

    def problems(self, review: Review, record: Record) -> list[dict[str, Any]]:
        """Return what is wrong with a record, JSON-ready."""
        task = pairing.task_of(record, review.tasks)
        return [asdict(problem) for problem in checks.problems(record, task)]

    def progress(self, review: Review, who: Reviewer) -> dict[str, Any]:
        """Return how far a review is, and this person's pace, JSON-ready."""
        found = self.queue.find.progress(review, who)
        speed = pace.an_hour(found.times)
        left = found.statuses.get("open", 0)
        return {
            "total": found.total,
            "done": found.done,
            "statuses": dict(found.statuses),
            "flagged": found.flagged,
            "corrected": found.corrected,
            "second": found.second,
            "an_hour": speed and round(speed),
            "hours_left": speed and left / speed,
        }

    # ------------------------------------------------------------ what is done

    def fix(self, review: Review, item: Item, who: Reviewer, version: int, values: Any) -> Item:
        """Apply an edit. One that would spoil an accepted item is refused.

        Who mends what they had decided thinks otherwise of its label now: that is their opinion.
        """
        record = _edited(item.record, values)
        if item.status == "accepted":
            self._refuse(review, record)
        own = item.status in ("accepted", "rejected") and item.decided_by == who.name
        opinion = (item.status, record.label) if own else None
        change = Change("fix", record=record, opinion=opinion)
        return self.queue.change(item.id, who, version, change)

    def decide(
        self, review: Review, item: Item, who: Reviewer, version: int, values: Any,
        *, verdict: str, reason: str = "", second: bool = False,
    ) -> Item:  # fmt: skip
        """Accept, reject or skip an item, its edits applied; or give a second opinion on it.

        Raises Refused where what is accepted does not hold, InputError for a second opinion on what
        nobody else decided, Conflict as `Queue.change`.
        """
        if verdict not in ("accepted", "rejected", "skipped"):
            raise InputError(f"a verdict is accepted, rejected or skipped, got {verdict!r}")
        # who gives a second opinion saw the draft, not what another made of it
        record = _edited(item.draft if second else item.record, values)
        reason = clean(reason)
        if verdict == "accepted":
            self._refuse(review, record)
        if second:
            return self._second(item, who, version, record, verdict, reason)
        opinion = None if verdict == "skipped" else (verdict, record.label)
        change = Change(
            verdict, record=record, status=verdict, opinion=opinion, note=reason,
            reason=reason if verdict == "rejected" else "",
        )  # fmt: skip
        return self.queue.change(item.id, who, version, change)

    def _second(
        self, item: Item, who: Reviewer, version: int, record: Record, verdict: str, reason: str
    ) -> Item:
        if verdict == "skipped":
            return item
        judged = item.status in ("accepted", "rejected") and item.decided_by != who.name
        if item.version == version and not judged:
            raise InputError("a second opinion is given on what somebody else decided")
        same = verdict == item.status and (
            verdict == "rejected" or _content(record) == _content(item.record)
        )
        change = Change(
            "second", opinion=(verdict, record.label), theirs=record, note=reason,
            flagged=None if same else True,
        )  # fmt: skip
        return self.queue.change(item.id, who, version, change)

    def flag(self, item: Item, who: Reviewer, version: int, *, second: bool = False) -> Item:
        """Flag an item, or take the flag away; one's own, where a second opinion is given."""
        if not second:
            change = Change("unflag" if item.flagged else "flag", flagged=not item.flagged)
            return self.queue.change(item.id, who, version, change)
        flaggers = self.queue.log.flaggers(item)
        mine, others = who.name in flaggers, flaggers - {who.name}
        change = Change("unflag" if mine else "flag", flagged=bool(others) or not mine)
        return self.queue.change(item.id, who, version, change)

    def comment(self, item: Item, who: Reviewer, note: str) -> Item:
        """Add a comment to an item."""
        told = clean(note)
        if not told:
            raise InputError("the comment is empty: write something")
        return self.queue.comment(item.id, who, told)

    def _refuse(self, review: Review, record: Record) -> None:
        found = checks.problems(record, pairing.task_of(record, review.tasks))
        grave = [problem for problem in found if problem.grave]
        if grave:
            raise Refused(f"not accepted: {grave[0].reason}", found)

    def undo(self, review: Review, who: Reviewer) -> tuple[Item, str] | None:
        """Take back this person's last change; return its item and the name of the change."""
        found = self.queue.undo(review, who)
        return found and (found[0], found[1].action)

    def go(
        self, review: Review, who: Reviewer, wanted: Filter, *, after: int = -1, back: bool = False
    ) -> Item | None:
        """Return the next item of a filter, leased; see `Queue.take`."""
        return self.queue.take(review, wanted, who, after=after, back=back)


def clean(note: str) -> str:
    """Return what a person wrote without control characters.

    Raises InputError where it is too long.

    >>> clean(" no\\0pe ")
    'nope'
    """
    told = "".join(char for char in note if char.isprintable() or char == "\n").strip()
    if len(told) > _NOTE:
        raise InputError(f"at most {_NOTE} characters, got {len(told)}: shorten it")
    return told


def _edited(old: Record, values: Any) -> Record:
    """Return the record that the page made of another; all else of it stays."""
    if values is None:
        return old
    told = {"id": old.id, "task": old.task, "meta": old.meta}
    try:
        return store.from_json({**told, **_parts(values)})
    except RecordError as error:
        raise Refused(f"this cannot be kept: {error.reason}", ()) from None


def _parts(values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise RecordError("a record is an object")
    parts = ("text", "label", "pairs", "facts")
    missing = [part for part in parts if part not in values]
    if missing:
        raise RecordError(f"the record has no {missing[0]!r}")
    return {part: values[part] for part in parts}


def _content(record: Record) -> tuple[object, ...]:
    return record.text, record.label, record.pairs, record.facts


def _values(record: Record) -> dict[str, Any]:
    told = store.to_json(record)
    return {part: told[part] for part in ("text", "label", "pairs", "facts")}


def _about(draft: Record) -> dict[str, Any]:
    """Return what is told of how a draft was made, as names and short strings."""
    made = draft.meta.get("draft")
    told = dict(made) if isinstance(made, Mapping) else {}
    told |= {key: draft.meta[key] for key in ("label_source", "doubt") if key in draft.meta}
    told.pop("rules", None)
    return {str(key): _short(value) for key, value in told.items()}


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(_short(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_short(each)}" for key, each in value.items())
    return str(value)[:200]


def _told(event: Any) -> dict[str, Any]:
    return {
        "who": event.reviewer,
        "at": event.at,
        "action": event.action,
        "note": event.note,
        "undone": event.undone,
        "opinion": event.after.get("opinion"),
    }
