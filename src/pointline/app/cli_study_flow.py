"""`pointline study flow`: how information flows inside a model, held against chance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pointline.app import show
from pointline.app.options import DataOption, DatasetFolders, Device, Dtype, Json, print_json
from pointline.corpus.manifest import dataset_folders
from pointline.errors import InputError, MissingExtra

if TYPE_CHECKING:
    from pointline.study.flow.correlation import Correlation
    from pointline.study.flow.result import FlowStudy
    from pointline.study.flow.settings import FlowConfig, Recipe

__all__ = ["app"]

app = typer.Typer()

_Direction = Annotated[
    Literal["items-to-label", "label-to-items"],
    typer.Option(help="Which level stands in the prompt, and which is asked for."),
]
_Recipe = Annotated[
    str, typer.Option(help="Settings to begin with: pointline, mre or anchors (the papers').")
]
_Prompt = Annotated[
    Literal["digits", "given", "joint"] | None,
    typer.Option(help="Numbered labels, or a form that models are trained on."),
]
_Template = Annotated[
    str | None, typer.Option(help="How the trained forms are written: pointline or paper.")
]
_Heads = Annotated[
    Literal["sum-then-abs", "abs-then-sum"] | None, typer.Option(help="How heads are joined.")
]
_Loss = Annotated[
    Literal["vocabulary", "label-set"] | None,
    typer.Option(help="Cross-entropy over all tokens, or over the labels' first tokens."),
]
_Source = Annotated[
    Literal["text", "all"] | None, typer.Option(help="Where S_wp comes from: text, or all before.")
]
_View = Annotated[
    Literal["means", "shares"] | None, typer.Option(help="What the page shows first.")
]
_Split = Annotated[Literal["train", "dev", "test"] | None, typer.Option(help="Of which records.")]
_Tokens = Annotated[int | None, typer.Option(min=1, help="Longer prompts are left out, never cut.")]
_Draws = Annotated[int | None, typer.Option(min=1, help="Random sets of positions in the null.")]
_Random = Annotated[int | None, typer.Option(min=0, help="Models of random weights beside it.")]
_Knockout = Annotated[
    int | None,
    typer.Option(min=0, help="Cut edges in earnest in windows of so many layers; 0: do not."),
]
_KnockoutSamples = Annotated[int | None, typer.Option(min=1, help="Samples that are cut, at most.")]
_Maps = Annotated[int | None, typer.Option(min=0, help="Samples of each dataset that are shown.")]
_BatchTokens = Annotated[int, typer.Option(min=1, help="Tokens in a batch, padding included.")]


@app.command()
def flow(
    out: Annotated[Path, typer.Option(help="The study's folder; run again to go on.")],
    direction: _Direction,
    folders: DatasetFolders = None,
    data: DataOption = None,
    model: Annotated[str, typer.Option("--model", "-m", help="The model.")] = "gemma3-270m",
    adapter: Annotated[str | None, typer.Option(help="A LoRA folder; none if absent.")] = None,
    recipe: _Recipe = "pointline",
    prompt: _Prompt = None,
    template: _Template = None,
    heads: _Heads = None,
    loss: _Loss = None,
    source: _Source = None,
    view: _View = None,
    split: _Split = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Records of each dataset.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is drawn.")] = None,
    max_tokens: _Tokens = None,
    draws: _Draws = None,
    random_models: _Random = None,
    random_samples: Annotated[
        int | None, typer.Option(min=1, help="Records that those are given, at most.")
    ] = None,
    knockout: _Knockout = None,
    knockout_samples: _KnockoutSamples = None,
    maps: _Maps = None,
    dtype: Dtype = "auto",
    device: Device = None,
    batch_tokens: _BatchTokens = 1024,
    checkpointing: Annotated[bool, typer.Option(help="Trade time for memory.")] = False,
    figures: Annotated[bool, typer.Option(help="Draw the pictures.")] = True,
    json: Json = False,
) -> None:
    """Measure attention times gradient by layer, with null models beside every curve.

    Example: pointline study flow --data data/scnm-ja --direction items-to-label --out studies/flow
    """
    from pointline.study.flow.run import Engine, run

    given = {
        "prompt": prompt, "template": template, "heads": heads, "loss": loss, "source": source,
        "view": view, "split": split, "samples": samples, "seed": seed, "max_tokens": max_tokens,
        "draws": draws, "random_models": random_models, "random_samples": random_samples,
        "knockout": knockout, "knockout_samples": knockout_samples, "maps": maps,
    }  # fmt: skip
    chosen = _recipe(recipe)
    config = _config(chosen, direction, given)
    engine = Engine(dtype, device, batch_tokens, checkpointing)
    found = _of_families(dataset_folders([*(data or ()), *(folders or ())]), chosen)
    if chosen.training:
        show.say(_trained_before(chosen), to=show.errors)
    with show.progress("loading") as advance:
        run(
            found, config, out=out, model=model, adapter=adapter, engine=engine, progress=advance,
            tell=partial(show.say, to=show.errors), spare_knockouts=knockout is None,
        )  # fmt: skip
    study = _write(out, figures=figures)
    print_json(_told(study)) if json else _show(study)


@app.command("flow-ablation")
def flow_ablation(
    flow: Annotated[list[Path], typer.Argument(help="Folders of flow studies, of one direction.")],
    report: Annotated[Path, typer.Option(help="The report of an ablation: its CSV or JSON file.")],
    number: Annotated[
        Literal["ratio", "estimate", "knockout"],
        typer.Option(help="S_pq over its null, the estimated, or the real effect of a knockout."),
    ] = "ratio",
    circular: Annotated[
        bool, typer.Option("--circular", help="Also datasets whose label was made from the items.")
    ] = False,
    json: Json = False,
) -> None:
    """Say whether flow predicts where the other level helps: rank correlation over datasets.

    Example: pointline study flow-ablation studies/flow --report studies/mre/report/report.json
    """
    from pointline.study.flow.against import against

    found = against(flow, report, number=number, circular=circular)
    print_json(_correlation(found)) if json else _show_correlation(found, number)


# ---------------------------------------------------------------- what was typed


def _recipe(name: str) -> Recipe:
    from pointline.study.flow.settings import RECIPES

    if name not in RECIPES:
        raise InputError(f"--recipe is one of {', '.join(RECIPES)}, got {name!r}")
    return RECIPES[name]


def _trained_before(recipe: Recipe) -> str:
    """Return which training came before in the paper, as a command."""
    told = {name.replace("_", "-"): value for name, value in (recipe.training or {}).items()}
    options = " ".join(f"--{name} {value}" for name, value in told.items())
    return (
        f"recipe {recipe.name}: the paper trained its model before, as pointline train DATA"
        f" --out RUN {options} does; then --model RUN"
    )


def _config(recipe: Recipe, direction: Any, given: dict[str, Any]) -> FlowConfig:
    from dataclasses import replace

    told = {name: value for name, value in given.items() if value is not None}
    return replace(recipe.config(direction), **told)


def _of_families(folders: Sequence[Path], recipe: Recipe) -> list[Path]:
    """Return the folders of the families that a recipe is for, and say which are not."""
    from pointline.corpus import store

    if not recipe.families:
        return list(folders)
    kept: list[Path] = []
    other: list[Path] = []
    for folder in folders:
        task = store.read_dataset(folder).task
        family = task.family.removeprefix("open-")
        (kept if family in recipe.families else other).append(folder)
    if not kept:
        raise InputError(f"no dataset of the recipe's families: {', '.join(recipe.families)}")
    if other:
        names = ", ".join(folder.name for folder in other)
        show.say(f"not in the recipe, left out: {names}", to=show.errors)
    return kept


# ---------------------------------------------------------------- what is shown


def _write(out: Path, *, figures: bool) -> FlowStudy:
    """Write tables, page and pictures of what was measured."""
    from pointline.study.flow.page import write_page
    from pointline.study.flow.result import read_flow
    from pointline.study.flow.tables import write_tables

    study = read_flow(out)
    write_tables(study)
    write_page(study)
    if figures:
        _draw(study)
    return study


def _draw(study: FlowStudy) -> None:
    from pointline.study.flow.gallery import draw

    try:
        drawn = draw(study)
    except MissingExtra as missing:
        show.say(f"no pictures: {missing}", to=show.errors)
        return
    missing_chars = "".join(sorted({char for one in drawn for char in one.missing}))
    if missing_chars:
        show.say(f"warning: no font here has {' '.join(missing_chars)}", to=show.errors)


def _told(study: FlowStudy) -> dict[str, Any]:
    from dataclasses import asdict

    from pointline.study.flow.words import conclusions

    return {
        "folder": str(study.folder),
        "config": study.config.to_dict(),
        "model": study.model,
        "adapter": study.adapter,
        "datasets": {
            name: asdict(result.findings)
            | {
                "samples": result.curves.samples,
                "left_out": dict(result.facts["left_out"]),
                "conclusions": list(conclusions(result)),
            }
            for name, result in study.results.items()
        },
    }


def _show(study: FlowStudy) -> None:
    rows = []
    for name, result in study.results.items():
        found = result.findings
        random = "" if found.like_random is None else f"{found.like_random:.2f}"
        sides = zip(found.ratio, found.above, found.below, strict=True)
        flows = (f"{ratio:.2f} {above}+ {below}-" for ratio, above, below in sides)
        numbers = (f"{found.right:.0%}", *flows, f"{found.like_null:.2f}", random)
        rows.append((name, f"{result.curves.samples}", *numbers))
    headers = ("dataset", "samples", "right", "S_wp / null", "S_pq / null", "~ null", "~ random")
    show.put(show.table(headers, rows))
    layers = next(iter(study.results.values())).findings.layers
    show.say(f"+ and -: layers of {layers} above and below the band of random positions")
    show.say("~: Spearman over layers of the share of S_pq with that of random positions, weights")
    show.say(f"-> {study.folder / 'index.html'}")


def _correlation(found: Correlation) -> dict[str, Any]:
    return {
        "rho": found.rho,
        "interval": [found.interval.low, found.interval.high],
        "p": found.p,
        "datasets": {name: list(pair) for name, pair in found.pairs.items()},
    }


def _show_correlation(found: Correlation, number: str) -> None:
    rows = [(name, f"{a:.4f}", f"{b:+.2f}") for name, (a, b) in found.pairs.items()]
    show.put(show.table(("dataset", number, "F1 with - without"), rows))
    low, high = found.interval.low, found.interval.high
    show.say(f"Spearman {found.rho:+.2f} (95 % {low:+.2f} to {high:+.2f}), p = {found.p:.3f}")
