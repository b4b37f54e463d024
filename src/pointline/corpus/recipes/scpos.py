"""SCPOS: a sentiment and words with a polarity, with the published label sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from pointline.corpus.recipes.recipe import Part, Recipe
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["RECIPES"]


def _scpos(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    if record.label not in ("positive", "negative"):
        counts[f"records dropped: the text is {record.label}"] += 1
        return None
    if not record.pairs:
        counts["records dropped: no word with a polarity"] += 1
        return None
    names = dict(zip(("positive", "neutral", "negative"), task.item_labels or (), strict=True))
    pairs = tuple(replace(pair, label=names[pair.label]) for pair in record.pairs)
    labels = dict(zip(("positive", "negative"), task.labels or (), strict=True))
    return replace(record, label=labels[record.label], pairs=pairs)


RECIPES: Mapping[str, Recipe] = {
    "scpos-rw-en": Recipe(
        (Part("sst-trees", _scpos),),
        notes=("A word's polarity is its class out of context, so it may differ from the text's.",),
    ),
    "scpos-rw-ja": Recipe(
        (Part("chabsa", _scpos),),
        notes=("Items are the targets of opinions, mostly nouns, not the words that judge them.",),
    ),
    "scpos-rw-zh": Recipe(
        (Part("zhijiang-opinion", _scpos),),
        scarce=("消极",),
        notes=(
            "About nine reviews in ten are positive: report each label, and beware of accuracy.",
            "Every negative review of the training and development sides is kept.",
        ),
    ),
}
