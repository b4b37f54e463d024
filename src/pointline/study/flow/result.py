"""A flow study, read: curves, nulls and knockouts of each dataset, and the files made of them."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError
from pointline.format.tasks import Task, from_dict
from pointline.model.runfolder import RunFolder
from pointline.study.flow.correlation import spearman
from pointline.study.flow.curves import QUANTITIES, Curves, curves
from pointline.study.flow.knockout import CUTS
from pointline.study.flow.parts import Measured, Parts, write_npz
from pointline.study.flow.prompt import Role
from pointline.study.flow.run import CONFIG, DATASETS, KNOCKOUT, MODEL, RANDOM
from pointline.study.flow.settings import FlowConfig

if TYPE_CHECKING:
    from pointline.study.flow.parts import Array

__all__ = ["Findings", "FlowResult", "FlowStudy", "Knocked", "read_flow", "write_tables"]


@dataclass(frozen=True, slots=True)
class Knocked:
    """What real knockouts did: mean change of the loss in nats, [windows, cuts], and its interval.

    `other` is the share of samples whose likeliest answer became another.
    """

    windows: tuple[tuple[int, int], ...]
    samples: int
    change: Array
    low: Array
    high: Array
    other: Array


@dataclass(frozen=True, slots=True)
class Findings:
    """What the controls say of a dataset's curves, in numbers.

    `above` and `below` are how many layers have S_wp and S_pq outside the null's 5 to 95 % band,
    `ratio` the median over layers of each over the null's mean; layers without any flow (S_wp in
    the last) are left out. `like_random` is Spearman's correlation over layers between the shares
    of S_pq and those of a model of random weights, `like_null` the same with random positions.
    """

    layers: int
    above: tuple[int, int]
    below: tuple[int, int]
    ratio: tuple[float, float]
    like_null: float
    like_random: float | None
    loss: float
    right: float


@dataclass(frozen=True, slots=True)
class FlowResult:
    """A dataset's part of a study; `random` are the curves of models of random weights."""

    name: str
    task: Task
    facts: Mapping[str, Any]
    measured: Measured
    curves: Curves
    random: tuple[Curves, ...]
    knocked: Knocked | None
    shown: tuple[Path, ...]

    @property
    def findings(self) -> Findings:
        """What the controls say."""
        import numpy as np

        found, means = self.curves, self.curves.means.middle[:2]
        null, ratio = self.curves.null_means, self.curves.ratio.middle
        alive = null.middle[:2] > 0
        above = (means > null.high[:2]) & alive
        below = (means < null.low[:2]) & alive
        like = None
        if self.random:
            shares = np.mean([one.shares.middle[1] for one in self.random], axis=0)
            like = spearman(found.shares.middle[1], shares)
        return Findings(
            layers=len(found.layers),
            above=(int(above[0].sum()), int(above[1].sum())),
            below=(int(below[0].sum()), int(below[1].sum())),
            ratio=(_median(ratio[0][alive[0]]), _median(ratio[1][alive[1]])),
            like_null=spearman(found.shares.middle[1], found.null_shares.middle[1]),
            like_random=like,
            loss=float(self.measured.loss.mean()),
            right=float(self.measured.right.mean()),
        )


@dataclass(frozen=True, slots=True)
class FlowStudy:
    """A study's folder, read; datasets that nothing was measured of yet are not in it."""

    folder: Path
    config: FlowConfig
    model: str
    adapter: str | None
    results: Mapping[str, FlowResult]


def read_flow(folder: str | Path) -> FlowStudy:
    """Return the study that a folder holds, as far as it has come.

    Raises InputError for a folder that holds no flow study.
    """
    files = RunFolder(Path(folder))
    told, datasets = files.read(CONFIG), files.read(DATASETS)
    if told is None or "flow" not in told or datasets is None:
        raise InputError(f"{folder} holds no flow study: pointline study flow writes one")
    config = FlowConfig.from_dict(told["flow"])
    found = {
        name: result
        for name, facts in datasets.items()
        if (result := _result(files.path, name, facts, config))
    }
    if not found:
        raise InputError(f"{folder}: nothing is measured yet: run the study again")
    return FlowStudy(files.path, config, told["model"], told["adapter"], found)


def _result(
    folder: Path, name: str, facts: Mapping[str, Any], config: FlowConfig
) -> FlowResult | None:
    measured = Parts(folder / name / MODEL).measured()
    if measured is None:
        return None
    blank = (
        Parts(folder / name / f"{RANDOM}-{number}").measured()
        for number in range(config.random_models)
    )
    return FlowResult(
        name=name,
        task=from_dict(facts["task"]),
        facts=facts,
        measured=measured,
        curves=curves(measured, config.source, seed=config.seed),
        random=tuple(curves(one, config.source, seed=config.seed) for one in blank if one),
        knocked=_knocked(Parts(folder / name / KNOCKOUT), config.seed),
        shown=tuple(sorted((folder / name / "maps").glob("[0-9]*.npz"))),
    )


def _knocked(parts: Parts, seed: int) -> Knocked | None:
    import numpy as np

    found = parts.read()
    if not found:
        return None
    change = found["change"]
    count = len(change)
    picks = np.random.default_rng(seed).integers(0, count, (1000, count))
    drawn = np.stack([change[pick].mean(0) for pick in picks])
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    windows = tuple((int(first), int(last)) for first, last in found["windows"][0])
    return Knocked(windows, count, change.mean(0), low, high, found["other"].mean(0))


def _median(values: Array) -> float:
    import numpy as np

    return float(np.median(values)) if values.size else 0.0


# ---------------------------------------------------------------- tables


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
        found = result.curves
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
                row["reached"] = _reached(result.measured, number, at)
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


def _reached(measured: Measured, number: int, at: int) -> float:
    """Return the share of a quantity's pairs that the layer's mask lets see each other."""
    import numpy as np

    cells = ((Role.INFO, Role.TEXT), (Role.TARGET, Role.INFO))
    if number < len(cells):
        to, source = cells[number]
        part, whole = measured.reached[:, at, to, source], measured.pairs[:, to, source]
    else:
        part, whole = measured.reached[:, at].sum((-1, -2)), measured.pairs.sum((-1, -2))
    return float(np.mean(part / np.maximum(whole, 1)))


def _knocked_rows(study: FlowStudy) -> Iterator[dict[str, object]]:
    for name, result in study.results.items():
        found = result.knocked
        for at, (first, last) in enumerate(found.windows if found else ()):
            assert found is not None
            for cut, title in enumerate(CUTS):
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
