"""SCPOS: a sentiment and words with a polarity, with the published label sets.

RW takes every item of its corpus. Adj&N, Adj and N take those of a part of speech, as a tagger
sees it (`words`), so the choice is derived, whoever annotated the items. An item is

- an adjective, if it is made of adjectives and of adverbs and particles that go with them (很好,
  挺好的, 良かった);
- a noun, if it is made of nouns and of the names, numbers, affixes and determiners that go with
  them (売上高, わが国経済); a proper name alone is none.

An item whose edges are no edges of words is dropped; so is a neutral one where the task has no such
label.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pointline.corpus.recipes.recipe import Part, Recipe
from pointline.corpus.words import Kind, Word, words
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task

__all__ = ["RECIPES"]

_POLARITIES = ("positive", "neutral", "negative")


def _scpos(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    if record.label not in ("positive", "negative"):
        counts[f"records dropped: the text is {record.label}"] += 1
        return None
    if not record.pairs:
        counts["records dropped: no word with a polarity"] += 1
        return None
    item_labels, labels = task.item_labels or (), task.labels or ()
    polarities = _POLARITIES if len(item_labels) == 3 else ("positive", "negative")
    names = dict(zip(polarities, item_labels, strict=True))
    pairs = tuple(replace(pair, label=names[pair.label]) for pair in record.pairs)
    label = dict(zip(("positive", "negative"), labels, strict=True))[record.label]
    return replace(record, label=label, pairs=pairs)


# ---------------------------------------------------------------- by part of speech

_TAKEN: Mapping[str, tuple[Kind, ...]] = {
    "scpos-adjn": ("adjective", "noun"),
    "scpos-adj": ("adjective",),
    "scpos-n": ("noun",),
}
_WITH: Mapping[Kind, frozenset[Kind]] = {
    "adjective": frozenset(("adjective", "adverb", "particle")),
    "noun": frozenset(("noun", "name", "number", "affix", "determiner")),
}


def _by_speech(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    if record.label not in ("positive", "negative"):
        return _scpos(record, task, counts)
    found, taken = words(record.text, task.lang), _TAKEN[task.family]
    pairs = []
    for pair in record.pairs:
        kind = _kind(pair, found)
        if kind not in taken:
            counts[f"items dropped: {kind or 'of another part of speech'}"] += 1
        elif pair.label == "neutral" and len(task.item_labels or ()) == 2:
            counts["items dropped: neutral"] += 1
        else:
            pairs.append(pair)
    return _scpos(replace(record, pairs=tuple(pairs)), task, counts)


def _kind(pair: Pair, found: Sequence[Word]) -> str | None:
    """Return the kind of an item, "no whole words", or None for any other."""
    start, end = pair.start or 0, pair.end or 0
    inside = [word for word in found if word.start < end and word.end > start]
    if not inside or inside[0].start != start or inside[-1].end != end:
        return "no whole words"
    kinds = {word.kind for word in inside}
    return next((kind for kind in _WITH if kind in kinds <= _WITH[kind]), None)


# ---------------------------------------------------------------- the datasets

_OUT_OF_CONTEXT = "A word's polarity is its class out of context, so it may differ from the text's."
_ENGLISH = ("No item is neutral: words of the neutral class are not taken.", _OUT_OF_CONTEXT)
_TARGETS = "Items are the targets of opinions, mostly nouns, not the words that judge them."
_FROM_DICTIONARY = (
    "Items are words of polarity dictionaries, taken by rules: what no dictionary holds is no"
    " item, and no item is neutral.",
    _OUT_OF_CONTEXT,
)
_JAPANESE = Recipe(
    (Part("jrte-pn", _by_speech, by_speech=True),),
    scarce=("消極",),
    notes=("About nine sentences in ten are positive: report each label.", *_FROM_DICTIONARY),
)
_FEW_NEGATIVE = (
    "About nine reviews in ten are positive: report each label, and beware of accuracy.",
    "Every negative review of the training and development sides is kept.",
)

RECIPES: Mapping[str, Recipe] = {
    "scpos-rw-en": Recipe((Part("sst-trees", _scpos),), notes=(_OUT_OF_CONTEXT,)),
    "scpos-rw-ja": Recipe((Part("chabsa", _scpos),), notes=(_TARGETS,)),
    "scpos-rw-zh": Recipe(
        (Part("zhijiang-opinion", _scpos),), scarce=("消极",), notes=_FEW_NEGATIVE
    ),
    **{
        f"scpos-{variant}-en": Recipe(
            (Part("sst-trees", _by_speech, by_speech=True),), notes=_ENGLISH
        )
        for variant in ("adjn", "adj", "n")
    },
    "scpos-adjn-ja": _JAPANESE,
    "scpos-adj-ja": _JAPANESE,
    "scpos-n-ja": Recipe((Part("chabsa", _by_speech, by_speech=True),), notes=(_TARGETS,)),
    "scpos-adjn-zh": Recipe(
        (Part("chnsenti-htl", _by_speech, by_speech=True),), notes=_FROM_DICTIONARY
    ),
    "scpos-adj-zh": Recipe(
        (Part("zhijiang-opinion", _by_speech, by_speech=True),),
        scarce=("消极",),
        notes=(
            *_FEW_NEGATIVE,
            "Items are the annotators' terms as they stand, with their adverbs and 的.",
        ),
    ),
    "scpos-n-zh": Recipe(
        (Part("chnsenti-htl", _by_speech, by_speech=True),), notes=_FROM_DICTIONARY
    ),
}
