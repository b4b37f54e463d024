from functools import lru_cache

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointline.corpus.detokenise import detokenise
from pointline.draft.draft import Draft, Mention
from pointline.draft.filters import FILTERS, PRESETS, RATIOS, reasons
from pointline.draft.repair import Located, Step, locate
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task

TEXTS = {
    "en": "Nora opened a small bakery near the harbour of Skarvik on Sunday.",
    "ja": "日曜日、ノラはスカルヴィクの港の近くに小さなパン屋を開いた。",
    "zh": "星期天，诺拉在斯卡维克港附近开了一家小面包店。",
}
NAMES = {"en": "Nora", "ja": "ノラ", "zh": "诺拉"}
LABELS = {
    "en": ("Society", "people"),
    "ja": ("社会", "人名"),
    "zh": ("社会", "人名"),
}
DIRECTIONS = [(one, to) for one in TEXTS for to in TEXTS if one != to]


def draft(lang, to, text=None, *, source=None, answer="", wanted=None, label=None, items=None):
    text = TEXTS[to] if text is None else text
    source = TEXTS[lang] if source is None else source
    pairs = (Pair(LABELS[lang][1], NAMES[lang]),) if NAMES[lang] in source else ()
    record = Record("1", f"scnm-{lang}", source, LABELS[lang][0], pairs)
    wanted = NAMES[to] if wanted is None else wanted
    found = locate(text, [wanted] * len(pairs))
    return Draft(
        record,
        task(f"scnm-{to}"),
        lang,
        text,
        LABELS[to][0] if label is None else label,
        (LABELS[to][1],) * len(pairs) if items is None else items,
        tuple(Mention(p.entity, wanted, at) for p, at in zip(pairs, found, strict=True)),
        answer,
    )


def fires(name, *args, **options):
    return FILTERS[name](draft(*args, **options)) is not None


@pytest.mark.parametrize(("lang", "to"), DIRECTIONS)
def test_a_good_translation_passes_every_rule(lang, to):
    good = draft(lang, to)
    assert reasons(good) == reasons(good, "paper") == {}
    assert {name: rule(good) for name, rule in FILTERS.items()} == dict.fromkeys(FILTERS)


@pytest.mark.parametrize(("lang", "to"), DIRECTIONS)
def test_the_source_again_is_a_copy(lang, to):
    assert fires("copied", lang, to, TEXTS[lang])
    assert fires("copied", lang, to, f" {TEXTS[lang]}\n")


@pytest.mark.parametrize(
    "text", ["2024", "6-0-32-2", "IBM", "Nora Vinter", "https://example.org/", "🐈", "3.14 %"]
)
@pytest.mark.parametrize("to", ["ja", "zh"])
def test_what_has_no_words_to_translate_may_stay_as_it_is(text, to):
    assert not fires("copied", "en", to, text, source=text)
    assert not fires("untranslated", "en", to, text, source=text)


def test_han_that_both_languages_write_may_stay_as_they_are():
    assert not fires("copied", "ja", "zh", "東京大学", source="東京大学")
    assert not fires("copied", "zh", "ja", "北京大学", source="北京大学")
    assert fires("copied", "ja", "zh", "お茶", source="お茶")
    assert fires("copied", "zh", "ja", "他们说话", source="他们说话")
    assert fires("copied", "zh", "en", "北京大学", source="北京大学")


# text, target, whether something is left of the source's language
UNTRANSLATED = [
    ("东京大学附属医院", "zh", False),  # Han alone are no Japanese
    ("東京大学附属病院", "zh", False),
    ("昨天我们去了スカルヴィク。", "zh", True),
    ("昨天我们去了港口です。", "zh", True),
    ("鲜の味今天开业。", "zh", False),  # a brand
    ("餐厅“のれん”今天开业。", "zh", False),
    ("他（ノラ）来了。", "zh", False),
    ("IBM和Apple的New York办公室", "zh", False),
    ("他读了The Lord of the Rings。", "zh", False),
    ("他说 the ferry to the island was late 就走了。", "zh", True),
    ("ノラはNew York Times Book Reviewを読む。", "ja", False),
    ("ノラは The Lord of the Rings を読む。", "ja", False),
    ("ノラは「the ferry to the island was late」と言った。", "ja", False),  # quoted
    ("ノラは行った。the ferry to the island was late because of fog", "ja", True),
    ("東京大学附属病院", "ja", False),
    ("他们说这个岛很漂亮。", "ja", True),
    ("ノラは们と書いた。", "ja", False),  # one character that Japanese does not write
    ("鄧小平と会った。", "ja", False),
    ("The sign said 東京 in blue.", "en", True),
    ("The sign (東京) was blue.", "en", False),
    ("The sign said “東京” in blue.", "en", False),
    ("The inn 「青い窯」 is open.", "en", False),
    ("Nora went to スカルヴィク.", "en", True),
    ("Nora went home。", "en", False),
    ("2024", "en", False),
    ("", "en", False),
    ("🐈", "zh", False),
]


