"""A draft: a translated text with its labels, and where each entity of the source is in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pointline.draft.repair import Located
from pointline.errors import RecordError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import Task

__all__ = ["Draft", "Mention"]


@dataclass(frozen=True, slots=True)
class Mention:
    """An entity of the source, what the model gave for it, and where that is in the translation.

    `needed` is False for a field of a fact that does not stand in the source text: it is
    translated like the others, and stands nowhere.
    """

    source: str
    wanted: str = ""
    located: Located | None = None
    needed: bool = True

    @property
    def entity(self) -> str:
        """The string that takes the source's place; "" where there is none."""
        if self.located is not None:
            return self.located.entity
        return "" if self.needed else self.wanted.strip()


@dataclass(frozen=True, slots=True)
class Draft:
    """What became of one record: everything that the filters look at.

    `task` is the translation's, `lang` the source's language. `item_labels` are the translated
    labels in the order of `source.items`. `mentions` are one for each pair, in their order, then
    one for each field of the facts but the label's, each string once. `answer` is what the model
    wrote, as it wrote it.
    """

    source: Record
    task: Task
    lang: str
    text: str
    label: str = ""
    item_labels: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    answer: str = ""

    def record(self, meta: dict[str, Any] | None = None) -> Record | None:
        """Return the translated record, None where an item of the source has no counterpart.

        >>> from pointline.format.tasks import task
        >>> ada = Mention("Ada", "エイダ", Located("エイダ", 0, 3))
        >>> source = Record("1", "scnm-en", "Ada left.", "Society", (Pair("people", "Ada", 0, 3),))
        >>> Draft(
        ...     source, task("scnm-ja"), "en", "エイダは去った。", "社会", ("人名",), (ada,)
        ... ).record().pairs
        (Pair(label='人名', entity='エイダ', start=0, end=3, ambiguous=False),)
        """
        items = len(self.source.items)
        if len(self.item_labels) != items or len(self.mentions) < len(self.source.pairs):
            return None
        try:
            pairs, facts = self._pairs(), self._facts()
            values = meta if meta is not None else dict(self.source.meta)
            return Record(
                self.source.id, self.task.name, self.text, self.label, pairs, facts, values
            )
        except RecordError:  # an empty entity or label, or half a surrogate: no such record
            return None

    def _pairs(self) -> tuple[Pair, ...]:
        pairs: list[Pair] = []
        for label, mention in zip(self.item_labels, self.mentions, strict=False):
            if len(pairs) == len(self.source.pairs):
                break
            at = mention.located
            place = (at.start, at.end) if at is not None else (None, None)
            pairs.append(Pair(label, mention.entity, *place))
        return tuple(dict.fromkeys(pairs))

    def _facts(self) -> tuple[Fact, ...]:
        first = len(self.source.pairs)
        told = {mention.source: mention.entity for mention in self.mentions[first:]}
        facts = []
        for label, fact in zip(self.item_labels[first:], self.source.facts, strict=True):
            fields = [told.get(field, "") for field in fact.fields]
            fields[1] = label
            facts.append(Fact(tuple(fields)))
        return tuple(dict.fromkeys(facts))
