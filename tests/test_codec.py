import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import names, plain_blocks, plain_names, records, tasks, texts

from pointline.errors import FormatError, InputError, RecordError, TaskError
from pointline.format import codec, lenient
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import TASKS, adhoc, task
from pointline.format.text import place

SCNM = task("scnm-en")
TEXT = "At 10:30 Ada met IBM; Kyoto was hot."


def record_of(reading: codec.Reading, like: Record) -> Record:
    return Record(like.id, like.task, like.text, reading.label, reading.pairs, reading.facts)


# ---------------------------------------------------------------- round trips


@given(records())
@settings(max_examples=1000)
def test_what_write_writes_strict_read_reads_back(record):
    reading = codec.read(codec.write(record), TASKS[record.task], text=record.text)
    assert record_of(reading, record) == record
    assert reading.items == record.items
    assert reading.ok and not reading.repairs


@given(st.data(), texts.filter(bool))
def test_a_pair_without_a_place_comes_back_with_one_if_the_text_holds_it(data, text):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    pairs = (Pair("a", text[start:end], start, end), Pair("b", text[start:end]))
    record = Record("r", "tconer-en", text, "c", pairs)
    read = codec.read(codec.write(record), "tconer-en", text).pairs
    by_rule = place(text, [pair.entity for pair in pairs])[1]
    assert read[0] == pairs[0]
    assert (read[1].start, read[1].end) == (by_rule.start, by_rule.end)
    assert record_of(codec.read(codec.write(record), "tconer-en"), record) == record.unplaced()


@given(records())
def test_a_completion_is_one_line(record):
    assert len(codec.write(record).split("\n")) == 1


@given(records())
def test_without_the_text_labels_and_items_come_back(record):
    reading = codec.read(codec.write(record, places=False), record.task)
    assert (reading.label, reading.items) == (record.label, record.items)


@given(records())
def test_lenient_reading_repairs_no_placed_record(record):
    placed = Record(
        record.id,
        record.task,
        record.text,
        record.label,
        tuple(pair for pair in record.pairs if pair.start is not None),
    )
    reading = codec.read(
        codec.write(placed, TASKS["scnm-en"]), adhoc(), text=placed.text, mode="lenient"
    )
    assert reading.repairs == ()
    assert record_of(reading, placed) == placed


@given(records().filter(lambda record: not codec.needs_escape(record)), st.sampled_from(["ja"]))
def test_a_record_without_delimiters_is_written_as_the_papers_write_it(record, _):
    closing = ":" if record.facts else ""
    paper = codec.write(record, mode="paper")
    assert codec.write(record, places=False) + closing == paper
    if record.label or record.items:
        assert codec.read(paper, record.task).items == record.items


@given(st.sampled_from(["scnm-ja", "tconer-en"]), plain_names | names, plain_names | names)
def test_algorithm_1_reads_what_needs_no_escape(name, label, entity):
    record = Record("r", name, "", label, (Pair("a", entity),))
    read = codec.read(codec.write(record, mode="paper"), name, mode="paper")
    if not codec.needs_escape(record):
        assert (read.label, set(read.items)) == (f"{label}/", {("/",), ("a", entity)})


def test_a_label_that_holds_the_task_word_needs_an_escape():
    dinner = Record("1", "adhoc", "Soup.", "DINNER")
    assert not codec.needs_escape(dinner)
    assert codec.needs_escape(dinner, adhoc())
    assert not codec.needs_escape(dinner, adhoc(word="Find them"))
    assert codec.needs_escape(Record("1", "scnm-en", "Soup.", "DINNER"))
    assert codec.read(codec.write(dinner, adhoc()), adhoc()).label == "DINNER"


@given(plain_blocks())
def test_blocks_of_the_papers_form_round_trip(several):
    asked = [record.task for record in several]
    readings = codec.read_blocks(codec.write_blocks(several, mode="paper"), asked, mode="paper")
    for record, reading in zip(several, readings, strict=True):
        assert reading == codec.read(codec.write(record, mode="paper"), record.task, mode="paper")


@given(st.lists(records(), min_size=1, max_size=4))
def test_blocks_round_trip(several):
    asked = [record.task for record in several]
    readings = codec.read_blocks(codec.write_blocks(several), asked)
    assert [r.items for r in readings] == [record.items for record in several]
    assert [r.label for r in readings] == [record.label for record in several]


# ---------------------------------------------------------------- garbage


