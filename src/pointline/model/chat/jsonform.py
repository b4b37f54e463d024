"""A record as JSON, for chat models that are held to a schema: schema, values, completion line.

Pairs are `{"label": ..., "items": [{"label": ..., "entity": ...}]}`, facts have items
`{"head": ..., "relation": ..., "tail": ...}`, and `"more": [...]` where facts of more than three
fields are taken. A level that is not asked for is left out. An answer becomes the completion line
of the same label and items, so that it is read and scored as any other completion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointline.format.escape import escape
from pointline.format.lenient import Repair
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.chat.answers import whole
from pointline.model.prompt import Level

__all__ = ["form", "line", "schema", "values"]

_NAMES = {"pairs": ("label", "entity"), "facts": ("head", "relation", "tail")}


def schema(task: Task, level: Level = Level.BOTH, *, fields: int = 3) -> dict[str, Any]:
    """Return the JSON schema of an answer; closed label sets are enumerations.

    >>> from pointline.format.tasks import adhoc
    >>> schema(adhoc(labels=["a", "b"]), Level.TEXT)["properties"]
    {'label': {'type': 'string', 'enum': ['a', 'b']}}
    """
    known = "label" if task.shape == "pairs" else "relation"
    item = {
        name: _string(task.item_labels if name == known else None) for name in _NAMES[task.shape]
    }
    if _takes_more(task, fields):
        item["more"] = {"type": "array", "items": _string(None)}
    parts = {}
    if level is not Level.WORD:
        parts["label"] = _string(task.labels)
    if level is not Level.TEXT:
        parts["items"] = {"type": "array", "items": _object(item)}
    return _object(parts)


def form(task: Task, level: Level = Level.BOTH, *, fields: int = 3) -> dict[str, Any]:
    """Return an answer with an ellipsis for every string, to show its shape.

    >>> from pointline.format.tasks import task
    >>> form(task("scnm-en"))
    {'label': '...', 'items': [{'label': '...', 'entity': '...'}]}
    """
    shown: dict[str, Any] = _shown(schema(task, level, fields=fields))
    return shown


def _shown(part: Mapping[str, Any]) -> Any:
    if part["type"] == "object":
        return {name: _shown(value) for name, value in part["properties"].items()}
    return [_shown(part["items"])] if part["type"] == "array" else "..."


def values(
    record: Record, task: Task, level: Level = Level.BOTH, *, fields: int = 3
) -> dict[str, Any]:
    """Return the answer that says what the record does; facts' further fields go with `fields`."""
    names = _NAMES[task.shape]
    items: list[dict[str, Any]] = []
    for item in record.items if level is not Level.TEXT else ():
        told: dict[str, Any] = dict(zip(names, item, strict=False))
        if _takes_more(task, fields):
            told["more"] = list(item[len(names) :])
        items.append(told)
    parts = {} if level is Level.WORD else {"label": record.label}
    return parts if level is Level.TEXT else {**parts, "items": items}


def line(
    answer: Mapping[str, Any], task: Task, level: Level = Level.BOTH, *, fields: int = 3
) -> tuple[str, tuple[Repair, ...]]:
    r"""Return the completion line of an answer, and what had to be left out or filled in.

    An answer that the schema's shape admits takes no repair; labels of no set, empty entities and
    such that are not in the text stay as they are, for the codec and the score to judge.

    >>> from pointline.format.tasks import task
    >>> said = {"label": "Nature", "items": [{"label": "events", "entity": "10:30"}]}
    >>> print(*line(said, task("scnm-en")))
    Nature/NER/:events;10\:30 ()
    """
    repairs: list[Repair] = []
    wanted = schema(task, level, fields=fields)["properties"]
    if answer.keys() - wanted.keys():
        repairs.append("chatter-dropped")
    label = answer.get("label", "") if "label" in wanted else ""
    if not isinstance(label, str) or ("label" in wanted and "label" not in answer):
        repairs.append("piece-dropped")
        label = ""
    given = answer.get("items") if "items" in wanted else []
    if not isinstance(given, list):
        repairs.append("piece-dropped")
        given = []
    written = [escape(_kept(label, repairs), label=True), f"/{task.word}/"]
    for item in given:
        found = _fields(item, task, fields)
        if found is None:
            repairs.append("piece-dropped")
            continue
        written.append(":" + ";".join(escape(_kept(field, repairs)) for field in found))
    return "".join(written), tuple(repairs)


def _fields(item: object, task: Task, fields: int) -> tuple[str, ...] | None:
    """Return an item's fields, None where it is not of the schema's shape."""
    if not isinstance(item, dict):
        return None
    names = _NAMES[task.shape]
    takes_more = _takes_more(task, fields)
    more = item.get("more") if takes_more else []
    if item.keys() != {*names, *(("more",) if takes_more else ())} or not isinstance(more, list):
        return None
    found = (*(item[name] for name in names), *more)
    return found if all(isinstance(field, str) for field in found) else None


def _takes_more(task: Task, fields: int) -> bool:
    return task.shape == "facts" and fields > len(_NAMES["facts"])


def _kept(value: str, repairs: list[Repair]) -> str:
    """Return a string that UTF-8 can carry: JSON may hold half of a surrogate pair."""
    kept = whole(value)
    if kept != value:
        repairs.append("surrogate-replaced")
    return kept


def _string(choices: tuple[str, ...] | None) -> dict[str, Any]:
    return {"type": "string"} if choices is None else {"type": "string", "enum": list(choices)}


def _object(parts: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }
