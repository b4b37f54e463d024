"""A server that plays a good translator and every kind of bad one, on a corpus of our own writing.

`Book(count)` has the same records in three languages. `Translators(mood)` is the script of a
`chat_server.ChatServer`: `mood(number)` says how the record of that number is translated. What it
answers depends on the question alone, but for the moods that pass ("busy", "slow once").
"""

import json
import re
import threading
from collections import Counter
from zlib import crc32

from chat_server import ChatServer, Reply

from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import LANGUAGES, task

__all__ = ["MOODS", "Book", "ChatServer", "Translators", "good"]

_LANGS = tuple(LANGUAGES)
_PEOPLE = (
    ("Mio Asakura", "朝倉澪", "朝仓澪"), ("Kenji Tobari", "戸張健二", "户张健二"),
    ("Nora Vinter", "ノラ・ヴィンテル", "诺拉·温特"), ("Ines Calderon", "イネス・カルデロン", "伊内斯·卡尔德隆"),
    ("Lin Yaoqing", "林耀清", "林耀清"), ("Chikage Hojo", "北条千景", "北条千景"),
    ("Otto Brandeis", "オットー・ブランダイス", "奥托·布兰代斯"), ("Sena Kurokawa", "黒川瀬名", "黑川濑名"),
    ("Zhou Anhe", "周安禾", "周安禾"), ("Tilda Marsh", "ティルダ・マーシュ", "蒂尔达·马什"),
    ("Ryo Minase", "水無瀬涼", "水无濑凉"), ("Amadou Keita", "アマドゥ・ケイタ", "阿马杜·凯塔"),
)  # fmt: skip
_PLACES = (
    ("Kanazawa", "金沢", "金泽"), ("Skarvik", "スカルヴィク", "斯卡维克"), ("Xiamen", "廈門", "厦门"),
    ("Turin", "トリノ", "都灵"), ("Hakodate", "函館", "函馆"), ("Porto Velho", "ポルト・ヴェーリョ", "波多韦柳"),
    ("Nagano", "長野", "长野"), ("Lhasa", "ラサ", "拉萨"), ("Galway", "ゴールウェイ", "戈尔韦"),
    ("Chengdu", "成都", "成都市"), ("Oulu", "オウル", "奥卢"), ("Tottori", "鳥取", "鸟取"),
    ("Valparaiso", "バルパライソ", "瓦尔帕莱索"), ("Guilin", "桂林", "桂林市"),
)  # fmt: skip
_BOOKS = (
    ("Tide Notebook", "潮の手帖", "潮汐手记"), ("Paper Lantern Street", "紙灯籠通り", "纸灯街"),
    ("The Ninth Ferry", "九番目の渡し船", "第九班渡轮"), ("Salt and Snow", "塩と雪", "盐与雪"),
    ("Owl Clock", "ふくろう時計", "猫头鹰钟"), ("Letters to a Glacier", "氷河への手紙", "写给冰川的信"),
    ("Green Tram", "緑の路面電車", "绿色电车"), ("A Map of Rain", "雨の地図", "雨的地图"),
    ("The Copper Well", "銅の井戸", "铜井"), ("Night Orchard", "夜の果樹園", "夜果园"),
    ("Seven Umbrellas", "七本の傘", "七把伞"), ("Harbour Bells", "港の鐘", "港口的钟"),
)  # fmt: skip
_SENTENCES = (
    ("🎻 {who} presented the new work “{what}” to an audience in {where}.",
     "🎻{who}は{where}の聴衆の前で、新作「{what}」を発表した。",
     "🎻{who}在{where}的听众面前发表了新作“{what}”。"),
    ("{who}, who wrote {what}, still lives in {where} with two cats.",
     "「{what}」を書いた{who}は、いまも{where}で猫二匹と暮らしている。",
     "写下《{what}》的{who}至今还和两只猫住在{where}。"),
    ("At the old library of {where}, {who} read aloud from {what} until midnight.",
     "{where}の古い図書館で、{who}は「{what}」を真夜中まで朗読した。",
     "在{where}的老图书馆里，{who}朗读《{what}》直到半夜。"),
)  # fmt: skip
_KINDS = {"who": 0, "where": 4, "what": 6}  # the places of the labels in the task table
_ORDER = ("who", "where", "what")


