"""SMP2019-ECDT, task 1: what people say to a Chinese assistant; 29 domains, 59 slot types.

`dataSet/train.json` (the only part with labels) is one list:

    [{"text": "明天去南京的火车", "domain": "train", "intent": "QUERY",
      "slots": {"startDate_date": "明天", "endLoc_city": "南京"}}]

A slot's value is a string of the text without its place; it gets one by the rule of `text.place`.
The pairs' labels are `domain.slot`, because a slot such as `name` means something else in each
domain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pointline.corpus.sources.source import Harvest, Source, Sourced, json_rows, shaped
from pointline.format.record import Pair, Record
from pointline.format.text import place

__all__ = ["SOURCE", "read"]

_FILE = "dataSet/train.json"


def read(folder: Path, lang: str) -> Harvest:
    """Return the labelled utterances as records; each is a document of its own."""
    del lang
    rows = json_rows(folder / _FILE)
    counts: Counter[str] = Counter({"records read": len(rows)})
    records = []
    for number, (at, row) in enumerate(rows):
        with shaped(at):
            if not row["text"].strip():
                counts["records dropped: no text"] += 1
                continue
            records.append(Sourced(_record(row, number, counts), f"train-{number}"))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _record(row: Mapping[str, Any], number: int, counts: Counter[str]) -> Record:
    text, domain = row["text"], row["domain"]
    slots = [(f"{domain}.{slot}", value) for slot, value in row["slots"].items()]
    pairs = []
    for (label, value), found in zip(slots, place(text, [v for _, v in slots]), strict=True):
        counts["mentions read"] += 1
        if found is None:
            counts["mentions dropped: not in the text"] += 1
            continue
        pairs.append(Pair(label, value, found.start, found.end, found.ambiguous))
    pairs.sort(key=lambda pair: (pair.start, pair.end))
    counts["mentions kept"] += len(pairs)
    return Record(f"train-{number}", "smp2019-ecdt", text, domain, tuple(pairs))


SOURCE = Source(
    name="smp2019-ecdt",
    folder="smp2019-ecdt",
    files=(_FILE,),
    licence="none stated; research use",
    origins={"zh": ("human", "human", "human")},
    read=read,
)
