"""Tables behind their marks in Markdown pages: `<!-- table: NAME -->` and the rows below it."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["marked", "names", "rewritten"]

_MARKED = re.compile(r"^<!-- table: (.+?) -->\n((?:\|.*(?:\n|\Z))*)", re.MULTILINE)


def marked(page: str) -> list[tuple[str, str]]:
    """Return the tables of a page, each with its name, as they are printed.

    >>> marked("So:\\n\\n<!-- table: a -->\\n| n |\\n|---|\\n| 1 |\\n\\nBut.\\n")
    [('a', '| n |\\n|---|\\n| 1 |\\n')]
    """
    return _MARKED.findall(page)


def names(source: str, table: str) -> bool:
    """Say whether a script names a table, in quotation marks or by its mark.

    >>> names("held('sizes')", "sizes"), names("of all sizes", "sizes")
    (True, False)
    """
    name = re.escape(table)
    return re.search(rf"(['\"]){name}\1|<!-- table: {name} -->", source) is not None


def rewritten(page: str, tables: Mapping[str, str]) -> str:
    """Return the page with those tables printed anew; others, and all else, stay as they are."""

    def anew(found: re.Match[str]) -> str:
        name, printed = found.groups()
        return f"<!-- table: {name} -->\n{tables.get(name, printed)}"

    return _MARKED.sub(anew, page)
