"""Figures of runs and studies: each as PNG and SVG, drawn from a CSV file that lies beside it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from pointline.corpus.canvas import COLOURS, GREY, drawing, tint
from pointline.errors import InputError

__all__ = ["smoothed", "training_curves"]


def training_curves(curves: str | Path) -> tuple[Path, Path]:
    """Draw loss and learning rate over the steps of a training; return the PNG and the SVG.

    `curves` is the `curves.csv` of a run folder; the figures are written beside it.

    Raises InputError for a file that is missing, has no steps or a row that is no numbers,
    MissingExtra without matplotlib.
    """
    path = Path(curves)
    steps, losses, rates = _columns(path, ("step", "loss", "rate"))
    with drawing(path.with_suffix(""), (7.0, 3.6)) as sheet:
        left = sheet.figure.add_subplot()
        left.plot(steps, losses, color=tint(COLOURS[0], 0.35), linewidth=1, label="loss of a step")
        left.plot(steps, smoothed(losses), color=COLOURS[0], label="loss, running mean")
        left.set(xlabel="step", ylabel="nats per completion token", ylim=(0, None))
        right = left.twinx()
        right.plot(steps, rates, color=GREY, linestyle="--", label="learning rate")
        right.set(ylabel="learning rate", ylim=(0, None))
        sheet.figure.legend(loc="outside upper center", ncols=3)
    return path.with_suffix(".png"), path.with_suffix(".svg")


def _columns(path: Path, names: tuple[str, ...]) -> list[list[float]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
    except OSError:
        raise InputError(f"{path}: there is no such file; a training writes curves.csv") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file: {error}") from None
    if not rows or not set(names) <= set(rows[0][1]):
        raise InputError(f"{path}: no rows with the columns {', '.join(names)}")
    return [[_number(row[name], f"{path}:{line}", name) for line, row in rows] for name in names]


def _number(value: str | None, place: str, name: str) -> float:
    try:
        return float(value or "")
    except ValueError:
        raise InputError(
            f"{place}: the {name} is {value!r}, not a number: remove the line, or write it whole"
        ) from None


def smoothed(values: Sequence[float], share: float = 0.1) -> list[float]:
    """Return the exponential running mean, in which a value weighs `share`."""
    kept, out = values[0], []
    for value in values:
        kept += share * (value - kept)
        out.append(kept)
    return out
