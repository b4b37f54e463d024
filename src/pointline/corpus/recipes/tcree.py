"""TCREE: a genre and relations or events as facts, with each corpus's own labels.

Japanese has predicate-argument structure (FKC), native text with human labels on both levels.
CrossRE's relations in Japanese translation stay out of it: its six domains and seventeen relations
are labels of another kind than six genres of complaint and eleven cases, so the closed sets would
be a union of two tasks, told apart by the style of the text alone; and its facts are projected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from pointline.corpus.recipes.recipe import Part, Recipe
from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["RECIPES"]


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


RECIPES: Mapping[str, Recipe] = {
    "open-tcree-en": Recipe((Part("crossre", _facts),)),
    "open-tcree-ja": Recipe(
        (Part("fkc", _facts),),
        notes=(
            "Facts are predicate, case, argument, of one sentence; a predicate has its endings.",
        ),
    ),
    "open-tcree-zh": Recipe((Part("cec", _facts),)),
}
