"""The database under the queue: a SQLite file in WAL mode, or any by its SQLAlchemy URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError, MissingExtra
from pointline.review.queue import tables

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

__all__ = ["Database", "Held"]

_OPENING = 0x706F696E  # PostgreSQL's lock under which the tables are made
_PATIENCE = 60_000  # milliseconds that a write waits, say for somebody who opens a large file


class Database:
    """The engine, its tables (`t`), the library (`sql`) and the clock.

    Raises InputError for a place that is no such database, MissingExtra without SQLAlchemy or the
    driver of the URL.
    """

    def __init__(self, place: str, *, clock: Callable[[], float]) -> None:
        """Open the database; its tables are made where they are not there yet."""
        try:
            import sqlalchemy
        except ImportError:
            raise MissingExtra("sqlalchemy", extra="review") from None
        self.clock = clock
        self.sql: ModuleType = sqlalchemy
        self.t: SimpleNamespace = tables.define(sqlalchemy)
        try:
            self._engine = _engine(place)
            self._writer = self._engine.execution_options(pointline_write=True)
            with self.write() as connection:
                if connection.dialect.name == "postgresql":
                    # two servers that start at once would both make the tables
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_OPENING})")
                self.t.schema.create_all(connection)
        except ImportError as error:
            raise MissingExtra(error.name or "a driver", extra="postgres") from None
        except sqlalchemy.exc.SQLAlchemyError as error:
            told = str(error.__cause__ or error).strip().splitlines()[0]
            raise InputError(f"{_safe(place)}: cannot be opened as a queue: {told}") from None

    def write(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that writes; it is committed when the block ends well."""
        return self._writer.begin()

    def read(self) -> AbstractContextManager[Connection]:
        """Begin a transaction that reads."""
        return self._engine.connect()

    @contextmanager
    def held(self) -> Iterator[Held]:
        """Hold the database as it is at this moment: what is written meanwhile is not seen."""
        # a transaction of SQLite sees one moment by itself, and knows no such level
        lite = self._engine.dialect.name == "sqlite"
        level: dict[str, Any] = {} if lite else {"isolation_level": "REPEATABLE READ"}
        with self._engine.execution_options(**level).connect() as connection:
            yield Held(self.t, self.sql, self.clock, connection)

    def add_new(self, connection: Connection, table: Any, **values: Any) -> None:
        """Insert a row, unless another server inserts one of that key at the same time."""
        try:
            with connection.begin_nested():
                connection.execute(table.insert().values(**values))
        except self.sql.exc.IntegrityError:
            # it waited until the other had committed: the row is there
            pass

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


@dataclass(frozen=True, slots=True)
class Held:
    """A database as it was at one moment, to be read through one connection."""

    t: SimpleNamespace
    sql: ModuleType
    clock: Callable[[], float]
    connection: Connection

    def read(self) -> AbstractContextManager[Connection]:
        """Go on in the transaction that reads."""
        return nullcontext(self.connection)


def _engine(place: str) -> Engine:
    from sqlalchemy import create_engine, event
    from sqlalchemy.engine import URL

    if "://" in place and not place.startswith("sqlite"):
        return create_engine(place, pool_pre_ping=True)
    engine = create_engine(place if "://" in place else URL.create("sqlite", database=place))

    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # BEGIN is ours to say, below
        connection.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        connection.execute("PRAGMA journal_mode=WAL")

    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later could find that another wrote meanwhile
        writes = connection.get_execution_options().get("pointline_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def _safe(place: str) -> str:
    """Return a place without the password that a URL may hold."""
    head, mark, tail = place.partition("://")
    return f"{head}{mark}{tail.rpartition('@')[2]}" if mark else place