@pytest.mark.parametrize(("text", "to", "left"), UNTRANSLATED)
def test_what_is_left_of_the_source_language(text, to, left):
    other = "zh" if to == "ja" else "ja"
    assert fires("untranslated", other, to, text) is left


@pytest.mark.parametrize(
    ("lang", "to", "text", "left"),
    [
        ("ja", "zh", "鲜の味", True),
        ("ja", "zh", "东京大学", False),
        ("ja", "en", "Tokyo (東京)", True),
        ("zh", "en", "Tokyo (東京)", True),
        ("zh", "ja", "他们说", False),  # the paper has no such direction
        ("en", "ja", "the ferry", False),
    ],
)
def test_the_papers_rule_takes_any_character_of_the_source(lang, to, text, left):
    assert fires("source-script", lang, to, text) is left


REFUSALS = [
    ("en", "I'm sorry, but I can't help with translating this."),
    ("ja", "申し訳ありませんが、お手伝いできません。"),
    ("zh", "抱歉，我无法提供这个内容的翻译。"),
]


@pytest.mark.parametrize(("to", "text"), REFUSALS)
def test_a_refusal_is_no_translation_unless_the_source_says_so(to, text):
    lang, said = next((lang, told) for lang, told in REFUSALS if lang != to)
    assert fires("refusal", lang, to, text)
    assert not fires("refusal", lang, to, text, source=said)
    assert fires("refusal", lang, to, "", answer=text)


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("en", "Sure! Here is the translation: Nora left."),
        ("en", "Translation: Nora left."),
        ("en", "Nora left. (Note: Nora is a name.)"),
        ("en", "Nora left.\n```"),
        ("en", "<think>Who is Nora?"),
        ("ja", "以下は日本語訳文です。ノラは去った。"),
        ("ja", "翻訳：ノラは去った。"),
        ("zh", "以下是翻译：诺拉走了。"),
        ("zh", "译文：诺拉走了。"),
        ("zh", "诺拉走了。（注：诺拉是人名）"),
    ],
)
def test_talk_about_the_translation(to, text):
    lang = "ja" if to == "en" else "en"
    assert fires("chatter", lang, to, text)
    assert not fires("chatter", lang, to, text, source=text)


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("en", "The translation is his life's work; here is the house."),
        ("en", "Of course, here she was right."),
        ("ja", "この翻訳は読みやすい。"),
        ("zh", "翻译工作很辛苦，以下是名单。"),
    ],
)
def test_talk_about_another_translation(to, text):
    assert not fires("chatter", "ja" if to == "en" else "en", to, text)


