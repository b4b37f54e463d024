"""A batch run: files of texts in, a folder of Parquet out, shard by shard.

    from functools import partial
    from pointline.app.batch.run import batch
    done = batch(["texts/"], "out", Load(), Ask("scnm-en"), workers=2)

The folder holds `plan.json` (which rows make a shard), `config.json` (what was asked), `model.json`
(by which weights), `shards/part-000000.parquet` and so on (a shard's results, all of them or no
file), `work/` (what is being done), `log.jsonl` and, when all is done, `metrics.json`. The same
call goes on where the last one stopped.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pointline.app.batch import plan as planning
from pointline.app.batch.ask import Ask
from pointline.app.batch.plan import Plan
from pointline.app.batch.pool import Event, pool
from pointline.app.batch.room import full
from pointline.app.batch.work import MODEL, PLAN, Job, Load, read_plan, shard_file
from pointline.corpus.resultfile import Tally, read_tally
from pointline.corpus.textrow import Columns
from pointline.errors import InputError
from pointline.format.tasks import Task
from pointline.model.runfolder import RunFolder
from pointline.version import CODEC_VERSION, __version__

__all__ = ["Progress", "Summary", "Workers", "batch"]

#: Does shards for a job, and tells what happens: `pool`, or a cluster.
Workers = Callable[[Job, Sequence[int]], Generator[Event]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: rows that are done of all, texts a second, workers that died."""

    done: int
    rows: int
    rate: float = 0.0
    deaths: int = 0
    stage: str = "extracting"


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished run in numbers.

    `made` of the `shards` were done by this call, in `seconds`, in which `deaths` workers died;
    `tally` is of all results.
    """

    folder: Path
    shards: int
    made: int
    made_rows: int
    seconds: float
    deaths: int
    tally: Tally = field(hash=False)

    @property
    def rate(self) -> float:
        """Rows a second of this call, the time to load the model included."""
        return self.made_rows / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        told = self.tally.to_dict()
        return {
            "folder": str(self.folder),
            "rows": told.pop("rows"),
            "results": self.tally.rows - self.tally.errors,
            "errors": told.pop("errors"),
            "faults": told.pop("faults"),
            "items": told.pop("items"),
            "tokens": {
                "text": told.pop("text_tokens"), "completion": told.pop("completion_tokens"),
            },
            "shards": self.shards,
            "workers' seconds": told.pop("seconds"),
            "workers' processor seconds": told.pop("processor_seconds"),
            "this call": {
                "shards": self.made,
                "rows": self.made_rows,
                "seconds": self.seconds,
                "rows a second": round(self.rate, 3),
                "workers that died": self.deaths,
            },
        }  # fmt: skip


def batch(
    inputs: Iterable[str | Path],
    out: str | Path,
    load: Load,
    ask: Ask,
    *,
    workers: int | Workers = 1,
    devices: Sequence[str] = (),
    columns: Columns | None = None,
    shard_rows: int = 1000,
    batch_size: int = 8,
    keep_text: bool = True,
    count_tokens: bool = True,
    settings: Mapping[str, Any] | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Summary:
    """Extract from every row of the inputs that the folder has no result of yet.

    `load` gives the extractor, in each worker once. `workers` are so many processes of this
    machine, on `devices` that go round, or what does shards elsewhere. `count_tokens` is
    for a model that counts here: one behind an address would be asked for each text. `settings` are
    further facts for `config.json`, such as the options of the model.

    Raises InputError for inputs that cannot be read, or are not what the run was planned with; for
    a folder that holds another run, that cannot be written, or on which another process works; and
    as `pool` does.
    """
    paths = [Path(path) for path in inputs]
    _refuse_within(Path(out), paths)
    run, named = RunFolder(Path(out)), columns or Columns()
    run.refuse_foreign()
    told = progress or _nothing
    begun = run.read(MODEL) is not None
    # before a folder is begun, so that inputs that are refused leave none
    plan = None if begun else _new(paths, named, shard_rows, told)
    with full(run.path), run.held():
        config = _config(ask, named, shard_rows, keep_text, settings or {})
        plan = _settled(run, config, paths, plan)
        run.write(PLAN, plan.to_dict())
        job = Job(run.path, load, ask, batch_size, keep_text, count_tokens)
        work = _processes(workers, devices) if isinstance(workers, int) else workers
        return _work(run, plan, job, work, told)


def _settled(
    run: RunFolder, config: Mapping[str, Any], inputs: Sequence[Path], new: Plan | None
) -> Plan:
    """Return the plan that holds: the new one where no results are there yet."""
    if "shard_rows" not in (run.read("config.json") or config):
        raise InputError(f"{run.path} holds a run of another kind: give another folder")
    if new and run.read(MODEL) is None:
        # no worker got as far as a text: what was asked may change
        run.write("config.json", config)
        run.log("planned", files=len(new.sources), rows=new.rows, shards=len(new.shards))
        return new
    run.settle(config)
    return planning.still(read_plan(run.path), inputs)


def _refuse_within(out: Path, inputs: Sequence[Path]) -> None:
    """Raise InputError where results would be among the inputs of the next call."""
    planning.refuse_unspeakable(out)
    for path in inputs:
        if path.is_dir() and out.resolve().is_relative_to(path.resolve()):
            raise InputError(f"{out} lies in {path}, whose files are read: give another folder")


def _processes(workers: int, devices: Sequence[str]) -> Workers:
    def work(job: Job, shards: Sequence[int]) -> Generator[Event]:
        return pool(job, shards, workers=workers, devices=devices)

    return work


def _new(
    inputs: Sequence[Path],
    columns: Columns,
    shard_rows: int,
    told: Callable[[Progress], object],
) -> Plan:
    def seen(done: int, total: int, name: str) -> None:
        told(Progress(done, total, stage=f"planning {name}"))

    return planning.make(inputs, columns, shard_rows, seen)


def _work(
    run: RunFolder, plan: Plan, job: Job, workers: Workers, told: Callable[[Progress], object]
) -> Summary:
    missing = [s.number for s in plan.shards if not shard_file(run.path, s.number).exists()]
    run.log("start", shards=len(plan.shards), missing=len(missing))
    count = _Count(plan, set(missing), told)
    started = time.monotonic()
    if missing:
        with closing(workers(job, missing)) as events:
            for event in events:
                _log(run, event)
                count.hear(event)
    tally = Tally()
    for shard in plan.shards:
        tally += read_tally(shard_file(run.path, shard.number))
    made_rows = sum(plan.shards[number].rows for number in missing)
    seconds = round(time.monotonic() - started, 3)
    done = Summary(
        run.path, len(plan.shards), len(missing), made_rows, seconds, count.deaths, tally
    )
    run.write("metrics.json", done.to_dict())
    run.log("done", seconds=seconds, rows=tally.rows, errors=tally.errors)
    shutil.rmtree(run.path / "work", ignore_errors=True)
    return done


class _Count:
    """How far the workers are."""

    def __init__(self, plan: Plan, missing: set[int], told: Callable[[Progress], object]) -> None:
        self.plan, self.told, self.deaths = plan, told, 0
        self.before = sum(s.rows for s in plan.shards if s.number not in missing)
        self.rows = plan.rows
        self.ended: dict[int, int] = {}
        self.first: tuple[float, int] | None = None
        self.done = self.before

    def hear(self, event: Event) -> None:
        """Take in what happened, and tell how far all is."""
        self.deaths += event.kind == "died"
        if event.kind in ("rows", "done"):
            rows = self.plan.shards[event.shard].rows if event.kind == "done" else event.rows
            self.done += max(0, rows - self.ended.get(event.shard, 0))
            self.ended[event.shard] = max(rows, self.ended.get(event.shard, 0))
        self.told(Progress(self.done, self.rows, self._rate(), self.deaths))

    def _rate(self) -> float:
        """Return rows a second since the first worker was at work, so without the loading."""
        now = time.monotonic()
        if self.first is None:
            self.first = now, self.done
            return 0.0
        since, rows = self.first
        return (self.done - rows) / (now - since) if now > since else 0.0


def _log(run: RunFolder, event: Event) -> None:
    if event.kind == "died":
        run.log("died", shard=event.shard, reason=event.reason)
    elif event.tally is not None:
        run.log("shard", shard=event.shard, rows=event.tally.rows, errors=event.tally.errors)


def _config(
    ask: Ask, columns: Columns, shard_rows: int, keep_text: bool, settings: Mapping[str, Any]
) -> dict[str, Any]:
    asked = asdict(ask) | {"task": _task(ask.task)}
    return {
        **settings,
        "ask": asked,
        "columns": asdict(columns),
        "shard_rows": shard_rows,
        "keep_text": keep_text,
        "pointline": __version__,
        "codec": CODEC_VERSION,
    }


def _task(task: Task | str | None) -> dict[str, Any] | str | None:
    return task.to_dict() if isinstance(task, Task) else task


def _nothing(progress: Progress) -> None:
    """Tell nobody."""
