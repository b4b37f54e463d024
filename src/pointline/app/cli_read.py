"""`pointline data read`: a raw corpus as a file of records, with its own labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, Replace, TaskName, new_file, print_json, spare, task_of
from pointline.format.tasks import Lang

__all__ = ["app"]

app = typer.Typer()


@app.command()
def read(
    corpus: Annotated[str, typer.Argument(help="A corpus of docs/data.md, e.g. stockmark-ner.")],
    raw: Annotated[Path, typer.Option(help="The folder of raw corpora.")],
    out: Annotated[Path, typer.Option(help="The file of records to write.")],
    lang: Annotated[
        Lang | None, typer.Option(help="The task's or the first if absent.", show_default=False)
    ] = None,
    task: TaskName = None,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Write a raw corpus as records with its own labels, every dropped row counted.

    With --task the records are that task's, which a corpus must speak: stockmark-ner has the
    entities of scnm-ja and no text label, which `data label` then gives.

    Example: pointline data read stockmark-ner --raw corpora --task scnm-ja --out records.jsonl
    """
    from pointline.corpus import rawfile

    asked = task_of(task) if task else None
    spare(out, replace=replace)
    with show.progress("reading"):
        counts = rawfile.write(corpus, raw, new_file(out), lang=lang, task=asked)
    if json:
        print_json(counts)
        return
    rows = [(rule, f"{count:,}") for rule, count in counts.items()]
    show.say(f"{out}: {counts.get('records kept', 0):,} records")
    show.put(show.table(("rule", "count"), rows))
