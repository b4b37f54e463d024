"""The backend for a model that pointline trained, behind a server: `vllm serve`, `llama-server`.

    ex = Extractor.load("completions:NAME@http://127.0.0.1:8000/v1")

The server is asked at its completions endpoint for what follows the prompt, word for word the one
that the model was trained on, under the grammar of the text: as Lark text (vLLM) or as GBNF
(llama.cpp). What comes back is held against the grammar once more. A chat model is another thing:
`model.openai`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import count, takewhile
from math import ceil, exp, inf, log
from typing import Any

from pointline.errors import InputError, MissingExtra, ServerError
from pointline.format.escape import split
from pointline.model.backend import Completion, Halt, Request, Token, check_room, gathered
from pointline.model.chat.client import Client
from pointline.model.chat.dialect import NEVER, TOP
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import RAW, Address, Answer, Question, Usage
from pointline.model.chat.server import Grammar, rules
from pointline.model.extract import Extractor, Options

__all__ = ["ServedBackend", "behind"]

_MANY = 4096  # requests at a time: the caller's batch is what bounds them
_UNKNOWN = 2**31  # a window that the server does not tell


class ServedBackend:
    """A model behind a completions endpoint, as a `backend.Backend`.

    `grammar` says how the server is told the grammar: "lark" (vLLM), "gbnf" (llama.cpp), or "auto",
    which asks the server once. The limit of new tokens takes a completion back to the last place
    where its grammar may end. vLLM tells probabilities, of which `Token.close` sums the twenty
    likeliest tokens; llama.cpp is not asked for any.

    Raises ServerError where no server answers, InputError for another `grammar`.
    """

    weights = ""

    def __init__(
        self, address: Address, *, limits: Limits | None = None, grammar: Grammar = "auto"
    ) -> None:
        if grammar not in ("auto", "lark", "gbnf", "none"):
            raise InputError(f"grammar is 'auto', 'lark', 'gbnf' or 'none', got {grammar!r}")
        self.name = f"{RAW}{address.model}@{address.base_url}"
        self._client = Client(address, limits or Limits(concurrency=_MANY), memory=_Forgetful())
        server = self._client.server()
        self.grammar: Grammar = server.grammar if grammar == "auto" else grammar
        self._kind = server.kind
        self.window = server.window or _UNKNOWN
        self._tokens = lru_cache(maxsize=_MANY)(self._client.tokens)

    def count(self, text: str) -> int:
        """Return how many tokens `text` has as a prompt, by the server's tokenizer.

        For a server that is neither vLLM nor llama.cpp it is a guess, of three bytes a token.
        """
        if self._kind == "other":
            return ceil(len(text.encode()) / 3)
        return len(self._tokens(text))

    def complete(
        self,
        prompts: Sequence[str],
        grammars: Sequence[str] | None = None,
        *,
        max_new_tokens: int = 512,
        halts: Sequence[Halt] | None = None,
    ) -> list[Completion]:
        """Return a completion for each prompt, in their order.

        Raises TextTooLong for a prompt that leaves no room in the window, InputError for grammars
        that the server takes none of, NoAnswer for a prompt that gets none, ServerError where no
        prompt would, or the server does not keep to the grammar.
        """
        return gathered(self, prompts, grammars, halts, max_new_tokens)

    def stream(
        self, requests: Iterable[Request | None], *, batch_size: int, max_new_tokens: int = 512
    ) -> Iterator[tuple[int, Completion]]:
        """Yield each request's number and completion as it ends; the next ones are asked then.

        Raises as `complete`.
        """

        async def job(numbered: tuple[int, tuple[Request, Question]]) -> tuple[int, Completion]:
            number, (request, question) = numbered
            return number, self._read(await self._client.ask(question), request)

        coming, numbers, more = iter(requests), count(), True

        def waiting() -> Iterator[tuple[int, tuple[Request, Question]]]:
            nonlocal more
            for request in coming:
                if request is None:  # nothing waits now: those on their way are ended first
                    return
                yield next(numbers), (request, self._question(request, max_new_tokens))
            more = False

        while more:
            yield from self._client.work(waiting(), job, at_once=batch_size)

    def _question(self, request: Request, limit: int) -> Question:
        if request.grammar is not None and self.grammar not in ("lark", "gbnf"):
            raise InputError(f"{self.name} takes no grammar: leave it free, or name the kind")
        known = self._tokens(request.prompt) if self._kind != "other" else ()
        check_room(self, len(known), limit)
        return Question(
            (),
            max_tokens=limit,
            logprobs=self._kind == "vllm",
            rules=None if request.grammar is None else rules(request.grammar, self.grammar),
            prompt=request.prompt,
            ids=known,
            stop=("\n",) if request.grammar is None else (),
        )

    def _read(self, answer: Answer, request: Request) -> Completion:
        text, cut = answer.text, answer.finish == "length"
        if request.grammar is None:
            text, broken, _ = text.partition("\n")
            cut = cut and not broken
        else:
            text, cut = self._whole(text, request.grammar, cut=cut)
        if request.halt is not None:
            text, cut = _halted(text, request.halt, cut=cut)
        return Completion(text, _tokens(answer, text), cut)

    def _whole(self, text: str, grammar: str, *, cut: bool) -> tuple[str, bool]:
        """Return as much of a text as is a string of the grammar, and whether it was cut."""
        seen = _read_by(_matcher(grammar), text)
        if (cut and seen.begun) or (text and seen.last == len(text)):
            return text[: seen.last], cut and not seen.ended
        raise ServerError(
            f"{self.name} did not keep to the grammar, at {text[seen.chars :][:20]!r}: say which"
            " kind it takes (lark, gbnf, none)"
        )


class _Forgetful:
    """A memory that counts: what was answered here is not asked for again."""

    def __init__(self) -> None:
        self._spent = Usage()

    def recall(self, key: str) -> Answer | None:  # noqa: ARG002 - part of the protocol
        return None

    def keep(self, key: str, answer: Answer) -> None:  # noqa: ARG002
        self._spent += answer.usage

    def spent(self) -> Usage:
        return self._spent


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far a grammar goes along with a text.

    `chars` of it, the `last` place where the grammar may end, whether the text is the beginning of
    one of its strings (`begun`), and whether that can have nothing behind it (`ended`).
    """

    chars: int
    last: int
    begun: bool
    ended: bool


