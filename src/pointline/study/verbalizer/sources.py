"""Where label words come from: the labels' own names, the items of records, lists of related words.

A source is named in one string: `label`, `items` (of the training records), `items:shots` (of the
few labelled records of a run alone), `related` (the lists that come with pointline),
`related:PATH` (a file, or a folder with TASK.json). `a+b` is both.

A list is a JSON object, each class with its words: {"Nature": ["river", "forest"], ...}. It may
have more classes than a task; `PACKAGED` says which come with pointline.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from pointline.corpus import words as tagging
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.study.verbalizer import verbalizer as step
from pointline.study.verbalizer.verbalizer import Verbalizer

__all__ = [
    "PACKAGED",
    "Listed",
    "Source",
    "item_words",
    "label_words",
    "listed",
    "packaged",
    "related_words",
]

#: The lists of 100 words a class that come with pointline, by family; each in three languages.
PACKAGED = ("scnm", "scpos", "tcree", "open-tcree")

_CONTENT = frozenset(("adjective", "noun", "name", "verb"))
_KINDS = ("label", "items", "items:shots", "related")


@dataclass(frozen=True, slots=True)
class Listed:
    """A list as it was read: its words, its file, and the SHA-256 of that in hexadecimal."""

    verbalizer: Verbalizer
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a verbalizer's words come from; `name` is as it was written.

    Raises InputError for a name that is none.

    >>> Source("label+items:shots").drawn, Source("items").drawn
    (True, False)
    """

    name: str

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in _KINDS and not re.match("related:.", part):
                told = ", ".join((*_KINDS, "related:PATH"))
                raise InputError(f"no verbalizer {part!r}: choose of {told}, or join them by +")

    @property
    def parts(self) -> tuple[str, ...]:
        """The sources that are joined."""
        return tuple(self.name.split("+"))

    @property
    def drawn(self) -> bool:
        """Whether its words differ with the labelled records of a run."""
        return "items:shots" in self.parts

    @property
    def of_items(self) -> bool:
        """Whether its words are those of items, some of them at least."""
        return any(part.startswith("items") for part in self.parts)

    def lists(self, task: Task, *, count: int = 100) -> dict[str, Listed]:
        """Return the lists that it names, read, by the part that names each.

        Raises InputError as `listed` does.
        """
        return {
            part: listed(task, part.partition(":")[2] or None, count=count)
            for part in self.parts
            if part.startswith("related")
        }

    def verbalizer(
        self,
        task: Task,
        train: Sequence[Record],
        shots: Sequence[Record],
        *,
        count: int = 100,
        lists: Mapping[str, Listed] | None = None,
    ) -> Verbalizer:
        """Return the verbalizer of a task, at most `count` words a class from each source.

        `lists` are those that were read before (read now if not given).

        Raises InputError where a source has no words for a class of the task.
        """
        ready = self.lists(task, count=count) if lists is None else lists
        found = [
            ready[part].verbalizer if part in ready else _one(part, task, train, shots, count)
            for part in self.parts
        ]
        joined = step.expand(*found) if len(found) > 1 else found[0]
        return replace(joined, name=self.name)


def _one(
    part: str, task: Task, train: Sequence[Record], shots: Sequence[Record], count: int
) -> Verbalizer:
    if part == "label":
        return label_words(task)
    return item_words(shots if part == "items:shots" else train, task, count=count)


def _classes(task: Task) -> tuple[str, ...]:
    if not task.labels:
        raise InputError(f"task {task.name!r} has open labels: a verbalizer needs a closed set")
    return task.labels


# ---------------------------------------------------------------- labels


def label_words(task: Task) -> Verbalizer:
    """Return the verbalizer in which every class has its own name as its only word.

    Raises InputError for a task with open labels.

    >>> from pointline.format.tasks import task
    >>> label_words(task("scnm-zh")).words
    ('社会', '文艺', '学术', '技术', '自然')
    """
    return step.of("label", {label: [label] for label in _classes(task)})


# ---------------------------------------------------------------- items


