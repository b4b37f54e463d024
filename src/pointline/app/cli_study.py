"""`pointline study`: what the two levels of information do for each other, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import cli_study_flow, cli_study_report, cli_study_verbalizer, show
from pointline.app.options import DataOption, DatasetFolders, Json, names_in, print_json
from pointline.corpus.manifest import dataset_folders
from pointline.errors import InputError

if TYPE_CHECKING:
    from pointline.study.design import Design
    from pointline.study.plan import Plan, PlannedRun
    from pointline.study.results import Study
    from pointline.study.schedule import Outcome, Workers

__all__ = ["app"]

_STOPPED = 130  # what shells say of a program that was interrupted

app = typer.Typer(help="Studies of the Mutual Reinforcement Effect.", no_args_is_help=True)
app.add_typer(cli_study_report.app)
app.add_typer(cli_study_flow.app)
app.add_typer(cli_study_verbalizer.app)

_Conditions = Annotated[
    str, typer.Option(help="Comma-separated: paper, joint, predicted, or conditions by their name.")
]
_Template = Annotated[str, typer.Option(help="How prompts are written: paper or pointline.")]
_Rate = Annotated[
    float, typer.Option(help="The highest learning rate; 0: 5e-4 for lora, 2e-5 for full.")
]
_Layers = Annotated[
    int | None, typer.Option(min=1, help="Adapt the topmost layers only; all if absent.")
]
_Devices = Annotated[
    str, typer.Option("--device", help="cpu, cuda, or several that go round: cuda:0,cuda:1.")
]
_Ray = Annotated[
    str | None,
    typer.Option("--ray", help="Give the runs to a Ray cluster: its address, or auto."),
]
_Jobs = Annotated[int, typer.Option(min=1, help="Processes, or a cluster's workers, one run each.")]


@app.command()
def ablation(
    out: Annotated[Path, typer.Option(help="The study's folder; run again to go on.")],
    folders: DatasetFolders = None,
    data: DataOption = None,
    model: Annotated[str, typer.Option("--model", "-m", help="The base model.")] = "gemma3-270m",
    seeds: Annotated[str, typer.Option(help="Comma-separated seeds.")] = "0,1,2",
    conditions: _Conditions = "paper,joint,predicted",
    template: _Template = "paper",
    examples: Annotated[int, typer.Option(min=1, help="Records to learn from, a dataset.")] = 500,
    test: Annotated[int, typer.Option(min=1, help="Records to test on, a dataset.")] = 500,
    method: Annotated[Literal["lora", "full"], typer.Option(help="What is trained.")] = "lora",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the records.")] = 3,
    learning_rate: _Rate = 0.0,
    rank: Annotated[int, typer.Option(min=1, help="Rank of LoRA.")] = 16,
    layers: _Layers = None,
    batch_tokens: Annotated[int, typer.Option(min=1, help="Tokens in a batch.")] = 2048,
    max_length: Annotated[int, typer.Option(min=1, help="Longer records are left out.")] = 1024,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Generated in a test at most.")] = 512,
    test_batch: Annotated[int, typer.Option(min=1, help="Texts in a batch of the test.")] = 32,
    predicted_training: Annotated[
        Literal["gold", "crossfit"],
        typer.Option(help="What the predicted conditions are shown in training."),
    ] = "gold",
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16"], typer.Option(help="Type of numbers.")
    ] = "auto",
    jobs: _Jobs = 1,
    device: _Devices = "",
    ray: _Ray = None,
    keep_models: Annotated[bool, typer.Option(help="Keep every trained model.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, do nothing.")] = False,
    json: Json = False,
) -> None:
    """Train and test each dataset with and without the other level's information.

    Example: pointline study ablation --data data/scnm-en --seeds 0,1 --out studies/mre
    """
    from pointline.study.design import Design

    design = Design(
        model=model, seeds=_numbers(seeds), conditions=names_in(conditions),
        template=_template(template), examples=examples, test=test, method=method, epochs=epochs,
        learning_rate=learning_rate, rank=rank, layers=layers, batch_tokens=batch_tokens,
        max_length=max_length, max_new_tokens=max_new_tokens, test_batch=test_batch, dtype=dtype,
        predicted_training=predicted_training,
    )  # fmt: skip
    plan = _plan(out, dataset_folders([*(data or ()), *(folders or ())]), design, write=not dry_run)
    if dry_run:
        print_json(plan.to_dict()) if json else _show_plan(plan)
        return
    outcome = _run(out, plan, jobs=jobs, ray=ray, devices=names_in(device), keep_models=keep_models)
    _end(out, outcome, json=json)


# ---------------------------------------------------------------- what was typed


def _numbers(option: str) -> tuple[int, ...]:
    """Return the seeds of an option.

    >>> _numbers("0, 1")
    (0, 1)
    """
    try:
        return tuple(int(name) for name in names_in(option))
    except ValueError:
        raise InputError(f"--seeds takes whole numbers, 0,1,2, got {option!r}") from None


def _template(name: str) -> Any:
    from pointline.model.form import TEMPLATES

    if name not in TEMPLATES:
        raise InputError(f"--template is one of {', '.join(TEMPLATES)}, got {name!r}")
    return TEMPLATES[name]


# ---------------------------------------------------------------- the work


def _plan(out: Path, data: Sequence[Path], design: Design, *, write: bool) -> Plan:
    from pointline.study.ablation import plan_study

    with show.progress("planning") as advance:

        def loading(what: str, share: float) -> None:
            advance(round(1000 * share), 1000, what)

        return plan_study(out, data, design, loading=loading, write=write)


def _run(
    out: Path,
    plan: Plan,
    *,
    jobs: int,
    ray: str | None,
    devices: Sequence[str],
    keep_models: bool,
) -> Outcome:
    from pointline.study.results import metrics_of
    from pointline.study.schedule import run_study

    whole = sum(sum(run.tokens) for run in plan.runs)
    behind = sum(sum(run.tokens) for run in plan.runs if metrics_of(out, run) is not None)
    ended = sum(metrics_of(out, run) is not None for run in plan.runs)
    with show.progress("study") as advance:

        def told(tokens: int, stage: str) -> None:
            advance(behind + tokens, whole, f"run {ended + 1}/{len(plan.runs)} {stage}")

        def done(run: PlannedRun) -> None:
            nonlocal behind, ended
            behind, ended = behind + sum(run.tokens), ended + 1
            advance(behind, whole, f"{ended}/{len(plan.runs)} runs")

        with _workers(max(jobs, len(devices)), ray, told) as workers:
            return run_study(out, workers, devices=devices, keep_models=keep_models, done=done)


@contextmanager
def _workers(jobs: int, ray: str | None, told: Callable[[int, str], None]) -> Iterator[Workers]:
    if ray is not None:
        from pointline.app.cluster import cluster

        with cluster(ray, jobs) as workers:
            yield workers
    elif jobs > 1:
        from pointline.study.workers import processes

        with processes(jobs) as workers:
            yield workers
    else:
        from pointline.study.schedule import Here

        yield Here(told)


# ---------------------------------------------------------------- what is shown


def _show_plan(plan: Plan) -> None:
    rows = []
    for name, facts in plan.datasets.items():
        runs = [run for run in plan.runs if run.dataset == name]
        tokens = [sum(run.tokens[part] for run in runs) for part in (0, 1)]
        first = next(iter(facts["train"].values()))
        left = sum(first["left_out"].values()) + sum(facts["test"]["left_out"].values())
        sizes = (first["records"], facts["test"]["records"], left, len(runs), *tokens)
        rows.append((name, *(f"{size:,}" for size in sizes)))
    headers = ("dataset", "train", "test", "left out", "runs", "train tokens", "test tokens")
    show.put(show.table(headers, rows))
    learned, read = (sum(run.tokens[part] for run in plan.runs) for part in (0, 1))
    show.say(f"{len(plan.runs)} runs, {learned:,} tokens of training and {read:,} of tests")


def _end(out: Path, outcome: Outcome, *, json: bool) -> None:
    """Say what came of the study, and exit: 0 finished, 1 something failed, 130 interrupted."""
    from pointline.study.results import read_study

    study = read_study(out)
    if json:
        print_json(_told(study, outcome))
    else:
        _show_scores(study)
        show.say(f"{outcome.before + outcome.made} of {outcome.runs} runs are finished -> {out}")
    for name, reason in outcome.failed.items():
        show.say(f"{name} failed: {reason}", to=show.errors)
    if not outcome.finished:
        raise typer.Exit(1 if outcome.failed else _STOPPED)


def _told(study: Study, outcome: Outcome) -> dict[str, Any]:
    return {
        "runs": outcome.runs,
        "finished": outcome.before + outcome.made,
        "made": outcome.made,
        "failed": dict(outcome.failed),
        "results": {name: dict(run.metrics) for name, run in study.finished.items()},
    }


def _show_scores(study: Study) -> None:
    """Print the mean scores over the seeds of each condition, in percent."""
    conditions = list(dict.fromkeys(run.condition for run in study.plan.runs))
    rows = []
    for name in study.datasets:
        for condition in conditions:
            runs = study.runs(name, condition)
            means = (_mean([run.metrics["scores"][key] for run in runs]) for key in _SCORES)
            rows.append((name, condition, f"{len(runs)}", *means))
    headers = ("dataset", "condition", "runs", *(key.upper() for key in _SCORES))
    show.put(show.table(headers, rows))


_SCORES = ("tl", "wl", "all")


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{100 * sum(known) / len(known):.2f}" if known else ""
