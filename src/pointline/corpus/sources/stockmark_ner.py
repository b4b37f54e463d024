"""Stockmark's Wikipedia sentences: Japanese with eight types of named entities, and no text label.

`ner.json` is one list:

    [{"curid": "7", "text": "灯野は港町の画家である。",
      "entities": [{"name": "灯野", "span": [0, 2], "type": "人名"}]}]

The published SCNM grew from this corpus, so its types are the word labels of `scnm-ja` as they
stand. The text label is what a person or a chat model has to give (MMM, Appendix C): the records'
label is "", and `pointline data read stockmark-ner --task scnm-ja` writes a file for `data label`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pointline.corpus.sources.source import Harvest, Source, Sourced, json_rows, shaped
from pointline.format import tasks
from pointline.format.record import Pair, Record

__all__ = ["SOURCE", "read"]

_FILE = "ner.json"
_TYPES = frozenset(tasks.task("scnm-ja").item_labels or ())


def read(folder: Path, lang: str) -> Harvest:
    """Return the sentences as records without a text label; an article is a document."""
    del lang
    rows = json_rows(folder / _FILE)
    counts: Counter[str] = Counter({"records read": len(rows)})
    records = []
    for number, (place, row) in enumerate(rows):
        with shaped(place):
            if not row["text"].strip():
                counts["records dropped: no text"] += 1
                continue
            record = _record(row, f"{row['curid']}-{number}", counts)
            records.append(Sourced(record, str(row["curid"])))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _record(row: Mapping[str, Any], id: str, counts: Counter[str]) -> Record:
    pairs: dict[Pair, None] = {}
    for entity in row["entities"]:
        counts["mentions read"] += 1
        if entity["type"] not in _TYPES:
            raise ValueError(f"no type of entity: {entity['type']!r}")
        pair = Pair(entity["type"], entity["name"], *entity["span"])
        if pair in pairs:
            counts["mentions dropped: the same span and type twice"] += 1
        pairs[pair] = None
    counts["mentions kept"] += len(pairs)
    ordered = sorted(pairs, key=lambda pair: (pair.start, pair.end))
    return Record(id, "stockmark-ner", row["text"], "", tuple(ordered))


SOURCE = Source(
    name="stockmark-ner",
    folder="stockmark-ner",
    files=(_FILE,),
    licence="CC BY-SA 3.0",
    origins={"ja": ("human", "none", "human")},
    read=read,
)
