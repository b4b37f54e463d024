"""What is asked and answered, as JSON; and what that asks of a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pointline.app.serve.limits import Limits, Refusal
from pointline.app.serve.queue import Text
from pointline.errors import InputError
from pointline.format import tasks
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import Lang, Task
from pointline.model.extract import Extractor, Options, guess_language
from pointline.model.form import Form, Level
from pointline.model.grammar import MAX_ITEMS

__all__ = [
    "LINE",
    "Answer",
    "Asked",
    "Fault",
    "Given",
    "Health",
    "Tasks",
    "tasks_of",
    "texts_of",
]

_MOST_ITEMS = 256
_MOST_FIELDS = 16  # of a fact that is shown

#: What a line of a stream is, in the words of JSON Schema.
LINE = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Found", "Unread")]}


class Given(BaseModel):
    """One level of the text's annotation, shown beside the text: the other one is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    label: str | None = Field(None, min_length=1)
    items: list[Annotated[list[str], Field(max_length=_MOST_FIELDS)]] | None = Field(
        None, max_length=_MOST_ITEMS, description="[[label, entity], ...], or facts."
    )

    @model_validator(mode="after")
    def _one(self) -> Given:
        if (self.label is None) == (self.items is None):
            raise ValueError("given has a label or items")
        return self


