"""Files of texts: every row is in one piece, and comes back with its number and text, or a fault."""

import gzip

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts as any_text

from pointline.corpus import textcolumns, textfile, textlines, textpacked
from pointline.corpus.textrow import Columns, Fault
from pointline.errors import InputError

NAMES = Columns()


def read(path, size, columns=NAMES):
    pieces = list(textfile.pieces(path, _always(size), columns))
    return pieces, [row for piece in pieces for row in textfile.rows(path, piece, columns)]


def _always(size):
    while True:
        yield size


@given(
    lines=st.lists(any_text.map(lambda t: t.replace("\n", " ").replace("\r", " ")), max_size=12),
    size=st.integers(1, 5),
    end=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
)
def test_every_line_of_a_text_file_is_a_row_of_its_number(tmp_path_factory, lines, size, end, last):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes((end.join(lines) + (end if last else "")).encode())
    pieces, rows = read(path, size)
    wanted = [
        (n, line) for n, line in enumerate(lines, start=1)
        if line.encode().strip() and not (n == 1 and line.startswith("\ufeff"))
    ]  # fmt: skip
    found = [(row.number, row.text) for row in rows]
    assert [one for one in found if not (one[0] == 1 and lines[0].startswith("\ufeff"))] == wanted
    assert [piece.rows for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
    assert sum(piece.rows for piece in pieces) == len(rows)
    assert all(textfile.unchanged(path, piece) for piece in pieces)


def test_a_bad_line_is_a_row_with_its_fault_and_the_others_are_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"id": 1, "text": "\xe9\x9b\xa8"}\r\n'
        b"\n"
        b'{"id": 2, "text": "half\n'
        b'{"id": 3}\n'
        b'{"id": 4, "text": 7}\n'
        b'{"id": 5.5, "text": "x"}\n'
        b'{"id": 6, "text": "\xff"}\n'
        b'["a list"]\n'
        b'{"text": "\\ud83d\\ude00 \xf0\x9f\x8c\xb3"}'
    )
    pieces, rows = read(path, 3)
    assert [piece.rows for piece in pieces] == [3, 3, 2] and [p.row for p in pieces] == [1, 5, 8]
    assert [(row.number, row.id, row.text, row.fault) for row in rows] == [
        (1, "1", "雨", ""),
        (3, None, "", Fault.NOT_JSON),
        (4, "3", "", Fault.NO_TEXT),
        (5, "4", "", Fault.NOT_A_TEXT),
        (6, None, "", Fault.NOT_AN_ID),
        (7, None, "", Fault.NOT_UTF8),
        (8, None, "", Fault.NOT_A_TEXT),
        (9, None, "😀 🌳", ""),
    ]
    assert rows[5].error == "byte 19 (0xff) is not UTF-8: save the file as UTF-8"
    assert next(row.text for row in read(path, 9, Columns("id", "text"))[1]) == ""


def test_a_line_of_any_length_is_not_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(textlines, "LONGEST", 64)
    path = tmp_path / "a.txt"
    path.write_bytes(b"short\n" + b"x" * 1000 + b"\n" + b"y" * 63 + b"\n" + b"z" * 64)
    _, rows = read(path, 2)
    assert [(row.number, row.fault) for row in rows] == [
        (1, ""), (2, Fault.LINE_TOO_LONG), (3, ""), (4, ""),
    ]  # fmt: skip
    assert "1,001 bytes" in rows[1].error and rows[3].text == "z" * 64


