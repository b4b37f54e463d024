"""Raw Japanese corpora of invented text: FKC, ASDC and stockmark-ner in their shapes."""

import json
from pathlib import Path

from invented_words import kana

from pointline.corpus.sources.fkc import GENRES

# ---------------------------------------------------------------- FKC


def morpheme(told: str) -> str:
    """A KNP line from `surface/pos/subclass/form/lemma`; what is left out is `*` or the surface."""
    surface, pos, sub, form, lemma = (told.split("/") + [""] * 4)[:5]
    return f"{surface} よみ {lemma or surface} {pos} 1 {sub or '*'} 1 * 0 {form or '*'} 0 NIL"


def relation(kind: str, target: str, *, sid: str = "", at: int = 0, mode: str = "") -> str:
    place = f' sid="{sid}" id="{at}"' if sid else ""
    mode = f' mode="{mode}"' if mode else ""
    return f'<rel type="{kind}"{mode} target="{target}"{place}/>'


def sentence(sid: str, *bunsetsu: list[tuple[str, str]]) -> str:
    """A sentence of bunsetsu, each a list of basic phrases: (morphemes, relations)."""
    lines = [f"# S-ID:{sid} KNP:4.2 DATE:2020/01/01"]
    for phrases in bunsetsu:
        lines.append("* 1D")
        for morphemes, relations in phrases:
            lines.append(f"+ 1D {relations}".rstrip())
            lines += [morpheme(told) for told in morphemes.split()]
    return "\n".join([*lines, "EOS"]) + "\n"


_PLACES = ("港", "橋", "市場", "工場", "学校", "公園")
_GRIPES = ("遅れ", "混み", "揺れ", "止まり", "曲がり", "傾き")


