"""A study's numbers as files: CSV for curves and knockouts, NPZ for every sample."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.study.flow.curves import QUANTITIES, Curves, edges
from pointline.study.flow.parts import Measured, write_npz
from pointline.study.flow.prompt import Role
from pointline.study.flow.result import FlowStudy
from pointline.study.flow.settings import Source

if TYPE_CHECKING:
    from pointline.study.flow.parts import Array

__all__ = ["write_tables"]


def write_tables(study: FlowStudy) -> tuple[Path, ...]:
    """Write curves.csv, knockout.csv where there are knockouts, and the samples' numbers as NPZ."""
    files = [study.folder / "curves.csv"]
    _write(files[0], _curve_rows(study))
    knocked = list(_knocked_rows(study))
    if knocked:
        files.append(study.folder / "knockout.csv")
        _write(files[-1], iter(knocked))
    for name, result in study.results.items():
        files.append(study.folder / name / "samples.npz")
        write_npz(files[-1], _arrays(result.measured))
    return tuple(files)


def _arrays(measured: Measured) -> dict[str, Any]:
    import numpy as np

    names = ("table", "reached", "pairs", "null", "null_pairs", "estimate", "loss", "right")
    arrays = {name: getattr(measured, name).astype(np.float32) for name in names}
    roles = np.array([role.name for role in Role])
    return {"ids": np.array(measured.ids), "layers": np.array(measured.layers), "roles": roles} | (
        arrays
    )


def _curve_rows(study: FlowStudy) -> Iterator[dict[str, object]]:
    for name, result in study.results.items():
        found, reached = result.curves, _reached(result.measured, study.config.source)
        for number, quantity in enumerate(QUANTITIES):
            for at, layer in enumerate(found.layers):
                row: dict[str, object] = {"dataset": name, "quantity": quantity, "layer": layer}
                bands = {
                    "mean": found.means,
                    "share": found.shares,
                    "null_mean": found.null_means,
                    "null_share": found.null_shares,
                }
                for title, band in bands.items():
                    row |= _cells(title, band.middle, band.low, band.high, (number, at))
                row["ratio"] = float(found.ratio.middle[number, at])
                for title in ("means", "shares"):
                    row[f"random_{title[:-1]}"] = _random(result.random, title, (number, at))
                if number < len(found.estimate.middle):
                    effect = found.estimate
                    row |= _cells("estimate", effect.middle, effect.low, effect.high, (number, at))
                row["reached"] = float(reached[number, at])
                yield row


def _cells(
    title: str, middle: Array, low: Array, high: Array, place: tuple[int, int]
) -> dict[str, object]:
    parts = {title: middle, f"{title}_low": low, f"{title}_high": high}
    return {name: float(values[place]) for name, values in parts.items()}


def _random(random: Sequence[Curves], title: str, place: tuple[int, int]) -> float | str:
    if not random:
        return ""
    return float(sum(getattr(one, title).middle[place] for one in random) / len(random))


def _reached(measured: Measured, source: Source) -> Array:
    """Return the share of each quantity's pairs that the layer's mask lets see each other, [3, L].

    It is the mean over samples.
    """
    import numpy as np

    seen, whole = _three(measured.reached, source), _three(measured.pairs[:, None], source)
    shares: Array = (seen / np.maximum(whole, 1)).mean(0).T
    return shares


def _three(table: Array, source: Source) -> Array:
    """Return how many pairs of a table S_wp, S_pq and S_ww are of, [..., 3]."""
    import numpy as np

    two = edges(table, source)
    rest = table.sum((-1, -2)) - two.sum(-1)
    return np.concatenate([two, rest[..., None]], axis=-1)


def _knocked_rows(study: FlowStudy) -> Iterator[dict[str, object]]:
    for name, result in study.results.items():
        found = result.knocked
        for at, (first, last) in enumerate(found.windows if found else ()):
            assert found is not None
            for cut, title in enumerate(found.cuts):
                row: dict[str, object] = {"dataset": name, "first": first, "last": last}
                row |= {"cut": title, "samples": found.samples}
                row |= _cells("change", found.change, found.low, found.high, (at, cut))
                row["other_answer"] = float(found.other[at, cut])
                yield row


def _write(path: Path, rows: Iterator[dict[str, object]]) -> None:
    kept = list(rows)
    columns = list(dict.fromkeys(key for row in kept for key in row))
    work = path.with_name(f".{path.name}.partial")
    with work.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    work.replace(path)
