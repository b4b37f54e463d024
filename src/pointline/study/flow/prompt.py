"""Prompts as named pieces: which characters are text, which information, which mere frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from pointline.errors import InputError
from pointline.format.escape import escape
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.form import TEMPLATES, Form, Level, Order
from pointline.study.flow.settings import FlowConfig

__all__ = ["Asked", "Piece", "Role", "ask", "why_not"]


class Role(IntEnum):
    """What a token is part of: the segments between which flow is counted.

    SPECIAL is what the tokenizer adds (the beginning of text, which draws much attention), LABELS
    a list of the labels, FRAME the words and marks of the template, TEXT the text, INFO the
    information of the other level, TARGET the last token of the prompt, which predicts.
    """

    SPECIAL = 0
    LABELS = 1
    FRAME = 2
    TEXT = 3
    INFO = 4
    TARGET = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a prompt, of one role."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt in pieces, the answer whose first token is the target, and the choices there are.

    `choices` are the answers that a label set allows, the right one among them at `gold`; empty
    where any answer may come.
    """

    pieces: tuple[Piece, ...]
    answer: str
    choices: tuple[str, ...] = ()
    gold: int = 0

    @property
    def text(self) -> str:
        """The whole prompt."""
        return "".join(piece.text for piece in self.pieces)


#: The words of the "digits" prompt; each line's value stands on a line of its own, since a line
#: break is the one separator that hardly any tokenizer merges with what follows.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {"labels": "Labels:", "text": "Text:", "items": "Items:", "label": "Label:"},
    "ja": {"labels": "ラベル一覧：", "text": "文：", "items": "項目：", "label": "ラベル："},
    "zh": {"labels": "标签列表：", "text": "文本：", "items": "条目：", "label": "标签："},
}
_DIGITS = 9  # labels that one digit can tell apart
_FIELD = re.compile(r"\{(text|word|given|label|items)\}")


def why_not(record: Record, task: Task, config: FlowConfig) -> str | None:
    """Return why a record takes no part, None if it does."""
    if not record.text.strip():
        return "no text"
    if not record.label:
        return "no label"
    if not record.items:
        return "no items"
    closed = task.labels if config.direction == "items-to-label" else None
    if closed is not None and record.label not in closed:
        return "label outside the task"
    return None


def ask(record: Record, task: Task, config: FlowConfig) -> Asked:
    r"""Return the prompt for a record.

    Raises InputError where the task's labels are open and the settings need a list of them.

    >>> from pointline.format.record import Pair
    >>> from pointline.format.tasks import task
    >>> ada = Record("1", "scnm-en", "Ada left.", "Society", (Pair("people", "Ada", 0, 3),))
    >>> asked = ask(ada, task("scnm-en"), FlowConfig("label-to-items", prompt="joint"))
    >>> asked.text, asked.answer
    ('Ada left./NER\nSociety/NER/:', 'people')
    """
    to_label = config.direction == "items-to-label"
    if config.prompt == "digits":
        return _digits_label(record, task) if to_label else _digits_items(record, task)
    level = Level.TEXT if to_label else Level.WORD
    given = Level.WORD if to_label else Level.TEXT
    order = Order.ITEMS_FIRST if to_label else Order.LABEL_FIRST
    template = TEMPLATES[config.template]
    if config.prompt == "given":
        pieces = [*_given(record, task, Form(level, given=given, template=template))]
    else:
        pieces = [*_joint(record, task, Form(Level.BOTH, order, template=template))]
    return _asked(pieces, record, task, to_label=to_label)


# ---------------------------------------------------------------- digits


