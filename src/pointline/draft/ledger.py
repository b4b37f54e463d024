"""The ledger: a run's memory in SQL, which a kill at any moment leaves whole.

Two tables. `answers` has what a model answered, by the key of the question: paid for once. `rows`
has what became of each record, by its id; what a row's `body` holds is the run's own affair. A
write is committed when the method returns; SQLite runs in WAL mode, where a killed process loses
nothing that was committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import orjson

from pointline.errors import InputError, MissingExtra
from pointline.model.chat.question import Answer, Usage

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table

__all__ = ["Ledger", "Row"]

_BATCH = 500  # rows that are looked up at once


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one record: its state, the rule or reason behind it, and what was made.

    `mark` tells the record from one of the same id whose content was changed.
    """

    id: str
    mark: str
    state: str
    reason: str = ""
    body: Mapping[str, Any] = field(default_factory=dict, hash=False)


class Ledger:
    """A run's memory: a SQLite file, or any database by its SQLAlchemy URL.

    It is a `client.Memory`. Use it in a `with` statement.

    Raises InputError for a place that is no ledger, MissingExtra without SQLAlchemy or the driver
    of the URL.
    """

    def __init__(self, place: str | Path) -> None:
        """Open the ledger, or begin it."""
        try:
            from sqlalchemy.exc import SQLAlchemyError
        except ImportError:
            raise MissingExtra("sqlalchemy", extra="draft") from None
        try:
            self._engine = _engine(str(place))
            self._answers, self._rows = _tables(self._engine)
            self._put_answer = _putting(self._answers, "key")
            self._put_row = _putting(self._rows, "id")
        except ImportError as error:
            raise MissingExtra(error.name or "a driver", extra="postgres") from None
        except SQLAlchemyError as error:
            told = str(error.__cause__ or error).splitlines()[0]
            raise InputError(f"{_safe(str(place))}: this is no ledger ({told})") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # ------------------------------------------------------------ answers

    def recall(self, key: str) -> Answer | None:
        """Return the answer to the question of that key, None where there is none."""
        table = self._answers
        with self._engine.connect() as connection:
            found = connection.execute(table.select().where(table.c.key == key)).first()
        return None if found is None else Answer.from_dict(orjson.loads(found.answer))

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer, in the place of one that is there."""
        usage = answer.usage
        values = {
            "answer": orjson.dumps(answer.to_dict()).decode(),
            "requests": usage.requests,
            "tokens_in": usage.tokens_in,
            "tokens_out": usage.tokens_out,
            "guessed": usage.guessed,
        }
        with self._engine.begin() as connection:
            self._put_answer(connection, {"key": key, **values})

    def spent(self) -> Usage:
        """Return what all answers took."""
        from sqlalchemy import func, select

        names = ("requests", "tokens_in", "tokens_out", "guessed")
        sums = [func.coalesce(func.sum(self._answers.c[name]), 0) for name in names]
        with self._engine.connect() as connection:
            return Usage(*(int(total) for total in connection.execute(select(*sums)).one()))

    # ------------------------------------------------------------ rows

    def enter(self, row: Row) -> None:
        """Enter what became of a record, in the place of what was entered before."""
        values = {
            "id": row.id,
            "mark": row.mark,
            "state": row.state,
            "reason": row.reason,
            "body": orjson.dumps(dict(row.body)).decode(),
        }
        with self._engine.begin() as connection:
            self._put_row(connection, values)

    def marks(self, *states: str) -> dict[str, str]:
        """Return the mark of every row, by its id; of those in one of the states if given."""
        table = self._rows
        from sqlalchemy import select

        asked = select(table.c.id, table.c.mark)
        if states:
            asked = asked.where(table.c.state.in_(states))
        with self._engine.connect() as connection:
            return {row.id: row.mark for row in connection.execute(asked)}

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """Return the rows of some records, by id; those that have none are left out."""
        table, found = self._rows, {}
        with self._engine.connect() as connection:
            for first in range(0, len(ids), _BATCH):
                asked = table.select().where(table.c.id.in_(ids[first : first + _BATCH]))
                for id, mark, state, reason, body in connection.execute(asked):
                    found[id] = Row(id, mark, state, reason, orjson.loads(body))
        return found

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how many rows there are of each state and reason."""
        from sqlalchemy import func, select

        table = self._rows
        columns = (table.c.state, table.c.reason)
        with self._engine.connect() as connection:
            found = connection.execute(select(*columns, func.count()).group_by(*columns))
            return Counter({(state, reason): count for state, reason, count in found})


def _engine(place: str) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import URL

    if "://" in place:
        return create_engine(place)
    engine = create_engine(URL.create("sqlite", database=place))

    def prepare(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("PRAGMA busy_timeout=10000")

    event.listen(engine, "connect", prepare)
    return engine


def _tables(engine: Engine) -> tuple[Table, Table]:
    from sqlalchemy import Column, Integer, MetaData, String, Table, Text

    schema = MetaData()
    answers = Table(
        "answers",
        schema,
        Column("key", String(64), primary_key=True),
        Column("answer", Text, nullable=False),
        *(
            Column(name, Integer, nullable=False)
            for name in ("requests", "tokens_in", "tokens_out", "guessed")
        ),
    )
    rows = Table(
        "rows",
        schema,
        Column("id", Text, primary_key=True),
        Column("mark", String(64), nullable=False),
        Column("state", String(32), nullable=False, index=True),
        Column("reason", Text, nullable=False),
        Column("body", Text, nullable=False),
    )
    schema.create_all(engine)
    return answers, rows


def _putting(table: Table, key: str) -> Callable[[Connection, Mapping[str, Any]], None]:
    """Return what replaces the row of a key: delete and insert, which every database knows alike.

    The statements are made once: making them takes longer than SQLite takes to carry them out.
    """
    from sqlalchemy import bindparam

    remove = table.delete().where(table.c[key] == bindparam("asked"))
    insert = table.insert()

    def put(connection: Connection, values: Mapping[str, Any]) -> None:
        connection.execute(remove, {"asked": values[key]})
        connection.execute(insert, dict(values))

    return put


def _safe(place: str) -> str:
    """Return a place without the password that a URL may hold."""
    head, mark, tail = place.partition("://")
    return f"{head}{mark}{tail.rpartition('@')[2]}" if mark else place
