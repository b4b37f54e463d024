"""The audit log: who did what to which item, when. It is only ever added to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from pointline.review.item import Event, Item, Opinion, Review, Reviewer
from pointline.review.queue import packing
from pointline.review.queue.database import Database, Held

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

__all__ = ["OPINIONS", "Log"]

#: Actions that say what somebody thinks of an item.
OPINIONS = ("accepted", "rejected", "second")

# a fix has one where it mends the label of what the same person had decided
_JUDGING = (*OPINIONS, "fix")

_UNDOABLE = ("fix", "accepted", "rejected", "skipped", "flag", "unflag", "second")


class Log:
    """The log of a queue's database. An event that was undone stands no more, and stays."""

    def __init__(self, database: Database | Held) -> None:
        """Read and write the log of a database."""
        self._db, self._t, self._sql = database, database.t.events, database.sql

    def write(
        self,
        connection: Connection,
        item: Item,
        who: Reviewer,
        action: str,
        *,
        note: str = "",
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        undoes: int = 0,
    ) -> None:
        """Add an event; `item` is as it was before."""
        values = {
            "review": item.review,
            "item": item.id,
            "version": item.version,
            "reviewer": who.name,
            "at": self._db.clock(),
            "action": action,
            "note": note,
            "before": orjson.dumps(before or {}).decode(),
            "after": orjson.dumps(after or {}).decode(),
            "undoes": undoes,
        }
        connection.execute(self._t.insert().values(**values))

    def events(
        self, review: Review, *, item: int = 0, before: int = 0, size: int = 100
    ) -> list[Event]:
        """Return the last events of a review or of one item, the newest first."""
        c = self._t.c
        found = [c.review == review.id]
        found += [c.item == item] if item else []
        found += [c.id < before] if before else []
        with self._db.read() as connection:
            return self._found(connection, *found, limit=size)

    def notes(self, review: Review) -> list[Event]:
        """Return all comments and second opinions that stand, the newest first."""
        c = self._t.c
        with self._db.read() as connection:
            what = c.action.in_(("comment", "second"))
            return self._found(connection, c.review == review.id, what, self.stands())

    def last(self, connection: Connection, review: Review, who: Reviewer) -> Event | None:
        """Return this person's last change that stands."""
        c = self._t.c
        mine = (c.review == review.id, c.reviewer == who.name, c.action.in_(_UNDOABLE))
        return next(iter(self._found(connection, *mine, self.stands(), limit=1)), None)

    def is_latest(self, connection: Connection, event: Event) -> bool:
        """Whether nothing changed the item after that event and stands."""
        c = self._t.c
        later = (c.item == event.item, c.id > event.id, c.action.in_(_UNDOABLE))
        return not self._found(connection, *later, self.stands(), limit=1)

    def stands(self) -> ColumnElement[bool]:
        """Return the condition that an event was not undone."""
        undo = self._t.alias()
        stands: ColumnElement[bool] = ~self._sql.exists().where(undo.c.undoes == self._t.c.id)
        return stands

    def opinions(self, review: Review) -> list[Opinion]:
        """Return what each person thought of the items that got a second opinion.

        What is decided after it, in the light of both, is a settlement and no opinion: counting it
        would make two people agree who did not.
        """
        c = self._t.c
        seconded = self._sql.select(c.item).where(c.review == review.id, c.action == "second")
        asked = (c.review == review.id, c.action.in_(_JUDGING), c.item.in_(seconded), self.stands())
        with self._db.read() as connection:
            found = self._found(connection, *asked)
        last: dict[tuple[int, str], Opinion] = {}
        judged: set[int] = set()
        for event in reversed(found):
            if event.action == "second":
                judged.add(event.item)
            elif event.item in judged or "opinion" not in event.after:
                continue
            verdict, label = event.after["opinion"]
            last[event.item, event.reviewer] = Opinion(event.item, event.reviewer, verdict, label)
        return list(last.values())

    def flaggers(self, item: Item) -> set[str]:
        """Return who flagged an item, as far as it stands.

        Who takes a flag away while others keep theirs takes away their own; else it is gone.
        """
        c = self._t.c
        with self._db.read() as connection:
            found = self._found(
                connection, c.item == item.id, c.action.in_(_UNDOABLE), self.stands()
            )
        told: set[str] = set()
        for event in reversed(found):
            flagged = event.after.get("flagged")
            if event.action == "flag" or flagged:
                told.add(event.reviewer)
            elif flagged is False:
                told.clear()
            elif event.action == "unflag":
                told.discard(event.reviewer)
        return told

    def _found(
        self,
        connection: Connection,
        *conditions: ColumnElement[bool],
        limit: int | None = None,
    ) -> list[Event]:
        items, sql = self._db.t.items, self._sql
        both = self._t.join(items, items.c.id == self._t.c.item)
        undone = (~self.stands()).label("undone")
        asked = sql.select(self._t, items.c.position, items.c.record_id, undone)
        asked = asked.select_from(both).where(*conditions)
        rows = connection.execute(asked.order_by(self._t.c.id.desc()).limit(limit))
        return [packing.event(row) for row in rows]
