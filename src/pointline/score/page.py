"""One self-contained page of HTML: its shell, tables, texts with their mentions marked.

Everything that comes from a record or a run is escaped; the page has no script and asks for
nothing: pictures are part of it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from html import escape
from importlib.resources import files

from pointline.score.tables import Table

__all__ = ["marked", "page", "picture", "shown", "table"]

_LONG = 48  # characters of a cell that is broken into lines

# What a page shows of a text that would turn the page around it, or shows nothing.
_VISIBLE = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE |= dict.fromkeys(
    (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"
)


def page(title: str, body: str, *, style: str = "") -> str:
    """Return the page: `body` is HTML, `style` is CSS behind that of all pages.

    >>> page("a < b", "<p>c</p>").count("a &lt; b")
    1
    """
    sheet = files("pointline.score").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'; img-src data:\">"
        f"<title>{shown(title)}</title><style>{sheet}{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def shown(text: str) -> str:
    """Return a text for HTML: escaped, control characters visible.

    >>> shown("<b>" + chr(0x202E))
    '&lt;b&gt;�'
    """
    return escape(text.translate(_VISIBLE))


def marked(text: str, places: Iterable[tuple[int, int]]) -> str:
    """Return a text with its mentions marked; of places that overlap, the first.

    >>> marked("Ada met Bob", [(0, 3), (0, 7)])
    '<mark>Ada</mark> met Bob'
    """
    out, at = [], 0
    for start, end in sorted(set(places)):
        if start >= at:
            out += [shown(text[at:start]), f"<mark>{shown(text[start:end])}</mark>"]
            at = end
    return "".join((*out, shown(text[at:])))


def table(
    title: str, made: Table, *, row_class: Callable[[Sequence[str]], str] = lambda _: ""
) -> str:
    """Return a table that scrolls by itself where it is wide; `row_class` gives a row's class."""
    right = made.numeric
    head = "".join(
        f'<th scope="col"{_class("n" if to else "")}>{shown(cell)}</th>'
        for cell, to in zip(made.headers, right, strict=True)
    )
    rows = "".join(_row(made, at, row_class(row)) for at, row in enumerate(made.rows))
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{shown(title)}"><table><thead>'
        f"<tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def picture(svg: bytes, told: str) -> str:
    """Return a figure as part of the page; `told` says in words what it shows."""
    data = b64encode(svg).decode("ascii")
    return (
        f'<div class="picture" tabindex="0" role="region" aria-label="{shown(told)}">'
        f'<img alt="{shown(told)}" src="data:image/svg+xml;base64,{data}"></div>'
    )


def _row(made: Table, at: int, row_class: str) -> str:
    cells = []
    for column, (cell, right) in enumerate(zip(made.rows[at], made.numeric, strict=True)):
        told = f"<b>{shown(cell)}</b>" if (at, column) in made.best else shown(cell)
        tag = "td" if column else "th"
        scope = "" if column else ' scope="row"'
        kind = "n" if right else "long" if len(cell) > _LONG else ""
        cells.append(f"<{tag}{scope}{_class(kind)}>{told}</{tag}>")
    return f"<tr{_class(row_class)}>{''.join(cells)}</tr>"


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
