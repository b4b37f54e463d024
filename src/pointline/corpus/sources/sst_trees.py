"""Stanford Sentiment Treebank: English film reviews with a sentiment for every word and phrase.

`trees/{train,dev,test}.txt` hold one sentence a line, as a tree whose nodes bear a class from 0
(very negative) over 2 (neutral) to 4 (very positive):

    (3 (2 (2 A) (3 (4 lovely) (2 walk))) (2 .))

The class of the root is the sentence's; a leaf of 3 or 4 is a positive word, of 0 or 1 a negative
one. The tokens are detokenised.

The copy of train.txt that is common holds the development part behind the training part; where it
does, the development part is read once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pointline.corpus.detokenise import detokenise
from pointline.corpus.sources.source import Harvest, Source, Sourced, shaped, text_of
from pointline.format.record import Pair, Record

__all__ = ["SOURCE", "read"]

_FILES = {split: f"trees/{split}.txt" for split in ("train", "dev", "test")}
_ROOT = re.compile(r"\(([0-4]) ")
_LEAF = re.compile(r"\(([0-4]) ([^()\s]+)\)")


def read(folder: Path, lang: str) -> Harvest:
    """Return the sentences as records: label positive, negative or neutral, pairs polar words."""
    del lang
    lines = {split: list(_lines(folder / file)) for split, file in _FILES.items()}
    counts: Counter[str] = Counter({"records read": sum(map(len, lines.values()))})
    train, dev = ([line for _, line in lines[split]] for split in ("train", "dev"))
    if dev and train[-len(dev) :] == dev:
        del lines["train"][-len(dev) :]
        counts["records dropped: the development part within train.txt"] = len(dev)
    records = []
    for split, trees in lines.items():
        for number, (place, line) in enumerate(trees, start=1):
            id = f"{split}-{number}"
            with shaped(place):
                records.append(Sourced(_record(line, id, counts), id))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines of a file that are not empty, each with its place: file and line."""
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line:
            yield f"{path}:{number}", line


def _record(line: str, id: str, counts: Counter[str]) -> Record:
    root = _ROOT.match(line)
    leaves = _LEAF.findall(line)
    if not root or not leaves:
        raise ValueError(f"no tree: {line[:40]!r}")
    joined = detokenise([token for _, token in leaves])
    pairs = []
    for (grade, _), (start, end) in zip(leaves, joined.spans, strict=True):
        label, word = _polarity(grade), joined.text[start:end]
        if label == "neutral":
            continue
        counts["mentions read"] += 1
        if not word[0].isalpha() or joined.text[:start][-1:].isalpha():  # 's, n't, a full stop
            counts["mentions dropped: no word of its own"] += 1
            continue
        pairs.append(Pair(label, word, start, end))
    counts["mentions kept"] += len(pairs)
    return Record(id, "sst-trees", joined.text, _polarity(root[1]), tuple(pairs))


def _polarity(grade: str) -> str:
    return "positive" if grade in "34" else "negative" if grade in "01" else "neutral"


SOURCE = Source(
    name="sst-trees",
    folder="sst-trees",
    files=tuple(_FILES.values()),
    licence="none stated; research use (Socher et al. 2013)",
    origins={"en": ("human", "human", "human")},
    read=read,
)
