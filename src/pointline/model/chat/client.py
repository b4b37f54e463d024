"""The client of a chat model behind an OpenAI-compatible address.

Everything that a run of many questions needs is behind `Client.ask`: questions at a time and per
minute, retries with back-off (`stamina` owns them; the `openai` library is told to make none),
Retry-After, a memory in which a question that was answered is not asked again, counts, and a
budget. A server that knows no JSON schema, or another option, says so once.

Each event loop has connections of its own: while one run waits for its caller, another may be
begun and ended. The questions at a time are those of each; pace, counts and budget are of all.

The key is read from the environment, and neither logged nor stored.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from pointline.errors import InputError, MissingExtra, NoAnswer, PointlineError, ServerError
from pointline.model.chat.dialect import (
    FILTERED,
    SHOWN,
    Dialect,
    Garbled,
    model_names,
    read,
    retry_after,
)
from pointline.model.chat.limits import Limits, Pace
from pointline.model.chat.question import KEY, Address, Answer, Question, Usage
from pointline.model.chat.server import Server, identified

if TYPE_CHECKING:
    import openai

__all__ = ["Client", "Memory"]

_LATER = (408, 409, 429)  # refusals that are no word on the question: ask again

T = TypeVar("T")
R = TypeVar("R")


class Memory(Protocol):
    """Where answers are kept, so that nothing is asked (and paid for) twice."""

    def recall(self, key: str) -> Answer | None:
        """Return the answer to the question of that key, None where there is none."""

    def keep(self, key: str, answer: Answer) -> None:
        """Keep an answer; it is safe when this returns."""

    def spent(self) -> Usage:
        """Return what all answers took."""


@dataclass(slots=True)
class _Notebook:
    """A memory that lasts as long as its client."""

    answers: dict[str, Answer] = field(default_factory=dict)

    def recall(self, key: str) -> Answer | None:
        return self.answers.get(key)

    def keep(self, key: str, answer: Answer) -> None:
        self.answers[key] = answer

    def spent(self) -> Usage:
        return sum((answer.usage for answer in self.answers.values()), Usage())


@dataclass(slots=True)
class _Session:
    """What belongs to one event loop."""

    api: openai.AsyncOpenAI
    slots: asyncio.Semaphore
    locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    door: asyncio.Lock = field(default_factory=asyncio.Lock)
    checked: bool = False


class Client:
    """Asks one model, within limits; `work` does so for many things at once.

    Raises InputError where a key is needed and OPENAI_API_KEY is not set, MissingExtra without the
    `openai` and `stamina` libraries.
    """

    def __init__(
        self, address: Address, limits: Limits | None = None, *, memory: Memory | None = None
    ) -> None:
        self.address = address
        self.limits = limits or Limits()
        self.retried = 0
        _require()
        self._key = os.environ.get(KEY, "").strip()
        if not self._key and not address.local:
            raise InputError(f"{KEY} is not set: {address.base_url} needs a key")
        self._memory: Memory = _Notebook() if memory is None else memory
        self.spent = self._memory.spent()
        self._dialect = Dialect()
        self._pace = Pace(self.limits.per_minute)
        self._models: list[str] = []
        self._failed_in_a_row = 0
        self._server: Server | None = None
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, _Session] = WeakKeyDictionary()

    @property
    def cost(self) -> float:
        """The money that all answers took, those of earlier runs included."""
        return self.spent.cost(self.limits.price_in, self.limits.price_out)

    async def ask(self, question: Question) -> Answer:
        """Return the answer to a question, from memory if it is there.

        Raises NoAnswer where this question gets none, ServerError where no question would,
        BudgetSpent before a request that the budget does not allow.
        """
        key = question.key(self.address)
        lock = self._open().locks.setdefault(key, asyncio.Lock())
        async with lock:  # of two who ask the same, the second finds it in the memory
            kept = self._memory.recall(key)
            if kept is not None:
                return replace(kept, cached=True)
            answer = await self._answered(question)
            self.spent += answer.usage
            self._memory.keep(key, answer)
            return answer

    async def close(self) -> None:
        """Close the connections of this event loop; its next question opens them anew."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.api.close()

    def work(
        self, things: Iterable[T], job: Callable[[T], Awaitable[R]], *, at_once: int | None = None
    ) -> Iterator[R]:
        """Yield what the job makes of each thing, as they are done.

        `at_once` jobs are under way, or twice `concurrency`. Where one raises, or the taking of a
        thing, no further one is begun, those under way are ended and yielded, and then it is
        raised. Where an event loop runs, as in a notebook, things are taken and jobs done in a
        thread of their own.
        """
        steps = self._work(iter(things), job, at_once or 2 * self.limits.concurrency)
        return _elsewhere(steps) if _loop_runs() else steps

    # ------------------------------------------------------------ the server

    def server(self) -> Server:
        """Return what the server says of itself; once it said so, it is not asked again.

        One that lists no models is an "other". Raises ServerError where none answers, or not in
        time, where it cannot answer now (it may be loading), or refuses the key.
        """
        if self._server is None:
            with self._plain() as api:
                self._server = self._found(api)
        return self._server

    def _found(self, api: openai.OpenAI) -> Server:
        import openai

        try:
            found = identified(api.models.with_raw_response.list().text, self.address.model)
            if found.kind == "llamacpp":
                found = replace(found, window=self._context(api) or found.window)
        except openai.APIError as error:
            if fault := self._absent(error):
                raise fault from None
            return Server()
        return found

    def _absent(self, error: openai.APIError) -> PointlineError | None:
        """Return why a server does not say what it is; None where it knows no such question."""
        import openai

        if isinstance(error, openai.APITimeoutError):
            told = f"no answer within {self._patience:g} s: wait until the server is free or loaded"
            return ServerError(f"{self.address.base_url}: {told}")
        if isinstance(error, openai.APIConnectionError | openai.AuthenticationError):
            return self._translated(error)
        status = error.status_code if isinstance(error, openai.APIStatusError) else 0
        if status >= 500 or status in _LATER:
            return ServerError(
                f"{self.address.base_url}: the server is not ready ({status}): wait until it is;"
                f" {self._words(error)}"
            )
        return None

    def tokens(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a text as a prompt, by the server's own tokenizer.

        llama.cpp is told to read a special token that the text spells out as text, vLLM cannot be.

        Raises ServerError where the server does not tell.
        """
        import openai

        asked: dict[str, Any] = {"content": text, "add_special": True, "parse_special": False}
        if self.server().kind == "vllm":
            asked = {"model": self.address.model, "prompt": text, "add_special_tokens": True}
        try:
            with self._plain() as api:
                reply: Any = api.post(f"{self._root}/tokenize", body=asked, cast_to=object)
            return tuple(map(int, reply["tokens"]))
        except openai.APIError as error:
            raise ServerError(f"{self._root}/tokenize: {self._words(error)}") from None
        except (LookupError, TypeError, ValueError):
            raise ServerError(f"{self._root}/tokenize: the reply holds no tokens") from None

    def _context(self, api: openai.OpenAI) -> int | None:
        """Return how many tokens a slot of llama.cpp's server holds."""
        import openai

        try:
            told: Any = api.get(f"{self._root}/props", cast_to=object)
            return int(told["default_generation_settings"]["n_ctx"])
        except openai.APIError as error:
            if self._absent(error):
                raise
            return None
        except (LookupError, TypeError, ValueError):
            return None

    def _plain(self) -> openai.OpenAI:
        """Return a client for a question of our own, which waits for its answer."""
        import openai

        return openai.OpenAI(
            api_key=self._key or "none",
            base_url=self.address.base_url,
            timeout=self._patience,
            max_retries=2,
        )

    @property
    def _patience(self) -> float:
        """How many seconds the answer to a question of our own may take."""
        return min(10.0, self.limits.timeout)

    @property
    def _root(self) -> str:
        return self.address.base_url.removesuffix("/v1")

    # ------------------------------------------------------------ many questions

    def _work(
        self, todo: Iterator[T], job: Callable[[T], Awaitable[R]], at_once: int
    ) -> Iterator[R]:
        pending: set[asyncio.Task[R]] = set()
        fault: BaseException | None = None
        with asyncio.Runner() as runner:
            try:
                while True:
                    room = 0 if fault else at_once - len(pending)
                    done, pending, wrong = runner.run(_some(pending, todo, room, job))
                    fault = fault or wrong
                    for task in done:
                        if (error := task.exception()) is None:
                            yield task.result()
                        fault = fault or error
                    if not done:
                        break
            finally:
                for task in pending:
                    task.cancel()
                runner.run(self.close())
        if fault is not None:
            raise fault

    # ------------------------------------------------------------ one question

    def _open(self) -> _Session:
        loop = asyncio.get_running_loop()
        if loop not in self._sessions:
            import openai

            api = openai.AsyncOpenAI(
                api_key=self._key or "none",
                base_url=self.address.base_url,
                timeout=self.limits.timeout,
                max_retries=0,
            )
            slots = asyncio.Semaphore(self.limits.concurrency)
            self._sessions[loop] = _Session(api, slots)
        return self._sessions[loop]

    async def _checked(self) -> _Session:
        """Return the session, after it was found out once that a server is there."""
        session = self._open()
        async with session.door:
            if not session.checked:
                await self._check(session)
                session.checked = True
        return session

    async def _check(self, session: _Session) -> None:
        import openai

        try:
            reply = await session.api.models.with_raw_response.list(timeout=self._patience)
        except openai.APITimeoutError:
            return  # a busy server is there
        except (openai.APIConnectionError, openai.AuthenticationError) as error:
            raise self._translated(error) from None
        except openai.APIError:
            return  # not every server lists its models
        self._models = model_names(reply.text)

    async def _answered(self, question: Question) -> Answer:
        import openai
        import stamina

        limits, session = self.limits, await self._checked()
        try:
            async for attempt in stamina.retry_context(
                on=self._wait_after,
                attempts=limits.attempts,
                timeout=None,
                wait_initial=limits.first_wait,
                wait_max=limits.longest_wait,
                wait_jitter=limits.first_wait / 4,
            ):
                with attempt:
                    self.retried += attempt.num > 1
                    async with session.slots:
                        await self._pace.turn()
                        limits.hold(self.spent)
                        answer = await self._requested(session, question)
                    self._failed_in_a_row = 0
                    return answer
        except (openai.APIError, Garbled) as error:
            if getattr(error, "code", None) in FILTERED:
                self._failed_in_a_row = 0
                return Answer("", "content_filter", self._words(error), usage=Usage(1))
            raise self._counted(self._translated(error)) from None
        raise AssertionError("a retry context returns or raises")

    def _wait_after(self, error: Exception) -> bool | float:
        """Say whether a request is worth another try, and after how many seconds if known."""
        import openai

        if isinstance(error, openai.APIConnectionError | Garbled):
            return True
        if not isinstance(error, openai.APIStatusError):
            return False
        if error.code == "insufficient_quota":
            return False
        if error.status_code not in _LATER and error.status_code < 500:
            return False
        asked = retry_after(error)
        if asked is None:
            return True
        if error.status_code == 429 and asked <= self.limits.patience:
            self._pace.rest(asked)
        return asked if asked <= self.limits.patience else False

    async def _requested(self, session: _Session, question: Question) -> Answer:
        """Ask once; options that the server does not know are left out, and remembered as such."""
        import openai

        without = set(self._dialect.unknown)
        asked = session.api.chat.completions if question.prompt is None else session.api.completions
        create: Any = asked.with_raw_response.create
        while True:
            body = self._dialect.body(self.address.model, question, without)
            try:
                reply = await create(**body)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                blamed = self._dialect.blamed(str(error), body)
                if blamed is None or error.code in FILTERED:
                    raise
                without.add(blamed)
                continue
            answer = read(reply.text, question)
            self._dialect.learn(body, without)
            return answer

    # ------------------------------------------------------------ errors

    def _counted(self, error: PointlineError) -> PointlineError:
        if not isinstance(error, NoAnswer):
            return error
        self._failed_in_a_row += 1
        if self._failed_in_a_row < self.limits.give_up:
            return error
        return ServerError(f"{self.limits.give_up} questions in a row got no answer; {error}")

    def _translated(self, error: Exception) -> PointlineError:
        """Return what the library's error means here, in one line that does not hold the key."""
        import openai

        where, told = self.address.base_url, self._words(error)
        if isinstance(error, openai.APITimeoutError):
            return NoAnswer(f"{where}: no answer within {self.limits.timeout:g} s")
        if isinstance(error, openai.APIConnectionError):
            return ServerError(f"{where}: no server answers there: start it, or mend the address")
        if not isinstance(error, openai.APIStatusError):
            return NoAnswer(f"{where}: the reply is no chat completion: {told}")
        status = error.status_code
        if status in (401, 403):
            return ServerError(f"{where}: the key is refused ({status}): set {KEY}; {told}")
        if status == 404:
            there = f"; it has {', '.join(self._models[:5])}" if self._models else ""
            return ServerError(f"{where}: no model {self.address.model!r} (404): {told}{there}")
        if status == 429:
            wait = retry_after(error)
            if error.code == "insufficient_quota" or (wait or 0) > self.limits.patience:
                return ServerError(f"{where}: the server takes no more for now (429): {told}")
        if status < 500 and status != 429:
            return NoAnswer(f"{where}: the question is refused ({status}): {told}")
        return NoAnswer(f"{where}: still {status} after {self.limits.attempts} tries: {told}")

    def _words(self, error: Exception) -> str:
        words = " ".join(str(error).split())
        if self._key:
            words = words.replace(self._key, "***")
        return words if len(words) <= SHOWN else words[:SHOWN] + "..."


async def _some(
    pending: set[asyncio.Task[R]],
    todo: Iterator[T],
    room: int,
    job: Callable[[T], Awaitable[R]],
) -> tuple[set[asyncio.Task[R]], set[asyncio.Task[R]], BaseException | None]:
    """Begin jobs while there is room; return those that are done, one at least, and the others.

    The third is what the taking of a thing raised: a task keeps it, those under way go on.
    """

    async def done(thing: T) -> R:
        return await job(thing)

    async def begin() -> None:
        for _, thing in zip(range(room), todo, strict=False):
            pending.add(asyncio.create_task(done(thing)))

    begun = asyncio.create_task(begin())
    await asyncio.wait([begun])
    if not pending:
        return set(), set(), begun.exception()
    return *await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED), begun.exception()


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _elsewhere(steps: Iterator[R]) -> Iterator[R]:
    """Yield what an iterator gives, each of its steps taken in one other thread."""
    with ThreadPoolExecutor(1) as thread:
        try:
            while found := thread.submit(lambda: tuple(islice(steps, 1))).result():
                yield found[0]
        finally:
            thread.submit(getattr(steps, "close", lambda: None)).result()


def _require() -> None:
    for library in ("openai", "stamina"):
        try:
            __import__(library)
        except ImportError:
            raise MissingExtra(library, extra="draft") from None
    log = logging.getLogger("stamina")
    if not log.handlers:  # every retry is logged as a warning, which would end on the terminal
        log.addHandler(logging.NullHandler())
