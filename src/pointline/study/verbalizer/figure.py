"""The figure of a verbalizer study: a dot with its interval for each dataset and verbalizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.corpus.canvas import COLOURS, GREY, Drawn, Sheet, drawing
from pointline.study.verbalizer.report import Findings, Value

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["dots"]

_HEADER = ("dataset", "method", "verbalizer", "f1", "low", "high", "macro", "largest_class", "runs")
_STEP = 0.2  # between the dots of one dataset


def dots(findings: Findings, stem: str | Path) -> Drawn:
    """Draw TL F1: a panel for each method, a row for each dataset, a colour for each verbalizer.

    A grey mark stands where always naming the most frequent class would. Written as PNG, SVG and
    the CSV of what is drawn; see `canvas.drawing` for what it raises.
    """
    methods, verbalizers = findings.methods, _verbalizers(findings)
    rows = list(findings.datasets)
    size = (2.2 + 2.3 * len(methods), 1.3 + len(rows) * max(0.42, 0.16 * len(verbalizers)))
    with drawing(
        Path(stem), size, header=_HEADER, rows=map(_row(findings), findings.values)
    ) as sheet:
        panels: Any = sheet.figure.subplots(
            1, len(methods), sharey=True, sharex=True, squeeze=False
        )
        for method, axes in zip(methods, panels[0], strict=True):
            _panel(sheet, axes, findings, method)
        panels[0][0].set_yticks(range(len(rows)), [sheet.shown(name) for name in rows])
        panels[0][0].invert_yaxis()
        handles = [
            *(
                _empty_dot(panels[0][0], COLOURS[at % len(COLOURS)])
                for at in range(len(verbalizers))
            ),
            panels[0][0].scatter([], [], marker="|", s=60, color=GREY),
        ]
        names = [*map(sheet.shown, verbalizers), "largest class"]
        sheet.figure.legend(handles, names, loc="outside upper center", ncols=len(names))
    return sheet.drawn()


def _empty_dot(axes: Axes, colour: str) -> Any:
    """Return an empty series of that colour, for the legend."""
    return axes.errorbar([], [], xerr=[], fmt="o", color=colour, markersize=4, linewidth=1)


def _panel(sheet: Sheet, axes: Axes, findings: Findings, method: str) -> None:
    verbalizers = _verbalizers(findings)
    for row, dataset in enumerate(findings.datasets):
        at = 100 * findings.common[dataset]
        axes.vlines(at, row - 0.42, row + 0.42, color=GREY, linewidth=3, zorder=1)
        for at, verbalizer in enumerate(verbalizers):
            one = findings.value(dataset, verbalizer, method)
            if one is not None:
                _dot(axes, one, row + _STEP * (at - (len(verbalizers) - 1) / 2), at)
    axes.set_title(sheet.shown(method))
    axes.set_xlabel("TL F1, per cent")
    axes.set_xlim(0, 100)
    axes.grid(axis="x", color=GREY, linewidth=0.4, alpha=0.6)
    axes.tick_params(axis="y", length=0)


def _dot(axes: Axes, one: Value, y: float, at: int) -> None:
    low, high = max(0.0, one.interval.low), min(1.0, one.interval.high)
    around = [[100 * (one.f1 - low)], [100 * (high - one.f1)]]
    axes.errorbar(
        100 * one.f1, y, xerr=around, fmt="o", color=COLOURS[at % len(COLOURS)],
        markersize=4, linewidth=1, clip_on=False, zorder=2,
    )  # fmt: skip


def _verbalizers(findings: Findings) -> Sequence[str]:
    return tuple(dict.fromkeys(value.verbalizer for value in findings.values))


def _row(findings: Findings) -> Any:
    def row(one: Value) -> tuple[object, ...]:
        ends = (round(one.interval.low, 6), round(one.interval.high, 6))
        common = round(findings.common[one.dataset], 6)
        return (
            one.dataset, one.method, one.verbalizer, round(one.f1, 6), *ends,
            round(one.macro, 6), common, one.runs,
        )  # fmt: skip

    return row
