"""`pointline train`: fine-tune a base model on datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pointline.app import show
from pointline.app.options import Device, Json, print_json

if TYPE_CHECKING:
    from pointline.model.settings import TrainConfig
    from pointline.model.train import Point, TrainResult

__all__ = ["train"]

_STOPPED = 130  # what shells say of a program that was interrupted

_Method = Annotated[
    Literal["lora", "full"], typer.Option(help="Adapt every linear layer, or train all weights.")
]
_Rate = Annotated[
    float, typer.Option(help="The highest learning rate; 0: 5e-4 for lora, 2e-5 for full.")
]
_BatchTokens = Annotated[int, typer.Option(min=1, help="Tokens in a batch, padding included.")]
_MaxLength = Annotated[int, typer.Option(min=1, help="Longer examples are refused, never cut.")]
_Examples = Annotated[
    int | None, typer.Option(min=1, help="Training records of each dataset at most.")
]
_DevExamples = Annotated[
    int, typer.Option(min=0, help="Dev records of each dataset, scored after each epoch.")
]
_ShowLabels = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the prompts that list the labels.")
]
_Lists = Annotated[
    Literal["whole", "drawn"],
    typer.Option(help="Listed labels: the task's, or some, drawn for each record."),
]
_Sampling = Annotated[
    Literal["proportional", "root", "equal"],
    typer.Option(help="A dataset's share of an epoch: by its size, by the root of it, equal."),
]
_HeldOut = Annotated[
    list[str] | None,
    typer.Option(help="Leave out records that hold this label, of either level; repeatable."),
]
_Vocabulary = Annotated[
    Literal["full", "seen"], typer.Option(help="Softmax over all tokens, or those of the data.")
]
_Dtype = Annotated[Literal["auto", "float32", "bfloat16"], typer.Option(help="Type of numbers.")]


def train(
    data: Annotated[list[Path], typer.Argument(help="Dataset folders.")],
    out: Annotated[Path, typer.Option(help="The run folder; run again to go on.")],
    model: Annotated[str, typer.Option("--model", "-m", help="The base model.")] = "gemma3-270m",
    method: _Method = "lora",
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the data.")] = 2,
    learning_rate: _Rate = 0.0,
    rank: Annotated[int, typer.Option(min=1, help="Rank of LoRA; its alpha is twice that.")] = 16,
    batch_tokens: _BatchTokens = 2048,
    accumulation: Annotated[int, typer.Option(min=1, help="Batches in a step.")] = 1,
    max_length: _MaxLength = 1024,
    examples: _Examples = None,
    dev_examples: _DevExamples = 40,
    show_labels: _ShowLabels = 0.0,
    label_lists: _Lists = "whole",
    sampling: _Sampling = "proportional",
    held_out: _HeldOut = None,
    loss_vocabulary: _Vocabulary = "full",
    dtype: _Dtype = "auto",
    device: Device = None,
    checkpointing: Annotated[bool, typer.Option(help="Trade time for memory.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of everything that is drawn.")] = 0,
    save_every: Annotated[int, typer.Option(min=1, help="Steps between checkpoints.")] = 50,
    json: Json = False,
) -> None:
    """Fine-tune on the joint format; a killed run goes on from its last checkpoint.

    Example: pointline train data/scnm-en data/scnm-ja --out runs/scnm --epochs 2
    """
    from pointline.model.settings import TrainConfig

    config = TrainConfig(
        tuple(map(str, data)), str(out), base=model, method=method, epochs=epochs,
        learning_rate=learning_rate, rank=rank, max_tokens_per_batch=batch_tokens,
        accumulation=accumulation, max_length=max_length, examples=examples,
        dev_examples=dev_examples, show_labels_share=show_labels,
        label_lists=label_lists, sampling=sampling, held_out=tuple(held_out or ()),
        loss_vocabulary=loss_vocabulary, dtype=dtype, device=device,
        checkpointing=checkpointing, seed=seed, save_every=save_every,
    )  # fmt: skip
    result = _run(config)
    print_json(result.to_dict()) if json else _show(result)
    if not result.finished:
        raise typer.Exit(_STOPPED)


def _run(config: TrainConfig) -> TrainResult:
    from pointline.model.train import train as run

    with show.progress("loading") as advance:

        def loading(what: str, share: float) -> None:
            advance(round(1000 * share), 1000, what)

        def stepped(point: Point) -> None:
            stage = f"epoch {point.epoch}, loss {point.loss:.3f}, {point.tokens_per_second:.0f} t/s"
            advance(point.step, point.steps, stage)

        return run(config, progress=stepped, loading=loading)


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
        show.output.print(show.table(("epoch", "dev set", "TL", "WL", "ALL"), rows))
    show.say(f"{result.tokens:,} tokens in {result.seconds:.0f} s -> {result.model}")


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
