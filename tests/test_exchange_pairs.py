"""The papers' plain pairs as CSV and TSV: what comes back, what is told, what is refused."""

import csv

import pytest
from hypothesis import HealthCheck, given, settings
from strategies import plain_names, records, tasks

from pointline.corpus.exchange import FORMATS
from pointline.corpus.exchange.form import LOST, Losses, carried
from pointline.corpus.exchange.pairs import UNPLAIN, strip_word
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Record
from pointline.format.tasks import task

FORMS = [FORMATS[name] for name in ("csv", "tsv", "paper-csv", "paper-tsv")]
NER = task("scnm-en")
QUOTED = 'She said "go",\tthen\r\nleft; 1/2 of it 😀'


def there_and_back(form, path, *many, of=NER):
    losses = Losses()
    form.write(path, many, of, losses)
    return list(form.read(path, of, Losses())), losses


def without_id(record):
    return (record.task, record.text, record.label, record.pairs, record.facts)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(record=tasks.flatmap(records))
def test_a_record_comes_back_as_what_is_carried_of_it(tmp_path, form, record):
    of = task(record.task)
    path = tmp_path / f"a{form.suffix}"
    (found,), losses = there_and_back(form, path, record, of=of)
    told = Losses()
    kept = carried(record, of, form.carries | {"unplaced"}, told)
    assert losses.counts - told.counts == ({UNPLAIN: 1} if UNPLAIN in losses.counts else {})
    assert found.text == record.text
    if UNPLAIN not in losses.counts:
        assert without_id(found) == without_id(kept)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(label=plain_names, entity=plain_names)
def test_plain_names_are_never_told_as_lost(tmp_path, label, entity):
    of = task("tconer-en")
    record = Record("1", of.name, f"{entity}.", "Zoo", (Pair(label, entity, 0, len(entity)),))
    (found,), losses = there_and_back(FORMATS["paper-tsv"], tmp_path / "a.tsv", record, of=of)
    assert set(losses.counts) == {LOST["id"]}
    assert found.pairs == record.pairs


def test_the_paper_forms_are_the_papers_bytes(tmp_path):
    facts = Record("1", "tcree-ja", "花子の新作", "映画", (), (Fact(("花子", "主演", "新作")),))
    FORMATS["paper-csv"].write(tmp_path / "a.csv", [facts], task("tcree-ja"), Losses())
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == (
        "input,output\n花子の新作/関係抽出,映画/関係抽出/:花子;主演;新作:\n"
    )


def test_tabs_quotes_and_line_breaks_survive_and_other_readers_see_them(tmp_path):
    record = Record("1", NER.name, QUOTED, "Society", (Pair("people", "She", 0, 3),))
    for name in ("csv", "tsv"):
        path = tmp_path / f"a.{name}"
        (found,), _ = there_and_back(FORMATS[name], path, record)
        assert found.text == QUOTED
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines, delimiter="," if name == "csv" else "\t"))
        assert rows == [{"input": f"{QUOTED}/NER", "output": "Society/NER/:people;She"}]


def test_a_long_text_is_no_trouble(tmp_path):
    record = Record("1", NER.name, "猫" * 200_000, "Nature")
    (found,), _ = there_and_back(FORMATS["csv"], tmp_path / "a.csv", record)
    assert found.text == record.text


def test_places_are_carried_by_marks_and_told_where_they_are_not(tmp_path):
    record = Record("1", "scnm-ja", "京と京と京", "社会", (Pair("地名", "京", 4, 5),))
    of = task("scnm-ja")
    (found,), losses = there_and_back(FORMATS["csv"], tmp_path / "a.csv", record, of=of)
    assert found.pairs == record.pairs
    assert set(losses.counts) == {LOST["id"]}
    (found,), losses = there_and_back(FORMATS["paper-csv"], tmp_path / "a.csv", record, of=of)
    assert found.pairs == (Pair("地名", "京", 0, 1),)
    assert set(losses.counts) == {LOST["id"], LOST["places"]}


def test_a_pair_without_a_place_gets_one_and_that_is_told(tmp_path):
    record = Record("1", NER.name, "Ada left.", "Society", (Pair("people", "Ada"),))
    for name in ("csv", "paper-csv"):
        (found,), losses = there_and_back(FORMATS[name], tmp_path / "a.csv", record)
        assert found.pairs == (Pair("people", "Ada", 0, 3),)
        assert losses.examples[LOST["unplaced"]] == ["1"]


def test_what_the_plain_form_cannot_carry_is_told(tmp_path):
    record = Record("7", NER.name, "x", "no/yes", (Pair("a:b", "c;d"),))
    (found,), losses = there_and_back(FORMATS["csv"], tmp_path / "a.csv", record)
    assert (found.label, found.pairs) == (record.label, record.pairs)
    assert UNPLAIN not in losses.counts
    _, losses = there_and_back(FORMATS["paper-csv"], tmp_path / "a.csv", record)
    assert losses.examples[UNPLAIN] == ["7"]


def test_the_longest_task_word_is_taken_off_the_end():
    assert strip_word("a/Sentiment Adj and N", ["N", "Sentiment Adj and N"]) == "a"
    assert strip_word("a/NERD", ["NER"]) is None


BAD = {
    "no columns": ("a,b\nc,d\n", r"a\.csv:1: no columns 'input' and 'output'"),
    "no task word": ("input,output\nAda left.,Society/NER/\n", r":1: the input does not end in"),
    "cells": ("input,output\na/NER\n", r":1: 1 cells in a row of 2 columns"),
    "open quote": ('input,output\n"a/NER,x\n', r":1: not CSV"),
    "twice": ("input,input\na,b\n", r"a\.csv:1: the first row names the columns"),
    "empty": ("", r"a\.csv:1: the first row names the columns"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_bad_table_is_named_by_its_row(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(CorpusError, match=message):
        list(FORMATS["csv"].read(tmp_path / "a.csv", NER, Losses()))


def test_bytes_that_are_no_utf8_are_named(tmp_path):
    (tmp_path / "a.tsv").write_bytes(b"input\toutput\n\xe9/NER\tx\n")
    with pytest.raises(CorpusError, match=r"a\.tsv:1: not UTF-8"):
        list(FORMATS["tsv"].read(tmp_path / "a.tsv", NER, Losses()))


def test_repairs_of_foreign_outputs_are_told(tmp_path):
    (tmp_path / "a.tsv").write_text(
        "input\toutput\nAda left./NER\tSociety/NER :people;Ada\nHm./NER\tno idea\n"
    )
    losses = Losses()
    first, second = FORMATS["tsv"].read(tmp_path / "a.tsv", NER, losses)
    assert first.pairs == (Pair("people", "Ada", 0, 3),)
    assert second.label == ""
    assert set(losses.counts) == {
        "output not in the format: header-mended", "output not in the format: unreadable",
    }  # fmt: skip


def test_a_record_of_the_other_shape_is_refused_and_nothing_is_left(tmp_path):
    fact = Record("1", "", "x", "", (), (Fact(("a", "b", "c")),))
    with pytest.raises(RecordError):
        FORMATS["csv"].write(tmp_path / "a.csv", [fact], NER, Losses())
    assert not list(tmp_path.iterdir())
