"""`pointline data check` and `data stats`: what is wrong with a dataset, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, TaskName, print_json, task_of

__all__ = ["app"]

app = typer.Typer()


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
