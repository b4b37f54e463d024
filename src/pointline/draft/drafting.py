"""From a row of the ledger to a translated record, the rules that drop it, and what was mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pointline.draft.crosslingual import Encoder
from pointline.draft.draft import Draft, Mention
from pointline.draft.filters import FILTERS
from pointline.draft.ledger import Row
from pointline.draft.placing import Finder, asked_for, mentions
from pointline.draft.reading import Reading, read, strings
from pointline.draft.repair import Step, locate
from pointline.draft.vocabulary import Glossary, Level, item_labels, translated, unknown
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import Lang, Task
from pointline.model.chat.answers import is_refusal

__all__ = ["DUPLICATED", "MISSING", "REFUSED", "UNREADABLE", "Made", "Maker"]

#: The rules for answers that hold no translation, in force whatever the filters are.
REFUSED, UNREADABLE = "refusal", "unreadable"
#: The rule for a text that was kept before: the run knows what was, a filter does not.
DUPLICATED = "duplicated"
#: What stands for the step of a mention that none found.
MISSING = "missing"

_SHOWN = 200  # characters of an answer in a reason


@dataclass(frozen=True, slots=True)
class Made:
    """A translated record, why it is not kept, its mentions by step, and what was mended.

    `reasons` has the reason of every rule that fired; where one did, the record is the best that
    there is: an entity may stand nowhere.
    """

    record: Record
    reasons: Mapping[str, str] = field(default_factory=dict)
    steps: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes translated records of what a model answered, as the rules of a run say.

    `steps` are those by which an entity may be found, `glossary` has the labels that no table has,
    `encoder` the vectors by which what is left is found, if any.
    """

    task: Task
    target: Task
    model: str
    prompt: str
    filters: tuple[str, ...]
    steps: tuple[Step, ...]
    glossary: Glossary = field(default_factory=dict, hash=False)
    finder: Finder = locate
    encoder: Encoder | None = None

    @property
    def to(self) -> Lang:
        """The language that is translated into."""
        return self.target.lang  # type: ignore[return-value]  # the table's tasks have no other

    @property
    def opened(self) -> Task:
        """The source's task, open where no table translates its labels: a model has to."""
        told = self.target
        return replace(
            self.task,
            labels=None if told.labels is None else self.task.labels,
            item_labels=None if told.item_labels is None else self.task.item_labels,
        )

    def unknown(self, records: Iterable[Record]) -> tuple[tuple[Level, str], ...]:
        """Return the labels of records that neither a table nor the glossary has, each once."""
        return tuple(
            key for key in unknown(records, self.opened, self.to) if key not in self.glossary
        )

    def made(self, record: Record, row: Row) -> Made:
        """Return what is made of a row whose questions were answered."""
        body = row.body
        notes = Counter({"asked again: unreadable": 1} if body.get("again") else {})
        reading = read(body["answer"], asked_for(record), plain=body["again"])
        declined = body["refusal"] or body["finish"] == "content_filter"
        if declined or is_refusal(body["answer"]):
            return self._nothing(record, REFUSED, body, notes)
        if reading is None:
            return self._nothing(record, UNREADABLE, body, notes)
        notes += _notes(reading, body)
        draft = self._draft(record, reading, body)
        steps = Counter(_step(one) for one in draft.mentions if one.needed)
        found = draft.record({**record.meta, "draft": self._about(draft.mentions)})
        told = {name: FILTERS[name](draft) for name in self.filters if name in FILTERS}
        reasons = {name: reason for name, reason in told.items() if reason is not None}
        if found is None:
            reasons = reasons or {_why_not(draft): "no record can be made of it"}
            found = self._best(draft)
        return Made(found, reasons, steps, notes)

    def _draft(self, record: Record, reading: Reading, body: Any) -> Draft:
        lost = body.get("missing", ())
        told = strings(body.get("asked", ""), "entities") or []
        again = dict(zip(lost, told, strict=True)) if len(lost) == len(told) else {}
        label = translated(record.label, self.task, self.to) if record.label else ""
        return Draft(
            source=record,
            task=self.target,
            lang=self.task.lang,
            text=reading.text,
            label=label or self.glossary.get(("text", record.label), ""),
            item_labels=item_labels(record, self.task, self.to, self.glossary),
            mentions=mentions(
                record,
                reading,
                again,
                steps=self.steps,
                finder=self.finder,
                encoder=self.encoder,
            ),
            answer=body["answer"],
        )

    def _about(self, found: tuple[Mention, ...]) -> dict[str, Any]:
        steps = {one.entity: str(one.located.step) for one in found if one.located}
        return {"model": self.model, "prompt": self.prompt, "steps": steps, "rules": []}

    def _nothing(self, record: Record, rule: str, body: Any, notes: Counter[str]) -> Made:
        meta = {**record.meta, "draft": self._about(())}
        label = translated(record.label, self.task, self.to) or ""
        told = body["refusal"] or body["answer"] or f"no text, finish {body['finish']!r}"
        made = Record(record.id, self.target.name, "", label, meta=meta)
        return Made(made, {rule: " ".join(told.split())[:_SHOWN]}, notes=notes)

    def _best(self, draft: Draft) -> Record:
        """Return a record with the items that can be written, for people to mend."""
        source, first = draft.source, len(draft.source.pairs)
        pairs = [
            _pair(label or pair.label, mention)
            for label, pair, mention in zip(
                draft.item_labels, source.pairs, draft.mentions, strict=False
            )
            if mention.entity or mention.wanted
        ]
        told = {one.source: one.entity or one.wanted for one in draft.mentions[first:]}
        facts = []
        for label, fact in zip(draft.item_labels[first:], source.facts, strict=True):
            fields = [told.get(field) or field for field in fact.fields]
            fields[1] = label or fact.fields[1]
            facts.append(Fact(tuple(fields)))
        meta = {**source.meta, "draft": self._about(draft.mentions)}
        return Record(
            source.id, draft.task.name, draft.text, draft.label, tuple(pairs), tuple(facts), meta
        )


def _pair(label: str, mention: Mention) -> Pair:
    at = mention.located
    return Pair(label, at.entity, at.start, at.end) if at else Pair(label, mention.wanted)


def _step(mention: Mention) -> str:
    return str(mention.located.step) if mention.located else MISSING


def _why_not(draft: Draft) -> str:
    if any(one.needed and one.located is None for one in draft.mentions):
        return "entity-missing"
    return "label-outside" if "" in draft.item_labels else "unwritable"


def _notes(reading: Reading, body: Any) -> Counter[str]:
    told = {
        "mended: broken JSON, or none": reading.mended,
        "asked again: missing entities": bool(body.get("missing")),
        "entities not as they were asked for": reading.uneven,
    }
    return Counter({note: 1 for note, holds in told.items() if holds})
