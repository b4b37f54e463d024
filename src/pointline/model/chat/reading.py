"""From a chat model's answer to a prediction: strictly, or with counted repairs.

Strict reading takes the answer as the papers' scoring does: what is not in the format says
nothing. Blanks at its edges and what stands between <think> marks are no part of an answer; an
entity that is not in the text stays as the model wrote it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Literal

from pointline.errors import FormatError
from pointline.format import codec
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task
from pointline.model.backend import Completion
from pointline.model.chat import jsonform
from pointline.model.chat.answers import is_refusal, json_object, without_thoughts
from pointline.model.chat.prompt import ChatPrompt
from pointline.model.chat.question import Answer
from pointline.model.interpret import interpret
from pointline.model.prompt import Level

__all__ = ["FAULTS", "Fault", "Strictness", "read"]

Strictness = Literal["strict", "lenient"]
Fault = Literal["refused", "empty", "cut off", "not in the format"]

#: Why an answer is a prediction that says nothing: `meta["fault"]` of one whose `ok` is False.
FAULTS: dict[Fault, str] = {
    "refused": "the model declined, or the service did not let it answer",
    "empty": "there is no answer",
    "cut off": "the limit of new tokens ended it",
    "not in the format": "strict reading refuses it, or lenient reading finds nothing in it",
}


def read(
    answer: Answer, record: Record, prompt: ChatPrompt, *, reading: Strictness = "strict"
) -> Prediction:
    """Return what an answer says of a record's text; never raises for what a model wrote.

    The completion is the line that the answer is or, where JSON was asked for, amounts to; of an
    answer that amounts to none it is the answer itself.

    >>> from pointline.format.tasks import task
    >>> ada, ask = Record("1", "scnm-en", "Ada left."), ChatPrompt(task("scnm-en"))
    >>> read(Answer("Society/NER/:people;Ada"), ada, ask).pairs[0].start
    0
    >>> read(Answer("The label is Society."), ada, ask).meta
    {'fault': 'not in the format'}
    """
    text = without_thoughts(answer.text).strip()
    if answer.refusal or answer.finish == "content_filter":
        return _nothing(text or answer.refusal, record, prompt.task, "refused")
    if not text:
        cut = answer.finish == "length"
        return _nothing(text, record, prompt.task, "cut off" if cut else "empty")
    if reading == "strict":
        return _strict(text, record, prompt, cut=answer.finish == "length")
    return _lenient(text, record, prompt, cut=answer.finish == "length")


def _strict(text: str, record: Record, prompt: ChatPrompt, *, cut: bool) -> Prediction:
    task = prompt.task
    line, repairs = _line(_whole_object(text), prompt) if prompt.structured else (text, ())
    if cut:
        return _nothing(line or text, record, task, "cut off")
    if line is None or repairs:
        return _nothing(text, record, task, _kind(text))
    try:
        found = codec.read(line, task, record.text)
    except FormatError:
        return _nothing(text, record, task, _kind(text))
    return Prediction(
        id=record.id,
        task=task.name,
        text=record.text,
        label=found.label,
        pairs=found.pairs,
        facts=found.facts,
        meta=record.meta,
        completion=line,
    )


def _lenient(text: str, record: Record, prompt: ChatPrompt, *, cut: bool) -> Prediction:
    values = json_object(text) if prompt.structured else None
    if values is not None and prompt.level is not Level.TEXT and "items" not in values:
        values = None  # it may be an item of an object that was cut off
    line, repairs = _line(values, prompt)
    if values is not None and _whole_object(text) is None:
        repairs = ("chatter-dropped", *repairs)
    cut = cut and line is None
    found = interpret(Completion(text if line is None else line, cut=cut), record, prompt.task)
    found = replace(found, repairs=(*repairs, *found.repairs))
    if found.ok:
        return found
    return replace(found, meta={**record.meta, "fault": "cut off" if cut else _kind(text)})


def _line(values: dict[str, Any] | None, prompt: ChatPrompt) -> tuple[str | None, tuple[str, ...]]:
    if values is None:
        return None, ()
    return jsonform.line(values, prompt.task, prompt.level, fields=prompt.fields)


def _whole_object(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a text is, None where it is none, more than one, or ambiguous."""
    try:
        values = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; of a name that comes twice, JSON does not say which one is meant."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name comes twice")
    return values


def _kind(text: str) -> Fault:
    return "refused" if is_refusal(text) else "not in the format"


def _nothing(completion: str, record: Record, task: Task, fault: Fault) -> Prediction:
    return Prediction(
        id=record.id,
        task=task.name,
        text=record.text,
        meta={**record.meta, "fault": fault},
        completion=completion,
        ok=False,
    )
