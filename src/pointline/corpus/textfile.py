"""Files of texts of three kinds, by their suffix: where their rows are, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from pointline.corpus import textcolumns, textlines
from pointline.corpus.textrow import Columns, Piece, Row
from pointline.errors import InputError

__all__ = ["SUFFIXES", "pieces", "rows", "unchanged"]

_JSON = (".jsonl", ".ndjson")
_PLAIN = (".txt",)
_PARQUET = (".parquet",)

#: The suffixes of files that hold texts.
SUFFIXES = (*_JSON, *_PARQUET, *_PLAIN)


def pieces(path: Path, sizes: Iterable[int], columns: Columns) -> Iterator[Piece]:
    """Yield the pieces of a file, each with as many rows as its size says; the last has the rest.

    Raises InputError for a file that cannot hold texts.
    """
    if path.suffix in _PARQUET:
        yield from textcolumns.pieces(path, sizes, columns)
    else:
        yield from textlines.pieces(path, sizes)


def rows(path: Path, piece: Piece, columns: Columns) -> Iterator[Row]:
    """Yield the rows of a piece, in their order.

    Raises InputError where the file is not what it was when it was cut into pieces.
    """
    if not unchanged(path, piece):
        raise InputError(f"{path}: changed since the run was planned: begin anew in another folder")
    if path.suffix in _PARQUET:
        return textcolumns.rows(path, piece, columns)
    parse = textlines.plain_row if path.suffix in _PLAIN else textlines.json_row(columns)
    return textlines.rows(path, piece, parse)


def unchanged(path: Path, piece: Piece) -> bool:
    """Tell whether the file still holds the piece."""
    try:
        if path.suffix in _PARQUET:
            return textcolumns.digest(path) == piece.digest
        return textlines.digest(path, piece) == piece.digest
    except OSError:
        return False
