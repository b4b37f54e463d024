"""Small studies: a finished one without a model, and what a real one with a tiny model takes."""

import json
import random
from dataclasses import replace
from pathlib import Path

from tiny import tiny_records

from pointline.corpus.store import write_dataset, write_records
from pointline.format import codec
from pointline.format.record import Prediction, Record
from pointline.format.tasks import task
from pointline.study.condition import CONDITIONS, Condition
from pointline.study.design import Design
from pointline.study.plan import Plan, PlannedRun, run_id

#: How often a label, and an item, is right in each condition.
SKILL = {
    "text->items": (0.0, 0.6),
    "text+label->items": (0.0, 0.8),
    "text->label": (0.6, 0.0),
    "text+items->label": (0.85, 0.0),
    "joint:label-first": (0.65, 0.65),
    "joint:items-first": (0.6, 0.7),
    "text+predicted label->items": (0.0, 0.65),
    "text+predicted items->label": (0.65, 0.0),
}


def studied(
    folder: Path,
    *,
    seeds=(0, 1),
    conditions=tuple(CONDITIONS),
    missing=(),
    skill=SKILL,
    records=None,
) -> Path:
    """Write a study over three datasets of the tiny records; return its folder.

    `missing` are the ids of runs that are planned and not finished.
    """
    gold = {name: [r for r in records or tiny_records(144) if r.task == name] for name in _NAMES}
    sizes = {name: len(found) for name, found in gold.items()}
    plan = Plan(
        {"model": "scripted", "template": "paper", "seeds": list(seeds), "epochs": 1},
        {name: {"train": 8, "test": size, "left_out": {}} for name, size in sizes.items()},
        tuple(
            _planned(name, condition, seed, sizes[name])
            for name in gold
            for seed in seeds
            for condition in conditions
        ),
    )
    (folder / "gold").mkdir(parents=True)
    _write_json(folder / "plan.json", plan.to_dict())
    _write_json(folder / "gold" / "tasks.json", {name: task(name).to_dict() for name in gold})
    for name, found in gold.items():
        write_records(folder / "gold" / f"{name}.jsonl", found)
    for run in plan.runs:
        if run.id not in missing:
            _finish(folder / "runs" / run.id, run, gold[run.dataset], skill)
    return folder


def only(folder: Path, *names: str) -> Path:
    """Leave these datasets in the plan of a study; return its folder."""
    plan = json.loads((folder / "plan.json").read_text())
    plan["datasets"] = {name: plan["datasets"][name] for name in names}
    plan["runs"] = [run for run in plan["runs"] if run["dataset"] in names]
    _write_json(folder / "plan.json", plan)
    return folder


_NAMES = ("scnm-en", "scnm-ja", "scnm-zh")


def _planned(dataset: str, condition: str, seed: int, test: int) -> PlannedRun:
    needs = tuple(run_id(dataset, name, seed) for name in CONDITIONS[condition].needs)
    name = run_id(dataset, condition, seed)
    return PlannedRun(name, dataset, condition, seed, 8, test, needs, (800, 400))


def _finish(folder: Path, run: PlannedRun, gold: list[Record], skill) -> None:
    folder.mkdir(parents=True)
    how = CONDITIONS[run.condition]
    rng = random.Random(run.id)
    made = [_predicted(record, how, skill[run.condition], rng) for record in gold]
    write_records(folder / "predictions.jsonl", made)
    if how.source:
        source = CONDITIONS[how.source]
        shown = [_predicted(record, source, skill[how.source], rng) for record in gold]
        write_records(folder / "given.jsonl", shown)
    _write_json(folder / "config.json", {"condition": run.condition, "seed": run.seed})
    _write_json(
        folder / "metrics.json",
        {
            "finished": True,
            "scores": {"tl": skill[run.condition][0], "wl": skill[run.condition][1], "all": None},
            "training": None if how.model else {"tokens": 800, "seconds": 4.0, "steps": 3},
            "test": {"records": len(gold), "seconds": 2.0},
        },
    )
    (folder / "log.jsonl").write_text('{"event": "done"}\n')
    if not how.model:
        lines = [f"{step},1,{3 / (step + rng.random())},0.001,1.0,200,100" for step in (1, 2, 3)]
        columns = "step,epoch,loss,rate,norm,tokens,tokens_per_second"
        (folder / "curves.csv").write_text("\n".join([columns, *lines]) + "\n")


def _predicted(record: Record, how: Condition, skill, rng: random.Random) -> Prediction:
    label, pairs = "", ()
    known = task(record.task)
    if "tl" in how.scored:
        label = record.label if rng.random() < skill[0] else rng.choice(known.labels)
    if "wl" in how.scored:
        pairs = tuple(
            pair if rng.random() < skill[1] else replace(pair, label=rng.choice(known.item_labels))
            for pair in record.pairs
        )
    bare = Record(record.id, record.task, record.text, label, pairs)
    line = codec.write(bare, known, places=False)
    return Prediction(record.id, record.task, record.text, label, pairs, completion=line)


def _write_json(file: Path, values) -> None:
    file.write_text(json.dumps(values, ensure_ascii=False, indent=2) + "\n")


def small_datasets(folder: Path) -> Path:
    """Write three datasets, one a language, with a record that is too long in each."""
    records = tiny_records(144)
    for name in _NAMES:
        asked = task(name)
        found = [record for record in records if record.task == name]
        long = Record(f"{name}-long", name, "x " * 400, asked.labels[0])
        splits = {"train": found[:8], "test": [*found[8:14], long]}
        write_dataset(folder / name, asked, splits, about={"licences": ["ours"]})
    return folder


def small_design(base: Path) -> Design:
    """Return the design of a study with the tiny model, seconds long."""
    return Design(
        model=str(base),
        seeds=(0,),
        examples=8,
        test=7,
        epochs=2,
        learning_rate=0.01,
        rank=4,
        batch_tokens=512,
        max_length=256,
        max_new_tokens=48,
        dtype="float32",
    )
