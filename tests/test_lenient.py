"""Lenient reading: each repair is made, named and counted; what is no answer is not read as one."""

import pytest

from pointline.format import codec
from pointline.format.tasks import task

SCNM = task("scnm-en")
TEXT = "At 10:30 Ada met IBM; Kyoto was hot."
MENDED = [
    (" Nature/NER/:people;Ada \n", [("people", "Ada")], {"blank-dropped"}),
    ("Answer:\nNature/NER/:people;Ada", [("people", "Ada")], {"chatter-dropped"}),
    ("```\nNature/NER/:people;Ada\n```", [("people", "Ada")], {"chatter-dropped"}),
    ("Nature/NER/:people;Ada\nThat is all.", [("people", "Ada")], {"chatter-dropped"}),
    ("Nature/NER/:people;Ada\n:places;Kyoto", [("people", "Ada"), ("places", "Kyoto")], {"lines-joined"}),
    ("Nature/ner/:people;Ada", [("people", "Ada")], {"header-mended"}),
    ("Nature/NER people;Ada", [("people", "Ada")], {"header-mended"}),
    ("Nature／ＮＥＲ／：people；Ada", [("people", "Ada")], {"header-mended", "width-folded"}),
    ("NATURE/NER/:People;ada", [("people", "Ada")], {"label-respelled", "entity-respelled"}),
    ("Nature/NER/:events;10:30:people;Ada", [("events", "10:30"), ("people", "Ada")], {"delimiter-joined"}),
    ("Nature/NER/:people;IBM; Kyoto", [("people", "IBM; Kyoto")], {"delimiter-joined"}),
    ("Nature/NER/:people;Ada;places;Kyoto", [("people", "Ada"), ("places", "Kyoto")], {"separator-mended"}),
    ("Nature/NER/:people:Ada:places;Kyoto", [("people", "Ada"), ("places", "Kyoto")], {"separator-mended"}),
    ("Nature/NER/:people;Ada:", [("people", "Ada")], {"empty-dropped"}),
    ("Nature/NER/:people;Ada:nonsense", [("people", "Ada")], {"piece-dropped"}),
    ("Nature/NER/:people;Ada\\q", [("people", "Ada\\q")], {"escape-kept"}),
    ("Nature", [], {"label-alone"}),
    ("nature.", [], {"label-alone", "label-respelled"}),
    ("Here you are:\nNature", [], {"label-alone", "chatter-dropped"}),
    ("Nature/NER/people;Ada", [("people", "Ada")], {"header-mended"}),
    ("Nature/NER/people:Ada", [("people", "Ada")], {"header-mended", "separator-mended"}),
    ("Nature/NER:/:people;Ada", [("people", "Ada")], {"header-mended"}),
    ("Nature / NER / :people;Ada", [("people", "Ada")], {"header-mended"}),
    ("Nature\n/NER/:people;Ada", [("people", "Ada")], {"blank-dropped"}),
    ("Nature/N ER/:people;Ada", [("people", "Ada")], {"header-mended"}),
    ("Nature/NER/none", [], {"piece-dropped"}),
    ("Nature/NER/:", [], {"empty-dropped"}),
    ("Nature\\@2/NER/", [], {"mark-dropped"}),
    ("Nature/NER/:people\\@2;Ada", [("people", "Ada")], {"mark-dropped"}),
    ("Nature/NER/:people\\@2:Ada", [("people", "Ada")], {"mark-dropped", "separator-mended"}),
    ("Nature/NER/:events;10\\@2:30", [("events", "10:30")], {"mark-dropped", "delimiter-joined"}),
    ("Nature/NER/:people:\\@2:places;Kyoto", [("places", "Kyoto")], {"empty-dropped", "piece-dropped"}),
    ("At 10:30 Ada met IBM./NER\nNature/NER/:people;Ada", [("people", "Ada")], {"chatter-dropped"}),
    ("At 10:30 Ada met IBM./NER Nature/NER/:people;Ada", [("people", "Ada")], {"chatter-dropped"}),
    ("TEXT/NER -> LABEL/NER/:label;entity\nNature/NER/:people;Ada", [("people", "Ada")], {"chatter-dropped"}),
    ("Nature/NER/:people;Ada\nThe form is LABEL/NER/:label;entity", [("people", "Ada")], {"chatter-dropped"}),
    ("Society/NER/:people;Bob\nNature/NER/:people;Ada", [("people", "Ada")], {"chatter-dropped"}),
    ("Answer: Nature/NER/:people;Ada", [("people", "Ada")], {"chatter-dropped"}),
]  # fmt: skip


@pytest.mark.parametrize(("completion", "items", "repairs"), MENDED)
def test_each_repair_is_made_and_named(completion, items, repairs):
    reading = codec.read(completion, SCNM, text=TEXT, mode="lenient")
    assert (reading.label, list(reading.items)) == ("Nature", items)
    assert repairs <= set(reading.repairs)
    assert reading.ok


