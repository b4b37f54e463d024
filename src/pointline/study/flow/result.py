"""A flow study, read: curves, nulls and knockouts of each dataset, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import InputError
from pointline.format.tasks import Task, from_dict
from pointline.model.runfolder import RunFolder
from pointline.study.flow.correlation import spearman
from pointline.study.flow.curves import Curves, curves
from pointline.study.flow.knockout import CUTS, CUTS_BEFORE
from pointline.study.flow.parts import Measured, Parts
from pointline.study.flow.run import CONFIG, DATASETS, KNOCKOUT, KNOCKOUT_BEFORE, MODEL, RANDOM
from pointline.study.flow.settings import FlowConfig

if TYPE_CHECKING:
    from pointline.study.flow.parts import Array

__all__ = ["Findings", "FlowResult", "FlowStudy", "Knocked", "read_flow"]


@dataclass(frozen=True, slots=True)
class Knocked:
    """What real knockouts did: mean change of the loss in nats, [windows, cuts], and its interval.

    `other` is the share of samples whose likeliest answer became another; `cuts` names what was
    cut, the controls last (`knockout.CUTS`; `CUTS_BEFORE` in a folder of an earlier version).
    """

    cuts: tuple[str, ...]
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
        knocked=_knocked(folder / name, config.seed),
        shown=tuple(sorted((folder / name / "maps").glob("[0-9]*.npz"))),
    )


def _knocked(folder: Path, seed: int) -> Knocked | None:
    import numpy as np

    cuts, found = CUTS, Parts(folder / KNOCKOUT).read()
    if not found:
        cuts, found = CUTS_BEFORE, Parts(folder / KNOCKOUT_BEFORE).read()
    if not found:
        return None
    change = found["change"]
    count = len(change)
    picks = np.random.default_rng(seed).integers(0, count, (1000, count))
    drawn = np.stack([change[pick].mean(0) for pick in picks])
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    windows = tuple((int(first), int(last)) for first, last in found["windows"][0])
    return Knocked(cuts, windows, count, change.mean(0), low, high, found["other"].mean(0))


def _median(values: Array) -> float:
    import numpy as np

    return float(np.median(values)) if values.size else 0.0
