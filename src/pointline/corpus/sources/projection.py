"""Mending mentions that were projected onto a machine translation.

A projected span is a run of tokens. It often takes in the particle after the name, a bracket, or
half a clause. Each rule below has a name, which is how its use is counted.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["CHANGED", "DROPPED", "Mended", "Projected", "Span", "mend"]

_MAX_LENGTH = 20
# a comma between digits is part of a number
_COMMA = re.compile(r"[、，。；;]|(?<![0-9]),|,(?![0-9])")
_GLOSS = re.compile(r"[（(][ -~]+[）)]\Z")
_EDGES = frozenset("「」『』（）()[]［］【】《》〈〉<>\"“”'‘’、，,。；;:：・·-–—―/ 　")
_OPEN = {
    "「": "」",
    "『": "』",
    "（": "）",
    "(": ")",
    "《": "》",
    "【": "】",
    "〈": "〉",
    "［": "］",
}
_CLOSE = {close: opening for opening, close in _OPEN.items()}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Function words that a projected span takes in at its edges, as whole tokens.
_FUNCTION: Mapping[str, frozenset[str]] = {
    "ja": _words(
        """は が を に で と も の へ や か から まで より など として という といった による
        により によって について にとって において における に対し に対して に対する にて では
        には とは への との とともに ように ような よう です ます まし し た て い れ さ する
        した 行わ だ である であっ あっ うち"""
    ),
    "zh": _words("的 在 和 与 及 于 是 了 由 为 被 从 到 对 向 将 把 并 等 以 而 也 都 至 凭借"),
}
#: The same for the end alone.
_TRAILING: Mapping[str, frozenset[str]] = {
    "ja": frozenset(),
    "zh": _words("中 上 里 后 前 时 期间 以来 举行 举办 共同 组成 参与 担任"),
}
#: Particles that end a name when a clause goes on behind them.
_CUTS: Mapping[str, frozenset[str]] = {
    "ja": _words("を は が に も で から として により によって"),
    "zh": frozenset(),
}

#: The rules that change a mention, in their order, and those that drop it.
CHANGED = (
    "shrunk to the source's spelling",
    "cut before a gloss or a half bracket",
    "cut at a comma",
    "cut at a particle",
    "function words or punctuation cut off its edges",
)
DROPPED = (
    "nothing but punctuation or function words left",
    f"longer than {_MAX_LENGTH} characters",
)

#: The languages that Multi-CrossRE projects onto here.
Projected = Literal["ja", "zh"]

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens of a text, each with its [start, end), and the run of them that a mention takes."""

    text: str
    tokens: Sequence[tuple[int, int]]
    first: int
    last: int

    @property
    def start(self) -> int:
        """The first character of the mention."""
        return self.tokens[self.first][0]

    @property
    def end(self) -> int:
        """The end of the mention."""
        return self.tokens[self.last][1]


@dataclass(frozen=True, slots=True)
class Mended:
    """Where the mention is after mending, None where it was dropped; the rules that held."""

    place: tuple[int, int] | None
    rules: tuple[str, ...] = ()


def mend(span: Span, *, lang: Projected, source: str, title: bool = False) -> Mended:
    """Return the mended place of a projected mention.

    `source` is the mention in the text that was translated; `title` marks the title of a work,
    which may hold particles and is not cut at them.

    >>> span = Span("アーダは去った。", [(0, 3), (3, 4), (4, 7), (7, 8)], 0, 1)
    >>> mend(span, lang="ja", source="Ada")
    Mended(place=(0, 3), rules=('function words or punctuation cut off its edges',))
    """
    whole = (span.start, span.end)
    spelled = _spelling(span.text, whole, source)
    if spelled:
        return Mended(spelled, CHANGED[:1] if spelled != whole else ())
    place, rules = whole, []
    for name, step in zip(CHANGED[1:], (_brackets, _comma, _particle, _edges), strict=True):
        if step is _particle and title:
            continue
        after = step(span, place, lang)
        if after != place:
            rules.append(name)
            place = after
    mention = span.text[slice(*place)]
    if not _is_name(mention, lang):
        return Mended(None, (DROPPED[0],))
    return (
        Mended(None, (DROPPED[1],)) if len(mention) > _MAX_LENGTH else Mended(place, tuple(rules))
    )


def _spelling(text: str, place: Place, source: str) -> Place | None:
    """Return where the span holds the source's own spelling, unless that is a gloss in brackets."""
    start, end = place
    at = text.find(source, start, end) if len(source) > 1 and source.isascii() else -1
    if at < 0 or (at > start and text[at - 1] in _OPEN):
        return None
    inside = text[max(0, at - 1) : at] + text[at + len(source) : at + len(source) + 1]
    within_a_word = any(char.isascii() and char.isalnum() for char in inside)
    return None if within_a_word else (at, at + len(source))


def _brackets(span: Span, place: Place, lang: Projected) -> Place:
    del lang
    start, end = place
    mention = span.text[start:end]
    gloss = _GLOSS.search(mention)
    if gloss and gloss.start():
        return start, start + gloss.start()
    opened: list[int] = []
    for at, char in enumerate(mention):
        if char in _OPEN:
            opened.append(at)
        elif char in _CLOSE and opened:
            opened.pop()
        elif char in _CLOSE and at:
            return start, start + at
    if mention.count('"') % 2:
        opened.append(mention.rindex('"'))
    return (start, start + opened[0]) if opened and opened[0] else place


def _comma(span: Span, place: Place, lang: Projected) -> Place:
    del lang
    start, end = place
    found = _COMMA.search(span.text, start + 1, end)
    return (start, found.start()) if found else place


def _particle(span: Span, place: Place, lang: Projected) -> Place:
    start, end = place
    for first, last in span.tokens[span.first + 1 : span.last]:
        if start < first < end and span.text[first:last] in _CUTS[lang]:
            return start, first
    return place


def _edges(span: Span, place: Place, lang: Projected) -> Place:
    start, end = place
    while (place := (start, end)) and start < end:
        if span.text[end - 1] in _EDGES:
            end -= 1
        elif span.text[start] in _EDGES:
            start += 1
        else:
            for first, last in span.tokens[span.first : span.last + 1]:
                word = span.text[first:last]
                if last == end and first > start and word in _FUNCTION[lang] | _TRAILING[lang]:
                    end = first
                if first == start and last < end and word in _FUNCTION[lang]:
                    start = last
        if (start, end) == place:
            break
    return start, end


def _is_name(mention: str, lang: Projected) -> bool:
    if mention in _FUNCTION[lang] or not any(char.isalnum() for char in mention):
        return False
    return len(mention) > 1 or "HIRAGANA" not in unicodedata.name(mention, "")
