"""What is asked of a chat model and what it answers: values, no library, no network."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import exp
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import orjson

from pointline.errors import InputError

__all__ = [
    "HOSTED",
    "KEY",
    "PREFIX",
    "RAW",
    "Address",
    "Answer",
    "Question",
    "Rules",
    "Usage",
    "digest",
]

#: The environment variable that holds the key, the only place that it is read from.
KEY = "OPENAI_API_KEY"
#: Where a name without an address is asked, if OPENAI_BASE_URL names no other place.
HOSTED = "https://api.openai.com/v1"
#: What the name of a model behind an address begins with.
PREFIX = "openai:"
#: What that of a model begins with which is asked for completions, not in messages.
RAW = "completions:"


@dataclass(frozen=True, slots=True)
class Address:
    """A model behind an OpenAI-compatible address.

    Raises InputError for an empty name, an address that is none, and one that holds a password or
    a query: a key belongs into the environment.

    >>> Address.parse("openai:gemma@http://127.0.0.1:8080/v1").model
    'gemma'
    """

    model: str
    base_url: str = HOSTED

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise InputError(f"no model is named: write {PREFIX}NAME or {PREFIX}NAME@BASE_URL")
        try:
            parts = urlsplit(self.base_url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host:
            raise InputError(f"model {self.model!r}: its address begins with http:// or https://")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise InputError(
                f"model {self.model!r}: its address holds a password, a query or a fragment:"
                f" leave them out, a key is read from {KEY}"
            )
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))

    @classmethod
    def parse(cls, name: str, prefix: str = PREFIX) -> Self:
        """Return the address that `openai:NAME@BASE_URL` names, or such with another prefix.

        `openai:NAME` is asked at OPENAI_BASE_URL, or at the hosted service where that is not set.

        Raises InputError as the class does.
        """
        if not name.startswith(prefix):
            raise InputError(f"{name!r} names no server: write {prefix}NAME@BASE_URL")
        asked = name.removeprefix(prefix)
        at = max(asked.find("@http://"), asked.find("@https://"))
        if at >= 0:
            return cls(asked[:at], asked[at + 1 :])
        if "@" in asked[1:]:  # "@cf/..." is how one service begins its names
            model, _, _ = asked.rpartition("@")
            raise InputError(f"model {model!r}: its address begins with http:// or https://")
        return cls(asked, os.environ.get("OPENAI_BASE_URL") or HOSTED)

    def __str__(self) -> str:
        return f"{PREFIX}{self.model}@{self.base_url}"

    @property
    def local(self) -> bool:
        """Whether the server is on this machine, where it may go without a key."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@dataclass(frozen=True, slots=True)
class Rules:
    """A grammar of the answer as a server takes it: vLLM as Lark text, llama.cpp as GBNF."""

    kind: Literal["lark", "gbnf"]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: (role, content) messages, and how the model is to answer.

    `schema` is the JSON schema of the answer, for servers that hold a model to one; the messages
    have to ask for JSON too, for those that do not. `rules` is its grammar, for servers that take
    one. `draw` tells samples of one question apart. `prompt` is asked for its completion instead
    of messages, as the tokens `ids` where these are known, up to one of the strings `stop`.

    >>> here, hi = Address("m"), (("user", "hi"),)
    >>> Question(hi).key(here) == Question(hi, draw=1).key(here)
    False
    """

    messages: tuple[tuple[str, str], ...]
    schema: Mapping[str, Any] | None = field(default=None, hash=False)
    temperature: float = 0.0
    max_tokens: int = 512
    draw: int = 0
    logprobs: bool = False
    rules: Rules | None = None
    prompt: str | None = None
    ids: tuple[int, ...] = ()
    stop: tuple[str, ...] = ()

    def key(self, address: Address) -> str:
        """Return what tells this question to this model from every other, as a hex digest."""
        values = asdict(self)
        for name in ("rules", "prompt", "ids", "stop"):  # answers may be older than these
            if not values[name]:
                del values[name]
        asked = [address.model, address.base_url, values]
        return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


def digest(*words: object) -> str:
    """Return twelve hex digits that tell these words from others."""
    return hashlib.sha256(orjson.dumps(words, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Usage:
    """What answers took: requests and tokens. `guessed` requests had no count from the server."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    guessed: int = 0

    def __add__(self, other: Usage) -> Usage:
        sums = (getattr(self, f.name) + getattr(other, f.name) for f in fields(Usage))
        return Usage(*sums)

    @property
    def tokens(self) -> int:
        """All tokens, of prompts and of answers."""
        return self.tokens_in + self.tokens_out

    def cost(self, price_in: float, price_out: float) -> float:
        """Return the money that it took, at prices per million tokens.

        >>> Usage(1, 2_000_000, 500_000).cost(0.5, 2.0)
        2.0
        """
        return (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote: its text, why it stopped, and each token's log-probability if known.

    `likely` are the likeliest tokens of each step with theirs, where they were asked for.
    `refusal` is what a server that knows refusals says of one. `cached` marks an answer that was
    not asked for now.
    """

    text: str
    finish: Literal["stop", "length", "content_filter"] | str = "stop"
    refusal: str = ""
    tokens: tuple[tuple[str, float], ...] = ()
    usage: Usage = Usage()
    cached: bool = field(default=False, compare=False)
    likely: tuple[Mapping[str, float], ...] = field(default=(), hash=False)

    def probability(self, value: str) -> float | None:
        """Return the probability of the tokens that spell `value` where it stands last.

        None where the server gave no probabilities, or its tokens do not spell the value.

        >>> Answer("b", tokens=(("a", -1.0), ("b", 0.0))).probability("b")
        1.0
        """
        start = "".join(token for token, _ in self.tokens).rfind(value) if value else -1
        if start < 0:
            return None
        at, total = 0, 0.0
        for token, logprob in self.tokens:
            if at < start + len(value) and at + len(token) > start:
                total += logprob
            at += len(token)
        return min(1.0, exp(total))

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready values; `from_dict` takes them back."""
        values = asdict(self)
        del values["cached"]
        if not self.likely:
            del values["likely"]
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the answer that `to_dict` wrote."""
        tokens = tuple((token, logprob) for token, logprob in values["tokens"])
        likely = tuple(values.get("likely", ()))
        usage = Usage(**values["usage"])
        return cls(**{**values, "tokens": tokens, "usage": usage, "likely": likely})
