"""spaCy DocBin: every part of a record, and documents that spaCy can learn from."""

import sys
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import records, tasks

from pointline.corpus.exchange import FORMATS
from pointline.corpus.exchange.docbin import GROUP, tokens
from pointline.corpus.exchange.form import Losses
from pointline.errors import CorpusError, MissingExtra
from pointline.format.record import Fact, Pair, Prediction, Record
from pointline.format.tasks import task

spacy = pytest.importorskip("spacy")
from spacy.tokens import Doc, DocBin, Span  # noqa: E402

FORM = FORMATS["docbin"]
SCNM = task("scnm-ja")
LONG = Record(
    "1",
    "scnm-ja",
    "東京大学の 図書館\nへ 😀",
    "学問",
    (
        Pair("法人名", "東京大学", 0, 4),
        Pair("地名", "東京", 0, 2),
        Pair("施設名", "図書館\n", 6, 10),
        Pair("施設名", "図書", 6, 8),
        Pair("人名", "花子"),
    ),
    meta={"deep": [1, {"a": None}]},
)
PREDICTED = Prediction(
    "2",
    "scnm-ja",
    "猫",
    "自然",
    scores={"label": 0.5},
    completion="自然/",
    ok=False,
    repairs=("x",),
)


def bin_of(path, *many, of=SCNM):
    losses = Losses()
    FORM.write(path, many, of, losses)
    return losses


def docs_in(path):
    return list(DocBin().from_disk(path).get_docs(spacy.vocab.Vocab()))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(of=tasks, record=tasks.flatmap(records))
def test_every_record_comes_back_whole(tmp_path, of, record):
    losses = bin_of(tmp_path / "a.spacy", record, of=task(record.task))
    assert list(FORM.read(tmp_path / "a.spacy", of, losses)) == [record]
    assert not losses.counts
    (doc,) = docs_in(tmp_path / "a.spacy")
    assert doc.text == record.text


def test_predictions_facts_and_ambiguity_come_back(tmp_path):
    fact = Record(
        "f", "tcree-ja", "監督の花子", "映画", (), (Fact(("花子", "監督", "映画", "主演")),)
    )
    vague = Record("v", "scnm-ja", "京と京", "社会", (Pair("地名", "京", 0, 1, True),))
    assert not bin_of(tmp_path / "a.spacy", LONG, PREDICTED, fact, vague).counts
    found = list(FORM.read(tmp_path / "a.spacy", SCNM, Losses()))
    assert found == [LONG, PREDICTED, fact, vague]
    assert isinstance(found[1], Prediction)
    assert found[3].pairs[0].ambiguous


def test_spacy_sees_the_text_the_label_the_spans_and_what_it_can_learn(tmp_path):
    bin_of(tmp_path / "a.spacy", LONG)
    (doc,) = docs_in(tmp_path / "a.spacy")
    assert doc.text == LONG.text
    assert doc.cats == {label: float(label == "学問") for label in SCNM.labels}
    assert [(span.label_, span.text) for span in doc.spans[GROUP]] == [
        ("法人名", "東京大学"), ("地名", "東京"), ("施設名", "図書館\n"), ("施設名", "図書"),
    ]  # fmt: skip
    assert [(ent.label_, ent.text) for ent in doc.ents] == [
        ("法人名", "東京大学"),
        ("施設名", "図書"),
    ]


def test_spacy_can_train_on_it(tmp_path):
    """The recogniser refuses entities with blanks at an edge and misaligned ones; ours it takes."""
    from spacy.training import Corpus

    text = "Ada Lovelace moved to Turin. "
    pairs = (Pair("people", "Ada Lovelace ", 0, 13), Pair("places", "Turin", 22, 27))
    bin_of(tmp_path / "a.spacy", Record("1", "scnm-en", text, "Society", pairs), of=task("scnm-en"))
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    examples = list(Corpus(tmp_path / "a.spacy")(nlp))
    assert [ent.text for ent in examples[0].reference.ents] == ["Turin"]
    nlp.initialize(lambda: examples)
    assert nlp.update(examples)["ner"] > 0


