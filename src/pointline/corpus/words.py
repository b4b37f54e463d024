"""The words of a text with their places and a coarse part of speech: SudachiPy, rjieba, HanTa.

Words stand in the order of the text, do not overlap and leave out nothing but white space; what
is no word (a mark, an emoji) is one of the kind "other". A text is tagged as it is: nothing is
folded before, so `text[word.start:word.end]` is always the word.

The taggers differ in what a word is. Japanese: the long units of Sudachi's dictionary, inflected
words without their auxiliaries. Chinese: the words of jieba's dictionary and no guessed ones,
because a guessed word has a guessed part of speech; the dictionary gives every word one part of
speech, wherever it stands, and the tables here correct it. English: runs of letters and digits with
inner hyphens and apostrophes, without n't and 's, as in the British National Corpus.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from itertools import zip_longest
from typing import Any, Literal

from pointline.errors import InputError, MissingExtra

__all__ = ["Kind", "Word", "tagger", "wordlist", "words"]

#: A coarse part of speech. A name is a proper noun; an affix is written as a word by Sudachi.
Kind = Literal[
    "adjective",
    "noun",
    "name",
    "verb",
    "adverb",
    "affix",
    "determiner",
    "number",
    "particle",
    "other",
]


@dataclass(frozen=True, slots=True)
class Word:
    """A word at [start, end), in code points.

    `forms` are the spellings to look it up by, the text's own first: in Japanese the dictionary
    form and the normal spelling follow (美味しく, 美味しい). `tag` is what the tagger itself says.
    """

    start: int
    end: int
    kind: Kind
    forms: tuple[str, ...]
    tag: str


def tagger(lang: str) -> str:
    """Return the name and version of what tags a language; its dictionary's, where it has one.

    Raises MissingExtra where it is not installed, InputError for another language.
    """
    names = {"en": ["HanTa"], "ja": ["SudachiPy", "SudachiDict-small"], "zh": ["rjieba"]}
    try:
        return ", ".join(f"{name} {metadata.version(name)}" for name in names[_known(lang)])
    except metadata.PackageNotFoundError as error:
        raise MissingExtra(str(error.name), extra="corpora") from None


def wordlist(text: str) -> frozenset[str]:
    """Return the words that stand in a text with white space between them, each once.

    >>> sorted(wordlist("甲 乙"))
    ['乙', '甲']
    """
    return frozenset(text.split())


# Three datasets of one corpus ask for the same texts: each is tagged once.
@lru_cache(maxsize=65536)
def words(text: str, lang: str) -> tuple[Word, ...]:
    """Return the words of a text in English ("en"), Japanese ("ja") or Chinese ("zh").

    Raises MissingExtra where the language's tagger is not installed, InputError for another
    language.

    >>> [(word.forms[-1], word.kind) for word in words("空が美しく、", "ja")]
    [('空', 'noun'), ('が', 'particle'), ('美しい', 'adjective'), ('、', 'other')]
    """
    taggers: Mapping[str, Callable[[str], Iterator[Word]]] = {
        "en": _english,
        "ja": _japanese,
        "zh": _chinese,
    }
    return tuple(taggers[_known(lang)](text))


def _known(lang: str) -> str:
    if lang not in ("en", "ja", "zh"):
        raise InputError(f"no tagger for the language {lang!r}: there are en, ja, zh")
    return lang


# ---------------------------------------------------------------- English

# A word goes on over a combining mark, and over a hyphen, apostrophe, stop or slash between two
# letters or digits; an abbreviation keeps its last stop.
_IN = r"[\ẁ-ͯ]"
_ENGLISH = re.compile(rf"(?:[^\W\d_]\.){{2,}}|{_IN}+(?:[-‐‑'’.&]{_IN}+)*|\S")
_CLITIC = re.compile(r"(?i)(?<=\w)(n['’]t|['’](?:s|re|ve|ll|d|m))$")
_ENGLISH_KINDS: Mapping[str, Kind] = {
    "AJ": "adjective",
    "NN": "noun",
    "NP": "name",
    "AV": "adverb",
    "AT": "determiner",
    "DT": "determiner",
    "DP": "determiner",
    "CR": "number",
    "OR": "number",
    "VV": "verb",
    "VB": "verb",
    "VD": "verb",
    "VH": "verb",
    "VM": "verb",
}


def _english(text: str) -> Iterator[Word]:
    places = [place for found in _ENGLISH.finditer(text) for place in _clitics(found)]
    spellings = [text[start:end] for start, end in places]
    tags = _hanta().tag_sent(spellings, taglevel=0) if spellings else []
    before = "."
    for (start, end), spelling, tag in zip(places, spellings, tags, strict=True):
        is_word = any(char.isalnum() for char in spelling)
        kind = _ENGLISH_KINDS.get(tag[:2], "other") if is_word else "other"
        if kind == "noun" and _is_named(spelling, before):
            kind = "name"
        yield Word(start, end, kind, (spelling,), tag)
        before = spelling


def _is_named(noun: str, before: str) -> bool:
    """Whether a noun has a capital letter that neither a sentence nor emphasis (AWE) gave it."""
    begins = not before[-1].isalnum() and before not in (",", "-", "'", "’", "(")
    return noun[0].isupper() and not begins and not noun.isupper()


def _clitics(found: re.Match[str]) -> list[tuple[int, int]]:
    clitic = _CLITIC.search(found[0])
    if not clitic:
        return [found.span()]
    middle = found.start() + clitic.start()
    return [(found.start(), middle), (middle, found.end())]


@lru_cache(maxsize=1)
def _hanta() -> Any:
    try:
        from HanTa import HanoverTagger
    except ImportError:
        raise MissingExtra("HanTa", extra="corpora") from None
    # The model is a file of the library's own wheel, which keeps it as a pickle.
    hanta = HanoverTagger.HanoverTagger("morphmodel_en.pgz")
    # A word outside its vocabulary is taken apart anew each time: nine tenths of the work.
    hanta.analyze_forward = lru_cache(maxsize=65536)(hanta.analyze_forward)
    return hanta


# ---------------------------------------------------------------- Japanese

_JAPANESE_KINDS: Mapping[str, Kind] = {
    "名詞": "noun",
    "形容詞": "adjective",
    "形状詞": "adjective",
    "動詞": "verb",
    "副詞": "adverb",
    "接頭辞": "affix",
    "接尾辞": "affix",
    "連体詞": "determiner",
    "助詞": "particle",
    "助動詞": "particle",
}
_JAPANESE_FINER: Mapping[str, Kind] = {
    "固有名詞": "name",
    "数詞": "number",
    "助動詞語幹": "particle",
}
# Sudachi reads 49,149 bytes at a time, and no character has more than four
_PIECE = re.compile(r".{1,12000}(?<=[。．！？!?\n])|.{1,12000}", re.DOTALL)


def _japanese(text: str) -> Iterator[Word]:
    for piece in _PIECE.finditer(text):
        found = [m for m in _sudachi().tokenize(piece[0]) if m.surface().strip()]
        for morpheme, after in zip_longest(found, found[1:]):
            start, end = piece.start() + morpheme.begin(), piece.start() + morpheme.end()
            spellings = (text[start:end], morpheme.dictionary_form(), morpheme.normalized_form())
            speech = morpheme.part_of_speech()
            copula = after is not None and after.part_of_speech()[4] in ("助動詞-ダ", "助動詞-デス")
            kind = _japanese_kind(speech, copula=copula)
            tag = "-".join(part for part in speech if part != "*")
            yield Word(start, end, kind, tuple(dict.fromkeys(spellings)), tag)


def _japanese_kind(speech: tuple[str, ...], *, copula: bool) -> Kind:
    """Return the kind; 便利 and the like are adjectives before a copula (便利な), else nouns."""
    if speech[0] == "名詞" and copula and "形状詞可能" in speech[2]:
        return "adjective"
    return _JAPANESE_FINER.get(speech[1]) or _JAPANESE_KINDS.get(speech[0], "other")


@lru_cache(maxsize=1)
def _sudachi() -> Any:
    try:
        from sudachipy import Dictionary
    except ImportError:
        raise MissingExtra("SudachiPy", extra="corpora") from None
    return Dictionary(dict="small").tokenizer()


# ---------------------------------------------------------------- Chinese

_CHINESE_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("a", "ag", "z", "b"), "adjective"),
    **dict.fromkeys(("n", "ng", "an"), "noun"),
    **dict.fromkeys(("nr", "nrt", "nrfg", "ns", "nt", "nz"), "name"),
    **dict.fromkeys(("v", "vn", "vg", "vd", "vi", "vq"), "verb"),
    **dict.fromkeys(("d", "ad", "zg", "df", "dg"), "adverb"),
    **dict.fromkeys(("m", "mq"), "number"),
    **dict.fromkeys(("uj", "ul", "ud", "ug", "uv", "uz", "u", "c", "p", "y"), "particle"),
}  # fmt: skip
# Adjectives that jieba's dictionary enters as something else (满意 a verb, 热情 a noun, 陈旧 a
# name): the ones met in reviews of hotels and cosmetics.
_ADJECTIVES = wordlist("""
    陈旧 老旧 满意 热情 礼貌 细心 热心 体贴 时尚 客气 公道 差劲 难闻 好闻 单调 离谱 冷漠 小气
    大方 古色古香 脏乱 劣质 优质 一流 恶心 气派 过分 廉价 公平 厚道 杂乱 落伍 好客 热忱 老实
    顶级 逊色 变态 刺耳 前卫 周到 好吃 贴心 实用 可口 适中 吵闹 拥挤 好看 好玩 可爱 别致 压抑
    开心 难受 奇怪 可怜 透明 可恶 吓人 可笑 刺鼻 破烂 欠佳 喧闹 醒目 合算 划算 开阔 完备 难忘
    放心 愤怒 恼火 扫兴 尽职 欣慰 整齐 自然 真实 随意 无奈 偏远 难得 缓慢 全新 简约 极好 实惠
    合理 温暖 认真 仔细 积极 迅速 仓促 服帖 滋润 水润 油腻 给力 细腻 均匀 滑爽 好用 顺滑 难用
    不好 快速 准时 超值 棒 安静 温馨 齐全 冷清 宁静 新鲜 美丽 冷冰冰 正宗 华丽 马虎 阴森 阴冷
    局促 懒散 和善 敞亮 周全 寒碜 高雅 出色 宜人 难看 安逸 窄小 迟缓 破败 可恨 安宁 和蔼 清香
