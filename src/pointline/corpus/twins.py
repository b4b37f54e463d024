"""Texts that are the same but for width, case, blanks and punctuation; documents tied by them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from pointline.format.text import fold

__all__ = ["groups", "key"]

# Folding changes no more than the case of these characters, so long as no mark follows them;
# everything else goes to `fold` with the character before it, which it may join. Blanks stay until
# the minus signs are told from the hyphens.
_PLAIN = r"!-~ぁ-ゖァ-ヺー一-鿿"
_OTHER = re.compile(rf"[{_PLAIN}]?[^ {_PLAIN}]+")
_BLANK = re.compile(r"\s")
_MINUS = re.compile(r"(?<![^\W_])-(?=\d)")
_MARK = re.compile(r"\W|_")


def key(text: str) -> str:
    """Return what is left of `text.fold(text).text` without control, format and punctuation marks.

    Two kinds of punctuation stay, because they make another number: what is no bracket between two
    digits, and a minus sign, which is a hyphen directly before a digit and directly behind no
    letter or digit. Two texts with one key are twins: no reader would call them different
    examples. A text of nothing but punctuation has the key "".

    >>> key("Ｔｈｅ　Cat!") == key("“the cat”"), key("—。"), key("5 € 😀")
    (True, '', '5€😀')
    >>> key("-5, not 1.5"), key("Covid-19 (5)")
    ('−5not1.5', 'covid195')
    """
    folded = _OTHER.sub(lambda found: _folded(found[0]), _BLANK.sub(" ", text)).casefold()
    if not folded.isprintable():
        folded = "".join(char for char in folded if unicodedata.category(char) not in ("Cc", "Cf"))
    return _MARK.sub(_telling, _MINUS.sub("−", folded).replace(" ", ""))


@lru_cache(maxsize=1 << 14)  # what is folded is mostly a full stop behind one of some thousands
def _folded(part: str) -> str:
    return fold(part).text


def _telling(found: re.Match[str]) -> str:
    """Return a mark that is no punctuation, or that punctuates a number; else nothing."""
    text, start, end = found.string, found.start(), found.end()
    kind = unicodedata.category(found[0])
    if not kind.startswith("P"):
        return found[0]
    between_digits = text[start - 1 : start].isdecimal() and text[end : end + 1].isdecimal()
    return found[0] if between_digits and kind in ("Pc", "Pd", "Po") else ""


def groups(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return for each document the least key among those it shares a text with, by any chain.

    `texts` are pairs (document, folded text), of all languages.

    >>> groups([("a", "x"), ("b", "x"), ("b", "y"), ("c", "y"), ("d", "z")])
    {'a': 'a', 'b': 'a', 'c': 'a', 'd': 'd'}
    """
    parent: dict[str, str] = {}
    holder: dict[str, str] = {}

    def root(document: str) -> str:
        while parent[document] != document:
            parent[document] = parent[parent[document]]
            document = parent[document]
        return document

    for document, text in texts:
        parent.setdefault(document, document)
        one, other = root(document), root(holder.setdefault(text, document))
        parent[max(one, other)] = min(one, other)
    return {document: root(document) for document in parent}
