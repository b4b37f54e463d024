"""Rows of texts as they are found in files: a text with its id and place, or what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Columns", "Fault", "Piece", "Row", "decoded", "row_of"]


class Fault(StrEnum):
    """Why a row has no text that could be read."""

    NOT_UTF8 = "not-utf8"
    NOT_JSON = "not-json"
    NO_TEXT = "no-text"
    NOT_A_TEXT = "not-a-text"
    NOT_AN_ID = "not-an-id"
    LINE_TOO_LONG = "line-too-long"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Columns:
    """The names of the keys, or columns, that hold the text and its id."""

    text: str = "text"
    id: str = "id"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file (from 1), its id if it has one, its text or its fault."""

    number: int
    id: str | None = None
    text: str = ""
    fault: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring rows of one file.

    `row` is the number of the first one and `rows` how many they are; [start, end) are bytes of a
    file of lines, rows (from 0) of a Parquet file. `digest` is that of the bytes, of a Parquet file
    that of its footer.
    """

    row: int
    rows: int
    start: int
    end: int
    digest: str


def decoded(number: int, data: bytes, id: str | None = None) -> Row:
    r"""Return the row of a text in UTF-8.

    >>> decoded(3, b"\xff").error
    'byte 0 (0xff) is not UTF-8: save the file as UTF-8'
    """
    try:
        return Row(number, id, data.decode())
    except UnicodeDecodeError as error:
        told = f"byte {error.start} (0x{data[error.start]:02x}) is not UTF-8"
        return Row(number, id, fault=Fault.NOT_UTF8, error=f"{told}: save the file as UTF-8")


def row_of(number: int, values: object, columns: Columns) -> Row:
    """Return the row that plain values hold.

    >>> row_of(1, {"id": 7, "text": "雨"}, Columns()).id
    '7'
    >>> row_of(2, {"text": ["雨"]}, Columns()).error
    "'text' is a string, got list"
    """
    if not isinstance(values, Mapping):
        told = f"a row is an object, got {type(values).__name__}"
        return Row(number, fault=Fault.NOT_A_TEXT, error=told)
    text, id = values.get(columns.text), values.get(columns.id)
    if isinstance(id, bool) or not isinstance(id, str | int | None):
        told = f"{columns.id!r} is a string or a whole number, got {type(id).__name__}"
        return Row(number, fault=Fault.NOT_AN_ID, error=told)
    name = None if id is None else str(id)
    if text is None:
        return Row(number, name, fault=Fault.NO_TEXT, error=f"the row has no {columns.text!r}")
    if isinstance(text, bytes):
        return decoded(number, text, name)
    if not isinstance(text, str):
        told = f"{columns.text!r} is a string, got {type(text).__name__}"
        return Row(number, name, fault=Fault.NOT_A_TEXT, error=told)
    return Row(number, name, text)
