"""Label lists: which labels a training prompt shows, so that a model learns to keep to any list.

A list that is always the same teaches nothing: the model knows its labels anyway. So the lists are
drawn anew for each record: some of the labels that are in it, some of its dataset's that are not,
in any order; what the list does not name is no longer asked for, and leaves the completion.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["Inventory", "drawn", "inventory", "item_label", "labels_of"]

_OPEN = 0.15  # of the prompts leave one of both levels open, as a caller may
_WHOLE = 0.7  # of the item lists name every label that is in the record
_OTHERS = 8  # labels at most that are not in the record


@dataclass(frozen=True, slots=True)
class Inventory:
    """The labels of both levels that a dataset knows."""

    labels: tuple[str, ...]
    item_labels: tuple[str, ...]


def inventory(records: Iterable[Record], task: Task) -> Inventory:
    """Return the task's label sets; of a level that is open, what the records hold.

    >>> from pointline.format.tasks import adhoc
    >>> inventory([Record("1", "adhoc", "Hi.", "small talk")], adhoc(entities=["name"]))
    Inventory(labels=('small talk',), item_labels=('name',))
    """
    labels: set[str] = set()
    item_labels: set[str] = set()
    if task.labels is None or task.item_labels is None:
        for record in records:
            labels.add(record.label)
            item_labels.update(map(item_label, record.items))
    return Inventory(
        task.labels or tuple(sorted(labels - {""})), task.item_labels or tuple(sorted(item_labels))
    )


def item_label(item: Sequence[str]) -> str:
    """Return what a label list calls an item: a pair's label, a fact's relation.

    >>> item_label(("people", "Ada")), item_label(("Ada", "wrote to", "Babbage"))
    ('people', 'wrote to')
    """
    return item[0] if len(item) == 2 else item[1]


def labels_of(record: Record) -> frozenset[str]:
    """Return every label of a record, of both levels."""
    return frozenset((record.label, *map(item_label, record.items)))


def drawn(record: Record, task: Task, known: Inventory, rng: random.Random) -> tuple[Record, Task]:
    """Return the record as it is under lists drawn for it, and the task with these lists.

    The text's label is always listed. Of the items, those stay whose label is.
    """
    in_items = {item_label(item) for item in record.items}
    chosen = sorted(in_items)
    if len(chosen) > 1 and rng.random() >= _WHOLE:
        chosen = rng.sample(chosen, rng.randint(1, len(chosen) - 1))
    named = [record.label] if record.label else []
    labels = _list(named, known.labels, rng) or None
    others = [label for label in known.item_labels if label not in in_items]
    items = _list(chosen, others, rng) or None
    if labels and items and rng.random() < _OPEN:
        labels, items = rng.choice(((labels, None), (None, items)))
    asked = replace(task, labels=labels, item_labels=items)
    return (record if items is None else _kept(record, items)), asked


def _list(named: Sequence[str], known: Sequence[str], rng: random.Random) -> tuple[str, ...]:
    """Return the named labels among some others, in any order; others alone where none is named."""
    others = [label for label in known if label not in named]
    least = min(len(others), 0 if named else 1)
    listed = [*named, *rng.sample(others, rng.randint(least, min(_OTHERS, len(others))))]
    rng.shuffle(listed)
    return tuple(listed)


def _kept(record: Record, listed: tuple[str, ...]) -> Record:
    pairs = tuple(pair for pair in record.pairs if pair.label in listed)
    facts = tuple(fact for fact in record.facts if item_label(fact.fields) in listed)
    return replace(record, pairs=pairs, facts=facts)
