"""`pointline data`: build datasets from raw corpora, check them, describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, TaskName, print_json, task_of
from pointline.errors import InputError
from pointline.format.tasks import Task

__all__ = ["app", "gold_file"]

app = typer.Typer(help="Build, check and describe datasets.", no_args_is_help=True)


def gold_file(path: Path) -> tuple[Path, dict[str, Task]]:
    """Return the file of gold records, and the task of the manifest beside it, by its name.

    A dataset folder stands for its test split.
    """
    from pointline.corpus import manifest

    file = path / "test.jsonl" if path.is_dir() else path
    if not file.exists():
        raise InputError(f"{file}: there is no such file")
    told = manifest.task_beside(file)
    return file, {} if told is None else {told.name: told}


@app.command()
def build(
    names: Annotated[list[str], typer.Argument(help="Tasks to build, e.g. scnm-ja.")],
    raw: Annotated[Path, typer.Option(help="The folder of raw corpora.")],
    out: Annotated[Path, typer.Option(help="Where the dataset folders go.")],
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    train: Annotated[
        int | None, typer.Option(min=1, help="Training records; the papers' size if absent.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Build anew what is there, or stands in the way.")
    ] = False,
    json: Json = False,
) -> None:
    """Build datasets from raw corpora: a folder each, split by document, with its manifest.

    Example: pointline data build scnm-en scnm-ja --raw corpora --out data
    """
    from pointline.corpus import build as building

    with show.progress("building") as advance:
        built = building.build(
            names, raw, out, seed=seed, train=train, replace=replace, progress=advance
        )
    if json:
        print_json({name: dataset.manifest for name, dataset in built.items()})
        return
    rows = [
        (name, *(str(len(split)) for split in (found.train, found.dev, found.test)))
        for name, found in built.items()
    ]
    show.output.print(show.table(("dataset", "train", "dev", "test"), rows))


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A file of records or a dataset folder.")],
    task: TaskName = None,
    limit: Annotated[int, typer.Option(min=1, help="Problems to print.")] = 100,
    json: Json = False,
) -> None:
    """Report every bad line with its file and line number; exit 1 if there is one.

    Example: pointline data check data/scnm-ja
    """
    from pointline.corpus.check import check as find

    found = find(path, task=task_of(task) if task else None)
    if json:
        problems = [
            {"path": p.path, "line": p.line, "rule": p.rule, "reason": p.reason} for p in found
        ]
        told = {"records": found.records, "over_delimiter": found.over_delimiter}
        print_json({**told, "problems": problems})
    else:
        for problem in found.problems[:limit]:
            typer.echo(str(problem))
        if len(found) > limit:
            typer.echo(f"... and {len(found) - limit} more problems (--limit shows more)")
        typer.echo(
            f"{found.records} records, {len(found)} problems, {found.over_delimiter} records"
            " that the papers' plain form cannot carry"
        )
    raise typer.Exit(0 if found.ok else 1)


@app.command()
def stats(
    path: Annotated[Path, typer.Argument(help="A dataset folder.")], json: Json = False
) -> None:
    """Describe a dataset: sizes, labels, items in a record, lengths, ambiguous mentions.

    Example: pointline data stats data/scnm-ja
    """
    from pointline.corpus import describe, store

    found = describe.stats(store.read_dataset(path))
    if json:
        print_json(found.to_dict())
        return
    for title, (headers, rows) in found.tables().items():
        show.output.print(show.table(headers, rows, title=title))
