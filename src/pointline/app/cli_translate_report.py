"""`pointline translate report`: what translation runs kept and lost, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, new_file, print_json

if TYPE_CHECKING:
    from pointline.draft.report import Report
    from pointline.score.tables import Table

__all__ = ["report"]

_COLUMNS = 8  # columns that a terminal has room for
_WIDTH = 160  # characters of a text that the terminal shows; the files have all of it


def report(
    runs: Annotated[list[Path], typer.Argument(help="Folders of `translate run`.")],
    examples: Annotated[int, typer.Option(min=0, help="Examples of every rule from a run.")] = 3,
    markdown: Annotated[Path | None, typer.Option(help="Write Markdown to this file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write a line a run to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one HTML page to this file.")] = None,
    json: Json = False,
) -> None:
    """Compare runs: what remained, what each rule dropped, repairs, cost, tests, examples.

    The paper's Table 7 is shown beside runs of its datasets and directions.

    Example: pointline translate report runs/ja-en runs/ja-zh --html report.html
    """
    from pointline.corpus import recordfile
    from pointline.draft import report as reporting
    from pointline.draft import reportpage, reporttables

    asked = (
        (markdown, reporttables.markdown),
        (csv, reporting.Report.csv),
        (html, reportpage.page),
    )
    outs = [(new_file(file), made) for file, made in asked if file is not None]
    with show.progress("reading") as advance:
        found = reporting.report(runs, examples=examples, progress=advance)
    for file, made in outs:
        with recordfile.atomic(file) as out:
            out.write(made(found).encode())
    if json:
        print_json(found.to_dict())
        return
    _show(found)
    for file, _ in outs:
        show.say(f"{file} written", to=show.errors)


def _show(found: Report) -> None:
    """Print the tables, and one example of every rule, cut where it is long."""
    from pointline.draft import reporttables

    for title, table in reporttables.tables(found).items():
        for headers, rows in _pieces(table):
            show.put(show.table(headers, rows, title=title))
    for rule in found.rule_names:
        for one in found.examples(rule)[:1]:
            why = reporttables.reason(one)
            show.say(f"{rule}: {one.record.id} of {one.run}" + (f": {why}" if why != rule else ""))
            show.say(f"  source: {_cut(one.source or '') or '(not noted)'}")
            show.say(f"  draft:  {_cut(one.record.text) or '(none)'}")
    show.say(reporttables.NOTE)


def _pieces(table: Table) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """Yield the table, or its first column with a few others at a time where it is wide."""
    others = len(table.headers) - 1
    step = others if others <= _COLUMNS else _COLUMNS // 2
    for at in range(1, others + 1, step):
        lines = [(line[0], *line[at : at + step]) for line in (table.headers, *table.rows)]
        yield lines[0], lines[1:]


def _cut(text: str) -> str:
    told = " ".join(text.splitlines())
    return told if len(told) <= _WIDTH else f"{told[:_WIDTH]}…"
