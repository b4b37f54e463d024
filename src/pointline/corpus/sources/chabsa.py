"""chABSA: sentences of Japanese financial reports with opinion targets and their polarity.

`data/chABSA/*_ann.json` hold one company's report each:

    {"header": {"document_id": "E90001", "category33": "電気機器"},
     "sentences": [{"sentence_id": 0, "sentence": "売上は伸びた",
                    "opinions": [{"target": "売上", "category": "OOD#sales",
                                  "polarity": "positive", "from": 0, "to": 2}]}]}

The sentence's polarity is the one on which its opinions agree (`polarity.agreement`).
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pointline.corpus.sources.polarity import agreement
from pointline.corpus.sources.source import Harvest, Source, Sourced, files_of, shaped, text_of
from pointline.format.record import Pair, Record

__all__ = ["SOURCE", "read"]

_FILES = "data/chABSA/*_ann.json"


def read(folder: Path, lang: str) -> Harvest:
    """Return the sentences that hold an opinion as records; a report is a document."""
    del lang
    files = files_of(folder, _FILES)
    counts: Counter[str] = Counter()
    records: list[Sourced] = []
    for path in files:
        with shaped(path):
            records += _report(path, counts)
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _report(path: Path, counts: Counter[str]) -> Iterator[Sourced]:
    report = json.loads(text_of(path))
    for number, sentence in enumerate(report["sentences"]):
        with shaped(f"{path}: sentences[{number}]"):
            counts["records read"] += 1
            id = f"{report['header']['document_id']}-{sentence['sentence_id']}"
            if not sentence["opinions"]:
                counts["records dropped: no opinion"] += 1
                continue
            record = _record(sentence, id, counts)
        yield Sourced(record, path.stem)


def _record(sentence: Mapping[str, Any], id: str, counts: Counter[str]) -> Record:
    opinions: Sequence[Mapping[str, Any]] = sentence["opinions"]
    text = sentence["sentence"]
    wrapped = [at for at, char in enumerate(text) if char == "\n"]
    if wrapped:
        counts["records changed: line breaks inside the sentence taken out"] += 1
    pairs: dict[tuple[int, int], Pair] = {}
    disputed: set[tuple[int, int]] = set()
    for opinion in opinions:
        counts["mentions read"] += 1
        start, end = (at - bisect_left(wrapped, at) for at in (opinion["from"], opinion["to"]))
        place = (start, end)
        pair = Pair(opinion["polarity"], opinion["target"].replace("\n", ""), start, end)
        before = pairs.setdefault(place, pair)
        if before is not pair:
            counts["mentions dropped: the same target twice"] += 1
        if before != pair:
            disputed.add(place)
    for place in disputed:
        del pairs[place]
        counts["mentions dropped: one target with two polarities"] += 1
    counts["mentions kept"] += len(pairs)
    label = agreement(opinion["polarity"] for opinion in opinions)
    ordered = tuple(pairs[place] for place in sorted(pairs))
    return Record(id, "chabsa", text.replace("\n", ""), label, ordered)


SOURCE = Source(
    name="chabsa",
    folder="chabsa",
    files=(_FILES,),
    licence="MIT (the original repository's; its data has no separate terms)",
    origins={"ja": ("human", "derived", "human")},
    read=read,
)
