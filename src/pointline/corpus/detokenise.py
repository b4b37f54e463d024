"""English tokens joined into the text that a person would write, with the place of each token.

Treebanks and entity corpora give sentences as tokens (`do n't`, `-LRB-`, a blank before a comma).
A model should meet natural text, so the tokens are joined; the places of the tokens in the joined
text are kept, which carries every annotation over exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Joined", "detokenise"]

_WRITTEN = {
    "-LRB-": "(",
    "-RRB-": ")",
    "-LSB-": "[",
    "-RSB-": "]",
    "-LCB-": "{",
    "-RCB-": "}",
    "``": '"',
    "''": '"',
    "`": "'",
}
_BRACKETS_LEFT = (")", "]", "}", "-RRB-", "-RSB-", "-RCB-")
_BRACKETS_RIGHT = ("(", "[", "{", "-LRB-", "-LSB-", "-LCB-")
_STOPS = (",", ".", ";", ":", "?", "!", "!?", "?!", "?!?", "..", "...")
_LEFT = frozenset((*_STOPS, *_BRACKETS_LEFT, "%", "''", "n't", "N'T"))
_RIGHT = frozenset((*_BRACKETS_RIGHT, "$", "£", "€", "``", "`"))
_BOTH = frozenset(("/", "::"))
_CLITICS = frozenset(("s", "t", "re", "ve", "m", "ll", "d"))
_ELISIONS = frozenset(("'em", "'til", "'tis", "'twas", "'n", "'n'", "'cause", "'round"))
_COORDINATORS = frozenset(("and", "or", "to", "nor"))

_Side = Literal["left", "right", "both", "none"]


@dataclass(frozen=True, slots=True)
class Joined:
    """The joined text, and the [start, end) of every token in it."""

    text: str
    spans: tuple[tuple[int, int], ...]


def detokenise(tokens: Sequence[str]) -> Joined:
    r"""Join English tokens into natural text.

    >>> detokenise(["It", "is", "n't", "-LRB-", "yet", "-RRB-", "Ada", "'s", "."]).text
    "It isn't (yet) Ada's."
    >>> detokenise(["Ada", ",", "too"]).spans
    ((0, 3), (3, 4), (5, 8))
    """
    quotes = _quotes(tokens)
    sides = [quotes.get(at) or _side(tokens, at) for at in range(len(tokens))]
    text = ""
    spans = []
    for at, token in enumerate(tokens):
        glued = at == 0 or sides[at] in ("left", "both") or sides[at - 1] in ("right", "both")
        start = len(text) if glued else len(text) + 1
        text = text + ("" if glued else " ") + _WRITTEN.get(token, token.replace("\\/", "/"))
        text = text.replace("\\*", "*") if "\\*" in token else text
        spans.append((start, len(text)))
    return Joined(text, tuple(spans))


def _side(tokens: Sequence[str], at: int) -> _Side:
    """Return to which neighbour a token is joined without a blank."""
    token = tokens[at]
    if token in _LEFT:
        return "none" if at == 0 and set(token) == {"."} else "left"
    if token in _RIGHT:
        return "right"
    if token in _BOTH:
        return "both" if 0 < at < len(tokens) - 1 else "none"
    if len(token) > 1 and at > 0 and _leans_left(token):
        return "left"
    return _symbol(tokens, at)


def _leans_left(token: str) -> bool:
    """Say whether it is a clitic (`'s`, `'Brien`) or the second half of a compound (`-based`)."""
    if token[0] in "'’":
        return token[1].isalpha() and token.lower() not in _ELISIONS
    return token[0] == "-" and token[1].isalpha()


def _symbol(tokens: Sequence[str], at: int) -> _Side:
    token = tokens[at]
    before = tokens[at - 1] if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    if token.endswith("-") and token[:-1].isalpha():  # "ex- minister", but "pre- and post-war"
        return "right" if after[:1].isalpha() and after not in _COORDINATORS else "none"
    if token == "+" and "+" in (before, after):  # C + +
        return "left"
    if token == "#":
        return "left" if before == "C" else "right"
    if token == "s" and before.isalpha() and before.islower():  # a plural cut off its word
        return "left"
    return "none"


def _quotes(tokens: Sequence[str]) -> Mapping[int, _Side]:
    """Return how each quotation mark leans that does not show it by its form."""
    sides = _straight(tokens)
    marks = [at for at, token in enumerate(tokens) if token == "'"]
    is_open = False
    for at, token in enumerate(tokens):
        if token == "`":
            is_open = True
        elif token == "'":
            marks = marks[1:]
            sides[at] = _single(tokens, at, is_open=is_open, left=len(marks))
            is_open = sides[at] == "right"
    return sides


def _straight(tokens: Sequence[str]) -> dict[int, _Side]:
    marks = [at for at, token in enumerate(tokens) if token == '"']
    # an odd mark behind a stop closes a quotation that an earlier sentence opened
    closes = bool(len(marks) % 2 and marks[0] and tokens[marks[0] - 1] in (",", ".", "!", "?", "'"))
    last = len(tokens) - 1
    return {at: "left" if (n + closes) % 2 or at == last else "right" for n, at in enumerate(marks)}


def _single(tokens: Sequence[str], at: int, *, is_open: bool, left: int) -> _Side:
    before = tokens[at - 1] if at else ""
    after = tokens[at + 1] if at + 1 < len(tokens) else ""
    if before and after.lower() in _CLITICS:
        return "both"
    if is_open or not after:
        return "left"
    dropped_g = before.endswith("in") and len(before) > 3  # Humin ' and Walkin '
    if dropped_g or (before.endswith(("s", "z", "x")) and left % 2 == 0):
        return "left"
    return "right" if left else "left"
