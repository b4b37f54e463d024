"""Labels from one language to another: by tables, never by a model; open labels by a glossary.

The published tasks list their labels in one order in every language. The `open-tcree-` tasks bear
their corpora's labels, and `tconer-` any label: what has a name in both languages is in the tables
here and in `corpus.names`. For any other label a model is asked, once a run: the glossary keeps
what was said first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from pointline.corpus import names
from pointline.errors import TaskError
from pointline.format.record import Record
from pointline.format.tasks import LANGUAGES, TASKS, Lang, Task

__all__ = ["Glossary", "Level", "item_labels", "target", "translated", "unknown"]

#: Whose label: the text's, or an item's. A label may mean another thing on the other level.
Level = Literal["text", "word"]
Key = tuple[Level, str]
#: The open labels that a model named, by level and label.
Glossary = Mapping[Key, str]

_Table = Mapping[str, Mapping[str, str]]


def target(task: Task, to: Lang) -> Task:
    """Return the task that translated records are of.

    A published task has its twin in the table. Any other gets the same shape under the name
    `NAME-to-LANG`, with the labels translated where all of a level have a name, and open otherwise.

    Raises TaskError for a language that is none of the three, or the task's own.

    >>> from pointline.format.tasks import task
    >>> target(task("scnm-en"), "ja").name, target(task("open-tcree-zh"), "en").labels[:2]
    ('scnm-ja', ('traffic accident', 'earthquake'))
    """
    if to not in LANGUAGES:
        raise TaskError(f"a language is one of {', '.join(LANGUAGES)}, got {to!r}")
    if to == task.lang:
        raise TaskError(f"the task {task.name!r} is in {LANGUAGES[to]}: choose another language")
    twin = _twin(task, to)
    if twin is not None:
        return twin
    model = next(t for t in TASKS.values() if t.lang == to and t.shape == task.shape)
    same = TASKS.get(f"{task.family}-{to}", model)
    return replace(
        task,
        name=f"{task.name}-to-{to}",
        lang=to,
        word=same.word,
        labels=_all(task.labels, task, to, "text"),
        item_labels=_all(task.item_labels, task, to, "word"),
        aliases=same.aliases,
    )


def translated(label: str, task: Task, to: Lang, *, level: Level = "text") -> str | None:
    """Return a label of a task in another language, None where no table has it.

    >>> from pointline.format.tasks import task
    >>> translated("positive", task("scpos-rw-en"), "ja")
    '積極'
    >>> translated("positive", task("scpos-rw-en"), "ja", level="word")
    'ポジティブ'
    """
    twin = _twin(task, to)
    if twin is not None:
        own, other = (getattr(t, _FIELD[level]) for t in (task, twin))
        if own is not None and other is not None:
            return other[own.index(label)] if label in own else None
    return _WORDS[level].get(task.lang, {}).get(label, {}).get(to)


def item_labels(
    record: Record, task: Task, to: Lang, glossary: Glossary | None = None
) -> tuple[str, ...]:
    """Return the labels of a record's items in another language, "" where there is none."""
    return tuple(
        translated(label, task, to, level="word") or (glossary or {}).get(("word", label), "")
        for label in _of_items(record)
    )


def unknown(records: Iterable[Record], task: Task, to: Lang) -> tuple[Key, ...]:
    """Return the labels of records that no table has, each once: a model has to name them.

    Only those of a level that is open: a label outside a closed set is a fault of the record.

    >>> from pointline.format.tasks import task
    >>> unknown([Record("1", "tconer-en", "Rain.", "weather")], task("tconer-en"), "ja")
    (('text', 'weather'),)
    """
    found: dict[Key, None] = {}
    for record in records:
        labels: list[Key] = [("text", record.label)] if record.label else []
        labels += [("word", label) for label in _of_items(record)]
        for level, label in labels:
            is_open = getattr(task, _FIELD[level]) is None
            if is_open and translated(label, task, to, level=level) is None:
                found[level, label] = None
    return tuple(found)


def _of_items(record: Record) -> list[str]:
    return [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]


def _twin(task: Task, to: str) -> Task | None:
    """Return the published task of the same family, for one that has the table's own labels."""
    twin = TASKS.get(f"{task.family}-{to}")
    own = TASKS.get(f"{task.family}-{task.lang}")
    if twin is None or own is None or task.family == "open-tcree":
        return None
    same = (own.labels, own.item_labels, own.shape) == (task.labels, task.item_labels, task.shape)
    return twin if same else None


