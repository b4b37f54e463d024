"""What a chat model is asked to extract, word for word, in the language of the task.

An instruction, a solved example if there is one, and the text, which is written as `model.prompt`
writes it for any model: `TEXT/TASKWORD`. The answer is the completion line of the mix format, or
JSON of a schema (`model.jsonform`). A prompt's version is a digest of all its words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pointline.errors import InputError
from pointline.format import codec
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model import prompt
from pointline.model.chat import jsonform
from pointline.model.chat.question import Question, digest
from pointline.model.chat.words import WORDS, Words
from pointline.model.prompt import Level

__all__ = ["ChatPrompt", "example_among"]

#: How long an example may be, in characters, and how many records are looked at for one.
EXAMPLE_CHARS, EXAMPLE_RECORDS = 400, 1000

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChatPrompt:
    """Asks for the annotation of a text, of one task.

    `structured` asks for JSON of a schema, else the answer is the completion line. `fields` is the
    most fields of a fact. A task in another language than the three is asked about in English.

    Raises InputError for an example that is not of the task: of another shape, or with a label
    that is not in the task's set.

    >>> from pointline.format.tasks import task
    >>> ChatPrompt(task("scnm-en")).messages("Ada left.")[-1]
    ('user', 'Ada left./NER\\n')
    """

    task: Task
    structured: bool = False
    level: Level = Level.BOTH
    example: Record | None = None
    fields: int = 3

    def __post_init__(self) -> None:
        if self.example is None:
            return
        what = f"the example {self.example.id!r} is not of the task {self.task.name!r}"
        if self.example.facts if self.task.shape == "pairs" else self.example.pairs:
            raise InputError(f"{what}: the task takes {self.task.shape}")
        asked = [] if self.level is Level.WORD else [(self.example.label, self.task.labels)]
        if self.level is not Level.TEXT:
            at = 0 if self.task.shape == "pairs" else 1
            asked += [(item[at], self.task.item_labels) for item in self.example.items]
        for label, known in asked:
            if not label or (known is not None and label not in known):
                raise InputError(f"{what}: {label!r} is none of its labels")
        if any(len(fact.fields) > self.fields for fact in self.example.facts):
            raise InputError(f"{what}: it has a fact of more than {self.fields} fields")

    @property
    def version(self) -> str:
        """What tells this prompt from every other: a digest of all that is sent but the text."""
        return digest(self.messages(""), self.schema)

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON schema of an answer, None where it is the completion line."""
        if not self.structured:
            return None
        return jsonform.schema(self.task, self.level, fields=self.fields)

    def messages(self, text: str) -> Messages:
        """Return the messages that ask for the annotation of a text."""
        asked = ("user", prompt.input_text(text, self.task, self.level))
        if self.example is None:
            return ("system", self._instruction()), asked
        return (
            ("system", self._instruction()),
            ("user", prompt.input_text(self.example.text, self.task, self.level)),
            ("assistant", self._answer(self.example)),
            asked,
        )

    def question(self, text: str, *, max_tokens: int = 512) -> Question:
        """Return the question for a text."""
        return Question(self.messages(text), schema=self.schema, max_tokens=max_tokens)

    # ------------------------------------------------------------ words

    def _instruction(self) -> str:
        words = WORDS.get(self.task.lang, WORDS["en"])
        told = [words.asked[self.level.value], words.given.format(word=self.task.word)]
        if self.level is not Level.TEXT:
            told.append(words.item[self.task.shape])
        if self.level is not Level.WORD:
            told.append(_labels(words, "text", self.task.labels))
        if self.level is not Level.TEXT:
            told.append(_labels(words, self.task.shape, self.task.item_labels))
        how = self._json_form(words) if self.structured else self._line_form(words)
        return f"{words.gap.join(told)}\n{how}"

    def _line_form(self, words: Words) -> str:
        label = "" if self.level is Level.WORD else words.names["text"][0]
        bare = f"{label}/{self.task.word}/"
        if self.level is Level.TEXT:
            return words.line.format(form=bare)
        item = ":" + ";".join(words.names[self.task.shape])
        without = words.bare.format(form=bare)
        return f"{words.line.format(form=bare + 2 * item)}\n{without}"

    def _json_form(self, words: Words) -> str:
        form = jsonform.form(self.task, self.level, fields=self.fields)
        return words.json.format(form=_json(form))

    def _answer(self, example: Record) -> str:
        if not self.structured:
            return prompt.target(example, self.task, self.level)
        return _json(jsonform.values(example, self.task, self.level, fields=self.fields))


def example_among(records: Iterable[Record], task: Task) -> Record | None:
    """Return the record to show as a solved example: of the first ones, the first that will do.

    It is of the task, has a label and two items (else one, else none), is not long, and needs no
    escape, of which no instruction tells. None where no record will do.
    """
    fitting = [record for record in islice(records, EXAMPLE_RECORDS) if _will_do(record, task)]
    for items in (2, 1, 0):
        for record in fitting:
            if len(record.items) >= items:
                return record
    return None


def _will_do(record: Record, task: Task) -> bool:
    if record.task not in ("", task.name) or len(record.text) > EXAMPLE_CHARS:
        return False
    try:
        ChatPrompt(task, example=record)
    except InputError:
        return False
    return not codec.needs_escape(record, task)


def _labels(words: Words, which: str, labels: tuple[str, ...] | None) -> str:
    if labels is None:
        return words.open[which]
    return words.closed[which].format(labels=words.comma.join(labels))


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
