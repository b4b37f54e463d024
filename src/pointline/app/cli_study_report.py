"""`pointline study report`: what a study found, as a page, Markdown, LaTeX, CSV and figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, print_json

if TYPE_CHECKING:
    from pointline.study.report import Report

__all__ = ["app"]

app = typer.Typer()

_SHOWN = ("Both directions", "Over all comparisons: sign tests", "Missing runs")


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of `study ablation`.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write; FOLDER/report if absent.")
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Flipped records of each kind.")] = 3,
    alpha: Annotated[
        float, typer.Option(help="The corrected p from which there is evidence.")
    ] = 0.05,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of a comparison.")] = 5_000,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 0,
    figures: Annotated[bool, typer.Option(help="Draw figures.")] = True,
    json: Json = False,
) -> None:
    """Tell where the other level helps, in which direction and how sure; unfinished runs may be.

    Example: pointline study report studies/mre --out docs/mre
    """
    from pointline.study import report as reporting

    with show.progress("comparing") as advance:
        made = reporting.report(
            folder, out, alpha=alpha, resamples=resamples, seed=seed, examples=examples,
            figures=figures, progress=advance,
        )  # fmt: skip
    if json:
        print_json(made.findings.to_dict())
    else:
        _show(made)
    if made.unseen:
        show.say(f"no font has {made.unseen}: drawn as boxes", to=show.errors)


def _show(made: Report) -> None:
    from pointline.study.answer import answer
    from pointline.study.reporttables import tables

    for sentence in answer(made.findings):
        show.output.print(sentence, markup=False)
        show.output.print()
    for title, table in tables(made.findings).items():
        if title in _SHOWN:
            show.put(show.table(table.headers, table.rows, title=title))
    page = next(file for file in made.files if file.name == "report.html")
    show.say(f"{len(made.files)} files in {page.parent}, the page is {page}", to=show.errors)
