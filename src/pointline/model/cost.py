"""What generation cost: passes of the model, tokens fed and drafted, processor time by kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import process_time
from typing import Literal

__all__ = ["Cost", "Kind"]

#: The model's body; drafting; the grammar's masks and steps; the scores of the tokens allowed.
Kind = Literal["body", "drafts", "grammar", "outputs"]


@dataclass(slots=True)
class Cost:
    """Counts from zero on, of one decoder; `seconds` are processor time, all threads together.

    `fed` counts tokens that went through the model, prompts included; `drafted` those of them that
    were guessed, `kept` the guessed ones that the model chose.
    """

    passes: int = 0
    fed: int = 0
    drafted: int = 0
    kept: int = 0
    seconds: dict[Kind, float] = field(default_factory=dict)

    @contextmanager
    def spent(self, kind: Kind) -> Iterator[None]:
        """Count the time of what is done inside."""
        begun = process_time()
        try:
            yield
        finally:
            self.seconds[kind] = self.seconds.get(kind, 0.0) + process_time() - begun
