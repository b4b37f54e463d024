"""What a recipe is: the corpora of a dataset, and how their records become the dataset's.

A converter takes a record with the corpus's labels and gives one with the task's, or None; every
record and item that it drops is counted under the name of the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["Convert", "Part", "Recipe"]

Convert = Callable[[Record, Task, "Counter[str]"], Record | None]


@dataclass(frozen=True, slots=True)
class Part:
    """A corpus in a dataset, and the converter of its records.

    `by_speech`: it takes those of the corpus's items that are of a part of speech, as a tagger sees
    it. Then the manifest says that the selection is derived, and by which tagger.
    """

    source: str
    convert: Convert
    by_speech: bool = False


@dataclass(frozen=True, slots=True)
class Recipe:
    """The corpora of a dataset.

    Records whose label is in `scarce` come first where a side is cut to its size. `notes` go into
    the manifest.
    """

    parts: tuple[Part, ...]
    scarce: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
