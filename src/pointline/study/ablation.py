"""The ablation: from a design and datasets to the plan of its runs, written before the first.

For each dataset and seed, records to learn from are drawn, and every condition learns from the
same ones: same first weights, same batches in the same order, same number of steps. The records
to test on are the same for all. A record that is too long in one of the forms is left out of all
of them, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pointline.corpus import store
from pointline.corpus.manifest import read_manifest, refuse_namesakes
from pointline.errors import InputError
from pointline.format.tasks import Task
from pointline.model.backbone import load
from pointline.model.embedded import Progress
from pointline.model.runfolder import RunFolder
from pointline.study.condition import CONDITIONS
from pointline.study.design import Design
from pointline.study.drawing import Drawer, Drawn, digests
from pointline.study.plan import Plan, PlannedRun, run_id
from pointline.study.results import PLAN, TASKS, read_plan

__all__ = ["plan_study", "train_folder"]

_MORE = ("seeds", "conditions")  # of these a study may be given more
_DRAWN = {"gold", "train"}  # written before the plan: a kill may leave them without one


class _Draw(NamedTuple):
    """What was drawn of a dataset for a seed."""

    path: Path
    seed: int
    task: Task
    train: Drawn
    test: Drawn

    @property
    def name(self) -> str:
        return self.path.name


def plan_study(
    folder: Path,
    data: Sequence[Path],
    design: Design,
    *,
    loading: Progress | None = None,
    write: bool = True,
) -> Plan:
    """Return the plan of a study; write it, and the records that it draws, into the folder.

    A study that is there may be given more datasets, seeds and conditions; its runs stay.
    `write=False` leaves the folder as it is.

    Raises InputError where the folder holds a study of other settings, or none, or a dataset
    has changed since or has no records; PreflightError where one must not be trained on.
    """
    data = [path.resolve() for path in data]
    if not data:
        raise InputError("a study needs a dataset folder, or several")
    refuse_namesakes(data)
    before = _before(folder, design)
    facts = {} if before is None else dict(before.datasets)
    for path in data:
        _settle(path, facts)
    draws = list(_draws(data, design, facts, loading))
    plan = _merged(before, design, data, facts, draws)
    if write:
        known = () if before is None else before.datasets
        _write(folder, plan, draws, gold=[draw for draw in draws if draw.name not in known])
    return plan


def train_folder(folder: Path, dataset: str, seed: int) -> Path:
    """Return the folder of the records that the runs of a seed learn from."""
    return folder / "train" / f"{dataset}.{seed}"


# ---------------------------------------------------------------- what is there already


def _before(folder: Path, design: Design) -> Plan | None:
    """Return the plan that the folder holds, with the settings of this design."""
    if not (folder / PLAN).is_file():
        held = sorted({path.name for path in folder.glob("[!.]*")} - _DRAWN)
        if held:
            raise InputError(f"{folder} is not empty and holds no study ({held[0]}): give another")
        return None
    plan = read_plan(folder)
    told, begun = design.to_dict(), Design.from_dict(plan.settings).to_dict()
    changed = sorted(key for key in told if key not in _MORE and told[key] != begun[key])
    if changed:
        raise InputError(
            f"{folder} holds a study with another {', '.join(changed)}: give another folder, or"
            " the settings that it was begun with"
        )
    return plan


def _settle(path: Path, facts: dict[str, Mapping[str, Any]]) -> None:
    """Note a dataset's digests, or hold them against those that the study was begun with."""
    found = digests(path)
    if path.name not in facts:
        facts[path.name] = {"folder": str(path), "sha256": found}
    elif facts[path.name]["sha256"] != found:
        raise InputError(f"{path} has changed since the study was begun: give another folder")


# ---------------------------------------------------------------- what is new


