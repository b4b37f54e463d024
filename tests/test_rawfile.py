"""A raw corpus as a file of records, and the command that writes it."""

import json

import pytest
from invented import write_all
from typer.testing import CliRunner

from pointline.app.cli import app
from pointline.corpus import rawfile
from pointline.corpus.check import check
from pointline.corpus.store import read_records
from pointline.errors import CorpusError, InputError, TaskError
from pointline.format.tasks import task


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_all(tmp_path_factory.mktemp("raw"))


def ask(*arguments):
    return CliRunner().invoke(app, ["data", "read", *map(str, arguments)], catch_exceptions=False)


def test_stockmark_is_written_as_scnm_ja_without_text_labels(raw, tmp_path):
    out = tmp_path / "records.jsonl"
    counts = rawfile.write("stockmark-ner", raw, out, task=task("scnm-ja"))
    assert counts == {
        "mentions kept": 24, "mentions read": 24, "records kept": 13, "records read": 13
    }  # fmt: skip
    records = read_records(out)
    assert len(records) == 13
    assert {(record.task, record.label) for record in records} == {("scnm-ja", "")}
    assert records[2].meta == {"corpus": "stockmark-ner", "document": "1"}
    assert records[0].items == (("施設名", "灯野0号"), ("地名", "港町"))
    assert not [problem for problem in check(out) if problem.rule == "unknown item label"]


def test_a_corpus_speaks_its_own_labels_and_language(raw, tmp_path):
    out = tmp_path / "records.jsonl"
    rawfile.write("crossre", raw, out)
    english = read_records(out)[0]
    assert (english.task, english.label) == ("crossre", "news")
    assert english.meta["source_mentions"] == [pair.entity for pair in english.pairs]
    rawfile.write("crossre", raw, out, lang="zh")
    assert "会议" in read_records(out)[0].text
    rawfile.write("fkc", raw, out, task=task("open-tcree-ja"))
    assert read_records(out)[0].facts


def test_a_corpus_that_does_not_speak_the_tasks_labels_writes_nothing(raw, tmp_path):
    out = tmp_path / "records.jsonl"
    for name, asked, message in (
        ("chabsa", "scnm-ja", "'positive' is no label of scnm-ja: read the corpus without"),
        ("asdc", "scnm-ja", "'要求' is no label of scnm-ja"),
        ("stockmark-ner", "scpos-rw-ja", "'施設名' is no label of scpos-rw-ja"),
        ("cec", "open-tcree-ja", "the corpus 'cec' has no language 'ja'"),
    ):
        with pytest.raises(CorpusError, match=message):
            rawfile.write(name, raw, out, task=task(asked))
    with pytest.raises(CorpusError, match="no corpus 'cek'; there are: asdc, cec"):
        rawfile.source("cek")
    assert not out.exists()


def test_the_command_prints_every_rule_and_refuses_what_cannot_be(raw, tmp_path):
    out = tmp_path / "records.jsonl"
    printed = ask("asdc", "--raw", raw, "--out", out)
    assert printed.exit_code == 0
    assert "records dropped: said by the agent" in printed.output
    counts = json.loads(ask("asdc", "--raw", raw, "--out", out, "--replace", "--json").output)
    assert counts["records kept"] == len(read_records(out)) == 100
    with pytest.raises(InputError, match=r"records\.jsonl: is there: replace it"):
        ask("asdc", "--raw", raw, "--out", out)
    out.unlink()
    told = ask("stockmark-ner", "--raw", raw, "--out", out, "--task", "scnm-ja", "--json")
    assert json.loads(told.output)["mentions kept"] == 24
    with pytest.raises(TaskError, match="did you mean scnm-ja"):
        ask("stockmark-ner", "--raw", raw, "--out", out, "--task", "scnm-jp")
