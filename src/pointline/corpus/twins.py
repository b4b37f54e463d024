"""Texts that are the same but for width, case, blanks and punctuation; documents tied by them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pointline.format.text import fold

__all__ = ["groups", "key"]

# Folding changes no more than the case of these characters, so long as no mark follows them;
# everything else goes to `fold` with the character before it, which it may join.
_PLAIN = r" -~\n\r\tぁ-ゖァ-ヺー一-鿿"
_OTHER = re.compile(rf"[{_PLAIN}]?[^{_PLAIN}]+")


def key(text: str) -> str:
    """Return what is left of `text.fold(text).text` without punctuation, control and format marks.

    Two texts with one key are twins: no reader would call them different examples. A text of
    nothing but punctuation has the key "".

    >>> key("Ｔｈｅ　Cat!") == key("“the cat”"), key("—。"), key("5 € 😀")
    (True, '', '5€😀')
    """
    folded = "".join(_OTHER.sub(lambda found: fold(found[0]).text, text).casefold().split())
    return "".join(char for char in folded if unicodedata.category(char)[0] not in "PC")


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
