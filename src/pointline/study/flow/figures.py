"""Figures of a study: curves of all its datasets, their ratios to the null, knockouts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.corpus.canvas import COLOURS, INK, Drawn, Sheet, drawing, tint
from pointline.study.flow.curves import QUANTITIES, Band
from pointline.study.flow.knockout import CUTS
from pointline.study.flow.result import FlowResult, FlowStudy
from pointline.study.flow.settings import View

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from pointline.study.flow.parts import Array

__all__ = ["draw_curves", "draw_knockouts", "draw_ratios", "plain_logarithms"]

#: S_wp, S_pq, S_ww.
_LINES = (COLOURS[0], COLOURS[2], COLOURS[7])
_ACROSS = 3  # panels beside each other


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
                found.layers, low, high, color=colour, alpha=0.25, linewidth=0, label=told
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
        plain_logarithms(axis)
    else:
        axis.set_ylim(0, 1)


def plain_logarithms(axis: Axes) -> None:
    """Name the ticks of a logarithmic axis in digits: our figures read no markup."""
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    low, high = axis.get_ylim()
    named = "2 5" if high < 1000 * low else ""  # with more decades they would crowd

    def between(value: float, _: object) -> str:
        return f"{value:g}" if f"{value:e}"[0] in named else ""

    axis.yaxis.set_minor_formatter(between)
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
                axis.fill_between(shown, low, high, color=colour, alpha=0.25, linewidth=0)
                axis.plot(shown, middle, color=colour, linewidth=1.6, label=f"{name} ÷ null")
            axis.axhline(1, color=INK, linewidth=0.7)
            axis.set_yscale("log")
            plain_logarithms(axis)
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
    for name, result in study.results.items():
        effect, found = result.curves.estimate, result.knocked
        for number, cut in enumerate(CUTS[:2]):
            for at, layer in enumerate(result.curves.layers):
                values = (float(part[number, at]) for part in _parts(effect))
                yield (name, "estimate", cut, layer, layer, *values)
        for at, window in enumerate(found.windows if found else ()):
            assert found is not None
            for number, cut in enumerate(found.cuts):
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
