"""What must hold of an item before it is accepted; a problem says where on the page it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["CHECKS", "Problem", "problems"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where: `text`, `label`, `pairs/2`, `facts/0`.

    One that is `grave` stands in the way of accepting; another is a remark.
    """

    check: str
    where: str
    reason: str
    grave: bool = True


def _no_text(record: Record, task: Task) -> Iterator[Problem]:
    del task
    if not record.text.strip():
        yield Problem("no text", "text", "the text is empty")


def _label(record: Record, task: Task) -> Iterator[Problem]:
    if not record.label and task.labels is not None:
        yield Problem("no label", "label", "choose a label")
    elif task.labels is not None and record.label not in task.labels:
        yield Problem("unknown label", "label", f"{record.label} is no label of {task.name}")


def _item_label(record: Record, task: Task) -> Iterator[Problem]:
    labels = [(f"pairs/{at}", pair.label) for at, pair in enumerate(record.pairs)]
    labels += [(f"facts/{at}", fact.fields[1]) for at, fact in enumerate(record.facts)]
    for where, label in labels:
        if task.item_labels is not None and label not in task.item_labels:
            yield Problem("unknown item label", where, f"{label} is no label of {task.name}")


def _shape(record: Record, task: Task) -> Iterator[Problem]:
    wrong, kind = (record.facts, "facts") if task.shape == "pairs" else (record.pairs, "pairs")
    if wrong:
        yield Problem("wrong shape", f"{kind}/0", f"{task.name} takes {task.shape}, not {kind}")


def _not_in_text(record: Record, task: Task) -> Iterator[Problem]:
    del task
    for at, pair in enumerate(record.pairs):
        if pair.start is None and pair.entity not in record.text:
            yield Problem("not in the text", f"pairs/{at}", f"{pair.entity} is not in the text")
    for at, fact in enumerate(record.facts):
        for value in (fact.fields[0], *fact.fields[2:]):
            if value not in record.text:
                reason = f"{value} is not in the text"
                yield Problem("field not in the text", f"facts/{at}", reason, grave=False)


def _twice(record: Record, task: Task) -> Iterator[Problem]:
    del task
    seen: set[object] = set()
    for at, pair in enumerate(record.pairs):
        if pair in seen:
            yield Problem("twice", f"pairs/{at}", f"{pair.entity} is marked twice as {pair.label}")
        seen.add(pair)


#: What is asked of a record, by name.
CHECKS: Mapping[str, Callable[[Record, Task], Iterator[Problem]]] = {
    "no text": _no_text,
    "label": _label,
    "item label": _item_label,
    "shape": _shape,
    "not in the text": _not_in_text,
    "twice": _twice,
}


def problems(record: Record, task: Task) -> list[Problem]:
    """Return what is wrong with a record.

    >>> from pointline.format import tasks
    >>> [p.reason for p in problems(Record("1", "scnm-ja", "雪", "天気"), tasks.task("scnm-ja"))]
    ['天気 is no label of scnm-ja']
    """
    return [problem for check in CHECKS.values() for problem in check(record, task)]
