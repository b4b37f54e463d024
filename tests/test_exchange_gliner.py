"""GLiNER's tokens with spans, GLiNER2's texts with strings."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import records, tasks

from pointline.corpus.exchange import FORMATS
from pointline.corpus.exchange.form import LOST, Losses, carried
from pointline.corpus.exchange.gliner import ABSENT, GROUPED
from pointline.errors import CorpusError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task
from pointline.format.text import place

GLINER, GLINER2 = FORMATS["gliner"], FORMATS["gliner2"]
OPEN, FILM = task("tconer-ja"), task("tcree-en")
MIXED = Record(
    "m1",
    "tconer-ja",
    "Ada Lovelaceは ロンドンのAda👩‍🚀",
    "伝記",
    (Pair("人", "Ada Lovelace", 0, 12), Pair("地", "ロンドン", 14, 18), Pair("人", "Ada", 19, 22)),
)


def there_and_back(form, path, *many, of=OPEN):
    losses = Losses()
    form.write(path, many, of, losses)
    return list(form.read(path, of, losses)), losses


SOME = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

# ---------------------------------------------------------------- GLiNER


@SOME
@given(record=tasks.flatmap(records))
def test_gliner_gives_back_what_it_carries(tmp_path, record):
    of = task(record.task)
    (found,), losses = there_and_back(GLINER, tmp_path / "a.json", record, of=of)
    told = Losses()
    assert found == carried(record, of, GLINER.carries, told)
    assert losses == told


@SOME
@given(record=tasks.flatmap(records))
def test_gliner_spans_are_inclusive_indices_of_tokens_without_blanks(tmp_path, record):
    of = task(record.task)
    GLINER.write(tmp_path / "a.json", [record], of, Losses())
    (row,) = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    words = row["tokenized_text"]
    assert all(word and word == word.strip() for word in words)
    assert "".join(words) == "".join(record.text.split())
    kept = carried(record, of, GLINER.carries, Losses())
    for (first, last, label), pair in zip(row["ner"], kept.pairs, strict=True):
        assert label == pair.label
        assert "".join(words[first : last + 1]) == "".join(pair.entity.split())


def test_gliner_cuts_words_at_mentions_and_keeps_the_rest_whole(tmp_path):
    there_and_back(GLINER, tmp_path / "a.json", MIXED, MIXED)
    first, second = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert first == second
    assert first["tokenized_text"][:9] == ["Ada", "Lovelace", "は", *"ロンドン", "の", "Ada"]
    assert first["ner"] == [[0, 1, "人"], [3, 6, "地"], [8, 8, "人"]]
    assert set(first) == {"id", "text", "tokenized_text", "ner"}  # "label" means something to it


def test_gliner_of_somebody_else_has_its_text_put_together(tmp_path):
    rows = [
        {"tokenized_text": ["Ada", "left", "."], "ner": [[0, 0, "person"]], "negatives": ["x"]},
        {"tokenized_text": list("花子は東京"), "ner": [[0, 1, "人"], [3, 4, "地"]]},
    ]
    (tmp_path / "theirs.json").write_text(json.dumps(rows), encoding="utf-8")
    losses = Losses()
    first, second = GLINER.read(tmp_path / "theirs.json", OPEN, losses)
    assert (first.id, first.text) == ("theirs-000001", "Ada left .")
    assert second.text == "花子は東京"
    assert second.pairs == (Pair("人", "花子", 0, 2), Pair("地", "東京", 3, 5))
    assert losses.counts == {
        "text: put together from its tokens, blanks by rule": 2, "key 'negatives': left out": 1,
    }  # fmt: skip


def test_gliner_of_no_records_is_an_empty_list(tmp_path):
    found, _ = there_and_back(GLINER, tmp_path / "a.json")
    assert found == []
    assert json.loads((tmp_path / "a.json").read_text()) == []


BAD = {
    "no tokens": ({"ner": []}, "no list of strings 'tokenized_text'"),
    "tokens": ({"tokenized_text": [1], "ner": []}, "no list of strings 'tokenized_text'"),
    "beyond": ({"tokenized_text": ["a"], "ner": [[0, 1, "x"]]}, r"\[0, 1, 'x'\] in 'ner' is no"),
    "backwards": ({"tokenized_text": ["a", "b"], "ner": [[1, 0, "x"]]}, "in 'ner' is no"),
    "no label": ({"tokenized_text": ["a"], "ner": [[0, 0, ""]]}, "in 'ner' is no"),
    "other text": ({"tokenized_text": ["a"], "ner": [], "text": "b"}, "are not those of 'text'"),
    "not an object": (7, "the row is no JSON object"),
}


@pytest.mark.parametrize(("row", "message"), BAD.values(), ids=BAD)
def test_a_bad_row_of_gliner_is_named(tmp_path, row, message):
    good = {"tokenized_text": ["a"], "ner": []}
    (tmp_path / "a.json").write_text(json.dumps([good, row]))
    with pytest.raises(CorpusError, match=rf"a\.json:2: .*{message}"):
        list(GLINER.read(tmp_path / "a.json", OPEN, Losses()))


# ---------------------------------------------------------------- GLiNER2


def as_grouped(record):
    """What a dictionary of labels keeps: pairs in the text, by label, at the places of the rule."""
    pairs = [pair for pair in record.pairs if pair.entity in record.text]
    labels = list(dict.fromkeys(pair.label for pair in pairs))
    pairs = sorted(pairs, key=lambda pair: labels.index(pair.label))
    places = place(record.text, [pair.entity for pair in pairs])
    return tuple(
        Pair(pair.label, pair.entity, at.start, at.end)
        for pair, at in zip(pairs, places, strict=True)
    )


@SOME
@given(record=tasks.flatmap(records))
def test_gliner2_gives_back_what_it_carries(tmp_path, record):
    of = task(record.task)
    (found,), losses = there_and_back(GLINER2, tmp_path / "a.jsonl", record, of=of)
    assert (found.id, found.text, found.label) == (record.id, record.text, record.label)
    assert found.pairs == as_grouped(record)
    facts = [fact for fact in record.facts if len(fact.fields) == 3]
    in_text = [f for f in facts if f.fields[0] in record.text and f.fields[2] in record.text]
    assert found.facts == tuple(in_text)
    lost_facts = len(record.facts) - len(in_text)
    assert sum(losses.counts[LOST[part]] for part in ("facts", "relations")) == lost_facts
    absent = [pair for pair in record.pairs if pair.entity not in record.text]
    assert losses.counts[ABSENT] == len(absent)
    moved = any(pair not in record.pairs for pair in found.pairs)
    assert moved == bool(losses.counts[LOST["places"]] + losses.counts[LOST["unplaced"]])
    if found.pairs != record.pairs:
        assert losses.counts


def test_gliner2_has_the_documented_shape(tmp_path):
    record = Record(
        "f1", FILM.name, "Bo in Fog by Cy", "film", (), (Fact(("Bo", "starring", "Fog")),)
    )
    there_and_back(GLINER2, tmp_path / "a.jsonl", record, of=FILM)
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {
        "id": "f1",
        "input": "Bo in Fog by Cy",
        "output": {
            "classifications": [
                {"task": "label", "labels": list(FILM.labels), "true_label": ["film"]}
            ],
            "relations": [{"starring": {"head": "Bo", "tail": "Fog"}}],
        },
    }
    (found,), losses = there_and_back(GLINER2, tmp_path / "a.jsonl", MIXED)
    row = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert row["output"]["entities"] == {"人": ["Ada Lovelace", "Ada"], "地": ["ロンドン"]}
    assert row["output"]["classifications"][0]["labels"] == ["伝記"]
    assert set(losses.counts) == {GROUPED, LOST["places"]}
    assert found.pairs[1] == Pair("人", "Ada", 0, 3)


def test_gliner2_names_the_labels_that_a_text_does_not_have(tmp_path):
    record = Record("1", "scnm-en", "Rain.", "Nature")
    there_and_back(GLINER2, tmp_path / "a.jsonl", record, of=task("scnm-en"))
    entities = json.loads((tmp_path / "a.jsonl").read_text())["output"]["entities"]
    assert entities == {label: [] for label in task("scnm-en").item_labels}


def test_gliner2_of_somebody_else_is_read_and_the_rest_is_told(tmp_path):
    row = {
        "text": "Ada leads ACME.",
        "schema": {
            "entities": {"person": ["Ada"], "firm": ["ACME", ""]},
            "classifications": [
                {"task": "topic", "labels": ["a", "b"], "true_label": "a"},
                {"task": "mood", "labels": ["c"], "true_label": ["c", "d"]},
            ],
            "relations": [{"leads": {"head": "Ada", "tail": "ACME", "since": "1840"}}],
            "json_structures": [{"x": {"y": "z"}}],
        },
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    losses = Losses()
    (found,) = GLINER2.read(tmp_path / "a.jsonl", OPEN, losses)
    assert found.label == "a"
    assert found.pairs == (Pair("person", "Ada", 0, 3), Pair("firm", "ACME", 10, 14))
    assert found.facts == (Fact(("Ada", "leads", "ACME", "1840")),)
    assert losses.counts == {
        "key 'json_structures': left out": 1, "further classification: left out": 1,
    }  # fmt: skip


BAD2 = {
    "no output": ({"input": "a"}, "no string 'input' and object 'output'"),
    "entities": ({"input": "a", "output": {"entities": ["a"]}}, "'entities' is no object"),
    "classes": ({"input": "a", "output": {"classifications": {}}}, "is no list of objects"),
    "label": (
        {"input": "a", "output": {"classifications": [{"task": "x", "true_label": 7}]}},
        "'true_label' is no string",
    ),
    "relation": ({"input": "a", "output": {"relations": [{"r": {"head": "x"}}]}}, "is no {rel"),
}


@pytest.mark.parametrize(("row", "message"), BAD2.values(), ids=BAD2)
def test_a_bad_row_of_gliner2_is_named(tmp_path, row, message):
    if row.get("output") == {"classifications": {}}:
        row = {"input": "a", "output": {"classifications": {"a": 1}}}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    with pytest.raises(CorpusError, match=rf"a\.jsonl:1: .*{message}"):
        list(GLINER2.read(tmp_path / "a.jsonl", OPEN, Losses()))


def test_a_number_may_be_an_id(tmp_path):
    rows = [{"id": 0, "tokenized_text": ["x"], "ner": []}, {"tokenized_text": ["y"], "ner": []}]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    read = GLINER.read(tmp_path / "a.json", OPEN, Losses())
    assert [record.id for record in read] == ["0", "a-000002"]
