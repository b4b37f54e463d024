"""`pointline predict`: records into a run folder, by a model here or behind an address."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import cli_data, cli_extract, show
from pointline.app.options import (
    AdapterName,
    Align,
    BatchSize,
    Device,
    Dtype,
    Free,
    Json,
    Long,
    ModelName,
    NewTokens,
    Precision,
    TaskName,
    print_json,
    task_of,
)
from pointline.app.server_options import (
    Attempts,
    Budget,
    BudgetTokens,
    Concurrency,
    GrammarKind,
    PerMinute,
    PriceIn,
    PriceOut,
    Timeout,
    server_option,
)
from pointline.errors import BudgetSpent, InputError
from pointline.format.record import Record
from pointline.format.tasks import Task

if TYPE_CHECKING:
    from pointline.model.chat.limits import Limits
    from pointline.model.chat.server import Grammar
    from pointline.model.extract import Extractor, Options
    from pointline.model.predict import Run
    from pointline.score.report import Report

__all__ = ["predict"]

Records = Annotated[Path, typer.Argument(help="Records, or a dataset folder (its test split).")]
Out = Annotated[Path, typer.Option(help="The run folder; run again to go on.")]
OneShot = Annotated[
    Path | None,
    typer.Option(
        help="Show the first record of this file before every text; none for none. A chat model is"
        " shown one of the training split if absent.",
        show_default=False,
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many records.")]
Repair = Annotated[
    bool,
    server_option("Repair answers that are not in the format; else they say nothing.", "--repair"),
]


def predict(
    records: Records,
    out: Out,
    task: TaskName = None,
    model: ModelName = None,
    adapter: AdapterName = None,
    free: Free = False,
    one_shot: OneShot = None,
    align: Align = "words",
    long: Long = "split",
    batch_size: BatchSize = 8,
    device: Device = None,
    dtype: Dtype = "float32",
    precision: Precision = "float32",
    max_new_tokens: NewTokens = 512,
    limit: Limit = None,
    grammar: GrammarKind = "auto",
    repair: Repair = False,
    concurrency: Concurrency = 8,
    per_minute: PerMinute = None,
    timeout: Timeout = 120.0,
    attempts: Attempts = 6,
    budget_tokens: BudgetTokens = None,
    budget: Budget = None,
    price_in: PriceIn = 0.0,
    price_out: PriceOut = 0.0,
    json: Json = False,
) -> None:
    """Predict a file of records into a run folder, and score it where it has gold labels.

    A key is read from OPENAI_API_KEY. Exits 1 where a budget stopped it: a larger one goes on.

    Examples:

    pointline predict data/scnm-ja --model openai:NAME --budget-tokens 1000000 --out runs/gpt
    """
    from pointline.model.chat.limits import Limits
    from pointline.model.extract import Options

    limits = Limits(
        concurrency=concurrency, per_minute=per_minute, timeout=timeout, attempts=attempts,
        budget_tokens=budget_tokens, budget=budget, price_in=price_in, price_out=price_out,
    )  # fmt: skip
    given = _given(records, limit)
    served = cli_extract.is_served(model)
    chosen = _chosen(task, given, trained=not served and bool(model or adapter))
    options = Options(
        constrained=not free, align=align, long=long, max_new_tokens=max_new_tokens,
        example=_example(one_shot, given, chosen, served=served),
    )  # fmt: skip
    if served:
        extractor = _behind(str(model), adapter, device, options, limits, grammar, repair=repair)
    else:
        _refuse(limits, repair=repair)
        extractor = cli_extract.load(model, adapter, options, device=device, dtype=dtype,
                                     precision=precision, grammar=grammar)  # fmt: skip
    meant = extractor.task(chosen) if isinstance(chosen, str) else chosen
    done = _run(given, extractor, out, meant, batch_size)
    print_json(done.to_dict()) if json else _show(done)


@dataclass(frozen=True, slots=True)
class _Given:
    """The records asked about, where they came from, and the tasks that a manifest carries."""

    file: Path
    records: list[Record]
    known: dict[str, Task]
    training: Path | None


def _given(path: Path, limit: int | None) -> _Given:
    from pointline.corpus import store

    file, known = cli_data.gold_file(path)
    if not file.is_file():
        raise InputError(f"{file}: a stream is gone when a run goes on; name a file")
    training = path / "train.jsonl"
    return _Given(
        file, store.read_records(file)[:limit], known, training if training.is_file() else None
    )


def _behind(
    model: str,
    adapter: str | None,
    device: str | None,
    options: Options,
    limits: Limits,
    grammar: Grammar,
    *,
    repair: bool,
) -> Extractor:
    from pointline.model import openai

    reading: Literal["strict", "lenient"] = "lenient" if repair else "strict"
    return openai.behind(
        model, options, adapter=adapter, device=device, limits=limits, reading=reading,
        grammar=grammar,
    )  # fmt: skip


def _refuse(limits: Limits, *, repair: bool) -> None:
    """Raise InputError where something was asked that a model of this machine has not."""
    if repair or limits != type(limits)():
        raise InputError("--repair, a pace, a price or a budget is for a model behind an address")


def _run(given: _Given, extractor: Extractor, out: Path, task: Task | None, batch_size: int) -> Run:
    from pointline.corpus.manifest import sha256
    from pointline.model.predict import predict as run

    source: dict[str, Any] = {"source": given.file.name, "sha256": sha256(given.file)}
    try:
        with show.progress("predicting") as advance:
            return run(
                given.records, extractor, out, task=task, batch_size=batch_size,
                settings=source, progress=advance,
            )  # fmt: skip
    except BudgetSpent as error:
        show.say(f"stopped: {error}: run the same command again to go on", to=show.errors)
        raise typer.Exit(1) from None


def _show(done: Run) -> None:
    from pointline.model.chat.question import Usage

    made = f"{done.made} of {done.records} records in {done.seconds:.0f} s"
    show.say(f"{made} -> {done.folder}")
    if done.faults:
        rows = [(fault, f"{count:,}") for fault, count in done.faults.items()]
        show.put(show.table(("answers that say nothing", "records"), rows))
    _show_score(done.report)
    if done.repaired is not None:
        show.say("the same answers repaired:")
        _show_score(done.repaired)
    if used := done.account.get("usage"):
        show.say(show.usage(Usage(**used), done.account["cost"]))


def _show_score(report: Report | None) -> None:
    from pointline.score import tables

    if report is not None:
        table = tables.summary(report)
        show.put(show.table(table.headers, table.rows))


def _chosen(task: str | None, given: _Given, *, trained: bool) -> Task | str | None:
    """Return the task asked for; a name where a model that was trained on tasks may know it."""
    if task is not None:
        return task if trained and not Path(task).exists() else task_of(task)
    # the manifest's task goes before the table, if the records are of that task
    told = next(iter(given.known.values()), None)
    fits = told and all(record.task in ("", told.name) for record in given.records)
    return told if fits else None


def _example(
    file: Path | None, given: _Given, chosen: Task | str | None, *, served: bool
) -> Record | None:
    """Return the record to show; for a chat model, one of the training split if none is named."""
    from pointline.corpus import store
    from pointline.model.chat import prompt

    if str(file) == "none":
        return None
    if file is None:
        if not (served and given.training and isinstance(chosen, Task)):
            return None
        found = prompt.example_among(store.iter_records(given.training), chosen)
        shown = "no solved example" if found is None else f"{found.id} of {given.training}"
        show.say(f"shown before every text: {shown} (--one-shot names another)", to=show.errors)
        return found
    name = chosen.name if isinstance(chosen, Task) else chosen
    for record in store.iter_records(file):
        if name is None or record.task == name:
            return record
    raise InputError(f"{file}: no record of task {name or 'any'} to show")