class Asked(BaseModel):
    """One text or several, with a task of `/v1/tasks` or labels of your own."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {"text": "Ada moved from London to Turin in 1840.", "task": "scnm-en"},
                {
                    "texts": ["太郎が得点した。"],
                    "labels": ["スポーツ", "政治"],
                    "entities": ["選手", "チーム"],
                },
            ]
        },
    )

    text: str | None = None
    texts: list[str] | None = None
    task: str | None = None
    labels: list[str] | None = Field(None, description="Labels of the text; absent: any.")
    entities: list[str] | None = Field(None, description="Labels of pairs; absent: any.")
    relations: list[str] | None = Field(None, description="Labels of facts instead of pairs.")
    lang: Lang | None = Field(None, description="Of your own labels' task; guessed if absent.")
    level: Literal["both", "text", "word"] | None = Field(
        None, description="Which levels are asked for; both if absent, or what is not given."
    )
    given: Given | None = None
    align: Literal["chars", "words"] = Field(
        "words", description="Where an entity may begin and end."
    )
    max_items: int = Field(MAX_ITEMS, ge=0, le=_MOST_ITEMS)
    scores: bool = Field(True, description="Whether confidences are answered.")
    stream: bool = Field(False, description="Answer a line a text, as each is finished.")

    @model_validator(mode="after")
    def _coherent(self) -> Asked:
        if (self.text is None) == (self.texts is None):
            raise ValueError("give text, or texts")
        if (self.task is None) == (not self._own):
            raise ValueError("give a task, or any of labels, entities and relations")
        if self.task is not None and self.lang is not None:
            raise ValueError("lang is that of labels of your own: a task has its language")
        if self.given and self.text is None:
            raise ValueError("given belongs to one text: give text")
        if self.given and self.level not in (None, self._beside.value):
            raise ValueError(f"with that given, the level is {self._beside.value}")
        return self

    @property
    def all(self) -> list[str]:
        """Return the texts."""
        return [self.text] if self.text is not None else self.texts or []

    @property
    def _own(self) -> bool:
        return any(told is not None for told in (self.labels, self.entities, self.relations))

    @property
    def _beside(self) -> Level:
        return Level.WORD if self.given and self.given.label is not None else Level.TEXT

    @property
    def form(self) -> Form:
        """Return the form in which a text is asked for."""
        if self.given is None:
            return Form(Level(self.level or "both"))
        shown = Level.TEXT if self._beside is Level.WORD else Level.WORD
        return Form(self._beside, given=shown)

    def check(self, limits: Limits) -> None:
        """Raise Refusal for what is too many or too long."""
        self._check_texts(limits)
        self._check_labels(limits)
        self._check_given(limits)

    def _check_texts(self, limits: Limits) -> None:
        if not self.all:
            raise Refusal(422, "invalid", "texts: give one at least")
        if len(self.all) > limits.texts:
            raise Refusal(
                413, "too_many_texts", f"texts: {len(self.all)}, a request takes {limits.texts}"
            )
        for at, text in enumerate(self.all):
            if len(text) > limits.text:
                raise Refusal(
                    413,
                    "text_too_large",
                    f"text {at}: {len(text):,} characters, a text may have {limits.text:,}",
                )

    def _check_labels(self, limits: Limits) -> None:
        if len(self.task or "") > limits.label:
            raise Refusal(422, "invalid", f"task: a name has at most {limits.label} characters")
        of_all = 0
        for name in ("labels", "entities", "relations"):
            told = getattr(self, name) or ()
            of_all += sum(map(len, told))
            if len(told) > limits.labels or any(len(label) > limits.label for label in told):
                most = f"{limits.labels} labels of {limits.label} characters"
                raise Refusal(422, "invalid", f"{name}: a request takes {most}")
        if of_all > limits.label_sum:
            most = f"{limits.label_sum:,} characters in all"
            raise Refusal(422, "invalid", f"labels of your own: {of_all:,}, they may have {most}")

    def _check_given(self, limits: Limits) -> None:
        given = self.given or Given(label=None, items=[])
        if len(given.label or "") > limits.label:
            raise Refusal(422, "invalid", f"given: a label has at most {limits.label} characters")
        if sum(len(field) for item in given.items or () for field in item) > limits.text:
            most = f"{limits.text:,} characters in all"
            raise Refusal(422, "invalid", f"given: items have at most {most}")


def texts_of(asked: Asked, extractor: Extractor, limits: Limits) -> list[Text]:
    """Return what a request asks of the model.

    Raises Refusal for what is too large, InputError for what the model cannot be asked.
    """
    asked.check(limits)
    options = replace(
        extractor.options, align=asked.align, max_items=asked.max_items, form=asked.form
    )
    of = _task_of(asked, extractor)
    return [_text(str(at), text, of(text), asked, options) for at, text in enumerate(asked.all)]


def _task_of(asked: Asked, extractor: Extractor) -> Callable[[str], Task]:
    known = None if asked.task is None else extractor.task(asked.task)

    def task(text: str) -> Task:
        if known is not None:
            return known
        return tasks.adhoc(
            labels=asked.labels,
            entities=asked.entities,
            relations=asked.relations,
            lang=asked.lang or guess_language(text),
        )

    return task


def _text(id: str, text: str, task: Task, asked: Asked, options: Options) -> Text:
    given = asked.given or Given(label=None, items=[])
    items = given.items or []
    facts = task.shape == "facts"
    if not facts and any(len(item) != 2 for item in items):
        raise InputError("given: an item is [label, entity]")
    record = Record(
        id,
        task.name,
        text,
        given.label or "",
        () if facts else tuple(Pair(label, entity) for label, entity in items),
        tuple(Fact(tuple(item)) for item in items) if facts else (),
    )
    return Text(record, task, options, asked.scores)


# ---------------------------------------------------------------- what is answered


class Told(BaseModel):
    """The fault: a code for programs, a line for people."""

    code: str
    message: str


class Fault(BaseModel):
    """Why a request was not served."""

    error: Told


class FoundPair(BaseModel):
    """A label and an entity of the text."""

    label: str
    entity: str
    start: int | None = Field(
        description="In code points; text[start:end] is the entity. Null: it has no place."
    )
    end: int | None
    ambiguous: bool = Field(
        False,
        description="Whether the text holds the entity more than once, and this is the likeliest"
        " place.",
    )


class FoundFact(BaseModel):
    """An item of three or more fields."""

    fields: list[str]


class Confidences(BaseModel):
    """Probabilities, of what was asked for."""

    label: float | None = Field(None, description="Of the label.")
    items: list[float] | None = Field(None, description="Of each pair or fact, in their order.")


class Found(BaseModel):
    """What was found in a text."""

    id: str
    task: str
    text: str
    label: str
    pairs: list[FoundPair]
    facts: list[FoundFact]
    scores: Confidences | None = Field(
        None, description="Absent where the request says `scores: false`."
    )
    completion: str | None
    repairs: list[str]
    ok: bool
    meta: dict[str, Any]


class Unread(BaseModel):
    """A text that could not be read."""

    id: str
    error: Told


class Answer(BaseModel):
    """The results, in the order of the texts; their ids are the texts' numbers from 0."""

    model: str
    results: list[Found | Unread]


class KnownTask(BaseModel):
    """A task that has a name."""

    name: str
    family: str
    lang: str
    word: str
    labels: list[str] | None
    item_labels: list[str] | None
    shape: Literal["pairs", "facts"]
    trained: bool = Field(description="Whether the model was trained on it.")


class Tasks(BaseModel):
    """The tasks that can be asked for by name."""

    model: str
    tasks: list[KnownTask]


class Health(BaseModel):
    """Whether texts are read, and how many there are."""

    status: Literal["ok", "stopping", "failed", "stalled"]
    model: str
    version: str
    queue: int = Field(description="Texts that wait.")
    running: int = Field(description="Texts that are read.")
    limits: dict[str, float]


def tasks_of(extractor: Extractor) -> Tasks:
    """Return the tasks that an extractor can be asked for: those of the table, and its own."""
    known = {task.name: task for task in tasks.tasks()} | extractor.tasks
    rows = []
    for task in known.values():
        told = {key: value for key, value in task.to_dict().items() if key != "aliases"}
        rows.append(KnownTask(**told, trained=task.name in extractor.tasks))
    return Tasks(model=extractor.backend.name, tasks=rows)
