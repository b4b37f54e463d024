"""Raw corpora of invented text, in the shapes of the real ones: what the sources are tested on."""

import json
from pathlib import Path

from invented_ja import write_asdc, write_fkc, write_stockmark
from invented_opinions import write_opinions
from invented_words import han, kana, latin

from pointline.corpus.sources.crossre import DOMAINS

EN = "crossre/crossre_data"
JA = "crossre/multi-crossre_data/translation/japanese"
ZH = "crossre/multi-crossre_data/translation/chinese"

_WHO = (
    ("Mira Vale", "ミラ・ベイル", "米拉"),
    ("Odo Finch", "オドー", "奥多"),
    ("Ida", "アイダ", "艾达"),
)
_WHERE = (
    ("Harl", "ハール", "哈尔"),
    ("Port Oon", "ウーン港", "翁港"),
    ("Lisk Hall", "リスク会館", "利斯克厅"),
)
_KIND = {
    "news": "person", "politics": "politician", "science": "scientist",
    "music": "musicalartist", "literature": "writer", "ai": "researcher",
}  # fmt: skip


def crossre_row(key: str, number: int, domain: str) -> dict[str, dict]:
    """One sentence in the three languages: who spoke where, with one relation."""
    who, where = _WHO[number % 3], _WHERE[number // 3 % 3]
    kind = _KIND[domain]
    head = who[0].split()
    place = where[0].split()
    tokens = [
        *head,
        "spoke",
        "in",
        *place,
        "on",
        "day",
        str(number),
        "of",
        domain,
        "with",
        *latin(key),
        ".",
    ]
    tail = len(head) + 2
    spans = [[0, len(head) - 1, kind], [tail, tail + len(place) - 1, "location"]]
    relation = [*spans[0][:2], *spans[1][:2], "physical", "", False, False]
    english = {"doc_key": key, "sentence": tokens, "ner": spans, "relations": [relation]}

    def translated(words: list[str]) -> dict:
        at, places = 0, []
        for word in words:
            places.append([at, at + len(word)])
            at += len(word)
        return {
            "doc_key": key,
            "sentence": words,
            "sentence-detokenized": "".join(words),
            "token2charspan": places,
            # the projected spans take in the particle behind the name
            "ner": [[0, 1, kind], [2, 3, "location"]],
            "ner_mapping_to_source": [0, 1],
            "relations": [[0, 1, 2, 3, "physical", "", False, False]],
            "relations_mapping_to_source": [0],
        }

    return {
        EN: english,
        JA: translated(
            [
                who[1],
                "は",
                where[1],
                "で",
                f"{domain}の",
                f"{number}日目に",
                kana(key),
                "と話した。",
            ]
        ),
        ZH: translated(
            [who[2], "在", where[2], "的", f"{domain}会议", f"第{number}天", "说", f"{han(key)}。"]
        ),
    }


def write_crossre(raw: Path, size: int = 12) -> None:
    """`size` sentences in each of the 18 files, in three languages."""
    for domain in DOMAINS:
        for part, split in enumerate(("train", "dev", "test")):
            name = f"{domain}-{split}"
            rows = [
                crossre_row(f"{name}-{number}", part * size + number, domain)
                for number in range(1, size + 1)
            ]
            for folder in (EN, JA, ZH):
                path = raw / folder / f"{name}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                lines = (json.dumps(row[folder], ensure_ascii=False) for row in rows)
                path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_smp(raw: Path, size: int = 40) -> None:
    rows = [
        {"text": f"给{_WHO[n % 3][2]}打第{n}个电话说{han(n)}", "domain": "telephone", "intent": "CALL",
         "slots": {"name": _WHO[n % 3][2]}}
        for n in range(size)
    ]  # fmt: skip
    rows.append({"text": "明天要带伞吗", "domain": "weather", "intent": "Q", "slots": {}})
    rows.append({"text": "从甲城到甲城的车", "domain": "bus", "intent": "Q",
                 "slots": {"Src": "甲城", "Dest": "甲城"}})  # fmt: skip
    rows.append(
        {"text": "咳嗽怎么办", "domain": "health", "intent": "Q", "slots": {"keyword": "咳嗽"}}
    )
    rows.append({"text": "唱首慢歌", "domain": "music", "intent": "P", "slots": {"category": "慢"}})
    path = raw / "smp2019-ecdt/dataSet/train.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")


