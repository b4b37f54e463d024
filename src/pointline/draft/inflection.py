"""Whether two strings are forms of one Japanese word: one stem, endings of one class.

The classes are those of school grammar: verbs by the row of kana that their endings run through,
する, adjectives in い. Irregular forms are not covered, but for 行った.
"""

from __future__ import annotations

import re

__all__ = ["inflected", "negated", "without_copula"]

_HAN = re.compile(r"[一-鿿々]")
_KANA = re.compile(r"[ぁ-ゖ]*")

_TE = r"(?:[たてだで]|たら|だら|たり|だり|[てで](?:い|は|も|)[るたまつ]\w*|てき[たま]\w*)"
_POLITE = r"(?:ます|ました|まして|ましょう)"
_NOT = r"(?:ません|ませんでした|ない|なく|なくて|なかった|なければ|ず|ずに|ぬ)"
_PASSIVE = rf"(?:れ|られ|せ|させ)(?:る|{_TE}|{_POLITE}|{_NOT})"
_WISH = (
    r"(?:たい|たく|たくて|たかった|そう|そうな|ながら|やすい|やすく|にくい|すぎる|すぎて|すぎた)"
)
_GODAN: tuple[tuple[str, str], ...] = (  # the row, and what it is before た
    ("かきくけこ", "[いっ]"),
    ("がぎぐげご", "い"),
    ("さしすせそ", "し"),
    ("たちつてと", "っ"),
    ("なにぬねの", "ん"),
    ("ばびぶべぼ", "ん"),
    ("まみむめも", "ん"),
    ("らりるれろ", "っ"),
    ("わいうえお", "っ"),
)


def _godan(row: str, before_ta: str) -> str:
    a, i, u, e, o = tuple(row)
    return (
        rf"{u}|{i}|{i}{_POLITE}|{i}{_NOT}|{i}{_WISH}|{a}{_NOT}|{a}{_PASSIVE}|{e}ば|{e}る|{e}{_TE}"
        rf"|{e}{_POLITE}|{e}{_NOT}|{o}う|{before_ta}{_TE}"
    )


_CLASSES = tuple(
    re.compile(endings)
    for endings in (
        rf"する|すれば|し|し{_TE}|し{_POLITE}|し{_NOT}|し{_WISH}|さ{_PASSIVE}|でき(?:る|{_TE}|{_POLITE})",
        r"い|く|くて|さ|き|そう|そうな|かった|ければ|くな(?:い|く|くて|かった|ければ)|すぎ(?:る|て|た)",
        rf"る|れば|よう|ろ|{_TE}|{_POLITE}|{_NOT}|{_WISH}|{_PASSIVE}",
        *(_godan(*row) for row in _GODAN),
    )
)
_COPULA = re.compile(r"(?:な|に|だ|だった|です|でした|である|であった)$")
_NEGATION = re.compile(r"(?:な(?:い|くて?|かった|ければ)|ません|ませんでした|ず|ずに|ぬ)$")


def inflected(one: str, other: str) -> bool:
    """Tell whether two strings are forms of one word, both affirmed or both negated.

    >>> inflected("楽しむ", "楽しみました"), inflected("生きる", "生まれる")
    (True, False)
    >>> inflected("楽しい", "楽しくて"), inflected("楽しい", "楽しくない")
    (True, False)
    """
    shared = 0
    while shared < min(len(one), len(other)) and one[shared] == other[shared]:
        shared += 1
    if negated(one) != negated(other):
        return False
    return any(
        _is_stem(one[:cut]) and _same_class(one[cut:], other[cut:]) for cut in range(shared, 0, -1)
    )


def negated(word: str) -> bool:
    """Tell whether a word ends in a negation."""
    return _NEGATION.search(word) is not None


def without_copula(word: str) -> str:
    """Return an adjective in な without what follows its stem.

    >>> without_copula("静かだった"), without_copula("海")
    ('静か', '海')
    """
    bare = _COPULA.sub("", word)
    return bare if len(bare) > 1 else word


def _is_stem(stem: str) -> bool:
    return len(stem) > 1 or _HAN.match(stem) is not None


def _same_class(ending: str, other: str) -> bool:
    if not (ending and other and _KANA.fullmatch(ending + other)):
        return False
    return any(one.fullmatch(ending) and one.fullmatch(other) for one in _CLASSES)
