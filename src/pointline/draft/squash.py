"""Words without what may differ between two spellings of them, and the way back to the text.

Beyond `format.text.fold`: no accents on Latin letters, no punctuation but in numbers, hiragana as
katakana.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from pointline.format.text import Folded, fold, occurrences

__all__ = ["bounded", "clauses", "find_squashed", "numbers", "same_case", "squash"]

_DROPPED = frozenset("-'\"·・‧•.,、。，()[]{}<>（）［］【】「」『』《》〈〉〔〕:;!?/＝=…~〜_")
_CLAUSES = frozenset(',;:!?()[]、。「」『』【】《》<>"')
_LATIN_WORD = re.compile(r"[0-9A-Za-zÀ-ÖØ-öø-ɏḀ-ỿ０-９Ａ-Ｚａ-ｚ]")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_JOINERS = "\u200d\ufe0e\ufe0fﾞﾟ"
_INNER = frozenset("ーァィゥェォャュョヮッンぁぃぅぇぉゃゅょゎ々")  # no word begins with one
_HIRAGANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}


@lru_cache(maxsize=64)
def squash(text: str) -> Folded:
    """Return a text squashed, with the place in it of every character that is left.

    >>> squash("Ｂｅｙｏｎｃé’s").text, squash("りんご・ジュース").text, squash("1.5-2").text
    ('beyonces', 'リンゴジュース', '1.5-2')
    """
    folded = fold(text)
    kept = []
    for at, char in enumerate(folded.text):
        if char in _DROPPED and not _in_number(folded.text, at):
            continue
        for one in _plain(char):
            kept.append((one, folded.starts[at], folded.ends[at]))
    string = "".join(char for char, _, _ in kept)
    return Folded(string, tuple(s for _, s, _ in kept), tuple(e for _, _, e in kept))


def find_squashed(text: str, string: str) -> list[tuple[int, int]]:
    """Return the places where a text says a string when both are squashed.

    >>> find_squashed("彼はレフ＝トルストイを読む。", "レフ・トルストイ")
    [(2, 10)]
    """
    wanted = squash(string).text
    if not wanted:
        return []
    squashed, places = squash(text), []
    for first in occurrences(squashed.text, wanted):
        last = first + len(wanted) - 1
        start, end = squashed.starts[first], squashed.ends[last]
        cut = (first and squashed.starts[first - 1] == start) or (
            last + 1 < len(squashed.text) and squashed.ends[last + 1] == end
        )
        found = text[start:end]
        same = numbers(found) == numbers(string) and same_case(string, found)
        same = same and clauses(found) <= clauses(string)
        if not cut and same and bounded(text, start, end):
            places.append((start, end))
    return places


def bounded(text: str, start: int, end: int) -> bool:
    """Tell whether neither edge of a place is within a Latin word, a number or a character.

    >>> bounded("party", 1, 4), bounded("艺术art展", 2, 5), bounded("1.5倍", 2, 3)
    (False, True, False)
    """
    return not (_within(text, start) or _within(text, end))


def numbers(text: str) -> tuple[str, ...]:
    """Return the numbers of a text in order, without their thousands' marks.

    >>> numbers("１，０００ of 1.5 m")
    ('1000', '1.5')
    """
    plain = _THOUSANDS.sub("", unicodedata.normalize("NFKC", text))
    return tuple(found[0] for found in _NUMBER.finditer(plain))


def clauses(text: str) -> frozenset[str]:
    """Return the marks in a text that part clauses or enclose them: no name runs over a new one.

    >>> sorted(clauses("好！自然")), sorted(clauses("J. Doe-Ray’s"))
    (['!'], [])
    """
    return frozenset(fold(text).text) & _CLAUSES


def same_case(wanted: str, found: str) -> bool:
    """Tell whether capitals leave open that two strings mean the same: US is not us, nor IT it.

    >>> same_case("IT", "It"), same_case("May", "may"), same_case("harbour", "HARBOUR")
    (False, False, True)
    """
    if len(wanted) > 4 or not wanted.isascii():
        return True
    lowered = wanted[:1].isupper() and found.islower()
    return not lowered and (found.isupper() or not wanted.isupper())


def _within(text: str, at: int) -> bool:
    """Tell whether a word, a number or a character goes on over a place."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if unicodedata.combining(after) or after in _JOINERS or before == "\u200d":
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if after in _INNER and before.isalnum():
        return True
    if _LATIN_WORD.match(before) and _LATIN_WORD.match(after):
        return True
    if after in ".," and before.isdecimal():
        return text[at + 1 : at + 2].isdecimal()
    return before in ".," and after.isdecimal() and text[at - 2 : at - 1].isdecimal()


def _in_number(text: str, at: int) -> bool:
    before, after = text[at - 1 : at] if at else "", text[at + 1 : at + 2]
    if text[at] == "," and _THOUSANDS.match(text, at):
        return False
    return after.isdecimal() and (before.isdecimal() or (text[at] == "-" and not before.isalnum()))


def _plain(char: str) -> str:
    if "a" <= char <= "z" or char > "\u3000":
        return char.translate(_HIRAGANA)
    apart = unicodedata.normalize("NFD", char)
    return "".join(c for c in apart if not unicodedata.combining(c)) or char
