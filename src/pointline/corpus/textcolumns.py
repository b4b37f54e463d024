"""Texts in a column of a Parquet file: cut into pieces once, read row group by row group later."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from pointline.corpus.parquet import arrow
from pointline.corpus.textrow import Columns, Fault, Piece, Row, row_of
from pointline.errors import InputError

__all__ = ["digest", "pieces", "rows"]

_ROWS = 1024  # read at a time
_TAIL = 8  # bytes behind the footer: its length, and the magic number


def pieces(path: Path, sizes: Iterable[int], columns: Columns) -> Iterator[Piece]:
    """Yield the pieces of a file, each with as many rows as its size says; the last has the rest.

    Raises InputError where the file is no Parquet file, or has no column of texts of that name;
    MissingExtra without pyarrow.
    """
    pa, pq = arrow()
    try:
        with pq.ParquetFile(path) as file:
            schema, total = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a Parquet file: {_plain(error)}") from None
    _refuse(path, schema, columns, pa)
    whole, start = digest(path), 0
    for size in sizes:
        end = min(start + size, total)
        if start < end:
            yield Piece(start + 1, end - start, start, end, whole)
        if end == total:
            return
        start = end


def rows(path: Path, piece: Piece, columns: Columns) -> Iterator[Row]:
    """Yield the rows of a piece; those that a damaged row group does not give have a fault."""
    pa, pq = arrow()
    with pq.ParquetFile(path) as file:
        for group, first, start, end in _groups(file.metadata, piece):
            number = start
            try:
                for text, id in _cells(file, group, columns, start - first, end - start):
                    number += 1
                    yield row_of(number, {columns.text: text, columns.id: id}, columns)
            except (pa.ArrowException, OSError) as error:
                told = f"the Parquet file is damaged here: {_plain(error)}"
                for left in range(number, end):
                    yield Row(left + 1, fault=Fault.UNREADABLE, error=told)


def digest(path: Path) -> str:
    """Return the digest of a Parquet file's footer: what it holds, where, and statistics of it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        file.seek(max(0, size - _TAIL - int.from_bytes(tail[:4], "little")))
        return blake2b(file.read(), digest_size=16).hexdigest()


def _groups(metadata: Any, piece: Piece) -> Iterator[tuple[int, int, int, int]]:
    """Yield the row groups that hold rows of a piece: their first row, and the piece's range."""
    first = 0
    for group in range(metadata.num_row_groups):
        end = first + metadata.row_group(group).num_rows
        if first < piece.end and end > piece.start:
            yield group, first, max(first, piece.start), min(end, piece.end)
        first = end


def _cells(
    file: Any, group: int, columns: Columns, skip: int, take: int
) -> Iterator[tuple[Any, Any]]:
    """Yield the texts and ids of so many rows of a row group."""
    pa, _ = arrow()
    known = set(file.schema_arrow.names)
    wanted = [name for name in (columns.text, columns.id) if name in known]
    for batch in file.iter_batches(batch_size=_ROWS, row_groups=[group], columns=wanted):
        part = batch.slice(min(skip, batch.num_rows), take)
        skip, take = max(0, skip - batch.num_rows), take - part.num_rows
        texts = _bytes(part.column(columns.text), pa)
        ids = part.column(columns.id).to_pylist() if columns.id in known else [None] * len(texts)
        yield from zip(texts, ids, strict=True)
        if not take:
            return


def _bytes(column: Any, pa: Any) -> list[bytes | None]:
    """Return texts as bytes, so that one that is not UTF-8 spoils no other."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    found: list[bytes | None] = column.cast(pa.binary()).to_pylist()
    return found


def _refuse(path: Path, schema: Any, columns: Columns, pa: Any) -> None:
    if columns.text not in schema.names:
        there = ", ".join(schema.names)
        told = f"no column {columns.text!r}, name the texts' with --text-column (it has {there})"
        raise InputError(f"{path}: {told}")
    kind = schema.field(columns.text).type
    held = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = ("is_string", "is_large_string", "is_string_view", "is_binary", "is_large_binary",
             "is_binary_view", "is_null")  # fmt: skip
    if not any(getattr(pa.types, test)(held) for test in tests):
        raise InputError(f"{path}: the column {columns.text!r} holds no texts but {kind}")


def _plain(error: BaseException) -> str:
    return " ".join(str(error).split())
