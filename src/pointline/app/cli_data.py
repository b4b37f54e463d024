"""`pointline data`: build datasets from raw corpora, check them, describe them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pointline.app import cli_describe, show
from pointline.app.options import Json, print_json
from pointline.errors import InputError
from pointline.format.tasks import Task

__all__ = ["app", "gold_file"]

app = typer.Typer(help="Build, check and describe datasets.", no_args_is_help=True)
app.add_typer(cli_describe.app)


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