""")
_NOUNS = wordlist("缺陷 失误")
_ADVERBS = wordlist("超 有点 有点儿")
# What stands before an adjective and makes one of a noun behind it: 很麻烦
_DEGREES = wordlist("很 挺 非常 太 比较 真 更 最 十分 特别 超 极 蛮 颇 相当 好 够 格外")
_JOINED = re.compile("[很挺](?=.)")


def _chinese(text: str) -> Iterator[Word]:
    at, before = 0, ""
    for spelling, tag in _tagged(text):
        start, at = at, at + len(spelling)
        kind = _CHINESE_KINDS.get(tag, "other")
        if spelling in _ADJECTIVES or (kind == "noun" and before in _DEGREES):
            kind = "adjective"
        elif spelling in _NOUNS:
            kind = "noun"
        elif spelling in _ADVERBS:
            kind = "adverb"
        if not spelling.isspace():
            yield Word(start, at, kind, (spelling,), tag)
        before = spelling


def _tagged(text: str) -> Iterator[tuple[str, str]]:
    """Yield jieba's words; 很漂亮 and the like, which its dictionary has as one, are two."""
    tag = _jieba().tag
    for spelling, found in tag(text, hmm=False):
        rest = tag(spelling[1:], hmm=False) if _JOINED.match(spelling) else []
        if len(rest) == 1 and (rest[0][1] == "a" or rest[0][0] in _ADJECTIVES):
            yield from ((spelling[0], "d"), rest[0])
        else:
            yield spelling, found


@lru_cache(maxsize=1)
def _jieba() -> Any:
    try:
        import rjieba
    except ImportError:
        raise MissingExtra("rjieba", extra="corpora") from None
    jieba = rjieba.Jieba()
    for word in sorted(_ADJECTIVES):
        if not jieba.has_word(word):
            jieba.add_word(word, None, "a")
    return jieba
