"""Predicting a file of records: a run folder that a kill cannot spoil.

A run folder holds `config.json` (what was asked), `predictions.jsonl` (a record each, in the order
in which they were finished), `log.jsonl` and, when all is done, `metrics.json`. Running the same
command again goes on where the last one stopped; another command on the same folder is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pointline.corpus import store
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.extract import Extractor, Options
from pointline.model.runfolder import RunFolder
from pointline.score.match import Report, score
from pointline.version import CODEC_VERSION, SCORE_VERSION, __version__

__all__ = ["PREDICTIONS", "Run", "predict"]

#: The file of predictions in a run folder.
PREDICTIONS = "predictions.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, how many records are in it, how many were made just now.

    `report` scores them where the records had labels, `seconds` is the time of all calls that came
    to their end.
    """

    folder: Path
    records: int
    made: int
    seconds: float
    report: Report | None

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        return {
            "records": self.records,
            "made": self.made,
            "seconds": self.seconds,
            "score": None if self.report is None else self.report.to_dict(),
        }


def predict(
    records: Sequence[Record],
    extractor: Extractor,
    out: str | Path,
    *,
    task: Task | None = None,
    batch_size: int = 8,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Predict every record that the run folder does not hold yet, and score the whole.

    `task` goes before the records' own. More records, or another batch size, may be given to a run
    that is there. `settings` are further facts for `config.json`, such as the source file's hash.
    A kill loses at most the batch in flight.

    Raises InputError where the folder holds a run of other settings or no run, or another process
    works on it, TaskError before anything is written, and as `Extractor.many`.
    """
    if not records:
        raise InputError("there is no record to predict")
    for name in dict.fromkeys(record.task for record in records) if task is None else ():
        extractor.task(name)  # an unknown one is refused before anything is written
    if task is not None:
        records = [replace(record, task=task.name) for record in records]
    run = RunFolder(Path(out))
    run.refuse_foreign()
    with run.held():
        run.settle(_config(extractor, task, settings or {}))
        return _work(run, records, extractor, task, batch_size, progress)


def _work(
    run: RunFolder,
    records: Sequence[Record],
    extractor: Extractor,
    task: Task | None,
    batch_size: int,
    progress: Callable[[int, int], None] | None,
) -> Run:
    before = (run.read("metrics.json") or {}).get("seconds", 0.0)
    started = time.monotonic()
    with store.Appender(run.path / PREDICTIONS) as done:
        missing = [record for record in records if record.id not in done]
        finished = len(records) - len(missing)
        run.log("start", records=len(records), finished=finished, batch_size=batch_size)
        for prediction in extractor.many(missing, task, batch_size=batch_size, ordered=False):
            done.add(prediction)
            finished += 1
            if progress:
                progress(finished, len(records))
    report = _report(run.path, records, task)
    seconds = round(before + time.monotonic() - started, 3)
    result = Run(run.path, len(records), len(missing), seconds, report)
    run.write("metrics.json", result.to_dict())
    run.log("done", made=result.made, seconds=seconds)
    return result


def _config(extractor: Extractor, task: Task | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **settings,
        "model": extractor.backend.name,
        "weights": extractor.backend.weights,
        "task": None if task is None else task.to_dict(),
        "options": _plain(extractor.options),
        "pointline": __version__,
        "codec": CODEC_VERSION,
        "scores": SCORE_VERSION,
    }


def _plain(options: Options) -> dict[str, Any]:
    values = {name: getattr(options, name) for name in Options.__dataclass_fields__}
    example = options.example
    return {
        **values,
        "level": options.level.value,
        "example": None if example is None else store.to_json(example),
    }


def _report(folder: Path, records: Sequence[Record], task: Task | None) -> Report | None:
    if not any(record.label or record.items for record in records):
        return None
    known = {} if task is None else {task.name: task}
    wanted = {record.id for record in records}
    made = (r for r in store.iter_records(folder / PREDICTIONS) if r.id in wanted)
    return score(records, made, tasks=known)
