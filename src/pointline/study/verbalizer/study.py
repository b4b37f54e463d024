"""A verbalizer study: carried out run by run, and carried on after a kill.

The folder is that of every study (`study.results`), with `config.json`, `log.jsonl` and
`scores/<dataset>/`, the word scores. A run's folder has also `verbalizer.json`, the label words
with their weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

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

    The plan is written first. A run is finished when its `metrics.json` is there, and is not done
    again. `load` gives the model (`scorer.load` by the settings if not given); it is called once,
    when the first run needs it.

    Raises InputError where the folder holds a study of other settings, another process works on
    it, or a verbalizer has no words for a class; and as `plan.drawn` and `scorer.load` do.
    """
    sets = drawn(settings)
    plan = planned(settings, sets)
    folder = RunFolder(Path(out))
    folder.refuse_foreign()
    bench = Bench(folder, settings, load or (lambda: _load(settings, told)), told)
    with folder.held():
        folder.settle(settings.to_dict())
        _settle_plan(folder, plan)
        _write_gold(folder.path, sets)
        for found in sets:
            runs = [run for run in plan.runs if run.dataset == found.name]
            left = [run for run in runs if results.metrics_of(folder.path, run) is None]
            if left:
                Work(bench, found).carry_out(left)
    return read_study(folder.path)


def _load(settings: Settings, told: Told | None) -> Scorer:
    def loading(what: str, share: float) -> None:
        if told:
            told(round(1000 * share), 1000, what)

    return scoring.load(
        settings.model, kind=settings.kind, adapter=settings.adapter, dtype=settings.dtype,
        device=settings.device, progress=loading,
    )  # fmt: skip


def _settle_plan(folder: RunFolder, plan: Plan) -> None:
    """Write the plan, or hold it against the one that the folder was begun with."""
    before = folder.read(results.PLAN)
    if before is not None and before != json.loads(json.dumps(plan.to_dict())):
        raise InputError(
            f"{folder.path}: the datasets have changed since the study began: give another folder"
        )
    folder.write(results.PLAN, plan.to_dict())


def _write_gold(folder: Path, sets: Sequence[Drawn]) -> None:
    gold = RunFolder(folder / "gold")
    gold.path.mkdir(parents=True, exist_ok=True)
    gold.write(results.TASKS, {found.name: found.task.to_dict() for found in sets})
    for found in sets:
        write_records(gold.path / f"{found.name}.jsonl", found.test)
