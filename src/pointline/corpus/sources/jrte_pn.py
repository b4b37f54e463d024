"""JRTE corpus, sentiment part: sentences of Japanese hotel reviews with a human sentiment.

`data/pn.tsv` holds one sentence a line: id, label (1, 0, -1), text, votes, and use:

    pn00q00001	1	庭が美しいです。	{"1": 3}	train

The corpus has no word-level annotation. Its adjectives and nouns with a polarity are derived: the
words of Sudachi, looked up in 日本語評価極性辞書 by their forms in the text, in the dictionary
and in normal spelling. The sentence's label is never looked at. What is left out, each under its
own name:

- words that praise or blame nothing in a review of a hotel (`_NO_PRAISE`, read one by one), and of
  the nouns all but `_NOUNS`: most nouns of the dictionary are topics (旅行, 値段);
- a word of one character, and a word inside a longer one (満足 in 満足度, 改善 in 改善点);
- a negated word: with ない, ず, ません or にくい behind it and nothing but particles and verbs such
  as する, ある, 言う between them, or with 不 before it;
- what is wished for or supposed: with ば, たら, と, 方が or ても before it or ば behind it;
- what is said of a guest (足が悪い).

An adjective takes its past ending in (美しかった), a noun the suffixes 感 and 化 (清潔感).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pointline.corpus.sources import lexicon
from pointline.corpus.sources.lexicon import Lexicon
from pointline.corpus.sources.source import Harvest, Source, Sourced, shaped, text_of
from pointline.corpus.words import Word, wordlist, words
from pointline.format.record import Pair, Record

__all__ = ["SOURCE", "read"]

_FILE = "data/pn.tsv"
_LABELS = {"1": "positive", "0": "neutral", "-1": "negative"}

_NO_PRAISE = wordlist("""
    一杯 自由 大丈夫 若い 結構 特別 完全 可笑しい 大切 大事 無事 寡黙 簡単 コンパクト レトロ
    相応 柔らかい 柔らか 繁華 良さ 珍しい めずらしい 有効 身軽 まめ 幸い 好き 大好き 可 非常
    大変 急 辛い 忙しい 緩い 名残惜しい 平気 遅い 苦手 嫌 イヤ いや 好評 安全 明るい 幸せ 不調
    有名 一流 豊か
""")
_NOUNS = wordlist("""
    満足 清潔 最高 充実 笑顔 感謝 安心 感動 思い出 満点 堪能 満喫 感激 好感 便利 心遣い 親切
    快適 魅力 安定 リフレッシュ 絶景 リラックス 正解 価値 人気 大喜び 風情 感心 利便 満腹 開放
    心配り ベスト 成功 豪華 良心 元気 焼きたて 極上 快眠 感服 万全 多謝 美肌 完璧 ぬくもり
    親しみ 味わい くつろぎ 逸品 情緒 洗練 絶賛 好意 活気 美食 不満 文句 間違い 不便 ホコリ 迷惑
    マイナス 苦労 混雑 不安 難点 騒音 汚れ ゴミ ストレス 散乱 カビ 面倒 我慢 欠点 不快 手違い
    台無し 後悔 失敗 最低 雑音 水垢 漏れ ダメ 無視 貧弱 汚物 死骸 懸念 抜け毛 混乱 品切れ 劣化
    無駄 丸見え シミ 苦笑 辟易 不足 老朽 心配