def item_words(records: Iterable[Record], task: Task, *, count: int = 100) -> Verbalizer:
    """Return the most frequent words of the items, by the label of their record.

    Entities (of facts: all fields but the second) are taken apart by the tagger of the task's
    language; adjectives, nouns, names and verbs count, by their dictionary form. A word of several
    classes stays with the one in which its share is largest (`unshared`); of the rest the `count`
    most frequent are taken, each of weight 1. A class without a word of its own, as happens with
    few records, has its name.

    Raises InputError for open labels, MissingExtra without the language's tagger.
    """
    names = {label: label for label in _classes(task)}
    counts: dict[str, Counter[str]] = {label: Counter() for label in names}
    for record in records:
        if record.label in counts:
            counts[record.label].update(_words_of(record, task.lang))
    ordered = {
        label: dict(sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))) or {label: 1}
        for label, found in counts.items()
    }
    own = step.unshared(step.of("items", ordered), last=names)
    return step.even(step.top(own, count))


def _words_of(record: Record, lang: str) -> Iterator[str]:
    for entity in _entities(record):
        for word in tagging.words(entity, lang):
            if word.kind not in _CONTENT:
                continue
            surface = word.forms[0]
            if lang == "en":
                form = surface if word.kind == "name" or surface.isupper() else surface.lower()
            else:
                form = word.forms[1] if len(word.forms) > 1 else surface
            if len(form) > 1 or not form.isascii():
                yield form


def _entities(record: Record) -> Iterator[str]:
    yield from (pair.entity for pair in record.pairs)
    for fact in record.facts:
        yield from (field for at, field in enumerate(fact.fields) if at != 1)


# ---------------------------------------------------------------- related words


def related_words(task: Task, path: str | Path | None = None, *, count: int = 100) -> Verbalizer:
    """Return the first `count` words a class of a list: a file, a folder with TASK.json, or ours.

    Raises InputError where the list is missing, is none, or lacks a class of the task.
    """
    return listed(task, path, count=count).verbalizer


def listed(task: Task, path: str | Path | None = None, *, count: int = 100) -> Listed:
    """Return a list as `related_words` takes it, with the file that it was read from.

    Raises InputError as `related_words` does.
    """
    read = _ours(task) if path is None else _read(Path(path).expanduser(), task)
    lacking = [label for label in _classes(task) if not read.words.get(label)]
    if lacking:
        raise InputError(f"{read.file}: no words for {lacking[0]!r}, a class of {task.name}")
    words = {label: read.words[label][:count] for label in _classes(task)}
    return Listed(step.of("related", words), read.file, read.sha256)


def packaged(family: str, lang: str) -> Mapping[str, Sequence[str]]:
    """Return one of the lists that come with pointline: the words of each class.

    Raises InputError for a family or language that has none.
    """
    return dict(_packaged(family, lang).words)


@dataclass(frozen=True, slots=True)
class _File:
    words: Mapping[str, tuple[str, ...]]
    file: str
    sha256: str


@cache
def _packaged(family: str, lang: str) -> _File:
    file = files("pointline.study.verbalizer").joinpath("words", f"{family}-{lang}.json")
    if not file.is_file():
        raise InputError(f"no list of words for {family!r} in {lang!r}: name a file of your own")
    return _parsed(file.read_bytes(), file.name)


def _ours(task: Task) -> _File:
    """Return the list whose classes are those of the task, whatever it is called."""
    for family in PACKAGED if task.lang in ("en", "ja", "zh") else ():
        found = _packaged(family, task.lang)
        if set(_classes(task)) <= set(found.words):
            return found
    raise InputError(
        f"no list comes with pointline for the classes of {task.name}: name a file, related:FILE"
    )


def _read(path: Path, task: Task) -> _File:
    file = path / f"{task.name}.json" if path.is_dir() else path
    try:
        return _parsed(file.read_bytes(), str(file))
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror})") from None


def _parsed(content: bytes, place: str) -> _File:
    try:
        values = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{place}: not JSON: {error}") from None
    return _File(_checked(values, place), place, hashlib.sha256(content).hexdigest())


def _checked(values: Any, place: str) -> dict[str, tuple[str, ...]]:
    """Return words by class; a word that a class has twice counts once."""
    if not isinstance(values, dict) or not values:
        raise InputError(f"{place}: label words are a JSON object of lists: class to words")
    for label, words in values.items():
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise InputError(f"{place}: the words of {label!r} are a list of strings")
        if not all(map(str.strip, words)):
            raise InputError(f"{place}: a word of {label!r} is empty: take it out")
    return {c: tuple(dict.fromkeys(w.strip() for w in words)) for c, words in values.items()}
