"""The tables of the queue, as SQLAlchemy is told of them: `define(sqlalchemy)` gives the schema."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

__all__ = ["define"]


def define(sql: ModuleType) -> SimpleNamespace:
    """Return the tables by name, and `schema`, which creates them.

    The bodies of items and their folded texts stand apart from what is filtered and sorted by, so
    that a filter reads narrow rows only. The log is only ever added to.
    """
    big = sql.BigInteger().with_variant(sql.Integer, "sqlite")
    schema = sql.MetaData()

    def table(name: str, *parts: Any) -> Any:
        return sql.Table(f"review_{name}", schema, *parts)

    def text(name: str, **told: Any) -> Any:
        return sql.Column(name, sql.Text, nullable=False, default="", **told)

    def number(name: str, kind: Any = sql.Integer, **told: Any) -> Any:
        return sql.Column(name, kind, nullable=False, default=0, **told)

    def flag(name: str) -> Any:
        return sql.Column(name, sql.Boolean, nullable=False, default=False)

    def key(name: str, kind: Any = big) -> Any:
        return sql.Column(name, kind, primary_key=True, autoincrement=False)

    settings = table("settings", key("name", sql.String(32)), text("value"))
    reviews = table(
        "reviews",
        sql.Column("id", sql.Integer, primary_key=True),
        sql.Column("key", sql.String(64), nullable=False, unique=True),
        *map(text, ("source", "draft", "mark", "tasks")),
        number("share", sql.Float),
    )
    items = table(
        "items",
        key("id"),
        *(number(name) for name in ("review", "position", "version", "comments")),
        *map(text, ("record_id", "split", "mark", "status", "reason", "label")),
        *map(flag, ("flagged", "corrected")),
        *map(text, ("decided_by", "changed_by", "lease_name", "lease_session")),
        *(number(name, sql.Float) for name in ("draw", "changed_at", "lease_until")),
        sql.UniqueConstraint("review", "record_id"),
        sql.UniqueConstraint("review", "position"),
        sql.Index("review_items_status", "review", "status", "position"),
        sql.Index("review_items_label", "review", "label", "position"),
        sql.Index("review_items_lease", "lease_session"),
    )
    bodies = table("bodies", key("item"), *map(text, ("source", "draft", "record")))
    texts = table("texts", key("item"), text("body"))
    rules = table("rules", key("review", sql.Integer), key("rule", sql.String(200)), key("item"))
    events = table(
        "events",
        sql.Column("id", big, primary_key=True),
        *(number(name) for name in ("review", "version")),
        number("item", big),
        number("undoes", big, index=True),
        number("at", sql.Float),
        *map(text, ("reviewer", "action", "note", "before", "after")),
        sql.Index("review_events_item", "item", "id"),
        sql.Index("review_events_who", "review", "reviewer", "id"),
        sql.Index("review_events_what", "review", "action", "id"),
    )
    return SimpleNamespace(
        schema=schema, settings=settings, reviews=reviews, items=items, bodies=bodies,
        texts=texts, rules=rules, events=events,
    )  # fmt: skip