""")


def read(folder: Path, lang: str) -> Harvest:
    """Return the sentences as records; each is a document of its own."""
    del lang
    path = folder / _FILE
    lines = text_of(path).split("\n")
    polarities = lexicon.japanese(folder.parent / "lexicons")
    counts: Counter[str] = Counter()
    records = []
    for number, line in enumerate(lines, start=1):
        if line:
            counts["records read"] += 1
            with shaped(f"{path}:{number}"):
                id, label, text, _, _ = line.split("\t")
                pairs = tuple(_pairs(text, polarities, counts))
                records.append(Sourced(Record(id, "jrte-pn", text, _LABELS[label], pairs), id))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _pairs(text: str, polarities: Lexicon, counts: Counter[str]) -> Iterator[Pair]:
    found = words(text, "ja")
    for at, word in enumerate(found):
        form = next((form for form in word.forms if form in polarities.get(word.kind, ())), None)
        if form is None:
            continue
        counts["mentions read"] += 1
        reason = _fault(text, found, at)
        if reason:
            counts[f"mentions dropped: {reason}"] += 1
            continue
        counts["mentions kept"] += 1
        end = found[at + 1].end if _ends_later(found, at) else word.end
        yield Pair(polarities[word.kind][form], text[word.start : end], word.start, end)


def _fault(text: str, found: Sequence[Word], at: int) -> str | None:
    """Return the name of the rule by which a word is left out, if there is one."""
    word = found[at]
    unfit = _NO_PRAISE.intersection(word.forms)
    if unfit or (word.kind == "noun" and not _NOUNS.intersection(word.forms)):
        return "no praise or blame in itself"
    if _is_negated(found, at):
        return "negated"
    if word.end - word.start < 2 or _inside(text, found, at):
        return "one character, or inside a longer word"
    if _is_supposed(text, found, at):
        return "wished for or supposed"
    if _is_a_guests(found, at):
        return "said of a guest"
    return None


# ---------------------------------------------------------------- what stands around a word

_SUFFIXES = ("感", "化")
_NOT = wordlist("無い 無し なし ない ず ぬ 難い にくい 兼ねる 欠ける 欠く 乏しい")
_THROUGH = wordlist("為る 有る 出来る 居る 言う 言える 思う 思える 感じる 御座る")
_PRIVATIVE = ("不", "無", "未", "非")
_IF = re.compile(
    "た?(ば|たら|のに|(だ|である)と(?!思|感|言|おも)|で(あれば|あったら|したら)|だったら|なら|のか|かと)"
)
# What makes a supposition of any adjective, and of 良い: 来たら美しい, 来た方が良い, 来ても良い
_IF_BEFORE = ("たら", "だら", "なら")
_GOOD_IF_BEFORE = (*_IF_BEFORE, "た方が", "たほうが", "い方が", "いほうが", "ても")
_FAVOURS = wordlist("欲しい 貰う 貰える 頂く 頂ける 下さる 呉れる 居る")
_GUESTS = wordlist("足 腰 膝 足腰 目 耳 体 体調 都合 天気 具合")


def _past(word: Word) -> bool:
    return word.tag.endswith("連用形-促音便")


def _ends_later(found: Sequence[Word], at: int) -> bool:
    """Whether the next word belongs to this one: た behind 美しかっ, 感 behind 清潔."""
    if at + 1 == len(found) or found[at + 1].start != found[at].end:
        return False
    after = found[at + 1]
    if found[at].kind == "adjective":
        return _past(found[at]) and "助動詞-タ" in after.tag and "仮定形" not in after.tag
    return after.forms[0] in _SUFFIXES


def _after(found: Sequence[Word], at: int) -> Sequence[Word]:
    """Return the words behind a word that may turn what it says."""
    first = at + 1 + _ends_later(found, at)
    return found[first : first + 8]


def _inside(text: str, found: Sequence[Word], at: int) -> bool:
    if "語幹" in found[at].tag:  # 嬉し of 嬉しそう
        return True
    if at + 1 == len(found) or found[at + 1].start != found[at].end or _ends_later(found, at):
        return False
    after = found[at + 1]
    if found[at].kind == "noun":
        return after.kind in ("affix", "noun", "name")
    return after.tag.startswith("接尾辞") and not text.startswith("過ぎ", after.start)


def _is_negated(found: Sequence[Word], at: int) -> bool:
    before = found[at - 1] if at else None
    if before and before.kind == "affix" and before.forms[0] in _PRIVATIVE:
        return True
    after = _after(found, at)
    may_cross = _goes_with_what_follows(found[at], after)
    for number, word in enumerate(after):
        if word.forms[-1] in _NOT:
            return True
        if word.kind == "noun" and may_cross:
            may_cross = False
        elif not _lets_through(word, after[number + 1 :]):
            return False
    return False


def _goes_with_what_follows(word: Word, after: Sequence[Word]) -> bool:
    """Whether the word describes a noun or verb behind it: 良い部屋, 親切な人, 綺麗に掃除する."""
    if word.kind != "adjective" or not after:
        return False
    return "連体形" in word.tag or after[0].forms[0] in ("な", "に")


def _lets_through(word: Word, after: Sequence[Word]) -> bool:
    """Whether a negation reaches over the word: over the で of 綺麗ではない, not of 綺麗で広い."""
    if "接続助詞" in word.tag:
        return word.forms[0] in ("て", "で")
    if _joins_clauses(word):
        return bool(after) and after[0].forms[0] in ("は", "も", "ない", "なく", "なかっ", "ござい")
    return word.kind in ("particle", "affix") or (
        word.kind == "verb" and word.forms[-1] in _THROUGH
    )


def _is_supposed(text: str, found: Sequence[Word], at: int) -> bool:
    """Whether it is part of a wish or a condition: 広ければ良い, 良ければ, 丁寧にしてほしい."""
    if _IF.match(text, found[at].end) or _leads_to_a_wish(_after(found, at)):
        return True
    if found[at].kind != "adjective":
        return False
    before = at - 1
    while before >= 0 and found[before].kind == "adverb":
        before -= 1
    head = "".join(word.forms[0] for word in found[max(0, before - 2) : before + 1])
    conditional = before >= 0 and "接続助詞" in found[before].tag and head.endswith(("ば", "と"))
    good = found[at].forms[-1] == "良い"
    return conditional or head.endswith(_GOOD_IF_BEFORE if good else _IF_BEFORE)


def _leads_to_a_wish(after: Sequence[Word]) -> bool:
    for number, word in enumerate(after):
        form = word.forms[-1]
        if form in ("欲しい", "たい") or "仮定形" in word.tag:
            return True
        follower = after[number + 1].forms[-1] if number + 1 < len(after) else ""
        if "接続助詞" in word.tag and not (form in ("て", "で") and follower in _FAVOURS):
            return form in ("ば", "と")
        if word.kind == "other" or _joins_clauses(word):
            return False
    return False


def _joins_clauses(word: Word) -> bool:
    return word.forms[0] == "で" and "助動詞-ダ" in word.tag


def _is_a_guests(found: Sequence[Word], at: int) -> bool:
    return found[at].forms[-1] == "悪い" and any(
        word.forms[0] in _GUESTS for word in found[max(0, at - 3) : at]
    )


SOURCE = Source(
    name="jrte-pn",
    folder="jrte-pn",
    files=(_FILE, *lexicon.JAPANESE_FILES),
    licence="CC BY-NC-SA 4.0; the dictionary 日本語評価極性辞書 is free with citation",
    origins={"ja": ("human", "human", "derived")},
    read=read,
)
