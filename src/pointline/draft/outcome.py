"""From a ledger to files: which translations are kept, which rule drops one, which are queued.

The files are a function of the source, the ledger and the rules: they hold the source's order,
whoever was answered first, and the same ledger gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from pointline.corpus import recordfile, twins
from pointline.corpus.manifest import Tally
from pointline.draft.asking import Progress
from pointline.draft.drafting import DUPLICATED, Made, Maker
from pointline.draft.ledger import Ledger, Row
from pointline.draft.origin import Origin
from pointline.draft.sorting import mark
from pointline.draft.translator import FAILED
from pointline.format.record import Record

__all__ = ["DROPPED", "QUEUED", "Outcome", "decide"]

#: The files of records that are not kept, or not translated yet.
DROPPED, QUEUED = "dropped", "queued"

_CHUNK = 500  # records whose rows are looked up at once
_REASON = 200  # characters of a reason


@dataclass(slots=True)
class Outcome:
    """What became of the records, counted.

    `kept` is by split; `dropped` by the first rule that fired and `fired` by every rule; `queued`
    by the reason. `steps` counts the mentions of all readable translations by how they were found,
    "missing" those that were not; `notes` counts what had to be asked again or mended.
    """

    records: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    queued: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    tally: Tally = field(default_factory=Tally)

    def check(self) -> None:
        """Hold the sums against the input: no record is lost, and none counts twice."""
        parts = sum(self.kept.values()), self.dropped.total(), self.queued.total()
        if sum(parts) != self.records:
            told = " + ".join(map(str, parts))
            raise AssertionError(f"kept + dropped + queued = {told}, not {self.records} records")


def decide(
    folder: Path,
    ledger: Ledger,
    origin: Origin,
    maker: Maker,
    *,
    finished: Collection[str],
    progress: Progress,
) -> Outcome:
    """Write the files of a run from its ledger; return what became of the records.

    `finished` are the states of rows about which nothing more is asked; a row of another waits.
    """
    found = Outcome(kept=dict.fromkeys(origin.files, 0))
    found.tally.counts = dict.fromkeys(origin.files, 0)
    seen: dict[str, str] = {}
    with ExitStack() as files:
        outs = {
            name: files.enter_context(recordfile.atomic(folder / f"{name}.jsonl"))
            for name in (*origin.files, DROPPED, QUEUED)
        }
        for split, record, row in _with_rows(ledger, origin):
            if found.records % _CHUNK == 0:
                progress(found.records, origin.total, "writing")
            found.records += 1
            reason = _waits(record, row, maker, finished)
            if row is None or reason:
                found.queued[reason] += 1
                outs[QUEUED].write(recordfile.dump(_queued(record, row, reason)))
                continue
            made = maker.made(record, row)
            twin = _twin(made, seen) if DUPLICATED in maker.filters else ""
            reasons = {DUPLICATED: f"the text of {twin} again"} if twin else made.reasons
            name = _counted(found, split, made, tuple(reasons))
            outs[name].write(recordfile.dump(_told(record, made.record, reasons)))
        found.check()
    return found


def _with_rows(ledger: Ledger, origin: Origin) -> Iterator[tuple[str, Record, Row | None]]:
    left = iter(origin)
    while chunk := list(islice(left, _CHUNK)):
        rows = ledger.rows([record.id for _, record in chunk])
        for split, record in chunk:
            row = rows.get(record.id)
            yield split, record, row if row is not None and row.mark == mark(record) else None


def _waits(record: Record, row: Row | None, maker: Maker, finished: Collection[str]) -> str:
    """Return why a record is not decided yet, "" if it is."""
    if row is None:
        return "not asked yet"
    if row.state == FAILED:
        return "no answer"
    if row.state not in finished:  # a run that asked no more, before one that asks
        return "missing entities not asked for yet"
    return "a label not translated yet" if maker.unknown([record]) else ""


def _queued(record: Record, row: Row | None, reason: str) -> Record:
    told = f"{reason}: {row.reason[:_REASON]}" if row and row.reason else reason
    return replace(record, meta={**record.meta, "doubt": told})


def _twin(made: Made, seen: dict[str, str]) -> str:
    """Return the id of the kept record that has the same text, "" where there is none."""
    if made.reasons:
        return ""
    before = seen.setdefault(twins.key(made.record.text), made.record.id)
    return before if before != made.record.id else ""


def _counted(found: Outcome, split: str, made: Made, rules: tuple[str, ...]) -> str:
    """Count a translation; return the file that it goes to."""
    found.steps.update(made.steps)
    found.notes.update(made.notes)
    found.fired.update(rules)
    if rules:
        found.dropped[rules[0]] += 1
        return DROPPED
    found.kept[split] += 1
    found.tally.add(split, made.record)
    return split


def _told(source: Record, made: Record, reasons: Mapping[str, str]) -> Record:
    """Return a record with the rules that dropped it, why, and what was to be translated."""
    if not reasons:
        return made
    why = {"rules": list(reasons), "reasons": dict(reasons), "source": source.text}
    return replace(made, meta={**made.meta, "draft": {**made.meta["draft"], **why}})
