"""Labels spelled as names, for formats whose names hold no blanks or no letters beyond ASCII.

What a name cannot hold is written `_xHEX_`, the code point of the character between the marks, so
that every label comes back as it was and a name that somebody else chose is read as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["label_of", "name_of"]

_SPELLED = re.compile(r"_x([0-9A-F]{2,6})_")
_LIKE_IT = re.compile(r"_(?=x[0-9A-F])")


def name_of(label: str, illegal: re.Pattern[str], *, reserved: Collection[str] = ()) -> str:
    """Return the name of a label: `illegal` matches each character that a name cannot hold.

    A label that is one of the reserved names gets another one.

    >>> name_of("political organizations", re.compile(r"\\s"))
    'political_x20_organizations'
    """
    name = _LIKE_IT.sub(_spelled("_"), label)
    name = illegal.sub(lambda found: _spelled(found[0]), name)
    return _spelled(name[0]) + name[1:] if name in reserved else name


def _spelled(char: str) -> str:
    return f"_x{ord(char):02X}_"


def label_of(name: str) -> str:
    """Return the label that a name stands for.

    >>> label_of("political_x20_organizations"), label_of("Part_of")
    ('political organizations', 'Part_of')
    """
    return _SPELLED.sub(_char, name)


def _char(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    is_char = code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_char else found[0]
