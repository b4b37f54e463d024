"""The tables of the queue, as SQLAlchemy is told of them: `define(sqlalchemy)` gives the schema.

The bodies of items and their folded texts stand apart from what is filtered and sorted by, so that
a filter reads narrow rows only. The log (`events`) is only ever added to.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

__all__ = ["define"]


def define(sql: ModuleType) -> SimpleNamespace:
    """Return the tables by name, and `schema`, which creates them."""
    schema, made = sql.MetaData(), _Columns(sql)
    parts = {
        "settings": (made.key("name", sql.String(32)), made.text("value")),
        "reviews": _reviews(sql, made),
        "items": _items(sql, made),
        "bodies": (made.key("item"), *map(made.text, ("source", "draft", "record"))),
        "texts": (made.key("item"), made.text("body")),
        "rules": (
            made.key("review", sql.Integer),
            made.key("rule", sql.String(200)),
            made.key("item"),
        ),
        "events": _events(sql, made),
    }
    tables = {name: sql.Table(f"review_{name}", schema, *parts[name]) for name in parts}
    return SimpleNamespace(schema=schema, **tables)


class _Columns:
    """Columns that are never null."""

    def __init__(self, sql: ModuleType) -> None:
        self.sql = sql
        # SQLite numbers the rows of an INTEGER key by itself, and of no other
        self.big = sql.BigInteger().with_variant(sql.Integer, "sqlite")

    def text(self, name: str) -> Any:
        return self.sql.Column(name, self.sql.Text, nullable=False, default="")

    def number(self, name: str, kind: Any = None) -> Any:
        return self.sql.Column(name, kind or self.sql.Integer, nullable=False, default=0)

    def flag(self, name: str) -> Any:
        return self.sql.Column(name, self.sql.Boolean, nullable=False, default=False)

    def key(self, name: str, kind: Any = None) -> Any:
        return self.sql.Column(name, kind or self.big, primary_key=True, autoincrement=False)


def _reviews(sql: ModuleType, made: _Columns) -> tuple[Any, ...]:
    return (
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("key", sql.String(64), nullable=False, unique=True),
        *map(made.text, ("source", "draft", "mark", "tasks")),
        made.number("share", sql.Float),
    )


def _items(sql: ModuleType, made: _Columns) -> tuple[Any, ...]:
    return (
        made.key("id"),
        *map(made.number, ("review", "position", "version", "comments")),
        *map(made.text, ("record_id", "split", "mark", "status", "reason", "label")),
        *map(made.flag, ("flagged", "corrected")),
        *map(made.text, ("decided_by", "changed_by", "lease_name", "lease_session")),
        *(made.number(name, sql.Double) for name in ("draw", "changed_at", "lease_until")),
        sql.UniqueConstraint("review", "record_id"),
        sql.UniqueConstraint("review", "position"),
        sql.Index("review_items_status", "review", "status", "position"),
        sql.Index("review_items_label", "review", "label", "position"),
        sql.Index("review_items_lease", "lease_session"),
    )


def _events(sql: ModuleType, made: _Columns) -> tuple[Any, ...]:
    return (
        sql.Column("id", made.big, primary_key=True),
        *map(made.number, ("review", "version")),
        *(made.number(name, made.big) for name in ("item", "undoes")),
        made.number("at", sql.Double),
        *map(made.text, ("reviewer", "action", "note", "before", "after")),
        sql.Index("review_events_undoes", "undoes"),
        sql.Index("review_events_item", "item", "id"),
        sql.Index("review_events_who", "review", "reviewer", "id"),
        sql.Index("review_events_what", "review", "action", "id"),
    )
