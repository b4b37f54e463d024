"""Lines of a foreign text file, and values on one line: what each reader takes for a line's end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson

from pointline.corpus import parquet
from pointline.corpus.recordfile import to_json
from pointline.errors import CorpusError, RecordError
from pointline.format.record import Record

__all__ = ["as_json", "lines", "meta_as_json"]

_BREAKS = re.compile("[\x85\u2028\u2029]")


def lines(path: Path) -> Iterator[tuple[int, str]]:
    r"""Yield the number and the text of every line, without a byte-order mark, `\n` or `\r\n`.

    Only `\n` ends a line, so a text may hold every other break that Unicode has.

    Raises CorpusError for a file that is not there, or with the line that is not UTF-8.
    """
    if not path.is_file():
        what = "this is a folder: name one of its files" if path.is_dir() else "no such file"
        raise CorpusError(f"{path}: {what}")
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            raw = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            try:
                yield number, raw.decode().removesuffix("\n").removesuffix("\r")
            except UnicodeDecodeError as error:
                raise CorpusError(
                    f"{path}:{number}: byte {error.start} is not UTF-8: save the file as UTF-8"
                ) from None


def meta_as_json(record: Record) -> str:
    """Return the record's meta as JSON on one line; see `as_json`.

    Raises RecordError where JSON cannot carry it.
    """
    return as_json(to_json(record)["meta"], record.id)


def as_json(value: object, record: str) -> str:
    r"""Return a value as JSON on one line, whatever a reader takes for a line's end.

    Raises RecordError, with the record's id, where JSON cannot carry it.

    >>> as_json("a\u2028b", "1")
    '"a\\u2028b"'
    """
    try:
        dumped = orjson.dumps(value, option=parquet.STRICT).decode()
    except TypeError as error:
        raise RecordError(f"record {record!r} cannot be written as JSON: {error}") from None
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", dumped)