@given(st.text(), tasks, st.one_of(st.none(), texts))
@settings(max_examples=500)
def test_lenient_and_paper_reading_never_raise(garbage, some_task, text):
    assert codec.read(garbage, some_task, text=text, mode="lenient").ok in (True, False)
    codec.read(garbage, some_task, text=text, mode="paper")


@given(records(), st.data())
@settings(max_examples=500)
def test_lenient_reading_of_a_damaged_completion_never_raises(record, data):
    whole = codec.write(record)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    damaged = whole[:start] + data.draw(st.text(":;/\\ \n@：；x人", max_size=5)) + whole[end:]
    reading = codec.read(damaged, record.task, text=record.text, mode="lenient")
    assert set(reading.repairs) <= set(lenient.REPAIRS)
    for pair in reading.pairs:
        assert pair.start is None or record.text[pair.start : pair.end] == pair.entity
    try:
        strict = codec.read(damaged, record.task)
    except FormatError:
        assert reading.repairs
    else:
        assert len(strict.items) == len(reading.items)


def test_a_lone_surrogate_is_replaced_and_counted():
    reading = codec.read("Nature/NER/:people;A\ud800", SCNM, mode="lenient")
    assert reading.items == (("people", "A?"),)
    assert reading.repairs == ("surrogate-replaced",)
    with pytest.raises(FormatError, match="surrogate"):
        codec.read("Nature/NER/:people;A\ud800", SCNM)


# ---------------------------------------------------------------- writing


def test_pairs_facts_and_nothing():
    pairs = Record("1", "scnm-ja", "", "文芸", (Pair("人名", "紫式部"), Pair("地名", "京都")))
    assert codec.write(pairs) == "文芸/固有表現抽出/:人名;紫式部:地名;京都"
    facts = Record("2", "tcree-ja", "", "映画", facts=(Fact(("山本", "主演", "海の道")),))
    assert codec.write(facts) == "映画/関係抽出/:山本;主演;海の道"
    assert codec.write(facts, mode="paper") == "映画/関係抽出/:山本;主演;海の道:"
    assert codec.write(Record("3", "scnm-zh", "", "技术")) == "技术/实体命名识别/"
    assert codec.write(Record("3", "scnm-zh", "", "技术"), mode="paper") == "技术/实体命名识别/"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("10:30", r"10\:30"),
        ("a;b", r"a\;b"),
        ("C:\\new", r"C\:\\new"),
        ("and/or", "and/or"),
        ("two\nlines", r"two\nlines"),
        (" edge ", "\\ edge\\ "),
        ("：；／", "：；／"),
        ("@2", "@2"),
    ],
)
def test_delimiters_in_an_entity_are_escaped(value, written):
    record = Record("1", "scnm-en", value, "Nature", (Pair("events", value, 0, len(value)),))
    assert codec.write(record) == f"Nature/NER/:events;{written}"
    assert codec.read(codec.write(record), SCNM, value).pairs == record.pairs
    assert codec.needs_escape(record) == (value != written)


def test_a_slash_in_the_text_label_is_escaped():
    record = Record("1", "adhoc", "雨吗", "weather/find", (Pair("a/b", "雨", 0, 1),))
    line = codec.write(record, adhoc(lang="zh"))
    assert line == r"weather\/find/实体命名识别/:a/b;雨"
    assert codec.read(line, adhoc(lang="zh"), "雨吗").label == "weather/find"


def test_a_mark_tells_the_occurrence_that_order_would_not():
    text = "Ada wrote to Ada."
    second = Record("1", "scnm-en", text, "Society", (Pair("people", "Ada", 13, 16),))
    assert codec.write(second) == r"Society/NER/:people;Ada\@2"
    assert codec.write(second, places=False) == "Society/NER/:people;Ada"
    found = codec.read("Society/NER/:people;Ada", SCNM, text).pairs[0]
    assert (found.start, found.ambiguous) == (0, True)
    both = codec.read("Society/NER/:people;Ada:people;Ada", SCNM, text).pairs
    assert [(pair.start, pair.ambiguous) for pair in both] == [(0, False), (13, False)]


def test_write_refuses_items_of_the_wrong_shape():
    with pytest.raises(RecordError, match="holds 1 facts, but task 'scnm-en' takes pairs"):
        codec.write(Record("1", "scnm-en", "", "x", facts=(Fact(("a", "b", "c")),)))
    with pytest.raises(TaskError, match="did you mean scnm-ja"):
        codec.write(Record("1", "scnm-jp", "", "x"))


# ---------------------------------------------------------------- the three dialects


