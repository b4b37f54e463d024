"""`pointline data check` and `data stats`: what is wrong with a dataset, and what it holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, TaskName, print_json, task_of
from pointline.corpus.check import SEVERITY, Findings

__all__ = ["app"]

app = typer.Typer()


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A file of records or a dataset folder.")],
    task: TaskName = None,
    against: Annotated[
        Path | None, typer.Option(help="Another file or dataset that must share no text with it.")
    ] = None,
    near: Annotated[
        bool, typer.Option("--near", help="Look for near-duplicates across splits, too (slower).")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Problems to print.")] = 100,
    json: Json = False,
) -> None:
    """Report every broken rule with file and line; exit 1 if one of them is an error.

    Warnings (delimiters, what paper mode cannot reach, repeated texts, near-duplicates) are
    counted and leave the exit code at 0.

    Example: pointline data check data/scnm-ja --against data/tconer-ja
    """
    from pointline.corpus.check import check as find

    found = find(path, task=task_of(task) if task else None, against=against, near=near)
    if json:
        print_json(found.to_dict())
    else:
        _tell(found, limit)
    raise typer.Exit(0 if found.ok else 1)


def _tell(found: Findings, limit: int) -> None:
    told = [str(problem) for problem in found.problems]
    told += [f"{warning.place}: warning: {warning.reason}" for warning in found.warnings]
    for line in told[:limit]:
        show.say(line)
    counts = found.by_severity
    left = sum(counts.values()) - min(limit, len(told))
    if left:
        show.say(f"... and {left:,} more (--limit shows more)")
    rows = [
        (rule, SEVERITY[rule], f"{count:,}", f"{count / max(found.records, 1):.2%}")
        for rule, count in found.counts.items()
    ]
    show.output.print(show.table(("rule", "severity", "cases", "of records"), rows))
    show.say(
        f"{found.records:,} records, {counts['error']:,} problems, {counts['warning']:,} warnings"
    )


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