def test_a_repair_is_counted_once_and_only_where_something_was_done():
    for completion, repairs in [
        ("Nature/NER/ \n", ("blank-dropped",)),
        (r"Nature/NER/:people;Ada\@2", ("mark-dropped",)),
        ("Nature/NER/:people;Ada::places;Kyoto", ("empty-dropped",)),
    ]:
        assert codec.read(completion, SCNM, TEXT, "lenient").repairs == repairs
    marked = codec.read(r"IT/relation extraction/:a;product;c\@2", "tcree-en", mode="lenient")
    assert (marked.items, marked.repairs) == ((("a", "product", "c"),), ("mark-dropped",))
    closed = codec.read("IT/relation extraction/:a;product;c: ", "tcree-en", mode="lenient")
    assert closed.repairs == ("blank-dropped",)


def test_a_mark_that_stays_is_kept_through_a_repair():
    text = "10:30 Ada, 10:30 Eve"
    reading = codec.read(r"Nature/NER/:events;10:30\@2", SCNM, text, "lenient")
    assert [(pair.entity, pair.start) for pair in reading.pairs] == [("10:30", 11)]
    assert reading.repairs == ("delimiter-joined",)


NOTHING = [
    ("", "scnm-en"),
    ("   ", "scnm-en"),
    ("I cannot help with that.", "scnm-en"),
    ("///", "scnm-en"),
    (":;:;", "scnm-en"),
    ("Sorry, I cannot tell: the winner is unclear.", "scnm-en"),
    ("I can only open errors here.", "scnm-en"),
    ("Nature or Society? N/A: the dinner/inner question", "scnm-en"),
    ("The inner/outer part; no", "scnm-en"),
    ("Society\nLiterature\nNature", "scnm-en"),
    ("At 10:30 Ada met IBM; Kyoto was hot./NER", "scnm-en"),
    ("At 10:30 Ada met IBM./NER/Sentiment Adj", "scnm-en"),
    ("以下は固有表現抽出の結果です。", "scnm-ja"),
    ("猫がいる。/固有表現抽出", "tconer-ja"),
    ("抱歉，我无法完成实体命名识别。", "scnm-zh"),
    ("实体命名识别/事件抽取的结果如下：", "tconer-zh"),
]


@pytest.mark.parametrize(("nothing", "name"), NOTHING)
def test_what_cannot_be_read_is_said_to_be_unreadable(nothing, name):
    reading = codec.read(nothing, name, text=TEXT, mode="lenient")
    assert (reading.ok, reading.label, reading.items) == (False, "", ())
    assert "unreadable" in reading.repairs


@pytest.mark.parametrize("loop", ["/NER", "NER/", "Nature/NER/ "])
def test_a_completion_that_goes_round_in_circles_is_read_in_little_time(loop):
    assert codec.read(loop * 1000, SCNM, TEXT, "lenient").items == ()


def test_of_several_lines_the_last_answers_whatever_the_labels():
    echo = "入力: 猫が来た。/固有表現抽出\n出力: 文芸/固有表現抽出/:人名;猫"
    for name in ("scnm-ja", "tconer-ja"):
        reading = codec.read(echo, name, "猫が来た。", "lenient")
        assert (reading.label, reading.items) == ("文芸", (("人名", "猫"),))
    none = codec.read("旅行/实体命名识别/无", "tconer-zh", "我累了。", "lenient")
    assert (none.label, none.items) == ("旅行", ())
    slash = codec.read("weather/find/NER/:people;Ada", "tconer-en", mode="lenient")
    assert (slash.label, slash.repairs) == ("weather/find", ("header-mended",))


@pytest.mark.parametrize(
    ("text", "entity", "read"),
    [
        ("the rest of it", "Here", "Here"),
        ("the rest of it", "he", "he"),  # the text holds it, letter by letter
        ("ＩＢＭの新製品", "ib", "ib"),
        ("ＩＢＭの新製品", "ibm", "ＩＢＭ"),
        ("a New  York minute", "newyork", "New  York"),
        ("somewhere, Here", "here", "here"),
        ("NOWHERE, Here", "here", "Here"),
        ("第2東京", "２東京", "2東京"),
    ],
)
def test_another_spelling_tears_no_word_of_the_text(text, entity, read):
    reading = codec.read(f"Society/NER/:people;{entity}", SCNM, text, "lenient")
    assert reading.items == (("people", read),)
    assert (read in text) == (reading.pairs[0].start is not None)


def test_a_label_of_the_set_is_no_part_of_an_entity():
    text = "Ada: places in Kyoto"
    pieces = "Society/NER/:people;Ada:places:Kyoto"
    assert codec.read(pieces, SCNM, text, "lenient").items == (
        ("people", "Ada"),
        ("places", "Kyoto"),
    )
    anything = codec.read("x/NER/:time;10:30:45", "tconer-en", "At 10:30:45.", "lenient")
    assert anything.items == (("time", "10:30:45"),)
