"""The corpora that a build needs: each read once, without duplicates, its documents placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pointline.corpus.sources import Source, Sourced
from pointline.corpus.split import position
from pointline.corpus.twins import groups, key

__all__ = ["Progress", "Settings", "Shelf", "Steps", "Stock"]


class Progress(Protocol):
    """Is told how far the work is: done of total, and what is done now."""

    def __call__(self, done: int, total: int, stage: str, /) -> object:
        """Take notice that `done` of `total` steps are done."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the bytes of a dataset depend on, beside the code."""

    raw: Path
    seed: int
    train: int | None


@dataclass(slots=True)
class Steps:
    """Counts the steps done: a language of a corpus read, a dataset written."""

    total: int
    progress: Progress | None
    done: int = 0

    def step(self, stage: str) -> None:
        """Count one step and tell of it."""
        self.done += 1
        if self.progress:
            self.progress(self.done, self.total, stage)


@dataclass(frozen=True, slots=True)
class Stock:
    """One language of a corpus without duplicates, and where each document stands."""

    records: tuple[Sourced, ...]
    counts: Counter[str]
    positions: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The corpora read so far."""

    settings: Settings
    steps: Steps
    stocks: dict[tuple[str, str], Stock]

    def stock(self, source: Source, lang: str) -> Stock:
        """Return one language of a corpus; a parallel corpus is read in all its languages."""
        if (source.name, lang) not in self.stocks:
            for each, stock in _stocks(source, lang, self.settings, self.steps).items():
                self.stocks[source.name, each] = stock
        return self.stocks[source.name, lang]


def _stocks(source: Source, lang: str, settings: Settings, steps: Steps) -> dict[str, Stock]:
    langs: Sequence[str] = tuple(source.origins) if source.parallel else (lang,)
    harvests, folded = {}, {}
    for each in langs:
        harvests[each] = source.harvest(settings.raw, each)
        folded[each] = [key(sourced.record.text) for sourced in harvests[each].records]
        steps.step(f"{source.name} {each}")
    documents = {
        each: [sourced.document for sourced in harvest.records]
        for each, harvest in harvests.items()
    }
    first = _first_keys(langs, documents, folded) if source.parallel else {}
    stocks = {}
    elsewhere: set[str] = set()
    for each, harvest in harvests.items():
        counts = Counter(harvest.counts)
        records = _unique(harvest.records, folded[each], elsewhere, counts)
        elsewhere |= set(folded[each])
        positions = {
            key: position(settings.seed, source.name, first.get(key, key))
            for key in documents[each]
        }
        stocks[each] = Stock(records, counts, positions)
    return stocks


def _first_keys(
    langs: Sequence[str],
    documents: Mapping[str, Sequence[str]],
    folded: Mapping[str, Sequence[str]],
) -> dict[str, str]:
    return groups(
        pair for each in langs for pair in zip(documents[each], folded[each], strict=True)
    )


def _unique(
    records: Sequence[Sourced], folded: Sequence[str], elsewhere: set[str], counts: Counter[str]
) -> tuple[Sourced, ...]:
    """Return the records whose text is new; `elsewhere` are the texts of languages before."""
    seen: set[str] = set()
    kept = []
    for sourced, text in zip(records, folded, strict=True):
        if not text:
            counts["records dropped: nothing but punctuation"] += 1
        elif text in elsewhere:
            counts["records dropped: left untranslated"] += 1
        elif text in seen:
            counts["records dropped: the same text twice"] += 1
        else:
            kept.append(sourced)
        seen.add(text)
    counts["records kept"] = len(kept)
    return tuple(kept)
