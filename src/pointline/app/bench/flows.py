"""The tables of the studies of flow: ratios to chance, real knockouts, beside the ablation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pointline.app.bench.cells import Cells

__all__ = ["FLOWS"]

#: The models of `benchmarks/publish_flow.py`, in the order of the columns.
_MODELS: Mapping[str, str] = {
    "raw": "raw",
    "adapter": "version 1",
    "own": "trained on it",
}
_DIRECTIONS: Mapping[str, str] = {
    "items-to-label": "items → label",
    "label-to-items": "label → items",
}
_QUANTITIES = ("S_wp", "S_pq")
_NUMBERS: Mapping[str, str] = {
    "ratio": "S_pq ÷ null",
    "estimate": "estimated cut",
    "knockout": "real cut",
}


def _studies(told: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield direction, model and study, in the order of the tables."""
    found = {(one["direction"], one["model"]): one for one in told.get("studies", ())}
    for direction in _DIRECTIONS:
        for model in _MODELS:
            if (direction, model) in found:
                yield direction, model, found[direction, model]


def _ratios(told: Any, *, direction: str) -> Cells:
    """Yield for each dataset S_wp and S_pq over chance, and layers outside its band, by model."""
    yield ("dataset", *(f"{name} ÷ null, {of}" for name in _QUANTITIES for of in _MODELS.values()))
    found = {model: one["datasets"] for which, model, one in _studies(told) if which == direction}
    for name in _named(found.values()):
        rows = [found.get(model, {}).get(name) for model in _MODELS]
        cells = (_ratio(row, at) for at in range(len(_QUANTITIES)) for row in rows)
        yield (f"`{name}`", *cells)


def _ratio(row: Mapping[str, Any] | None, at: int) -> str:
    if row is None:
        return "–"
    return f"{row['ratio'][at]:.2f} ({row['above'][at]}+ {row['below'][at]}−)"


def _named(found: Any) -> list[str]:
    return list(dict.fromkeys(name for datasets in found for name in datasets))


def _cuts(told: Any) -> Cells:
    """Yield what cutting the edges in all layers did to the loss, the random set's beside."""
    yield ("direction", "dataset", "samples", *(
        head for edge in ("text → information", "information → target")
        for head in (edge, "as many others")
    ))  # fmt: skip
    for direction, _, study in _studies(told):
        for name, row in study["datasets"].items():
            if cut := row.get("knockout"):
                cells = (_change(cut, at) for at in (0, 2, 1, 3))
                yield (_DIRECTIONS[direction], f"`{name}`", str(cut["samples"]), *cells)


def _change(cut: Mapping[str, Sequence[float]], at: int) -> str:
    value, low, high = (cut[part][at] for part in ("change", "low", "high"))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")


def _beside(told: Any) -> Cells:
    """Yield Spearman's correlations with the ablation's differences, a row each."""
    yield ("direction", "model", "number of the flow", "datasets", "Spearman", "p")
    for direction, model, study in _studies(told):
        for one in study["correlations"]:
            low, high = one["interval"]
            rho = f"{one['rho']:+.2f} [{low:+.2f}, {high:+.2f}]".replace("-", "−")
            who = (_DIRECTIONS[direction], _MODELS[model], _NUMBERS[one["number"]])
            yield (*who, str(len(one["pairs"])), rho, f"{one['p']:.2f}")


_FILE = "flow/flow.json"

#: These tables, as `tables.TABLES` holds them.
FLOWS: Mapping[str, tuple[str, Callable[[Any], Cells]]] = {
    **{
        f"flow {direction}": (_FILE, partial(_ratios, direction=direction))
        for direction in _DIRECTIONS
    },
    "flow cuts": (_FILE, _cuts),
    "flow ablation": (_FILE, _beside),
}
