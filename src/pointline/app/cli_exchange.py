"""`pointline data import` and `data export`: records in the formats of other tools."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import show
from pointline.app.options import Json, Replace, TaskName, print_json, spare, task_of
from pointline.errors import InputError
from pointline.format.tasks import Task

if TYPE_CHECKING:
    from pointline.corpus.exchange.form import Form, Losses
    from pointline.corpus.exchange.mmm import Account

__all__ = ["app"]

app = typer.Typer()

_MMM = "mmm"

Strict = Annotated[bool, typer.Option("--strict", help="Exit 1 if anything was lost.")]
_PUBLISHED = "The published MMM"


def _form(name: str) -> Form:
    from pointline.corpus.exchange import FORMATS

    if name not in FORMATS:
        raise InputError(f"no format {name!r}; there are: {', '.join(FORMATS)}, and {_MMM} to read")
    return FORMATS[name]


@app.command("import")
def bring(
    format: Annotated[str, typer.Argument(help="A format (data formats lists them), or mmm.")],
    out: Annotated[
        Path, typer.Option(help="A .jsonl or .parquet file, or a dataset folder to write.")
    ],
    path: Annotated[
        str | None, typer.Argument(help="What to read, where not --from.", show_default=False)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="What to read; of mmm a hub id, too.", show_default=False),
    ] = None,
    task: TaskName = None,
    split: Annotated[
        Literal["train", "dev", "test"],
        typer.Option(help="The split that a single file is in a dataset folder."),
    ] = "train",
    input_column: Annotated[
        str | None,
        typer.Option(help="The column TEXT/TASKWORD.", rich_help_panel=_PUBLISHED),
    ] = None,
    output_column: Annotated[
        str | None, typer.Option(help="The column of outputs.", rich_help_panel=_PUBLISHED)
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(help="A commit or tag on the hub.", rich_help_panel=_PUBLISHED),
    ] = None,
    replace: Replace = False,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Read records from another format; what it holds beyond a record is told as lost.

    Example: pointline data import conll train.conll --task scnm-en --out train.jsonl

    Example: pointline data import mmm --from ganchengguang/MMM-dataset-Trainset --out data/mmm
    """
    told = path or source
    if told is None or (path and source):
        raise InputError("say what to read: PATH or --from, one of them")
    if format == _MMM:
        _bring_published(
            told, out, task, (input_column, output_column), revision, strict=strict, json=json
        )
    if input_column or output_column or revision:
        raise InputError("--input-column, --output-column and --revision are for the format mmm")
    from pointline.corpus.exchange import convert
    from pointline.corpus.exchange.form import Losses

    form, losses = _form(format), Losses()
    of = task_of(task) if task else _task_in(Path(told))
    spare(out, replace=replace)
    with show.progress(f"reading {form.title}"):
        counts = convert.bring(
            form, Path(told), out, of, losses=losses, split=split, replace=replace
        )
    _tell(form, out, counts, losses, strict=strict, json=json)


def _task_in(path: Path) -> Task:
    """Return the task that a folder's manifest carries."""
    from pointline.corpus.manifest import MANIFEST, task_beside

    told = task_beside(path / MANIFEST if path.is_dir() else path)
    if told is None:
        raise InputError(f"{path}: no manifest here tells the task: say --task")
    return told


