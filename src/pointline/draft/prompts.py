"""What a chat model is asked, word for word. A prompt's version is a digest of all its words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pointline.draft.question import Question
from pointline.errors import InputError
from pointline.format.record import Pair, Record
from pointline.format.tasks import LANGUAGES, Lang

__all__ = ["LabelPrompt", "digest"]

_TASK = (
    "You annotate a corpus. Every question is a JSON object: a text, and the items that are marked"
    " in it. Say what the text as a whole is about with one label."
)
_CLOSED = 'Take the label from "labels", spelled as it is there.'
_OPEN = (
    "The label names the topic in one to three words of {language}; it is no sentence, and no name"
    " that stands in the text."
)
_FORM = 'Answer with JSON and nothing else: {"label": "..."}'

# Written for pointline: a text, a place in it, and a label from a small set of its own.
_EXAMPLES: dict[str, tuple[str, tuple[str, str], tuple[str, ...], str]] = {
    "en": (
        "Fog kept the ferry to Skarvik in the harbour for two hours.",
        ("place", "Skarvik"),
        ("cooking", "transport", "health"),
        "transport",
    ),
    "ja": (
        "濃い霧のため、汐見島へ渡るフェリーは二時間遅れて出航した。",
        ("地名", "汐見島"),
        ("料理", "交通", "医療"),
        "交通",
    ),
    "zh": (
        "因为大雾，开往望潮岛的渡轮晚了两个小时才启航。",
        ("地名", "望潮岛"),
        ("烹饪", "交通", "医疗"),
        "交通",
    ),
}


def digest(*words: object) -> str:
    """Return twelve hex digits that tell these words from others."""
    return hashlib.sha256(orjson.dumps(words, option=orjson.OPT_SORT_KEYS)).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class LabelPrompt:
    """Asks for the text-level label of a record, behind one solved example.

    `labels` is the closed set, None an open short label in the language `lang`. Without an
    `example` one that was written for pointline is shown, with a label set of its own.

    Raises InputError for a set without labels, and an example whose label is not in the set.

    >>> LabelPrompt(("a", "b"), "en").question(Record("1", "", "Rain.")).messages[-1][1]
    '{"text": "Rain.", "items": [], "labels": ["a", "b"]}'
    """

    labels: tuple[str, ...] | None
    lang: Lang
    example: Record | None = None

    def __post_init__(self) -> None:
        if self.labels is not None and len(set(self.labels)) < 2:
            raise InputError("a closed set has two labels or more; an open label needs none")
        if self.example is None:
            return
        if not self.example.label:
            raise InputError(f"the example {self.example.id!r} has no label: give it one")
        if self.labels is not None and self.example.label not in self.labels:
            raise InputError(
                f"the example's label {self.example.label!r} is not one of {', '.join(self.labels)}"
            )

    @property
    def version(self) -> str:
        """What tells this prompt from every other: a digest of all that is sent but the record."""
        return digest(self.messages(Record("", "", "")), self.schema)

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema of an answer."""
        label: dict[str, Any] = {"type": "string"}
        if self.labels is not None:
            label["enum"] = list(self.labels)
        return {
            "type": "object",
            "properties": {"label": label},
            "required": ["label"],
            "additionalProperties": False,
        }

    def messages(self, record: Record) -> tuple[tuple[str, str], ...]:
        """Return the messages that ask for the label of a record."""
        own = _EXAMPLES[self.lang]
        if self.example is None:
            text, (kind, place), example_labels, label = own
            pair = Pair(kind, place, text.index(place), text.index(place) + len(place))
            example, listed = Record("", "", text, label, (pair,)), example_labels
        else:
            example, listed = self.example, self.labels or ()
        closed = self.labels is not None
        rule = _CLOSED if closed else _OPEN.format(language=LANGUAGES[self.lang])
        return (
            ("system", f"{_TASK} {rule}\n{_FORM}"),
            ("user", _asked(example, listed if closed else None)),
            ("assistant", json.dumps({"label": example.label}, ensure_ascii=False)),
            ("user", _asked(record, self.labels)),
        )

    def question(self, record: Record, *, draw: int = 0, temperature: float = 0.0) -> Question:
        """Return the question for the label of a record."""
        return Question(
            self.messages(record),
            schema=self.schema,
            temperature=temperature,
            max_tokens=256,
            draw=draw,
            logprobs=True,
        )


def _asked(record: Record, labels: Sequence[str] | None) -> str:
    values: dict[str, Any] = {"text": record.text, "items": [list(item) for item in record.items]}
    if labels is not None:
        values["labels"] = list(labels)
    return json.dumps(values, ensure_ascii=False)
