"""Extraction by a chat model behind an OpenAI-compatible address: the papers' GPT rows.

    ex = Extractor.load("openai:NAME@http://127.0.0.1:8000/v1")

The model is held to the text's grammar where the server takes one, else to a JSON schema, or
answers freely in the mix format (`Options.constrained`). A text is given whole: its window is not
known here. `client.Client` does the asking.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from pointline.errors import InputError, NoAnswer
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task
from pointline.model.backend import Completion, Halt
from pointline.model.chat.answerfile import AnswerFile
from pointline.model.chat.client import Client, Memory
from pointline.model.chat.limits import Limits
from pointline.model.chat.prompt import ChatPrompt
from pointline.model.chat.question import HOSTED, Address, Answer, Question
from pointline.model.chat.reading import Strictness, read
from pointline.model.chat.server import Grammar, rules
from pointline.model.chat.words import VERSION
from pointline.model.extract import Extractor, Options
from pointline.model.form import Form
from pointline.model.grammar import build

__all__ = ["ANSWERS", "ChatBackend", "ChatExtractor", "behind"]

Found = TypeVar("Found")

#: The file of answers in a run folder.
ANSWERS = "answers.jsonl"

_GRAMMARS = ("lark", "gbnf")


@dataclass(frozen=True, slots=True)
class ChatBackend:
    """A chat model as a `backend.Backend`: a prompt is one message, nothing is put before it.

    It takes no grammar, knows no window, and guesses three bytes a token.
    """

    client: Client
    weights: str = field(default="", init=False)
    window: int = field(default=2**31, init=False)

    @property
    def name(self) -> str:
        """The model's name and address."""
        return str(self.client.address)

    def count(self, text: str) -> int:
        """Return about how many tokens `text` has."""
        return math.ceil(len(text.encode()) / 3)

    def complete(
        self,
        prompts: Sequence[str],
        grammars: Sequence[str] | None = None,
        *,
        max_new_tokens: int = 512,
        halts: Sequence[Halt] | None = None,  # noqa: ARG002 - an answer comes whole
    ) -> list[Completion]:
        """Return what the model answers to each prompt, up to the first line break.

        Raises InputError for grammars, and as `Client.ask` does.
        """
        if grammars is not None:
            raise InputError(f"{self.name} takes no grammar: leave it free")

        async def job(numbered: tuple[int, str]) -> tuple[int, Completion]:
            number, prompt = numbered
            asked = Question((("user", prompt),), max_tokens=max_new_tokens)
            answer = await self.client.ask(asked)
            first, broken, _ = answer.text.partition("\n")
            return number, Completion(first, cut=answer.finish == "length" and not broken)

        return [found for _, found in sorted(self.client.work(enumerate(prompts), job))]