def _draws(
    data: Sequence[Path],
    design: Design,
    facts: Mapping[str, Mapping[str, Any]],
    loading: Progress | None,
) -> Iterator[_Draw]:
    """Yield what has to be drawn: the model is loaded if there is anything."""
    missing = [
        (path, seed)
        for seed in design.seeds
        for path in data
        if str(seed) not in facts[path.name].get("train", {})
    ]
    if not missing:
        return
    drawer = Drawer(design, load(design.model, device="cpu", progress=loading))
    for number, (path, seed) in enumerate(missing):
        if loading:
            loading(f"drawing {path.name}", number / len(missing))
        yield _Draw(path, seed, *drawer.draw(path, seed))


def _merged(
    before: Plan | None,
    design: Design,
    data: Sequence[Path],
    facts: dict[str, Mapping[str, Any]],
    draws: Sequence[_Draw],
) -> Plan:
    for draw in draws:
        facts[draw.name] = _facts(facts[draw.name], draw)
    runs = {} if before is None else {run.id: run for run in before.runs}
    for run in _runs(design, [path.name for path in data], facts):
        runs.setdefault(run.id, run)
    known = list(CONDITIONS)
    seeds = sorted({run.seed for run in runs.values()})
    names = sorted({run.condition for run in runs.values()}, key=known.index)
    settings = replace(design, seeds=tuple(seeds), conditions=tuple(names)).to_dict()
    places = list(facts)
    in_order = sorted(
        runs.values(),
        key=lambda run: (run.seed, places.index(run.dataset), known.index(run.condition)),
    )
    return Plan(settings, facts, tuple(in_order))


def _facts(told: Mapping[str, Any], draw: _Draw) -> dict[str, Any]:
    """Return what a plan says of a dataset, with what was drawn of it for one more seed."""
    train = {
        "records": len(draw.train.records),
        "left_out": dict(draw.train.left_out),
        "tokens": _by_condition(draw.train),
    }
    test = {
        "records": len(draw.test.records),
        "left_out": dict(draw.test.left_out),
        "tokens": _by_condition(draw.test),
    }
    seeds = {**told.get("train", {}), str(draw.seed): train}
    return {**told, "task": draw.task.name, "train": seeds, "test": test}


def _by_condition(drawn: Drawn) -> dict[str, int]:
    template = next(iter(drawn.tokens)).template
    return {name: drawn.tokens[found.form(template)] for name, found in CONDITIONS.items()}


def _runs(
    design: Design, names: Sequence[str], facts: Mapping[str, Mapping[str, Any]]
) -> Iterator[PlannedRun]:
    for seed in design.seeds:
        for name in names:
            train, test = facts[name]["train"][str(seed)], facts[name]["test"]
            for condition in design.conditions:
                how = design.condition(condition)
                learned = 0 if how.model else train["tokens"][condition]
                if how.source and not how.model:  # two halves of what the source learns
                    learned += train["tokens"][how.source]
                yield PlannedRun(
                    run_id(name, condition, seed),
                    name,
                    condition,
                    seed,
                    train["records"],
                    test["records"],
                    tuple(run_id(name, needed, seed) for needed in how.needs),
                    (learned * design.epochs, test["tokens"][condition]),
                )


# ---------------------------------------------------------------- the folder


def _write(folder: Path, plan: Plan, draws: Sequence[_Draw], *, gold: Sequence[_Draw]) -> None:
    """Write the records, then the plan that speaks of them."""
    tested = RunFolder(folder / "gold")
    tested.path.mkdir(parents=True, exist_ok=True)
    for draw in draws:
        licences = read_manifest(draw.path).get("licences", [])
        about = {"licences": licences, "drawn_from": draw.name, "seed": draw.seed}
        place = train_folder(folder, draw.name, draw.seed)
        splits = {"train": draw.train.records}
        store.write_dataset(place, draw.task, splits, about=about, replace=place.exists())
    told = tested.read(TASKS) or {}
    for draw in gold:
        store.write_records(tested.path / f"{draw.name}.jsonl", draw.test.records)
        told[draw.name] = draw.task.to_dict()
    tested.write(TASKS, told)
    RunFolder(folder).write(PLAN, plan.to_dict())
