"""Texts in files of lines, JSONL or plain: cut into pieces once, read piece by piece later.

A packed file is read as what it unpacks to, and its pieces are places in that. One line is held in
memory at a time, and no more of it than `LONGEST` bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO

import orjson

from pointline.corpus import textpacked
from pointline.corpus.recordfile import why_not_json
from pointline.corpus.textrow import Columns, Fault, Piece, Row, decoded, row_of

__all__ = ["LONGEST", "digest", "json_row", "pieces", "plain_row", "rows"]

#: Bytes of a line; a longer one is no row that could be read.
LONGEST = 1 << 26

_CHUNK = 1 << 20
_MARK = b"\xef\xbb\xbf"


def pieces(path: Path, sizes: Iterable[int]) -> Iterator[Piece]:
    """Yield the pieces of a file, each with as many rows as its size says; the last has the rest.

    A row is a line that is not blank; rows are numbered as lines are.
    """
    with _opened(path) as file:
        number, start = 1, 0
        for size in sizes:
            hashed, first, end, rows = _new(), number, start, 0
            for line, length in _lines(file, hashed.update):
                rows += line is None or bool(_bare(line, number))
                number, end = number + 1, end + length
                if rows == size:
                    break
            if rows:
                yield Piece(first, rows, start, end, hashed.hexdigest())
            if rows < size:
                return
            start = end


def rows(path: Path, piece: Piece, parse: Callable[[int, bytes], Row]) -> Iterator[Row]:
    """Yield the rows of a piece; `parse` is `plain_row`, or `json_row` for some columns."""
    with _opened(path, piece.start) as file:
        number, left = piece.row, piece.end - piece.start
        for line, length in _lines(file):
            if line is None:
                told = f"a line of {length:,} bytes: {LONGEST:,} are read"
                yield Row(number, fault=Fault.LINE_TOO_LONG, error=told)
            elif bare := _bare(line, number):
                yield parse(number, bare)
            number, left = number + 1, left - length
            if left <= 0:
                return


def plain_row(number: int, line: bytes) -> Row:
    """Return the row of a line that is a text."""
    return decoded(number, line)


def json_row(columns: Columns) -> Callable[[int, bytes], Row]:
    r"""Return what makes the row of a line that is a JSON object.

    >>> json_row(Columns("body"))(4, b'{"body": "\xe9\x9b\xa8"}').text
    '雨'
    """

    def parse(number: int, line: bytes) -> Row:
        try:
            values = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            told = why_not_json(line, error)
            fault = Fault.NOT_UTF8 if "is not UTF-8" in told else Fault.NOT_JSON
            return Row(number, fault=fault, error=told)
        return row_of(number, values, columns)

    return parse


def digest(path: Path, piece: Piece) -> str:
    """Return the digest of the bytes where a piece was; "" where the file has no such bytes."""
    hashed, left = _new(), piece.end - piece.start
    with _opened(path, piece.start) as file:
        while left and (chunk := file.read(min(left, _CHUNK))):
            hashed.update(chunk)
            left -= len(chunk)
    return "" if left else hashed.hexdigest()


@contextmanager
def _opened(path: Path, start: int = 0) -> Iterator[IO[bytes]]:
    if path.suffix == textpacked.SUFFIX:
        with textpacked.opened(path, start) as file:
            yield file
        return
    with path.open("rb") as plain:
        plain.seek(start)
        yield plain


def _new() -> blake2b:
    return blake2b(digest_size=16)


def _lines(
    file: IO[bytes], seen: Callable[[bytes], object] = len
) -> Iterator[tuple[bytes | None, int]]:
    """Yield each line, None for one that is too long, and its length; `seen` is given all bytes."""
    while part := file.readline(LONGEST):
        seen(part)
        line: bytes | None = part
        length = len(part)
        while not part.endswith(b"\n") and (part := file.readline(LONGEST)):
            seen(part)
            line, length = None, length + len(part)
        yield line, length


def _bare(line: bytes, number: int) -> bytes:
    """Return a line without its break, empty if it is blank."""
    line = line.removeprefix(_MARK) if number == 1 else line
    return line.removesuffix(b"\n").removesuffix(b"\r") if line.strip() else b""
