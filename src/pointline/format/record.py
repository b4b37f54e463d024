"""Records: one text, its text-level label and its word-level items, as frozen values.

A value refuses nonsense at birth, so later code has no checks to repeat. Offsets are Python
code points, half-open: `text[start:end] == entity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pointline.errors import OffsetError, RecordError

__all__ = ["Fact", "Pair", "Prediction", "Record"]


@dataclass(frozen=True, slots=True)
class Pair:
    """A word-level annotation: a label and an entity, with the place of its mention if known.

    `ambiguous` marks a place that was recovered by rule while the text offered several; it is
    a remark on how the place was found and takes no part in equality.

    Raises RecordError for an empty label or entity, half a place, or an offset that is none.

    >>> Pair("人名", "紫式部", 3, 6).end
    6
    """

    label: str
    entity: str
    start: int | None = None
    end: int | None = None
    ambiguous: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        _check_string("a pair's label", self.label)
        _check_string("a pair's entity", self.entity)
        if self.start is None and self.end is None:
            return
        if self.start is None or self.end is None:
            raise OffsetError(f"a pair has both 'start' and 'end' or neither, got {self!r}")
        for offset in (self.start, self.end):
            if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
                raise OffsetError(f"a pair's offsets are whole numbers from 0, got {offset!r}")
        if self.end - self.start != len(self.entity):
            raise OffsetError(
                f"the span [{self.start}, {self.end}) does not have the length of"
                f" {self.entity!r} ({len(self.entity)} code points)"
            )


@dataclass(frozen=True, slots=True)
class Fact:
    """A word-level annotation of three or more fields, e.g. (head, relation, tail).

    Raises RecordError for fewer than three fields or an empty one.

    >>> Fact(("Ada", "wrote to", "Babbage")).fields[1]
    'wrote to'
    """

    fields: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", _tuple("a fact's fields", self.fields, str))
        if len(self.fields) < 3:
            raise RecordError(f"a fact needs three or more fields, got {self.fields!r}")
        for value in self.fields:
            _check_string("a fact's field", value)


@dataclass(frozen=True, slots=True)
class Record:
    """One text with its annotation: the text-level `label` and the items.

    An empty `label` means that the record has none (yet). `meta` holds whatever else came with
    the record. A place is checked against the text: `text[start:end]` must be the entity.

    Raises RecordError for a place that does not hold its entity, a value of the wrong type, or
    text that UTF-8 cannot carry (a lone surrogate).

    >>> r = Record("1", "scnm-en", "Ada left.", "Society", (Pair("people", "Ada", 0, 3),))
    >>> r.items
    (('people', 'Ada'),)
    """

    id: str
    task: str
    text: str
    label: str = ""
    pairs: tuple[Pair, ...] = ()
    facts: tuple[Fact, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", _tuple("'pairs'", self.pairs, Pair))
        object.__setattr__(self, "facts", _tuple("'facts'", self.facts, Fact))
        if not isinstance(self.meta, Mapping):
            raise RecordError(f"'meta' is a mapping, got {self.meta!r}")
        for name in ("id", "task", "text", "label"):
            _check_string(repr(name), getattr(self, name), empty=True)
        for pair in self.pairs:
            if pair.start is not None and self.text[pair.start : pair.end] != pair.entity:
                found = self.text[pair.start : pair.end]
                raise OffsetError(
                    f"record {self.id!r}: text[{pair.start}:{pair.end}] is {found!r},"
                    f" not the entity {pair.entity!r}"
                )

    @property
    def items(self) -> tuple[tuple[str, ...], ...]:
        """The items as tuples of strings, pairs before facts, in the order of the record."""
        pairs = tuple((pair.label, pair.entity) for pair in self.pairs)
        return pairs + tuple(fact.fields for fact in self.facts)

    def unplaced(self) -> Record:
        """Return the same record without the places of its pairs."""
        return replace(self, pairs=tuple(Pair(p.label, p.entity) for p in self.pairs))


@dataclass(frozen=True, slots=True)
class Prediction(Record):
    """A record that a system produced, with what is known of how it was produced.

    `completion` is the raw string; `repairs` the counted corrections of lenient reading; `ok` is
    False where nothing could be read; `scores` holds confidences in [0, 1]: `{"label": 0.98,
    "items": [0.91, ...]}`, the items in the order of `Record.items`.

    Raises RecordError as `Record` does, and for one of the four that is of another kind.
    """

    scores: Mapping[str, Any] = field(default_factory=dict, hash=False)
    completion: str | None = None
    repairs: tuple[str, ...] = ()
    ok: bool = True

    def __post_init__(self) -> None:
        # dataclass(slots=True) makes a new class, so the zero-argument super() would not do
        Record.__post_init__(self)
        object.__setattr__(self, "repairs", _tuple("'repairs'", self.repairs, str))
        for name, kind, is_a in (
            ("scores", Mapping, "a mapping"),
            ("completion", str | None, "a string or None"),
            ("ok", bool, "True or False"),
        ):
            if not isinstance(getattr(self, name), kind):
                raise RecordError(f"{name!r} is {is_a}, got {getattr(self, name)!r}")


def _tuple(what: str, values: object, kind: type) -> tuple[Any, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise RecordError(f"{what} are several of {kind.__name__}, got {values!r}")
    found = tuple(values)
    for value in found:
        if not isinstance(value, kind):
            raise RecordError(f"{what} are of {kind.__name__}, got {value!r}")
    return found


def _check_string(what: str, value: object, *, empty: bool = False) -> None:
    if not isinstance(value, str):
        raise RecordError(f"{what} is a string, got {type(value).__name__} {value!r}")
    if not value and not empty:
        raise RecordError(f"{what} is empty")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise RecordError(
                f"{what} holds a lone surrogate at character {error.start}, which UTF-8 cannot"
                " carry: decode the source as UTF-16 pairs, or replace the character"
            ) from None