class Book:
    """Records number 0 to count - 1 in three languages: text, label and pairs."""

    def __init__(self, count: int = 200):
        self.count = count
        self.number = {self.text(n, lang): n for lang in _LANGS for n in range(count)}

    def entities(self, n: int, lang: str) -> dict[str, str]:
        at = _LANGS.index(lang)
        found = (_PEOPLE[n % 12], _PLACES[n // 12 % 14], _BOOKS[n // 168 % 12])
        return {slot: names[at] for slot, names in zip(_ORDER, found, strict=True)}

    def text(self, n: int, lang: str, **other: str) -> str:
        sentence = _SENTENCES[n % 3][_LANGS.index(lang)]
        return sentence.format(**self.entities(n, lang) | other)

    def record(self, n: int, lang: str) -> Record:
        known, text = task(f"scnm-{lang}"), self.text(n, lang)
        pairs = []
        for slot, entity in self.entities(n, lang).items():
            at = text.index(entity)
            pairs.append(Pair(known.item_labels[_KINDS[slot]], entity, at, at + len(entity)))
        pairs.sort(key=lambda pair: pair.start)
        return Record(
            f"book-{n:05d}", known.name, text, known.labels[n % 5], tuple(pairs), meta={"n": n}
        )

    def facts(self, n: int, lang: str) -> Record:
        """The same text with facts of the family tcree; the last field stands nowhere in it."""
        known, found = task(f"tcree-{lang}"), self.entities(n, lang)
        facts = (
            Fact((found["who"], known.item_labels[0], found["where"])),
            Fact((found["who"], known.item_labels[5], found["what"], "1 / 2")),
        )
        return Record(
            f"fact-{n:05d}", known.name, self.text(n, lang), known.labels[n % 5], facts=facts
        )

    def records(self, lang: str) -> list[Record]:
        return [self.record(n, lang) for n in range(self.count)]

    def slot(self, n: int, entity: str) -> str | None:
        """Which slot an entity of record n fills, in whatever language."""
        for lang in _LANGS:
            for slot, name in self.entities(n, lang).items():
                if name == entity:
                    return slot
        return None


# ------------------------------------------------------------ what is done to a span


def inflected(entity: str, lang: str) -> str:
    return entity + {"en": "s'", "ja": "ら", "zh": "们"}[lang]


def reordered(entity: str, lang: str) -> str:
    mark = next((mark for mark in " ・·" if mark in entity), "")
    if mark:
        first, _, rest = entity.partition(mark)
        return f"{rest}{mark}{first}"
    return entity[len(entity) // 2 :] + entity[: len(entity) // 2]


def widened(entity: str, lang: str) -> str:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in entity)
    return wide if wide != entity else f"{entity[:1]} {entity[1:]}"


def paraphrased(entity: str, lang: str) -> str:
    return {"en": "the one whom everybody knows", "ja": "例のあれ", "zh": "众所周知的那个"}[lang]


_CHANGES = (inflected, reordered, widened)


def good(n: int) -> str:
    return "good"


class Translators:
    """The script of a server; `asked` counts the questions by record number and kind."""

    def __init__(self, book: Book, mood=good, *, delay: float = 0.0, stubborn: bool = False):
        self.book, self.mood, self.delay, self.stubborn = book, mood, delay, stubborn
        self.asked: Counter[tuple[int, str]] = Counter()
        self.lock = threading.Lock()

    def __call__(self, body: dict, count: int) -> Reply:
        system, *_ = (message["content"] for message in body["messages"])
        values = json.loads(body["messages"][-1]["content"])
        target = _code(re.search(r"into (\w+)|in its (\w+) translation", system))
        if "labels" in values:
            return self._labels(values, target)
        n = self.book.number[values["text"]]
        kind = "missing" if "translation" in values else "text"
        with self.lock:
            self.asked[n, kind] += 1
            times = self.asked[n, kind]
        reply = self._missing(n, values, target) if kind == "missing" else None
        reply = reply or MOODS[self.mood(n)](_Job(self.book, n, values, target, times, body))
        reply.delay = max(reply.delay, self.delay)
        return reply

    def _missing(self, n: int, values: dict, target: str) -> Reply:
        told = self.book.entities(n, target)
        found = []
        for entity in values["entities"]:
            name = told.get(self.book.slot(n, entity) or "", "")
            hidden = self.stubborn or name not in values["translation"]
            found.append("" if hidden else name)
        return _json({"entities": found})

    def _labels(self, values: dict, target: str) -> Reply:
        with self.lock:
            self.asked[-1, "labels"] += 1
        return _json({"labels": [f"{target}·{label}"[:40] for label in values["labels"]]})


class _Job:
    """One question for a text: what was asked, and the good answer."""

    def __init__(self, book, n, values, target, times, body):
        self.book, self.n, self.values, self.target = book, n, values, target
        self.times, self.body = times, body
        self.text = book.text(n, target)
        names = book.entities(n, target)
        slots = [book.slot(n, entity) for entity in values["entities"]]
        self.entities = [names.get(slot or "", entity) for slot, entity in
                         zip(slots, values["entities"], strict=True)]  # fmt: skip

    def answer(self, *, text: str | None = None, entities: list[str] | None = None) -> Reply:
        told = self.text if text is None else text
        return _json({"text": told, "entities": self.entities if entities is None else entities})


def _changed(job: _Job) -> Reply:
    """A third of the spans, by lot, are listed otherwise than they stand in the text."""
    listed = []
    for at, entity in enumerate(job.entities):
        lot = crc32(f"{job.n} {at}".encode())
        listed.append(_CHANGES[lot // 3 % 3](entity, job.target) if lot % 3 == 0 else entity)
    return job.answer(entities=listed)


def _lost(job: _Job) -> Reply:
    """The text itself says it otherwise: nothing can find the first span again."""
    return job.answer(text=job.text.replace(job.entities[0], paraphrased("", job.target)))


def _wrong_language(job: _Job) -> Reply:
    other = next(lang for lang in ("zh", "ja", "en") if lang not in (job.target, _source(job)))
    return job.answer(text=job.book.text(job.n, other))


def _source(job: _Job) -> str:
    return next(lang for lang in _LANGS if job.book.text(job.n, lang) == job.values["text"])


def _busy(job: _Job) -> Reply:
    if job.times == 1:
        return Reply(status=429, headers={"Retry-After": "0.05"}, error={"message": "slow down"})
    return job.answer()


def _slow(job: _Job, *, always: bool = False) -> Reply:
    reply = job.answer()
    reply.delay = 1.0 if always or job.times == 1 else 0.0
    return reply


def _broken(job: _Job, *, twice: bool) -> Reply:
    if job.body.get("seed") and not twice:
        return job.answer()
    return Reply('{"translation of the text": [', finish="stop")


def _cut(job: _Job) -> Reply:
    whole = job.answer().text
    return Reply(whole[: whole.index('"entities"') + 14], finish="length")


def _chatter(job: _Job) -> Reply:
    told = {"en": "Here is the translation: ", "ja": "以下が翻訳です：", "zh": "以下是翻译："}
    return job.answer(text=told[job.target] + job.text)


#: How a text is translated, by name.
MOODS = {
    "good": _Job.answer,
    "changed": _changed,
    "fewer": lambda job: job.answer(entities=job.entities[:-1]),
    "merged": lambda job: job.answer(entities=[" ".join(job.entities[:2]), *job.entities[2:]]),
    "paraphrased": lambda job: job.answer(
        entities=[paraphrased("", job.target), *job.entities[1:]]
    ),
    "inflected": lambda job: job.answer(entities=[inflected(e, job.target) for e in job.entities]),
    "reordered": lambda job: job.answer(entities=[reordered(e, job.target) for e in job.entities]),
    "widened": lambda job: job.answer(entities=[widened(e, job.target) for e in job.entities]),
    "lost": _lost,
    "wrong language": _wrong_language,
    "copied": lambda job: job.answer(text=job.values["text"], entities=job.values["entities"]),
    "half": lambda job: job.answer(text=job.text + job.values["text"]),
    "endless": lambda job: job.answer(text=" ".join([job.text] * 9)),
    "same": lambda job: _json({"text": job.book.text(0, job.target), "entities": []}),
    "fenced": lambda job: Reply(f"Sure!\n```json\n{job.answer().text}\n```"),
    "cut": _cut,
    "broken once": lambda job: _broken(job, twice=False),
    "broken": lambda job: _broken(job, twice=True),
    "plain": lambda job: Reply(job.text),
    "chatter": _chatter,
    "refusal": lambda job: Reply("I'm sorry, but I cannot help with that."),
    "busy": _busy,
    "slow once": _slow,
    "slow": lambda job: _slow(job, always=True),
    "refused": lambda job: Reply(status=400, error={"message": "this text is too long"}),
}


def _json(values: dict) -> Reply:
    return Reply(json.dumps(values, ensure_ascii=False))


def _code(found) -> str:
    name = next(group for group in found.groups() if group)
    return next(code for code, told in LANGUAGES.items() if told == name)
