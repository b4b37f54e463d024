"""The command line: what is typed and what is printed. The work is done in the rooms below."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pointline.app import (
    cli_batch,
    cli_bench,
    cli_compare,
    cli_data,
    cli_extract,
    cli_model,
    cli_predict,
    cli_review,
    cli_serve,
    cli_study,
    cli_train,
    cli_translate,
    show,
)
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
from pointline.errors import InputError, PointlineError
from pointline.format import tasks as tasks_table
from pointline.format.tasks import Task
from pointline.version import __version__

if TYPE_CHECKING:
    from pointline.score.report import Draws, Report

__all__ = ["app", "main"]

_PROBLEMS = 20  # that are printed of an error which lists them

app = typer.Typer(
    name="pointline",
    help="Joint text-level and word-level information extraction in English, Japanese, Chinese.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(cli_extract.demo)
app.command()(cli_extract.extract)


def main() -> None:
    """Run the command line: exit 0 done, 1 a check did not hold, 2 bad input in one line."""
    try:
        app()
    except PointlineError as error:
        _fail(str(error), getattr(error, "problems", ()))
    except BrokenPipeError:
        _leave()
    except OSError as error:
        _fail(f"{error.filename or 'the system'}: {error.strerror}")


def _fail(message: str, problems: Sequence[str] = ()) -> NoReturn:
    try:
        typer.echo(f"error: {message}", err=True)
        for problem in problems[:_PROBLEMS] if len(problems) > 1 else ():
            typer.echo(f"  {problem}", err=True)
        if len(problems) > _PROBLEMS:
            typer.echo(f"  ... and {len(problems) - _PROBLEMS} more", err=True)
    except BrokenPipeError:
        _leave(2)
    sys.exit(2)


def _leave(code: int = 0) -> NoReturn:
    """Exit after the reader of a pipe left: nothing more can be said, and nothing is wrong."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"pointline {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def tasks(
    name: Annotated[
        str | None, typer.Argument(help="One task, or a dataset folder.", show_default=False)
    ] = None,
    family: Annotated[str | None, typer.Option(help="Only this family, e.g. scnm.")] = None,
    lang: Annotated[str | None, typer.Option(help="Only this language: en, ja or zh.")] = None,
    json: Json = False,
) -> None:
    """List the tasks: their task words, label sets and the shape of their items.

    Example: pointline tasks --lang ja
    """
    if name and (family or lang):
        raise InputError("one task has its family and language: give its name alone")
    found = (task_of(name),) if name else tasks_table.tasks(family=family, lang=lang)
    if not found:
        raise InputError(f"no task of family {family or 'any'} in language {lang or 'any'}")
    if json:
        print_json([task.to_dict() for task in found])
        return
    headers = ("task", "task word", "items", "labels", "item labels")
    show.put(show.table(headers, [_task_row(task) for task in found]))


def _task_row(task: Task) -> tuple[str, ...]:
    label_sets = (", ".join(labels or ("open",)) for labels in (task.labels, task.item_labels))
    return (task.name, task.word, task.shape, *label_sets)


@app.command()
def score(
    gold: Annotated[Path, typer.Argument(help="Records, or a dataset folder (its test split).")],
    predicted: Annotated[Path, typer.Argument(help="Predictions, or the folder of a run.")],
    protocol: Protocol = "pointline",
    match: Match = "string",
    completions: Completions = "raw",
    missing: Missing = "error",
    draws: Annotated[
        int, typer.Option(min=0, help="Average so many draws, as the papers do (theirs: 3).")
    ] = 0,
    size: Annotated[int, typer.Option(min=1, help="Records in a draw.")] = 1000,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the draws and the bootstrap.")] = 0,
    task: TaskName = None,
    labels: Annotated[bool, typer.Option("--labels", help="Also show each label.")] = False,
    json: Json = False,
) -> None:
    """Score predictions against gold: TL, WL, ALL with 95 % intervals (docs/scoring.md).

    Example: pointline score data/scnm-ja runs/ja --protocol paper --draws 3
    """
    from pointline.corpus import store
    from pointline.score import match as scoring

    gold_file, known = cli_data.gold_file(gold)
    known |= {told.name: told for told in [task_of(task)]} if task else {}
    made = predicted / "predictions.jsonl" if predicted.is_dir() else predicted
    sides = store.iter_records(gold_file), store.iter_records(made)
    if draws:
        drawn = scoring.draws(
            *sides, draws=draws, size=size, seed=seed, protocol=protocol, match=match,
            completions=completions, missing=missing, tasks=known,
        )  # fmt: skip
        print_json(drawn.to_dict()) if json else _show_draws(drawn)
        return
    report = scoring.score(
        *sides, protocol=protocol, match=match, completions=completions, missing=missing,
        tasks=known, resamples=resamples, seed=seed,
    )  # fmt: skip
    print_json(report.to_dict()) if json else _show_report(report, labels=labels)


def _show_draws(drawn: Draws) -> None:
    rows = [
        (name, *(f"{100 * value:.2f}" for value in (mean.tl_f1, mean.wl_f1, mean.all)))
        for name, mean in {**drawn.tasks, "all records": drawn}.items()
    ]
    show.put(show.table(("mean of draws", "TL", "WL", "ALL"), rows))


def _show_report(report: Report, *, labels: bool) -> None:
    from pointline.score import tables

    made = [tables.summary(report), tables.conditions(report)]
    made += [tables.by_task(report)] if report.tasks else []
    for table in made:
        show.put(show.table(table.headers, table.rows))
    if labels:
        for title, table in (
            ("text labels", tables.by_label(report, "tl")),
            ("item labels", tables.by_label(report, "wl")),
        ):
            show.put(show.table(table.headers, table.rows, title=title))


app.command()(cli_compare.compare)
app.command()(cli_train.train)
app.command()(cli_predict.predict)
app.command()(cli_batch.batch)
app.command()(cli_review.review)
app.command()(cli_serve.serve)
app.add_typer(cli_bench.app, name="bench")
app.add_typer(cli_data.app, name="data")
app.add_typer(cli_model.app, name="model")
app.add_typer(cli_study.app, name="study")
app.add_typer(cli_translate.app, name="translate")
