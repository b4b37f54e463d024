"""What kind of server is behind an address, and how it is told a grammar."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pointline.model.chat.question import Rules
from pointline.model.gbnf import from_lark

__all__ = ["Grammar", "Kind", "Server", "identified", "rules"]

#: Servers that take a grammar, by what their list of models calls the owner, and all others.
Kind = Literal["vllm", "llamacpp", "other"]

#: How a server holds a model to the form of an answer; "auto" asks the server once.
Grammar = Literal["auto", "lark", "gbnf", "schema", "none"]

_KINDS: Mapping[str, Kind] = {"vllm": "vllm", "llamacpp": "llamacpp"}
_TAKEN: Mapping[Kind, Grammar] = {"vllm": "lark", "llamacpp": "gbnf", "other": "schema"}


@dataclass(frozen=True, slots=True)
class Server:
    """What a server says of itself; `window` is None where it does not tell."""

    kind: Kind = "other"
    window: int | None = None

    @property
    def grammar(self) -> Grammar:
        """What it is best told: a grammar where it takes one, else a JSON schema."""
        return _TAKEN[self.kind]


def identified(models: str, model: str) -> Server:
    """Return what a server's list of models says of the server.

    >>> identified('{"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 2048}]}', "m")
    Server(kind='vllm', window=2048)
    >>> identified("no list", "m").grammar
    'schema'
    """
    cards = _cards(models)
    owners = [str(card.get("owned_by")) for card in cards]
    kinds = [_KINDS[owner] for owner in owners if owner in _KINDS]
    windows = [
        card["max_model_len"]
        for card in sorted(cards, key=lambda card: card.get("id") != model)
        if isinstance(card.get("max_model_len"), int)
    ]
    return Server(kinds[0] if kinds else "other", windows[0] if windows else None)


def _cards(models: str) -> list[dict[str, Any]]:
    try:
        return [card for card in json.loads(models)["data"] if isinstance(card, dict)]
    except (ValueError, LookupError, TypeError):
        return []


def rules(lark: str, grammar: Grammar) -> Rules | None:
    """Return a grammar as a server takes it, None where it takes none."""
    if grammar == "lark":
        return Rules("lark", lark)
    return Rules("gbnf", from_lark(lark)) if grammar == "gbnf" else None