def write_sst(raw: Path, size: int = 30) -> None:
    folder = raw / "sst-trees/trees"
    folder.mkdir(parents=True)
    good = "(3 (2 (2 Reel) (2 {n})) (3 (2 is) (4 (2 a) (4 (4 lovely) (2 walk)) {tail})))"
    bad = "(1 (2 (2 Reel) (2 {n})) (1 (1 (2 is) (2 n't)) (1 (3 fun) (2 ,) (1 dull)) {tail})))"
    flat = "(2 (2 (2 Reel) (2 {n})) (2 plays) {tail})"
    trees = [
        form.format(n=n, tail=" ".join(f"(2 {word})" for word in ["by", *latin((n, form))]))
        for n in range(size)
        for form in (good, bad, flat)
    ]
    dev, test = trees[-12:-6], trees[-6:]
    (folder / "train.txt").write_text("\n".join([*trees[:-12], *dev]) + "\n", encoding="utf-8")
    (folder / "dev.txt").write_text("\n".join(dev) + "\n", encoding="utf-8")
    (folder / "test.txt").write_text("\n".join(test) + "\n", encoding="utf-8")


def opinion(target: str, polarity: str, start: int) -> dict:
    return {"target": target, "category": "X#y", "polarity": polarity,
            "from": start, "to": start + len(target)}  # fmt: skip


def write_chabsa(raw: Path, reports: int = 12) -> None:
    folder = raw / "chabsa/data/chABSA"
    folder.mkdir(parents=True)
    for n in range(reports):
        sentences = [
            (f"第{n}期の売上は伸びた（{kana(n)}）", [opinion("売上", "positive", len(f"第{n}期の"))]),
            (f"第{n}期の利益は減った（{kana((n, '利益'))}）", [opinion("利益", "negative", len(f"第{n}期の"))]),
            (f"客は{n}倍、費用も増（{kana((n, n))}）", [opinion("客", "positive", 0), opinion("費用", "negative", 3 + len(f"{n}倍"))]),
            ("特に変わりはない", []),
        ]  # fmt: skip
        report = {
            "header": {"document_id": f"E9{n:04d}"},
            "sentences": [
                {"sentence_id": at, "sentence": text, "opinions": opinions}
                for at, (text, opinions) in enumerate(sentences)
            ],
        }
        path = folder / f"e9{n:04d}_ann.json"
        path.write_text(json.dumps(report, ensure_ascii=False), encoding="utf-8")


def write_zhijiang(raw: Path, size: int = 40) -> None:
    folder = raw / "zhijiang-opinion/TRAIN"
    folder.mkdir(parents=True)
    reviews, labels = ["id,Reviews"], []
    labels.append("id,AspectTerms,A_start,A_end,OpinionTerms,O_start,O_end,Categories,Polarities")
    for n in range(1, size + 1):
        bad = n % 8 == 0
        word = "难闻" if bad else "清香"
        text = f"第{n}瓶，{word}，{han((n, '瓶'))}"
        reviews.append(f"{n},{text}")
        start = text.index(word)
        polarity = "负面" if bad else "正面"
        labels.append(f"{n},_, , ,{word},{start},{start + 2},气味,{polarity}")
        labels.append(f"{n},_, , ,{word},{start},{start + 2},整体,{polarity}")
    reviews.append(f"{size + 1},没有意见")
    for name, lines in (("Train_reviews.csv", reviews), ("Train_labels.csv", labels)):
        (folder / name).write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")


def write_cec(raw: Path, articles: int = 20) -> None:
    for category in ("地震", "火灾"):
        folder = raw / "cec/CEC" / category
        folder.mkdir(parents=True)
        for n in range(articles):
            xml = f"""<?xml version="1.0" encoding="UTF-8"?>
<Body>
  <Title>甲</Title>
  <Content>
    <Paragraph>
      <Sentence>
        <Event eid="e1">
          <Time>{n}日</Time> ，
          <Location>东港 {category}</Location> 发生
          <Denoter type="emergency">{category}</Denoter>
        </Event> ， {han((category, n))} ， Line 7
        <Event eid="e2"><Participant>{n}人</Participant>
          <Denoter type="action">撤离</Denoter></Event> 。
      </Sentence>
      <Sentence>无事件的第{n}句，{category}，{han((n, category))}。</Sentence>
    </Paragraph>
  </Content>
</Body>
"""
            (folder / f"文{n}.xml").write_text(xml, encoding="utf-8")


def write_all(raw: Path) -> Path:
    """Write the corpora and return their folder."""
    for write in (write_crossre, write_smp, write_sst, write_chabsa, write_zhijiang, write_cec):
        write(raw)
    for write in (write_fkc, write_asdc, write_stockmark, write_opinions):
        write(raw)
    (raw / "crossre/SOURCE.txt").write_text("Source: invented, revision 1\nLicence: ours\n")
    return raw
