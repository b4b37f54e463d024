"""The work of one worker: a shard's rows through an extractor into one Parquet file."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from pointline.app.batch.ask import Ask
from pointline.app.batch.journal import DEATHS, Journal
from pointline.app.batch.plan import Plan, Shard
from pointline.app.batch.room import full, writing
from pointline.app.batch.streak import IN_A_ROW, KILLED
from pointline.corpus import resultfile
from pointline.corpus.resultfile import Tally
from pointline.corpus.textrow import Row
from pointline.errors import InputError, ModelError, NoAnswer, PointlineError, TextTooLong
from pointline.format.record import Prediction
from pointline.model.extract import Extractor
from pointline.model.runfolder import RunFolder

__all__ = [
    "FAULTS",
    "MODEL",
    "PLAN",
    "Job",
    "Load",
    "Worker",
    "journal_file",
    "read_plan",
    "shard_file",
]

#: Gives the extractor, on a device; it travels to other processes, so it is one of a module.
Load = Callable[[str | None], Extractor]

#: Files of a run's folder: its plan, and which model makes its results.
PLAN, MODEL = "plan.json", "model.json"

_AHEAD = 16  # batches that are given to the extractor at a time
_NUMBERED = re.compile("^record '[0-9]+': ")  # our own number, which nobody else knows

#: Why a text that could be read has no result; `corpus.textrow.Fault` has the others.
FAULTS = ("too-long", "no-answer", "model-error", "refused", KILLED)


@dataclass(frozen=True, slots=True)
class Job:
    """What every worker of a run does: which folder's plan, with which extractor, how."""

    folder: Path
    load: Load
    ask: Ask
    batch_size: int = 8
    keep_text: bool = True
    count_tokens: bool = True


def read_plan(folder: Path) -> Plan:
    """Return the plan of the run in a folder.

    Raises InputError where there is none.
    """
    told = RunFolder(folder).read(PLAN)
    if told is None:
        raise InputError(f"{folder} holds no batch run: there is no {PLAN}")
    return Plan.from_dict(told)


def shard_file(folder: Path, number: int) -> Path:
    """Return the file of a shard's results: it is there when the shard is done."""
    return folder / "shards" / f"part-{number:06}.parquet"


def journal_file(folder: Path, number: int) -> Path:
    """Return the journal of a shard that is not done."""
    return folder / "work" / f"{number:06}.jsonl"


class Worker:
    """An extractor that does one shard after another."""

    def __init__(self, job: Job, device: str | None = None) -> None:
        """Load the extractor.

        Raises InputError where the run's results so far are another model's, TaskError for a task
        that it does not know, and as loading does.
        """
        self.job = job
        self.plan = read_plan(job.folder)
        self.extractor = job.load(device)
        if isinstance(job.ask.task, str):
            self.extractor.task(job.ask.task)  # an unknown one is refused here, not text by text
        self.journal: Journal | None = None
        _settle(job.folder, self.extractor)

    def do(self, number: int, told: Callable[[int], object] = bool) -> Tally:
        """Do what is left of a shard and return it in numbers; `told` hears how many rows ended.

        Raises InputError where an input changed, or the folder cannot be written, ModelError where
        the model fails on one text after another, and what an extractor raises through no
        fault of a text.
        """
        target, shard = shard_file(self.job.folder, number), self.plan.shards[number]
        if target.exists():
            return resultfile.read_tally(target)
        path = journal_file(self.job.folder, number)
        answers = path.with_suffix("")  # a chat model's, until the shard is done
        with writing(path.parent):
            answers.mkdir(parents=True, exist_ok=True)
        with (
            Journal(path) as journal,
            full(path.parent),
            self.extractor.within(answers) as extractor,
        ):
            self.journal = journal
            told(journal.done)
            _Shard(self.job, self.plan, shard, extractor, self.extractor, journal, told).do()
            self.journal = None
            if journal.done != shard.rows:
                journal.keep(0)
                wanted = f"{journal.done} results of {shard.rows} rows"
                raise ModelError(f"{path}: {wanted}: run again to do this shard anew")
            with writing(target.parent):
                tally = resultfile.write(
                    target, journal.results(), text=self.job.keep_text,
                    begun=_spent(journal, extractor),
                )  # fmt: skip
        path.unlink(missing_ok=True)
        shutil.rmtree(answers, ignore_errors=True)
        return tally

    def leave(self) -> None:
        """Say in the journal that this worker is about to end, and no text is to blame."""
        if (journal := self.journal) is not None:
            journal.leave()


