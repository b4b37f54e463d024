"""Zhejiang Lab Cup 2019: Chinese reviews of cosmetics with opinion words and their polarity.

`TRAIN/Train_reviews.csv` and `TRAIN/Train_labels.csv` are joined by `id`; a review has several
rows of labels, `_` stands for a term that the review leaves out:

    id,Reviews                        id,AspectTerms,A_start,A_end,OpinionTerms,O_start,O_end,…
    7,味道淡淡的，不错                  7,味道,0,2,淡淡的,2,5,气味,正面

The review's polarity is the one on which its rows agree (`polarity.agreement`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from pointline.corpus.sources.polarity import agreement
from pointline.corpus.sources.source import Harvest, Source, Sourced, csv_rows, shaped
from pointline.format.record import Pair, Record

__all__ = ["SOURCE", "read"]

_FILES = ("TRAIN/Train_reviews.csv", "TRAIN/Train_labels.csv")
_POLARITY = {"正面": "positive", "中性": "neutral", "负面": "negative"}

_Row = Mapping[str, str]


def read(folder: Path, lang: str) -> Harvest:
    """Return the labelled reviews as records; each is a document of its own."""
    del lang
    reviews, rows = (list(csv_rows(folder / file)) for file in _FILES)
    labels: dict[str, list[tuple[str, _Row]]] = defaultdict(list)
    for place, row in rows:
        with shaped(place):
            labels[row["id"]].append((place, row))
    counts: Counter[str] = Counter({"records read": len(reviews)})
    records = []
    for place, review in reviews:
        with shaped(place):
            id, text = review["id"], review["Reviews"]
            if not labels[id]:
                counts["records dropped: no labels"] += 1
                continue
            records.append(Sourced(_record(id, text, labels[id], counts), f"train-{id}"))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _record(id: str, text: str, rows: Sequence[tuple[str, _Row]], counts: Counter[str]) -> Record:
    pairs: dict[Pair, None] = {}
    polarities = []
    for place, row in rows:
        counts["mentions read"] += 1
        with shaped(place):
            polarities.append(_POLARITY[row["Polarities"]])
            if row["OpinionTerms"] == "_":
                counts["mentions dropped: the row names no opinion word"] += 1
                continue
            start, end = int(row["O_start"]), int(row["O_end"])
            pair = Pair(polarities[-1], row["OpinionTerms"], start, end)
        if pair in pairs:
            counts["mentions dropped: the same word for another aspect"] += 1
        pairs[pair] = None
    counts["mentions kept"] += len(pairs)
    label = agreement(polarities)
    ordered = sorted(pairs, key=lambda pair: (pair.start, pair.end))
    return Record(f"train-{id}", "zhijiang-opinion", text, label, tuple(ordered))


SOURCE = Source(
    name="zhijiang-opinion",
    folder="zhijiang-opinion",
    files=_FILES,
    licence="none stated; research use",
    origins={"zh": ("human", "derived", "human")},
    read=read,
)
