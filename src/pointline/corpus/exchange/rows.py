"""Rows of a table file, one at a time: JSON, JSONL, CSV, TSV or Parquet, told by its suffix.

A row that cannot be read is a `Fault`, not an end: whoever reads decides whether to refuse the file
or to count the row. JSON is read as a stream; only a file that is one object is read whole.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pointline.corpus import parquet
from pointline.errors import CorpusError

__all__ = ["SUFFIXES", "Fault", "Row", "faultless", "rows"]

_CHUNK = 1 << 20
_BLANK = re.compile(r"\s*")
_LONGEST_CELL = 1 << 27
_NOT_JSON = (ValueError, RecursionError)  # a number of 5,000 digits is a plain ValueError


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that is none: why, and what stands there."""

    reason: str
    raw: str


#: A row by its columns, or what is wrong with it.
Row = Mapping[str, Any] | Fault


def rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield every row with its number from 1: the line in JSONL, else the row's place.

    Raises CorpusError where there is no such file or its suffix is of no table, RecordError for a
    damaged Parquet file, MissingExtra for Parquet without pyarrow.
    """
    if not path.is_file():
        if path.is_dir():
            raise CorpusError(f"{path}: this is a folder: name one of its files")
        raise CorpusError(f"{path}: there is no such file")
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise CorpusError(f"{path}: a table ends in {', '.join(_READERS)}")
    return read(path)


def faultless(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield every row with its number.

    Raises CorpusError with file and row at the first one that is none, and as `rows` does.
    """
    for number, row in rows(path):
        if isinstance(row, Fault):
            raise CorpusError(f"{path}:{number}: {row.reason}")
        yield number, row


def _jsonl(path: Path) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if bare := line.removeprefix(b"\xef\xbb\xbf").strip():
                yield number, _line(bare)


def _line(line: bytes) -> Row:
    try:
        return _object(json.loads(line.decode()))
    except UnicodeDecodeError as error:
        reason = f"byte {error.start} (0x{line[error.start]:02x}) is not UTF-8"
        return Fault(reason, line.decode(errors="backslashreplace"))
    except _NOT_JSON as error:
        return Fault(f"not JSON: {error}", line.decode())


def _object(value: object) -> Row:
    if isinstance(value, dict):
        return value
    return Fault("the row is no JSON object", json.dumps(value, ensure_ascii=False))


def _json(path: Path) -> Iterator[tuple[int, Row]]:
    """Read an array of objects, lines of objects, or one object that holds the rows."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        start = file.read(_CHUNK).lstrip()
        file.seek(0)
        if start.startswith("["):
            yield from enumerate(_array(file), start=1)
            return
    first = _line(start.partition("\n")[0].strip().encode(errors="surrogateescape"))
    if isinstance(first, dict) and start.partition("\n")[2].strip():
        yield from _jsonl(path)
    else:
        yield from enumerate(_whole(path), start=1)


def _array(file: IO[str]) -> Iterator[Row]:
    decoder = json.JSONDecoder()
    buffer, at, more = file.read(_CHUNK).lstrip(), 1, True
    while True:
        at = _past(buffer, at)
        if buffer[at : at + 1] == ",":
            at = _past(buffer, at + 1)
        if buffer[at : at + 1] == "]":
            if behind := (buffer[at + 1 :] + file.read(_CHUNK)).strip():
                yield Fault("text behind the end of the array: take it out", behind[:200])
            return
        try:
            value, at = decoder.raw_decode(buffer, at)
            yield _object(value)
            continue
        except _NOT_JSON as error:
            fault = f"not JSON, and what follows cannot be read: {error}"
        if not more:
            yield Fault(fault, buffer[at : at + 200])
            return
        # what is read doubles with the object that is being read, so that it is read few times
        chunk = file.read(max(_CHUNK, len(buffer) - at))
        buffer, at, more = buffer[at:] + chunk, 0, bool(chunk)


def _past(buffer: str, at: int) -> int:
    found = _BLANK.match(buffer, at)
    return found.end() if found else at


def _whole(path: Path) -> Iterator[Row]:
    found = _line(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    if isinstance(found, Fault):
        yield found
        return
    lists = {key: value for key, value in found.items() if isinstance(value, list)}
    if lists and all(isinstance(v, dict) for values in lists.values() for v in values):
        for values in lists.values():  # {"train": [...], "test": [...]} or {"data": [...]}
            yield from values
    elif len(lists) == len(found) > 0 and len({len(values) for values in lists.values()}) == 1:
        for cells in zip(*lists.values(), strict=True):  # columns
            yield dict(zip(lists, cells, strict=True))
    else:
        yield found


def _csv(path: Path) -> Iterator[tuple[int, Row]]:
    return _separated(path, ",")


def _tsv(path: Path) -> Iterator[tuple[int, Row]]:
    return _separated(path, "\t")


def _separated(path: Path, delimiter: str) -> Iterator[tuple[int, Row]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        table = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = _next(table)
        except csv.Error as error:
            raise CorpusError(f"{path}:1: not a header: {error}") from None
        if header is None or len(set(header)) < len(header):
            raise CorpusError(f"{path}:1: the first row names the columns, each once")
        number = 0
        while True:
            number += 1
            try:
                cells = _next(table)
            except csv.Error as error:
                yield number, Fault(f"not CSV before line {table.line_num + 1}: {error}", "")
                continue
            if cells is None:
                return
            yield number, _cells(header, cells)


def _next(table: Iterator[list[str]]) -> list[str] | None:
    """Return the next row. The library's own limit, one for the process, refuses what it wrote."""
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        return next(table, None)
    finally:
        csv.field_size_limit(limit)


def _cells(header: list[str], cells: Iterable[str]) -> Row:
    values = list(cells)
    if len(values) != len(header):
        fault = f"{len(values)} cells in a row of {len(header)} columns"
    elif any(not cell.isascii() and _torn(cell) for cell in values):
        fault = "not UTF-8"
    else:
        return dict(zip(header, values, strict=True))
    return Fault(fault, "\t".join(values).encode(errors="backslashreplace").decode())


def _torn(cell: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in cell)


def _parquet(path: Path) -> Iterator[tuple[int, Row]]:
    return enumerate(parquet.rows(path), start=1)


_READERS = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
}

#: The suffixes of table files.
SUFFIXES = tuple(_READERS)