def _settle(folder: Path, extractor: Extractor) -> None:
    """Hold the model against the one that the folder's results are of, or write it down."""
    now = {"model": extractor.backend.name, "weights": extractor.backend.weights}
    run = RunFolder(folder)
    before = run.read(MODEL)
    if before is None:
        # many workers may do so at a time, each from a file of its own
        with writing(folder):
            handle, own = tempfile.mkstemp(prefix=f".{MODEL}.", dir=folder)
            with os.fdopen(handle, "wb") as out:
                out.write(orjson.dumps(now, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            Path(own).replace(folder / MODEL)
        before = run.read(MODEL)
    if before != now:
        told = f"{folder} holds results of other weights, or another model, than {now['model']}"
        raise InputError(f"{told}: give another folder")


def _spent(journal: Journal, extractor: Extractor) -> Tally:
    """Return what a shard took, and the tokens if a server counted them."""
    seconds, processor = journal.spent
    used = extractor.account().get("usage", {})
    return Tally(
        text_tokens=used.get("tokens_in", 0),
        completion_tokens=used.get("tokens_out", 0),
        seconds=round(seconds, 3),
        processor_seconds=round(processor, 3),
    )


@dataclass(slots=True)
class _Shard:
    """One shard in the hands of a worker; `forgetful` is the extractor that keeps no answers."""

    job: Job
    plan: Plan
    shard: Shard
    extractor: Extractor
    forgetful: Extractor
    journal: Journal
    told: Callable[[int], object]

    def do(self) -> None:
        """Write the results of all rows that are left into the journal.

        The last texts' failures are results only when the model has answered another text since.
        """
        self._look_out()
        rows = islice(self.plan.read(self.shard), self.journal.done, None)
        for name, row in islice(rows, self.journal.suspects):
            self._keep([(name, row)], alone=True)
        while stretch := list(islice(rows, _AHEAD * self.job.batch_size)):
            self._keep(stretch)
        if self.journal.streak.failed:
            self._try_others()

    def _keep(self, rows: Sequence[tuple[str, Row]], *, alone: bool = False) -> None:
        clock, processor = time.monotonic(), time.process_time()
        if alone and self.journal.deaths >= DEATHS:
            results = [self._given_up(*rows[0])]
        else:
            self.journal.take(len(rows))
            results = self._results(rows)
        self.journal.deaths = 0
        spent = time.monotonic() - clock, time.process_time() - processor
        self.journal.add(results, (round(spent[0], 6), round(spent[1], 6)))
        self._look_out()
        self.told(self.journal.done)

    def _given_up(self, name: str, row: Row) -> dict[str, Any]:
        told = f"{DEATHS} workers ended while they had this text alone: {self.journal.reason}"
        return resultfile.error_values(KILLED, told, self._place(name, row))

    def _results(self, rows: Sequence[tuple[str, Row]]) -> list[dict[str, Any]]:
        """Return a result for each row, in their order."""
        texts = [(at, row.text) for at, (_, row) in enumerate(rows) if not row.fault]
        found = dict(self.job.ask.answers(self.extractor, texts, self.job.batch_size))
        return [self._result(*row, found.get(at)) for at, row in enumerate(rows)]

    def _result(
        self, name: str, row: Row, found: Prediction | PointlineError | None
    ) -> dict[str, Any]:
        place = self._place(name, row)
        if isinstance(found, Prediction):
            return resultfile.values(found, place | self._tokens(found))
        if found is None:
            return resultfile.error_values(row.fault, row.error, place)
        return resultfile.error_values(_fault(found), _told(found), place)

    def _place(self, name: str, row: Row) -> dict[str, Any]:
        id = f"{name}:{row.number}" if row.id is None else row.id
        text = row.text if self.job.keep_text and not row.fault else None
        return {"id": id, "text": text, "source": name, "row": row.number}

    def _tokens(self, found: Prediction) -> dict[str, int]:
        if not self.job.count_tokens or self.extractor.account():  # a server's count is of a shard
            return {}
        count = self.extractor.backend.count
        return {
            "text_tokens": count(found.text), "completion_tokens": count(found.completion or ""),
        }  # fmt: skip

    def _look_out(self) -> None:
        """Raise ModelError where the model failed so often that no text can be to blame."""
        streak = self.journal.streak
        if streak.dead:
            self.journal.keep(streak.sure)
            raise ModelError(streak.why(self.journal.reason))

    def _try_others(self) -> None:
        """Ask for other texts, until one is answered, or the model is seen to be dead."""
        for text in islice(self._others(), self.journal.probes, None):
            self.journal.probe()
            ((_, found),) = self.job.ask.answers(self.forgetful, [(0, text)], 1)
            if isinstance(found, Prediction):
                self.journal.probed()
                return
            self.journal.probed(_fault(found), _told(found))
            self._look_out()

    def _others(self) -> Iterator[str]:
        """Yield the texts of the shards behind, then those before the streak, then of the others.

        Of those before the streak the last is the first: it had an answer, and has one again if
        the model lives.
        """
        at = self.shard.number
        for shard in self.plan.shards[at + 1 :]:
            yield from self._texts(shard, shard.rows)
        own = self._texts(self.shard, self.journal.streak.sound)
        yield from reversed(deque(own, maxlen=IN_A_ROW))
        for shard in self.plan.shards[:at]:
            yield from self._texts(shard, shard.rows)

    def _texts(self, shard: Shard, rows: int) -> Iterator[str]:
        """Yield the texts of a shard's first rows."""
        read = islice(self.plan.read(shard), rows)
        return (row.text for _, row in read if not row.fault)


def _told(error: PointlineError) -> str:
    return _NUMBERED.sub("", " ".join(str(error).split()))


def _fault(error: PointlineError) -> str:
    if isinstance(error, TextTooLong):
        return "too-long"
    if isinstance(error, NoAnswer):
        return "no-answer"
    return "model-error" if isinstance(error, ModelError) else "refused"
