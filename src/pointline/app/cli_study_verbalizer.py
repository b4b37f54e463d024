"""`pointline study verbalizer`: are the items' words better label words than others?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import orjson
import typer

from pointline.app import show
from pointline.app.options import (
    DataOption,
    DatasetFolders,
    Device,
    Dtype,
    Json,
    Replace,
    names_in,
    new_file,
    print_json,
    spare,
    task_of,
)
from pointline.app.server_options import Attempts, Timeout
from pointline.errors import InputError

if TYPE_CHECKING:
    from pointline.study.plan import Plan
    from pointline.study.results import Study
    from pointline.study.verbalizer.plan import Settings
    from pointline.study.verbalizer.report import Findings

__all__ = ["app", "verbalizer", "words"]

#: The tables that fit a terminal; the report has all of them.
_SHOWN = ("Scores", "Over all datasets")

app = typer.Typer()

_Verbalizers = Annotated[
    str,
    typer.Option(help="Of label, items, items:shots, related, related:FILE; a+b is both."),
]
_Tune = Annotated[
    str, typer.Option(help="What is done with the shots: weights, lora, full; or none.")
]
_Kind = Annotated[
    Literal["auto", "causal", "seq2seq", "masked"],
    typer.Option(help="What the model was made for; auto: as its config says."),
]
_Templates = Annotated[
    list[str] | None,
    typer.Option("--template", help="LANG=PATTERN with {text} and {mask}; \\n is a line break."),
]
_Tokens = Annotated[
    Literal["joint", "first"],
    typer.Option(help="A word's probability: of all its tokens, or of the first."),
]
_Longest = Annotated[
    int | None, typer.Option(min=1, help="Leave out label words of more tokens than this.")
]


@app.command()
def verbalizer(
    out: Annotated[Path, typer.Option(help="The study's folder; run again to go on.")],
    folders: DatasetFolders = None,
    data: DataOption = None,
    model: Annotated[str, typer.Option("--model", "-m", help="The model.")] = "gemma3-270m",
    adapter: Annotated[str | None, typer.Option(help="A LoRA folder in it.")] = None,
    kind: _Kind = "auto",
    verbalizers: _Verbalizers = "label,items,related",
    tune: _Tune = "weights",
    aggregate: Annotated[
        Literal["mean", "max", "log-sum"], typer.Option(help="From words to classes.")
    ] = "mean",
    tokens: _Tokens = "joint",
    longest: _Longest = None,
    shots: Annotated[int, typer.Option(min=1, help="Labelled records a class.")] = 20,
    total: Annotated[
        int | None, typer.Option(min=1, help="Labelled records in all, in place of --shots.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of labelled records.")] = 5,
    test: Annotated[int, typer.Option(min=1, help="Test records drawn of a dataset.")] = 200,
    least: Annotated[
        int, typer.Option(min=1, help="Leave out classes with fewer training records.")
    ] = 5,
    words: Annotated[int, typer.Option(min=1, help="Label words a class, at most.")] = 100,
    template: _Templates = None,
    max_length: Annotated[
        int, typer.Option(min=1, help="Tokens of a prompt; a longer text is cut, and counted.")
    ] = 256,
    epochs: Annotated[int, typer.Option(min=1, help="Passes of tuning.")] = 2,
    batch: Annotated[int, typer.Option(min=1, help="Texts in a step of tuning.")] = 4,
    learning_rate: Annotated[
        float, typer.Option(min=0, help="Of tuning; 0: 5e-4 for lora, 3e-5 for full.")
    ] = 0.0,
    dtype: Dtype = "float32",
    device: Device = None,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    resamples: Annotated[int, typer.Option(min=1, help="Resamples of each test.")] = 10_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, do nothing.")] = False,
    json: Json = False,
) -> None:
    """Classify texts by the words that a model expects: which label words serve best?

    Example: pointline study verbalizer --data data/scnm-ja --shots 20 --seeds 5 --out studies/kv
    """
    from pointline.study.verbalizer.plan import Settings

    settings = Settings(
        tuple(map(str, (*(data or ()), *(folders or ())))), model=model, kind=kind,
        adapter=adapter, verbalizers=names_in(verbalizers), tune=_tuned(tune),
        aggregate=aggregate, tokens=tokens, longest=longest, shots=shots, total=total,
        seeds=seeds, test=test, least=least, words=words, templates=_patterns(template or ()),
        max_length=max_length, epochs=epochs, batch=batch, rate=learning_rate, dtype=dtype,
        device=device, seed=seed,
    )  # fmt: skip
    if dry_run:
        _plan(settings, json=json)
        return
    study = _run(settings, out)
    findings = _find(study, resamples)
    print_json(findings.to_dict()) if json else _show(study, findings)


@app.command()
def words(
    task: Annotated[str, typer.Option("--task", "-t", help="A task, or a dataset folder.")],
    model: Annotated[str, typer.Option("--model", "-m", help="openai:NAME@BASE_URL.")],
    out: Annotated[Path, typer.Option(help="The file of words, for related:FILE.")],
    count: Annotated[int, typer.Option(min=1, help="Words a class.")] = 100,
    timeout: Timeout = 120.0,
    attempts: Attempts = 4,
    replace: Replace = False,
    json: Json = False,
) -> None:
    """Ask a chat model for the words that go with each class of a task.

    Example: pointline study words --task scnm-ja --model openai:NAME@http://127.0.0.1:8080/v1
    --out words.json
    """
    from pointline.corpus import recordfile
    from pointline.model.chat.client import Client
    from pointline.model.chat.limits import Limits
    from pointline.model.chat.question import Address
    from pointline.study.verbalizer.asking import ask_words

    spare(new_file(out), replace=replace)
    asked = task_of(task)
    client = Client(Address.parse(model), Limits(timeout=timeout, attempts=attempts))
    with show.progress("asking") as advance:
        found = ask_words(client, asked, count=count, told=advance)
    with recordfile.atomic(out) as file:
        file.write(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    if json:
        print_json(found)
        return
    rows = [(label, f"{len(some)}", ", ".join(some[:8])) for label, some in found.items()]
    show.put(show.table(("class", "words", "the first"), rows))


# ---------------------------------------------------------------- what was typed


def _tuned(option: str) -> Any:
    return () if option.strip() == "none" else names_in(option)


def _patterns(options: list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return the patterns of --template by language.

    >>> _patterns(["en={text}\\\\nMood: {mask}"])
    {'en': '{text}\\nMood: {mask}'}
    """
    found = {}
    for option in options:
        lang, equals, pattern = option.partition("=")
        if not equals:
            raise InputError(f"--template is LANG=PATTERN, got {option!r}")
        found[lang.strip()] = pattern.replace("\\n", "\n")
    return found