@pytest.mark.parametrize(
    ("completion", "task_name", "label", "items"),
    [
        ("文芸/固有表現抽出/:人名;紫式部", "scnm-ja", "文芸", [("人名", "紫式部")]),
        ("Nature/NER:/places;Kyoto:people;Ada", "scnm-en", "Nature", [("places", "Kyoto"), ("people", "Ada")]),
        ("Nature/NER:/", "scnm-en", "Nature", []),
        ("技术/实体命名识别/:人名:李雷:产品名:甲", "scnm-zh", "技术", [("人名", "李雷"), ("产品名", "甲")]),
        ("映画/関係抽出/:山本;主演;海の道:", "tcree-ja", "映画", [("山本", "主演", "海の道")]),
        ("IT/relation extraction:/Acme;product;X1:", "tcree-en", "IT", [("Acme", "product", "X1")]),
        ("运动/事件抽取/:王明:出演:某台:一日:", "tcree-zh", "运动", [("王明", "出演", "某台", "一日")]),
        ("negative/Sentiment Adj and N:/negative;dull", "scpos-adj-en", "negative", [("negative", "dull")]),
        ("積極/感情分析名詞/:中立;話", "scpos-rw-ja", "積極", [("中立", "話")]),
    ],
)  # fmt: skip
def test_strict_reading_takes_the_published_dialects(completion, task_name, label, items):
    reading = codec.read(completion, task_name)
    assert (reading.label, list(reading.items), reading.repairs) == (label, items, ())


# ---------------------------------------------------------------- strict errors


@pytest.mark.parametrize(
    ("completion", "reason", "offset"),
    [
        ("", "expected '/' after the label", 0),
        ("Nature", "expected '/' after the label", 6),
        ("Nature/NERD/", "expected '/' after the task word 'NER'", 10),
        ("Nature/REN/", "expected the task word 'NER'", 7),
        ("Nature/NER", "expected '/' after the task word 'NER'", 10),
        ("Nature/NER/:people", "expected ';' between label and entity", 11),
        ("Nature/NER/:people;Ada:x", "expected 'label;entity', got 1 fields", 23),
        ("Nature/NER/:people;Ada;x", "expected 'label;entity', got 3 fields", 12),
        ("Nature/NER/:people;", "expected a field, got nothing", 19),
        ("Nature/NER/:people;Ada:", "expected a field, got nothing", 23),
        ("Nature/NER/:people; Ada", "a blank at the edge of a field is written '\\ '", 19),
        ("Nature/NER/:people;Ada\n", "a blank at the edge of a field is written '\\ '", 19),
        ("Nature/NER/:people;A\nda", "a line break is written '\\n'", 19),
        ("Nature/NER/:people;A\\da", "unknown escape '\\\\d'", 20),
        ("Nature/NER/:people\\@2;Ada", "a mark '\\@' belongs after a pair's entity", 12),
        ("Nature\\@2/NER/", "a mark '\\@' belongs after a pair's entity", 0),
        ("Answer: Nature/NER/", "':' in a label is written '\\:'", 6),
        ("Nature;x/NER/", "';' in a label is written '\\;'", 6),
        ("Nature/NER/people;Ada", "expected ':' before the first item", 11),
        ("Nature/NER/people:Ada", "expected ':' before the first item", 11),
        ("Nature/NER/ :people;Ada", "expected ':' before the first item", 11),
        ("Nature/NER/:", "expected a field, got nothing", 12),
        ("Nature/NER:/:", "expected a field, got nothing", 12),
        ("Nature/NER:/:people;Ada", "expected a field, got nothing", 12),
        ("Nature/NER:/people:Ada", "expected 'label;entity', got 1 fields", 12),
    ],
)
def test_strict_reading_says_where_and_why(completion, reason, offset):
    with pytest.raises(FormatError) as error:
        codec.read(completion, SCNM)
    assert error.value.reason == reason
    assert error.value.offset == offset


def test_a_mark_beyond_the_text_is_refused_or_dropped():
    with pytest.raises(FormatError, match="does not occur 3 times"):
        codec.read(r"Society/NER/:people;Ada\@3", SCNM, text="Ada, Ada")
    mended = codec.read(r"Society/NER/:people;Ada\@3", SCNM, "Ada, Ada", "lenient")
    assert (mended.pairs[0].start, mended.repairs) == (0, ("mark-dropped",))


def test_an_empty_list_of_facts_may_be_closed():
    assert codec.read("IT/relation extraction/:", "tcree-en") == codec.Reading("IT")


