"""doccano JSONL: round trips, what doccano's importer asks of a line, both counts, faults."""

import json
import re

import pytest
from exchanged import EN, FACTS, JA, full_records, holds_no_more, kept_by, trip
from hypothesis import given
from hypothesis import strategies as st

from pointline.corpus.exchange import doccano
from pointline.corpus.exchange.form import Losses
from pointline.corpus.exchange.ruler import Ruler
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Record

FORMS = {form.name: form for form in doccano.FORMS}
UNSURE = "offsets that both counts allow: read as UTF-16 code units, as doccano counts"
EMPTY = "empty text: doccano refuses the line"
EMOJI = "👩‍🚀は月へ。東京も😀"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("doccano")


def read(path, *rows, task=JA, **options):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    losses = Losses()
    return list(doccano.read(path, task, losses, **options)), losses


# ---------------------------------------------------------------- round trips


@pytest.mark.parametrize("form", doccano.FORMS, ids=lambda form: form.name)
def test_what_is_carried_comes_back(form, folder):
    @given(full_records())
    def holds(record):
        [back], written, when_read = trip(form, folder / "a.jsonl", [record])
        imports(form.name, folder / "a.jsonl")
        kept, losses = kept_by(form, record)
        losses.counts += {EMPTY: 1} if not record.text else {}
        assert back == kept
        assert written.counts == losses.counts
        assert set(when_read.counts) <= {UNSURE}
        del losses.counts[EMPTY]
        assert holds_no_more(record, kept) == (not losses.counts)

    holds()


@given(st.text(), st.data())
def test_the_ruler_counts_as_utf_16_does(text, data):
    ruler = Ruler(text)
    at = data.draw(st.integers(0, len(text)))
    assert ruler.utf16(at) == len(text[:at].encode("utf-16-le")) // 2
    assert ruler.point(ruler.utf16(at)) == at
    valid = {ruler.utf16(at) for at in range(len(text) + 1)}
    size = len(text.encode("utf-16-le")) // 2
    assert all((ruler.point(unit) is not None) == (unit in valid) for unit in range(-2, size + 3))


def test_the_lines_are_what_the_page_shows(tmp_path):
    pairs = (Pair("people", "Ada", 0, 3),)
    facts = (Fact(("Ada", "wrote to", "Bo")),)
    record = Record("1", "scnm-en", "Ada wrote to Bo.", "Literature", pairs, facts)
    shown = re.findall(r"^    (\{.*?\})(?:\n(?=\S|\n))", doccano.__doc__, re.MULTILINE | re.DOTALL)
    for form, lines in zip(doccano.FORMS[:2], shown[:2], strict=True):
        form.write(tmp_path / "a.jsonl", [record], EN, Losses())
        assert json.loads((tmp_path / "a.jsonl").read_text()) == json.loads(lines)
    [back], losses, _ = trip(FORMS["doccano-relations"], tmp_path / "a.jsonl", [record], EN)
    assert back == record
    assert not losses.counts
    line = json.loads((tmp_path / "a.jsonl").read_text())
    assert line["entities"][0] == {"id": 0, "label": "people", "start_offset": 0, "end_offset": 3}
    assert line["entities"][1]["label"] == "Fact_field"
    assert line["relations"] == [{"id": 0, "from_id": 0, "to_id": 1, "type": "wrote to"}]


def test_offsets_are_those_of_the_browser(tmp_path):
    record = Record(
        "1", "scnm-ja", EMOJI, "", (Pair("地名", "東京", 7, 9), Pair("x", "😀", 10, 11))
    )
    FORMS["doccano"].write(tmp_path / "a.jsonl", [record], JA, Losses())
    line = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert line["entities"] == [[9, 11, "地名"], [12, 14, "x"]]


def imports(name, path):
    """Assert what doccano 1.8.4's importer asks of the project's lines."""
    for line in path.read_text(encoding="utf-8").split("\n")[:-1]:
        assert len(line.splitlines()) == 1
        row = json.loads(line)
        size = len(row["text"].encode("utf-16-le")) // 2
        known = {"id", "text", "meta"}
        if name == "doccano-spans":
            spans, known = row["label"], known | {"label"}
        else:
            spans, known = row["entities"], known | {"entities", "cats"}
            assert all(isinstance(cat, str) and cat for cat in row["cats"])
        if name == "doccano-relations":
            known |= {"relations"}
            assert all(isinstance(span["id"], int) for span in spans)
            ids = [span["id"] for span in spans]
            for relation in row["relations"]:
                assert relation["from_id"] in ids
                assert relation["to_id"] in ids
                assert relation["type"]
            spans = [[s["start_offset"], s["end_offset"], s["label"]] for s in spans]
        assert row.keys() <= known
        assert all(0 <= start < end <= size and label for start, end, label in spans)


# ---------------------------------------------------------------- files from doccano and others


