r"""The escape: how a field that holds a delimiter is written in the mix format, and read back.

A backslash takes the meaning from the character after it: `\:` `\;` `\/` `\\` stand for
themselves, `\n` and `\r` for the line breaks, and a backslash before a blank keeps a blank that
stands at the edge of a field. `\@2` after an entity says which occurrence in the text is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pointline.errors import FormatError

__all__ = ["Field", "escape", "escape_char", "is_plain", "split", "unescape"]

_WRITTEN = {"\\": "\\\\", ":": "\\:", ";": "\\;", "\n": "\\n", "\r": "\\r"}
_READ = {"n": "\n", "r": "\r", **{char: char for char in "\\:;/"}}
_TOKEN = re.compile(r"\\.|[^\\:;/]+|.", re.DOTALL)
_PLAIN = re.compile(r"[^\\:;/\s](?:[^\\:;/\r\n]*[^\\:;/\s])?")  # what needs no escape anywhere
_ANCHOR = re.compile(r"@([1-9][0-9]{0,8})\Z")


@dataclass(frozen=True, slots=True)
class Field:
    r"""A field as read: its value, the occurrence asked for (`\@k`, from 1), unknown escapes."""

    value: str
    occurrence: int | None = None
    unknown: int = 0


def escape_char(char: str, *, label: bool = False) -> str:
    r"""Return one character as it is written inside a field; `label` for the text-level label.

    >>> escape_char(";"), escape_char("/"), escape_char("/", label=True)
    ('\\;', '/', '\\/')
    """
    if label and char == "/":
        return "\\/"
    return _WRITTEN.get(char, char)


def escape(value: str, *, label: bool = False) -> str:
    r"""Return `value` as a field; blanks at its edges are kept by a backslash.

    >>> print(escape("10:30 "), escape("weather/find", label=True))
    10\:30\  weather\/find
    """
    if _PLAIN.fullmatch(value):
        return value
    first = len(value) - len(value.lstrip())
    last = len(value.rstrip())
    return "".join(
        "\\" + char
        if char.isspace() and char not in _WRITTEN and not first <= at < last
        else escape_char(char, label=label)
        for at, char in enumerate(value)
    )


def is_plain(value: str, *, label: bool = False) -> bool:
    """Say whether the papers' plain form can carry `value`: whether nothing has to be escaped."""
    return escape(value, label=label) == value


def unescape(raw: str, *, offset: int = 0, source: str | None = None) -> Field:
    r"""Return the field that `raw` spells.

    With `source` (the whole completion, `raw` standing at `offset`) an escape that no writer
    makes raises FormatError; without, it is kept as it is and counted in `Field.unknown`.

    >>> unescape("Ada\\@2")
    Field(value='Ada', occurrence=2, unknown=0)
    """
    if "\\" not in raw:
        return Field(raw)
    out: list[str] = []
    unknown = at = 0
    while at < len(raw):
        char, after = raw[at], raw[at + 1 : at + 2]
        if char != "\\":
            out.append(char)
            at += 1
            continue
        if after == "@" and (anchor := _ANCHOR.match(raw, at + 1)):
            return Field("".join(out), int(anchor[1]), unknown)
        if after in _READ or after.isspace():
            out.append(_READ.get(after, after))
        elif source is not None:
            raise FormatError(f"unknown escape {char + after!r}", source, offset + at)
        else:
            out.append(char + after)
            unknown += 1
        at += 2
    return Field("".join(out), None, unknown)


def split(raw: str, delimiter: str, *, offset: int = 0) -> list[tuple[int, str]]:
    r"""Split at each unescaped `delimiter`: a list of (offset, piece), escapes left in place.

    >>> split("a:b\\:c", ":")
    [(0, 'a'), (2, 'b\\:c')]
    """
    pieces = [""]
    for token in _TOKEN.findall(raw) if "\\" in raw else ():
        if token == delimiter:
            pieces.append("")
        else:
            pieces[-1] += token
    if "\\" not in raw:
        pieces = raw.split(delimiter)
    out = []
    for piece in pieces:
        out.append((offset, piece))
        offset += len(piece) + 1
    return out
