"""`pointline data label`: text-level labels by a model, and a queue for a person."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import cli_extract, show
from pointline.app.options import (
    AdapterName,
    BatchSize,
    Device,
    Dtype,
    Json,
    TaskName,
    labels_of,
    print_json,
    task_of,
)
from pointline.app.server_options import (
    Attempts,
    Budget,
    BudgetTokens,
    Concurrency,
    PerMinute,
    PriceIn,
    PriceOut,
    Timeout,
    server_option,
)
from pointline.errors import InputError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Lang, Task

if TYPE_CHECKING:
    from pointline.draft.label import Labelling
    from pointline.draft.labeller import Labeller
    from pointline.draft.prompts import LabelPrompt
    from pointline.model.chat.limits import Limits

__all__ = ["app", "label"]

app = typer.Typer()

_CHAT = "openai:"


Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="openai:NAME@BASE_URL, openai:NAME, a folder, a hub id; the embedded one if absent.",
        show_default=False,
    ),
]
Closed = Annotated[str | None, typer.Option(help="The closed set, by commas.", show_default=False)]
Open = Annotated[bool, typer.Option("--open", help="Any short label.")]
Language = Annotated[
    Lang | None, typer.Option(help="Guessed from the records if absent.", show_default=False)
]
Example = Annotated[
    Path | None, typer.Option(help="Show this file's first record as the solved example.")
]
Threshold = Annotated[float, typer.Option(min=0, max=1, help="Queue what is less sure than this.")]
Gold = Annotated[Path | None, typer.Option(help="Records with right labels, to compare by id.")]
Relabel = Annotated[bool, typer.Option("--relabel", help="Ask for records with a label, too.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many records.")]
Votes = Annotated[int, server_option("Answers a record; where they differ, it is queued.")]


@app.command()
def label(
    records: Annotated[Path, typer.Argument(help="A file of records.")],
    out: Annotated[Path, typer.Option(help="The run folder; run again to go on.")],
    model: Model = None,
    task: TaskName = None,
    labels: Closed = None,
    open_: Open = False,
    lang: Language = None,
    example: Example = None,
    threshold: Threshold = 0.9,
    gold: Gold = None,
    relabel: Relabel = False,
    limit: Limit = None,
    votes: Votes = 1,
    concurrency: Concurrency = 8,
    per_minute: PerMinute = None,
    timeout: Timeout = 120.0,
    attempts: Attempts = 6,
    budget_tokens: BudgetTokens = None,
    budget: Budget = None,
    price_in: PriceIn = 0.0,
    price_out: PriceOut = 0.0,
    adapter: AdapterName = None,
    batch_size: BatchSize = 8,
    device: Device = None,
    dtype: Dtype = "float32",
    json: Json = False,
) -> None:
    """Give records a text-level label by a model, and queue the doubtful ones for a person.

    Exits 1 where a budget stopped it: the same command with a larger one goes on.

    Example: pointline data label ner.jsonl --task scnm-ja --out runs/labels
    """
    from pointline.draft.prompts import LabelPrompt
    from pointline.model.chat.limits import Limits

    spoken = lang or _language(records)
    asked = _asked(task, labels, spoken, open_=open_)
    shown = _first(example) if example else None
    limits = Limits(
        concurrency=concurrency, per_minute=per_minute, timeout=timeout, attempts=attempts,
        budget_tokens=budget_tokens, budget=budget, price_in=price_in, price_out=price_out,
    )  # fmt: skip
    if model is not None and model.startswith(_CHAT):
        who = _chat(model, LabelPrompt(asked.labels, spoken, shown), limits, votes)
    else:
        who = _here(model, adapter, asked, shown, votes, batch_size, device, dtype)
    _run(
        records, who, out, limits, json, task=asked if task else None, threshold=threshold,
        gold=_gold(gold) if gold else None, relabel=relabel, limit=limit,
    )  # fmt: skip


def _run(
    records: Path,
    who: Labeller,
    out: Path,
    limits: Limits,
    json: bool,
    *,
    task: Task | None,
    threshold: float,
    gold: dict[str, str] | None,
    relabel: bool,
    limit: int | None,
) -> None:
    from pointline.draft import label as labelling

    with show.progress("labelling") as advance:
        done = labelling.label(
            records, who, out, task=task, threshold=threshold, gold=gold, relabel=relabel,
            limit=limit, progress=advance,
        )  # fmt: skip
    print_json(done.to_dict()) if json else _show(done, limits)
    if done.stopped:
        show.say(f"stopped: {done.stopped}", to=show.errors)
        raise typer.Exit(1)


def _asked(task: str | None, labels: str | None, lang: Lang, *, open_: bool) -> Task:
    """Return the task whose label is asked for."""
    if sum((task is not None, labels is not None, open_)) != 1:
        raise InputError("which labels? give one of --task, --labels or --open")
    if task is None:
        return tasks.adhoc(labels=labels_of(labels), lang=lang)
    return task_of(task)


def _language(records: Path) -> Lang:
    from itertools import islice

    from pointline.corpus import store
    from pointline.model.extract import guess_language

    return guess_language(" ".join(r.text for r in islice(store.iter_records(records), 100)))


def _first(file: Path) -> Record:
    from pointline.corpus import store

    for record in store.iter_records(file):
        return record
    raise InputError(f"{file}: no record to show")


def _gold(file: Path) -> dict[str, str]:
    from pointline.corpus import store

    found = {record.id: record.label for record in store.iter_records(file) if record.label}
    if not found:
        raise InputError(f"{file}: no record with a label to compare with")
    return found


def _chat(model: str, prompt: LabelPrompt, limits: Limits, votes: int) -> Labeller:
    from pointline.draft.labeller import ChatLabeller
    from pointline.model.chat.question import Address

    return ChatLabeller(Address.parse(model), prompt, limits=limits, ballots=votes)


def _here(
    model: str | None,
    adapter: str | None,
    task: Task,
    example: Record | None,
    votes: int,
    batch_size: int,
    device: str | None,
    dtype: Literal["auto", "float32", "bfloat16", "float16"],
) -> Labeller:
    from pointline.draft.labeller import ModelLabeller
    from pointline.model.extract import Options
    from pointline.model.prompt import Level

    if votes > 1:
        raise InputError("--votes is for a chat model: a model of this machine says how sure it is")
    options = Options(level=Level.TEXT, max_new_tokens=64, example=example)
    extractor = cli_extract.load(model, adapter, options, device=device, dtype=dtype)
    return ModelLabeller(extractor, task, batch_size=batch_size)


def _show(done: Labelling, limits: Limits) -> None:
    parts = [("labelled", done.labelled), ("queued", done.queued), ("failed", done.failed)]
    parts += [("waiting", done.waiting)] if done.waiting else []
    counts = " + ".join(f"{count:,} {name}" for name, count in parts)
    show.say(f"{counts} = {done.records:,} records -> {done.folder}")
    if done.had_label:
        show.say(f"{done.had_label:,} of the labelled had a label of their own (--relabel asks)")
    rows = [("label", label, f"{count:,}") for label, count in done.labels.items()]
    rows += [("queued", reason, f"{count:,}") for reason, count in done.reasons.items()]
    show.put(show.table(("", "which", "records"), rows))
    used = done.usage
    if used.requests:
        show.say(show.usage(used, used.cost(limits.price_in, limits.price_out)))
    if done.agreement is not None:
        _show_agreement(done.agreement)


def _show_agreement(found: Mapping[str, Any]) -> None:
    low, high = found["accuracy_interval"]
    kappa = "undefined"
    if found["kappa"] is not None:
        kappa = "{:.2f} [{:.2f}, {:.2f}]".format(found["kappa"], *found["kappa_interval"])
    show.say(
        f"gold: {found['records']} records, accuracy {found['accuracy']:.2f}"
        f" [{low:.2f}, {high:.2f}], Cohen's kappa {kappa} (95 % intervals)"
    )
    rows = [
        (name, str(found[name]["records"]), str(found[name]["right"]))
        for name in ("labelled", "queued")
    ]
    rows += [
        (f"at {cut['threshold']:g} or surer", str(cut["records"]), str(cut["right"]))
        for cut in found["thresholds"]
    ]
    show.put(show.table(("of the gold records", "records", "right"), rows))
    rows = [(one["first"], one["second"], str(one["count"])) for one in found["confusion"]]
    show.put(show.table(("gold", "proposed", "records"), rows))
