"""Which corpora make up a dataset, and how a corpus's record becomes one of the dataset's.

A converter takes a record with the corpus's labels and gives one with the task's, or None; every
record and item that it drops is counted under the name of the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import orjson

from pointline.corpus import maps
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task

__all__ = ["RECIPES", "SIDES", "Convert", "Part", "Recipe", "digest", "train_size"]

Convert = Callable[[Record, Task, "Counter[str]"], Record | None]


@dataclass(frozen=True, slots=True)
class Part:
    """A corpus in a dataset, and the converter of its records."""

    source: str
    convert: Convert


@dataclass(frozen=True, slots=True)
class Recipe:
    """The corpora of a dataset.

    Records whose label is in `scarce` come first where a side is cut to its size. `notes` go into
    the manifest.
    """

    parts: tuple[Part, ...]
    scarce: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def train_size(task: Task, total: int) -> int:
    """Return how many training records the papers take from `total` (MMM, Tables 4 to 6)."""
    if total < 2000:
        return 500
    return 2000 if task.family == "tconer" else 1000


# ---------------------------------------------------------------- SCNM


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
    return replace(record, label=maps.translated(label, task), pairs=unique, facts=())


# ---------------------------------------------------------------- SCPOS


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


# ---------------------------------------------------------------- TCREE with a corpus's own labels


def _facts(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    del task
    if record.meta.get("lost_relations"):
        counts["records dropped: a relation of the English row lost a mention"] += 1
        return None
    if not record.facts:
        counts["records dropped: no fact"] += 1
        return None
    if len(record.facts) > _MANY:
        counts[f"records kept with more than {_MANY} facts"] += 1
    return replace(record, pairs=())


_MANY = 20

# ---------------------------------------------------------------- the tables

#: Of each corpus, the shares of its documents on the training and the development side. They are
#: the same for all families and languages; the training side holds what the family that takes
#: most of it needs (2,000 records of TCONER from CrossRE), the rest is the test side.
SIDES: Mapping[str, tuple[float, float]] = {
    "cec": (0.55, 0.12),
    "chabsa": (0.50, 0.10),
    "crossre": (0.44, 0.06),
    "smp2019-ecdt": (0.44, 0.06),
    "sst-trees": (0.30, 0.05),
    "zhijiang-opinion": (0.40, 0.08),
}

#: Every dataset that can be built, by the name of its task.
RECIPES: Mapping[str, Recipe] = {
    "scnm-en": Recipe((Part("crossre", _scnm_crossre),)),
    "scnm-ja": Recipe((Part("crossre", _scnm_crossre),)),
    "scnm-zh": Recipe((Part("crossre", _scnm_crossre), Part("smp2019-ecdt", _scnm_smp))),
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
    "open-tcree-en": Recipe((Part("crossre", _facts),)),
    "open-tcree-zh": Recipe((Part("cec", _facts),)),
}


def digest(task: Task) -> str:
    """Return a digest of what these tables and `maps` say of a dataset, and of its task."""
    recipe = RECIPES[task.name]
    told = {
        "task": task.to_dict(),
        "parts": [(p.source, p.convert.__name__, SIDES[p.source]) for p in recipe.parts],
        "scarce": recipe.scarce,
        "notes": recipe.notes,
        "maps": {name: getattr(maps, name) for name in maps.__all__ if name.isupper()},
    }
    plain = orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=sorted)
    return blake2b(plain, digest_size=16).hexdigest()
