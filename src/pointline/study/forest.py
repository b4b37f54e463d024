"""Forest plots of a study: each difference with its interval, and what the paper prints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pointline.corpus.canvas import COLOURS, INK, Drawn, Sheet, drawing
from pointline.score.difference import Difference, Verdict
from pointline.study.cells import PAPER, TOGETHER, named
from pointline.study.findings import Findings
from pointline.study.question import GOLD, QUESTIONS, Question
from pointline.study.question import asked as question_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["SURE", "designs", "forest", "panels"]

#: The colours of what helps and what hurts.
SURE = {Verdict.HELPS: COLOURS[0], Verdict.HURTS: COLOURS[1]}
_UNSURE = "#8A8A8A"
_TITLES = {
    GOLD[0]: "Items' F1: what the gold label adds",
    GOLD[1]: "Label's F1: what the gold items add",
}


class _Line(NamedTuple):
    """A line of a forest: its name, its difference if there is one, and what the paper prints."""

    name: str
    one: Difference | None = None
    published: float | None = None
    whole: bool = False


def forest(found: Findings, stem: str | Path) -> Drawn:
    """Draw the paper's two questions side by side, each sorted by the size of the difference."""
    asked = [question for question in GOLD if question in found.found]
    drawn = [(question, _lines(found, question, ordered=True)) for question in asked]
    size = (max(6.6, 5.2 * len(asked)), 1.6 + 0.26 * max(len(lines) for _, lines in drawn))
    with drawing(Path(stem), size, header=_HEADER, rows=_rows(found, asked)) as sheet:
        for axes, (question, lines) in zip(panels(sheet, 1, len(asked)), drawn, strict=True):
            _panel(sheet, axes, lines, found.alpha, edge=_edge(lines))
            axes.set_title(_TITLES[question])
            axes.set_xlabel("difference in F1, points")
        signs = _legend(axes, found)
        sheet.figure.legend(handles=signs, loc="outside lower center", ncols=1 + len(asked))
    return sheet.drawn()


def designs(found: Findings, stem: str | Path) -> Drawn:
    """Draw the designs beside the paper's, all sub-datasets in one order, a row each level."""
    asked = [question for question in QUESTIONS if question in found.found]
    levels = list(dict.fromkeys(question.level for question in asked))
    columns = list(dict.fromkeys(question.design for question in asked))
    size = (2.3 + 2.6 * len(columns), len(levels) * (0.9 + 0.22 * len(found.subsets)) + 0.5)
    with drawing(Path(stem), size, header=_HEADER, rows=_rows(found, asked)) as sheet:
        grid = panels(sheet, len(levels), len(columns))
        for level in levels:
            some = {one.design: _lines(found, one) for one in asked if one.level == level}
            edge = max(map(_edge, some.values()))
            for design, axes in zip(columns, grid, strict=False):
                if design not in some:
                    axes.set_visible(False)
                    continue
                first = design == next(iter(some))
                _panel(sheet, axes, some[design], found.alpha, edge=edge, named=first)
                axes.set_title(question_of(level, design).name, fontsize=9)
        sheet.figure.supxlabel("difference in F1, points", fontsize=9)
    return sheet.drawn()


_HEADER = (
    "question", "sub-dataset", "circular", "without", "with", "difference", "low", "high", "p",
    "p_alone", "holm", "benjamini_hochberg", "verdict", "runs", "mmm_difference",
)  # fmt: skip


def _rows(found: Findings, asked: Sequence[Question]) -> Iterator[tuple[object, ...]]:
    for question in asked:
        for name, one in found.found[question].items():
            subset, told = found.subsets[name], one.difference
            numbers = (
                told.first, told.second, told.value, told.interval.low, told.interval.high,
                told.p, told.p if told.alone is None else told.alone,
                told.holm, told.benjamini_hochberg,
            )  # fmt: skip
            printed = subset.published(question.level) if question in GOLD else None
            yield (
                question.name, name, subset.circular, *(f"{value:.6f}" for value in numbers),
                str(told.verdict), len(one.seeds), "" if printed is None else f"{printed:.4f}",
            )  # fmt: skip


def _lines(found: Findings, question: Question, *, ordered: bool = False) -> list[_Line]:
    answers = found.found[question]
    lines = []
    for name, subset in found.subsets.items():
        printed = subset.published(question.level) if question in GOLD else None
        one = answers[name].difference if name in answers else None
        lines.append(_Line(named(subset), one, printed))
    if ordered:
        lines = sorted((line for line in lines if line.one), key=_order)
        if question in found.together:
            lines.append(_Line(TOGETHER, found.together[question], whole=True))
    return lines


