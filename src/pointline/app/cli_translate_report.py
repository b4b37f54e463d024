"""`pointline translate report`: what translation runs kept and lost, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, new_file, print_json

__all__ = ["report"]


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of `translate run`.")],
    source: Annotated[
        list[Path] | None,
        typer.Option(help="What was translated, to show source texts; may be repeated."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Examples of every rule from a run.")] = 3,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown to this file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a line a run to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one HTML page to this file.")] = None,
    json: Json = False,
) -> None:
    """Compare runs: what remained, what each rule dropped, repairs, cost, tests, examples.

    The paper's Table 7 is shown beside runs of its datasets and directions.

    Example: pointline translate report runs/ja-en runs/ja-zh --source data/scnm-ja --html r.html
    """
    from pointline.draft import report as reporting
    from pointline.draft import reportpage, reporttables

    outs = {new_file(file): of for file, of in (
        (markdown, reporttables.markdown), (csv, reporting.Report.csv), (html, reportpage.page),
    ) if file is not None}  # fmt: skip
    with show.progress("reading") as advance:
        found = reporting.report(runs, sources=source or (), examples=examples, progress=advance)
    for file, made in outs.items():
        file.write_text(made(found), encoding="utf-8", newline="\n")
    if json:
        print_json(found.to_dict())
        return
    for title, table in reporttables.tables(found).items():
        show.output.print(show.table(table.headers, table.rows, title=title))
    for rule in found.rule_names:
        if shown := found.examples(rule):
            table = reporttables.examples(shown)
            show.output.print(show.table(table.headers, table.rows, title=f"Examples: {rule}"))
    show.say(reporttables.NOTE)
    for file in outs:
        show.say(f"{file} written", to=show.errors)