def complaint(document: str, number: int) -> str:
    """A noun of two phrases, a negated verb, an argument in the sentence before and one unsaid."""
    first, second = f"{document}-1", f"{document}-2"
    place, gripe = _PLACES[number % 6], _GRIPES[number // 6 % 6]
    return sentence(
        first,
        [(f"{kana(first)}/名詞 の/助詞", "")],
        [(f"{place}/名詞/普通名詞", ""), ("バス/名詞/普通名詞 が/助詞", "")],
        [(f"{gripe}/動詞//連用形 、/特殊/読点", "")],
        [
            (
                "来/動詞//未然形/来る ない/接尾辞//基本形 ので/助動詞///のだ 、/特殊/読点",
                relation("ガ", "バス", sid=first, at=2) + relation("ニ", "著者"),
            )
        ],
    ) + sentence(
        second,
        [(f"{kana(second)}/名詞 の/助詞", "")],
        [("職員/名詞/普通名詞 に/助詞", "")],
        [
            (
                f"第{number}/名詞 便/名詞/普通名詞 を/助詞",
                relation("ノ", "職員", sid=second, at=1),
            )
        ],
        [
            (
                "問う/動詞//基本形 。/特殊/句点",
                relation("ニ", "職員", sid=second, at=1)
                + relation("ヲ", "便", sid=second, at=2)
                + relation("ガ２", "バス", sid=first, at=2),
            )
        ],
    )


def write_fkc(raw: Path, size: int = 8) -> None:
    for at, genre in enumerate(GENRES):
        folder = raw / "fkc/knp" / genre
        folder.mkdir(parents=True)
        for number in range(size):
            document = f"fuman-{genre}-{number:04d}"
            text = complaint(document, at * size + number)
            (folder / f"{document}.knp").write_text(text, encoding="utf-8")


# ---------------------------------------------------------------- ASDC

COLUMNS = (
    "utterance_id", "src_file_id", "nth", "speaker", "utterance", "speech_act", "span_id",
    "span_utterance_id", "span_start", "span_length", "span_text", "span_type", "span_flag",
    "demon_span_utterance_id", "demon_span_start", "demon_span_length", "demon_span_text",
)  # fmt: skip


def utterance(id: int, dialogue: int, text: str, act: str, *spans: dict[str, object]) -> list[str]:
    """The rows of an utterance; an act is the user's."""
    told = {
        "utterance_id": id, "src_file_id": dialogue, "nth": id % 100,
        "speaker": "user" if act else "agent", "utterance": text, "speech_act": act,
    }  # fmt: skip
    rows = [{**told, **span} for span in spans] or [told]
    return ["\t".join(str(row.get(column, "")) for column in COLUMNS) for row in rows]


def span(at: int, text: str, word: str, kind: str, flag: str, start: int = -1) -> dict[str, object]:
    return {
        "span_id": at * 10 + max(start, 0), "span_utterance_id": at, "span_text": word,
        "span_start": text.index(word) if start < 0 else start, "span_length": len(word),
        "span_type": kind, "span_flag": flag,
    }  # fmt: skip


def pointing(at: int, text: str, words: str) -> dict[str, object]:
    """The user's own words for a span that lies elsewhere."""
    return {
        "demon_span_utterance_id": at, "demon_span_text": words,
        "demon_span_start": text.index(words), "demon_span_length": len(words),
    }  # fmt: skip


def dialogue(number: int) -> list[str]:
    town, at = _PLACES[number % 6] + f"町{number}", number * 100
    wish = f"{town}へ犬と行く予定で、{number}号室がいいです、{kana((number, 1))}"
    offer = f"{number}階のお風呂と別館が空いています"
    choice = f"{number}階なら風呂がいい、{kana((number, 2))}"
    point = f"では{number}はそれで、{kana((number, 3))}"
    yes = f"はい、{town}です、{kana((number, 4))}"
    thanks = f"どうも{number}回目です、{kana((number, 5))}"
    return [
        *utterance(
            at + 1, number, wish, "要求",
            span(at + 1, wish, f"{number}号室", "部屋", "HEJO:部屋条件"),
            span(at + 1, wish, town, "旅行", "RYAR:旅行エリア"),
            span(at + 1, wish, town, "旅行", "RYAR:旅行エリア"),
            span(at + 1, wish, "犬", "旅行", "RYSC:旅行シーン"),
        ),
        *utterance(at + 2, number, offer, ""),
        *utterance(
            at + 3, number, choice, "照応要求",
            span(at + 2, offer, "お風呂", "風呂", "FUTY:風呂種類") | pointing(at + 3, choice, "風呂"),
        ),
        *utterance(
            at + 4, number, point, "照応要求",
            span(at + 2, offer, "別館", "宿", "YATY:宿タイプ") | pointing(at + 4, point, "それ"),
        ),
        *utterance(at + 5, number, yes, "はい"),
        *utterance(at + 6, number, thanks, "その他"),
    ]  # fmt: skip


def write_asdc(raw: Path, dialogues: int = 20) -> None:
    folder = raw / "asdc/data/main/request_span"
    folder.mkdir(parents=True)
    for number in range(1, dialogues + 1):
        lines = ["\t".join(COLUMNS), *dialogue(number)]
        (folder / f"{number:03d}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


# ---------------------------------------------------------------- stockmark-ner


def write_stockmark(raw: Path, size: int = 12) -> None:
    folder = raw / "stockmark-ner"
    folder.mkdir(parents=True)
    rows = [
        {
            "curid": str(number // 2),
            "text": f"灯野{number}号は{place}にある。",
            "entities": [
                {"name": place, "span": [len(f"灯野{number}号は"), len(f"灯野{number}号は") + len(place)], "type": "地名"},
                {"name": f"灯野{number}号", "span": [0, len(f"灯野{number}号")], "type": "施設名"},
            ],
        }
        for number in range(size)
        for place in [_PLACES[number % 6] + "町"]
    ]  # fmt: skip
    rows.append({"curid": "99", "text": "名は無い。", "entities": []})
    (folder / "ner.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
