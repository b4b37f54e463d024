"""Pictures of a study: curves of all datasets, one sample's map, one sample's text shaded."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.corpus.canvas import COLOURS, GREY, INK, Drawn, Sheet, drawing, tint
from pointline.study.flow.curves import QUANTITIES, Band
from pointline.study.flow.result import FlowResult, FlowStudy
from pointline.study.flow.settings import View
from pointline.study.flow.shown import Shown, read_shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pointline.study.flow.parts import Array

__all__ = ["draw", "draw_curves", "draw_knockouts", "draw_map", "draw_ratios", "draw_text"]

#: S_wp, S_pq, S_ww.
_LINES = (COLOURS[0], COLOURS[2], COLOURS[7])
_ACROSS = 3  # panels beside each other
_LABELLED = 90  # tokens that can be named at the edges of a map


def draw(study: FlowStudy) -> list[Drawn]:
    """Draw every picture of a study into its folder `figures`.

    Raises MissingExtra without matplotlib.
    """
    folder = study.folder / "figures"
    made = [
        draw_curves(study, folder / "curves-means", view="means"),
        draw_curves(study, folder / "curves-shares", view="shares"),
        draw_ratios(study, folder / "ratio-to-null"),
        draw_knockouts(study, folder / "knockout"),
    ]
    for name, result in study.results.items():
        for path in result.shown[:1]:
            shown = read_shown(path)
            made.append(draw_map(shown, folder / f"map-{name}", title=f"{name}, {shown.id}"))
            made.append(draw_text(shown, folder / f"text-{name}", title=f"{name}, {shown.id}"))
    return made


# ---------------------------------------------------------------- curves


def draw_curves(study: FlowStudy, stem: Path, *, view: View) -> Drawn:
    """Draw S_wp, S_pq and S_ww over the layers of every dataset, with the nulls behind them."""
    rows = [
        (name, quantity, layer, *(float(values[number, at]) for values in columns))
        for name, result in study.results.items()
        for columns in [_columns(result, view)]
        for number, quantity in enumerate(QUANTITIES)
        for at, layer in enumerate(result.curves.layers)
    ]
    header = ("dataset", "quantity", "layer", view[:-1], "low", "high", "null", "null_low")
    with _panels(study, stem, (*header, "null_high"), rows) as (sheet, axes):
        for axis, result in zip(axes, study.results.values(), strict=True):
            _curves(axis, result, view)
        _legend(sheet, axes[0])
        label = "flow per pair of tokens" if view == "means" else "share of the three means"
        sheet.figure.supylabel(label, fontsize=9)
    return sheet.drawn()


def _columns(result: FlowResult, view: View) -> tuple[Array, ...]:
    own, null = result.curves.of(view)
    return (own.middle, own.low, own.high, null.middle, null.low, null.high)


def _curves(axis: Axes, result: FlowResult, view: View) -> None:
    found = result.curves
    own, null = found.of(view)
    for number, (name, colour) in enumerate(zip(QUANTITIES, _LINES, strict=True)):
        if number < 2:
            told = f"{name} of random positions, 5–95 %"
            low, high = null.low[number], null.high[number]
            axis.fill_between(
                found.layers, low, high, color=tint(colour, 0.3), linewidth=0, label=told
            )
        _line(axis, found.layers, own, number, colour, name)
        if result.random:
            flat = sum(one.of(view)[0].middle[number] for one in result.random)
            axis.plot(
                found.layers, _alive(flat / len(result.random)), color=colour, linewidth=0.9,
                linestyle=":", label=f"{name} of random weights",
            )  # fmt: skip
    if view == "means":
        axis.set_yscale("log")
        _plain_logarithms(axis)
    else:
        axis.set_ylim(0, 1)


def _plain_logarithms(axis: Axes) -> None:
    """Name the ticks of a logarithmic axis in digits: our figures read no markup."""
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = axis.get_ylim()
    few = high < 30 * low  # within a decade or so, the ticks between have to be named as well
    axis.yaxis.set_minor_formatter(lambda value, _: f"{value:.2g}" if few else "")
    axis.tick_params(which="minor", labelsize=6)


def _line(
    axis: Axes, layers: Sequence[int], band: Band, number: int, colour: str, label: str
) -> None:
    axis.plot(layers, _alive(band.middle[number]), color=colour, linewidth=1.6, label=label)
    axis.plot(layers, _alive(band.low[number]), color=colour, linewidth=0.4, alpha=0.6)
    axis.plot(layers, _alive(band.high[number]), color=colour, linewidth=0.4, alpha=0.6)


def _alive(values: Array) -> Array:
    """Leave out what is exactly 0, such as S_wp in the last layer: no logarithm can show it."""
    import numpy as np

    return np.where(values == 0, np.nan, values)


def draw_ratios(study: FlowStudy, stem: Path) -> Drawn:
    """Draw S_wp and S_pq over the null's mean; the null's own band lies around 1."""
    rows = [
        (name, QUANTITIES[number], layer, *(float(part[number, at]) for part in _parts(ratio)))
        for name, result in study.results.items()
        for ratio in [result.curves.ratio]
        for number in range(2)
        for at, layer in enumerate(result.curves.layers)
    ]
    header = ("dataset", "quantity", "layer", "ratio", "null_low", "null_high")
    with _panels(study, stem, header, rows) as (sheet, axes):
        for axis, result in zip(axes, study.results.values(), strict=True):
            ratio, layers = result.curves.ratio, result.curves.layers
            for number, name in enumerate(QUANTITIES[:2]):
                colour = _LINES[number]
                alive = ratio.middle[number] > 0
                shown = [layer for layer, there in zip(layers, alive, strict=True) if there]
                low, middle, high = (part[number][alive] for part in _parts(ratio, ordered=True))
                axis.fill_between(shown, low, high, color=tint(colour, 0.3), linewidth=0)
                axis.plot(shown, middle, color=colour, linewidth=1.6, label=f"{name} ÷ null")
            axis.axhline(1, color=INK, linewidth=0.7)
            axis.set_yscale("log")
            _plain_logarithms(axis)
        _legend(sheet, axes[0])
        sheet.figure.supylabel("over the mean of random positions", fontsize=9)
    return sheet.drawn()


def _parts(band: Band, *, ordered: bool = False) -> tuple[Array, Array, Array]:
    return (band.low, band.middle, band.high) if ordered else (band.middle, band.low, band.high)


def draw_knockouts(study: FlowStudy, stem: Path) -> Drawn:
    """Draw the estimate of cutting each edge in one layer, and what cuts in windows really did."""
    rows = list(_knockout_rows(study))
    header = ("dataset", "what", "cut", "first", "last", "change", "low", "high")
    with _panels(study, stem, header, rows) as (sheet, axes):
        for axis, result in zip(axes, study.results.values(), strict=True):
            effect = result.curves.estimate
            for number, name in enumerate(("text → information", "information → target")):
                colour = _LINES[number]
                _line(axis, result.curves.layers, effect, number, colour, f"{name}, estimate")
                if result.knocked is not None:
                    _steps(axis, result, number, colour, f"{name}, cut, per layer")
            axis.axhline(0, color=INK, linewidth=0.7)
        _legend(sheet, axes[0])
        sheet.figure.supylabel("change of the loss, nats per layer", fontsize=9)
    return sheet.drawn()


def _steps(axis: Axes, result: FlowResult, cut: int, colour: str, label: str) -> None:
    """Draw each window's change spread over its layers; the window of all layers is left out."""
    found = result.knocked
    assert found is not None
    parts = found.windows[:-1] if len(found.windows) > 1 else found.windows
    for at, (first, last) in enumerate(parts):
        share = found.change[at, cut] / (last - first + 1)
        ends = [first - 0.4, last + 0.4]
        told = label if at == 0 else None
        axis.plot(ends, [share, share], color=tint(colour, 0.6), linewidth=3, label=told)


