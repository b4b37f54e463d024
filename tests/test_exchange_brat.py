"""brat standoff: round trips, what brat's own parser asks of a folder, foreign folders, faults."""

import re
import shutil
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from exchanged import EN, FACTS, JA, full_records, holds_no_more, kept_by, trip
from hypothesis import given

from pointline.corpus.exchange import brat
from pointline.corpus.exchange.brat import FORM
from pointline.corpus.exchange.form import LOST, Losses
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Fact, Pair, Record


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("brat")


def read(path, files, task=EN):
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    losses = Losses()
    return list(brat.read(path, task, losses)), losses


# ---------------------------------------------------------------- round trips


def test_what_is_carried_comes_back(folder):
    @given(full_records())
    def holds(record):
        record = brat._without_returns(record, Losses())
        shutil.rmtree(folder / "a", ignore_errors=True)
        [back], written, when_read = trip(FORM, folder / "a", [record])
        opens_in_brat(folder / "a")
        kept, losses = kept_by(FORM, record)
        if not record.text.strip() and record.label:
            kept = replace(kept, label="")
            losses.counts["label of a text without a visible character: left out"] = 1
        if not record.id or len(record.id) > 60:
            kept = replace(kept, id=back.id)
            losses.counts[LOST["id"]] = 1
        assert back == kept
        assert written.counts == losses.counts
        assert not when_read.counts
        assert holds_no_more(record, kept) == (not losses.counts)

    holds()


def test_the_files_are_what_the_page_shows(tmp_path):
    record = Record(
        "diary-1",
        "scnm-en",
        "Ada wrote to Bo.",
        "Literature",
        (Pair("people", "Ada", 0, 3), Pair("people", "Bo", 13, 15)),
        (Fact(("Ada", "wrote to", "Bo")),),
    )
    [back], losses, _ = trip(FORM, tmp_path / "a", [record], EN)
    assert back == record
    assert not losses.counts
    shown = re.search(r"diary-1\.ann +((?:.+\n)+)", brat.__doc__)[1]
    written = (tmp_path / "a" / "diary-1.ann").read_text()
    assert [line.strip() for line in shown.splitlines()] == written.splitlines()
    assert (tmp_path / "a" / "diary-1.txt").read_text() == record.text


def test_every_record_has_its_files_whatever_its_id(tmp_path):
    many = [
        Record(name, "scnm-ja", name) for name in ("a/b", "..", "日記", "a_x2F_b", "x.y", "A b")
    ]
    back, losses, _ = trip(FORM, tmp_path / "a", many)
    assert sorted(back, key=lambda r: r.id) == sorted(many, key=lambda r: r.id)
    assert not losses.counts
    assert all(re.fullmatch(r"[0-9A-Za-z_.-]+", file.name) for file in (tmp_path / "a").iterdir())


def test_carriage_returns_become_blanks_and_are_told(tmp_path):
    record = Record("1", "scnm-ja", "一\r\n二三\r四", "社会", (Pair("地名", "三\r四", 4, 7),))
    [back], losses, _ = trip(FORM, tmp_path / "a", [record])
    assert (back.text, back.pairs) == ("一 \n二三 四", (Pair("地名", "三 四", 4, 7),))
    assert [reason.split(",")[0] for reason in losses.counts] == ["text with carriage returns"]


def test_a_mention_over_lines_is_written_in_parts(tmp_path):
    record = Record("1", "scnm-ja", "東京\n\n\u2028大学へ", "", (Pair("施設名", "東京\n\n\u2028大学", 0, 7),))  # fmt: skip
    [back], _, _ = trip(FORM, tmp_path / "a", [record])
    assert back == record
    assert "_ 0 2;5 7\t東京 大学\n" in (tmp_path / "a" / "1.ann").read_text()


def test_facts_that_are_no_relations_are_told(tmp_path):
    facts = (
        Fact(("監督", "作品", "映画")),
        Fact(("監督", "作品", "小説")),
        Fact(("監督", "作品", "映画", "四")),
    )
    record = Record("f", "tcree-ja", "監督の映画", "映画", facts=facts)
    [back], losses, _ = trip(FORM, tmp_path / "a", [record], FACTS)
    assert back == replace(record, facts=facts[:1])
    assert losses.counts == {LOST["facts"]: 2}
    assert losses.examples == {LOST["facts"]: ["f"]}


