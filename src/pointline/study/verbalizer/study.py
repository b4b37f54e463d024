"""A verbalizer study: carried out run by run, and carried on after a kill.

The folder is that of every study (`study.results`), with `config.json`, `log.jsonl` and
`scores/<dataset>/`, the word scores. A run's folder has also `verbalizer.json`, the label words
with their weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pointline.corpus.store import write_records
from pointline.errors import InputError
from pointline.model.runfolder import RunFolder
from pointline.study import results
from pointline.study.plan import Plan
from pointline.study.results import Study, read_study
from pointline.study.verbalizer import scorer as scoring
from pointline.study.verbalizer.plan import Drawn, Settings, drawn, planned
from pointline.study.verbalizer.scorer import Scorer
from pointline.study.verbalizer.work import Bench, Told, Work

__all__ = ["run_study"]


def run_study(
    settings: Settings,
    out: str | Path,
    *,
    told: Told | None = None,
    load: Callable[[], Scorer] | None = None,
) -> Study:
    """Carry out a study, or what is left of it, in a folder; return it.

    Nothing is written where the study cannot be, or is another than the folder's; then the plan is,
    before the first run. A run is finished when its `metrics.json` is there, and is not done again.
    `load` gives the model (`scorer.load` by the settings if not given); it is called once, where
    there is a run to do.

    Raises InputError where the folder holds a study of other settings, data or lists of words,
    another process works on it, or a verbalizer has no words for a class; and as `plan.drawn` and
    `scorer.load` do.
    """
    sets = drawn(settings)
    plan = planned(settings, sets)
    folder = RunFolder(Path(out))
    folder.refuse_foreign()
    bench = Bench(folder, settings, load or (lambda: _load(settings, told)), told)
    with folder.held():
        if folder.read("config.json") is not None:
            folder.settle(settings.to_dict())
            _refuse_another(folder, plan)
        left = [run for run in plan.runs if results.metrics_of(folder.path, run) is None]
        waiting = {run.dataset for run in left}
        # all words before the first run: what the model cannot do is told at once
        works = [Work(bench, found) for found in sets if found.name in waiting]
        folder.settle(settings.to_dict())
        folder.write(results.PLAN, plan.to_dict())
        _write_gold(folder.path, sets)
        for work in works:
            work.carry_out([run for run in left if run.dataset == work.dataset])
    return read_study(folder.path)


def _load(settings: Settings, told: Told | None) -> Scorer:
    def loading(what: str, share: float) -> None:
        if told:
            told(round(1000 * share), 1000, what)

    return scoring.load(
        settings.model, kind=settings.kind, adapter=settings.adapter, dtype=settings.dtype,
        device=settings.device, progress=loading,
    )  # fmt: skip


def _refuse_another(folder: RunFolder, plan: Plan) -> None:
    """Raise InputError where the folder was begun with another plan."""
    before, now = folder.read(results.PLAN), json.loads(json.dumps(plan.to_dict()))
    if before is not None and before != now:
        found = _changes(before.get("datasets", {}), now["datasets"])
        changed = ", ".join(dict.fromkeys(found))
        raise InputError(
            f"{folder.path}: begun with another {changed or 'plan'}: give another --out, or what it"
            " was begun with"
        )


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what has changed, of each dataset what tells most: lists and splits, or other facts."""
    if list(before) != list(now):
        yield f"choice of datasets ({', '.join(before)})"
        return
    for name, facts in now.items():
        told = before[name]
        if "sha256" not in told:
            yield f"version of pointline, which noted no digests of {name}"
            continue
        files = [
            f"{split} split of {name}"
            for split in facts["sha256"]
            if told["sha256"].get(split) != facts["sha256"][split]
        ]
        files += [
            f"list {one['file']}"
            for part, one in facts["lists"].items()
            if told["lists"].get(part) != one
        ]
        others = (key for key in facts if told.get(key) != facts[key])
        yield from files or (f"{key} of {name}" for key in others)


def _write_gold(folder: Path, sets: Sequence[Drawn]) -> None:
    gold = RunFolder(folder / "gold")
    gold.path.mkdir(parents=True, exist_ok=True)
    gold.write(results.TASKS, {found.name: found.task.to_dict() for found in sets})
    for found in sets:
        write_records(gold.path / f"{found.name}.jsonl", found.test)