def _all(
    labels: tuple[str, ...] | None, task: Task, to: Lang, level: Level
) -> tuple[str, ...] | None:
    told = [translated(label, task, to, level=level) for label in labels or ()]
    known = tuple(dict.fromkeys(one for one in told if one))
    return known if labels and len(known) == len(labels) else None


_FIELD: Mapping[Level, str] = {"text": "labels", "word": "item_labels"}

# ---------------------------------------------------------------- the tables

_Row = tuple[str, str, str]  # English, Japanese, Chinese

_RELATIONS: tuple[_Row, ...] = (  # open-tcree-en: CrossRE's relations
    ("artifact", "成果物", "人造物"),
    ("cause-effect", "因果", "因果"),
    ("compare", "比較", "比较"),
    ("general-affiliation", "一般的所属", "一般归属"),
    ("named", "名称", "名称"),
    ("opposite", "対立", "对立"),
    ("origin", "起源", "起源"),
    ("part-of", "構成要素", "组成部分"),
    ("physical", "位置", "位置"),
    ("related-to", "関連", "相关"),
    ("role", "役割", "角色"),
    ("social", "社会的関係", "社会关系"),
    ("temporal", "時期", "时期"),
    ("topic", "主題", "主题"),
    ("type-of", "種類", "种类"),
    ("usage", "用途", "用途"),
    ("win-defeat", "勝敗", "胜负"),
)
_CASES: tuple[_Row, ...] = (  # open-tcree-ja: the cases of predicates, as their particles
    ("subject (ga)", "ガ", "主格（ガ）"),
    ("object (o)", "ヲ", "宾格（ヲ）"),
    ("dative (ni)", "ニ", "与格（ニ）"),
    ("place or means (de)", "デ", "处所或工具格（デ）"),
    ("companion (to)", "ト", "伴随格（ト）"),
    ("source (kara)", "カラ", "起点格（カラ）"),
    ("limit (made)", "マデ", "终点格（マデ）"),
    ("standard (yori)", "ヨリ", "比较格（ヨリ）"),
    ("direction (e)", "ヘ", "方向格（ヘ）"),
    ("second subject (ga)", "ガ２", "第二主格（ガ）"),
    ("time", "時間", "时间"),
)
_GENRES: tuple[_Row, ...] = (  # open-tcree-ja
    ("home appliances", "家電", "家电"),
    ("hospital", "病院", "医院"),
    ("IT", "IT", "IT"),
    ("supermarket", "スーパー", "超市"),
    ("transport", "交通", "交通"),
    ("travel", "旅行", "旅行"),
)
_ACCIDENTS: tuple[_Row, ...] = (  # open-tcree-zh
    ("traffic accident", "交通事故", "交通事故"),
    ("earthquake", "地震", "地震"),
    ("terrorist attack", "テロ", "恐怖袭击"),
    ("fire", "火災", "火灾"),
    ("food poisoning", "食中毒", "食物中毒"),
)
_ROLES: tuple[_Row, ...] = (  # open-tcree-zh: the roles in its events
    ("participant", "参加者", "参与者"),
    ("object", "対象", "对象"),
    ("place", "場所", "地点"),
    ("time", "時間", "时间"),
)


def _coded(columns: _Table) -> Iterable[_Row]:
    """Yield the rows of names, and for English those of the codes too, where they differ."""
    for code in columns["en"]:
        row = tuple(columns[lang][code] for lang in LANGUAGES)
        yield (row[0], row[1], row[2])
        if code != row[0]:
            yield (code, row[1], row[2])


def _table(*rows: _Row) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Return label to label, by language from and to; of two rows with one label the first."""
    table: dict[str, dict[str, dict[str, str]]] = {lang: {} for lang in LANGUAGES}
    for row in rows:
        told = dict(zip(LANGUAGES, row, strict=True))
        for lang in LANGUAGES:
            table[lang].setdefault(told[lang], told)
    return table


_WORDS: Mapping[Level, Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "text": _table(*_coded(names.CROSSRE_DOMAIN_NAMES), *_GENRES, *_ACCIDENTS),
    "word": _table(*_coded(names.CROSSRE_TYPE_NAMES), *_RELATIONS, *_CASES, *_ROLES),
}
