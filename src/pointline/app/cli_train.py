"""`pointline train`: fine-tune a base model on datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import show
from pointline.app.options import Device, Json, print_json

if TYPE_CHECKING:
    from pointline.model.estimate import Estimate
    from pointline.model.settings import TrainConfig
    from pointline.model.train import Point, TrainResult

__all__ = ["train"]

_STOPPED = 130  # what shells say of a program that was interrupted

_Recipe = Annotated[
    Literal["oiellm", "embedded"] | None,
    typer.Option(help="Settings to begin from: the paper's, or those of the embedded adapter."),
]
_Method = Annotated[
    Literal["lora", "full"] | None,
    typer.Option(help="Adapt every linear layer, or train all weights.  [lora]"),
]
_Epochs = Annotated[int | None, typer.Option(min=1, help="Passes over the data.  [2]")]
_Rate = Annotated[
    float | None, typer.Option(help="The highest learning rate.  [5e-4 for lora, 2e-5 for full]")
]
_WarmUp = Annotated[
    int | None, typer.Option(min=0, help="Steps in which the rate rises.  [5 % of all]")
]
_Rank = Annotated[
    int | None, typer.Option(min=1, help="Rank of LoRA; its alpha is twice that.  [16]")
]
_BatchTokens = Annotated[
    int | None, typer.Option(min=1, help="Tokens in a batch, padding included.  [2048]")
]
_Accumulation = Annotated[int | None, typer.Option(min=1, help="Batches in a step.  [1]")]
_MaxLength = Annotated[
    int | None, typer.Option(min=1, help="Longer examples are refused, never cut.  [1024]")
]
_Examples = Annotated[
    int | None, typer.Option(min=1, help="Training records of each dataset at most.")
]
_DevExamples = Annotated[
    int | None, typer.Option(min=0, help="Dev records of each dataset, scored by epoch.  [40]")
]
_Level = Annotated[
    Literal["both", "text", "word"] | None, typer.Option(help="The level to learn.  [both]")
]
_Order = Annotated[
    Literal["label-first", "items-first"] | None,
    typer.Option(help="What a completion with both levels begins with.  [label-first]"),
]
_ShowLabels = Annotated[
    float | None, typer.Option(min=0, max=1, help="Share of prompts that list labels.  [0]")
]
_Lists = Annotated[
    Literal["whole", "drawn"] | None,
    typer.Option(help="List all labels of the task, or draw some for each record.  [whole]"),
]
_HeldOut = Annotated[
    list[str] | None,
    typer.Option(help="Leave out records with this label of either level; may be given often."),
]
_Sampling = Annotated[
    Literal["proportional", "root", "equal"] | None,
    typer.Option(help="A dataset's share of an epoch: by size, its root, equal.  [proportional]"),
]
_Vocabulary = Annotated[
    Literal["full", "seen"] | None,
    typer.Option(help="Softmax over all tokens, or those of the data.  [full]"),
]
_Dtype = Annotated[
    Literal["auto", "float32", "bfloat16"] | None, typer.Option(help="Type of numbers.  [auto]")
]
_Checkpointing = Annotated[
    bool | None,
    typer.Option("--checkpointing/--no-checkpointing", help="Trade time for memory.  [no]"),
]
_SaveEvery = Annotated[int | None, typer.Option(min=1, help="Steps between checkpoints.  [50]")]
_Seed = Annotated[int | None, typer.Option(help="Seed of everything that is drawn.  [0]")]
_Estimate = Annotated[
    bool, typer.Option("--estimate", help="Say what time and memory it would take, and stop.")
]


def train(
    data: Annotated[list[Path], typer.Argument(help="Dataset folders.")],
    out: Annotated[Path, typer.Option(help="The run folder; run again to go on.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The base model.")] = "gemma3-270m",
    recipe: _Recipe = None,
    method: _Method = None,
    epochs: _Epochs = None,
    learning_rate: _Rate = None,
    warmup_steps: _WarmUp = None,
    rank: _Rank = None,
    batch_tokens: _BatchTokens = None,
    accumulation: _Accumulation = None,
    max_length: _MaxLength = None,
    examples: _Examples = None,
    dev_examples: _DevExamples = None,
    level: _Level = None,
    order: _Order = None,
    show_labels: _ShowLabels = None,
    label_lists: _Lists = None,
    held_out: _HeldOut = None,
    sampling: _Sampling = None,
    loss_vocabulary: _Vocabulary = None,
    dtype: _Dtype = None,
    device: Device = None,
    checkpointing: _Checkpointing = None,
    seed: _Seed = None,
    save_every: _SaveEvery = None,
    estimate: _Estimate = False,
    json: Json = False,
) -> None:
    """Fine-tune on the joint format; a killed run goes on from its last checkpoint.

    Several processes share the work: accelerate launch -m pointline train ... (docs/training.md).

    Example: pointline train data/scnm-en data/scnm-ja --out runs/scnm --epochs 2
    """
    from pointline.model.recipe import recipe as settings
    from pointline.model.settings import TrainConfig

    chosen = settings(recipe, {
        "method": method, "epochs": epochs, "learning_rate": learning_rate,
        "warmup_steps": warmup_steps, "rank": rank, "max_tokens_per_batch": batch_tokens,
        "accumulation": accumulation, "max_length": max_length, "examples": examples,
        "dev_examples": dev_examples, "show_labels_share": show_labels,
        "label_lists": label_lists, "held_out": _held_out(held_out, data), "sampling": sampling,
        "loss_vocabulary": loss_vocabulary, "dtype": dtype, "device": device,
        "checkpointing": checkpointing, "seed": seed, "save_every": save_every,
        **_form(level, order),
    })  # fmt: skip
    config = TrainConfig(tuple(map(str, data)), str(out), base=model, **chosen)
    if estimate:
        _tell_estimate(config, json=json)
        return
    result = _run(config)
    if not result.writer:
        return
    print_json(result.to_dict()) if json else _show(result)
    if not result.finished:
        raise typer.Exit(_STOPPED)


def _held_out(labels: list[str] | None, data: list[Path]) -> tuple[str, ...] | None:
    """Return the labels that are left out, None where there are none.

    Raises InputError for one that no training record has.
    """
    if not labels:
        return None
    from pointline.corpus.store import read_dataset
    from pointline.errors import InputError
    from pointline.model.labellists import labels_of

    known = {label for path in data for r in read_dataset(path).train for label in labels_of(r)}
    for label in labels:
        if label not in known:
            raise InputError(f"--held-out {label!r}: no training record has that label")
    return tuple(labels)


def _form(level: str | None, order: str | None) -> dict[str, Any]:
    """Return the settings that say what is learned, None where the mix format is."""
    from pointline.errors import InputError
    from pointline.model.form import Form, Level, Order

    asked = Level(level or "both")
    if order is None:
        return {"level": asked}
    if asked is not Level.BOTH:
        raise InputError(f"--order is of completions with both levels, not of --level {level}")
    return {"form": Form(asked, order=Order(order))}


def _run(config: TrainConfig) -> TrainResult:
    from pointline.model.train import train as run

    with show.progress("loading") as advance:

        def loading(what: str, share: float) -> None:
            advance(round(1000 * share), 1000, what)

        def stepped(point: Point) -> None:
            speed = f"{point.tokens_per_second:.0f} t/s{_gigabytes(point.memory, ', ')}"
            stage = f"epoch {point.epoch}, loss {point.loss:.3f}, {speed}"
            advance(point.step, point.steps, stage)

        return run(config, progress=stepped, loading=loading)


def _gigabytes(memory: int | None, before: str) -> str:
    return "" if memory is None else f"{before}{memory / 1e9:.1f} GB"


def _show(result: TrainResult) -> None:
    if result.model is None:
        at = f"step {result.step} of {result.steps}"
        show.say(f"stopped at {at}: run the same command again to go on", to=show.errors)
        return
    _draw(result.folder)
    rows = [
        (f"{entry['epoch']}", name, *(_percent(scores.get(key)) for key in ("tl", "wl", "all")))
        for entry in result.history
        for name, scores in entry.get("scores", {}).items()
    ]
    if rows:
        show.put(show.table(("epoch", "dev set", "TL", "WL", "ALL"), rows))
    speed = f" ({result.tokens_per_second:.0f} a second)" if result.tokens_per_second else ""
    memory = _gigabytes(result.peak_memory, ", at most ")
    show.say(f"{result.tokens:,} tokens{speed} in {result.seconds:.0f} s{memory} -> {result.model}")


def _tell_estimate(config: TrainConfig, *, json: bool) -> None:
    from pointline.model.estimate import estimate_run

    found = estimate_run(config)
    if json:
        print_json([one.to_dict() for one in found])
        return
    columns = ("machine", "weights", "optimizer", "activations", "logits", "together", "time")
    show.put(show.table(columns, map(_row, found)))
    show.say("computed, not measured: what is counted and assumed is in docs/training.md")


def _row(found: Estimate) -> tuple[str, ...]:
    parts = (found.weights, found.optimizer, found.activations, found.logits, found.memory)
    sizes = [f"{size / 1e9:.1f} GB" for size in parts]
    if not found.fits:
        sizes[-1] += f" of {found.available / 1e9:.0f}: too much"
    return (found.machine, *sizes, f"{found.seconds / 3600:.2g} h")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.2f}"


def _draw(folder: Path) -> None:
    """Draw the curves beside their CSV, where matplotlib is installed."""
    from pointline.errors import MissingExtra
    from pointline.study import plots

    try:
        plots.training_curves(folder / "curves.csv")
    except MissingExtra as missing:
        show.say(f"no picture of the curves: {missing}", to=show.errors)