def test_two_records_of_one_id_and_a_folder_that_is_there(tmp_path):
    twice = [Record("1", "", "a"), Record("1", "", "b")]
    with pytest.raises(RecordError, match="two records have the id '1'"):
        FORM.write(tmp_path / "a", twice, JA, Losses())
    assert not list(tmp_path.iterdir())
    FORM.write(tmp_path / "a", twice[:1], JA, Losses())
    with pytest.raises(CorpusError, match="the folder is there"):
        FORM.write(tmp_path / "a", twice[:1], JA, Losses())


def test_configuration_names_all_types(tmp_path):
    record = Record("1", "scnm-ja", "猫と犬", "自然 の話", (Pair("生 物|種", "猫", 0, 1),))
    FORM.write(tmp_path / "a", [record], JA, Losses())
    declared = configuration(tmp_path / "a")
    names = dict.fromkeys(JA.item_labels) | {"生 物|種": None}
    assert set(declared["entities"]) == {brat._type_of(name) for name in names} | {
        "Text",
        "Fact_field",
    }
    assert "Label\tArg:Text, Value:社会|文芸|学問|技術|自然|自然_x20_の話" in (
        tmp_path / "a" / "annotation.conf"
    ).read_text(encoding="utf-8")
    assert "_x4EBA__x540D_ | 人名\n" in (tmp_path / "a" / "visual.conf").read_text(encoding="utf-8")


# ---------------------------------------------------------------- what brat asks


def configuration(folder):
    """Read annotation.conf as brat does: sections of rows, each a type and its arguments."""
    sections, current = {}, None
    for line in (folder / "annotation.conf").read_text(encoding="utf-8").split("\n"):
        if head := re.fullmatch(r"\s*\[(.*)\]\s*", line):
            current = sections.setdefault(head[1], {})
        elif line.strip():
            name, _, arguments = line.partition("\t")
            assert name == "<OVERLAP>" or re.fullmatch(r"[a-zA-Z0-9_-]+", name)
            assert not re.fullmatch(r"\s*-+\s*", line)
            given = [part.strip() for part in arguments.split(",") if part.strip()]
            assert all(re.fullmatch(r"\S*?:\S*", part) for part in given)
            current[name] = given
    assert list(sections) == ["entities", "relations", "events", "attributes"]
    return sections


def opens_in_brat(folder):
    """Assert what brat's parser asks of each line, and its check of strings against the text."""
    declared = configuration(folder)
    values = declared["attributes"]["Label"][1:]
    for file in folder.glob("*.ann"):
        text = file.with_suffix(".txt").read_bytes().decode()
        assert "\r" not in text
        ids = Counter()
        # brat's lines end at every break that Unicode has
        for line in file.read_bytes().decode().splitlines():
            key, data, *tail = line.split("\t", 2)
            ids[key] += 1
            if key[0] == "T":
                name, spans = data.split(" ", 1)
                assert name in declared["entities"]
                spans = [tuple(map(int, span.split(" "))) for span in spans.split(";")]
                assert all(0 <= start < end <= len(text) for start, end in spans)
                assert all(a[1] <= b[0] for a, b in pairwise(spans))
                assert tail == [" ".join(text[start:end] for start, end in spans)]
            elif key[0] == "R":
                name, one, two = data.split(" ")
                assert name in declared["relations"]
                assert [one.split(":")[0], two.split(":")[0]] == ["Arg1", "Arg2"]
                assert ids[one.split(":")[1]] == ids[two.split(":")[1]] == 1
            else:
                name, target, value = re.fullmatch(r"(.+?) (.+?) (.+?)", data).groups()
                assert (key, name, target) == ("A1", "Label", "T1")
                assert value in values[0].removeprefix("Value:").split("|")
        assert not ids or max(ids.values()) == 1


# ---------------------------------------------------------------- folders from brat

TEXT = "Ada Lark and Bo Reed moved to Turin.\nThey met there."
ANN = """T1\tPerson 0 8\tAda Lark
T2\tPerson 0 3;16 20\tAda Reed
T3\tCity 30 35\tTurin
T4\tMove 21 26\tmoved
T5\tMeet 42 45\tmet
E1\tMove:T4 Mover:T1 Mover2:T2 Goal:T3
E2\tMeet:T5 Cause:E1
R1\tLives-in Arg1:T1 Arg2:T3
A1\tNegated E1
A2\tCertainty T3 high
M1\tSpeculation E2
N1\tReference T3 Wiki:Q1\tTurin
*\tEquiv T1 T2
#1\tAnnotatorNotes T1\tsure?
"""


