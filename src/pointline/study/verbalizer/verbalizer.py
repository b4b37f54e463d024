"""Verbalizers: which words stand for which class. Values, and pure steps from one to another."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pointline.errors import InputError

__all__ = ["LabelWord", "Verbalizer", "even", "expand", "of", "top", "unshared", "without"]

#: Which of the classes that share a word keeps it.
Keep = Literal["none", "heaviest"]


@dataclass(frozen=True, slots=True)
class LabelWord:
    """A word that stands for a class; `weight` is above 0, and 1 where all words are alike.

    Raises InputError for an empty word, blanks at its edges, or a weight that is none.
    """

    text: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not self.text or self.text != self.text.strip():
            raise InputError(f"the label word {self.text!r} is empty or has blank edges")
        if not (self.weight > 0 and math.isfinite(self.weight)):
            raise InputError(f"the weight of {self.text!r} is above 0, got {self.weight!r}")


@dataclass(frozen=True, slots=True)
class Verbalizer:
    """The label words of every class, by class; `name` is what tables call it.

    Raises InputError where there are less than two classes, a class has no word or one twice.

    >>> of("demo", {"Nature": ["river", "forest"], "Society": ["law"]}).words
    ('river', 'forest', 'law')
    """

    name: str
    classes: Mapping[str, tuple[LabelWord, ...]]

    def __post_init__(self) -> None:
        if len(self.classes) < 2:
            raise InputError(f"verbalizer {self.name!r}: two classes or more are told apart")
        for label, words in self.classes.items():
            if not words:
                raise InputError(f"verbalizer {self.name!r}: class {label!r} has no label word")
            twice = [w for w, count in Counter(word.text for word in words).items() if count > 1]
            if twice:
                raise InputError(f"verbalizer {self.name!r}: {twice[0]!r} is twice in {label!r}")

    @property
    def words(self) -> tuple[str, ...]:
        """Every label word once, in the order of the classes."""
        return tuple(dict.fromkeys(w.text for words in self.classes.values() for w in words))

    def texts(self) -> dict[str, tuple[str, ...]]:
        """Return the words of each class, without their weights."""
        return {label: tuple(w.text for w in words) for label, words in self.classes.items()}

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Return the weight of each word, by class, as JSON-ready values."""
        return {c: {w.text: w.weight for w in words} for c, words in self.classes.items()}


def of(name: str, classes: Mapping[str, Iterable[str] | Mapping[str, float]]) -> Verbalizer:
    """Return the verbalizer of words by class: strings that are all alike, or words with weights.

    Raises InputError as `Verbalizer` does.
    """
    return Verbalizer(
        name,
        {
            label: tuple(
                LabelWord(w, words[w]) if isinstance(words, Mapping) else LabelWord(w)
                for w in words
            )
            for label, words in classes.items()
        },
    )


# ---------------------------------------------------------------- steps


def expand(first: Verbalizer, *others: Verbalizer) -> Verbalizer:
    """Return a verbalizer with the words of all; of a word that several have, the first's weight.

    Raises InputError where the classes are not the same.

    >>> one, two = of("a", {"x": "p", "y": "q"}), of("b", {"x": "pr", "y": "s"})
    >>> both = expand(one, two)
    >>> both.name, [word.text for word in both.classes["x"]]
    ('a+b', ['p', 'r'])
    """
    for other in others:
        if set(other.classes) != set(first.classes):
            raise InputError(f"{first.name!r} and {other.name!r} are not of the same classes")
    joined: dict[str, dict[str, LabelWord]] = {label: {} for label in first.classes}
    for verbalizer in (first, *others):
        for label, words in verbalizer.classes.items():
            for word in words:
                joined[label].setdefault(word.text, word)
    name = "+".join(verbalizer.name for verbalizer in (first, *others))
    return Verbalizer(name, {label: tuple(found.values()) for label, found in joined.items()})


def unshared(
    verbalizer: Verbalizer, *, keep: Keep = "heaviest", last: Mapping[str, str] | None = None
) -> Verbalizer:
    """Return a verbalizer in which no word stands for two classes.

    "none" drops what classes share. "heaviest" leaves a word to the class in which its share of
    the class's weight is largest, and drops it where that is a tie. `last` is the word that a
    class gets which has none left.

    Raises InputError where a class has no word left, and no last one.

    >>> found = unshared(of("v", {"x": {"hotel": 3, "nice": 1}, "y": {"hotel": 1, "dirty": 9}}))
    >>> [[word.text for word in words] for words in found.classes.values()]
    [['hotel', 'nice'], ['dirty']]
    """
    shares: dict[str, dict[str, float]] = {}
    for label, words in verbalizer.classes.items():
        total = sum(word.weight for word in words)
        for word in words:
            shares.setdefault(word.text, {})[label] = word.weight / total
    owners = {text: _owner(found, keep) for text, found in shares.items()}
    kept = {
        label: tuple(word for word in words if owners[word.text] == label)
        for label, words in verbalizer.classes.items()
    }
    spare = {label: (LabelWord(word),) for label, word in (last or {}).items()}
    return replace(
        verbalizer, classes={label: kept[label] or spare.get(label, ()) for label in kept}
    )


def _owner(shares: Mapping[str, float], keep: Keep) -> str | None:
    most = max(shares.values())
    heaviest = [label for label, share in shares.items() if share == most]
    if len(shares) > 1 and (keep == "none" or len(heaviest) > 1):
        return None
    return heaviest[0]


def top(verbalizer: Verbalizer, count: int) -> Verbalizer:
    """Return the `count` heaviest words of every class, the first of equals first.

    >>> top(of("v", {"x": {"a": 1, "b": 2, "c": 2}, "y": ["d"]}), 2).classes["x"][0].text
    'b'
    """
    ranked = {
        label: tuple(sorted(words, key=lambda word: -word.weight)[:count])
        for label, words in verbalizer.classes.items()
    }
    return replace(verbalizer, classes=ranked)


def even(verbalizer: Verbalizer) -> Verbalizer:
    """Return the same words, all of weight 1."""
    return of(verbalizer.name, verbalizer.texts())


def without(verbalizer: Verbalizer, words: Collection[str]) -> Verbalizer:
    """Return a verbalizer without these words.

    Raises InputError where a class has no word left.
    """
    return replace(
        verbalizer,
        classes={
            label: tuple(word for word in kept if word.text not in words)
            for label, kept in verbalizer.classes.items()
        },
    )
