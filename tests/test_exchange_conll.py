"""CoNLL: round trips, foreign files of every scheme, repairs, faults with their lines."""

import re

import pytest
from exchanged import EN, JA, full_records, holds_no_more, kept_by, trip
from hypothesis import given

from pointline.corpus.exchange import conll
from pointline.corpus.exchange.form import Losses
from pointline.errors import CorpusError
from pointline.format.record import Fact, Pair, Record

FORMS = {form.name: form for form in conll.FORMS}
WITH_COMMENTS = [form for form in conll.FORMS if "text" in form.carries]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("conll")


def read(path, content, task=EN):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    losses = Losses()
    return list(conll.read(path, task, losses)), losses


def found(record):
    return [(pair.label, pair.entity) for pair in record.pairs]


@pytest.mark.parametrize("form", WITH_COMMENTS, ids=lambda form: form.name)
def test_what_is_carried_comes_back(form, folder):
    @given(full_records())
    def holds(record):
        back, written, when_read = trip(form, folder / "a.conll", [record])
        kept, losses = kept_by(form, record)
        assert back == [kept]
        assert written == losses
        assert not when_read.counts
        assert holds_no_more(record, kept) == (not losses.counts)

    holds()


def test_the_file_is_what_the_page_shows(tmp_path):
    text = "Ada read Byron's letters."
    pairs = (Pair("people", "Ada", 0, 3), Pair("people", "Byron", 9, 14))
    record = Record("diary-1", "scnm-en", text, "Literature", pairs)
    conll.write(tmp_path / "a.conll", [record], EN, Losses())
    shown = re.search(r"\n\n((?:    .*\n)+)", conll.__doc__)[1]
    rows = [re.sub(r" +(O|B-people)$", r"\t\1", line[4:]) for line in shown.splitlines()]
    assert (tmp_path / "a.conll").read_text().splitlines() == [*rows, ""]


def test_a_mention_within_a_word_cuts_it(tmp_path):
    record = Record("1", "scnm-en", "Babbage-like", "", (Pair("people", "Babb", 0, 4),))
    [back], _, _ = trip(FORMS["conll-bioes"], tmp_path / "a.conll", [record], EN)
    assert back == record
    assert "Babb\tS-people\nage\tO\n-\tO" in (tmp_path / "a.conll").read_text()


def test_japanese_is_cut_into_characters(tmp_path):
    record = Record("1", "scnm-ja", "Ada は東京へ", "", (Pair("地名", "東京", 5, 7),))
    trip(FORMS["conll"], tmp_path / "a.conll", [record])
    assert "\nAda\tO\nは\tO\n東\tB-地名\n京\tI-地名\nへ\tO\n" in (tmp_path / "a.conll").read_text()
    trip(FORMS["conll-chars"], tmp_path / "a.conll", [record])
    assert "\nA\tO\nd\tO\na\tO\nは" in (tmp_path / "a.conll").read_text()


def test_what_is_lost_is_told_by_reason_and_id(tmp_path):
    pairs = (
        Pair("地名", "東京", 0, 2),
        Pair("施設名", "東京駅", 0, 3),
        Pair("人名", "花子", None, None),
    )
    record = Record("r7", "scnm-ja", "東京駅で", "", pairs, (Fact(("a", "b", "c")),))
    [back], losses, _ = trip(FORMS["conll"], tmp_path / "a.conll", [record])
    assert found(back) == [("施設名", "東京駅")]
    assert losses.counts == {
        "pair that overlaps another: left out": 1,
        "pair whose entity is not in the text: left out": 1,
        "fact: left out": 1,
    }
    assert set(map(tuple, losses.examples.values())) == {("r7",)}


# ---------------------------------------------------------------- foreign files

CONLL_2003 = """-DOCSTART- -X- O O

Ada NNP I-NP I-PER
Lark NNP I-NP I-PER
left VBD I-VP O
Turin NNP I-NP I-LOC
, , O O
Bologna NNP I-NP I-LOC
Modena NNP I-NP B-LOC
. . O O

-DOCSTART- -X- O O

It PRP I-NP O
is VBZ I-VP O
n't RB I-VP O
-LRB- -LRB- O O
yet RB I-ADVP O
-RRB- -RRB- O O
"""


def test_conll_2003_in_bio1(tmp_path):
    records, losses = read(tmp_path / "news.txt", CONLL_2003)
    assert [r.text for r in records] == ["Ada Lark left Turin, Bologna Modena.", "It isn't (yet)"]
    assert [r.id for r in records] == ["news-1", "news-2"]
    expected = [("PER", "Ada Lark"), ("LOC", "Turin"), ("LOC", "Bologna"), ("LOC", "Modena")]
    assert found(records[0]) == expected
    assert not losses.counts


