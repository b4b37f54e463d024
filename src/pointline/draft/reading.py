"""Reading what a translator wrote: JSON, broken JSON, or nothing of use. Nothing here raises."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pointline.format.text import fold
from pointline.model.chat.answers import json_object, whole, without_thoughts

__all__ = ["Reading", "read", "strings"]

_DECODER = json.JSONDecoder(strict=False)  # models put bare line breaks into strings
_GAP = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Reading:
    """A translated text, and the words that stand for each entity by the entity as it was asked.

    `mended` marks one that was read from broken JSON or none, `uneven` one whose entities were not
    as many as were asked for, or not in that order: nobody knows which is which, and none is taken.
    """

    text: str
    entities: Mapping[str, str]
    mended: bool = False
    uneven: bool = False


def read(answer: str, asked: tuple[str, ...], *, plain: bool = False) -> Reading | None:
    """Return the translation that an answer holds, None where it holds none.

    `plain` takes a paragraph without JSON for the text; its entities are left to be asked for.

    >>> read('Sure: {"text": "Autumn in Kyoto", "entities": ["Kyoto"]}', ("京都",))
    Reading(text='Autumn in Kyoto', entities={'京都': 'Kyoto'}, mended=False, uneven=False)
    >>> read('{"text": "Autumn in Kyoto", "entities": ["Ky', ("京都",)).uneven
    True
    """
    found = json_object(answer)
    text = found.get("text") if found is not None else _broken_text(answer)
    if text is None and plain:
        text = _paragraph(answer)
    if not isinstance(text, str) or not text.strip():
        return None
    told = strings(answer, "entities")
    even = told is not None and len(told) == len(asked)
    entities = dict(zip(asked, told or (), strict=True)) if even else {}
    if not even or _crossed(entities):
        return Reading(whole(text).strip(), {}, found is None, bool(asked))
    return Reading(whole(text).strip(), entities, found is None)


def strings(answer: str, name: str) -> list[str] | None:
    """Return the strings of a list in an answer's JSON, broken or not; None where it has none.

    >>> strings('{"labels": ["音楽", "駅"', "labels")
    ['音楽', '駅']
    """
    found = json_object(answer)
    listed = found.get(name) if found is not None else _broken_list(answer, name)
    if not isinstance(listed, list):
        return None
    return [whole(one).strip() if isinstance(one, str) else "" for one in listed]


def _crossed(entities: Mapping[str, str]) -> bool:
    """Tell whether an entity that needs no translation stands where another one was asked for.

    >>> _crossed({"IBM": "柏林", "Berlin": "IBM"}), _crossed({"Ada": "艾达", "Ada 1": "Ada 1"})
    (True, False)
    """
    pairs = [(fold(source).text, fold(told).text) for source, told in entities.items()]
    return any(
        len(source) > 1 and source not in told and source in other and source not in asked
        for source, told in pairs
        for asked, other in pairs
    )


def _paragraph(answer: str) -> str | None:
    told = without_thoughts(answer).strip()
    return None if "{" in told or "\n\n" in told else told


def _broken_text(answer: str) -> str | None:
    begun = _after(answer, "text", '"')
    return None if begun is None else _string(*begun)[0]


def _broken_list(answer: str, name: str) -> list[str] | None:
    begun = _after(answer, name, r"\[")
    if begun is None:
        return None
    told, at = begun
    found: list[str] = []
    at += 1
    while True:
        gap = _GAP.match(told, at)
        string, at = _string(told, gap.end() if gap else at)
        if string is None:
            return found
        found.append(string)


def _after(answer: str, name: str, opening: str) -> tuple[str, int] | None:
    """Return the answer without its thoughts, and where the value of a name begins in it."""
    told = without_thoughts(answer)
    begun = re.search(rf'"{name}"\s*[:：]\s*(?={opening})', told)
    return None if begun is None else (told, begun.end())


def _string(told: str, at: int) -> tuple[str | None, int]:
    """Return the JSON string that begins at a place and where it ends, None where none does."""
    if told[at : at + 1] != '"':
        return None, at
    try:
        value, end = _DECODER.raw_decode(told, at)
    except ValueError:
        return None, at
    return (value, end) if isinstance(value, str) else (None, at)
