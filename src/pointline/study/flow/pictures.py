"""Pictures of one sample: the map of its tokens, and its text shaded by flow."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pointline.corpus.canvas import COLOURS, GREY, Drawn, Sheet, drawing, tint
from pointline.study.flow.figures import plain_logarithms
from pointline.study.flow.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pointline.study.flow.parts import Array

__all__ = ["draw_map", "draw_text"]

_LABELLED = 90  # tokens that can be named at the edges of a map
_SHADES = (COLOURS[0], COLOURS[2])


def draw_map(shown: Shown, stem: Path, *, title: str) -> Drawn:
    """Draw the flow between all tokens, summed over the lower and over the upper half of layers."""
    half = max(1, len(shown.maps) // 2)
    named = [name.replace("\n", "⏎") or "·" for name in shown.tokens]
    sums = {"lower layers": shown.maps[:half].sum(0), "upper layers": shown.maps[half:].sum(0)}
    rows = [
        (title, half_name, i, named[i], j, named[j], float(values[i, j]))
        for half_name, values in sums.items()
        for i in range(len(named))
        for j in range(i)
    ]
    side = max(4.0, min(9.0, 0.11 * len(named) + 1.5))
    header = ("sample", "layers", "to", "to_token", "from", "from_token", "flow")
    with drawing(stem, (2 * side + 1, side + 0.8), header=header, rows=rows) as sheet:
        axes = sheet.figure.subplots(1, 2)
        for axis, (name, values) in zip(axes, sums.items(), strict=True):
            _map(sheet, axis, values, named, shown)
            axis.set_title(name)
        sheet.figure.suptitle(sheet.shown(title), fontsize=10)
    return sheet.drawn()


def _map(sheet: Sheet, axis: Axes, values: Array, named: Sequence[str], shown: Shown) -> None:
    top = values.max() or 1.0
    image = axis.imshow(values.clip(top * 1e-4), norm="log", cmap="Blues", interpolation="nearest")
    bar = sheet.figure.colorbar(image, ax=axis, shrink=0.6, label="flow (log)")
    plain_logarithms(bar.ax)
    if len(named) <= _LABELLED:
        labels = [sheet.shown(name) for name in named]
        size = min(7.0, 430 / len(named))
        axis.set_xticks(range(len(named)), labels, rotation=90, fontsize=size)
        axis.set_yticks(range(len(named)), labels, fontsize=size)
    for edge in shown.edges:
        axis.axhline(edge - 0.5, color=GREY, linewidth=0.5)
        axis.axvline(edge - 0.5, color=GREY, linewidth=0.5)
    axis.set(xlabel="from", ylabel="to")


_WIDE = 64  # cells in a line of text


def draw_text(shown: Shown, stem: Path, *, title: str) -> Drawn:
    """Draw the prompt twice, shaded by the flow into the information and into the target."""
    flows = {
        "flow into the information, all layers": shown.into_info.sum(0),
        "flow into the target, all layers": shown.into_target.sum(0),
    }
    by_char = {name: shown.by_character(values) for name, values in flows.items()}
    cells = list(_cells(shown.text))
    rows = [
        (title, name, at, shown.text[at], float(values[at]))
        for name, values in by_char.items()
        for at in range(len(shown.text))
    ]
    lines = cells[-1][2] + 1 if cells else 1
    header = ("sample", "what", "offset", "character", "flow")
    with drawing(stem, (9.0, 0.55 + 2 * (0.24 * lines + 0.35)), header=header, rows=rows) as sheet:
        axes = sheet.figure.subplots(2, 1)
        for axis, (name, values), colour in zip(axes, by_char.items(), _SHADES, strict=True):
            _text(sheet, axis, cells, values, colour, lines)
            axis.set_title(name)
        sheet.figure.suptitle(sheet.shown(title), fontsize=10, x=0.02, ha="left")
    return sheet.drawn()


def _cells(text: str) -> Iterator[tuple[int, int, int, int, str]]:
    """Yield offset, column, line, width and the glyph of each character; marks join the last."""
    column = line = 0
    for at, char in enumerate(text):
        if char == "\n":
            column, line = 0, line + 1
            continue
        width = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if unicodedata.combining(char):
            width, column = 0, max(0, column - 1)
        elif column + width > _WIDE:
            column, line = 0, line + 1
        yield at, column, line, width, char
        column += width or 1


def _text(
    sheet: Sheet,
    axis: Axes,
    cells: Sequence[tuple[int, int, int, int, str]],
    values: Array,
    colour: str,
    lines: int,
) -> None:
    top = float(values.max()) or 1.0
    for at, column, line, width, char in cells:
        share = (float(values[at]) / top) ** 0.5
        paint = tint(colour, 0.85 * share)
        axis.broken_barh([(column, width)], (line, 0.92), facecolors=paint)
        middle = column + (width or 1) / 2
        axis.text(middle, line + 0.46, sheet.shown(char), ha="center", va="center", fontsize=8.5)
    axis.set(xlim=(0, _WIDE), ylim=(lines, 0))
    axis.set_axis_off()
