"""Tasks: what is asked of a text. The table of the published sub-datasets, and ad-hoc tasks.

The 21 published tasks are 7 families in English, Japanese and Chinese (MMM paper, Section 3 and
Table 8). The `open-` tasks are ours: the same shape with a public corpus's own labels. A dataset's
manifest may carry a task of its own, which goes before this table.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal

from pointline.errors import TaskError

__all__ = ["LANGUAGES", "TASKS", "Lang", "Shape", "Task", "adhoc", "from_dict", "task", "tasks"]

Lang = Literal["en", "ja", "zh"]
Shape = Literal["pairs", "facts"]

#: Code to English name, in the order in which tables list them.
LANGUAGES: Mapping[str, str] = {"en": "English", "ja": "Japanese", "zh": "Chinese"}

_DELIMITERS = frozenset("/:;\\\n\r")


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of a text: the task word, the label sets of both levels, the items' shape.

    `labels` and `item_labels` are closed sets, or None where any label may be given. For pairs,
    `item_labels` are the pairs' labels; for facts they are the second field, the relation or role.
    `aliases` are other spellings of the task word that are met in published data; they are read
    and never written.

    Raises TaskError for a task word that holds a delimiter, an empty or repeated label, an unknown
    shape, or a value of another kind.

    >>> Task("t", "scnm", "en", "NER", ("a", "b"), None, "pairs").labels
    ('a', 'b')
    """

    name: str
    family: str
    lang: str
    word: str
    labels: tuple[str, ...] | None
    item_labels: tuple[str, ...] | None
    shape: Shape = "pairs"
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field_name in ("name", "family", "lang", "word"):
            if not isinstance(value := getattr(self, field_name), str):
                raise TaskError(f"task {self.name!r}: {field_name!r} is a string, got {value!r}")
        object.__setattr__(self, "aliases", self._strings("aliases", self.aliases))
        if self.shape not in ("pairs", "facts"):
            raise TaskError(f"task {self.name!r}: shape is 'pairs' or 'facts', got {self.shape!r}")
        for word in (self.word, *self.aliases):
            if not word or word != word.strip() or _DELIMITERS & set(word):
                raise TaskError(
                    f"task {self.name!r}: the task word {word!r} is empty, has blank edges or"
                    " holds one of / : ; \\ or a line break"
                )
        for field_name in ("labels", "item_labels"):
            object.__setattr__(self, field_name, self._label_set(field_name))

    def _strings(self, field_name: str, given: object) -> tuple[str, ...]:
        if isinstance(given, str):
            raise TaskError(f"task {self.name!r}: {field_name} is a list, got the string {given!r}")
        if not isinstance(given, Iterable):
            raise TaskError(f"task {self.name!r}: {field_name} is a list, got {given!r}")
        strings = tuple(given)
        for value in strings:
            if not isinstance(value, str) or not value.strip():
                what = "no label" if "labels" in field_name else "no task word"
                raise TaskError(f"task {self.name!r}: {value!r} in {field_name} is {what}")
        return strings

    def _label_set(self, field_name: str) -> tuple[str, ...] | None:
        given = getattr(self, field_name)
        if given is None:
            return None
        labels = self._strings(field_name, given)
        if not labels:
            raise TaskError(f"task {self.name!r}: {field_name} is empty; None means any label")
        if len(set(labels)) != len(labels):
            twice = sorted({label for label in labels if labels.count(label) > 1})
            raise TaskError(f"task {self.name!r}: {field_name} holds {twice} more than once")
        return labels

    def to_dict(self) -> dict[str, Any]:
        """Return the task as JSON-ready values, the form that a manifest carries."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


def from_dict(values: Mapping[str, Any]) -> Task:
    """Return the task that `Task.to_dict` wrote.

    Raises TaskError where a field is missing or unknown, and as `Task` does.

    >>> from_dict(task("scnm-ja").to_dict()) == task("scnm-ja")
    True
    """
    known = {field.name: field.default is MISSING for field in fields(Task)}
    missing = [name for name, needed in known.items() if needed and name not in values]
    if missing:
        hint = " (null is any label)" if {"labels", "item_labels"} & {*missing} else ""
        raise TaskError(f"not a task: {', '.join(map(repr, missing))} missing{hint}")
    unknown = [key for key in values if key not in known]
    if unknown:
        raise TaskError(f"not a task: {', '.join(map(repr, unknown))} unknown")
    return Task(**values)


def task(name: str) -> Task:
    """Return the task of that name.

    Raises TaskError, which names what comes close.

    >>> task("scnm-ja").word
    '固有表現抽出'
    """
    if name not in TASKS:
        close = difflib.get_close_matches(str(name), TASKS, n=3, cutoff=0.6)
        raise TaskError(f"no task {name!r} (pointline tasks lists them)", close=close)
    return TASKS[name]


def tasks(*, family: str | None = None, lang: str | None = None) -> tuple[Task, ...]:
    """Return the tasks of the table, in its order, of one family or language if asked.

    Raises TaskError for a family or a language that the table does not have.

    >>> len([t for t in tasks() if not t.name.startswith("open-")])
    21
    """
    for what, asked, there in (
        ("family", family, dict.fromkeys(t.family for t in TASKS.values())),
        ("language", lang, LANGUAGES),
    ):
        if asked is not None and asked not in there:
            close = difflib.get_close_matches(str(asked), there, n=3, cutoff=0.6)
            raise TaskError(f"no {what} {asked!r}, there are: {', '.join(there)}", close=close)
    return tuple(t for t in TASKS.values() if family in (None, t.family) and lang in (None, t.lang))


def adhoc(
    *,
    labels: Sequence[str] | None = None,
    entities: Sequence[str] | None = None,
    relations: Sequence[str] | None = None,
    shape: Shape | None = None,
    lang: Lang = "en",
    word: str | None = None,
) -> Task:
    """Return a task made of the caller's own labels; None leaves a level open.

    `entities` are the labels of pairs, `relations` those of facts; `shape="facts"` without
    `relations` asks for facts with any relation.

    Raises TaskError where both are given, or a label set is not one.

    >>> adhoc(labels=["sports", "politics"], entities=["team"]).item_labels
    ('team',)
    """
    if entities is not None and (relations is not None or shape == "facts"):
        raise TaskError("an ad-hoc task has entities (pairs) or relations (facts), not both")
    if lang not in LANGUAGES:
        raise TaskError(f"lang is one of {', '.join(LANGUAGES)}, got {lang!r}")
    if shape not in (None, "pairs", "facts"):
        raise TaskError(f"shape is 'pairs' or 'facts', got {shape!r}")
    facts = relations is not None or shape == "facts"
    words = _WORDS["tcree" if facts else "scnm"]
    return Task(
        name="adhoc",
        family="adhoc",
        lang=lang,
        word=word or words[lang],
        labels=_tuple(labels, "labels"),
        item_labels=_tuple(relations if facts else entities, "relations or entities"),
        shape="facts" if facts else "pairs",
    )


def _tuple(values: Sequence[str] | None, what: str) -> tuple[str, ...] | None:
    if isinstance(values, str):
        raise TaskError(f"{what} is a list of labels, got the string {values!r}")
    return None if values is None else tuple(values)


# ---------------------------------------------------------------- the table

_WORDS: Mapping[str, Mapping[str, str]] = {
    "scnm": {"en": "NER", "ja": "固有表現抽出", "zh": "实体命名识别"},
    "scpos-rw": {
        "en": "Sentiment related word",
        "ja": "感情分析関連単語",
        "zh": "感情分析关联单词",
    },
    "scpos-adjn": {
        "en": "Sentiment Adj and N",
        "ja": "感情分析形容詞名詞",
        "zh": "感情分析形容词名词",
    },
    "scpos-adj": {"en": "Sentiment Adj", "ja": "感情分析形容詞", "zh": "感情分析形容词"},
    "scpos-n": {"en": "Sentiment N", "ja": "感情分析名詞", "zh": "感情分析名词"},
    "tcree": {"en": "relation extraction", "ja": "関係抽出", "zh": "事件抽取"},
    "tconer": {"en": "NER", "ja": "固有表現抽出", "zh": "实体命名识别"},
}

# Printed for the family in a sample or a figure of the paper, and not its own word in our table:
# the Japanese RW sample bears the word of N, the English and Chinese Adj samples that of Adj&N.
_ALIASES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("scpos-rw", "en"): ("Sentiment Relation Word",),
    ("scpos-rw", "ja"): ("感情分析名詞",),
    ("scpos-adj", "en"): ("Sentiment Adj and N",),
    ("scpos-adj", "zh"): ("感情分析形容词名词",),
    ("tcree", "en"): ("Relation Extraction", "event extraction", "Event Extraction"),
    ("tcree", "ja"): ("イベント抽出", "事象抽出"),
    ("tcree", "zh"): ("关系抽取",),
}

_SCNM_TEXT = {
    "en": ("Society", "Literature", "Academia", "Technology", "Nature"),
    "ja": ("社会", "文芸", "学問", "技術", "自然"),
    "zh": ("社会", "文艺", "学术", "技术", "自然"),
}
_SCNM_WORD = {
    "en": (
        "people",
        "corporations",
        "political organizations",
        "other organizations",
        "places",
        "facilities",
        "products",
        "events",
    ),
    "ja": (
        "人名",
        "法人名",
        "政治的組織名",
        "その他の組織名",
        "地名",
        "施設名",
        "製品名",
        "イベント名",
    ),
    "zh": ("人名", "法人名", "政治组织名", "其他组织名", "地名", "设施名", "产品名", "事件名"),
}
_SENTIMENT = {"en": ("positive", "negative"), "ja": ("積極", "消極"), "zh": ("积极", "消极")}
_POLARITY = {
    "en": ("positive", "neutral", "negative"),
    "ja": ("ポジティブ", "中立", "ネガティブ"),
    "zh": ("积极", "中立", "消极"),
}
_TCREE_TEXT = {
    "en": ("sports", "film", "women", "IT", "advertising"),
    "ja": ("スポーツ", "映画", "女性", "IT", "広告"),
    "zh": ("运动", "电影", "女性", "IT", "广告"),
}
_TCREE_WORD = {
    "en": (
        "affiliation",
        "occupation",
        "starring",
        "director",
        "age",
        "product",
        "goods",
        "performances",
        "wins",
        "broadcasts",
        "public appearances",
        "launches",
        "retirements",
    ),
    "ja": (
        "所属",
        "職業",
        "主演",
        "監督",
        "年齢",
        "製品",
        "商品",
        "出演",
        "優勝",
        "放送",
        "登場",
        "発売",
        "引退",
    ),
    "zh": (
        "所属",
        "职业",
        "主演",
        "导演",
        "年龄",
        "产品",
        "商品",
        "出演",
        "获胜",
        "播出",
        "亮相",
        "发布",
        "退役",
    ),
}
_RELATIONS = (
    "artifact",
    "cause-effect",
    "compare",
    "general-affiliation",
    "named",
    "opposite",
    "origin",
    "part-of",
    "physical",
    "related-to",
    "role",
    "social",
    "temporal",
    "topic",
    "type-of",
    "usage",
    "win-defeat",
)
_OPEN_TCREE = {
    "en": (("news", "politics", "science", "music", "literature", "ai"), _RELATIONS),
    "ja": (
        ("家電", "病院", "IT", "スーパー", "交通", "旅行"),
        ("ガ", "ヲ", "ニ", "デ", "ト", "カラ", "マデ", "ヨリ", "ヘ", "ガ２", "時間"),
    ),
    "zh": (
        ("交通事故", "地震", "恐怖袭击", "火灾", "食物中毒"),
        ("参与者", "对象", "地点", "时间"),
    ),
}


def _published() -> Iterable[Task]:
    for lang in LANGUAGES:
        adj = tuple(label for label in _POLARITY[lang] if label != "中立" and label != "neutral")
        sets: dict[str, tuple[tuple[str, ...] | None, tuple[str, ...] | None]] = {
            "scnm": (_SCNM_TEXT[lang], _SCNM_WORD[lang]),
            "scpos-rw": (_SENTIMENT[lang], _POLARITY[lang]),
            "scpos-adjn": (_SENTIMENT[lang], _POLARITY[lang]),
            "scpos-adj": (_SENTIMENT[lang], adj),
            "scpos-n": (_SENTIMENT[lang], _POLARITY[lang]),
            "tcree": (_TCREE_TEXT[lang], _TCREE_WORD[lang]),
            "tconer": (None, None),
        }
        for family, (labels, item_labels) in sets.items():
            yield Task(
                name=f"{family}-{lang}",
                family=family,
                lang=lang,
                word=_WORDS[family][lang],
                labels=labels,
                item_labels=item_labels,
                shape="facts" if family == "tcree" else "pairs",
                aliases=_ALIASES.get((family, lang), ()),
            )


def _open() -> Iterable[Task]:
    for lang, (labels, item_labels) in _OPEN_TCREE.items():
        yield Task(
            name=f"open-tcree-{lang}",
            family="open-tcree",
            lang=lang,
            word=_WORDS["tcree"][lang],
            labels=labels,
            item_labels=item_labels,
            shape="facts",
            aliases=_ALIASES[("tcree", lang)],
        )


#: Every task by its name.
TASKS: Mapping[str, Task] = {t.name: t for t in (*_published(), *_open())}