@pytest.mark.parametrize(
    "kind",
    [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
)
def test_a_column_of_any_kind_of_text_is_read_over_row_groups(tmp_path, kind):
    texts = ["雨", None, "🌳 e\u0301", "", "Ａ", "x\ny"]
    path = tmp_path / "a.parquet"
    column = pa.array(texts).cast(kind) if pa.types.is_dictionary(kind) else pa.array(texts, kind)
    table = pa.table({"text": column, "id": range(6), "other": [1.0] * 6})
    pq.write_table(table, path, row_group_size=2)
    for size in (1, 2, 4, 5, 9):
        pieces, rows = read(path, size)
        assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
        assert [row.text for row in rows] == [text or "" for text in texts]
        assert [row.id for row in rows] == list("012345")
        assert rows[1].fault == Fault.NO_TEXT and not rows[3].fault
        assert sum(piece.rows for piece in pieces) == 6


def test_one_cell_that_is_not_utf8_spoils_no_other(tmp_path):
    path = tmp_path / "a.parquet"
    cells = pa.array([b"one", b"\xff\xfe", b"three"]).cast(pa.binary())
    broken = pa.StringArray.from_buffers(3, *cells.buffers()[1:])
    pq.write_table(pa.table({"text": broken}), path)
    rows = read(path, 2)[1]
    assert [(row.text, row.fault) for row in rows] == [("one", ""), ("", "not-utf8"), ("three", "")]


def test_a_damaged_page_costs_the_rows_that_it_held(tmp_path):
    path = tmp_path / "a.parquet"
    texts = [f"text {at} " + "x" * 50 for at in range(4000)]
    pq.write_table(
        pa.table({"text": texts}),
        path,
        row_group_size=2000,
        compression="gzip",
        use_dictionary=False,
    )
    data = bytearray(path.read_bytes())
    second = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data[second + 40 : second + 400] = b"\0" * 360
    path.write_bytes(bytes(data))
    rows = read(path, 4000)[1]
    assert len(rows) == 4000 and [row.number for row in rows] == list(range(1, 4001))
    assert [row.text for row in rows[:1900]] == texts[:1900]
    assert {row.fault for row in rows[2500:]} == {"unreadable"}


def test_a_file_that_changed_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\n")
    (piece,) = textfile.pieces(path, [9], NAMES)
    path.write_text("one\ntwO\n")
    with pytest.raises(InputError, match="changed since the run was planned"):
        textfile.rows(path, piece, NAMES)
    path.unlink()
    with pytest.raises(InputError, match="is not there any more"):
        textfile.unchanged(path, piece)
    table = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["a", "b"]}), table)
    (piece,) = textfile.pieces(table, [9], NAMES)
    pq.write_table(pa.table({"text": ["a", "c"]}), table)
    assert textcolumns.digest(table) != piece.digest and not textfile.unchanged(table, piece)


@pytest.mark.parametrize(
    ("table", "told"),
    [({"body": ["x"]}, "no column 'text'.*--text-column.*body"), ({"text": [1]}, "holds no texts")],
)
def test_a_parquet_file_without_texts_is_refused(tmp_path, table, told):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(table), path)
    with pytest.raises(InputError, match=told):
        list(textfile.pieces(path, [9], NAMES))
    path.write_bytes(b"PAR1 but no more")
    with pytest.raises(InputError, match="not a Parquet file"):
        list(textfile.pieces(path, [9], NAMES))


# ---------------------------------------------------------------- packed files


@given(
    lines=st.lists(any_text.map(lambda t: t.replace("\n", " ")), max_size=12),
    size=st.integers(1, 5),
    order=st.randoms(use_true_random=False),
)
def test_a_packed_file_has_the_rows_and_pieces_of_what_it_unpacks_to(
    tmp_path_factory, lines, size, order
):
    plain = tmp_path_factory.getbasetemp() / "packed.txt"
    packed = plain.with_name("packed.txt.gz")
    plain.write_bytes("\n".join(lines).encode())
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    pieces, rows = read(packed, size)
    assert (pieces, rows) == read(plain, size)
    order.shuffle(pieces)
    for piece in pieces:
        wanted = list(textfile.rows(plain, piece, NAMES))
        assert list(textfile.rows(packed, piece, NAMES)) == wanted


def test_a_packed_file_is_unpacked_once_where_it_is_read_in_order(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(b'{"text": "%d"}\n' % at for at in range(1000))))
    pieces = list(textfile.pieces(path, _always(10), NAMES))
    opened = []
    monkeypatch.setattr(textpacked, "_kept", [])
    monkeypatch.setattr(gzip, "open", lambda *given: opened.append(1) or gzip.GzipFile(*given))
    texts = [row.text for piece in pieces for row in textfile.rows(path, piece, NAMES)]
    assert texts == [str(at) for at in range(1000)]
    assert len(opened) == 2  # one looks whether it changed, one reads
    some = textfile.rows(path, pieces[50], NAMES)
    assert next(some).text == "500"
    some.close()
    assert len(opened) == 4 and len(textpacked._kept) == 4
    assert next(row.text for row in textfile.rows(path, pieces[51], NAMES)) == "510"
    assert len(opened) == 4


def test_a_packed_file_that_changed_or_is_damaged_is_told(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(whole := gzip.compress(b"one\ntwo\n"))
    (piece,) = textfile.pieces(path, [9], NAMES)
    assert textfile.unchanged(path, piece)
    path.write_bytes(gzip.compress(b"one\ntwO\n"))
    assert not textfile.unchanged(path, piece)
    for broken in (whole[:-9], whole[:12] + b"\xff\xff" + whole[14:], b"one\n"):
        path.write_bytes(broken)
        with pytest.raises(InputError, match=r"a\.txt\.gz: cannot be read .*run again"):
            list(textfile.pieces(path, [9], NAMES))
    path.write_bytes(whole)
    assert [row.text for row in textfile.rows(path, piece, NAMES)] == ["one", "two"]
