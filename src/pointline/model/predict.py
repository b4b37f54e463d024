"""Predicting a file of records: a run folder that a kill cannot spoil.

A run folder holds `config.json` (what was asked), `predictions.jsonl` (a record each, in the order
in which they were finished), `log.jsonl` and, when all is done, `metrics.json`. Running the same
command again goes on where the last one stopped; another command on the same folder is refused.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pointline.corpus import store
from pointline.errors import InputError, PointlineError
from pointline.format.record import Prediction, Record
from pointline.format.tasks import Task
from pointline.model.extract import Extractor, Options
from pointline.model.runfolder import RunFolder
from pointline.score.match import Report, score
from pointline.version import CODEC_VERSION, SCORE_VERSION, __version__

__all__ = ["PREDICTIONS", "Run", "plain", "predict"]

#: The file of predictions in a run folder.
PREDICTIONS = "predictions.jsonl"


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: its folder, how many records are in it, how many were made just now.

    `report` scores them where the records had labels, `seconds` is the time of all calls that came
    to their end. `faults` counts why answers of a chat model say nothing (`chat.reading.FAULTS`);
    where there are such, `repaired` is the score if they are read leniently. `account` is what the
    model took (`Extractor.account`).
    """

    folder: Path
    records: int
    made: int
    seconds: float
    report: Report | None
    repaired: Report | None = None
    faults: Mapping[str, int] = field(default_factory=dict, hash=False)
    account: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        told = {
            "records": self.records,
            "made": self.made,
            "seconds": self.seconds,
            "score": None if self.report is None else self.report.to_dict(),
        }
        if self.account:
            told |= {"faults": dict(self.faults), **self.account}
        if self.repaired is not None:
            told["score_repaired"] = self.repaired.to_dict()
        return told


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
    _tasks(records, extractor, task)  # an unknown one is refused before anything is written
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
    tasks = _tasks(records, extractor, task)
    before = (run.read("metrics.json") or {}).get("seconds", 0.0)
    started = time.monotonic()
    with store.Appender(run.path / PREDICTIONS) as done, extractor.within(run.path) as asked:
        missing = [record for record in records if record.id not in done]
        finished = len(records) - len(missing)
        prompts = {one.name: extractor.shown(one) for one in tasks.values()}
        run.log("start", records=len(records), finished=finished, batch_size=batch_size,
                prompts=prompts)  # fmt: skip
        try:
            for prediction in asked.many(missing, task, batch_size=batch_size, ordered=False):
                done.add(prediction)
                finished += 1
                if progress:
                    progress(finished, len(records))
        except PointlineError as error:
            run.log("stopped", finished=finished, error=str(error), **asked.account())
            raise
    seconds = round(before + time.monotonic() - started, 3)
    result = _result(run.path, records, asked, tasks, made=len(missing), seconds=seconds)
    run.write("metrics.json", result.to_dict())
    run.log("done", made=result.made, seconds=seconds)
    return result


def _result(
    folder: Path,
    records: Sequence[Record],
    extractor: Extractor,
    tasks: Mapping[str, Task],
    *,
    made: int,
    seconds: float,
) -> Run:
    wanted = {record.id for record in records}

    def found() -> Iterator[Prediction]:
        for one in store.iter_records(folder / PREDICTIONS):
            if isinstance(one, Prediction) and one.id in wanted:
                yield one

    def scored(predictions: Iterable[Prediction]) -> Report | None:
        known = any(record.label or record.items for record in records)
        return score(records, predictions, tasks=tasks) if known else None

    faults = Counter(
        str(one.meta["fault"]) for one in found() if not one.ok and "fault" in one.meta
    )
    strict = extractor.settings().get("reading") == "strict"
    repaired = (extractor.repaired(one, tasks[one.task]) for one in found())
    return Run(
        folder,
        len(records),
        made,
        seconds,
        scored(found()),
        scored(repaired) if strict and faults else None,
        faults,
        extractor.account(),
    )


def _tasks(records: Sequence[Record], extractor: Extractor, task: Task | None) -> dict[str, Task]:
    """Return the tasks of the records, by name."""
    if task is not None:
        return {task.name: task}
    return {name: extractor.task(name) for name in dict.fromkeys(r.task for r in records)}


def _config(extractor: Extractor, task: Task | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **settings,
        "model": extractor.backend.name,
        "weights": extractor.backend.weights,
        "task": None if task is None else task.to_dict(),
        "options": plain(extractor.options),
        **extractor.settings(),
        "pointline": __version__,
        "codec": CODEC_VERSION,
        "scores": SCORE_VERSION,
    }


def plain(options: Options) -> dict[str, Any]:
    """Return options as JSON-ready values."""
    values = {name: getattr(options, name) for name in Options.__dataclass_fields__}
    form = values.pop("form")
    values |= {} if form is None else {"form": form.to_dict()}
    example = options.example
    return {
        **values,
        "level": options.level.value,
        "example": None if example is None else store.to_json(example),
    }