def test_events_discontinuous_mentions_and_what_has_no_place(tmp_path):
    [record], losses = read(tmp_path / "a", {"doc.txt": TEXT, "doc.ann": ANN})
    assert record.id == "doc"
    assert [(p.label, p.entity, p.start) for p in record.pairs] == [
        ("Person", "Ada Lark", 0),
        ("Person", "Ada Reed", None),
        ("City", "Turin", 30),
        ("Move", "moved", 21),
        ("Meet", "met", 42),
    ]
    assert [fact.fields for fact in record.facts] == [
        ("moved", "Mover", "Ada Lark"),
        ("moved", "Mover", "Ada Reed"),
        ("moved", "Goal", "Turin"),
        ("met", "Cause", "moved"),
        ("Ada Lark", "Lives-in", "Turin"),
    ]
    assert losses.counts == {
        "mention of several parts: kept without a place": 1,
        "attribute Negated: left out": 1,
        "attribute Certainty: left out": 1,
        "attribute Speculation: left out": 1,
        "normalisation: left out": 1,
        "equivalence: left out": 1,
        "note: left out": 1,
    }
    assert losses.examples["note: left out"] == [f"{tmp_path / 'a' / 'doc.ann'}:14"]


def test_folders_below_texts_without_annotation_and_bionlp_parts(tmp_path):
    files = {
        "b/one.txt": "猫。\n",
        "two.txt": "犬がいる",
        "two.a1": "T1\tAnimal 0 1\t犬\n",
        "two.a2": "T2\tBe 2 4\tいる\nE1\tBe:T2 Theme:T1\n",
        ".hidden.txt": "x",
        "annotation.conf": "",
    }
    records, losses = read(tmp_path / "a", files, JA)
    assert [(r.id, r.text) for r in records] == [("b/one", "猫。\n"), ("two", "犬がいる")]
    assert records[1].facts == (Fact(("いる", "Theme", "犬")),)
    assert not losses.counts


@pytest.mark.parametrize("start", [3, 4])
def test_windows_line_ends_count_as_the_annotation_counted(tmp_path, start):
    files = {
        "d.txt": "\ufeff一\r\n二",
        "d.ann": f"T1\tN 1 2\t一\r\nT2\tN {start} {start + 1}\t二\r\n",
    }
    [record], _ = read(tmp_path / str(start), files, JA)
    assert [pair.entity for pair in record.pairs] == ["一", "二"]
    assert record.text == ("\ufeff一\n二" if start == 3 else "\ufeff一\r\n二")


@pytest.mark.parametrize(
    ("ann", "says"),
    [
        ("T1\tP 0 1\tx\n", "d.ann:1: the text at these offsets"),
        ("T1\tP 0 9\t猫\n", "d.ann:1: the text at these offsets"),
        ("T1 P 0 1 猫\n", "d.ann:1: not 'T1<tab>TYPE"),
        ("T1\tP 0 1\t猫\n\nT1\tP 0 1\t猫\n", "d.ann:3: the id T1 came before"),
        ("T1\tP 0 1\t猫\nR1\tr Arg1:T1 Arg2:T9\n", "d.ann:2: there is no T9"),
        ("R1\tr T1 T2\n", "d.ann:1: not 'R1"),
        ("E1\tgo T1\n", "d.ann:1: not 'E1"),
        ("? what\n", "d.ann:1: '? what' is no id"),
        (b"T1\tP 0 1\t\xff\n", "d.ann:1: byte 9 is not UTF-8"),
    ],
)
def test_faults_name_file_and_line(tmp_path, ann, says):
    with pytest.raises(CorpusError, match=re.escape(says)):
        read(tmp_path / "a", {"d.txt": "猫", "d.ann": ann}, JA)


def test_folders_that_are_none(tmp_path):
    with pytest.raises(CorpusError, match=r"no folder with \.txt files"):
        list(brat.read(tmp_path / "none", JA, Losses()))
    with pytest.raises(CorpusError, match=r"b\.ann: its text, b\.txt, is missing"):
        read(tmp_path, {"a.txt": "", "b.ann": ""})
    with pytest.raises(CorpusError, match=r"a\.txt: not UTF-8 at byte 0"):
        read(tmp_path, {"b.txt": "", "a.txt": b"\xff"})
