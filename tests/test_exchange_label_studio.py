"""Label Studio JSON: round trips, the documented schema, both counts, predictions, faults."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from exchanged import EN, FACTS, JA, full_records, holds_no_more, kept_by, trip
from hypothesis import given

from pointline.corpus.exchange import label_studio
from pointline.corpus.exchange.form import Losses
from pointline.corpus.exchange.label_studio import FORM
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Prediction, Record

UNSURE = "offsets that both counts allow: read as code points"
NOT_XML = "label that XML cannot hold: not in the configuration"
EMOJI = "👩‍🚀は月へ。東京も😀"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("label-studio")


def read(path, *tasks, task=JA):
    path.write_text(json.dumps(tasks), encoding="utf-8")
    losses = Losses()
    return list(label_studio.read(path, task, losses)), losses


def region(start, end, text=None, labels=("地名",), **more):
    value = {"start": start, "end": end, "labels": list(labels)}
    value |= {} if text is None else {"text": text}
    return {"from_name": "label", "to_name": "text", "type": "labels", "value": value} | more


def annotated(text, *result, **more):
    return {"data": {"text": text}, "annotations": [{"result": list(result)}]} | more


def found(record):
    return [(pair.entity, pair.start) for pair in record.pairs]


# ---------------------------------------------------------------- round trips


def test_what_is_carried_comes_back(folder):
    @given(full_records())
    def holds(record):
        [back], written, when_read = trip(FORM, folder / "a.json", [record])
        is_of_the_documented_shape(folder / "a.json")
        kept, losses = kept_by(FORM, record)
        kept = label_studio._scored(kept, losses)
        written.counts.pop(NOT_XML, None)
        assert back == kept
        assert isinstance(back, Prediction) == isinstance(record, Prediction)
        assert written.counts == losses.counts
        assert set(when_read.counts) <= {UNSURE}
        if isinstance(record, Prediction) and record.scores.get("items") == []:
            record = replace(record, scores={k: v for k, v in record.scores.items() if v != []})
        assert holds_no_more(record, kept) == (not losses.counts)

    holds()


def test_utf_16_offsets_come_back_too(folder):
    @given(full_records())
    def holds(record):
        kept = label_studio._scored(kept_by(FORM, record)[0], Losses())
        label_studio.write(folder / "a.json", [record], JA, Losses(), unit="UTF-16")
        losses = Losses()
        [back] = label_studio.read(folder / "a.json", JA, losses)
        assert back == kept or UNSURE in losses.counts

    holds()


def test_the_file_is_what_the_page_shows(tmp_path):
    facts = (Fact(("Ada", "wrote to", "Bo")),)
    pairs = (Pair("people", "Ada", 0, 3),)
    record = Record("1", "scnm-en", "Ada wrote to Bo.", "Literature", pairs, facts)
    [back], losses, _ = trip(FORM, tmp_path / "a.json", [record], EN)
    assert back == record
    assert not losses.counts
    shown = re.search(r"\n\n(    \[.*?)\n\n", label_studio.__doc__, re.DOTALL)[1]
    assert json.loads((tmp_path / "a.json").read_text()) == json.loads(shown)


def test_predictions_bear_their_scores(tmp_path):
    pairs = (Pair("地名", "東京", 7, 9), Pair("人名", "花子"), Pair("地名", "月", 4, 5))
    scores = {"label": 0.9, "items": [0.8, 0.1, 0.5], "margin": 0.2}
    record = Prediction("1", "scnm-ja", EMOJI, "自然", pairs, scores=scores, completion="x")
    [back], losses, _ = trip(FORM, tmp_path / "a.json", [record])
    assert (back.scores, len(back.pairs)) == ({"label": 0.9, "items": [0.8, 0.5]}, 2)
    assert losses.counts == {
        "pair whose entity is not in the text: left out": 1,
        "completion, repairs or ok: left out": 1,
        "scores that are not those of the label and of each item: left out": 1,
    }
    [task] = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert task.keys() == {"data", "predictions"}
    [prediction] = task["predictions"]
    assert prediction["score"] == 0.5
    assert [each["score"] for each in prediction["result"]] == [0.9, 0.8, 0.5]


def test_no_records_and_a_meta_that_json_cannot_carry(tmp_path):
    assert trip(FORM, tmp_path / "none.json", [])[0] == []
    with pytest.raises(RecordError, match="cannot be written as JSON"):
        FORM.write(tmp_path / "a.json", [Record("1", "", "a", meta={"x": {1}})], JA, Losses())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["none.json", "none.xml"]


# ---------------------------------------------------------------- the documented shape


def controls(path):
    """Return the labels of each control of the configuration; every control names its text."""
    view = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert view.tag == "View"
    [text] = view.findall("Text")
    assert text.attrib == {"name": "text", "value": "$text"}
    labels = {}
    for control in view:
        if control.tag in ("Choices", "Labels"):
            assert control.attrib["toName"] == "text"
            labels[control.attrib["name"]] = [each.attrib["value"] for each in control]
        elif control.tag == "Relations":
            labels["relation"] = [each.attrib["value"] for each in control]
    return labels


LEGAL = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def is_of_the_documented_shape(path):
    """Assert what Label Studio's guide and its SDK's models ask of a task to import."""
    declared = controls(path.with_suffix(".xml"))
    for task in json.loads(path.read_text(encoding="utf-8")):
        assert task.keys() <= {"data", "annotations", "predictions"}
        text = task["data"]["text"]
        [annotation] = task.get("annotations") or task["predictions"]
        regions = {}
        for result in annotation["result"]:
            value, score = result.get("value", {}), result.get("score", 0)
            assert isinstance(score, int | float)
            if result["type"] == "relation":
                assert result["direction"] == "right"
                assert {result["from_id"], result["to_id"]} <= regions.keys()
                chosen, name = result["labels"], "relation"
            else:
                assert result["to_name"] == "text"
                assert result["id"] not in regions
                regions[result["id"]] = result
                name = result["from_name"]
                chosen = value[result["type"]]
            if result["type"] == "labels":
                assert value.keys() == {"start", "end", "text", "labels"}
                assert text[value["start"] : value["end"]] == value["text"] != ""
            assert len(chosen) == 1
            assert chosen[0] in declared.get(name, ()) or not LEGAL.fullmatch(chosen[0])


def test_the_configuration_holds_the_labels_of_the_task_and_of_the_records(tmp_path):
    pairs = (Pair('a "b" <c>\n&', "猫", 0, 1), Pair("x\x01", "犬", 2, 3))
    record = Record("1", "scnm-ja", "猫と犬", "新しい", pairs)
    losses = trip(FORM, tmp_path / "a.json", [record])[1]
    assert controls(tmp_path / "a.xml") == {
        "text_label": [*JA.labels, "新しい"],
        "pair": [*JA.item_labels, 'a "b" <c>\n&'],
    }
    assert losses.counts == {NOT_XML: 1}
    fact = Record("2", "tcree-ja", "監督の映画", facts=(Fact(("監督", "作品", "映画")),))
    trip(FORM, tmp_path / "b.json", [fact], FACTS)
    declared = controls(tmp_path / "b.xml")
    assert declared["field"] == ["Fact_field"]
    assert declared["relation"] == [*FACTS.item_labels, "作品"]


# ---------------------------------------------------------------- exports


def test_an_export_with_all_that_a_project_can_have(tmp_path):
    task = {
        "id": 31,
        "data": {"body": "Ada wrote to Bo.", "year": 1840, "meta_info": {"by": "x"}},
        "meta": {"box": 3},
        "annotations": [
            {"result": [], "was_cancelled": True},
            {
                "id": 5,
                "completed_by": 1,
                "result": [
                    region(0, 3, "Ada", ["people", "poets"], id="a", origin="manual"),
                    region(13, 15, "Bo", ["people"], id="b"),
                    {"type": "choices", "value": {"choices": ["Society", "Nature"]}},
                    {"type": "choices", "value": {"start": 0, "end": 3, "choices": ["sure"]}},
                    {"type": "relation", "from_id": "b", "to_id": "a", "direction": "left", "labels": ["wrote to", "knew"]},
                    {"type": "relation", "from_id": "a", "to_id": "b", "direction": "bi", "labels": ["met"]},
                    {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right"},
                    {"type": "textarea", "value": {"text": ["hm"]}},
                    {"type": "rating", "value": {"rating": 3}},
                ],
            },
            {"result": []},
        ],
        "predictions": [{"result": []}],
        "created_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    [record], losses = read(tmp_path / "a.json", task, task=EN)
    assert record == Record(
        "31",
        "scnm-en",
        "Ada wrote to Bo.",
        "Society",
        (
            Pair("people", "Ada", 0, 3),
            Pair("poets", "Ada", 0, 3),
            Pair("people", "Bo", 13, 15),
        ),
        (
            Fact(("Ada", "wrote to", "Bo")),
            Fact(("Ada", "knew", "Bo")),
            Fact(("Ada", "met", "Bo")),
        ),
        {"by": "x", "year": 1840, "box": 3},
    )
    assert losses.counts == {
        "cancelled annotation: left out": 1,
        "another annotation or prediction: left out": 2,
        "second text label: left out": 1,
        "result of type choices: left out": 1,
        "relation in both directions: read as one from its first end": 1,
        "relation without a label, or with an end that was left out: left out": 1,
        "result of type textarea: left out": 1,
        "result of type rating: left out": 1,
    }


def test_each_region_tells_what_its_offsets_count(tmp_path):
    def entities(*regions):
        [record], losses = read(tmp_path / "a.json", annotated(EMOJI, *regions))
        return found(record), dict(losses.counts)

    tokyo = [("東京", 7)]
    assert entities(region(7, 9, "東京")) == (tokyo, {})
    assert entities(region(9, 11, "東京")) == (tokyo, {})
    assert entities(region(9, 11, "東京"), region(4, 5, "月")) == ([*tokyo, ("月", 4)], {})
    moved = {"region whose offsets do not hold its string: put at its nearest occurrence": 1}
    assert entities(region(1, 3, "東京")) == (tokyo, moved)
    gone = {"region that is not in the text: left out": 1}
    assert entities(region(1, 3, "大阪")) == ([], gone)
    assert entities(region(40, 41)) == ([], gone)
    assert entities(region(7, 9)) == (tokyo, {UNSURE: 1})
    assert entities(region(9, 11, "東京"), region(12, 14)) == ([*tokyo, ("😀", 10)], {})


def test_a_relation_whose_end_is_gone_is_told(tmp_path):
    relation = {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["x"]}
    ends = (region(0, 1, "猫", id="a"), region(5, 9, "犬", id="b"))
    [record], losses = read(tmp_path / "a.json", annotated("猫だ", *ends, relation))
    assert (found(record), record.facts) == ([("猫", 0)], ())
    assert len(losses.counts) == 2


def test_tasks_without_annotation_and_old_completions(tmp_path):
    records, losses = read(
        tmp_path / "a.json",
        {"data": {"text": "猫", "ref_id": 9}},
        {"id": 4, "data": {"text": "犬"}, "completions": [{"result": [region(0, 1, "犬")]}]},
        {"data": {"text": "鳥"}, "annotations": [], "predictions": [{"result": [], "score": 0.1}]},
    )
    assert [(r.id, len(r.pairs), isinstance(r, Prediction)) for r in records] == [
        ("9", 0, False),
        ("4", 1, False),
        ("a-3", 0, True),
    ]
    assert not losses.counts


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ({"id": 1, "text": "猫", "label": []}, "the task has no 'data': export as JSON, not as"),
        ({"data": {"a": "x", "b": "y"}}, "'data' has no string 'text'"),
        ({"data": {"text": "猫"}, "annotations": {}}, "'annotations' is an object: make it a list"),
        ({"data": {"text": "猫"}, "annotations": [5]}, "annotations and predictions are objects"),
        (annotated("猫", 5), "a result is an object with a 'type'"),
        (annotated("猫", region(0, 1, labels=[3])), "'labels' and 'choices' are lists of labels"),
        (annotated("猫", region(0, 1, labels=[""])), "a pair's label is empty"),
        ({"data": {"text": "猫", "a": 1}, "meta": {"a": 2}}, "the key 'a' stands in the task twice"),
        ({"data": {"text": "\ud83d"}}, "lone surrogate"),
        (annotated("猫", {**region(0, 1), "score": "high"}), "'score' is 'high': make it a number"),
    ],
)  # fmt: skip
def test_faults_name_the_file_and_the_task(tmp_path, task, says):
    with pytest.raises(CorpusError, match=re.escape(says)) as caught:
        read(tmp_path / "a.json", annotated("first"), task)
    assert str(caught.value).startswith(f"{tmp_path / 'a.json'}:2: ")
