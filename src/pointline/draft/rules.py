"""What is kept of a translation: which filters drop it, and how its entities may be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pointline.draft.drafting import DUPLICATED
from pointline.draft.filters import FILTERS, PRESETS
from pointline.draft.repair import Step
from pointline.errors import InputError

__all__ = ["REPAIRS", "Rules"]

#: By which steps an entity may be found in its translation: as the paper does, or as we do.
REPAIRS: Mapping[str, tuple[Step, ...]] = {
    "none": (Step.VERBATIM,),
    "full": (Step.VERBATIM, Step.NORMALISED, Step.ASKED, Step.ALIGNED),
}

_PRESETS = {**PRESETS, "pointline": (*PRESETS["pointline"], DUPLICATED)}


@dataclass(frozen=True, slots=True)
class Rules:
    """What is kept: `filters` by name, and by which steps an entity may be found.

    >>> Rules.of("paper", "none").steps
    (<Step.VERBATIM: 'verbatim'>,)
    """

    filters: tuple[str, ...] = _PRESETS["pointline"]
    steps: tuple[Step, ...] = REPAIRS["full"]

    @classmethod
    def of(cls, filters: str = "pointline", repair: str = "full") -> Self:
        """Return the rules of a preset or of filters named by commas, and of a way of repair.

        Raises InputError for a name that is none.
        """
        named = tuple(name.strip() for name in filters.split(",") if name.strip())
        names = _PRESETS.get(filters, named)
        known = (*FILTERS, DUPLICATED)
        for name in names:
            if name not in known:
                raise InputError(f"no filter {name!r}, there are: {', '.join((*PRESETS, *known))}")
        if repair not in REPAIRS:
            raise InputError(f"repair is one of {', '.join(REPAIRS)}, got {repair!r}")
        return cls(names, REPAIRS[repair])