def _order(line: _Line) -> tuple[float, str]:
    return (0.0 if line.one is None else -line.one.value, line.name)


def _panel(
    sheet: Sheet,
    axes: Axes,
    lines: Sequence[_Line],
    alpha: float,
    *,
    edge: float,
    named: bool = True,
) -> None:
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    for at, line in enumerate(lines):
        if line.one is not None:
            _interval(axes, at, line, edge, alpha)
        if line.published is not None:
            axes.plot(100 * line.published, at, "|", color=INK, markersize=8, alpha=0.55, zorder=2)
    names = [sheet.shown(line.name) for line in lines] if named else []
    axes.set_yticks(range(len(lines)), names or [""] * len(lines))
    axes.set(xlim=(-edge, edge), ylim=(len(lines) - 0.5, -0.5))
    axes.grid(axis="x", color="#E5E5E5")
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _edge(lines: Sequence[_Line]) -> float:
    """Return how far a panel reaches on either side: all differences, most of the intervals."""
    told = [line.one for line in lines if line.one is not None]
    printed = [abs(100 * line.published) for line in lines if line.published is not None]
    ends = sorted(100 * max(-one.interval.low, one.interval.high) for one in told)
    values = [abs(100 * one.value) for one in told]
    most = ends[math.ceil(0.8 * len(ends)) - 1] if ends else 1.0
    return 1.08 * max(1.0, most, *values, *printed)


def _interval(axes: Axes, at: int, line: _Line, edge: float, alpha: float) -> None:
    """Draw a difference: thin its interval, thick the part of it that is due to the records."""
    one = line.one
    if one is None:
        return
    low, high, value = (100 * v for v in (one.interval.low, one.interval.high, one.value))
    colour = _colour(one, alpha)
    axes.hlines(at, max(low, -edge), min(high, edge), color=colour, linewidth=1.1, zorder=3)
    if one.spread is not None:
        half = 196 * math.sqrt(one.spread.records)
        ends = max(value - half, -edge), min(value + half, edge)
        axes.hlines(at, *ends, color=colour, linewidth=3.4, alpha=0.45, zorder=3)
    for end, sign, mark in ((low, -1, "<"), (high, 1, ">")):
        if sign * end > edge:
            axes.plot(sign * edge, at, mark, color=colour, markersize=4, clip_on=False, zorder=3)
    sure = one.verdict is not Verdict.NO_EVIDENCE
    axes.plot(
        value, at, "D" if line.whole else "o", markersize=6, zorder=4, markeredgecolor=colour,
        markerfacecolor=colour if sure else "white", markeredgewidth=1.4,
    )  # fmt: skip


def _colour(one: Difference, alpha: float) -> str:
    """Return blue or orange where p itself is below alpha, corrected or not; grey otherwise."""
    if one.p >= alpha or one.value == 0:
        return _UNSURE
    return SURE[Verdict.HELPS if one.value > 0 else Verdict.HURTS]


def _legend(axes: Axes, found: Findings) -> list[Line2D]:
    """Return what the legend explains: signs of the panels, drawn outside of them."""

    def sign(name: str, colour: str, face: str) -> Line2D:
        [made] = axes.plot(
            [], [], color=colour, marker="o", markerfacecolor=face, markeredgewidth=1.4,
            markersize=6, linewidth=1.1, label=name,
        )  # fmt: skip
        return made

    blue, orange = SURE.values()
    signs = [
        sign("helps, after correction", blue, blue),
        sign("helps, before correction only", blue, "white"),
        sign("hurts, after correction", orange, orange),
        sign("hurts, before correction only", orange, "white"),
        sign("no evidence", _UNSURE, "white"),
        *axes.plot([], [], "|", color=INK, alpha=0.55, label=f"{PAPER} prints"),
    ]
    if any(len(one.seeds) > 1 for some in found.found.values() for one in some.values()):
        told = "of the interval, due to records alone"
        signs += axes.plot([], [], color=_UNSURE, alpha=0.45, linewidth=3.4, label=told)
    return signs


def panels(
    sheet: Sheet, rows: int, columns: int, *, heights: Sequence[float] | None = None
) -> Iterator[Axes]:
    """Yield the axes of a grid, row by row."""
    grid = sheet.figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    yield from grid.ravel()
