"""Figures of a study: the differences with their intervals, losses, gains by label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from pointline.corpus.canvas import COLOURS, INK, Drawn, Sheet, drawing, tint
from pointline.corpus.figures import short
from pointline.score.difference import Difference, Verdict
from pointline.study.condition import CONDITIONS
from pointline.study.findings import Finding, Findings
from pointline.study.plots import smoothed
from pointline.study.question import GOLD, QUESTIONS, Level, Question
from pointline.study.reporttables import CIRCULAR, PAPER, TOGETHER
from pointline.study.results import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["curves", "designs", "draw", "forest", "gains"]

_SURE = {Verdict.HELPS: COLOURS[0], Verdict.HURTS: COLOURS[1]}
_UNSURE = "#8A8A8A"
_POINTS = 60  # of a curve in a figure; the CSV has all
_LABELS = 8  # labels of a sub-dataset in a figure; the table has all
_TITLES = {
    GOLD[0]: "Items' F1: what the gold label adds",
    GOLD[1]: "Label's F1: what the gold items add",
}


def draw(study: Study, found: Findings, out: Path) -> dict[str, Drawn]:
    """Draw all figures that there is something for; return them by name."""
    made = {"forest": forest(found, out / "forest")}
    if any(question not in GOLD for question in found.found):
        made["designs"] = designs(found, out / "designs")
    if any(run.curve for run in study.finished.values()):
        made["curves"] = curves(study, out / "curves")
    for level, name in _GAINS.items():
        if found.of(level):
            made[name] = gains(found, level, out / name)
    return made


_GAINS: Mapping[Level, str] = {"wl": "gains-items", "tl": "gains-text"}


# ---------------------------------------------------------------- forests


class _Line(NamedTuple):
    """A line of a forest: its name, its difference if there is one, and what the paper prints."""

    name: str
    one: Difference | None = None
    published: float | None = None
    whole: bool = False


def forest(found: Findings, stem: str | Path) -> Drawn:
    """Draw the paper's two questions side by side, each sorted by the size of the difference."""
    asked = [question for question in GOLD if question in found.found]
    panels = {question: _lines(found, question, ordered=True) for question in asked}
    height = 1.5 + 0.26 * max(map(len, panels.values()))
    size = (5.2 * len(asked), height)
    with drawing(Path(stem), size, header=_HEADER, rows=_rows(found, asked)) as sheet:
        for axes, (question, lines) in zip(
            _axes(sheet, 1, len(asked)), panels.items(), strict=True
        ):
            _panel(sheet, axes, lines, found.alpha, edge=_edge(lines))
            axes.set_title(_TITLES[question])
            axes.set_xlabel("difference in F1, points")
        sheet.figure.legend(handles=_legend(found), loc="outside lower center", ncols=3)
    return sheet.drawn()


def designs(found: Findings, stem: str | Path) -> Drawn:
    """Draw the designs beside the paper's, all sub-datasets in one order, a row each level."""
    asked = [question for question in QUESTIONS if question in found.found]
    levels = list(dict.fromkeys(question.level for question in asked))
    columns = max(sum(q.level == level for q in asked) for level in levels)
    size = (2.3 + 2.6 * columns, len(levels) * (0.9 + 0.22 * len(found.subsets)) + 0.5)
    with drawing(Path(stem), size, header=_HEADER, rows=_rows(found, asked)) as sheet:
        grid = list(_axes(sheet, len(levels), columns))
        for at, level in enumerate(levels):
            some = [question for question in asked if question.level == level]
            edge = max(_edge(_lines(found, question)) for question in some)
            for place, axes in enumerate(grid[at * columns : (at + 1) * columns]):
                if place >= len(some):
                    axes.set_visible(False)
                    continue
                lines = _lines(found, some[place])
                _panel(sheet, axes, lines, found.alpha, edge=edge, named=place == 0)
                axes.set_title(some[place].name, fontsize=9)
        sheet.figure.supxlabel("difference in F1, points", fontsize=9)
    return sheet.drawn()


