"""Which corpora make up each dataset that can be built, and what part of them is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import orjson

from pointline.corpus import maps, names
from pointline.corpus.recipes import scnm, scpos, tconer, tcree
from pointline.corpus.recipes.recipe import Convert, Part, Recipe
from pointline.corpus.words import tagger
from pointline.format.tasks import Task

__all__ = ["RECIPES", "SIDES", "Convert", "Part", "Recipe", "digest", "train_size"]

#: Of each corpus, the shares of its documents on the training and the development side. They are
#: the same for all families and languages; the training side holds what the family that takes
#: most of it needs (2,000 records of TCONER from CrossRE), the rest is the test side.
SIDES: Mapping[str, tuple[float, float]] = {
    "asdc": (0.30, 0.05),
    "cec": (0.55, 0.12),
    "chabsa": (0.50, 0.10),
    "chnsenti-htl": (0.58, 0.10),
    "crossre": (0.44, 0.06),
    "fkc": (0.47, 0.12),
    "jrte-pn": (0.50, 0.10),
    "smp2019-ecdt": (0.44, 0.06),
    "sst-trees": (0.30, 0.05),
    "zhijiang-opinion": (0.40, 0.08),
}

#: Every dataset that can be built, by the name of its task.
RECIPES: Mapping[str, Recipe] = {**scnm.RECIPES, **scpos.RECIPES, **tcree.RECIPES, **tconer.RECIPES}


def train_size(task: Task, total: int) -> int:
    """Return how many training records the papers take from `total` (MMM, Tables 4 to 6)."""
    if total < 2000:
        return 500
    return 2000 if task.family == "tconer" else 1000


def digest(task: Task, recipe: Recipe, sides: Mapping[str, tuple[float, float]]) -> str:
    """Return a digest of a task and what its recipe, the sides, `maps` and `names` say of it."""
    told = {
        "task": task.to_dict(),
        "parts": [(p.source, p.convert.__name__, sides[p.source]) for p in recipe.parts],
        "taggers": [tagger(task.lang) for part in recipe.parts if part.by_speech],
        "scarce": recipe.scarce,
        "notes": recipe.notes,
        "maps": {
            name: getattr(tables, name)
            for tables in (maps, names)
            for name in tables.__all__
            if name.isupper()
        },
    }
    plain = orjson.dumps(told, option=orjson.OPT_SORT_KEYS, default=sorted)
    return blake2b(plain, digest_size=16).hexdigest()