def test_english_is_cut_as_spacy_cuts_it():
    text = "Ada  met\tBo, and left."
    words, spaces = tokens(Record("1", "", text))
    assert words == ["Ada", " ", "met", "\t", "Bo", ",", "and", "left", "."]
    assert "".join(w + " " * s for w, s in zip(words, spaces, strict=True)) == text


def test_a_record_without_a_label_has_no_cats(tmp_path):
    bin_of(tmp_path / "a.spacy", replace(LONG, label=""))
    assert docs_in(tmp_path / "a.spacy")[0].cats == {}


def test_a_folder_is_files_of_so_many_documents(tmp_path, monkeypatch):
    monkeypatch.setattr("pointline.corpus.exchange.docbin._DOCS_A_FILE", 2)
    many = [Record(str(n), "scnm-ja", "猫", "自然") for n in range(5)]
    bin_of(tmp_path / "bins", *many)
    assert [path.name for path in sorted((tmp_path / "bins").iterdir())] == [
        "00000.spacy", "00001.spacy", "00002.spacy",
    ]  # fmt: skip
    assert list(FORM.read(tmp_path / "bins", SCNM, Losses())) == many


def test_a_bin_of_somebody_else_is_read_by_ents_and_cats(tmp_path):
    doc = Doc(spacy.vocab.Vocab(), words=["Ada", "left", "."], spaces=[True, False, False])
    doc.ents = [Span(doc, 0, 1, label="people")]
    doc.cats = {"Society": 0.9, "Nature": 0.6, "Technology": 0.1}
    doc.spans["sc"] = [Span(doc, 0, 2, label="x")]
    DocBin(docs=[doc]).to_disk(tmp_path / "theirs.spacy")
    losses = Losses()
    (found,) = FORM.read(tmp_path / "theirs.spacy", task("scnm-en"), losses)
    assert found == Record(
        "theirs-000001", "scnm-en", "Ada left.", "Society", (Pair("people", "Ada", 0, 3),)
    )
    assert set(losses.counts) == {
        "span group 'sc': left out", "cats: more than one of 0.5 or more, the highest taken",
    }  # fmt: skip


def test_what_is_changed_in_spacy_is_what_is_read(tmp_path):
    bin_of(tmp_path / "a.spacy", LONG)
    (doc,) = docs_in(tmp_path / "a.spacy")
    doc.cats = {"自然": 1.0}
    doc.spans[GROUP] = [doc.char_span(0, 4, label="地名")]
    DocBin(store_user_data=True, docs=[doc]).to_disk(tmp_path / "b.spacy")
    (found,) = FORM.read(tmp_path / "b.spacy", SCNM, Losses())
    assert (found.label, found.meta) == ("自然", LONG.meta)
    assert found.pairs == (Pair("地名", "東京大学", 0, 4), Pair("人名", "花子"))


def test_no_records_make_a_bin_that_can_be_read(tmp_path):
    bin_of(tmp_path / "none.spacy")
    assert docs_in(tmp_path / "none.spacy") == []
    assert list(FORM.read(tmp_path / "none.spacy", SCNM, Losses())) == []


def test_what_is_no_bin_is_named(tmp_path):
    (tmp_path / "a.spacy").write_bytes(b"not a bin")
    with pytest.raises(CorpusError, match=r"a\.spacy: not a DocBin"):
        list(FORM.read(tmp_path / "a.spacy", SCNM, Losses()))
    with pytest.raises(CorpusError, match=r"no \.spacy file here"):
        list(FORM.read(tmp_path / "b.spacy", SCNM, Losses()))
    doc = Doc(spacy.vocab.Vocab(), words=["a"])
    doc.user_data[GROUP] = "{"
    DocBin(store_user_data=True, docs=[doc]).to_disk(tmp_path / "c.spacy")
    with pytest.raises(CorpusError, match=r"c\.spacy: document 1: user_data\['pointline'\]"):
        list(FORM.read(tmp_path / "c.spacy", SCNM, Losses()))


def test_without_spacy_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy.tokens", None)
    with pytest.raises(MissingExtra, match=r'pip install "pointline\[exchange\]"'):
        bin_of(tmp_path / "a.spacy", LONG)
