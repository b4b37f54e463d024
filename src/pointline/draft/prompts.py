"""What a chat model is asked, word for word. A prompt's version is a digest of all its words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointline.errors import InputError
from pointline.format.record import Pair, Record
from pointline.format.tasks import LANGUAGES, Lang
from pointline.model.chat.question import Question, digest

__all__ = ["LabelPrompt", "TranslationPrompt"]

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


# ---------------------------------------------------------------- translation

_TRANSLATE = (
    "You translate an annotated corpus from {source} into {target}. Every question is a JSON"
    " object: a text, and the entities that are marked in it. Translate the whole text into natural"
    " {target}; leave nothing out and add nothing. Every entity stays in the text."
    " Then give for each entity, in the order in which they are listed, the words that stand for it"
    " in your translation, copied character for character."
)
_TRANSLATED = 'Answer with JSON and nothing else: {"text": "...", "entities": ["...", ...]}'
_FIND = (
    "You find the entities of a {source} text in its {target} translation. Every question is a JSON"
    " object: the text, its translation, and entities of the text. Give for each entity, in the"
    " order in which they are listed, the words that stand for it in the translation, copied from"
    ' it character for character; "" where nothing stands for it.'
)
_FOUND = 'Answer with JSON and nothing else: {"entities": ["...", ...]}'
_NAME = (
    "You translate the labels of a corpus from {source} into {target}. Every question is a JSON"
    ' object: labels, and under "known" labels that were translated before, whose words you use'
    " again. Give for each label, in the order in which they are listed, a short {target} term: no"
    " sentence, no explanation, another term for another label."
)
_NAMED = 'Answer with JSON and nothing else: {"labels": ["...", ...]}'

# Written for pointline: one small event in three languages, the entities as they are in each.
_EVENT: dict[str, tuple[str, dict[str, str]]] = {
    "en": (
        "On Sunday Nora Vinter opened a small bakery, the Blue Oven, near the harbour of Skarvik.",
        {"who": "Nora Vinter", "what": "Blue Oven", "where": "Skarvik"},
    ),
    "ja": (
        "日曜日、ノラ・ヴィンテルさんがスカルヴィクの港の近くに小さなパン屋「青い窯」を開いた。",
        {"who": "ノラ・ヴィンテル", "what": "青い窯", "where": "スカルヴィク"},
    ),
    "zh": (
        "星期天，诺拉·温特在斯卡维克港附近开了一家名叫“蓝炉”的小面包店。",
        {"who": "诺拉·温特", "what": "蓝炉", "where": "斯卡维克"},
    ),
}
_TERMS: dict[str, tuple[str, str, str]] = {
    "en": ("music festival", "music", "railway station"),
    "ja": ("音楽祭", "音楽", "鉄道駅"),
    "zh": ("音乐节", "音乐", "火车站"),
}

Messages = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TranslationPrompt:
    """Asks for a text and its entities in another language, behind one solved example.

    Three questions: `question` for a text with its entities, `missing` for the entities that are
    not found in the translation, `labels` for labels that no table has.

    Raises InputError for a language that is none of the three, and for one into itself.

    >>> TranslationPrompt("ja", "en").messages("京都の秋", ["京都"])[-1][1]
    '{"text": "京都の秋", "entities": ["京都"]}'
    """

    source: str
    target: str

    def __post_init__(self) -> None:
        for lang in (self.source, self.target):
            if lang not in LANGUAGES:
                raise InputError(f"a language is one of {', '.join(LANGUAGES)}, got {lang!r}")
        if self.source == self.target:
            raise InputError(f"the texts are {LANGUAGES[self.source]}: choose another language")

    @property
    def version(self) -> str:
        """What tells this prompt from every other: a digest of all that it says."""
        return digest(self.shown(), _strings("text", "entities"), _strings("labels"))

    def shown(self) -> dict[str, Messages]:
        """Return the messages of the three questions, without what is asked of a record."""
        return {
            "translate": self.messages("", ())[:-1],
            "missing": self.missing("", "", ()).messages[:-1],
            "labels": self.labels((), {}).messages[:-1],
        }

    def messages(self, text: str, entities: Sequence[str]) -> Messages:
        """Return the messages that ask for a text and its entities in the other language."""
        shown = _EVENT[self.source][0], [entity for entity, _ in self._links()]
        solved = {"text": _EVENT[self.target][0], "entities": [to for _, to in self._links()]}
        return (
            ("system", f"{self._told(_TRANSLATE)}\n{_TRANSLATED}"),
            ("user", _json({"text": shown[0], "entities": shown[1]})),
            ("assistant", _json(solved)),
            ("user", _json({"text": text, "entities": list(entities)})),
        )

    def question(self, text: str, entities: Sequence[str], *, draw: int = 0) -> Question:
        """Return the question for a text; draws after the first are at a temperature."""
        return Question(
            self.messages(text, entities),
            schema=_strings("text", "entities"),
            temperature=0.5 if draw else 0.0,
            max_tokens=_room(text, *entities),
            draw=draw,
        )

    def missing(self, text: str, translation: str, entities: Sequence[str]) -> Question:
        """Return the question for the entities that were not found in the translation."""
        first, *_, last = self._links()
        example = {
            "text": _EVENT[self.source][0],
            "translation": _EVENT[self.target][0],
            "entities": [last[0], first[0]],
        }
        asked = {"text": text, "translation": translation, "entities": list(entities)}
        messages = (
            ("system", f"{self._told(_FIND)}\n{_FOUND}"),
            ("user", _json(example)),
            ("assistant", _json({"entities": [last[1], first[1]]})),
            ("user", _json(asked)),
        )
        return Question(messages, schema=_strings("entities"), max_tokens=_room(*entities))

    def labels(self, labels: Sequence[str], known: Mapping[str, str]) -> Question:
        """Return the question for labels that no table has; `known` ones were asked before."""
        one, word, other = _TERMS[self.source]
        told, its_word, another = _TERMS[self.target]
        messages = (
            ("system", f"{self._told(_NAME)}\n{_NAMED}"),
            ("user", _json({"labels": [one, other], "known": {word: its_word}})),
            ("assistant", _json({"labels": [told, another]})),
            ("user", _json({"labels": list(labels), "known": dict(known)})),
        )
        return Question(messages, schema=_strings("labels"), max_tokens=_room(*labels))

    def _told(self, words: str) -> str:
        return words.format(source=LANGUAGES[self.source], target=LANGUAGES[self.target])

    def _links(self) -> list[tuple[str, str]]:
        """Return the example's entities in both languages, in the order of the source text."""
        text, entities = _EVENT[self.source]
        order = sorted(entities, key=lambda role: text.index(entities[role]))
        return [(entities[role], _EVENT[self.target][1][role]) for role in order]


def _room(*texts: str) -> int:
    """Return the tokens that an answer may take: a model that never ends must be cut off."""
    return 256 + 4 * sum(map(len, texts))


def _strings(*names: str) -> dict[str, Any]:
    """Return the schema of an object of lists of strings; "text" is a string."""
    strings = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": {name: {"type": "string"} if name == "text" else strings for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False)