@app.command()
def export(
    format: Annotated[str, typer.Argument(help="A format; data formats lists them.")],
    path: Annotated[Path, typer.Argument(help="A file of records or a dataset folder.")],
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; of a dataset folder, a folder.", show_default=False),
    ] = None,
    task: TaskName = None,
    push: Annotated[
        str | None,
        typer.Option(
            help="Put it on the hub as OWNER/NAME, with the token in HF_TOKEN; format datasets.",
            show_default=False,
        ),
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="As a private dataset.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Write in the place of a file that is there.")
    ] = False,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Write records in another format; what it cannot carry is told as lost.

    Example: pointline data export docbin data/scnm-en --out spacy

    Example: pointline data export datasets data/scnm-en --push OWNER/NAME
    """
    from pointline.corpus.exchange import convert, hub
    from pointline.corpus.exchange.form import Losses

    form, losses = _form(format), Losses()
    if push is not None:
        if form.name != hub.FORM.name:
            raise InputError(f"--push is for the format {hub.FORM.name}")
        hub.token_for(push)
    elif out is None:
        raise InputError("say --out, where to write")
    for file in form.files(out) if out else ():
        spare(file, replace=replace)
    of = task_of(task) if task else None
    address = None
    with tempfile.TemporaryDirectory() as scratch:
        place = out or Path(scratch) / "dataset"
        with show.progress(f"writing {form.title}"):
            counts = convert.export(form, path, place, losses=losses, task=of)
            address = hub.push_to_hub(place, push, private=private) if push else None
    _tell(form, address or place, counts, losses, strict=strict, json=json)


def _tell(
    form: Form,
    place: Path | str,
    counts: Mapping[str, int],
    losses: Losses,
    *,
    strict: bool,
    json: bool,
) -> None:
    """Print what was written and what was lost, and exit."""
    rows = losses.counts.most_common()
    if json:
        lost = {why: {"count": n, "examples": losses.examples[why]} for why, n in rows}
        result = {"format": form.name, "written": str(place), "records": counts, "losses": lost}
        print_json(result)
    else:
        show.say(f"{place}: {_sizes(counts)}")
        if rows:
            cells = [(why, f"{n:,}", ", ".join(losses.examples[why])) for why, n in rows]
            show.put(show.table(("lost", "count", "for example"), cells))
        else:
            show.say("nothing was lost")
    raise typer.Exit(1 if strict and rows else 0)


def _sizes(counts: Mapping[str, int]) -> str:
    splits = ", ".join(f"{split} {count:,}" for split, count in counts.items())
    return f"{sum(counts.values()):,} records" + (f" ({splits})" if len(counts) > 1 else "")


@app.command()
def formats(json: Json = False) -> None:
    """List the exchange formats and what each can carry of a record.

    Example: pointline data formats
    """
    from pointline.corpus.exchange import FORMATS
    from pointline.corpus.exchange.form import PARTS

    if json:
        values = [
            {"name": f.name, "title": f.title, "suffix": f.suffix, "carries": sorted(f.carries)}
            for f in FORMATS.values()
        ]
        print_json(values)
        return
    rows = []
    for form in FORMATS.values():
        lost = [part for part in PARTS if part not in form.carries]
        rows.append((form.name, form.title, form.suffix or "folder", ", ".join(lost) or "nothing"))
    show.put(show.table(("format", "is", "file", "cannot carry"), rows))


# ---------------------------------------------------------------- the published MMM


def _bring_published(
    source: str,
    out: Path,
    task: str | None,
    columns: tuple[str | None, str | None],
    revision: str | None,
    *,
    strict: bool,
    json: bool,
) -> None:
    from pointline.corpus.exchange import mmm

    of = task_of(task) if task else None
    with show.progress("reading MMM") as advance:
        account = mmm.bring(
            source,
            out,
            columns=mmm.Columns(*columns),
            task=of,
            revision=revision,
            progress=advance,
        )
    if json:
        print_json(account.to_dict())
    else:
        _show_account(account.to_dict(), account)
        show.say(
            f"{out}: a dataset folder each; rows.jsonl and rejected.jsonl account for the rows"
        )
    raise typer.Exit(1 if strict and account.status["rejected"] else 0)


def _show_account(told: Mapping[str, Any], account: Account) -> None:
    rows = [(status, f"{told[status]:,}") for status in ("read", "repaired", "rejected")]
    show.put(show.table(("rows", "count"), [*rows, ("in all", f"{account.rows:,}")]))
    why = [
        (status, reason, f"{n:,}")
        for status, reasons in told["reasons"].items()
        for reason, n in reasons.items()
    ]
    why += [("note", note, f"{n:,}") for note, n in told["notes"].items()]
    for headers, cells in (
        (("rows", "why", "count"), why),
        (("task", "records"), [(name, f"{n:,}") for name, n in told["records"].items()]),
    ):
        if cells:
            show.put(show.table(headers, cells))
