r"""The grammar of legal completions: task + text -> Lark text for llguidance.

    start: LABEL "/NER/" item{0,64}
    item:  ":" ITEM_LABEL ";" ENTITY                      pairs
           ":" ENTITY ";" ITEM_LABEL ";" ENTITY           facts

The first rule follows the pattern of the form that is asked for (`model.form`); what a form shows
beside the text is no text, and nothing can be taken out of it.
A label set is an alternation of literals, or a short free string where it is open. ENTITY is a
substring of the text in its *escaped* spelling (`format.escape`), made of whole pieces: what
holds a delimiter, `10:30`, is reachable as `10\:30`, and no completion can cut an escape in two.
It is not empty and has no blank at its edges. Every string of the grammar is read by strict
`codec.read`, and a gold completion (`prompt.target`) is a string of it if its entities occur in
the text, begin and end at a piece, and its items are not more than `max_items`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal, get_args

from pointline.errors import InputError
from pointline.format.escape import escape, escape_char
from pointline.format.tasks import Task
from pointline.format.text import chunks
from pointline.model.form import literals
from pointline.model.prompt import Form, Level, form_of

__all__ = ["LABEL_CHARS", "MAX_ITEMS", "Align", "build", "open_label"]

Align = Literal["chars", "words"]

#: The most items that a completion may have.
MAX_ITEMS = 64
#: The longest label, in characters, where a label set is open.
LABEL_CHARS = 48

# What Python calls blank: the codec strips exactly these. Rust's \s leaves out \x1c to \x1f.
_BLANK = (
    r"\x09-\x0d\x1c-\x20\x85\xa0\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
)
# A field is units: a character, or a backslash with what it escapes; the first and the last unit
# are no blanks. Tokenising from the left is what keeps the `n` of `\n` from being an edge.
_FIELD_EDGE = rf"(?:[^\\{_BLANK}]|\\[\\:;])"
_FIELD = rf"/{_FIELD_EDGE}(?:(?:[^\\]|\\[\\:;nr])*{_FIELD_EDGE})?/"


def build(
    task: Task,
    text: str,
    *,
    align: Align = "chars",
    form: Form | Level = Level.BOTH,
    max_items: int = MAX_ITEMS,
    fields: int = 3,
) -> str:
    r"""Return the grammar of the completions that `task` allows for `text`.

    `align="words"`: an entity begins and ends at the edge of a Latin word or number, so that
    `Japan` cannot be taken out of `Japanese` (other scripts go by characters, as in
    `format.text.chunks`). `fields`: the most fields of a fact; all but the second are entities.
    A text that holds nothing but blanks and delimiters allows no items.

    Raises InputError for an unknown `align`, `max_items` below 0 or `fields` below 3.

    >>> from pointline.format.tasks import adhoc
    >>> print(build(adhoc(labels=["a", "b"], entities=["time"]), "At 10:30"))
    start: LABEL "/NER/" item{0,64}
    LABEL: "a" | "b"
    item: ":" ITEM_LABEL ";" ENTITY
    ITEM_LABEL: "time"
    PIECES: %regex {"substring_chunks": ["A", "t", " ", "1", "0", "\\:", "3", "0"]}
    ...
    """
    if align not in get_args(Align):
        raise InputError(f"align is 'chars' or 'words', got {align!r}")
    if max_items < 0 or fields < 3:
        raise InputError(
            f"max_items is 0 or more and fields 3 or more, got {max_items} and {fields}"
        )
    form = form_of(form)
    items = form.level is not Level.TEXT and max_items > 0 and _has_entity(text)
    lines = [_start(form, task, f"item{{0,{max_items}}}" if items else "")]
    if form.level is not Level.WORD:
        lines.append("LABEL: " + _labels(task.labels, text_level=True))
    if items:
        lines += _items(task, text, align, fields)
    return "\n".join(lines) + "\n"


def _start(form: Form, task: Task, items: str) -> str:
    """Return the first rule: the pattern of the form's completion."""
    fixed = [_quote(literal) if literal else "" for literal in literals(form.pattern, task.word)]
    asked = [{"label": "LABEL", "items": items}[name] for name in form.fields]
    symbols = [symbol for pair in zip(fixed, [*asked, ""], strict=True) for symbol in pair]
    return "start: " + (" ".join(filter(None, symbols)) or '""')


def _has_entity(text: str) -> bool:
    return any(not char.isspace() and char not in "\\/:;" for char in text)


def _items(task: Task, text: str, align: Align, fields: int) -> list[str]:
    if task.shape == "pairs":
        item = 'item: ":" ITEM_LABEL ";" ENTITY'
    else:
        item = f'item: ":" ENTITY ";" ITEM_LABEL (";" ENTITY){{1,{fields - 2}}}'
    pieces = ["".join(map(escape_char, piece)) for piece in chunks(text, words=align == "words")]
    return [
        item,
        "ITEM_LABEL: " + _labels(task.item_labels),
        f'PIECES: %regex {{"substring_chunks": {_quote(pieces)}}}',
        f"ENTITY: PIECES & {_FIELD}",
    ]


def _labels(labels: Iterable[str] | None, *, text_level: bool = False) -> str:
    if labels is None:
        return open_label(text_level=text_level)
    return " | ".join(_quote(escape(label, label=text_level)) for label in labels)


def open_label(*, text_level: bool = False) -> str:
    """Return a short label of any characters but control characters, no blank at its edges.

    It is a regular expression of Lark text. The text-level label escapes "/" as well.
    """
    escaped = r"\\:;\x2f" if text_level else r"\\:;"
    unit = rf"(?:[^\p{{Cc}}{escaped}]|\\[{escaped}])"
    edge = rf"(?:[^\p{{Cc}}{escaped}{_BLANK}]|\\[{escaped}])"
    return rf"/{edge}(?:{unit}{{0,{LABEL_CHARS - 2}}}{edge})?/"


def _quote(value: object) -> str:
    """Return a string or a list of strings as JSON, which is how Lark text spells them."""
    return json.dumps(value, ensure_ascii=False)
