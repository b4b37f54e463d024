"""What one server understands: how a question is put to it, and how its replies are read."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pointline.model.chat.answers import whole
from pointline.model.chat.question import Answer, Question, Rules, Usage

if TYPE_CHECKING:
    import openai

__all__ = [
    "FILTERED",
    "NEVER",
    "SHOWN",
    "TOP",
    "Dialect",
    "Garbled",
    "model_names",
    "read",
    "retry_after",
]

#: The likeliest tokens of each step that a completion is asked for: no server takes more unasked.
TOP = 20
#: How servers write the log-probability of what cannot be: JSON has no infinity.
NEVER = -9999.0
#: Characters of a server's own words in a message.
SHOWN = 200
#: The codes of an error that is a refusal: a service does not let the model see the question.
FILTERED = frozenset({"content_filter", "content_policy_violation"})

# What a server may not know, and the words by which it says so.
_OPTIONAL = {
    "response_format": ("response_format", "json_schema", "schema", "structured"),
    "logprobs": ("logprob",),
    "seed": ("seed",),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "max_completion_tokens"),
}
# Those that are given up, in this order, where it does not say which it is.
_SILENT = ("response_format", "logprobs", "seed")


class Garbled(Exception):
    """A reply that is no chat completion."""


@dataclass(slots=True)
class Dialect:
    """The options that a server was found not to know, and those that it took once."""

    unknown: set[str] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)

    def body(self, model: str, question: Question, without: set[str]) -> dict[str, Any]:
        """Return the request for a question, without some of the options."""
        body: dict[str, Any] = {
            "model": model,
            "temperature": question.temperature,
            "max_tokens": question.max_tokens,
            **_what(question),
        }
        if question.draw or question.temperature:
            body["seed"] = question.draw
        if question.logprobs:
            body["logprobs"] = True if question.prompt is None else TOP
        if question.schema is not None:
            form = {"name": "answer", "strict": True, "schema": dict(question.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if question.rules is not None:
            body["extra_body"] = _told(question.rules)
        if "max_tokens" in without and question.prompt is None:
            body["max_completion_tokens"] = question.max_tokens
        return {name: value for name, value in body.items() if name not in without}

    def blamed(self, told: str, body: Mapping[str, Any]) -> str | None:
        """Return the option that a refusal in these words is about, None where it is about none.

        An option that the server took once is not to blame.
        """
        told = told.lower()
        suspects = [name for name in _OPTIONAL if name in body and name not in self.proven]
        for name in suspects:
            if any(word in told for word in _OPTIONAL[name]):
                return name
        return next((name for name in suspects if name in _SILENT), None)

    def learn(self, body: Mapping[str, Any], without: set[str]) -> None:
        """Remember that a request was taken, and without which options."""
        self.unknown |= without
        self.proven |= _OPTIONAL.keys() & body.keys()


def _what(question: Question) -> dict[str, Any]:
    if question.prompt is None:
        return {"messages": [{"role": role, "content": told} for role, told in question.messages]}
    asked: dict[str, Any] = {"prompt": list(question.ids) or question.prompt}
    return {**asked, "stop": list(question.stop)} if question.stop else asked


def _told(rules: Rules) -> dict[str, Any]:
    """Return the field beside the protocol's in which a server takes a grammar."""
    if rules.kind == "gbnf":
        return {"grammar": rules.text}
    return {"structured_outputs": {"grammar": rules.text}}


def read(reply: str, question: Question) -> Answer:
    """Return the answer that a reply's JSON holds.

    Raises Garbled where it holds none.
    """
    try:
        values = json.loads(reply)
        first = values["choices"][0]
        if question.prompt is not None:
            return _completed(values, first, question)
        message = first["message"]
        text = whole(str(message.get("content") or ""))
        tokens = (first.get("logprobs") or {}).get("content") or ()
        return Answer(
            text=text,
            finish=str(first.get("finish_reason") or "stop"),
            refusal=whole(str(message.get("refusal") or "")),
            tokens=tuple((whole(str(one["token"])), _finite(one["logprob"])) for one in tokens),
            usage=_usage(values.get("usage") or {}, question, text),
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise Garbled(" ".join(reply.split())[:SHOWN] or "it is empty") from None


def _completed(values: Mapping[str, Any], first: Mapping[str, Any], question: Question) -> Answer:
    """Return the answer of the completions endpoint, whose tokens stand in lists of their own."""
    text = whole(str(first["text"]))
    told = first.get("logprobs") or {}
    names = [whole(str(token)) for token in told.get("tokens") or ()]
    logprobs = [_finite(value) for value in told.get("token_logprobs") or ()]
    likely = (
        {whole(token): _finite(value) for token, value in (one or {}).items()}
        for one in told.get("top_logprobs") or ()
    )
    return Answer(
        text=text,
        finish=str(first.get("finish_reason") or "stop"),
        tokens=tuple(zip(names, logprobs, strict=True)),
        usage=_usage(values.get("usage") or {}, question, text),
        likely=tuple(likely),
    )


def _finite(logprob: object) -> float:
    """Return a log-probability that JSON can carry: some servers write -Infinity."""
    value = float(logprob)  # type: ignore[arg-type]
    return value if math.isfinite(value) else NEVER


def model_names(text: str) -> list[str]:
    """Return the names in a server's list of models; none where it is no such list."""
    try:
        return [str(model["id"]) for model in json.loads(text)["data"]]
    except (ValueError, KeyError, TypeError):
        return []


def _usage(told: Mapping[str, Any], question: Question, text: str) -> Usage:
    """Return the server's counts, or a guess of three bytes a token where it gives none."""
    if told.get("prompt_tokens") is not None:
        return Usage(1, int(told["prompt_tokens"]), int(told.get("completion_tokens") or 0))
    said = [content for _, content in question.messages] + [question.prompt or ""]
    asked = sum(len(content.encode()) for content in said)
    return Usage(1, math.ceil(asked / 3), math.ceil(len(text.encode()) / 3), guessed=1)


def retry_after(error: openai.APIStatusError) -> float | None:
    """Return how many seconds the server asks to wait, None where it does not say."""
    headers = error.response.headers
    for header, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(header, "")) / unit
        except ValueError:
            continue
        if seconds >= 0:
            return seconds
    return _until(headers.get("retry-after", ""))


def _until(date: str) -> float | None:
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
