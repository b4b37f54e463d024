"""TCONER: an open text-level label and open-domain entities; the corpora's labels as words.

Every type of every corpus stays, named in the dataset's language (`names`): the labels are open, so
nothing is mapped to a smaller set. Japanese and Chinese have CrossRE in translation beside a
corpus of their own, ASDC's dialogues and SMP2019's commands, whose labels are another kind (acts,
slots): that is what *open* means here, and the manifest tells how many each gave.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from pointline.corpus import names
from pointline.corpus.recipes.recipe import Part, Recipe
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["RECIPES"]


def _tconer_crossre(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    if record.meta["lost_types"]:
        counts["records dropped: an entity of the English row lost its place"] += 1
        return None
    types = names.CROSSRE_TYPE_NAMES[task.lang]
    return _named(record, names.CROSSRE_DOMAIN_NAMES[task.lang][record.label], types.__getitem__)


def _tconer_asdc(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    del task
    if record.meta["elsewhere"]:
        counts["records dropped: a request of it stands in the agent's words"] += 1
        return None
    if record.meta["unmarked"]:
        counts["records dropped: a word of it is marked elsewhere, and was not read here"] += 1
        return None
    return _named(record, names.ASDC_ACTS[record.label], names.asdc_type)


def _tconer_smp(record: Record, task: Task, counts: Counter[str]) -> Record | None:
    del task, counts
    return _named(record, names.SMP_DOMAIN_NAMES[record.label], names.smp_slot)


def _named(record: Record, label: str, name: Callable[[str], str]) -> Record:
    pairs = (replace(pair, label=name(pair.label)) for pair in record.pairs)
    return replace(record, label=label, pairs=tuple(dict.fromkeys(pairs)), facts=())


_CROSSRE = Part("crossre", _tconer_crossre)

RECIPES: Mapping[str, Recipe] = {
    "tconer-en": Recipe((_CROSSRE,)),
    "tconer-ja": Recipe(
        (_CROSSRE, Part("asdc", _tconer_asdc)),
        notes=("ASDC's text labels are dialogue acts: the turn before may have decided them.",),
    ),
    "tconer-zh": Recipe((_CROSSRE, Part("smp2019-ecdt", _tconer_smp))),
}
