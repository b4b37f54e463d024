"""CrossRE and Multi-CrossRE: six domains, 39 entity types, 17 relations; en, ja, zh in parallel.

`crossre_data/DOMAIN-SPLIT.json` holds one sentence a line, spans as inclusive token indices:

    {"doc_key": "music-dev-7", "sentence": ["Ada", "Lark", "sang", "in", "Turin", "."],
     "ner": [[0, 1, "musicalartist"], [4, 4, "location"]],
     "relations": [[0, 1, 4, 4, "physical", "", false, false]]}

`multi-crossre_data/translation/{japanese,chinese}/` holds the same rows in machine translation,
with `sentence-detokenized`, `token2charspan` ([start, end) of each token in it) and
`ner_mapping_to_source` (for each span, which of the English spans it was projected from).

English is detokenised. Rows whose English holds remains of wiki markup are dropped in every
language. Projected spans are mended (`projection`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pointline.corpus.detokenise import detokenise
from pointline.corpus.sources.projection import DROPPED, Mended, Projected, Span, mend
from pointline.corpus.sources.source import Harvest, Source, Sourced, json_lines, shaped
from pointline.errors import CorpusError
from pointline.format.record import Fact, Pair, Record

__all__ = ["DOMAINS", "SOURCE", "read"]

DOMAINS = ("news", "politics", "science", "music", "literature", "ai")

_SPLITS = ("train", "dev", "test")
_FOLDERS: Mapping[str, str] = {
    "en": "crossre_data",
    "ja": "multi-crossre_data/translation/japanese",
    "zh": "multi-crossre_data/translation/chinese",
}
_TITLES = frozenset(("album", "book", "magazine", "poem", "song"))
_MARKUP = frozenset(("\\", "{", "}", "^", "_", "|", "cite", "infobox", "nbsp", "amp", "ndash"))
_TAGS = re.compile(r"(sub|sup|math|ref|br|small|code\w*)$")

_Row = Mapping[str, Any]
_Spans = dict[tuple[int, int], Pair | None]


def read(folder: Path, lang: str) -> Harvest:
    """Return the rows of one language as records: entities as pairs, relations as facts.

    `meta` gives for each pair the mention in the English row (`source_mentions`), and says what of
    the English row's annotation did not survive (`lost_types`, `lost_relations`).
    """
    counts: Counter[str] = Counter()
    records = []
    for domain in DOMAINS:
        for split in _SPLITS:
            name = f"{domain}-{split}.json"
            for place, row, source in _rows(folder, name, lang):
                with shaped(place):
                    counts["records read"] += 1
                    if _holds_markup(source["sentence"]):
                        counts["records dropped: wiki markup in the English text"] += 1
                        continue
                    records.append(Sourced(_record(row, source, lang, counts), row["doc_key"]))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _rows(folder: Path, name: str, lang: str) -> Iterator[tuple[str, _Row, _Row]]:
    """Yield the rows of a file, each with its place before it and its English row behind it."""
    path = folder / _FOLDERS[lang] / name
    english = _by_key(folder / _FOLDERS["en"] / name)
    rows = english if lang == "en" else _by_key(path)
    if [key for key, *_ in rows] != [key for key, *_ in english]:
        raise CorpusError(f"{path}: not the rows of the English")
    for (_, place, row), (_, _, source) in zip(rows, english, strict=True):
        yield place, row, source


def _by_key(path: Path) -> Sequence[tuple[str, str, _Row]]:
    """Return the key, the place and the values of every row."""
    rows = []
    for place, row in json_lines(path):
        with shaped(place):
            rows.append((row["doc_key"], place, row))
    return rows


def _holds_markup(tokens: Sequence[str]) -> bool:
    """Say whether tokens show remains of markup: LaTeX, tags cut open, references, entities."""
    if any(token in _MARKUP or token.startswith((".ref", "{{", "!--")) for token in tokens):
        return True
    pairs = list(pairwise(tokens))
    return ("!", "--") in pairs or any(
        (a in ("/", "ref") and _TAGS.match(b)) or (a == "ref" and b in ("name", "group"))
        for a, b in pairs
    )


def _record(row: _Row, source: _Row, lang: str, counts: Counter[str]) -> Record:
    joined = detokenise(source["sentence"])
    english = [joined.text[joined.spans[s][0] : joined.spans[e][1]] for s, e, _ in source["ner"]]
    if lang == "en":
        text, tokens, origin = joined.text, joined.spans, list(range(len(english)))
    else:
        text = row["sentence-detokenized"]
        tokens = tuple((start, end) for start, end in row["token2charspan"])
        origin = row["ner_mapping_to_source"]
    spans: _Spans = {}
    came_from: dict[Pair, int] = {}
    for (first, last, label), at in zip(row["ner"], origin, strict=True):
        pair = _pair(Span(text, tokens, first, last), label, english[at], lang, counts)
        spans[first, last] = spans.get((first, last)) or pair
        if pair in came_from:
            counts["mentions dropped: the same span and type twice"] += 1
        elif pair:
            came_from[pair] = at
    pairs = sorted(came_from, key=lambda pair: (pair.start, pair.end))
    facts = _facts(row["relations"], spans, counts)
    counts["mentions kept"] += len(pairs)
    counts["relations kept"] += len(facts)
    lost = set(range(len(english))) - set(origin if lang == "en" else came_from.values())
    return Record(
        id=row["doc_key"],
        task="crossre",
        text=text,
        label=row["doc_key"].split("-")[0],
        pairs=tuple(pairs),
        facts=facts,
        meta={
            "source_mentions": tuple(english[came_from[pair]] for pair in pairs),
            "lost_types": tuple(sorted({source["ner"][at][2] for at in lost})),
            "lost_relations": len({tuple(r[:5]) for r in source["relations"]})
            - len({tuple(r[:5]) for r in row["relations"]})
            + sum(1 for r in row["relations"] if None in _ends(r, spans)),
        },
    )


def _pair(span: Span, label: str, source: str, lang: str, counts: Counter[str]) -> Pair | None:
    counts["mentions read"] += 1
    if lang == "en":
        mended = _within_words(span)
    else:
        projected: Projected = "ja" if lang == "ja" else "zh"
        mended = mend(span, lang=projected, source=source, title=label in _TITLES)
    for rule in mended.rules:
        counts[f"mentions {'changed' if mended.place else 'dropped'}: {rule}"] += 1
    if mended.place is None:
        return None
    start, end = mended.place
    return Pair(label, span.text[start:end], start, end)


def _within_words(span: Span) -> Mended:
    """Take in a plural `s` that the corpus cut off its word; drop a lone quotation mark."""
    start, end = span.start, span.end
    if not any(char.isalnum() for char in span.text[start:end]):
        return Mended(None, (DROPPED[0],))
    if (end, end + 1) in span.tokens and span.text[end] == "s":
        return Mended((start, end + 1), ("a plural s taken in",))
    return Mended((start, end))


def _ends(relation: Sequence[Any], spans: _Spans) -> tuple[Pair | None, Pair | None]:
    head_first, head_last, tail_first, tail_last = relation[:4]
    return spans.get((head_first, head_last)), spans.get((tail_first, tail_last))


def _facts(relations: Sequence[Any], spans: _Spans, counts: Counter[str]) -> tuple[Fact, ...]:
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for relation in relations:
        counts["relations read"] += 1
        head, tail = _ends(relation, spans)
        if head is None or tail is None:
            counts["relations dropped: one of its mentions was dropped"] += 1
            continue
        fields = (head.entity, relation[4], tail.entity)
        if fields in found:
            counts["relations dropped: the same three strings twice"] += 1
            continue
        found[fields] = (head.start or 0, tail.start or 0)
    return tuple(Fact(fields) for fields in sorted(found, key=lambda fields: found[fields]))


SOURCE = Source(
    name="crossre",
    folder="crossre",
    files=tuple(f"{folder}/*-*.json" for folder in _FOLDERS.values()),
    licence="GPL-3.0",
    origins={
        "en": ("human", "human", "human"),
        "ja": ("machine-translated", "human", "machine-translated"),
        "zh": ("machine-translated", "human", "machine-translated"),
    },
    read=read,
    parallel=True,
)
