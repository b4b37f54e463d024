"""How an item and an event lie in the queue's tables, and how they come out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from pointline.corpus import recordfile
from pointline.format import tasks as known_tasks
from pointline.format.record import Record
from pointline.review.item import Event, Item, Lease, Review, Row, searchable

__all__ = [
    "ROOM",
    "Packed",
    "event",
    "item",
    "label_of",
    "pack",
    "packed_record",
    "review",
    "search_text",
    "stored_id",
    "unpacked_record",
]

#: Ids of items that a review has to itself.
ROOM = 10_000_000


@dataclass(frozen=True, slots=True)
class Packed:
    """An item as rows of three tables, and its rules; `mark` is the digest of what is in it."""

    id: int
    mark: str
    item: Mapping[str, Any]
    body: Mapping[str, Any]
    text: Mapping[str, Any]
    rules: tuple[Mapping[str, Any], ...]


def pack(row: Row, review: int, position: int, *, version: int = 0) -> Packed:
    """Return a new item of a review; its id follows from its position."""
    id = review * ROOM + position
    source = packed_record(row.source) if row.source else ""
    draft = packed_record(row.draft)
    told = "\0".join((row.split, *row.rules, source, draft)).encode()
    mark = blake2b(told, digest_size=16).hexdigest()
    columns = {
        "id": id,
        "review": review,
        "position": position,
        "version": version,
        "record_id": stored_id(row.draft.id),
        "split": row.split,
        "mark": mark,
        "status": "open",
        "label": label_of(row.draft),
        "draw": _draw(row.draft.id),
    }
    return Packed(
        id,
        mark,
        columns,
        {"item": id, "source": source, "draft": draft, "record": ""},
        {"item": id, "body": search_text(row.draft, row.source)},
        tuple({"review": review, "rule": rule[:200], "item": id} for rule in row.rules),
    )


def stored_id(id: str) -> str:
    """Return a record's id as it is stored: PostgreSQL has no NUL, and two ids stay two.

    >>> stored_id("scnm-1"), stored_id("a\\0b") == stored_id("a\\ufffdb")
    ('scnm-1', False)
    """
    return id.replace("\ufffd", "\ufffd.").replace("\0", "\ufffd0")


def packed_record(record: Record) -> str:
    """Return a record as one line of JSON."""
    return recordfile.dump(record).decode().rstrip("\n")


def search_text(record: Record, source: Record | None) -> str:
    """Return what an item is found by: its id and the texts of both sides, folded."""
    return searchable(record.id, record.text, source.text if source else "").replace("\0", " ")


def label_of(record: Record) -> str:
    """Return the text label, as an item is filtered by."""
    return record.label.replace("\0", "\ufffd")


def _draw(record_id: str) -> float:
    """Return where an item stands in [0, 1): the same in every database, by its id alone."""
    return int.from_bytes(blake2b(record_id.encode(), digest_size=6).digest()) / 2**48


def item(row: Any, rules: Iterable[str]) -> Item:
    """Return the item that a row of the item's and the body's columns holds."""
    draft = unpacked_record(row.draft)
    lease = Lease(row.lease_name, row.lease_session, row.lease_until) if row.lease_session else None
    return Item(
        id=row.id,
        review=row.review,
        position=row.position,
        version=row.version,
        split=row.split,
        status=row.status,
        reason=row.reason,
        flagged=bool(row.flagged),
        draw=row.draw,
        decided_by=row.decided_by,
        changed_by=row.changed_by,
        changed_at=row.changed_at,
        lease=lease,
        rules=tuple(rules),
        source=unpacked_record(row.source) if row.source else None,
        draft=draft,
        record=unpacked_record(row.record) if row.record else draft,
    )


def event(row: Any) -> Event:
    """Return the event that a row of the log holds."""
    return Event(
        id=row.id,
        item=row.item,
        position=row.position,
        record_id=row.record_id,
        reviewer=row.reviewer,
        at=row.at,
        action=row.action,
        note=row.note,
        version=row.version,
        before=orjson.loads(row.before or "{}"),
        after=orjson.loads(row.after or "{}"),
        undone=bool(row.undone),
    )


def review(row: Any) -> Review:
    """Return the review that a row holds."""
    told = orjson.loads(row.tasks)
    tasks = {name: known_tasks.from_dict(values) for name, values in told.items()}
    return Review(row.id, row.source, row.draft, row.share, tasks)


def unpacked_record(line: str) -> Record:
    """Return the record that `packed_record` wrote."""
    return recordfile.parse_line(line.encode())