@pytest.mark.parametrize(("lang", "to"), DIRECTIONS)
def test_the_length_of_a_translation(lang, to):
    assert fires("length-ratio", lang, to, TEXTS[to][: len(TEXTS[to]) // 4])
    assert fires("length-ratio", lang, to, TEXTS[to] * 3)
    assert not fires("length-ratio", lang, to, "OK", source="可")
    low, high = RATIOS[lang, to]
    assert 0.4 < low < 1 < high < 2.5


def test_a_text_that_keeps_its_names_is_no_longer_for_it():
    english = "The band Blue Oven and the singer Nora Vinter left."
    japanese = "バンドBlue Ovenと歌手Nora Vinterが去った。"
    assert not fires("length-ratio", "en", "ja", japanese, source=english)
    assert not fires("length-ratio", "ja", "en", english, source=japanese)


def test_an_empty_translation():
    assert fires("empty", "en", "ja", " \n")
    assert not fires("empty", "en", "ja", "", source=" ")


def test_an_entity_that_is_not_found():
    lost = draft("en", "ja", wanted="ポール")
    assert list(reasons(lost)) == ["entity-missing", "unwritable"]
    assert "'Nora'" in reasons(lost)["entity-missing"]


def test_an_entity_that_was_mended_is_kept_by_ours_and_dropped_by_the_papers():
    mended = draft("en", "ja", wanted="ノラさん")
    assert mended.mentions[0].located == Located(
        "ノラ", 4, 6, Step.ALIGNED, mended.mentions[0].located.score
    )
    assert reasons(mended) == {}
    assert list(reasons(mended, "paper")) == ["entity-not-verbatim"]


def test_a_field_that_stands_nowhere_in_the_source_need_not_stand_in_the_translation():
    source = Record(
        "1", "tcree-en", "Ada sang.", "film", facts=(Fact(("Ada", "performances", "role")),)
    )
    told = Draft(
        source, task("tcree-ja"), "en", "エイダは歌った。", "映画", ("出演",),
        (Mention("Ada", "エイダ", Located("エイダ", 0, 3)), Mention("role", "役", needed=False)),
    )  # fmt: skip
    assert reasons(told) == {}
    assert told.record().facts == (Fact(("エイダ", "出演", "役")),)
    assert told.record().task == "tcree-ja"


def test_labels_outside_the_set():
    assert fires("label-outside", "en", "ja", label="Society")
    assert fires("label-outside", "en", "ja", label="")
    assert fires("label-outside", "en", "ja", items=("people",))
    assert fires("label-outside", "en", "ja", items=("",))
    assert fires("label-outside", "en", "ja", items=())


def test_what_cannot_be_written():
    half = draft("en", "ja", "ノラ\ud83d")
    assert FILTERS["unwritable"](half) is not None and half.record() is None
    told = draft("en", "zh", "诺拉:在:斯卡维克开店。", wanted="诺拉:在")
    assert FILTERS["unwritable"](told) is None
    assert FILTERS["unwritable-plain"](told) is not None


def test_every_preset_names_rules_and_a_reason_is_one_line():
    for names in PRESETS.values():
        assert set(names) <= set(FILTERS)
    bad = draft("en", "ja", "x\ny", label="")
    assert all("\n" not in reason for reason in reasons(bad).values())
    with pytest.raises(KeyError):
        reasons(bad, "none")


@lru_cache
def crossre_texts(folder, lang):
    """The sentences of CrossRE's dev splits by their keys."""
    names = {
        "ja": "multi-crossre_data/translation/japanese",
        "zh": "multi-crossre_data/translation/chinese",
    }
    texts = {}
    for path in sorted((folder / names.get(lang, "crossre_data")).glob("*-dev.json")):
        for row in map(orjson.loads, path.read_bytes().splitlines()):
            english = lang == "en"
            text = detokenise(row["sentence"]).text if english else row["sentence-detokenized"]
            texts[row["doc_key"]] = text
    return texts


@pytest.mark.corpora
@pytest.mark.parametrize(("lang", "to"), DIRECTIONS)
def test_translations_in_the_corpora_pass(raw_corpora, lang, to):
    texts = [crossre_texts(raw_corpora / "crossre", each) for each in (lang, to)]
    drafts = [
        Draft(Record(name, "", text), task(f"scnm-{to}"), lang, texts[1][name])
        for name, text in texts[0].items()
    ]
    fired = {
        name: sum(FILTERS[name](one) is not None for one in drafts) / len(drafts)
        for name in ("refusal", "chatter", "copied", "untranslated", "length-ratio")
    }
    assert fired["refusal"] == fired["chatter"] == 0
    assert fired["copied"] < 0.004  # scores of matches and the like, which nobody translated
    assert fired["untranslated"] < 0.002
    assert fired["length-ratio"] < 0.006


@given(st.text(), st.text(), st.sampled_from(DIRECTIONS))
def test_no_rule_raises(source, text, direction):
    told = draft(*direction, text, source=source)
    for rule in FILTERS.values():
        assert rule(told) is None or rule(told)
