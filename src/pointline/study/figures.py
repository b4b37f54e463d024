"""The figures of a study: forest plots, losses, gains by label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pointline.corpus.canvas import COLOURS, INK, Drawn, Sheet, drawing, tint
from pointline.corpus.figures import short
from pointline.score.difference import Verdict
from pointline.study.condition import CONDITIONS
from pointline.study.findings import Finding, Findings
from pointline.study.forest import SURE, designs, forest, panels
from pointline.study.plots import smoothed
from pointline.study.question import GOLD, Level
from pointline.study.results import Study

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["curves", "draw", "gains"]

_POINTS = 60  # of a curve in a figure; the CSV has all
_LABELS = 8  # labels of a sub-dataset in a figure; the table has all


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
        grid = list(panels(sheet, math.ceil(len(names) / columns), columns))
        for axes, name in zip(grid, names, strict=False):
            lines |= _losses_of(axes, told[name])
            axes.set_title(sheet.shown(name), fontsize=9)
        for axes in grid[len(names) :]:
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
        grid = list(panels(sheet, len(rooms), columns, heights=heights))
        for at, (axes, one) in enumerate(zip(grid, answers.values(), strict=False)):
            _gains_of(sheet, axes, one, room=rooms[at // columns])
        for axes in grid[len(answers) :]:
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
    colours = [SURE[Verdict.HELPS if value > 0 else Verdict.HURTS] for value in values]
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