def _knockout_rows(study: FlowStudy) -> Iterator[tuple[object, ...]]:
    from pointline.study.flow.knockout import CUTS

    for name, result in study.results.items():
        effect, found = result.curves.estimate, result.knocked
        for number, cut in enumerate(CUTS[:2]):
            for at, layer in enumerate(result.curves.layers):
                values = (float(part[number, at]) for part in _parts(effect))
                yield (name, "estimate", cut, layer, layer, *values)
        for at, window in enumerate(found.windows if found else ()):
            assert found is not None
            for number, cut in enumerate(CUTS):
                parts = (found.change, found.low, found.high)
                yield (name, "cut", cut, *window, *(float(part[at, number]) for part in parts))


class _panels:
    """A grid of panels, one a dataset, that is written when the block ends well."""

    def __init__(
        self,
        study: FlowStudy,
        stem: Path,
        header: Sequence[str],
        rows: Sequence[Sequence[object]],
    ) -> None:
        self._names = list(study.results)
        layers = next(iter(study.results.values())).curves.layers
        self._layers = layers[:: ceil(len(layers) / 10)]
        across = min(_ACROSS, len(self._names))
        down = ceil(len(self._names) / across)
        size = (1.2 + 3.0 * across, 1.5 + 2.2 * down)
        self._grid, self._open = (down, across), drawing(stem, size, header=header, rows=rows)

    def __enter__(self) -> tuple[Sheet, list[Axes]]:
        sheet = self._open.__enter__()
        grid = sheet.figure.subplots(*self._grid, squeeze=False, sharex=True, sharey=False)
        axes = [axis for row in grid for axis in row]
        for axis in axes[len(self._names) :]:
            axis.set_axis_off()
        for axis, name in zip(axes, self._names, strict=False):
            axis.set_title(sheet.shown(name))
            axis.tick_params(labelsize=7, labelbottom=True)
            axis.set_xticks(self._layers, map(str, self._layers))
        sheet.figure.supxlabel("layer", fontsize=9)
        return sheet, axes[: len(self._names)]

    def __exit__(self, *told: Any) -> None:
        self._open.__exit__(*told)


def _legend(sheet: Sheet, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    sheet.figure.legend(handles, labels, loc="outside upper center", ncols=3, fontsize=8)


# ---------------------------------------------------------------- one sample


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
    _plain_logarithms(bar.ax)
    if len(named) <= _LABELLED:
        labels = [sheet.shown(name) for name in named]
        size = max(3.0, 7 - len(named) / 22)
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
        for axis, (name, values), colour in zip(axes, by_char.items(), _LINES, strict=False):
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
