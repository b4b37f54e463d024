"""Drafts to review, written for the tests: Japanese originals, English and Chinese drafts."""

from pointline.format.record import Fact, Pair, Record

__all__ = ["draft", "drafts", "fact_record", "originals", "placed"]

_JA = (
    ("🎻朝倉澪は金沢の湊橋ホールで、新作「潮の手帖」を初演した。", "文芸",
     (("人名", "朝倉澪"), ("地名", "金沢"), ("施設名", "湊橋ホール"), ("製品名", "潮の手帖"))),
    ("藤見電機は来月、長野の工場で新しい電池を作る。", "技術",
     (("法人名", "藤見電機"), ("地名", "長野"))),
    ("北条千景は国際海洋会議で珊瑚の研究を発表した。", "学問",
     (("人名", "北条千景"), ("イベント名", "国際海洋会議"))),
    ("霧の朝、白馬の池に白鳥が三羽おりた。", "自然", (("地名", "白馬"),)),
)  # fmt: skip
_EN = (
    ("🎻 Mio Asakura premiered her new piece Tide Notebook at Minatobashi Hall in Kanazawa.",
     "Literature", (("people", "Mio Asakura"), ("places", "Kanazawa"),
                    ("facilities", "Minatobashi Hall"), ("products", "Tide Notebook"))),
    ("Fujimi Electric will make a new battery at its plant in Nagano next month.", "Technology",
     (("corporations", "Fujimi Electric"), ("places", "Nagano"))),
    ("Chikage Hojo presented a study of corals at the World Ocean Congress.", "Academia",
     (("people", "Chikage Hojo"), ("events", "World Ocean Congress"))),
    ("On a misty morning three swans came down on a pond in Hakuba.", "Nature",
     (("places", "Hakuba"),)),
)  # fmt: skip


def placed(text: str, pairs) -> tuple[Pair, ...]:
    """Pairs at the first place of their entity, without one where the text lacks it."""
    found = ((label, entity, text.find(entity)) for label, entity in pairs)
    return tuple(
        Pair(label, entity, at, at + len(entity)) if at >= 0 else Pair(label, entity)
        for label, entity, at in found
    )


def _some(rows, task: str, count: int, metas) -> list[Record]:
    return [
        Record(f"scnm-{at:05d}", task, text, label, placed(text, pairs), meta=metas(at))
        for at in range(count)
        for text, label, pairs in [rows[at % len(rows)]]
    ]


def originals(count: int = 8) -> list[Record]:
    """Japanese records."""
    return _some(_JA, "scnm-ja", count, lambda at: {})


def draft(at: int = 0, **meta) -> Record:
    """One English draft."""
    text, label, pairs = _EN[at % len(_EN)]
    return Record(f"scnm-{at:05d}", "scnm-en", text, label, placed(text, pairs), meta=meta)


def drafts(count: int = 8) -> list[Record]:
    """English drafts of `originals`; every third bears a rule, every fourth a step."""

    def made(at: int) -> dict:
        rules = ["length ratio"] if at % 3 == 0 else []
        return {"draft": {"model": "scripted", "prompt": "v1", "steps": ["folded"], "rules": rules}}

    return _some(_EN, "scnm-en", count, made)


def fact_record(at: int = 0) -> Record:
    """A Chinese record of facts."""
    text = "林晓主演的电影《纸船》去年在厦门开拍。"
    facts = (Fact(("林晓", "主演", "纸船")), Fact(("纸船", "产品", "厦门")))
    return Record(f"tcree-{at:05d}", "tcree-zh", text, "电影", facts=facts)
