"""ChnSentiCorp, hotels: Chinese hotel reviews with the sentiment of the reviewer's rating.

`datasets/ChnSentiCorp_htl_all/ChnSentiCorp_htl_all.csv` holds one review a row:

    label,review
    1,"湖边的小屋,安静舒适。"

Some reviews hold a reply of the hotel (宾馆反馈2008年…) and a later note of the guest (补充点评):
the reply is cut off with all that follows it, because the rating is not its author's. So is the
foot of the web page (免费注册…) that some hold.

The corpus has no word-level annotation. Its adjectives and nouns with a polarity are derived: the
words of jieba's dictionary that polarity dictionaries hold and do not dispute (`lexicon.chinese`).
The review's label is never looked at. What is left out, each under its own name:

- words that praise or blame nothing in a review of a hotel (`_NO_PRAISE`, read one by one), and of
  the nouns all but `_NOUNS`: most nouns of the dictionaries are topics (朋友, 卫生);
- a negated word: with 不, 没有, 缺乏 or the like among the four words before it, in its clause, or
  with 没有 or 不 right behind it (礼貌都没有);
- a word inside a longer one (舒适 in 舒适度).

A word of one character (好, 脏) is in none of the lists: too many of them are parts of words that
jieba does not know, or have a sense without praise.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pointline.corpus.sources import lexicon
from pointline.corpus.sources.lexicon import Lexicon
from pointline.corpus.sources.source import Harvest, Source, Sourced, csv_rows, shaped
from pointline.corpus.words import Word, wordlist, words
from pointline.format.record import Pair, Record

__all__ = ["LONGEST", "SOURCE", "read"]

#: The most characters of a review that is kept.
LONGEST = 500

_FILE = "datasets/ChnSentiCorp_htl_all/ChnSentiCorp_htl_all.csv"
_LABELS = {"1": "positive", "0": "negative"}
_REPLY = re.compile(r"(宾馆|酒店)反馈\d{4}年.*", re.DOTALL)
_FOOT = re.compile(r"免费注册网站导航.*", re.DOTALL)

_NO_PRAISE = wordlist("""
    最好 根本 五星级 明显 清楚 容易 超级 最高 重要 自然 透明 尊重 成功 具体 巨大 不愧 有效 固定
    大型 真实 诚意 诚挚 真诚 诚恳 慎重 纯粹 厚爱 健康 平安 忠实 特大 简易 适当 显著 好奇 尊贵
    高级 豪华 清洁 清理 最高级 清醒 高大 首要 重大 主导 正当 正理 特级 平衡 清明 景致 著称 爱好
    珍惜 激活 便当 悠悠 狂喜 热爱 成熟 坚定 远大 鲜明 寂静 有利 天然 宽容 兴冲冲 强大 奇异 稀奇
    笔直 显贵 盈盈 娇小 葱葱 平等 壮硕 碧绿 醒目 简要 简明 自由 罕见 正大 难忘 热切 真切 完整
    富裕 锋利 谨慎 仔细 实实在在 明明白白 均衡 均匀 随意 难得 可贵 快乐 幸运 正规 仓促 乐趣 沉静
    异彩 忠诚 坚毅 良心 繁荣 伟大 聪明 娇艳 憨厚 勤劳 善良 热烈 隆重 稳定 有名 著名 繁茂 全新
    宽松 紧凑 清晰 不足 强烈 意外 不好意思 厉害 最低 频繁 奢侈 奢华 惊人 紧急 不易 不慎 骄傲
    辛苦 匆忙 犹豫 着急 惊讶 吃惊 惊醒 紧张 浓烈 寒冷 炎热 酷热 严寒 强迫 伤害 短暂 摇晃 慢性
    沉默 急切 激动 曲折 无形 激怒 冷眼 隐秘 清冷 肥胖 疲惫 疲劳 疲倦 内疚 愧疚 歉疚 惭愧 有愧
    虚名 嘈杂声 心急 失效 刁难 蒙蔽 落难 慵懒 朦胧 惊慌 呆呆 憋着 木然 暧昧 繁重 奇怪 无效 复杂
    酸涩 非人 不巧 困惑 孤独 虚弱 惊愕 迷茫 单薄 恍惚 悲惨 凄惨 惨痛 艰难 不规则 低沉 沉重 胆小
    高傲 惊恐 不宜 怪异
""")
_NOUNS = wordlist("""
    特色 优点 优势 吸引力 名气 品味 风范 气势 好感 亲和力 人情味 底蕴 情趣 韵味 意境 精品 暖意
    温情 风采 缺点 噪音 噪声 麻烦 垃圾 错误 污渍 臭味 臭气 损失 故障 虫子 臭虫 污迹 缺憾 毛病
    瑕疵 噩梦 恶梦 破洞 斑点 误会 遗漏 裂缝 纠纷 差错 废话 污物 败笔 污垢 污点 陷阱 骗子 难题
    困难 痛苦 危险 偏差 通病 鼾声 黑心 猫腻 圈套 怨言 牢骚 憾事 阴影 恶言 假货 怒气 怒火 闷气
    窟窿 灾难 坏话 谎言 异味 笑容 笑脸 美景 杂音 情调 缺陷 失误 隐患 冤枉路
