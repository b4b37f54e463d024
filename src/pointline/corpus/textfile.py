"""Files of texts of three kinds, by their suffix: where their rows are, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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

    Raises InputError for a file that cannot hold texts, or cannot be read.
    """
    with _reading(path):
        if path.suffix in _PARQUET:
            yield from textcolumns.pieces(path, sizes, columns)
        else:
            yield from textlines.pieces(path, sizes)


def rows(path: Path, piece: Piece, columns: Columns) -> Iterator[Row]:
    """Yield the rows of a piece, in their order.

    Raises InputError where the file is not what it was when it was cut into pieces, or cannot be
    read.
    """
    if not unchanged(path, piece):
        raise InputError(f"{path}: changed since the run was planned: begin anew in another folder")
    return _rows(path, piece, columns)


def _rows(path: Path, piece: Piece, columns: Columns) -> Iterator[Row]:
    with _reading(path):
        if path.suffix in _PARQUET:
            yield from textcolumns.rows(path, piece, columns)
        else:
            parse = textlines.plain_row if path.suffix in _PLAIN else textlines.json_row(columns)
            yield from textlines.rows(path, piece, parse)


def unchanged(path: Path, *pieces: Piece) -> bool:
    """Tell whether the file still holds the pieces.

    Raises InputError where it cannot be read.
    """
    with _reading(path):
        if path.suffix in _PARQUET:
            return {textcolumns.digest(path)}.issuperset(piece.digest for piece in pieces)
        return all(textlines.digest(path, piece) == piece.digest for piece in pieces)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise InputError, with the remedy, where the system cannot read the file."""
    try:
        yield
    except FileNotFoundError:
        told = "the file is not there any more: bring it back, and run again"
        raise InputError(f"{path}: {told}") from None
    except OSError as error:
        told = f"cannot be read ({error.strerror or error}): mend that, and run again"
        raise InputError(f"{path}: {told}") from None
