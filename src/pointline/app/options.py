"""Options that several commands share, and how a result is printed as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer

from pointline.errors import InputError

__all__ = [
    "AdapterName",
    "Align",
    "Json",
    "Long",
    "ModelName",
    "TaskName",
    "labels_of",
    "new_file",
    "print_json",
]

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A folder, a GGUF file, a hub id, gemma3-270m or smollm2; the embedded one if absent.",
        show_default=False,
    ),
]
AdapterName = Annotated[
    str | None,
    typer.Option(
        "--adapter",
        help="A LoRA folder, or none for the bare model; the embedded adapter if absent.",
        show_default=False,
    ),
]
TaskName = Annotated[
    str | None,
    typer.Option("--task", "-t", help="A task, see: pointline tasks", show_default=False),
]
Align = Annotated[
    Literal["chars", "words"],
    typer.Option(help="Where an entity may begin and end: anywhere, or at the edges of words."),
]
Long = Annotated[
    Literal["split", "refuse"], typer.Option(help="What to do with a text that is too long.")
]


def print_json(value: Any) -> None:
    """Print one JSON value, indented."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))


def labels_of(option: str | None) -> list[str] | None:
    """Return the labels that a comma-separated option lists; None where it was not given.

    >>> labels_of("team, player"), labels_of("球队，球员")
    (['team', 'player'], ['球队', '球员'])
    """
    if option is None:
        return None
    labels = [label.strip() for label in option.replace("、", ",").replace("，", ",").split(",")]
    return [label for label in labels if label]


def new_file(path: Path) -> Path:
    """Return a path that a file can be written to.

    Raises InputError where its folder is missing, before any work is done for it.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{path}: cannot write here; name a file in a folder that exists")
    return path