class ChatExtractor(Extractor):
    """Extracts by a chat model behind an address; see `chat.prompt` for what it is asked.

    Of the options, `constrained=False` lets the model answer freely in the mix format; `level`,
    `example`, `fields` and `max_new_tokens` are as for any model, `align` and `max_items` where it
    is held to a grammar. `grammar` says how it is held: to the text's grammar as vLLM takes it
    ("lark") or llama.cpp ("gbnf"), to a JSON "schema", not at all ("none"), or as the server is
    found to take it ("auto"; it is asked once). `reading` says whether answers that are not in the
    format are repaired (`chat.reading.read`).

    Raises InputError for another `reading` or `grammar`, for one where `constrained` is False, for
    a form of a study, and as `Client` does.
    """

    def __init__(
        self,
        address: Address,
        options: Options | None = None,
        *,
        limits: Limits | None = None,
        reading: Strictness = "lenient",
        grammar: Grammar = "auto",
        memory: Memory | None = None,
        tasks: Iterable[Task] = (),
    ) -> None:
        if grammar not in get_args(Grammar):
            raise InputError(f"grammar is one of {', '.join(get_args(Grammar))}, got {grammar!r}")
        if options is not None and not options.constrained and grammar not in ("auto", "none"):
            raise InputError(f"a free answer is held to nothing: leave {grammar!r} out")
        if reading not in get_args(Strictness):
            raise InputError(f"reading is 'strict' or 'lenient', got {reading!r}")
        if options is not None and options.asked != Form(options.level):
            raise InputError("a chat model is asked in the mix format: leave the option form out")
        self.client = Client(address, limits, memory=memory)
        super().__init__(ChatBackend(self.client), options, tasks=tasks)
        self.reading = reading
        self.grammar: Grammar = grammar
        self._prompts: dict[Task, ChatPrompt] = {}

    def settings(self) -> dict[str, Any]:
        """Return how answers are read, which words are asked, and which grammar answers keep."""
        told = {"reading": self.reading, "prompt": VERSION}
        return {**told, "grammar": self.held} if self.held in _GRAMMARS else told

    @property
    def held(self) -> Grammar:
        """How the model is held to the form of an answer; the server is asked where need be.

        Raises ServerError as `Client.server`.
        """
        if not self.options.constrained:
            return "none"
        if self.grammar != "auto":
            return self.grammar
        hosted = self.client.address.base_url == HOSTED
        return "schema" if hosted else self.client.server().grammar

    @contextmanager
    def within(self, folder: Path) -> Iterator[Extractor]:
        """Give the extractor for a run in this folder: what is answered is kept in `ANSWERS`."""
        with AnswerFile(folder / ANSWERS) as memory:
            yield ChatExtractor(
                self.client.address,
                self.options,
                limits=self.client.limits,
                reading=self.reading,
                grammar=self.grammar,
                memory=memory,
                tasks=self.tasks.values(),
            )

    def shown(self, task: Task) -> list[tuple[str, str]]:
        """Return the messages that ask for a text, without the text."""
        return [*self._prompt_of(task).messages("")]

    def repaired(self, found: Prediction, task: Task) -> Prediction:
        """Return a prediction that says nothing as lenient reading has it, others as they are."""
        fault = found.meta.get("fault")
        if fault in (None, "refused"):
            return found
        answer = Answer(found.completion or "", "length" if fault == "cut off" else "stop")
        meta = {name: value for name, value in found.meta.items() if name != "fault"}
        bare = Record(found.id, found.task, found.text, meta=meta)
        return read(answer, bare, self._prompt_of(task), reading="lenient")

    def account(self) -> dict[str, Any]:
        """Return what all answers took, those of earlier calls included."""
        return {"usage": asdict(self.client.spent), "cost": self.client.cost}

    # ------------------------------------------------------------ the work

    def _found(
        self,
        asked: Iterator[tuple[Record, Task]],
        batch_size: int,  # noqa: ARG002 - the limits say how many are asked at a time
        ordered: bool,
        progress: Callable[[int], None] | None,
    ) -> Iterator[Prediction]:
        """Yield the predictions; a text that gets no answer is told when all others are done."""
        silent: list[str] = []
        done = self.client.work(enumerate(asked), self._predicted)
        for found in _in_order(done) if ordered else (found for _, found in done):
            if progress:
                progress(1)
            if isinstance(found, Prediction):
                yield found
            else:
                silent.append(found)
        if silent:
            raise NoAnswer(
                f"{len(silent)} of the texts got no answer, {silent[0]}: ask for them again", silent
            )

    async def _predicted(
        self, numbered: tuple[int, tuple[Record, Task]]
    ) -> tuple[int, Prediction | str]:
        """Return the prediction of a record, or the reason why there is none."""
        number, (record, task) = numbered
        prompt = self._prompt_of(task)
        question = prompt.question(record.text, max_tokens=self.options.max_new_tokens)
        if self.held in _GRAMMARS:
            question = replace(question, rules=rules(self._lark(record, task), self.held))
        try:
            answer = await self.client.ask(question)
        except NoAnswer as error:
            return number, f"record {record.id!r}: {error}"
        return number, read(answer, record, prompt, reading=self.reading)

    def _lark(self, record: Record, task: Task) -> str:
        options = self.options
        return build(
            task,
            record.text,
            align=options.align,
            form=options.level,
            max_items=options.max_items,
            fields=options.fields,
        )

    def _prompt_of(self, task: Task) -> ChatPrompt:
        if task not in self._prompts:
            options = self.options
            self._prompts[task] = ChatPrompt(
                task, self.held == "schema", options.level, options.example, options.fields
            )
        return self._prompts[task]


def behind(
    name: str,
    options: Options | None = None,
    *,
    adapter: object = None,
    device: str | None = None,
    limits: Limits | None = None,
    reading: Strictness = "lenient",
    grammar: Grammar = "auto",
) -> ChatExtractor:
    """Return the extractor for `openai:NAME@BASE_URL`.

    Raises InputError for an address that is none, where an adapter or a device is named, and as
    `ChatExtractor` does.
    """
    address = Address.parse(name)
    if adapter is not None or device is not None:
        what = "an adapter" if device is None else "a device"
        raise InputError(f"{address} is behind a server, which has it as it is: leave {what} out")
    return ChatExtractor(address, options, limits=limits, reading=reading, grammar=grammar)


def _in_order(done: Iterator[tuple[int, Found]]) -> Iterator[Found]:
    """Yield numbered things by their numbers, which begin at 0."""
    waiting: dict[int, Found] = {}
    following = 0
    for number, found in done:
        waiting[number] = found
        while following in waiting:
            yield waiting.pop(following)
            following += 1