# ---------------------------------------------------------------- Algorithm 1


@pytest.mark.parametrize(
    ("completion", "task_name", "label", "items"),
    [
        ("Nature/NER/:people;Ada:places;Kyoto", "scnm-en", "Nature/", {("/",), ("people", "Ada"), ("places", "Kyoto")}),
        ("Nature/NER/", "scnm-en", "Nature/", {("/",)}),
        (" Nature / NER:/people;Ada", "scnm-en", "Nature /", {("/people", "Ada")}),
        ("no task word", "scnm-en", "", set()),
        ("IT/relation extraction/:A;product;B:", "tcree-en", "IT/", {("/:A", "product", "B:")}),
        ("IT/relation extraction", "tcree-en", "IT/", {("",)}),
        ("Nature/NER/:a;b:a;b", "scnm-en", "Nature/", {("/",), ("a", "b")}),
        ("NER/NER/:a;b", "scnm-en", "", {("/NER/",), ("a", "b")}),
    ],
)  # fmt: skip
def test_paper_mode_is_algorithm_1_to_the_letter(completion, task_name, label, items):
    reading = codec.read(completion, task_name, mode="paper")
    assert (reading.label, set(reading.items)) == (label, items)


@given(names.filter(lambda n: "NER" not in n), st.lists(st.tuples(names, names)))
def test_paper_mode_equals_a_naive_algorithm_1(label, items):
    completion = label + "/NER/" + "".join(f":{a};{b}" for a, b in items)
    left, right = completion.split("NER", 1)
    naive = {tuple(p.strip().split(";")) for p in right.split(":") if p}
    reading = codec.read(completion, SCNM, mode="paper")
    assert (reading.label, set(reading.items)) == (left.strip(), naive)


# ---------------------------------------------------------------- several task words


def test_blocks_that_nothing_parts_are_parted_at_the_next_label():
    both = "Nature/NER/:places;Kyotopositive/Sentiment Adj/:positive;hot"
    first, second = codec.read_blocks(both, ["scnm-en", "scpos-adj-en"], TEXT)
    assert (first.label, first.items) == ("Nature", (("places", "Kyoto"),))
    assert (second.label, second.items) == ("positive", (("positive", "hot"),))


def test_a_word_that_another_task_has_as_an_alias_is_its_owners():
    for first, second in [("scpos-adjn-en", "scpos-adj-en"), ("scpos-adj-en", "scpos-adjn-en")]:
        asked = [task(first), task(second)]
        line = "".join(f"positive/{t.word}/:positive;hot" for t in asked)
        for mode in ("strict", "lenient", "paper"):
            readings = codec.read_blocks(line, asked, mode=mode)
            assert [("positive", "hot") in reading.items for reading in readings] == [True, True]
    alone = codec.read_blocks("positive/Sentiment Adj and N:/positive;hot", ["scpos-adj-en"])[0]
    assert alone.items == (("positive", "hot"),)


def test_lines_part_blocks_only_where_each_is_one():
    first, second = codec.read_blocks(
        "Sure:\nNature/NER/:places;Kyoto", ["scnm-en", "scpos-adj-en"], mode="lenient"
    )
    assert (first.items, second.ok) == ((("places", "Kyoto"),), False)
    three = "Sure:\nNature/NER/:places;Kyoto\ncalm/NER/:mood;hot"
    first, second = codec.read_blocks(three, ["scnm-en", "tconer-en"], mode="lenient")
    assert (first.label, second.label, second.items) == ("Nature", "calm", (("mood", "hot"),))


def test_blocks_with_a_task_word_that_is_not_spelled_as_it_should_be():
    asked = ["scpos-adj-en", "scpos-adjn-en"]
    line = "positive/sentiment adj and n/:positive;hot"
    first, second = codec.read_blocks(line, asked, mode="lenient")
    assert (first.ok, second.items) == (False, (("positive", "hot"),))


def test_a_task_for_each_block():
    with pytest.raises(InputError, match="got 1 for 2 records"):
        codec.write_blocks([Record("1", "scnm-en", "x")] * 2, ["scnm-en"])
    with pytest.raises(InputError, match="a completion is a string, got None"):
        codec.read(None, "scnm-en", mode="lenient")


def test_a_block_that_is_missing_is_unreadable():
    first, second = codec.read_blocks("Nature/NER/", ["scnm-en", "scpos-adj-en"], mode="lenient")
    assert first.ok and not second.ok
