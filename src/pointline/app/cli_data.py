"""`pointline data`: build datasets from raw corpora, check them, describe them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pointline.app import cli_describe, cli_exchange, cli_label, cli_read, cli_shape, show
from pointline.app.options import Json, print_json
from pointline.errors import InputError
from pointline.format.tasks import Task

__all__ = ["app", "gold_file"]

Table = tuple[Sequence[str], Sequence[Sequence[str]]]

app = typer.Typer(help="Build, check and describe datasets.", no_args_is_help=True)
app.add_typer(cli_describe.app)
app.add_typer(cli_shape.app)
app.add_typer(cli_read.app)
app.add_typer(cli_label.app)
app.add_typer(cli_exchange.app)


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
    raw: Annotated[Path, typer.Option(help="The folder of raw corpora.")],
    out: Annotated[Path, typer.Option(help="Where the dataset folders go.")],
    names: Annotated[
        list[str] | None, typer.Argument(help="Tasks to build, e.g. scnm-ja.", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Build all 21 datasets.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 0,
    train: Annotated[
        int | None, typer.Option(min=1, help="Training records; the papers' size if absent.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Build anew what is there, or stands in the way.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; as many as processors if absent.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Build datasets from raw corpora: a folder each, split by document, with manifest and card.

    Example: pointline data build scnm-en scnm-ja --raw corpora --out data
    """
    from pointline.corpus import build as building
    from pointline.corpus.crew import processors

    if bool(names) == every:
        raise InputError("name the datasets to build, or give --all, and not both")
    with show.progress("building") as advance:
        built = building.build(
            building.all_names() if every else names or (),
            raw,
            out,
            seed=seed,
            train=train,
            replace=replace,
            jobs=jobs or processors(),
            progress=advance,
        )
    if json:
        print_json({name: dataset.manifest for name, dataset in built.items()})
        return
    manifests = {name: dataset.manifest for name, dataset in built.items()}
    for title, (headers, rows) in _built(manifests).items():
        show.put(show.table(headers, rows, title=title))


def _built(manifests: Mapping[str, Mapping[str, Any]]) -> dict[str, Table]:
    """Return how large datasets are, and where they come from, each a header and its rows."""
    sizes = [
        (
            name,
            *(f"{count:,}" for count in told["counts"].values()),
            *(f"{len(told[kind]):,}" for kind in ("labels", "item_labels")),
            f"{sum(told['item_labels'].values()):,}",
        )
        for name, told in manifests.items()
    ]
    origins = [
        (
            name,
            *(
                " + ".join(dict.fromkeys(_origin(source, level) for source in told["sources"]))
                for level in ("text", "labels", "items")
            ),
            " + ".join(told["licences"]),
        )
        for name, told in manifests.items()
    ]
    heads = ("dataset", "train", "dev", "test", "text labels", "item labels", "items")
    return {
        "size": (heads, sizes),
        "where it comes from": (("dataset", "text", "labels", "items", "licence"), origins),
    }


def _origin(source: Mapping[str, Any], level: str) -> str:
    origin = "translated" if source[level] == "machine-translated" else str(source[level])
    return f"{origin}, by tagger" if level == "items" and "tagger" in source else origin
