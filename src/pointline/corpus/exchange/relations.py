"""Facts as arcs between mentions: for formats whose relations join two annotated spans.

A fact (head, relation, tail) becomes an arc from a mention of the head to one of the tail: that of
the first pair with this entity, else a mention of its own where the text has the string first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pointline.format.record import Fact, Pair, Record

__all__ = ["FIELD", "Arc", "Web", "facts_of", "web"]

#: The label of a mention that is only the end of a fact, and no pair.
FIELD = "Fact_field"


@dataclass(frozen=True, slots=True)
class Arc:
    """A relation from one mention to another, both by their number."""

    head: int
    relation: str
    tail: int


@dataclass(frozen=True, slots=True)
class Web:
    """The mentions of a record, first those of its pairs, and the arcs that are its facts."""

    mentions: tuple[Pair, ...]
    arcs: tuple[Arc, ...]
    pairs: int

    def is_pair(self, number: int) -> bool:
        """Say whether a mention is that of a pair."""
        return number < self.pairs


def web(record: Record) -> Web:
    """Return the mentions and arcs of a record whose facts are relations of mentions in its text.

    >>> found = web(Record("1", "", "Ada wrote to Bo.", facts=(Fact(("Ada", "wrote to", "Bo")),)))
    >>> [mention.start for mention in found.mentions], found.arcs
    ([0, 13], (Arc(head=0, relation='wrote to', tail=1),))
    """
    mentions = list(record.pairs)
    numbers: dict[str, int] = {}
    for number, pair in enumerate(mentions):
        numbers.setdefault(pair.entity, number)
    arcs = []
    for head, relation, tail in (fact.fields for fact in record.facts):
        for entity in (head, tail):
            if entity not in numbers:
                numbers[entity] = len(mentions)
                start = record.text.index(entity)
                mentions.append(Pair(FIELD, entity, start, start + len(entity)))
        arcs.append(Arc(numbers[head], relation, numbers[tail]))
    return Web(tuple(mentions), tuple(arcs), len(record.pairs))


def facts_of(entities: Sequence[str], arcs: Iterable[Arc]) -> tuple[Fact, ...]:
    """Return the arcs as facts; `entities` are the strings of the mentions, by number."""
    return tuple(Fact((entities[a.head], a.relation, entities[a.tail])) for a in arcs)
