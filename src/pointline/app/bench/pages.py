"""Tables behind their marks in Markdown pages: `<!-- table: NAME -->` and the rows below it."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["marked", "rewritten"]

_MARKED = re.compile(r"^<!-- table: (.+?) -->\n((?:\|.*(?:\n|\Z))*)", re.MULTILINE)


def marked(page: str) -> dict[str, str]:
    """Return the tables of a page by name, as they are printed.

    >>> marked("So:\\n\\n<!-- table: a -->\\n| n |\\n|---|\\n| 1 |\\n\\nBut.\\n")
    {'a': '| n |\\n|---|\\n| 1 |\\n'}
    """
    return dict(_MARKED.findall(page))


def rewritten(page: str, tables: Mapping[str, str]) -> str:
    """Return the page with those tables printed anew; others, and all else, stay as they are."""

    def anew(found: re.Match[str]) -> str:
        name, printed = found.groups()
        return f"<!-- table: {name} -->\n{tables.get(name, printed)}"

    return _MARKED.sub(anew, page)
