"""`pointline data check` and `data stats`: what is wrong with a dataset, and what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, TaskName, print_json, task_of
from pointline.corpus.manifest import dataset_folders

if TYPE_CHECKING:
    from pointline.corpus.canvas import Drawn
    from pointline.corpus.check import Findings

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
    from pointline.corpus.check import SEVERITY

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
    show.put(show.table(("rule", "severity", "cases", "of records"), rows))
    show.say(
        f"{found.records:,} records, {counts['error']:,} problems, {counts['warning']:,} warnings"
    )


@app.command()
def stats(
    path: Annotated[Path, typer.Argument(help="A file of records or a dataset folder.")],
    figures: Annotated[
        Path | None, typer.Option(help="A folder for figures: PNG, SVG and CSV of each.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the deals of text labels.")] = 0,
    permutations: Annotated[int, typer.Option(min=20, help="Deals of text labels.")] = 200,
    top: Annotated[int, typer.Option(min=1, help="Pairs of labels and entities to name.")] = 12,
    json: Json = False,
) -> None:
    """Describe a dataset: sizes, labels, items, lengths, how its two levels go together.

    Example: pointline data stats data/scnm-ja --figures figures/scnm-ja
    """
    from pointline.corpus import describe

    with show.progress("reading"):
        found = describe.describe(path, seed=seed, permutations=permutations, top=top)
    if json:
        print_json(found.to_dict())
    else:
        for title, (headers, rows) in found.tables().items():
            show.put(show.table(headers, rows, title=title))
    if figures is not None:
        from pointline.corpus import figures as drawing

        _tell_drawn(drawing.of_dataset(found, figures))


@app.command()
def figure(
    paths: Annotated[list[Path], typer.Argument(help="Dataset folders, or a folder of them.")],
    out: Annotated[Path, typer.Option(help="A folder for figures: PNG, SVG and CSV of each.")],
    seed: Annotated[int, typer.Option(help="Seed of the deals of text labels.")] = 0,
) -> None:
    """Draw several datasets: their sizes as a sunburst, their labels, how their levels go together.

    Example: pointline data figure data --out figures
    """
    from pointline.corpus import describe
    from pointline.corpus import figures as drawing

    folders = dataset_folders(paths)
    sizes = [drawing.size_of(folder) for folder in folders]
    found = []
    with show.progress("reading") as advance:
        for done, folder in enumerate(folders):
            advance(done, len(folders), folder.name)
            found.append(describe.describe(folder, seed=seed))
    _tell_drawn(drawing.of_datasets(sizes, found, out))


def _tell_drawn(drawn: Sequence[Drawn]) -> None:
    for figure in drawn:
        show.say(str(figure.files[0]), to=show.errors)
        if figure.missing:
            told = f"no font here has {' '.join(figure.missing)}: drawn as a box"
            show.say(f"warning: {told}", to=show.errors)
