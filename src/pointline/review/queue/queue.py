"""The queue itself: opening files, leases, changes, undo.

Every method is one transaction and is committed when it returns. A change names the version that
it was made on, and is refused on any other, or while somebody else has the item.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.review.item import Conflict, Event, Filter, Item, Review, Reviewer, Row, changes
from pointline.review.queue import packing
from pointline.review.queue.database import Database
from pointline.review.queue.finding import Finding
from pointline.review.queue.log import Log

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

__all__ = ["Change", "Moment", "Opened", "Queue"]

_BATCH = 500  # items that are written at once
_SHARE = 0.1  # of the items of a new review that a second person is to judge
_IDS = 2**31  # the database has no greater number for a review
_TRIES = 20  # items that are tried for a lease before they are looked for anew


@dataclass(frozen=True, slots=True)
class Opened:
    """A review, and what opening its files did: items added, drafts renewed, edited ones kept."""

    review: Review
    added: int = 0
    renewed: int = 0
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of an item: `action` is its name in the log, None leaves a part as it is.

    `opinion` (verdict, text label) is logged beside what changes, and `theirs`, the record that a
    second opinion came to.
    """

    action: str
    record: Record | None = None
    status: str | None = None
    reason: str | None = None
    flagged: bool | None = None
    note: str = ""
    opinion: tuple[str, str] | None = None
    theirs: Record | None = None

    def told(self) -> dict[str, Any]:
        """Return what is logged beside what changes."""
        told: dict[str, Any] = {"opinion": list(self.opinion)} if self.opinion else {}
        return told | ({"theirs": packing.packed_record(self.theirs)} if self.theirs else {})


@dataclass(frozen=True, slots=True)
class Moment:
    """A queue as it was at one moment: `find` and `log` as a queue's."""

    find: Finding
    log: Log


