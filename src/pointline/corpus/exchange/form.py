"""What an exchange format is: how it is read and written, and what it cannot carry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pointline.format.record import Record
from pointline.format.tasks import Task

__all__ = ["Form", "Losses", "Part", "Reader", "Writer"]

#: A part of a record that a format may carry or not.
Part = Literal[
    "id", "label", "pairs", "facts", "places", "entities with blanks", "overlaps", "meta"
]


@dataclass(slots=True)
class Losses:
    """What a conversion could not carry: counts by reason, the first records by id."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def note(self, reason: str, record: str) -> None:
        """Count one loss; `record` is the id, or the file and line, that it happened at."""
        self.counts[reason] += 1
        seen = self.examples.setdefault(reason, [])
        if len(seen) < _EXAMPLES:
            seen.append(record)


_EXAMPLES = 5

#: Yields the records of a file or folder, one at a time; `Losses` is told of what was left out.
#: Raises CorpusError with file and line where the file is not of the format.
Reader = Callable[[Path, Task, Losses], Iterator[Record]]

#: Writes records to a file or folder that appears when all is written; `Losses` is told.
Writer = Callable[[Path, Iterable[Record], Task, Losses], None]


@dataclass(frozen=True, slots=True)
class Form:
    """An exchange format: its name, what it carries, its reader and its writer.

    `carries` are the parts of a record that come back from a round trip; what is not in it is
    told of as a loss where a record has it.
    """

    name: str
    title: str
    suffix: str
    carries: frozenset[Part]
    read: Reader = field(repr=False)
    write: Writer = field(repr=False)