# ---------------------------------------------------------------- the work


def _plan(settings: Settings, *, json: bool) -> None:
    from pointline.study.verbalizer.plan import drawn, planned

    with show.progress("reading"):
        plan = planned(settings, drawn(settings))
    print_json(plan.to_dict()) if json else _show_plan(plan)


def _run(settings: Settings, out: Path) -> Study:
    from pointline.study.verbalizer.study import run_study

    with show.progress("reading") as advance:
        return run_study(settings, out, told=advance)


def _find(study: Study, resamples: int) -> Findings:
    from pointline.study.verbalizer.pages import write_report
    from pointline.study.verbalizer.report import find

    with show.progress("comparing") as advance:
        findings = find(study, resamples=resamples, told=advance)
    write_report(study, findings)
    return findings


# ---------------------------------------------------------------- what is shown


def _show_plan(plan: Plan) -> None:
    from pointline.study.verbalizer import caveats

    rows = [
        (
            name, ", ".join(facts["classes"]), f"{len(facts['test'])}",
            f"{len(set().union(*facts['shots']))}",
            f"{sum(run.dataset == name for run in plan.runs)}",
        )
        for name, facts in plan.datasets.items()
    ]  # fmt: skip
    headers = ("dataset", "classes", "test", "labelled in all", "runs")
    show.put(show.table(headers, rows))
    for line in caveats.of_plan(plan):
        show.say(line)


def _show(study: Study, findings: Findings) -> None:
    from pointline.study.verbalizer import caveats
    from pointline.study.verbalizer.pages import tables

    made = tables(findings)
    for title in _SHOWN:
        if title in made:
            show.put(show.table(made[title].headers, made[title].rows, title=title))
    for line in (*caveats.of_plan(study.plan), *caveats.of_runs(study)):
        show.say(line)
    show.say(f"{len(study.finished)} of {len(study.plan.runs)} runs -> {study.folder}/report.html")
