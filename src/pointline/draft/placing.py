"""Where the entities of a record are in its translation, and by which step each was found.

A field of a fact that does not stand in the source text (a role, a normalised date) is translated
with the others and needs to stand nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from pointline.draft.crosslingual import Encoder, meet
from pointline.draft.draft import Mention
from pointline.draft.reading import Reading
from pointline.draft.repair import Located, Step, locate
from pointline.format.record import Record
from pointline.format.text import fold

__all__ = ["Finder", "asked_for", "mentions", "missing"]

#: What finds wanted strings in a text, each or None: `repair.locate`, or one with a model.
Finder = Callable[[str, Sequence[str]], Sequence[Located | None]]

_SURE = (Step.VERBATIM, Step.NORMALISED)
_exactly = partial(locate, threshold=None)


def asked_for(record: Record) -> tuple[str, ...]:
    """Return the strings that are asked for beside the text, each once, in the record's order.

    >>> from pointline.format.record import Fact
    >>> facts = Fact(("甲", "主演", "乙")), Fact(("甲", "役", "丙"))
    >>> asked_for(Record("1", "", "甲は乙", facts=facts))
    ('甲', '乙', '丙')
    """
    return tuple(dict.fromkeys(source for source, _ in _sources(record)))


def missing(record: Record, reading: Reading) -> tuple[str, ...]:
    """Return the entities, each once, that are to be asked for once more.

    They are neither verbatim nor normalised in the translation, or the model gave nothing for them.
    """
    lost = (
        one.source
        for one in mentions(record, reading, {}, steps=_SURE, finder=_exactly)
        if one.located is None and (one.needed or not one.wanted)
    )
    return tuple(dict.fromkeys(lost))


def mentions(
    record: Record,
    reading: Reading,
    asked: Mapping[str, str],
    *,
    steps: Sequence[Step],
    finder: Finder = locate,
    encoder: Encoder | None = None,
) -> tuple[Mention, ...]:
    """Return where a translation has the entity of each pair, then each field of the facts once.

    None is located by a step that is not among `steps`. `asked` is what the model answered for
    those that it was asked for once more. `encoder` finds by meaning what is left in the end.
    """
    sources = _sources(record)
    given = [reading.entities.get(source) or _same(source) for source, _ in sources]
    again = [_part(record, reading, source, asked.get(source, "")) for source, _ in sources]
    first, second = (_found(reading.text, wanted, finder) for wanted in (given, again))
    found = []
    for (source, needed), one, other, *located in zip(
        sources, given, again, first, second, strict=True
    ):
        best = _better(*located)
        allowed = best if best is not None and best.step in steps else None
        found.append(Mention(source, one or other, allowed, needed))
    return tuple(found) if encoder is None else _met(record, reading.text, found, encoder)


def _met(
    record: Record, text: str, found: Sequence[Mention], encoder: Encoder
) -> tuple[Mention, ...]:
    """Return the mentions, those that are lost found by meaning, at places of no other."""
    lost = [at for at, one in enumerate(found) if one.needed and one.located is None]
    met = meet(record.text, [_span(record, at, found[at].source) for at in lost], text, encoder)
    placed = [one.located for one in found if one.located]
    free = {
        at: one
        for at, one in zip(lost, met, strict=True)
        if one and all(one.end <= other.start or other.end <= one.start for other in placed)
    }
    return tuple(
        replace(one, located=free[at]) if at in free else one for at, one in enumerate(found)
    )


def _span(record: Record, at: int, source: str) -> tuple[int, int]:
    """Return where the mention of that number is in the source text."""
    start = record.pairs[at].start if at < len(record.pairs) else None
    start = record.text.find(source) if start is None else start
    return start, start + len(source)


def _better(first: Located | None, second: Located | None) -> Located | None:
    if first is not None and first.step in _SURE:
        return first
    if second is not None and second.step in _SURE:
        return replace(second, step=Step.ASKED)
    return first or second


def _part(record: Record, reading: Reading, source: str, said: str) -> str:
    """Return what a model said of a missing entity, "" for a whole text of which it was a part.

    A model that finds nothing is quick to copy all that it sees.
    """
    is_all = fold(said).text == fold(reading.text).text
    return "" if is_all and 2 * len(source) < len(record.text) else said


def _same(source: str) -> str:
    """Return a string that is its own translation, for it has no letter: a number, a date."""
    return "" if any(char.isalpha() for char in source) else source


def _found(text: str, wanted: Sequence[str], finder: Finder) -> list[Located | None]:
    """Return where each string is; an empty one is nowhere."""
    found = iter(finder(text, [one for one in wanted if one]))
    return [next(found) if one else None for one in wanted]


def _sources(record: Record) -> list[tuple[str, bool]]:
    """Return what is to be found, and whether it has to be: pairs in order, each field once."""
    fields = dict.fromkeys(
        field for fact in record.facts for at, field in enumerate(fact.fields) if at != 1
    )
    pairs = [(pair.entity, True) for pair in record.pairs]
    return pairs + [(field, field in record.text) for field in fields]
