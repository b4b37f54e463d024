"""`pointline batch`: files of texts of any size into a folder of Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import cli_extract, show
from pointline.app.options import (
    AdapterName,
    Align,
    BatchSize,
    Dtype,
    Free,
    Json,
    Long,
    ModelName,
    NewTokens,
    Precision,
    TaskName,
    labels_of,
    names_in,
    print_json,
    task_of,
)
from pointline.app.server_options import Concurrency, Timeout
from pointline.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pointline.app.batch.ask import Ask
    from pointline.app.batch.load import Loader
    from pointline.app.batch.plan import Plan
    from pointline.app.batch.run import Progress, Summary, Workers
    from pointline.corpus.textrow import Columns

__all__ = ["batch"]

_STOPPED = 130  # what shells say of a program that was interrupted

_Inputs = Annotated[
    list[Path], typer.Argument(help="Files (.jsonl, .txt, .gz of them, .parquet), or folders.")
]
_Out = Annotated[
    Path | None, typer.Option(help="The run's folder; run again to go on.", show_default=False)
]
_Own = Annotated[str | None, typer.Option(help="Your own, by commas.", show_default=False)]
_Lang = Annotated[
    Literal["en", "ja", "zh"] | None,
    typer.Option(help="Language of your own labels' task; each text's, by its script."),
]
_TextColumn = Annotated[str, typer.Option(help="The key or column of texts.")]
_IdColumn = Annotated[str, typer.Option(help="The key or column of ids.")]
_DropText = Annotated[bool, typer.Option("--drop-text", help="Write no texts.")]
_Workers = Annotated[int, typer.Option(min=1, help="Processes, or workers of the cluster.")]
_Ray = Annotated[
    str | None,
    typer.Option("--ray", help="Work on a Ray cluster: its address, auto, or local."),
]
_Cpus = Annotated[
    int | None,
    typer.Option(
        min=1, help="Processors of a cluster's worker; an even share.", show_default=False
    ),
]
_Gpus = Annotated[
    float | None,
    typer.Option(min=0, help="GPUs of a cluster's worker; 1 if it has some.", show_default=False),
]
_Devices = Annotated[
    str, typer.Option("--device", help="cpu, cuda, or several that go round: cuda:0,cuda:1.")
]
_ShardRows = Annotated[int, typer.Option(min=1, help="Rows in a shard, which is one file.")]
_Plan = Annotated[bool, typer.Option("--plan", help="Print what there is to do, and do nothing.")]
_Sample = Annotated[
    int, typer.Option("--estimate", min=0, help="With --plan: time so many of the texts.")
]


def batch(
    inputs: _Inputs,
    out: _Out = None,
    task: TaskName = None,
    labels: _Own = None,
    entities: _Own = None,
    relations: _Own = None,
    lang: _Lang = None,
    model: ModelName = None,
    adapter: AdapterName = None,
    workers: _Workers = 1,
    ray: _Ray = None,
    cpus: _Cpus = None,
    gpus: _Gpus = None,
    device: _Devices = "",
    dtype: Dtype = "float32",
    precision: Precision = "float32",
    batch_size: BatchSize = 8,
    shard_rows: _ShardRows = 1000,
    text_column: _TextColumn = "text",
    id_column: _IdColumn = "id",
    drop_text: _DropText = False,
    free: Free = False,
    align: Align = "words",
    long: Long = "split",
    max_new_tokens: NewTokens = 512,
    concurrency: Concurrency = 8,
    timeout: Timeout = 120.0,
    plan: _Plan = False,
    sample: _Sample = 0,
    json: Json = False,
) -> None:
    """Extract from every text of files of any size, into a folder of Parquet files.

    A row that cannot be read, or that the model fails on, becomes a row with an error. Killed or
    stopped, the same command does what is left.

    Examples:

    pointline batch texts/ --task scnm-ja --out results --workers 2

    pointline batch texts/ --labels sports,politics --entities player --plan --estimate 64
    """
    from pointline.app.batch.load import Loader
    from pointline.corpus.textrow import Columns
    from pointline.model.chat.limits import Limits
    from pointline.model.extract import Options

    options = Options(constrained=not free, align=align, long=long, max_new_tokens=max_new_tokens)
    limits = Limits(concurrency=concurrency, timeout=timeout)
    typed = _Typed(
        inputs, _ask(task, labels, entities, relations, lang, trained=_is_trained(model, adapter)),
        Loader(model, adapter, dtype, options, limits, precision),
        Columns(text_column, id_column), shard_rows, batch_size, names_in(device), workers,
    )  # fmt: skip
    doers = _doers(ray, cpus, gpus, typed)
    if plan:
        return _tell(typed, sample, cpus, json=json)
    done = _run(typed, _place(out, sample), doers, keep_text=not drop_text)
    print_json(done.to_dict()) if json else _show(done)


# ---------------------------------------------------------------- what was typed


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed of the inputs, the question and the model."""

    inputs: Sequence[Path]
    ask: Ask
    load: Loader
    columns: Columns
    shard_rows: int
    batch_size: int
    devices: tuple[str, ...]
    workers: int


def _ask(
    task: str | None,
    labels: str | None,
    entities: str | None,
    relations: str | None,
    lang: Literal["en", "ja", "zh"] | None,
    *,
    trained: bool,
) -> Ask:
    from pointline.app.batch.ask import Ask
    from pointline.format import tasks

    cli_extract.check_asked(task, labels, entities, relations)
    if task is None:
        kinds, names, links = map(labels_of, (labels, entities, relations))
        tasks.adhoc(labels=kinds, entities=names, relations=links, lang=lang or "en")
        return Ask(None, _kept(kinds), _kept(names), _kept(links), lang)
    return Ask(task if trained and not Path(task).exists() else task_of(task))


