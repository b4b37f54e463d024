"""A flow study set beside an ablation's report: one number a dataset on each side."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pointline.errors import InputError
from pointline.study.cells import CIRCULAR, TOGETHER
from pointline.study.flow.correlation import Correlation, correlate
from pointline.study.flow.result import FlowResult, read_flow
from pointline.study.flow.settings import Direction

__all__ = ["Number", "ablation_differences", "against", "flow_number"]

Number = Literal["ratio", "estimate", "knockout"]

_QUESTIONS: Mapping[Direction, str] = {
    "items-to-label": "items to label",
    "label-to-items": "label to items",
}


def against(
    folders: Sequence[Path],
    report: Path,
    *,
    number: Number = "ratio",
    circular: bool = False,
    seed: int = 0,
) -> Correlation:
    """Return how far flow orders the datasets as the ablation's differences do.

    `report` is the JSON of an ablation's report, or a CSV file, as `ablation_differences` reads it.
    Datasets whose label was made from their items are left out, as far as the report names them,
    unless `circular`.

    Raises InputError for studies of two directions, a dataset that two of them have, a report of
    another kind, or fewer than four datasets in common.
    """
    studies = [read_flow(folder) for folder in folders]
    directions = {study.config.direction for study in studies}
    if len(directions) != 1:
        raise InputError(f"flow studies of one direction are compared: got {sorted(directions)}")
    flow: dict[str, float] = {}
    for study in studies:
        for name, result in study.results.items():
            if name in flow:
                raise InputError(f"{study.folder}: {name!r} is in another of these studies too")
            flow[name] = flow_number(result, number)
    found = ablation_differences(report, directions.pop(), circular=circular)
    return correlate(flow, found, seed=seed)


def flow_number(result: FlowResult, number: Number) -> float:
    """Return one number for how strongly the information reaches the answer.

    "ratio" is the geometric mean over layers of S_pq over the null's; "estimate" the sum over
    layers of what cutting information -> target would add to the loss, in nats, to first order;
    "knockout" what cutting it in all layers adds, less what cutting random positions does.

    Raises InputError where knockouts are asked for and there are none.
    """
    if number == "ratio":
        alive = [float(value) for value in result.curves.ratio.middle[1] if value > 0]
        return exp(sum(map(log, alive)) / len(alive)) if alive else 0.0
    if number == "estimate":
        return float(result.curves.estimate.middle[1].sum())
    if result.knocked is None:
        raise InputError(f"{result.name}: no edges were cut: run the study with --knockout")
    return float(result.knocked.change[-1, 1] - result.knocked.change[-1, 3])


def ablation_differences(
    report: Path, direction: Direction, *, circular: bool = False
) -> dict[str, float]:
    """Return by dataset what showing the other level did to F1, in points.

    A CSV file has the columns `dataset` (or `sub-dataset`, as the tables of a report) and
    `difference`; where it has a column `question`, the rows of the direction's question are read
    (the `forest.csv` of a report, whose differences are of F1 in [0, 1]), else all.

    Raises InputError for a file that is no report, or that has a dataset twice.
    """
    try:
        if report.suffix == ".csv":
            rows = list(_of_csv(report, direction))
        else:
            rows = list(_of_findings(json.loads(report.read_text(encoding="utf-8")), direction))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{report}: no report of an ablation ({type(error).__name__}: {error}): give its JSON,"
            " or a CSV file with the columns dataset and difference"
        ) from None
    twice = [name for name, count in Counter(row.dataset for row in rows).items() if count > 1]
    if twice:
        raise InputError(
            f"{report}: {twice[0]!r} is in it more than once: give one row a dataset, or a column"
            f" question with {_QUESTIONS[direction]!r} in one of them"
        )
    return {row.dataset: row.difference for row in rows if circular or not row.circular}


class _Row(NamedTuple):
    dataset: str
    difference: float
    circular: bool


def _of_csv(report: Path, direction: Direction) -> Iterator[_Row]:
    with report.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        columns = reader.fieldnames or ()
        named = "dataset" if "dataset" in columns else "sub-dataset"
        times = 100 if "mmm_difference" in columns else 1
        for row in reader:
            if row.get("question", _QUESTIONS[direction]) != _QUESTIONS[direction]:
                continue
            name = row[named].strip().removesuffix(CIRCULAR).rstrip()
            circular = row[named].strip() != name or row.get("circular") == "True"
            if name != TOGETHER:
                difference = float(row["difference"].replace("\N{MINUS SIGN}", "-"))
                yield _Row(name, times * difference, circular)


def _of_findings(values: Mapping[str, Any], direction: Direction) -> Iterator[_Row]:
    datasets = values.get("datasets", {})
    for one in values["findings"]:
        if one["question"] == _QUESTIONS[direction]:
            circular = bool(datasets.get(one["dataset"], {}).get("circular"))
            yield _Row(one["dataset"], 100 * float(one["difference"]), circular)
