"""Recipes: settings of a training that belong together, by the name of what was made with them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pointline.errors import InputError

__all__ = ["RECIPES", "recipe"]

#: Settings of `TrainConfig` by recipe. "oiellm" is the paper's (section 5, OIELLM): every weight,
#: in bfloat16, three epochs at 1e-5 behind 100 steps of warm-up, AdamW, one model for the union of
#: the 21 training splits; the paper names neither batch nor schedule. "embedded" is that of the
#: adapter that comes with pointline (docs/adapter.md).
RECIPES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "oiellm": MappingProxyType(
            {
                "method": "full",
                "dtype": "bfloat16",
                "epochs": 3,
                "learning_rate": 1e-5,
                "warmup_steps": 100,
            }
        ),
        "embedded": MappingProxyType(
            {
                "method": "lora",
                "rank": 16,
                "epochs": 1,
                "learning_rate": 1e-3,
                "max_tokens_per_batch": 1280,
                "show_labels_share": 0.5,
                "label_lists": "drawn",
                "loss_vocabulary": "seen",
            }
        ),
    }
)


def recipe(name: str | None, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe's settings, each replaced by the one chosen where that is not None.

    Raises InputError for a name that there is not.

    >>> recipe("oiellm", {"epochs": 1, "seed": None})["epochs"]
    1
    """
    if name is not None and name not in RECIPES:
        raise InputError(f"no recipe {name!r}: there are {', '.join(RECIPES)}")
    found = dict(RECIPES[name]) if name else {}
    return found | {key: value for key, value in chosen.items() if value is not None}
