"""Options of the commands that ask a model behind an address: pace, tries, budget, prices."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer

__all__ = [
    "Attempts",
    "Budget",
    "BudgetTokens",
    "Concurrency",
    "GrammarKind",
    "PerMinute",
    "PriceIn",
    "PriceOut",
    "Timeout",
    "server_option",
]


def server_option(told: str, *names: str) -> Any:
    """Return an option that the help lists with those of the server."""
    panel = "A model behind an address"
    return typer.Option(*names, help=told, rich_help_panel=panel, show_default=True)


Concurrency = Annotated[int, server_option("Questions at a time.")]
GrammarKind = Annotated[
    Literal["auto", "lark", "gbnf", "schema", "none"],
    server_option(
        "How the model is held to the form: lark (vLLM), gbnf (llama.cpp), a JSON schema, nothing;"
        " auto asks the server.",
        "--grammar",
    ),
]
PerMinute = Annotated[float | None, server_option("Requests a minute, at most.")]
Timeout = Annotated[float, server_option("Seconds until a request is tried again.")]
Attempts = Annotated[int, server_option("Tries of a request.")]
BudgetTokens = Annotated[int | None, server_option("Stop after so many tokens.")]
Budget = Annotated[float | None, server_option("Stop after so much money.")]
PriceIn = Annotated[float, server_option("Price of a million tokens asked.")]
PriceOut = Annotated[float, server_option("Price of a million tokens answered.")]