""")


def read(folder: Path, lang: str) -> Harvest:
    """Return the reviews as records; each is a document of its own."""
    del lang
    polarities = lexicon.chinese(folder.parent / "lexicons")
    counts: Counter[str] = Counter()
    records = []
    for number, (place, row) in enumerate(csv_rows(folder / _FILE), start=1):
        with shaped(place):
            counts["records read"] += 1
            label, (text, cut) = row["label"], _reviewers(row["review"])
            if fault := _unfit(text):
                counts[f"records dropped: {fault}"] += 1
                continue
            counts.update(f"records changed: {rule} cut off" for rule in cut)
            pairs = tuple(_pairs(text, polarities, counts))
            id = f"row-{number}"
            records.append(Sourced(Record(id, "chnsenti-htl", text, _LABELS[label], pairs), id))
    counts["records kept"] = len(records)
    return Harvest(tuple(records), counts)


def _reviewers(review: str) -> tuple[str, list[str]]:
    """Return what the reviewer wrote, and the names of what was cut off."""
    cut = []
    for pattern, rule in ((_REPLY, "the hotel's reply"), (_FOOT, "the foot of the web page")):
        review, times = pattern.subn("", review)
        cut += [rule] * times
    return review, cut


def _unfit(text: str) -> str | None:
    """Return the name of the rule by which a review is left out, if there is one."""
    if not text.strip():
        return "no text"
    if len(text) > LONGEST:
        return f"longer than {LONGEST} characters"
    return "garbled" if _is_garbled(text) else None


def _is_garbled(text: str) -> bool:
    """Whether hardly any of its Chinese characters are in a word of two or more."""
    found = [word for word in words(text, "zh") if "一" <= word.forms[0] <= "鿿"]
    characters = sum(len(word.forms[0]) for word in found)
    joined = sum(len(word.forms[0]) for word in found if len(word.forms[0]) > 1)
    return characters > 20 and joined < 0.2 * characters


# ---------------------------------------------------------------- the polar words

_NOT = wordlist("""
    不 没 没有 无 未 非 别 毫不 毫无 并非 并不 并不是 不是 不算 不大 不太 不太会 不很 不够 不再 不能
    不会 不要 不到 不如 不见得 不怎么 谈不上 算不上 称不上 说不上 缺乏 缺少 欠缺 缺 欠 难以 无法
    没什么 没啥 有失 失去 减少 避免 免得 以免 不甚 不那么 没那么 从不 绝不 没点
""")
_NOT_BEHIND = wordlist("没 没有 不 谈不上 不足 欠缺")
_BETWEEN = wordlist("也 都 并")
_SUFFIXES = ("度", "性", "感", "率", "华")
_REACH = 4


def _pairs(text: str, polarities: Lexicon, counts: Counter[str]) -> Iterator[Pair]:
    found = words(text, "zh")
    for at, word in enumerate(found):
        polarity = polarities.get(word.kind, {}).get(word.forms[0])
        if polarity is None:
            continue
        counts["mentions read"] += 1
        if fault := _fault(found, at):
            counts[f"mentions dropped: {fault}"] += 1
        else:
            counts["mentions kept"] += 1
            yield Pair(polarity, word.forms[0], word.start, word.end)


def _fault(found: Sequence[Word], at: int) -> str | None:
    """Return the name of the rule by which a word is left out, if there is one."""
    word = found[at]
    if word.forms[0] in _NO_PRAISE or (word.kind == "noun" and word.forms[0] not in _NOUNS):
        return "no praise or blame in itself"
    if at + 1 < len(found) and found[at + 1].forms[0] in _SUFFIXES:
        return "inside a longer word"
    return "negated" if _is_negated(found, at) else None


def _is_negated(found: Sequence[Word], at: int) -> bool:
    for word in reversed(found[max(0, at - _REACH) : at]):
        if word.forms[0] in _NOT:
            return True
        if word.tag in ("x", "c"):  # a mark, a conjunction: another clause
            break
    behind = (word.forms[0] for word in found[at + 1 :])
    return next((word for word in behind if word not in _BETWEEN), None) in _NOT_BEHIND


SOURCE = Source(
    name="chnsenti-htl",
    folder="chnsenti-htl",
    files=(_FILE, *lexicon.CHINESE_FILES),
    licence="none stated; research use (Tan Songbo); the dictionaries have academic terms",
    origins={"zh": ("human", "human", "derived")},
    read=read,
)
