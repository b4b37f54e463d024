"""Records as JSON for chat models: every record survives the way to the completion line."""

import json

import pytest
from hypothesis import given
from strategies import records

from pointline.format import codec
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import adhoc, task
from pointline.model.chat import jsonform
from pointline.model.prompt import Level

ADA = Record("1", "scnm-en", "Ada at 10:30; in/out", "Nature", (Pair("events", "10:30; in/out"),))
FILM = Record(
    "1", "tcree-ja", "千夏は新作で主演した。", "映画", (), (Fact(("千夏", "主演", "新作")),)
)


def test_a_schema_lists_closed_sets_and_leaves_nothing_optional():
    found = jsonform.schema(task("scnm-zh"))
    item = found["properties"]["items"]["items"]
    assert found["required"] == ["label", "items"]
    assert item["required"] == ["label", "entity"]
    assert found["additionalProperties"] is item["additionalProperties"] is False
    assert found["properties"]["label"]["enum"] == list(task("scnm-zh").labels)
    assert item["properties"]["label"]["enum"] == list(task("scnm-zh").item_labels)
    assert item["properties"]["entity"] == {"type": "string"}


def test_of_facts_the_relation_is_the_closed_field():
    item = jsonform.schema(task("tcree-ja"))["properties"]["items"]["items"]
    assert [name for name, part in item["properties"].items() if "enum" in part] == ["relation"]
    assert list(item["properties"]) == ["head", "relation", "tail"]
    assert (
        "more"
        in jsonform.schema(task("tcree-ja"), fields=4)["properties"]["items"]["items"]["properties"]
    )


def test_open_sets_are_strings():
    found = json.dumps(jsonform.schema(task("tconer-en")))
    assert "enum" not in found


@pytest.mark.parametrize(
    ("level", "wanted"),
    [(Level.BOTH, ["label", "items"]), (Level.TEXT, ["label"]), (Level.WORD, ["items"])],
)
def test_a_level_that_is_not_asked_for_is_left_out(level, wanted):
    assert list(jsonform.schema(task("scnm-en"), level)["properties"]) == wanted
    assert list(jsonform.values(ADA, task("scnm-en"), level)) == wanted
    line, repairs = jsonform.line(
        jsonform.values(ADA, task("scnm-en"), level), task("scnm-en"), level
    )
    assert not repairs
    assert codec.read(line, "scnm-en").label == ("" if level is Level.WORD else "Nature")
    assert len(codec.read(line, "scnm-en").items) == (level is not Level.TEXT)


@given(records())
def test_what_a_record_says_comes_back_from_its_json(record):
    shape = "facts" if record.facts else "pairs"
    own = adhoc(shape=shape, lang="ja")
    fields = max([3, *(len(fact.fields) for fact in record.facts)])
    said = json.loads(json.dumps(jsonform.values(record, own, fields=fields)))
    line, repairs = jsonform.line(said, own, fields=fields)
    assert repairs == ()
    assert line == codec.write(record, own, places=False)


def test_facts_of_more_fields_have_more():
    event = Record("1", "", "", "x", (), (Fact(("a", "b", "c", "d", "e")),))
    own = adhoc(shape="facts")
    assert jsonform.values(event, own, fields=5)["items"][0]["more"] == ["d", "e"]
    said = jsonform.values(event, own, fields=5)
    assert jsonform.line(said, own, fields=5)[0].endswith(":a;b;c;d;e")


PAIR = {"label": "people", "entity": "Ada"}


@pytest.mark.parametrize(
    ("said", "line", "repairs"),
    [
        ({"label": "Nature", "items": [PAIR], "why": "rain"}, "Nature/NER/:people;Ada", 1),
        ({"items": [PAIR]}, "/NER/:people;Ada", 1),
        ({"label": None, "items": []}, "/NER/", 1),
        ({"label": "Nature"}, "Nature/NER/", 1),
        ({"label": "Nature", "items": {"people": "Ada"}}, "Nature/NER/", 1),
        (
            {"label": "Nature", "items": ["Ada", PAIR, {"label": "people"}]},
            "Nature/NER/:people;Ada",
            2,
        ),
        ({"label": "Nature", "items": [{**PAIR, "entity": 3}]}, "Nature/NER/", 1),
        ({"label": "Nature", "items": [{**PAIR, "sure": 1}]}, "Nature/NER/", 1),
        ({"label": "\ud83d", "items": []}, "\ufffd/NER/", 1),
        ({}, "/NER/", 2),
    ],
)
def test_what_the_shape_does_not_admit_is_counted(said, line, repairs):
    found, made = jsonform.line(said, task("scnm-en"))
    assert (found, len(made)) == (line, repairs)


def test_what_the_shape_admits_stays_as_the_model_wrote_it():
    said = {"label": "Weather", "items": [{"label": "ghost", "entity": "nowhere: 10;30"}]}
    line, repairs = jsonform.line(said, task("scnm-en"))
    assert repairs == ()
    found = codec.read(line, "scnm-en", text="It rains.")
    assert (found.label, found.items) == ("Weather", (("ghost", "nowhere: 10;30"),))
    assert found.pairs[0].start is None


def test_the_form_shows_the_shape():
    assert jsonform.form(task("tcree-ja")) == {
        "label": "...",
        "items": [{"head": "...", "relation": "...", "tail": "..."}],
    }
    assert jsonform.line(jsonform.values(FILM, task("tcree-ja")), task("tcree-ja"))[0] == (
        "映画/関係抽出/:千夏;主演;新作"
    )
