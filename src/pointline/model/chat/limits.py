"""How much a run may ask, and how fast."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass

from pointline.errors import BudgetSpent, InputError
from pointline.model.chat.question import Usage

__all__ = ["Limits", "Pace"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at a time, how often, how long, and how much in all.

    `concurrency` questions at a time, at most `per_minute` requests. A request is given `timeout`
    seconds and tried `attempts` times, after waits that double from `first_wait` up to
    `longest_wait` seconds or last as long as the server asks, if that is at most `patience`.
    `give_up` questions in a row without an answer end the run.

    `budget_tokens` and `budget` (money, at `price_in` and `price_out` per million tokens) hold for
    all that the memory knows, earlier runs included. What is in flight when they are reached is
    still answered, so up to `concurrency` questions may go over.

    Raises InputError for values that cannot be.
    """

    concurrency: int = 8
    per_minute: float | None = None
    timeout: float = 120.0
    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    patience: float = 600.0
    give_up: int = 25
    budget_tokens: int | None = None
    budget: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0

    def __post_init__(self) -> None:
        for name in ("concurrency", "attempts", "give_up"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is 1 or more, got {getattr(self, name)!r}")
        for name in (
            "per_minute",
            "timeout",
            "longest_wait",
            "patience",
            "budget_tokens",
            "budget",
        ):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise InputError(f"{name} is above 0, got {value!r}")
        for name in ("first_wait", "price_in", "price_out"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} is 0 or more, got {getattr(self, name)!r}")
        if self.budget is not None and not self.price_in + self.price_out:
            raise InputError("a budget of money needs prices: give price_in and price_out")

    def hold(self, spent: Usage) -> None:
        """Raise BudgetSpent where no more may be spent."""
        money = spent.cost(self.price_in, self.price_out)
        if self.budget_tokens is not None and spent.tokens >= self.budget_tokens:
            told = f"the budget of {self.budget_tokens:,} tokens is spent ({spent.tokens:,} used)"
        elif self.budget is not None and money >= self.budget:
            told = f"the budget of {self.budget:g} is spent ({money:.4f} used)"
        else:
            return
        raise BudgetSpent(f"{told}: give a larger one to go on")


class Pace:
    """Lets requests through at even gaps, and holds all of them back when the server asks."""

    def __init__(self, per_minute: float | None) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._next = 0.0
        self._closed_until = 0.0

    def rest(self, seconds: float) -> None:
        """Let nothing through for so long."""
        self._closed_until = max(self._closed_until, time.monotonic() + seconds)

    async def turn(self) -> None:
        """Return when it is the caller's turn."""
        at = max(time.monotonic(), self._next, self._closed_until)
        self._next = at + self._gap
        while (wait := max(at, self._closed_until) - time.monotonic()) > 0:
            await asyncio.sleep(wait)