def _read_by(matcher: Any, text: str) -> _Seen:
    """Read a text, whatever tokens it was made of: byte by byte."""
    last = 0
    for at, char in enumerate(text):
        raw = list(char.encode())
        if matcher.try_consume_tokens(raw) != len(raw):
            parted = char == "\N{REPLACEMENT CHARACTER}" and at + 1 == len(text)  # by the limit
            return _Seen(at, last, parted, False)
        if matcher.is_accepting():
            last = at + 1
    return _Seen(len(text), last, True, bool(matcher.is_stopped()))


@cache
def _bytes() -> Any:
    from llguidance import LLTokenizer

    return LLTokenizer("byte")


def _matcher(grammar: str) -> Any:
    try:
        from llguidance import LLMatcher
    except ImportError:
        raise MissingExtra("llguidance", extra="draft") from None
    matcher = LLMatcher(_bytes(), grammar, log_level=0)
    if matcher.is_error():
        reason = matcher.get_error().partition("\n")[0]
        raise InputError(f"llguidance refuses the grammar: {reason}")
    return matcher


def _halted(text: str, halt: Halt, *, cut: bool) -> tuple[str, bool]:
    """Return the text up to the ":" at which it is halted, and whether it is cut."""
    for start, _ in split(text, ":")[1:]:
        if halt(text[: start - 1]):
            return text[: start - 1], True
    return text, cut


# ---------------------------------------------------------------- probabilities


def _tokens(answer: Answer, text: str) -> tuple[Token, ...]:
    """Return the tokens of a text with their probabilities.

    None where they do not spell it, or the server told no likeliest tokens with them.
    The text is the beginning of the answer's. Where the model ended the answer, its last token is
    the one that did.
    """
    if len(answer.likely) != len(answer.tokens):
        return ()
    names = [name for name, _ in answer.tokens]
    spans, stop = _spans(names, answer.text), None
    if spans is None and answer.finish == "stop" and names:
        spans, stop = _spans(names[:-1], answer.text), names[-1]
        spans = None if spans is None else [*spans, (len(answer.text),) * 2]
    if spans is None:
        return ()
    steps = zip(spans, answer.tokens, answer.likely, strict=True)
    return tuple(
        Token(0, start, min(end, len(text)), min(logprob, 0.0), _close(likely, name, logprob, stop))
        for (start, end), (name, logprob), likely in steps
        if start < len(text) or (start == end == len(text) == len(answer.text))
    )


def _spans(names: Sequence[str], text: str) -> list[tuple[int, int]] | None:
    """Return the characters of each token, None where the tokens do not spell the text.

    A token that holds a part of a character is written with a replacement character; those of a
    run share the characters up to the next whole token.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    while len(spans) < len(names):
        name = names[len(spans)]
        end = at + len(name)
        parted: Sequence[str] = (name,)
        if not text.startswith(name, at):
            parted = [
                *takewhile(lambda one: "\N{REPLACEMENT CHARACTER}" in one, names[len(spans) :])
            ]
            behind = names[len(spans) + len(parted) :]
            end = text.find(behind[0], at + 1) if behind else len(text)
            if not parted or end < 0:
                return None
        spans += [(at, end)] * len(parted)
        at = end
    return spans if at == len(text) else None


def _close(likely: Mapping[str, float], name: str, logprob: float, stop: str | None) -> float:
    """Return the log-probability of the likely tokens that close an item or end the sequence.

    Of tokens that are spelled alike (":" and the byte of ":"), the server names the last. What is
    lost by that is the probability that all allowed tokens lack to 1; where the chosen token
    closes, so do those that are lost, but for a rare single character.
    """
    mass = {one: exp(value) for one, value in {**likely, name: logprob}.items()}
    closing = sum(mass[one] for one in mass if one[:1] in (":", "\n") or one == stop)
    every = len(likely) < TOP or any(value <= NEVER for value in likely.values())
    if every and (name[:1] == ":" or name == stop):
        closing += max(0.0, 1.0 - sum(mass.values()))
    return log(min(1.0, closing)) if closing > 0.0 else -inf


def behind(
    name: str,
    options: Options | None = None,
    *,
    adapter: object = None,
    device: str | None = None,
    grammar: Grammar = "auto",
) -> Extractor:
    """Return the extractor for `completions:NAME@BASE_URL`.

    Raises InputError for an address that is none, or where an adapter or a device is named, and as
    `ServedBackend`.
    """
    address = Address.parse(name, RAW)
    if adapter is not None or device is not None:
        what = "an adapter" if device is None else "a device"
        raise InputError(f"{name} is behind a server, which has it as it is: leave {what} out")
    return Extractor(ServedBackend(address, grammar=grammar), options)
