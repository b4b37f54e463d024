"""`pointline compare`: two systems on the same records, with tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from pointline.app import cli_data, show
from pointline.app.options import (
    Completions,
    Json,
    Match,
    Missing,
    Protocol,
    TaskName,
    print_json,
    task_of,
)
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task

if TYPE_CHECKING:
    from pointline.score.comparison import Comparison
    from pointline.score.difference import Difference

__all__ = ["compare"]

#: What fits 80 columns; `--json` has the rest.
_HEADERS = ("", "A", "B", "B - A", "interval", "p", "Holm", "verdict")
_PREDICTIONS = "predictions.jsonl"


def compare(
    first: Annotated[Path, typer.Argument(help="Predictions, a run's folder, or one of runs.")],
    second: Annotated[Path, typer.Argument(help="The same, of the other system.")],
    gold: Annotated[
        Path, typer.Option(help="Records, a dataset folder (its test split), or its parent.")
    ],
    protocol: Protocol = "pointline",
    match: Match = "string",
    completions: Completions = "raw",
    missing: Missing = "error",
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of each test.")] = 10_000,
    alpha: Annotated[float, typer.Option(help="The corrected p that counts as evidence.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Seed of the resamples.")] = 0,
    task: TaskName = None,
    json: Json = False,
) -> None:
    """Tell whether B is better than A: differences, intervals, tests, a verdict for each task.

    A folder whose folders hold predictions.jsonl is a system with several runs (seeds). With a
    folder of datasets as gold, A and B hold a folder for each dataset, under the same names.

    Example: pointline compare runs/plain runs/joint --gold data/scnm-ja
    """
    from pointline.score import comparison

    asked = _asked(gold, first, second)
    known = asked.tasks | ({told.name: told for told in [task_of(task)]} if task else {})
    with show.progress("comparing"):
        found = comparison.compare(
            asked.gold, asked.first, asked.second, protocol=protocol, match=match,
            completions=completions, missing=missing, tasks=known, resamples=resamples,
            alpha=alpha, seed=seed,
        )  # fmt: skip
    print_json(found.to_dict()) if json else _show(found)


class _Asked(NamedTuple):
    gold: _Files
    first: list[_Files]
    second: list[_Files]
    tasks: dict[str, Task]


@dataclass(frozen=True, slots=True)
class _Files:
    """The records of one file after the other, read anew each time they are asked for."""

    paths: tuple[Path, ...]

    def __iter__(self) -> Iterator[Record]:
        from pointline.corpus import store

        return chain.from_iterable(map(store.iter_records, self.paths))


def _asked(gold: Path, first: Path, second: Path) -> _Asked:
    """Return what is compared: one file or dataset folder, or a folder of those, name by name."""
    inner = sorted(path.parent.name for path in gold.glob("*/test.jsonl"))
    if not inner or (gold / "test.jsonl").is_file():
        names = [""]
    else:
        names = _names(inner, gold, (first, second))
    tasks: dict[str, Task] = {}
    files = []
    for name in names:
        file, known = cli_data.gold_file(gold / name)
        files.append(file)
        tasks |= known
    return _Asked(_Files(tuple(files)), _runs(first, names), _runs(second, names), tasks)


def _names(inner: Sequence[str], gold: Path, sides: Sequence[Path]) -> list[str]:
    """Return the datasets in `gold` that both sides have a folder for; the same ones."""
    first, second = ([name for name in inner if (side / name).is_dir()] for side in sides)
    if first != second or not first:
        apart = ", ".join(sorted({*first} ^ {*second})) or "no dataset"
        raise InputError(
            f"{sides[0]} and {sides[1]} do not hold the same datasets of {gold}: see {apart}"
        )
    return first


def _runs(side: Path, names: Sequence[str]) -> list[_Files]:
    """Return a system's runs, each of one file for each dataset."""
    found = [_predictions(side / name) for name in names]
    if len({len(files) for files in found}) > 1:
        raise InputError(f"{side}: not as many runs on one dataset as on another")
    return [_Files(files) for files in zip(*found, strict=True)]


def _predictions(path: Path) -> list[Path]:
    """Return the files of predictions that a path stands for: one, or one for each run."""
    if path.is_file():
        return [path]
    if (path / _PREDICTIONS).is_file():
        return [path / _PREDICTIONS]
    found = sorted(path.glob(f"*/{_PREDICTIONS}"))
    if not found:
        raise InputError(f"{path}: neither predictions nor a folder with {_PREDICTIONS}")
    return found


def _show(found: Comparison) -> None:
    for name, part in {**found.tasks, "all records": found}.items():
        title = f"{name}: {part.records} records"
        if max(part.runs) > 1:
            title += f", {part.runs[0]} and {part.runs[1]} runs"
        rows = [_row(level.upper(), one) for level, one in part.levels.items()]
        show.put(show.table(_HEADERS, rows, title=title))
        if part.tl.discordant is not None:
            only = part.tl.discordant
            show.say(
                f"labels that only A has right: {only.first}, only B: {only.second};"
                f" McNemar's p {_p(only.p)}"
            )
    if found.tasks:
        told = found.signs
        show.say(
            f"of TL and WL of each task, B is better in {told.better}, worse in {told.worse},"
            f" equal in {told.equal}; sign test p {_p(told.p)}"
        )


def _row(name: str, one: Difference) -> tuple[str, ...]:
    percent = (f"{100 * value:.2f}" for value in (one.first, one.second))
    interval = f"[{100 * one.interval.low:+.2f}, {100 * one.interval.high:+.2f}]"
    tests = map(_p, (one.p, one.holm))
    return (name, *percent, f"{100 * one.value:+.2f}", interval, *tests, one.verdict.value)


def _p(value: float) -> str:
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"
