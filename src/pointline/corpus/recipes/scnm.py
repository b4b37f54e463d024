"""SCNM: a topic and named entities, with the published label sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from pointline.corpus import maps
from pointline.corpus.recipes.recipe import Part, Recipe
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task

__all__ = ["RECIPES"]


def _scnm_crossre(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    lost = [kind for kind in record.meta["lost_types"] if maps.CROSSRE_TYPES[kind]]
    if lost:
        counts["records dropped: an entity of the English row lost its place"] += 1
        return None
    domain = record.label
    pairs = []
    for pair, english in zip(record.pairs, record.meta["source_mentions"], strict=True):
        label = maps.CROSSRE_TYPES[pair.label]
        if pair.label == "organisation":
            label = maps.CROSSRE_ORGANISATIONS.get(domain, label)
        elif pair.label == "location" and english.split()[-1] in maps.FACILITY_WORDS:
            label = "facilities"
            counts["items changed: location is facilities by its last English word"] += 1
        pairs.append((pair, label, pair.label))
    return _scnm(record, maps.CROSSRE_DOMAINS[domain], pairs, task, counts)


def _scnm_smp(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    label = maps.SMP_DOMAINS[record.label]
    if label is None:
        counts[f"records dropped: no text label for domain {record.label}"] += 1
        return None
    pairs = [
        (pair, maps.SMP_SLOTS.get(pair.label), f"slot {pair.label.split('.')[1]}")
        for pair in record.pairs
    ]
    return _scnm(record, label, pairs, task, counts)


def _scnm(
    record: Record,
    label: str | None,
    pairs: list[tuple[Pair, str | None, str]],
    task: Task,
    counts: Counter[str],
) -> Record | None:
    kept = []
    for pair, mapped, kind in pairs:
        if mapped is None:
            counts[f"items dropped: no word label for {kind}"] += 1
        else:
            kept.append(replace(pair, label=maps.translated(mapped, task)))
    if pairs and not kept:
        counts["records dropped: none of its items has a word label"] += 1
        return None
    if label is None:
        counts[f"records dropped: no text label for domain {record.label}"] += 1
        return None
    unique = tuple(dict.fromkeys(kept))
    if len(unique) < len(kept):
        counts["items dropped: the same item twice"] += len(kept) - len(unique)
    return replace(record, label=maps.translated(label, task), pairs=unique, facts=())


RECIPES: Mapping[str, Recipe] = {
    "scnm-en": Recipe((Part("crossre", _scnm_crossre),)),
    "scnm-ja": Recipe((Part("crossre", _scnm_crossre),)),
    "scnm-zh": Recipe((Part("crossre", _scnm_crossre), Part("smp2019-ecdt", _scnm_smp))),
}
