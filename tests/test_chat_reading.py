"""What a chat model's answer says: strictly as it stands, or with every repair counted."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import records

from pointline.format import codec
from pointline.format.record import Record
from pointline.format.tasks import task
from pointline.model.chat.prompt import ChatPrompt
from pointline.model.chat.question import Answer
from pointline.model.chat.reading import FAULTS, read
from pointline.score.match import score

TEXT = "詩人の小野蘭は金沢で朝を迎えた。"
RECORD = Record("7", "scnm-ja", TEXT, meta={"source": "own"})
LINE = "文芸/固有表現抽出/:人名;小野蘭:地名;金沢"
FREE = ChatPrompt(task("scnm-ja"))
JSON = ChatPrompt(task("scnm-ja"), structured=True)
SAID = json.dumps(
    {
        "label": "文芸",
        "items": [{"label": "人名", "entity": "小野蘭"}, {"label": "地名", "entity": "金沢"}],
    }
)


@pytest.mark.parametrize("reading", ["strict", "lenient"])
@pytest.mark.parametrize(("prompt", "text"), [(FREE, LINE), (JSON, SAID)], ids=["free", "json"])
@pytest.mark.parametrize("around", ["{}", "\n {}\n", "<think>Label? a/b/:c;d</think>{}"])
def test_a_good_answer_is_a_prediction_whatever_way_it_was_asked_for(prompt, text, around, reading):
    found = read(Answer(around.format(text)), RECORD, prompt, reading=reading)
    assert (found.completion, found.label, found.repairs, found.ok) == (LINE, "文芸", (), True)
    assert [(p.entity, p.start, p.end) for p in found.pairs] == [("小野蘭", 3, 6), ("金沢", 7, 9)]
    assert (found.id, found.task, found.meta) == ("7", "scnm-ja", {"source": "own"})


BROKEN = {
    "refusal": (Answer("", refusal="I cannot do that."), "refused"),
    "filtered": (Answer("文芸/固", "content_filter"), "refused"),
    "declined": (Answer("申し訳ありませんが、お答えできません。"), "refused"),
    "empty": (Answer(" \n"), "empty"),
    "thoughts only": (Answer("<think>hm", "length"), "cut off"),
    "garbage": (Answer("🐈🐈🐈"), "not in the format"),
}


@pytest.mark.parametrize("reading", ["strict", "lenient"])
@pytest.mark.parametrize("prompt", [FREE, JSON], ids=["free", "json"])
@pytest.mark.parametrize("which", BROKEN)
def test_an_answer_that_says_nothing_is_no_crash(which, prompt, reading):
    answer, fault = BROKEN[which]
    found = read(answer, RECORD, prompt, reading=reading)
    assert (found.ok, found.label, found.items) == (False, "", ())
    assert found.meta == {"source": "own", "fault": fault}
    assert fault in FAULTS


CHATTY = {
    "free": (FREE, f"Sure, here it is:\n{LINE}\nAnything else?"),
    "two lines": (FREE, "文芸/固有表現抽出/:人名;小野蘭\n:地名;金沢"),
    "fenced": (JSON, f"```json\n{SAID}\n```"),
    "explained": (JSON, f"{SAID}\nI hope that helps!"),
    "a key twice": (JSON, SAID.replace("{", '{"label": "x", ', 1)),
    "one more key": (JSON, SAID.replace("{", '{"sure": 1, ', 1)),
    "another slash": (FREE, LINE.replace("抽出/", "抽出／")),
    "the line instead": (JSON, f"Answer:\n{LINE}"),
}


@pytest.mark.parametrize("which", CHATTY)
def test_what_is_not_in_the_format_is_nothing_to_strict_reading_and_counted_by_lenient(which):
    prompt, text = CHATTY[which]
    strict = read(Answer(text), RECORD, prompt)
    assert (strict.ok, strict.items, strict.completion) == (False, (), text)
    assert strict.meta["fault"] == "not in the format"
    saved = read(Answer(text), RECORD, prompt, reading="lenient")
    assert (saved.label, len(saved.pairs), saved.ok) == ("文芸", 2, True)
    assert saved.repairs
    assert "fault" not in saved.meta


def test_what_the_limit_cut_off_is_nothing_to_strict_reading_and_ends_earlier_for_lenient():
    for prompt, text in ((FREE, LINE[:-1]), (JSON, SAID[:-2])):
        strict = read(Answer(text, "length"), RECORD, prompt)
        assert (strict.ok, strict.meta["fault"], strict.completion) == (False, "cut off", text)
    saved = read(Answer(LINE[:-1], "length"), RECORD, FREE, reading="lenient")
    assert saved.items == (("人名", "小野蘭"),)
    assert saved.repairs == ("cut-dropped",)
    lost = read(Answer(SAID[:-2], "length"), RECORD, JSON, reading="lenient")
    assert (lost.label, lost.items, lost.ok, lost.meta["fault"]) == ("", (), False, "cut off")


def test_the_word_for_sorry_may_be_an_item():
    text = "店主只说了一句对不起。"
    record, prompt = Record("1", "scpos-rw-zh", text), ChatPrompt(task("scpos-rw-zh"))
    found = read(Answer(f"消极/{prompt.task.word}/:消极;对不起"), record, prompt)
    assert (found.ok, found.items) == (True, (("消极", "对不起"),))


def test_an_entity_that_is_not_in_the_text_stays_and_is_counted():
    found = read(Answer("文芸/固有表現抽出/:人名;小野欄:星;金沢"), RECORD, FREE)
    assert found.items == (("人名", "小野欄"), ("星", "金沢"))
    assert found.pairs[0].start is None
    gold = codec.read(LINE, "scnm-ja", TEXT)
    report = score([Record("7", "scnm-ja", TEXT, gold.label, gold.pairs)], [found], resamples=0)
    assert (report.wl.matched, report.wl.predicted) == (0, 2)
    assert (report.entities.part, report.entities.whole) == (1, 2)


def test_an_empty_entity_breaks_the_format():
    said = SAID.replace("金沢", "").replace(json.dumps("金沢")[1:-1], "")
    found = read(Answer(said), RECORD, JSON)
    assert (found.ok, found.meta["fault"], found.completion) == (False, "not in the format", said)
    saved = read(Answer(said), RECORD, JSON, reading="lenient")
    assert saved.items == (("人名", "小野蘭"),)
    assert "empty-dropped" in saved.repairs


@given(records())
def test_json_and_line_say_the_same(record):
    from pointline.model.chat import jsonform

    asked = task(record.task)
    fields = max([3, *(len(fact.fields) for fact in record.facts)])
    said = json.dumps(jsonform.values(record, asked, fields=fields))
    by_json = read(Answer(said), record, ChatPrompt(asked, structured=True, fields=fields))
    by_line = read(Answer(codec.write(record, asked, places=False)), record, ChatPrompt(asked))
    assert by_json.items == record.items
    assert by_json.label == record.label
    # a label of blanks or marks of thought at the edges of a line are no part of it
    if by_line.ok:
        assert (by_line.label, by_line.items) == (by_json.label, by_json.items)


@given(st.text(), st.sampled_from(["stop", "length"]), st.sampled_from([FREE, JSON]))
def test_whatever_is_answered_makes_a_prediction(text, finish, prompt):
    for reading in ("strict", "lenient"):
        found = read(Answer(text, finish), RECORD, prompt, reading=reading)
        assert found.ok or (found.items == () and found.meta["fault"] in FAULTS)
