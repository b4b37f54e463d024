"""What is found in the queue: items by a filter, a page at a time, and how many there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pointline.errors import InputError
from pointline.review.item import Filter, Item, Review, Reviewer
from pointline.review.queue import packing
from pointline.review.queue.database import Database, Held
from pointline.review.queue.log import OPINIONS, Log

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

__all__ = ["Finding", "Progress"]

_BATCH = 500
_IDS = 2**63  # no database has a greater number


@dataclass(frozen=True, slots=True)
class Progress:
    """How many items there are of each status, flagged, and corrected among the accepted.

    `second` is how many wait for this person's second opinion, `times` when they decided last.
    """

    statuses: Mapping[str, int] = field(hash=False)
    flagged: int
    corrected: int
    second: int
    times: tuple[float, ...]

    @property
    def total(self) -> int:
        """All items."""
        return sum(self.statuses.values())

    @property
    def done(self) -> int:
        """The items that were accepted or rejected."""
        return self.statuses.get("accepted", 0) + self.statuses.get("rejected", 0)


class Finding:
    """Looks into a queue's database and changes nothing."""

    def __init__(self, database: Database | Held, log: Log) -> None:
        """Look into a database and its log."""
        self._db, self._t, self._sql, self._log = database, database.t, database.sql, log

    # ------------------------------------------------------------ conditions

    def wanted(self, review: Review, wanted: Filter, who: Reviewer) -> list[ColumnElement[bool]]:
        """Return the conditions of a filter."""
        t, sql = self._t, self._sql
        found = [t.items.c.review == review.id, *self._in_view(review, wanted.view, who)]
        if wanted.label:
            found.append(t.items.c.label == wanted.label)
        if wanted.rule:
            named = (t.rules.c.review == review.id) & (t.rules.c.rule == wanted.rule)
            found.append(t.items.c.id.in_(sql.select(t.rules.c.item).where(named)))
        if wanted.folded:
            holds = t.texts.c.body.contains(wanted.folded.replace("\0", " "), autoescape=True)
            found.append(sql.exists().where(t.texts.c.item == t.items.c.id, holds))
        return found

    def _in_view(self, review: Review, view: str, who: Reviewer) -> list[ColumnElement[bool]]:
        c = self._t.items.c
        if view == "second":
            return self._awaits(review, who)
        if view in ("flagged", "corrected"):
            return [c[view].is_(True)]
        if view == "commented":
            return [c.comments > 0]
        return [c.status == view] if view else []

    def _awaits(self, review: Review, who: Reviewer) -> list[ColumnElement[bool]]:
        """Items of the sample that another decided and nobody gave a second opinion on."""
        t = self._t
        of_item = (t.events.c.item == t.items.c.id, t.events.c.action == "second")
        return [
            t.items.c.draw < review.share,
            t.items.c.status.in_(("accepted", "rejected")),
            t.items.c.decided_by != who.name,
            ~self._sql.exists().where(*of_item, self._log.stands()),
        ]

    # ------------------------------------------------------------ items

    def count(self, review: Review, wanted: Filter, who: Reviewer) -> int:
        """Return how many items a filter lets through."""
        with self._db.read() as connection:
            return self._number(connection, *self.wanted(review, wanted, who))

    def page(
        self, review: Review, wanted: Filter, who: Reviewer, *, after: int = -1, size: int = 50
    ) -> list[Item]:
        """Return the first `size` items after a position that a filter lets through."""
        conditions = [*self.wanted(review, wanted, who), self._t.items.c.position > after]
        with self._db.read() as connection:
            return self.items(connection, *conditions, limit=size)

    def every(self, review: Review) -> Iterator[Item]:
        """Yield all items in their order, without their originals, some at a time."""
        c, after = self._t.items.c, -1
        while True:
            with self._db.read() as connection:
                further = (c.review == review.id, c.position > after)
                batch = self.items(connection, *further, limit=_BATCH, originals=False)
            if not batch:
                return
            yield from batch
            after = batch[-1].position

    def item(self, id: int) -> Item:
        """Return an item; InputError where there is none of that id."""
        with self._db.read() as connection:
            return self.one(connection, id)

    def at(self, review: Review, name: str) -> Item:
        """Return the item of that number, counted from 1, or of that record id.

        Raises InputError where there is none.
        """
        c = self._t.items.c
        is_it = c.record_id == packing.stored_id(name)
        if name.isascii() and name.isdigit() and len(name) < 9:
            is_it = is_it | (c.position == int(name) - 1)
        with self._db.read() as connection:
            found = self.items(connection, c.review == review.id, is_it, limit=2)
        if not found:
            raise InputError(f"there is no item {name!r}: give its number, or a record's id")
        return next((item for item in found if item.draft.id == name), found[0])

    def one(self, connection: Connection, id: int) -> Item:
        """Return an item within a transaction; InputError where there is none of that id."""
        known = 0 <= id < _IDS
        found = self.items(connection, self._t.items.c.id == id, limit=1) if known else []
        if not found:
            raise InputError(f"there is no item {id}: go back to the list")
        return found[0]

    def items(
        self,
        connection: Connection,
        *conditions: ColumnElement[bool],
        limit: int,
        originals: bool = True,
    ) -> list[Item]:
        """Return the first items for which the conditions hold, within a transaction."""
        t, sql = self._t, self._sql
        both = t.items.join(t.bodies, t.bodies.c.item == t.items.c.id)
        source = t.bodies.c.source if originals else sql.literal("").label("source")
        columns = (t.items, source, t.bodies.c.draft, t.bodies.c.record)
        asked = sql.select(*columns).select_from(both).where(*conditions)
        rows = connection.execute(asked.order_by(t.items.c.position).limit(limit)).all()
        named = sql.select(t.rules).where(t.rules.c.item.in_([row.id for row in rows]))
        rules: defaultdict[int, list[str]] = defaultdict(list)
        for rule in connection.execute(named.order_by(t.rules.c.rule)):
            rules[rule.item].append(rule.rule)
        return [packing.item(row, rules[row.id]) for row in rows]

    # ------------------------------------------------------------ numbers

    def progress(self, review: Review, who: Reviewer) -> Progress:
        """Return how far a review is, and when this person decided last."""
        t, sql, c = self._t, self._sql, self._t.items.c
        of_review = c.review == review.id
        by_status = sql.select(c.status, sql.func.count()).where(of_review).group_by(c.status)
        mine = (t.events.c.review == review.id) & (t.events.c.reviewer == who.name)
        times = sql.select(t.events.c.at).where(mine, t.events.c.action.in_(OPINIONS))
        corrected = (c.status == "accepted") & c.corrected.is_(True)
        with self._db.read() as connection:
            return Progress(
                {status: int(n) for status, n in connection.execute(by_status)},
                self._number(connection, of_review, c.flagged.is_(True)),
                self._number(connection, of_review, corrected),
                self._number(connection, of_review, *self._awaits(review, who)),
                tuple(
                    connection.execute(times.order_by(t.events.c.id.desc()).limit(200)).scalars()
                ),
            )

    def rules(self, review: Review) -> dict[str, dict[str, int]]:
        """Return how many items there are of each rule and status."""
        t = self._t
        both = t.rules.join(t.items, t.items.c.id == t.rules.c.item)
        asked = self._sql.select(t.rules.c.rule, t.items.c.status, self._sql.func.count())
        asked = asked.select_from(both).where(t.rules.c.review == review.id)
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        with self._db.read() as connection:
            for rule, status, count in connection.execute(
                asked.group_by(t.rules.c.rule, t.items.c.status).order_by(t.rules.c.rule)
            ):
                found[rule][status] = int(count)
        return dict(found)

    def labels(self, review: Review) -> dict[str, int]:
        """Return the text labels of a review and how many items each has, frequent ones first."""
        c, count = self._t.items.c, self._sql.func.count()
        asked = self._sql.select(c.label, count).where(c.review == review.id).group_by(c.label)
        with self._db.read() as connection:
            found = connection.execute(asked.order_by(count.desc(), c.label))
            return {label: int(number) for label, number in found}

    def splits(self, review: Review) -> list[str]:
        """Return the splits that a review's items are of."""
        c = self._t.items.c
        asked = self._sql.select(c.split).where(c.review == review.id)
        with self._db.read() as connection:
            return sorted(connection.execute(asked.distinct()).scalars())

    def decided(self, review: Review) -> dict[tuple[str, str], int]:
        """Return how many items each person decided, by name and status."""
        c = self._t.items.c
        asked = self._sql.select(c.decided_by, c.status, self._sql.func.count())
        asked = asked.where(c.review == review.id, c.decided_by != "")
        with self._db.read() as connection:
            found = connection.execute(asked.group_by(c.decided_by, c.status))
            return {(name, status): int(count) for name, status, count in found}

    def _number(self, connection: Connection, *conditions: ColumnElement[bool]) -> int:
        asked = self._sql.select(self._sql.func.count()).select_from(self._t.items)
        return int(connection.execute(asked.where(*conditions)).scalar_one())