_HEADER = (
    "question", "sub-dataset", "circular", "without", "with", "difference", "low", "high", "p",
    "holm", "benjamini_hochberg", "verdict", "runs", "mmm_difference",
)  # fmt: skip


def _rows(found: Findings, asked: Sequence[Question]) -> Iterator[tuple[object, ...]]:
    for question in asked:
        for name, one in found.found[question].items():
            subset, told = found.subsets[name], one.difference
            numbers = (
                told.first, told.second, told.value, told.interval.low, told.interval.high,
                told.p, told.holm, told.benjamini_hochberg,
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
        shown = f"{name} {CIRCULAR}" if subset.circular else name
        printed = subset.published(question.level) if question in GOLD else None
        one = answers[name].difference if name in answers else None
        lines.append(_Line(shown, one, printed))
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
    return _SURE[Verdict.HELPS if one.value > 0 else Verdict.HURTS]


def _legend(found: Findings) -> list[Line2D]:
    from matplotlib.lines import Line2D

    def sign(name: str, colour: str, face: str, mark: str = "o") -> Line2D:
        return Line2D(
            [], [], color=colour, marker=mark, markerfacecolor=face, markeredgewidth=1.4,
            markersize=6, linewidth=1.1, label=name,
        )  # fmt: skip

    blue, orange = _SURE.values()
    signs = [
        sign("helps, after correction", blue, blue),
        sign("helps, before correction only", blue, "white"),
        sign("hurts, after correction", orange, orange),
        sign("hurts, before correction only", orange, "white"),
        sign("no evidence", _UNSURE, "white"),
        Line2D([], [], color=INK, alpha=0.55, marker="|", linestyle="", label=f"{PAPER} prints"),
    ]
    several = any(len(one.seeds) > 1 for some in found.found.values() for one in some.values())
    if several:
        thick = Line2D([], [], color=_UNSURE, alpha=0.45, linewidth=3.4)
        thick.set_label("of the interval, due to records alone")
        signs.append(thick)
    return signs


# ---------------------------------------------------------------- losses


def curves(study: Study, stem: str | Path) -> Drawn:
    """Draw the loss over the steps: a panel a sub-dataset, the mean of runs and their range."""
    names = [name for name in study.datasets if any(_losses(study, name, c) for c in CONDITIONS)]
    told = {name: {c: _band(_losses(study, name, c)) for c in CONDITIONS} for name in names}
    rows = [
        (name, condition, step, *(f"{value:.6f}" for value in band), runs)
        for name, bands in told.items()
        for condition, (runs, points) in bands.items()
        for step, *band in points
    ]
    header = ("sub-dataset", "condition", "step", "mean", "low", "high", "runs")
    columns = min(3, len(names))
    size = (3.5 * columns, 2.3 * math.ceil(len(names) / columns) + 0.6)
    with drawing(Path(stem), size, header=header, rows=rows) as sheet:
        lines: dict[str, object] = {}
        panels = list(_axes(sheet, math.ceil(len(names) / columns), columns))
        for axes, name in zip(panels, names, strict=False):
            lines |= _losses_of(axes, told[name])
            axes.set_title(sheet.shown(name), fontsize=9)
        for axes in panels[len(names) :]:
            axes.set_visible(False)
        sheet.figure.supxlabel("step", fontsize=9)
        sheet.figure.supylabel("loss, nats per completion token", fontsize=9)
        sheet.figure.legend(list(lines.values()), list(lines), loc="outside upper center", ncols=3)  # type: ignore[call-overload]
    return sheet.drawn()


_Band = tuple[int, list[tuple[int, float, float, float]]]


def _losses(study: Study, name: str, condition: str) -> list[dict[int, float]]:
    """Return each run's smoothed loss by step."""
    found = []
    for run in study.runs(name, condition):
        points = [(int(row["step"]), row["loss"]) for row in run.curve if "loss" in row]
        if points:
            steps, losses = zip(*points, strict=True)
            found.append(dict(zip(steps, smoothed(losses), strict=True)))
    return found


def _band(runs: Sequence[Mapping[int, float]]) -> _Band:
    """Return mean, lowest and highest at the steps that all runs have."""
    steps = sorted(set.intersection(*(set(run) for run in runs))) if runs else []
    points = [(step, [run[step] for run in runs]) for step in steps]
    return len(runs), [(step, fmean(some), min(some), max(some)) for step, some in points]


def _losses_of(axes: Axes, bands: Mapping[str, _Band]) -> dict[str, object]:
    lines: dict[str, object] = {}
    for at, (condition, (runs, points)) in enumerate(bands.items()):
        if not points:
            continue
        shown = points[:: math.ceil(len(points) / _POINTS)]
        steps, mean, low, high = zip(*shown, points[-1], strict=True)
        colour = COLOURS[at % len(COLOURS)]
        [lines[condition]] = axes.plot(steps, mean, color=colour, linewidth=1.3)
        if runs > 1:
            axes.fill_between(steps, low, high, color=tint(colour, 0.6), alpha=0.35, linewidth=0)
    axes.set_ylim(0, None)
    axes.grid(axis="y", color="#E5E5E5")
    return lines


# ---------------------------------------------------------------- labels


def gains(found: Findings, level: Level, stem: str | Path) -> Drawn:
    """Draw what each label's F1 gained, a panel a sub-dataset, its most frequent labels."""
    answers = found.of(level)
    rows = [
        (name, label, without.gold, f"{without.f1:.6f}", f"{given.f1:.6f}")
        for name, one in answers.items()
        for label, (without, given) in one.labels.items()
    ]
    header = ("sub-dataset", "label", "in gold, all runs", "without", "with")
    columns = min(3, len(answers))
    rooms = [
        max(min(_LABELS, len(one.labels)) for one in some)
        for some in _in_rows(list(answers.values()), columns)
    ]
    size = (3.7 * columns, 0.6 + sum(0.6 + 0.21 * room for room in rooms))
    with drawing(Path(stem), size, header=header, rows=rows) as sheet:
        heights = [0.5 + 0.21 * room for room in rooms]
        panels = list(_axes(sheet, len(rooms), columns, heights=heights))
        for at, (axes, one) in enumerate(zip(panels, answers.values(), strict=False)):
            _gains_of(sheet, axes, one, room=rooms[at // columns])
        for axes in panels[len(answers) :]:
            axes.set_visible(False)
        sheet.figure.supxlabel("difference in the label's F1, points", fontsize=9)
    return sheet.drawn()


def _in_rows(some: Sequence[Finding], columns: int) -> Iterator[Sequence[Finding]]:
    for at in range(0, len(some), columns):
        yield some[at : at + columns]


def _gains_of(sheet: Sheet, axes: Axes, one: Finding, *, room: int) -> None:
    labels = list(one.labels.items())[:_LABELS]
    values = [100 * (given.f1 - without.f1) for _, (without, given) in labels]
    runs = len(one.seeds)
    colours = [_SURE[Verdict.HELPS if value > 0 else Verdict.HURTS] for value in values]
    axes.barh(range(len(labels)), values, color=[tint(c, 0.75) for c in colours], height=0.72)
    names = [
        f"{sheet.shown(short(label, 20))}  {without.gold // runs:,}"
        for label, (without, _) in labels
    ]
    axes.set_yticks(range(len(labels)), names, fontsize=8)
    axes.axvline(0, color=INK, linewidth=0.8)
    edge = 1.1 * max(1.0, *map(abs, values))
    axes.set(xlim=(-edge, edge), ylim=(room - 0.4, -0.6))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x", color="#E5E5E5")
    axes.set_axisbelow(True)
    axes.set_title(sheet.shown(one.dataset), fontsize=9)


def _axes(
    sheet: Sheet, rows: int, columns: int, *, heights: Sequence[float] | None = None
) -> Iterator[Axes]:
    grid = sheet.figure.subplots(rows, columns, squeeze=False, height_ratios=heights)
    yield from grid.ravel()
