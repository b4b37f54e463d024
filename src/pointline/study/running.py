"""One run of a study: a model is trained, tested, and what came of it is written down.

The model is trained in `training/` within the run's folder (`model.train`), the test appends to
`predictions.jsonl`, and `metrics.json` comes last: a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.corpus import store
from pointline.errors import InputError
from pointline.format import tasks
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.form import Level
from pointline.model.runfolder import RunFolder
from pointline.score.match import score
from pointline.study.ablation import train_folder
from pointline.study.condition import CONDITIONS, Condition
from pointline.study.crossfit import crossfit
from pointline.study.design import Design, training
from pointline.study.plan import PlannedRun, run_id
from pointline.study.results import (
    CURVES,
    GIVEN,
    METRICS,
    PREDICTIONS,
    TASKS,
    metrics_of,
    read_plan,
    run_folder,
)
from pointline.study.testing import annotated, predictions
from pointline.version import __version__

if TYPE_CHECKING:
    from pointline.model.train import TrainResult

__all__ = ["Told", "execute"]

#: Told how far a run is: its tokens so far, and what it is at.
Told = Callable[[int, str], None]

_TRAINING = "training"
_TOKENIZERS: dict[str, Any] = {}  # one for all runs of a process: its guide takes seconds to build
_CROSSFIT = "crossfit"


@dataclass(frozen=True, slots=True)
class _Work:
    """What a run works with."""

    folder: Path
    run: PlannedRun
    design: Design
    device: str | None

    @property
    def how(self) -> Condition:
        return self.design.condition(self.run.condition)

    @property
    def place(self) -> Path:
        return run_folder(self.folder, self.run)

    def of(self, condition: str) -> Path:
        """Return the folder of the run of another condition, same dataset and seed."""
        return self.folder / "runs" / run_id(self.run.dataset, condition, self.run.seed)


def execute(
    folder: Path,
    run: PlannedRun,
    *,
    device: str | None = None,
    keep_models: bool = False,
    told: Told | None = None,
) -> bool:
    """Do one run of the study in `folder`, or what is left of it; say whether it is finished.

    It is not where it was interrupted (Ctrl-C). The runs that it needs have to be finished.
    `keep_models` keeps the trained model, which is removed otherwise as soon as no run needs it.

    Raises InputError where another process works on the run, and as training and extraction do.
    """
    if metrics_of(folder, run) is not None:
        return True
    work = _Work(folder, run, Design.from_dict(read_plan(folder).settings), device)
    place = RunFolder(work.place)
    place.path.mkdir(parents=True, exist_ok=True)
    with place.held():
        place.write("config.json", _config(work))
        trained = None if work.how.model else _train(work, told)
        if not work.how.model and not (trained and trained.finished):
            return False
        metrics = {"finished": True, **_trained(trained), **_test(work, told)}
        for name in (CURVES, "log.jsonl") if trained else ():
            shutil.copyfile(work.place / _TRAINING / name, work.place / name)
        place.write(METRICS, metrics)
    if not keep_models:
        _forget(work)
    return True


def _config(work: _Work) -> dict[str, Any]:
    return {
        "id": work.run.id,
        "dataset": work.run.dataset,
        "condition": work.run.condition,
        "seed": work.run.seed,
        "design": work.design.to_dict() | {"seeds": None, "conditions": None},  # may grow
        "pointline": __version__,
    }


# ---------------------------------------------------------------- training


def _train(work: _Work, told: Told | None) -> TrainResult | None:
    """Train the run's model; None where what it is shown in training was interrupted."""
    from pointline.model.train import Point, train

    run, design, how = work.run, work.design, work.how
    data = train_folder(work.folder, run.dataset, run.seed)
    config = training(design, how, data, work.place / _TRAINING, seed=run.seed, device=work.device)

    def stepped(point: Point) -> None:
        if told:
            stage = f"{run.id}: loss {point.loss:.3f}, {point.tokens_per_second:.0f} tokens/s"
            told(run.tokens[0] * point.step // point.steps, stage)

    if how.source:
        place = work.place / _CROSSFIT
        shown = crossfit(
            design, CONDITIONS[how.source], data, place, seed=run.seed, device=work.device
        )
        if shown is None:
            return None
        config = replace(config, given=str(shown))
    return train(config, progress=stepped)


def _trained(result: TrainResult | None) -> dict[str, Any]:
    """Return what the metrics say of a training; None where another run's model is tested."""
    if result is None:
        return {"training": None}
    return {
        "training": {
            "steps": result.steps,
            "tokens": result.tokens,
            "seconds": result.seconds,
            "tokens_per_second": round(result.tokens / max(result.seconds, 1e-9), 1),
            "loss": [entry["loss"] for entry in result.history],
        }
    }


# ---------------------------------------------------------------- test


def _test(work: _Work, told: Told | None) -> dict[str, Any]:
    """Predict every test record that is not yet predicted, and score them all."""
    task, gold = _gold(work)
    shown = _shown(work, gold)
    place = work.place / PREDICTIONS
    started, made = time.monotonic(), 0
    with store.Appender(place) as done:
        missing = [record for record in shown if record.id not in done]
        for prediction in _predicted(work, task, missing):
            done.add(prediction)
            made += 1
            if told:
                share = work.run.tokens[1] * len(done) // len(shown)
                told(work.run.tokens[0] + share, f"{work.run.id}: test {len(done)}/{len(shown)}")
    seconds = round(time.monotonic() - started, 3)
    report = score(gold, store.iter_records(place), tasks={task.name: task}, resamples=0)
    found = {"tl": report.tl.f1, "wl": report.wl.f1, "all": report.all}
    scores = {name: found[name] if name in work.how.scored else None for name in found}
    return {
        "scores": {**scores, "well_formed": report.well_formed},
        "test": {"records": len(gold), "made": made, "seconds": seconds},
    }


def _gold(work: _Work) -> tuple[Task, list[Record]]:
    told = RunFolder(work.folder / "gold").read(TASKS) or {}
    task = tasks.from_dict(told[work.run.dataset])
    records = store.read_records(work.folder / "gold" / f"{work.run.dataset}.jsonl")
    return task, [replace(record, task=task.name) for record in records]


def _shown(work: _Work, gold: Sequence[Record]) -> list[Record]:
    """Return the test records with the annotation that is shown: gold, or what a model said."""
    if not work.how.source:
        return list(gold)
    said = {
        record.id: record for record in store.iter_records(work.of(work.how.source) / PREDICTIONS)
    }
    level = work.how.given or Level.TEXT
    shown = [annotated(record, said[record.id], level) for record in gold]
    store.write_records(work.place / GIVEN, shown)
    return shown


def _predicted(work: _Work, task: Task, records: Sequence[Record]) -> Iterator[Record]:
    owner = work.of(work.how.model) if work.how.model else work.place
    trained = owner / _TRAINING
    if records and not trained.is_dir():
        raise InputError(
            f"{trained} is gone, and this run tests its model: remove {owner}, so that it is"
            " trained again"
        )
    form = work.how.form(work.design.template)
    return predictions(work.design, trained, form, task, records, device=work.device)


# ---------------------------------------------------------------- afterwards


def _forget(work: _Work) -> None:
    """Remove the models that no run of the plan needs any more: this one's, or those it needed."""
    plan = read_plan(work.folder)
    for run in plan.runs:
        if run.id != work.run.id and run.id not in work.run.needs:
            continue
        waiting = [other for other in plan.runs if run.id in other.needs]
        if all(metrics_of(work.folder, other) is not None for other in waiting):
            for name in (_TRAINING, _CROSSFIT):
                shutil.rmtree(run_folder(work.folder, run) / name, ignore_errors=True)