def _digits_label(record: Record, task: Task) -> Asked:
    """Text and items in the prompt, the label's number asked for."""
    if task.labels is None or len(task.labels) > _DIGITS:
        count = "open" if task.labels is None else len(task.labels)
        raise InputError(
            f"task {task.name!r}: digits stand for at most {_DIGITS} labels, this has {count}:"
            " use another prompt (given, joint)"
        )
    words = _WORDS[task.lang]
    numbered = "\n".join(f"{at} {label}" for at, label in enumerate(task.labels, 1))
    pieces = [
        Piece(Role.FRAME, words["labels"] + "\n"),
        Piece(Role.LABELS, numbered),
        Piece(Role.FRAME, f"\n{words['text']}\n"),
        Piece(Role.TEXT, record.text),
        Piece(Role.FRAME, f"\n{words['items']}\n"),
        *_items(record),
        Piece(Role.FRAME, f"\n{words['label']}"),
    ]
    digits = tuple(str(at) for at in range(1, len(task.labels) + 1))
    gold = task.labels.index(record.label)
    return Asked(tuple(pieces), digits[gold], digits, gold)


def _digits_items(record: Record, task: Task) -> Asked:
    """Text and label in the prompt, the first item asked for."""
    words = _WORDS[task.lang]
    pieces = [
        Piece(Role.FRAME, words["text"] + "\n"),
        Piece(Role.TEXT, record.text),
        Piece(Role.FRAME, f"\n{words['label']}\n"),
        Piece(Role.INFO, record.label),
        Piece(Role.FRAME, f"\n{words['items']}"),
    ]
    return _asked(pieces, record, task, to_label=False)


# ---------------------------------------------------------------- the trained forms


def _given(record: Record, task: Task, form: Form) -> Iterator[Piece]:
    """What is shown, then the completion as far as its field."""
    shown = form.template.completion(form.given or Level.TEXT, Order.LABEL_FIRST)
    for name, literal in _parts(form.template.beside):
        if name == "given":
            yield from _filled(shown, record, task)
        else:
            yield from _filled(literal, record, task)
    yield from _opening(form.pattern, record, task, fields=0)


def _joint(record: Record, task: Task, form: Form) -> Iterator[Piece]:
    """The prompt, then the completion as far as its second field."""
    yield from _filled(form.template.alone, record, task)
    yield from _opening(form.pattern, record, task, fields=1)


def _opening(pattern: str, record: Record, task: Task, *, fields: int) -> Iterator[Piece]:
    """The completion before its field of that number; items begin with a mark of their own."""
    for name, literal in _parts(pattern):
        if name in ("label", "items"):
            if fields == 0:
                if name == "items":
                    yield Piece(Role.FRAME, ":")
                return
            fields -= 1
        yield from _filled(literal, record, task)


def _parts(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each field with its spelling, and ("", literal) for what is between."""
    at = 0
    for found in _FIELD.finditer(pattern):
        if found.start() > at:
            yield "", pattern[at : found.start()]
        yield found[1], found[0]
        at = found.end()
    if at < len(pattern):
        yield "", pattern[at:]


def _filled(pattern: str, record: Record, task: Task) -> Iterator[Piece]:
    for name, literal in _parts(pattern):
        if name == "text":
            yield Piece(Role.TEXT, record.text)
        elif name == "label":
            yield Piece(Role.INFO, escape(record.label, label=True))
        elif name == "items":
            yield Piece(Role.FRAME, ":")
            yield from _items(record)
        else:
            yield Piece(Role.FRAME, task.word if name == "word" else literal)


def _items(record: Record) -> Iterator[Piece]:
    """The items as the mix format writes them, without the first mark."""
    for number, item in enumerate(record.items):
        if number:
            yield Piece(Role.FRAME, ":")
        for at, field in enumerate(item):
            if at:
                yield Piece(Role.FRAME, ";")
            yield Piece(Role.INFO, escape(field))


def _asked(pieces: Sequence[Piece], record: Record, task: Task, *, to_label: bool) -> Asked:
    if to_label:
        answer, choices = escape(record.label, label=True), task.labels
    else:
        answer = escape(record.items[0][0])
        choices = task.item_labels if record.pairs else None
    written = tuple(escape(choice, label=to_label) for choice in choices or ())
    if answer not in written:
        return Asked(tuple(pieces), answer)
    return Asked(tuple(pieces), answer, written, written.index(answer))
