"""Text-level labels for a corpus that has only items (MMM paper, Appendix C).

A run folder holds `ledger.sqlite` (every answer and every vote), `config.json`, `log.jsonl`, and,
made from the ledger at the end of every call,

    labelled.jsonl   records with a label that needs no further look
    queue.jsonl      records for a person, with the label proposed, the most doubtful first
    source.jsonl     the queue's records as they came: same ids, same order
    failed.jsonl     records that no answer came for; the same command asks for them again
    metrics.json     how many of each, why, and how far a gold subset agrees

labelled + queued + failed + waiting = the records given; some wait only where a budget was spent.
The same command goes on where a kill stopped the last one. `threshold` and `gold` are no part of
what a run is: another threshold makes the files anew and asks nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pointline.corpus import store
from pointline.draft.labeller import Labeller, Vote
from pointline.draft.ledger import Ledger, Row
from pointline.draft.sorting import DONE, FAILED, Rules, Sorted, mark, sort, untouched
from pointline.errors import BudgetSpent, InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.chat.question import Usage
from pointline.model.runfolder import RunFolder
from pointline.version import __version__

__all__ = ["LEDGER", "Labelling", "label"]

#: The file of a run's memory.
LEDGER = "ledger.sqlite"

_Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Labelling:
    """A finished call: how many records were given, and what became of them.

    `labelled` counts those with a label of their own (`had_label`), too. `reasons` says why
    records were queued, `labels` how often each label stands in `labelled.jsonl`, `agreement` what
    a gold subset says, `usage` what the run's answers took, earlier calls included; `stopped` is
    why the call ended early, "" if it did not.
    """

    folder: Path
    records: int
    labelled: int
    had_label: int
    queued: int
    failed: int
    waiting: int
    reasons: Mapping[str, int]
    labels: Mapping[str, int]
    usage: Usage
    seconds: float
    agreement: Mapping[str, Any] | None = None
    stopped: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        return {**asdict(self), "folder": str(self.folder)}


@dataclass(frozen=True, slots=True)
class _Source:
    """The records of a file, gone through anew each time."""

    path: Path
    limit: int | None
    relabel: bool

    def __iter__(self) -> Iterator[Record]:
        return islice(store.iter_records(self.path), self.limit)


def label(
    source: str | Path,
    labeller: Labeller,
    out: str | Path,
    *,
    task: Task | None = None,
    threshold: float = 0.0,
    gold: Mapping[str, str] | None = None,
    relabel: bool = False,
    limit: int | None = None,
    progress: _Progress | None = None,
) -> Labelling:
    """Label the records of a file that have no label yet, and sort them into the run folder.

    A record is queued where its votes have no label or differ, or where its confidence is known
    and below `threshold`. `task` becomes the records' own. `relabel` asks for records that have a
    label too, `limit` takes the first so many only. `gold` has labels by id to compare with.

    Raises InputError where the folder holds another run or the threshold is no share, RecordError
    for a line that is no record (before anything is asked), and as the labeller does.
    """
    if not 0 <= threshold <= 1:
        raise InputError(f"threshold is a share, from 0 to 1, got {threshold!r}")
    records = _Source(Path(source), limit, relabel)
    total = sum(1 for _ in records)
    if not total:
        raise InputError(f"{source}: there is no record to label")
    name = None if task is None else task.name
    rules = Rules(labeller.name, labeller.version, threshold, name, relabel, gold or {})
    run = RunFolder(Path(out))
    run.refuse_foreign()
    with run.held():
        run.settle(_config(labeller, task, relabel=relabel))
        started = time.monotonic()
        with Ledger(run.path / LEDGER) as ledger:
            stopped = _ask(run, ledger, labeller, records, total, progress)
            found = sort(run.path, ledger, iter(records), rules)
            result = _result(run, total, found, ledger.spent(), time.monotonic() - started, stopped)
        run.write("metrics.json", {**result.to_dict(), "threshold": threshold})
        told = ("labelled", "queued", "failed", "waiting", "seconds", "stopped")
        run.log("done", **{name: getattr(result, name) for name in told}, threshold=threshold)
    return result


def _config(labeller: Labeller, task: Task | None, *, relabel: bool) -> dict[str, Any]:
    return {
        "what": "label",
        **labeller.config(),
        "task": None if task is None else task.to_dict(),
        "relabel": relabel,
        "pointline": __version__,
    }


def _ask(
    run: RunFolder,
    ledger: Ledger,
    labeller: Labeller,
    records: _Source,
    total: int,
    progress: _Progress | None,
) -> str:
    """Ask for all records that the ledger has no votes of; return why it ended early, if so."""
    done = ledger.marks(DONE)
    asked: dict[str, str] = {}  # the marks of those under way
    settled = 0

    def todo() -> Iterator[Record]:
        nonlocal settled
        for record in records:
            if untouched(record, relabel=records.relabel) or done.get(record.id) == mark(record):
                settled += 1
            else:
                asked[record.id] = mark(record)
                yield record

    run.log("start", records=total, finished=len(done), labeller=labeller.name)
    try:
        for made, (id, votes) in enumerate(labeller.votes(todo(), ledger), start=1):
            ledger.enter(_row(id, asked.pop(id), votes))
            if progress:
                progress(settled + made, total)
    except BudgetSpent as error:
        return str(error)
    return ""


def _row(id: str, mark: str, votes: tuple[Vote, ...] | str) -> Row:
    if isinstance(votes, str):
        return Row(id, mark, FAILED, votes)
    return Row(id, mark, DONE, body={"votes": [asdict(vote) for vote in votes]})


def _result(
    run: RunFolder, total: int, found: Sorted, usage: Usage, seconds: float, stopped: str
) -> Labelling:
    return Labelling(
        folder=run.path,
        records=total,
        labelled=found.labelled,
        had_label=found.had_label,
        queued=found.queued,
        failed=len(found.failed),
        waiting=found.waiting,
        reasons=dict(found.reasons.most_common()),
        labels=dict(found.labels.most_common()),
        usage=usage,
        seconds=round(seconds, 3),
        agreement=found.agreement(),
        stopped=stopped,
    )
