"""Options that several commands share, and how a result is printed as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
import typer

from pointline.errors import InputError, TaskError
from pointline.format import tasks
from pointline.format.tasks import Task

__all__ = [
    "AdapterName",
    "Align",
    "BatchSize",
    "Completions",
    "DataOption",
    "DatasetFolders",
    "Device",
    "Dtype",
    "Free",
    "Json",
    "Long",
    "Match",
    "Missing",
    "ModelName",
    "NewTokens",
    "Precision",
    "Protocol",
    "Replace",
    "TaskName",
    "labels_of",
    "names_in",
    "new_file",
    "print_json",
    "spare",
    "task_of",
]

DatasetFolders = Annotated[
    list[Path] | None,
    typer.Argument(help="Dataset folders, or folders whose folders are datasets."),
]
DataOption = Annotated[list[Path] | None, typer.Option("--data", help="The same, as an option.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Protocol = Annotated[
    Literal["pointline", "paper"],
    typer.Option(help="Parsed records, or the paper's Algorithm 1 on strings."),
]
Match = Annotated[Literal["string", "offset"], typer.Option(help="What makes two pairs the same.")]
Completions = Annotated[
    Literal["raw", "rewritten"],
    typer.Option(help="What the paper protocol reads: as said, or written anew."),
]
Missing = Annotated[
    Literal["error", "wrong"], typer.Option(help="A gold record without a prediction.")
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="A folder, a GGUF file, a hub id, gemma3-270m or smollm2, vllm:NAME, a chat model"
        " openai:NAME@BASE_URL, a trained one completions:NAME@BASE_URL; the embedded one if"
        " absent.",
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
    typer.Option(
        "--task",
        "-t",
        help="A task (see: pointline tasks), or the dataset folder that carries it.",
        show_default=False,
    ),
]
Replace = Annotated[
    bool, typer.Option("--replace", help="Write in the place of a dataset or file that is there.")
]
Align = Annotated[
    Literal["chars", "words"],
    typer.Option(help="Where an entity may begin and end: anywhere, or at the edges of words."),
]
Long = Annotated[
    Literal["split", "refuse"], typer.Option(help="What to do with a text that is too long.")
]

Free = Annotated[
    bool,
    typer.Option("--free", help="Leave the grammar, or the JSON schema of a chat model, out."),
]
NewTokens = Annotated[int, typer.Option(min=1, help="Where a completion that does not end is cut.")]
BatchSize = Annotated[int, typer.Option(min=1, help="Texts in a batch.")]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda or cuda:1; a GPU if there is one.", show_default=False),
]
Dtype = Annotated[
    Literal["auto", "float32", "bfloat16", "float16"],
    typer.Option(help="Type of the weights; auto is what is fast on the device."),
]
Precision = Annotated[
    Literal["float32", "float16"],
    typer.Option(
        help="Of a Gemma 3 on a processor while it generates; float16 is faster and not exact."
    ),
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


def task_of(option: str) -> Task:
    """Return the task that --task names: one of the table, or a dataset folder's or manifest's own.

    Raises TaskError for a name that is none, or a manifest that carries no task.

    >>> task_of("scnm-ja").word
    '固有表現抽出'
    """
    path = Path(option)
    if option in tasks.TASKS or not path.exists():
        return tasks.task(option)
    from pointline.corpus import manifest

    told = manifest.task_beside(path if path.is_file() else path / manifest.MANIFEST)
    if told is None:
        raise TaskError(f"{path}: no manifest here carries a task")
    return told


def new_file(path: Path) -> Path:
    """Return a path that a file can be written to.

    Raises InputError where its folder is missing, before any work is done for it.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{path}: cannot write here; name a file in a folder that exists")
    return path


def spare(path: Path, *, replace: bool) -> None:
    """Raise InputError where a file is there that was not said to be replaced."""
    if path.is_file() and not replace:
        raise InputError(f"{path}: is there: replace it, or choose another")


def names_in(option: str) -> tuple[str, ...]:
    """Return the names of a comma-separated option.

    >>> names_in("joint, paper,")
    ('joint', 'paper')
    """
    return tuple(name.strip() for name in option.split(",") if name.strip())
