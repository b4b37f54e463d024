"""Related words written by a chat model: one question a class, the list as a file for `related:`.

That is how the papers made the lists that they compare with ("origin KV"). A file keeps the list,
so that a study can be repeated without the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pointline.errors import InputError, NoAnswer
from pointline.format.tasks import LANGUAGES, Task
from pointline.model.chat.answers import json_object
from pointline.model.chat.client import Client
from pointline.model.chat.question import Question

__all__ = ["ask_words", "question"]

_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"words": {"type": "array", "items": {"type": "string"}}},
    "required": ["words"],
    "additionalProperties": False,
}


def question(task: Task, label: str, *, count: int = 100) -> Question:
    """Return the question for one class's words.

    Raises InputError for a task with open labels or without this one.
    """
    if label not in (task.labels or ()):
        raise InputError(f"{label!r} is no label of {task.name}")
    lang = LANGUAGES.get(task.lang, task.lang)
    others = ", ".join(other for other in task.labels or () if other != label)
    asked = (
        f"Texts are sorted into classes. Write the {count} {lang} words that go most with the class"
        f' "{label}" and not with the other classes ({others}), the closest first. Single words, no'
        ' phrases, none twice. Answer with JSON only: {"words": ["...", "..."]}'
    )
    return Question((("user", asked),), schema=_SCHEMA, max_tokens=12 * count + 64)


def ask_words(
    client: Client,
    task: Task,
    *,
    count: int = 100,
    told: Callable[[int, int], None] | None = None,
) -> dict[str, list[str]]:
    """Return at most `count` words for each class of a task, as a list file holds them.

    What a model wrote twice counts once; `told` hears how many classes are done.

    Raises NoAnswer where an answer has no words, InputError for open labels, and as `Client.ask`.
    """
    if not task.labels:
        raise InputError(f"task {task.name!r} has open labels: words are asked for a closed set")

    async def one(label: str) -> tuple[str, list[str]]:
        answer = await client.ask(question(task, label, count=count))
        return label, _words(answer.text, label)[:count]

    found: dict[str, list[str]] = {}
    for label, words in client.work(task.labels, one):
        found[label] = words
        if told:
            told(len(found), len(task.labels))
    return {label: found[label] for label in task.labels}


def _words(text: str, label: str) -> list[str]:
    given = (json_object(text) or {}).get("words")
    strings = [word for word in given if isinstance(word, str)] if isinstance(given, list) else []
    words = list(dict.fromkeys(word.strip() for word in strings if word.strip()))
    if not words:
        raise NoAnswer(f"the model wrote no words for {label!r}: {' '.join(text.split())[:80]!r}")
    return words
