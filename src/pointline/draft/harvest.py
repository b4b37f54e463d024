"""From a ledger to files: which translations are kept, which rule drops one, which are queued.

The files are a function of the source, the ledger and the rules: they hold the source's order,
whoever was answered first, and the same ledger gives the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

from pointline.corpus import recordfile, twins
from pointline.corpus.manifest import Tally
from pointline.draft.drafting import DUPLICATED, Made, Maker
from pointline.draft.ledger import Ledger, Row
from pointline.draft.origin import Origin
from pointline.draft.sorting import mark
from pointline.draft.translator import FAILED
from pointline.format.record import Record

__all__ = ["DROPPED", "QUEUED", "Harvest", "harvest"]

#: The files of records that are not kept, or not translated yet.
DROPPED, QUEUED = "dropped", "queued"

_CHUNK = 500  # records whose rows are looked up at once
_REASON = 200  # characters of a reason


@dataclass(slots=True)
class Harvest:
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


def harvest(folder: Path, ledger: Ledger, origin: Origin, maker: Maker) -> Harvest:
    """Write the files of a run from its ledger; return what became of the records."""
    found = Harvest(kept=dict.fromkeys(origin.files, 0))
    found.tally.counts = dict.fromkeys(origin.files, 0)
    seen: set[str] = set()
    with ExitStack() as files:
        outs = {
            name: files.enter_context(recordfile.atomic(folder / f"{name}.jsonl"))
            for name in (*origin.files, DROPPED, QUEUED)
        }
        for split, record, row in _with_rows(ledger, origin):
            found.records += 1
            reason = _waits(record, row, maker)
            if row is None or reason:
                found.queued[reason] += 1
                made = _queued(record, row, reason)
                outs[QUEUED].write(recordfile.dump(made))
                continue
            name, made = _decided(found, split, maker.made(record, row), seen, maker.filters)
            outs[name].write(recordfile.dump(made))
        found.check()
    return found


def _with_rows(ledger: Ledger, origin: Origin) -> Iterator[tuple[str, Record, Row | None]]:
    left = iter(origin)
    while chunk := list(islice(left, _CHUNK)):
        rows = ledger.rows([record.id for _, record in chunk])
        for split, record in chunk:
            row = rows.get(record.id)
            yield split, record, row if row is not None and row.mark == mark(record) else None


def _waits(record: Record, row: Row | None, maker: Maker) -> str:
    """Return why a record is not decided yet, "" if it is."""
    if row is None:
        return "not asked yet"
    if row.state == FAILED:
        return "no answer"
    return "a label not translated yet" if maker.unknown([record]) else ""


def _queued(record: Record, row: Row | None, reason: str) -> Record:
    told = f"{reason}: {row.reason[:_REASON]}" if row and row.reason else reason
    return replace(record, meta={**record.meta, "doubt": told})


def _decided(
    found: Harvest, split: str, made: Made, seen: set[str], filters: tuple[str, ...]
) -> tuple[str, Record]:
    """Count a translation; return the file that it goes to and the record."""
    found.steps.update(made.steps)
    found.notes.update(made.notes)
    rules = made.rules
    key = twins.key(made.record.text)
    if not rules and DUPLICATED in filters and key in seen:
        rules = (DUPLICATED,)
    found.fired.update(rules)
    if rules:
        found.dropped[rules[0]] += 1
        return DROPPED, _marked(made.record, rules)
    seen.add(key)
    found.kept[split] += 1
    found.tally.add(split, made.record)
    return split, made.record


def _marked(record: Record, rules: tuple[str, ...]) -> Record:
    draft: Mapping[str, Any] = record.meta["draft"]
    return replace(record, meta={**record.meta, "draft": {**draft, "rules": list(rules)}})