class Queue:
    """Reviews in a SQLite file, or in any database by its SQLAlchemy URL; use it in `with`.

    `find` looks into it, `log` is its audit log. `lease` is how many seconds an item stays with
    the person who opened it, unless renewed.

    Raises InputError for a place that is no such database, MissingExtra without SQLAlchemy.
    """

    def __init__(
        self, place: str | Path, *, lease: float = 300.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Open the queue, or begin it."""
        self._db = Database(str(place), clock=clock)
        self._t, self._sql, self._lease = self._db.t, self._db.sql, lease
        self.log = Log(self._db)
        self.find = Finding(self._db, self.log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    @contextmanager
    def moment(self) -> Iterator[Moment]:
        """Hold the queue as it is now: what people do meanwhile is not seen in it."""
        with self._db.held() as held:
            log = Log(held)
            yield Moment(Finding(held, log), log)

    def secret(self) -> str:
        """Return the secret by which sessions are signed: made once, kept with the queue."""
        table = self._t.settings
        asked = self._sql.select(table.c.value).where(table.c.name == "secret")
        with self._db.write() as connection:
            found = connection.execute(asked).scalar()
            if found is None:
                made = secrets.token_urlsafe(32)
                self._db.add_new(connection, table, name="secret", value=made)
                found = connection.execute(asked).scalar_one()
        return str(found)

    # ------------------------------------------------------------ opening

    def open(
        self,
        key: str,
        rows: Callable[[], Iterable[Row]],
        *,
        names: tuple[str, str],
        mark: str,
        tasks: Mapping[str, Task],
        share: float | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Opened:
        """Open the review of that key, begin it, or take in what its files have that is new.

        `names` are those of the original and the draft. `mark` tells whether the files changed
        since; `rows` is asked for only then. A draft that changed in its file replaces one that
        nobody touched; one that somebody did is kept. `share` None leaves that of a review that was
        begun, and is a tenth for a new one.
        """
        t = self._t.reviews
        told = orjson.dumps({name: task.to_dict() for name, task in tasks.items()}).decode()
        values: dict[str, Any] = {"source": names[0], "draft": names[1], "tasks": told}
        with self._db.write() as connection:
            found = self._begun(connection, key)
            values["share"] = found.share if share is None else share
            counts: Counter[str] = Counter()
            if found.mark != mark:
                counts = self._take_in(connection, found.id, rows(), progress)
            connection.execute(t.update().where(t.c.id == found.id).values(mark=mark, **values))
        return Opened(self.review(found.id), counts["added"], counts["renewed"], counts["kept"])

    def _begun(self, connection: Connection, key: str) -> Any:
        """Return the row of a review, locked; one that is new has no mark yet."""
        t = self._t.reviews
        asked = t.select().where(t.c.key == key).with_for_update()
        found = connection.execute(asked).first()
        if found is None:
            self._db.add_new(connection, t, key=key, share=_SHARE)
            found = connection.execute(asked).one()
        return found

    def _take_in(
        self,
        connection: Connection,
        review: int,
        rows: Iterable[Row],
        progress: Callable[[int], None] | None,
    ) -> Counter[str]:
        c = self._t.items.c
        columns = (c.record_id, c.position, c.mark, c.version, c.changed_by)
        asked = self._sql.select(*columns).where(c.review == review)
        there = {row.record_id: row for row in connection.execute(asked)}
        counts: Counter[str] = Counter()
        for batch in _batches(rows):
            written = []
            for row in batch:
                old = there.get(packing.stored_id(row.draft.id))
                position = old.position if old else len(there) + counts["added"]
                packed = packing.pack(row, review, position, version=old.version + 1 if old else 0)
                became = _became(old, packed)
                counts[became] += 1
                written += [packed] if became in ("added", "renewed") else []
            self._put(connection, written)
            if progress:
                progress(len(batch))
        return counts

    def _put(self, connection: Connection, written: Sequence[packing.Packed]) -> None:
        """Replace items: delete and insert, which every database knows alike."""
        t, ids = self._t, [packed.id for packed in written]
        if not ids:
            return
        keys = (t.items.c.id, t.bodies.c.item, t.texts.c.item, t.rules.c.item)
        for key in keys:
            connection.execute(key.table.delete().where(key.in_(ids)))
        connection.execute(t.items.insert(), [packed.item for packed in written])
        connection.execute(t.bodies.insert(), [packed.body for packed in written])
        connection.execute(t.texts.insert(), [packed.text for packed in written])
        rules = [rule for packed in written for rule in packed.rules]
        if rules:
            connection.execute(t.rules.insert(), rules)

    def reviews(self) -> list[Review]:
        """Return all reviews, the newest first."""
        t = self._t.reviews
        with self._db.read() as connection:
            found = connection.execute(t.select().order_by(t.c.id.desc()))
            return [packing.review(row) for row in found]

    def review(self, id: int) -> Review:
        """Return a review; InputError where there is none of that id."""
        t = self._t.reviews
        found = None
        if 0 <= id < _IDS:
            with self._db.read() as connection:
                found = connection.execute(t.select().where(t.c.id == id)).first()
        if found is None:
            raise InputError(f"there is no review {id}: choose its files on the first page")
        return packing.review(found)

    # ------------------------------------------------------------ leases

    def take(
        self, review: Review, wanted: Filter, who: Reviewer, *, after: int = -1, back: bool = False
    ) -> Item | None:
        """Lease the next item that a filter lets through and nobody else has; None: there is none.

        Behind the last item the search begins again at the first; `back` looks the other way.
        """
        c = self._t.items.c
        conditions = [*self.find.wanted(review, wanted, who), self._is_free(who)]
        if back:
            return self._first(who, [*conditions, c.position < after], c.position.desc())
        found = self._first(who, [*conditions, c.position > after], c.position)
        found = found or self._first(who, [*conditions, c.position <= after], c.position)
        if found is None:
            self.release(who)
        return found

    def _first(
        self, who: Reviewer, conditions: Sequence[ColumnElement[bool]], order: ColumnElement[int]
    ) -> Item | None:
        asked = self._sql.select(self._t.items.c.id).where(*conditions).order_by(order)
        while True:
            with self._db.read() as connection:
                ids = connection.execute(asked.limit(_TRIES)).scalars().all()
            for id in ids:
                # meanwhile another may have taken it, decided and gone on
                if self._leased(id, who, conditions):
                    return self._only(id, who)
            if not ids:
                return None

    def lease(self, id: int, who: Reviewer) -> Item:
        """Lease an item, or renew the lease, where nobody else has it; return it either way.

        What the session had before is given back.
        """
        self._leased(id, who, [self._is_free(who)])
        return self._only(id, who)

    def _leased(self, id: int, who: Reviewer, conditions: Sequence[ColumnElement[bool]]) -> bool:
        t = self._t.items
        until = self._db.clock() + self._lease
        values = {"lease_name": who.name, "lease_session": who.session, "lease_until": until}
        with self._db.write() as connection:
            lease = t.update().where(t.c.id == id, *conditions).values(**values)
            return bool(connection.execute(lease).rowcount)

    def _only(self, id: int, who: Reviewer) -> Item:
        """Give back what a session has but one item, which is returned."""
        # a transaction of its own: two that wait for each other's item would never end
        self._free(who, but=id)
        return self.find.item(id)

    def renew(self, id: int, who: Reviewer) -> float | None:
        """Renew a lease and return until when it is; None where the session has none any more."""
        t, until = self._t.items, self._db.clock() + self._lease
        mine = (t.c.id == id) & (t.c.lease_session == who.session)
        with self._db.write() as connection:
            lease = t.update().where(mine).values(lease_until=until)
            return until if connection.execute(lease).rowcount else None

    def release(self, who: Reviewer, *, until: float | None = None) -> None:
        """Give back what a session has; only the lease that ends then, if told.

        A page that goes may be told of after the next one has leased the same item.
        """
        self._free(who, but=-1, until=until)

    def _is_free(self, who: Reviewer) -> ColumnElement[bool]:
        c = self._t.items.c
        late = c.lease_until < self._db.clock()
        free: ColumnElement[bool] = c.lease_session.in_(("", who.session)) | late
        return free

    def _free(self, who: Reviewer, *, but: int, until: float | None = None) -> None:
        t = self._t.items
        mine = (t.c.lease_session == who.session) & (t.c.id != but)
        if until is not None:
            mine &= t.c.lease_until == until
        with self._db.write() as connection:
            free = t.update().where(mine).values(lease_name="", lease_session="")
            connection.execute(free)

    # ------------------------------------------------------------ changing

    def change(self, id: int, who: Reviewer, version: int, change: Change) -> Item:
        """Apply a change that was made on a version of an item, and log it.

        Raises Conflict where the item has another version by now, or somebody else has it.
        """
        with self._db.write() as connection:
            now = self.find.one(connection, id)
            self._refuse_others(now, who)
            if now.version != version:
                raise Conflict("stale", now)
            before, after = _difference(now, who, change)
            self._apply(connection, now, who, after)
            self.log.write(
                connection, now, who, change.action,
                note=change.note, before=before, after=after | change.told(),
            )  # fmt: skip
            return self.find.one(connection, id)

    def comment(self, id: int, who: Reviewer, note: str) -> Item:
        """Add a comment to an item, which is in nobody's way."""
        t = self._t.items
        with self._db.write() as connection:
            more = t.update().where(t.c.id == id).values(comments=t.c.comments + 1)
            connection.execute(more)
            now = self.find.one(connection, id)
            self.log.write(connection, now, who, "comment", note=note)
            return now

    def undo(self, review: Review, who: Reviewer) -> tuple[Item, Event] | None:
        """Take back this person's last change that stands; return its item and what was undone.

        None where there is nothing left to undo. Raises Conflict where the item was changed since,
        or somebody else has it.
        """
        with self._db.write() as connection:
            last = self.log.last(connection, review, who)
            if last is None:
                return None
            now = self.find.one(connection, last.item)
            self._refuse_others(now, who)
            if not self.log.is_latest(connection, last):
                raise Conflict("stale", now)
            before = {part: _part(now, part) for part in last.before}
            self._apply(connection, now, who, last.before)
            self.log.write(
                connection, now, who, "undo", note=last.action,
                before=before, after=last.before, undoes=last.id,
            )  # fmt: skip
            return self.find.one(connection, now.id), last

    def _refuse_others(self, now: Item, who: Reviewer) -> None:
        lease = now.lease
        if lease and lease.session != who.session and lease.until >= self._db.clock():
            raise Conflict("held", now)

    def _apply(
        self, connection: Connection, now: Item, who: Reviewer, after: Mapping[str, Any]
    ) -> None:
        t = self._t
        line = after.get("record")
        record = packing.unpacked_record(line) if line else now.record
        values = {part: value for part, value in after.items() if part != "record"}
        values |= {"version": now.version + 1, "changed_by": who.name}
        values |= {"changed_at": self._db.clock(), "label": packing.label_of(record)}
        values |= {"corrected": bool(changes(now.draft, record))}
        is_it = (t.items.c.id == now.id) & (t.items.c.version == now.version)
        if connection.execute(t.items.update().where(is_it).values(**values)).rowcount != 1:
            raise Conflict("stale", self.find.one(connection, now.id))
        if line:
            body = packing.search_text(record, now.source)
            is_body, is_text = t.bodies.c.item == now.id, t.texts.c.item == now.id
            connection.execute(t.bodies.update().where(is_body).values(record=line))
            connection.execute(t.texts.update().where(is_text).values(body=body))


def _became(old: Any, packed: packing.Packed) -> str:
    if old is None:
        return "added"
    if old.mark == packed.mark:
        return "same"
    return "kept" if old.changed_by else "renewed"


def _difference(now: Item, who: Reviewer, change: Change) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a change replaces, and by what: only the parts that differ."""
    wanted = {"status": change.status, "reason": change.reason, "flagged": change.flagged}
    wanted["decided_by"] = who.name if change.status else None
    if change.record is not None and changes(now.record, change.record):
        wanted["record"] = packing.packed_record(change.record)
    after = {k: v for k, v in wanted.items() if v is not None and v != _part(now, k)}
    return {part: _part(now, part) for part in after}, after


def _part(item: Item, part: str) -> Any:
    return packing.packed_record(item.record) if part == "record" else getattr(item, part)


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    several = iter(rows)
    while batch := list(islice(several, _BATCH)):
        yield batch
