"""Texts that the model failed on one after the other: when so many did, it is not the texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["IN_A_ROW", "KILLED", "KILLED_IN_A_ROW", "MODEL_S", "Streak"]

#: The fault of a text that is given up, since workers ended while they had it.
KILLED = "killed"

#: Faults of rows whose text the model was asked about, and had no answer to.
MODEL_S = (KILLED, "model-error", "no-answer")

IN_A_ROW = 25  # texts that the model fails on, after which it is not the texts
KILLED_IN_A_ROW = 10  # texts that end their workers; likewise


@dataclass(slots=True)
class Streak:
    """The texts without an answer since the last one that had one.

    `failed` is how many they are, `killed` how many of the last of them ended their workers, `last`
    the last one's error, and `sound` the number of rows before the first of them. `sure` leaves out
    those before it that were asked together with it, from the first without an answer on: of texts
    that are with a model at once, the answer of one may come after the fault of another. A row
    whose text the model was not asked about neither ends a streak nor is of it. Once it is
    `dead`, a streak does not end any more.
    """

    failed: int = 0
    killed: int = 0
    last: str = ""
    sound: int = 0
    sure: int = 0
    first: int | None = None

    @property
    def dead(self) -> bool:
        """Tell whether it is so long that no text is to blame.

        >>> Streak(failed=IN_A_ROW).dead, Streak(failed=IN_A_ROW - 1).dead
        (True, False)
        """
        return self.failed >= IN_A_ROW or self.killed >= KILLED_IN_A_ROW

    def why(self, word: str) -> str:
        """Return what a streak that is dead says; `word` is the last one of a worker that ended."""
        if self.killed >= KILLED_IN_A_ROW:
            return f"{self.killed} texts in a row ended their workers: {word}"
        return f"{self.failed} texts in a row without an answer: {self.last}"

    def ask(self) -> None:
        """Take in that the next texts go to the model together."""
        self.first = None

    def see(self, result: Mapping[str, Any], rows: int) -> None:
        """Take in the next row's result, with which so many rows are done."""
        if self.dead:
            return
        error, fault = result.get("error"), result.get("fault")
        if error is None:
            self.end(rows)
        elif fault in MODEL_S:
            self.first = rows - 1 if self.first is None else self.first
            self.fail(str(error), killed=fault == KILLED)

    def fail(self, error: str, *, killed: bool = False) -> None:
        """Take in a text that the model failed on."""
        self.failed += 1
        self.killed = self.killed + 1 if killed else 0
        self.last = error

    def end(self, rows: int) -> None:
        """Take in a text that has an answer; so many rows are done."""
        self.failed = self.killed = 0
        self.sound = rows
        self.sure = rows if self.first is None else self.first