@pytest.mark.parametrize(
    ("tags", "expected", "faults"),
    [
        ("B-P I-P O B-P", ["P:ab", "P:d"], 0),
        ("B-P B-P O I-P", ["P:a", "P:b", "P:d"], 1),
        ("I-P I-Q O B-Q", ["P:a", "Q:b", "Q:d"], 2),
        ("I-P B-P I-Q O", ["P:a", "P:b", "Q:c"], 0),
        ("B-P E-P S-P O", ["P:ab", "P:c"], 0),
        ("B-P L-P U-P O", ["P:ab", "P:c"], 0),
        ("B-P M-P E-P W-P", ["P:abc", "P:d"], 0),
        ("I-P E-P B-P S-P", ["P:ab", "P:c", "P:d"], 2),
        ("E-P E-P O B-P", ["P:a", "P:b", "P:d"], 3),
        ("B-P I-Q E-Q O", ["P:a", "Q:bc"], 1),
    ],
)
def test_every_scheme_is_read_and_its_faults_are_counted(tmp_path, tags, expected, faults):
    rows = "\n".join(f"{token}\t{tag}" for token, tag in zip("abcd", tags.split(), strict=True))
    [record], losses = read(tmp_path / "a.tsv", rows, JA)
    assert [f"{label}:{entity}" for label, entity in found(record)] == expected
    assert sum(losses.counts.values()) == faults
    assert all(
        re.fullmatch(r".*a\.tsv:\d", at) for several in losses.examples.values() for at in several
    )


def test_the_scheme_is_that_of_the_whole_file(tmp_path):
    [_, second], losses = read(tmp_path / "a", "a B-P\nb I-P\n\nc I-P\nd B-P\n")
    assert found(second) == [("P", "c"), ("P", "d")]
    assert losses.counts == {"tag that breaks the scheme BIO2: repaired": 1}


def test_joining_chinese(tmp_path):
    rows = "我 O\n用 O\niPhone B-P\n15 I-P\n拍 O\nA O\nd O\na O\n，\tO\n  O\n　 O\n了 O\n"
    [record], _ = read(tmp_path / "a", rows, JA)
    assert record.text == "我用iPhone 15拍Ada， 　了"
    assert found(record) == [("P", "iPhone 15")]


def test_bom_and_crlf_are_read_over(tmp_path):
    content = "\ufeff# id = x\r\n# text = 猫 😀.\r\n猫\tB-P\r\n😀\tO\r\n.\tO\r\n\r\n".encode()
    [record], _ = read(tmp_path / "a", content, JA)
    assert record == Record("x", "scnm-ja", "猫 😀.", "", (Pair("P", "猫", 0, 1),))


def test_comments_hashes_and_text_that_does_not_fit(tmp_path):
    content = (
        "# newdoc\n# sent_id = s1\n# author = B-movies\n# text = another text\n# O\n#1 O\n猫 O\n"
    )
    [record], losses = read(tmp_path / "a", content, JA)
    assert (record.id, record.text) == ("s1", "##1猫")
    assert [reason.split(":")[0] for reason in losses.counts] == [
        "comment text that does not hold the tokens"
    ]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a O\nb\n", ":2: 1 columns"),
        ("a 1 2 3 O\n", ":1: 5 columns"),
        ("a O\n\nb PER\n", ":3: 'PER' is no tag"),
        ("a B-\n", ":1: 'B-' is no tag"),
        (b"a O\n\xff O\n", ":2: byte 0 is not UTF-8"),
        ('# text.json = "a\na O\n', ":1: a comment is not JSON"),
        ("# meta = [1]\na O\n", ":1: the comment 'meta' is no JSON object"),
    ],
)
def test_faults_name_file_and_line(tmp_path, content, says):
    with pytest.raises(CorpusError, match=re.escape(says)) as caught:
        read(tmp_path / "a.conll", content)
    assert str(caught.value).startswith(str(tmp_path / "a.conll"))


def test_no_such_file(tmp_path):
    with pytest.raises(CorpusError, match="no such file"):
        list(conll.read(tmp_path / "none", EN, Losses()))


# ---------------------------------------------------------------- a real reader


def test_spacy_reads_the_plain_form(tmp_path):
    convert = pytest.importorskip("spacy.training.converters.conll_ner_to_docs")
    records = [
        Record("1", "scnm-en", "Ada met Bo.", "Society", (Pair("people", "Ada", 0, 3),)),
        Record("2", "scnm-en", "In New  York", "", (Pair("political organizations", "New  York", 3, 12),)),
        Record("3", "scnm-en", " ", "", ()),
    ]  # fmt: skip
    losses = Losses()
    FORMS["conll-plain"].write(tmp_path / "a.conll", records, EN, losses)
    docs = convert.conll_ner_to_docs((tmp_path / "a.conll").read_text(), n_sents=0, no_print=True)
    [doc] = docs
    assert [(ent.label_, ent.text) for ent in doc.ents] == [
        ("people", "Ada"),
        ("political_x20_organizations", "New York"),
    ]
    assert losses.counts["record without a token: left out"] == 1
    back = list(conll.read(tmp_path / "a.conll", EN, Losses()))
    assert [found(record) for record in back] == [
        [("people", "Ada")],
        [("political organizations", "New York")],
    ]
