"""The corpora of a build: each read once, without duplicates, its documents placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pointline.corpus.sources import Source, Sourced
from pointline.corpus.split import position
from pointline.corpus.twins import groups, key

__all__ = ["Shelved", "Stock", "item_count", "stocks"]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A record of a corpus, the key of its text, and where its document stands in [0, 1).

    `unit` names the records that are dropped together: a row and its translations.
    """

    sourced: Sourced
    key: str
    unit: str
    position: float


@dataclass(frozen=True, slots=True)
class Stock:
    """One language of a corpus, and how often each rule held on the way here."""

    rows: tuple[Shelved, ...]
    counts: Counter[str]

    def without(self, rules: Iterable[str | None]) -> Stock:
        """Return the stock without the rows for which there is a rule, counted under its name."""
        counts, rows = Counter(self.counts), []
        for row, rule in zip(self.rows, rules, strict=True):
            if rule is None:
                rows.append(row)
                continue
            items = item_count(row)
            counts.update({f"records dropped: {rule}": 1, "records kept": -1})
            counts.update({"items dropped: with their record": items, "items kept": -items})
        return replace(self, rows=tuple(rows), counts=counts)


def item_count(row: Shelved) -> int:
    """Return how many pairs and facts a record of a corpus has."""
    return len(row.sourced.record.pairs) + len(row.sourced.record.facts)


def stocks(source: Source, raw: Path, seed: int) -> dict[str, Stock]:
    """Return the languages of a corpus, each without its duplicates.

    Raises CorpusError where the corpus is not there, or not of its shape.
    """
    harvests = {lang: source.harvest(raw, lang) for lang in source.origins}
    keys = {
        lang: [key(sourced.record.text) for sourced in harvest.records]
        for lang, harvest in harvests.items()
    }
    documents = {
        lang: [sourced.document for sourced in harvest.records]
        for lang, harvest in harvests.items()
    }
    tied = _tied(documents, keys) if source.parallel else {}
    made: dict[str, Stock] = {}
    elsewhere: set[str] = set()
    for lang, harvest in harvests.items():
        rows = tuple(
            Shelved(
                sourced,
                text,
                unit=tied.get(sourced.document, f"{lang} {at}"),
                position=position(seed, source.name, tied.get(sourced.document, sourced.document)),
            )
            for at, (sourced, text) in enumerate(zip(harvest.records, keys[lang], strict=True))
        )
        items = sum(map(item_count, rows))
        counts = harvest.counts + Counter({"items read": items, "items kept": items})
        made[lang] = Stock(rows, counts).without(_repeated(keys[lang], elsewhere))
        if source.parallel:
            elsewhere |= set(keys[lang])
    return made


def _tied(
    documents: Mapping[str, Sequence[str]], keys: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Return for each document of a parallel corpus the first of those it shares a text with."""
    return groups(
        pair for lang in documents for pair in zip(documents[lang], keys[lang], strict=True)
    )


def _repeated(keys: Sequence[str], elsewhere: set[str]) -> Iterable[str | None]:
    """Yield why a text is none or not new; `elsewhere` are the texts of languages before."""
    seen: set[str] = set()
    for text in keys:
        if not text:
            yield "nothing but punctuation"
        elif text in elsewhere:
            yield "left untranslated"
        elif text in seen:
            yield "the same text twice"
        else:
            yield None
        seen.add(text)
