"""Whether two strings are forms of the same words, in English, Japanese or Chinese.

Likeness in letters does not tell: 北京大学 and 南京大学, Austria and Australia, オーストリア and
オーストラリア are more alike than many forms of one word. So what differs has to be one of the ways
in which words of these languages change; a difference of any other kind makes other words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from pointline.corpus.words import wordlist
from pointline.draft.inflection import inflected, negated, without_copula
from pointline.draft.squash import clauses, numbers, same_case, squash

__all__ = ["NUMERALS", "alike", "opening"]

_LETTER = re.compile(r"[a-z]")
_LATIN = re.compile(r"[a-z0-9]+(?:['’][a-z]+)?")
_FILLERS = wordlist(
    "the a an of and for in on at to by 's mr mrs ms dr sir inc ltd co corp llc plc gmbh"
)
_TITLES = wordlist("the a an 's mr mrs ms dr sir inc ltd co corp llc plc gmbh")
_AFFIXES = re.compile(
    r"^(?:株式会社|有限会社|合同会社|お|ご|御)|(?:株式会社|有限公司|公司|集团|先生|女士|小姐|選手|さん|さま|くん"
    r"|ちゃん|たち|達|氏|様|君|(?<=[ァ-ヺー])社|市|県|縣|县|町|镇|村|都|州|省|们|的|了)$"
)
_PARTICLES = str.maketrans("", "", "了过着的地得")
#: Chinese numerals as digits.
NUMERALS = str.maketrans("〇一二三四五六七八九", "0123456789")
_OPENINGS = {"c": "k", "w": "v", "y": "i", "z": "s", **dict.fromkeys("バビベボ", "ヴ"),
             "ブ": "ヴ", "チ": "テ", "ジ": "デ", "ヂ": "デ", "ツ": "ト", "ヅ": "ズ"}  # fmt: skip


def alike(wanted: str, found: str) -> bool:
    """Tell whether two strings are forms of the same words.

    `found` may be shorter by a title, a legal form or a copula, not longer.

    >>> alike("robot", "Robots"), alike("美しい", "美しかった"), alike("诺拉女士", "诺拉")
    (True, True, True)
    >>> alike("Iran", "Iraq"), alike("美しい", "楽しい"), alike("第一次", "第二次")
    (False, False, False)
    """
    one, other = _plain(wanted), _plain(found)
    if numbers(one) != numbers(other) or not same_case(wanted, found):
        return False
    if not clauses(other) <= clauses(one) or (
        _is_name(wanted, found) and not _same_name(one, other)
    ):
        return False
    if not _LETTER.search(one + other):
        return _same_cjk(_bare(one), _bare(other))
    words, others = _LATIN.findall(one), _LATIN.findall(other)
    rest, its_rest = (squash(_LATIN.sub("", string)).text for string in (one, other))
    if bool(words) != bool(others) or not _same_words(words, others):
        return False
    return rest == its_rest or _same_cjk(rest, its_rest) or _only_affixes(rest, its_rest)


def _is_name(wanted: str, found: str) -> bool:
    """Tell whether two strings are single Latin words with a capital: Richards is no Richard."""
    return all(word.isascii() and word.isalpha() and word[0].isupper() for word in (wanted, found))


def _same_name(one: str, other: str) -> bool:
    return _spelled(one) == _spelled(other)


def opening(string: str) -> str:
    """Return what the words that are forms of each other begin with alike, of squashed ones.

    >>> opening("phantom") == opening("fantom"), opening("ヴィーナス") == opening("ビーナス")
    (True, True)
    """
    first = string[:1].translate(NUMERALS)
    if string[:2] == "ph":
        return "f"
    return _OPENINGS.get(first, first)


def _plain(string: str) -> str:
    folded = unicodedata.normalize("NFKC", string).casefold().translate(NUMERALS)
    return "".join(
        unicodedata.normalize("NFKC", apart[0]) if apart[0].isascii() else char
        for char in folded
        if (apart := unicodedata.normalize("NFD", char))
    )


def _bare(string: str) -> str:
    return "".join(char for char in string if char.isalnum() or char in "ー々")


# ---------------------------------------------------------------- Latin words


def _same_words(words: list[str], others: list[str]) -> bool:
    """Tell whether words are the same but for inflection, spelling, order and small words."""
    for edge in (0, -1):
        one, other = words[edge], others[edge]
        if one != other and (other in _FILLERS or one in _FILLERS - _TITLES):
            return False
    left = Counter(word for word in words if word not in _FILLERS)
    for other in others:
        if other in _FILLERS:
            continue
        same = next((word for word in left if left[word] and _same_word(word, other)), None)
        if same is None:
            return False
        left[same] -= 1
    return not left.total() and any(word not in _FILLERS for word in words)


def _same_word(word: str, other: str) -> bool:
    if word == other:
        return True
    if any(char.isdigit() for char in word + other):
        return False
    return not _stems(word).isdisjoint(_stems(other))


_SUFFIXES = (
    ("'s", ""), ("’s", ""), ("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""),
    ("ed", "e"), ("ing", ""), ("ing", "e"), ("ily", "y"), ("ly", ""), ("ly", "le"),
)  # fmt: skip


def _stems(word: str) -> set[str]:
    """Return what a word may be a form of: itself, and without each suffix, as each is spelled."""
    stems = {word}
    for suffix, ending in _SUFFIXES:
        stem = word.removesuffix(suffix) + ending
        if word.endswith(suffix) and len(stem) > 2:
            stems.add(stem)
            doubled = suffix in ("ed", "ing") and not ending and stem[-1] == stem[-2]
            if doubled and len(stem) > 3:
                stems.add(stem[:-1])
    return set(map(_spelled, stems))


_SPELLINGS = ((r"our\b", "or"), (r"tre\b", "ter"), ("y", "i"), ("z", "s"), ("ph", "f"), ("ae", "e"),
              (r"(?<=[^aeiou])h", ""), ("[ck]+", "k"), ("v", "w"))  # fmt: skip


def _spelled(word: str) -> str:
    """Return a word as it may be spelled too: colour and color, Tolstoy and Tolstoi."""
    if len(word) < 5:
        return word
    for pattern, plain in _SPELLINGS:
        word = re.sub(pattern, plain, word)
    return word


# ---------------------------------------------------------------- Japanese and Chinese


def _same_cjk(one: str, other: str) -> bool:
    """Tell whether two strings without Latin words are forms of the same."""
    if not one or not other:
        return False
    return (
        other in (_without_affixes(one), without_copula(one))
        or (len(one) > 1 and _spelled_cjk(one) == _spelled_cjk(other))
        or inflected(one, other)
        or _same_okurigana(one, other)
        or _same_particles(one, other)
        or _turned(one, other)
    )


_KATAKANA = (
    ("ヴァ", "バ"), ("ヴィ", "ビ"), ("ヴェ", "ベ"), ("ヴォ", "ボ"), ("ヴ", "ブ"), ("ティ", "チ"),
    ("ディ", "ジ"), ("トゥ", "ツ"), ("ヂ", "ジ"), ("ヅ", "ズ"), ("ァ", "ア"), ("ィ", "イ"),
    ("ゥ", "ウ"), ("ェ", "エ"), ("ォ", "オ"),
)  # fmt: skip
_LONG = re.compile(r"(?<=[ァ-ヺー]{3})ー(?![ァ-ヺー])")


def _spelled_cjk(string: str) -> str:
    """Return a string as it may be spelled too: ヴィーナス and ビーナス, サーバー and サーバ."""
    string = re.sub(r"(.)々", r"\1\1", squash(string).text)
    string = _LONG.sub("", string)
    for kana, plain in _KATAKANA:
        string = string.replace(kana, plain)
    return string.replace("ー", "") if len(string) > 5 else string


def _without_affixes(string: str) -> str:
    bare = _AFFIXES.sub("", string)
    return bare if len(bare) > 1 else string


def _only_affixes(one: str, other: str) -> bool:
    return not other and _AFFIXES.fullmatch(one) is not None


def _same_particles(one: str, other: str) -> bool:
    """Tell whether Chinese words are the same but for a particle within: 吃饭 and 吃了饭."""
    if one[-1] != other[-1] or one[0] != other[0]:
        return False
    bare = one.translate(_PARTICLES)
    return len(bare) > 1 and bare == other.translate(_PARTICLES)


def _turned(one: str, other: str) -> bool:
    """Tell whether two halves of a name changed places: 田中一郎 and 一郎田中."""
    if len(one) != len(other) or len(one) < 4:
        return False
    return any(one[at:] + one[:at] == other for at in range(2, len(one) - 1))


_HAN = re.compile(r"[一-鿿々]")
_OKURIGANA = re.compile(r"[一-鿿々ぁ-ゖ]+")


def _same_okurigana(one: str, other: str) -> bool:
    """Tell whether two words differ in the kana written between their Han: 取り組み, 取組."""
    han = _HAN.findall(one)
    if len(han) < 2 or han != _HAN.findall(other) or not _OKURIGANA.fullmatch(one + other):
        return False
    tail, its_tail = (re.split(r"[一-鿿々]", string)[-1] for string in (one, other))
    short, long = sorted((tail, its_tail), key=len)
    ends = long.endswith(short) and (len(long) < 2 or len(short) > 0)
    return one[0] == other[0] and ends and negated(one) == negated(other)
