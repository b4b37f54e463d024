"""Files of texts of three kinds, by their suffix: where their rows are, and what is in them.

Those of lines may be packed by gzip, which a second suffix says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pointline.corpus import textcolumns, textlines, textpacked
from pointline.corpus.textrow import Columns, Piece, Row
from pointline.errors import InputError

__all__ = ["SUFFIXES", "holds_texts", "pieces", "rows", "unchanged"]

_JSON = (".jsonl", ".ndjson")
_PLAIN = (".txt",)
_PARQUET = (".parquet",)

#: The suffixes of files that hold texts.
SUFFIXES = (
    *_JSON, *_PARQUET, *_PLAIN, *(f"{kind}{textpacked.SUFFIX}" for kind in (*_JSON, *_PLAIN)),
)  # fmt: skip


def holds_texts(path: Path) -> bool:
    """Tell whether the suffix is one of a file of texts.

    >>> [holds_texts(Path(name)) for name in ("a.b.jsonl", "a.txt.gz", "a.parquet.gz", "gz")]
    [True, True, False, False]
    """
    return path.suffix in SUFFIXES or "".join(path.suffixes[-2:]) in SUFFIXES


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
            kind = path.with_suffix("") if path.suffix == textpacked.SUFFIX else path
            parse = textlines.plain_row if kind.suffix in _PLAIN else textlines.json_row(columns)
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