def _is_trained(model: str | None, adapter: str | None) -> bool:
    """Tell whether the model may know tasks that the table does not."""
    return not cli_extract.is_served(model) and (model is not None or adapter is not None)


def _is_behind(model: str | None) -> bool:
    """Tell whether --model names a model behind an address, which does not count tokens here."""
    from pointline.model.chat.question import PREFIX, RAW

    return model is not None and model.startswith((PREFIX, RAW))


def _kept(labels: list[str] | None) -> tuple[str, ...] | None:
    return None if labels is None else tuple(labels)


def _settings(load: Loader) -> dict[str, Any]:
    """Return what results depend on beside the plan, for the run's folder."""
    from pointline.model.predict import plain

    options = None if load.options is None else plain(load.options)
    kind = load.dtype if load.precision == "float32" else f"{load.dtype}, {load.precision}"
    return {"adapter": load.adapter, "dtype": kind, "options": options}


def _doers(ray: str | None, cpus: int | None, gpus: float | None, typed: _Typed) -> int | Workers:
    """Return who does the work; raise InputError for options that would change nothing."""
    if ray is None:
        if cpus is not None or gpus is not None:
            raise InputError(
                "--cpus and --gpus are of a cluster's workers: give --ray, or leave them out"
                " (--device and OMP_NUM_THREADS are for workers of this machine)"
            )
        return typed.workers
    if typed.devices:
        raise InputError(
            "--device is for workers of this machine: a cluster gives each its own, by --gpus"
        )
    from pointline.app.cluster import shards

    return partial(shards, address=ray, workers=typed.workers, cpus=cpus, gpus=gpus)


# ---------------------------------------------------------------- the work


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    with show.progress("batch") as advance:

        def told(now: Progress) -> None:
            died = f", {now.deaths} workers died" if now.deaths else ""
            rate = f" ({now.rate:.1f} a second{died})" if now.rate or died else ""
            advance(now.done, now.rows, now.stage + rate)

        yield told


@contextmanager
def _stoppable() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        show.say("stopped: run the same command again to go on", to=show.errors)
        raise typer.Exit(_STOPPED) from None


def _place(out: Path | None, sample: int) -> Path:
    if out is None:
        raise InputError("where to? give --out FOLDER, or --plan to see what there is to do")
    if sample:
        raise InputError("--estimate times a sample for --plan: give both, or none")
    return out


def _run(typed: _Typed, out: Path, workers: int | Workers, *, keep_text: bool) -> Summary:
    from pointline.app.batch.run import batch as run

    with _stoppable(), _progress() as told:
        return run(
            typed.inputs, out, typed.load, typed.ask, workers=workers, devices=typed.devices,
            columns=typed.columns, shard_rows=typed.shard_rows, batch_size=typed.batch_size,
            keep_text=keep_text, count_tokens=not _is_behind(typed.load.model),
            settings=_settings(typed.load), progress=told,
        )  # fmt: skip


def _tell(typed: _Typed, sample: int, cpus: int | None, *, json: bool) -> None:
    """Print what there is to do, and how long it would take."""
    from pointline.app.batch import plan as planning

    with show.progress("planning") as advance:
        plan = planning.make(typed.inputs, typed.columns, typed.shard_rows, advance)
    told: dict[str, Any] = {
        "files": len(plan.sources),
        "left out": list(plan.left_out),
        "bytes": sum(source.size for source in plan.sources),
        "rows": plan.rows,
        "shards": len(plan.shards),
    }
    if sample:
        told["estimate"] = _estimated(plan, typed, sample, cpus)
    if json:
        print_json(told)
        return
    left = told.pop("left out")
    for name, value in (told | told.pop("estimate", {})).items():
        show.say(f"{name}: {_plain(value)}")
    if left:
        show.say(f"left out, as they end in no suffix of texts: {len(left)}, e.g. {left[0]}")


def _estimated(plan: Plan, typed: _Typed, sample: int, cpus: int | None) -> dict[str, Any]:
    from pointline.app.batch.estimate import estimate_apart
    from pointline.app.batch.pool import share

    workers = min(typed.workers, len(plan.shards))  # more would have nothing to do
    with show.progress("timing a sample"):
        made = estimate_apart(
            plan, typed.load, typed.ask, sample=sample, threads=cpus or share(workers),
            batch_size=typed.batch_size, device=typed.devices[0] if typed.devices else None,
        )  # fmt: skip
    return made.to_dict(workers)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(held)}" for name, held in value.items())
    return "unknown" if value is None else f"{value:,}"


def _show(done: Summary) -> None:
    tally = done.tally
    show.say(
        f"{tally.rows:,} rows: {tally.rows - tally.errors:,} results, {tally.errors:,} errors"
        f" -> {done.folder / 'shards'}"
    )
    if tally.faults:
        rows = [(name, f"{count:,}") for name, count in sorted(tally.faults.items())]
        show.put(show.table(("fault", "rows"), rows))
    if done.made:
        rate = f"{done.rate:.1f} a second"
        show.say(f"{done.made_rows:,} rows now, in {done.seconds:.0f} s ({rate})")
    if done.deaths:
        show.say(f"{done.deaths} workers died and were replaced: see log.jsonl")