def test_rows_of_every_project(tmp_path):
    text = "Ada wrote."
    records, losses = read(
        tmp_path / "d.jsonl",
        {"id": 7, "text": text, "label": [[0, 3, "people"]], "Comments": ["sure?"], "by": "x"},
        {"text": text, "label": ["Society", "Nature"]},
        {"id": None, "data": text, "labels": "Society", "meta": None},
        {"id": "e", "text": text, "entities": [], "cats": [], "meta": {"a": 1}, "b": 2},
        {
            "id": 4,
            "text": text,
            "entities": [
                {"id": 11, "label": "people", "start_offset": 0, "end_offset": 3},
                {"id": 15, "label": "event", "start_offset": 4, "end_offset": 9},
            ],
            "relations": [{"id": 1, "from_id": 15, "to_id": 11, "type": "agent"}],
            "Comments": [],
        },
        task=EN,
    )
    assert [(r.id, r.label, len(r.pairs), dict(r.meta)) for r in records] == [
        ("7", "", 1, {"by": "x"}),
        ("d-2", "Society", 0, {}),
        ("d-3", "Society", 0, {}),
        ("e", "", 0, {"a": 1, "b": 2}),
        ("4", "", 2, {}),
    ]
    assert records[4].facts == (Fact(("wrote", "agent", "Ada")),)
    assert losses.counts == {"comment: left out": 1, "second text label: left out": 1}


def test_the_file_tells_what_its_offsets_count(tmp_path):
    wide = {"text": EMOJI, "label": [[9, 11, "地名"]]}
    narrow = {"text": EMOJI, "label": [[7, 9, "地名"]]}
    cut = {"text": EMOJI, "label": [[0, 1, "x"]]}  # half a character in UTF-16
    beyond = {"text": EMOJI, "label": [[12, 14, "x"]]}  # outside in code points
    path = tmp_path / "a.jsonl"

    def entities(*rows, **options):
        records, losses = read(path, *rows, **options)
        return [pair.entity for record in records for pair in record.pairs], dict(losses.counts)

    assert entities(wide) == (["東京"], {UNSURE: 1})
    assert entities(wide, beyond) == (["東京", "😀"], {})
    assert entities(narrow, cut) == (["東京", "👩"], {})
    assert entities(narrow, unit="code points") == (["東京"], {})
    mixed = "offsets in another count than most of the file: read as what they fit"
    assert entities(wide, beyond, cut) == (["東京", "😀", "👩"], {mixed: 1})
    assert entities({"text": "東京へ", "label": [[0, 2, "地名"]]}) == (["東京"], {})


def test_bom_crlf_and_blank_lines_are_read_over(tmp_path):
    content = '\ufeff{"text": "猫"}\r\n\r\n{"text": "犬"}\r\n'
    (tmp_path / "a.jsonl").write_bytes(content.encode())
    records = list(doccano.read(tmp_path / "a.jsonl", JA, Losses()))
    assert [record.text for record in records] == ["猫", "犬"]
    assert len({record.id for record in records}) == 2


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"label": []}, "the line has no 'text'"),
        ({"text": 5}, "'text' is a number: make it a string"),
        ({"text": "猫", "label": {"a": 1}}, "'label' is a list"),
        ({"text": "猫", "cats": [1]}, "'cats' is a list of labels"),
        ({"text": "猫", "cats": "x"}, "'cats' is a string: make it a list"),
        ({"text": "猫", "label": [[0, 1]]}, "[0, 1] is no entity"),
        ({"text": "猫", "label": [[0, 2, "x"]]}, "a span is empty or outside the text"),
        ({"text": "猫", "label": [[0, 0, "x"]]}, "a span is empty or outside the text"),
        ({"text": "猫", "label": [[0, 1, ""]]}, "a pair's label is empty"),
        ({"text": "猫", "relations": [{"from_id": 1, "to_id": 1, "type": "x"}]}, "is no relation"),
        ({"text": "猫", "meta": {"a": 1}, "a": 2}, "the key 'a' stands in the line and"),
        ({"text": "\ud83d"}, "lone surrogate"),
    ],
)
def test_faults_name_file_and_line(tmp_path, row, says):
    with pytest.raises(CorpusError, match=re.escape(says)) as caught:
        read(tmp_path / "a.jsonl", {"text": "first"}, row)
    assert str(caught.value).startswith(f"{tmp_path / 'a.jsonl'}:2: ")


def test_a_line_that_is_not_json(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n{"text": \n')
    with pytest.raises(CorpusError, match=r"a\.jsonl:2: not JSON"):
        list(doccano.read(tmp_path / "a.jsonl", JA, Losses()))


def test_a_meta_that_json_cannot_carry(tmp_path):
    with pytest.raises(RecordError, match="record '1' cannot be written as JSON"):
        FORMS["doccano"].write(
            tmp_path / "a.jsonl", [Record("1", "", "a", meta={"x": {1}})], JA, Losses()
        )
    assert not list(tmp_path.iterdir())


def test_facts_have_relations_only_in_their_own_shape(tmp_path):
    record = Record("1", "tcree-ja", "監督の映画", "", (), (Fact(("監督", "作品", "映画")),))
    _, losses, _ = trip(FORMS["doccano"], tmp_path / "a.jsonl", [record], FACTS)
    assert losses.counts == {"fact: left out": 1}
