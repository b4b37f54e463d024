"""`pointline data split`, `sample` and `merge`: datasets cut and joined by seed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from pointline.app import show
from pointline.app.options import Json, Replace, TaskName, print_json, task_of

__all__ = ["app"]

app = typer.Typer()

Seed = Annotated[int, typer.Option(help="Seed of what is taken.")]


@app.command()
def split(
    file: Annotated[Path, typer.Argument(help="A file of records.")],
    out: Annotated[Path, typer.Option(help="The dataset folder to write.")],
    train: Annotated[float, typer.Option(min=0, help="Training records, or their share below 1.")],
    dev: Annotated[float, typer.Option(min=0, help="Development records, or their share.")] = 0,
    seed: Seed = 0,
    by: Annotated[
        Literal["document", "text"],
        typer.Option(help="What stays on one side: twins and documents, or twins alone."),
    ] = "document",
    task: TaskName = None,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Split a file into train, dev and test; what is not asked for is the test split.

    Texts that are the same but for width, case, blanks and punctuation stay on one side, and so
    does a document (`meta.document`).

    Example: pointline data split records.jsonl --out data/mine --train 1000 --dev 0.1
    """
    from pointline.corpus import shape

    with show.progress("splitting"):
        manifest = shape.split(
            file,
            out,
            train=train,
            dev=dev,
            seed=seed,
            by=by,
            task=task_of(task) if task else None,
            replace=replace,
        )
    if json:
        print_json(manifest)
        return
    rows = [(name, f"{count:,}") for name, count in manifest["counts"].items()]
    show.say(f"{out}: {manifest['split']['groups']:,} groups")
    show.put(show.table(("split", "records"), rows))


@app.command()
def sample(
    path: Annotated[Path, typer.Argument(help="A file of records or a dataset folder.")],
    out: Annotated[Path, typer.Option(help="The file or dataset folder to write.")],
    shots: Annotated[int | None, typer.Option(min=1, help="Records of each text label.")] = None,
    n: Annotated[int | None, typer.Option("--n", min=1, help="Records of all labels.")] = None,
    seed: Seed = 0,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Draw a few records of a file, or of a dataset's training split, by seed.

    Example: pointline data sample data/scnm-ja --shots 20 --out data/scnm-ja-20
    """
    from pointline.corpus import shape

    with show.progress("sampling"):
        labels = shape.sample(path, out, shots=shots, n=n, seed=seed, replace=replace)
    if json:
        print_json({"records": sum(labels.values()), "seed": seed, "labels": labels})
        return
    rows = [(label or "(none)", f"{count:,}") for label, count in labels.items()]
    show.say(f"{out}: {sum(labels.values()):,} records")
    show.put(show.table(("text label", "records"), rows))


@app.command()
def merge(
    paths: Annotated[list[Path], typer.Argument(help="Files of records, or dataset folders.")],
    out: Annotated[Path, typer.Option(help="The file or dataset folder to write.")],
    task: TaskName = None,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Join files or datasets of one task: twins are dropped and counted, ids made unique.

    A text or document that is in two splits is refused.

    Example: pointline data merge news.jsonl mails.jsonl --out all.jsonl
    """
    from pointline.corpus import merge as merging

    with show.progress("merging"):
        told = merging.merge(paths, out, task=task_of(task) if task else None, overwrite=replace)
    if json:
        print_json(asdict(told))
        return
    for example in told.examples:
        show.say(example)
    show.say(
        f"{told.read:,} records read, {told.kept:,} kept, {told.twins:,} dropped as twins"
        f" ({told.conflicts:,} of them with another label or other items), {told.renamed:,} renamed"
    )
