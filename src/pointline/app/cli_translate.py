"""`pointline translate`: a dataset in another language by a chat model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pointline.app import cli_translate_report, show
from pointline.app.options import Json, TaskName, print_json, task_of
from pointline.app.server_options import (
    Attempts,
    Budget,
    BudgetTokens,
    Concurrency,
    PerMinute,
    PriceIn,
    PriceOut,
    Timeout,
)
from pointline.format.tasks import Lang

if TYPE_CHECKING:
    from pointline.draft.crosslingual import Encoder
    from pointline.draft.translate import Translation

__all__ = ["app", "run"]

app = typer.Typer(
    help="Translate a dataset by a chat model, every row accounted for.", no_args_is_help=True
)


app.command()(cli_translate_report.report)


Source = Annotated[Path, typer.Argument(help="A dataset folder, or a file of records.")]
To = Annotated[Lang, typer.Option(help="The language to translate into.")]
Model = Annotated[str, typer.Option("--model", "-m", help="openai:NAME@BASE_URL, or openai:NAME.")]
Out = Annotated[Path, typer.Option(help="The run folder; run again to go on.")]
Filters = Annotated[
    str, typer.Option(help="What drops a translation: pointline, paper, or filters by commas.")
]
Repair = Annotated[
    Literal["full", "none"] | None,
    typer.Option(
        help="Find entities again that are not verbatim; none with --filters paper, else full.",
        show_default=False,
    ),
]
EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="Find what is left by the vectors of a model: a folder, a hub id, gemma3-270m.",
        show_default=False,
    ),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only a sample of so many records.")]
Seed = Annotated[int, typer.Option(help="Seed of the sample.")]
Database = Annotated[
    str | None, typer.Option(help="Keep the ledger in this database, by its SQLAlchemy URL.")
]


@app.command()
def run(
    source: Source,
    to: To,
    model: Model,
    out: Out,
    task: TaskName = None,
    filters: Filters = "pointline",
    repair: Repair = None,
    encoder: EncoderName = None,
    limit: Limit = None,
    seed: Seed = 0,
    db: Database = None,
    concurrency: Concurrency = 8,
    per_minute: PerMinute = None,
    timeout: Timeout = 120.0,
    attempts: Attempts = 6,
    budget_tokens: BudgetTokens = None,
    budget: Budget = None,
    price_in: PriceIn = 0.0,
    price_out: PriceOut = 0.0,
    json: Json = False,
) -> None:
    """Translate records with their labels and items; keep, drop by a named rule, or queue each.

    A key is read from OPENAI_API_KEY. Exits 1 where a budget stopped it and 2 where the server
    went away: the same command goes on.

    Example: pointline translate run data/scnm-ja --to en --model openai:NAME --out runs/ja-en
    """
    from pointline.draft import translate as translating
    from pointline.draft.origin import origin
    from pointline.draft.prompts import TranslationPrompt
    from pointline.draft.rules import Rules
    from pointline.draft.translator import Translator
    from pointline.model.chat.limits import Limits
    from pointline.model.chat.question import Address

    limits = Limits(
        concurrency=concurrency, per_minute=per_minute, timeout=timeout, attempts=attempts,
        budget_tokens=budget_tokens, budget=budget, price_in=price_in, price_out=price_out,
    )  # fmt: skip
    way = repair or ("none" if filters == "paper" else "full")
    rules = Rules.of(filters, way)
    given = origin(source, task=task_of(task) if task else None, limit=limit, seed=seed)
    prompt = TranslationPrompt(given.task.lang, to)
    who = Translator(Address.parse(model), prompt, limits=limits, asks=way != "none")
    by_meaning = _encoder(encoder) if encoder else None
    with show.progress("translating") as advance:
        done = translating.translate(
            given, who, out, rules=rules, encoder=by_meaning, db=db, progress=advance
        )
    print_json({"folder": str(done.folder), **done.to_dict()}) if json else _show(done)
    if done.stopped_by:
        show.say(f"stopped: {done.stopped}: run the same command again to go on", to=show.errors)
        raise typer.Exit(1 if done.stopped_by == "budget" else 2)


def _encoder(name: str) -> Encoder:
    from pointline.draft.crosslingual import Encoded
    from pointline.model import backbone
    from pointline.model.vectors import token_vectors

    loaded = backbone.load(name)
    return lambda text: Encoded(*token_vectors(loaded, text))


def _show(done: Translation) -> None:
    told = done.to_dict()
    counts = " + ".join(f"{told[name]:,} {name}" for name in ("kept", "dropped", "queued"))
    show.say(f"{counts} = {told['records']:,} records -> {done.folder}")
    rows = [("kept", split, f"{count:,}") for split, count in told["kept_by_split"].items()]
    for name in ("dropped_by_rule", "queued_by_reason"):
        state = name.partition("_")[0]
        rows += [(state, reason, f"{count:,}") for reason, count in told[name].items()]
    show.put(show.table(("", "which", "records"), rows))
    if told["mentions"]:
        rows = [
            (step, f"{count:,}", f"{100 * count / told['mentions']:.1f} %")
            for step, count in told["steps"].items()
        ]
        show.put(show.table(("entities", "found", "share"), rows))
    show.say(show.usage(done.usage, done.cost))
