"""From votes to files: which records are labelled, which a person has to look at, and why."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import orjson

from pointline.corpus import recordfile, store
from pointline.draft.labeller import Verdict, Vote, judge
from pointline.draft.ledger import Ledger, Row
from pointline.format.record import Record
from pointline.score.agreement import agreement

__all__ = ["DONE", "FAILED", "Rules", "Sorted", "mark", "sort", "untouched"]

#: The states of a row: votes are there, or no answer came.
DONE, FAILED = "done", "failed"

_CHUNK = 500  # records whose rows are looked up at once
_ANSWER = 500  # characters of an answer that a queued record shows
_CUTS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class Rules:
    """How records are sorted: who labelled them, and below which confidence they are queued.

    `task` is the name that records get, None keeps theirs; `relabel` as in `label.label`; `gold`
    has labels by id.
    """

    model: str
    prompt: str
    threshold: float = 0.0
    task: str | None = None
    relabel: bool = False
    gold: Mapping[str, str] = field(default_factory=dict, hash=False)


class _Queue:
    """Records for a person, in the order of their doubt; the records themselves lie in a file."""

    def __init__(self, spill: IO[bytes]) -> None:
        self._spill = spill
        self._entries: list[tuple[float, int, int, int]] = []  # certainty, where, two lengths

    def add(self, certainty: float, proposed: Record, given: Record) -> None:
        one, other = recordfile.dump(proposed), recordfile.dump(given)
        self._entries.append((certainty, self._spill.tell(), len(one), len(other)))
        self._spill.write(one + other)

    def write(self, folder: Path) -> None:
        """Write the two files: what was proposed, and the records as they came."""
        self._entries.sort()
        _write(folder / "queue.jsonl", (self._at(at, one) for _, at, one, _ in self._entries))
        _write(
            folder / "source.jsonl",
            (self._at(at + one, other) for _, at, one, other in self._entries),
        )

    def _at(self, start: int, length: int) -> bytes:
        self._spill.seek(start)
        return self._spill.read(length)


@dataclass(slots=True)
class Sorted:
    """What became of the records: counts, reasons, labels, who was compared with gold."""

    had_label: int = 0
    labelled: int = 0
    queued: int = 0
    waiting: int = 0
    failed: list[bytes] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    judged: list[tuple[str, Verdict]] = field(default_factory=list)

    def agreement(self) -> dict[str, Any] | None:
        """Return how far the labels proposed agree with gold: all, those let through, by cut.

        A record without a label counts as wrong. None where nothing was compared.
        """
        if not self.judged:
            return None
        known = [(gold, v) for gold, v in self.judged if v.confidence is not None]
        cuts = [
            (cut, [pair for pair in known if (pair[1].confidence or 0) >= cut]) for cut in _CUTS
        ]
        return {
            **agreement((gold, verdict.label) for gold, verdict in self.judged).to_dict(),
            "labelled": _right(pair for pair in self.judged if not pair[1].doubt),
            "queued": _right(pair for pair in self.judged if pair[1].doubt),
            "thresholds": [{"threshold": cut, **_right(kept)} for cut, kept in cuts if known],
        }


def mark(record: Record) -> str:
    """Return what tells a record from one of the same id with another text or other items."""
    return hashlib.sha256(orjson.dumps([record.text, record.items])).hexdigest()[:32]


def untouched(record: Record, *, relabel: bool) -> bool:
    """Tell whether a record keeps the label that it came with."""
    return bool(record.label) and not relabel


def sort(folder: Path, ledger: Ledger, records: Iterator[Record], rules: Rules) -> Sorted:
    """Write a run's files of records from its ledger; return what became of the records."""
    found = Sorted()
    with TemporaryFile(dir=folder) as spill:
        queue = _Queue(spill)
        labelled = _labelled(found, queue, ledger, records, rules)
        store.write_records(folder / "labelled.jsonl", labelled)
        queue.write(folder)
    _write(folder / "failed.jsonl", found.failed)
    return found


def _labelled(
    found: Sorted, queue: _Queue, ledger: Ledger, records: Iterator[Record], rules: Rules
) -> Iterator[Record]:
    """Yield the records that need no further look; the others are put where they belong."""
    for record, row in _with_rows(ledger, records):
        given = record if rules.task is None else replace(record, task=rules.task)
        if untouched(record, relabel=rules.relabel):
            found.had_label += 1
            kept: Record | None = given
        elif row is None:
            found.waiting += 1
            continue
        elif row.state == FAILED:
            meta = {**record.meta, "doubt": f"no answer: {row.reason}"}
            found.failed.append(recordfile.dump(replace(given, meta=meta)))
            continue
        else:
            kept = _decided(found, queue, given, row, rules)
        if kept is not None:
            found.labelled += 1
            found.labels[kept.label] += 1
            yield kept


def _with_rows(ledger: Ledger, records: Iterator[Record]) -> Iterator[tuple[Record, Row | None]]:
    while chunk := list(islice(records, _CHUNK)):
        rows = ledger.rows([record.id for record in chunk])
        for record in chunk:
            row = rows.get(record.id)
            yield record, row if row is not None and row.mark == mark(record) else None


def _decided(found: Sorted, queue: _Queue, record: Record, row: Row, rules: Rules) -> Record | None:
    """Return the record with its label, or put it into the queue and return None."""
    votes = tuple(Vote(**vote) for vote in row.body["votes"])
    verdict = judge(votes, rules.threshold)
    if record.id in rules.gold:
        found.judged.append((rules.gold[record.id], verdict))
    by: dict[str, Any] = {
        "model": rules.model,
        "confidence": verdict.confidence,
        "prompt": rules.prompt,
    }
    if len(votes) > 1:
        by["votes"] = [vote.label for vote in votes]
    if not verdict.doubt:
        return replace(record, label=verdict.label, meta={**record.meta, "label_source": by})
    found.reasons[verdict.doubt] += 1
    if not verdict.label:
        by["answer"] = votes[0].answer[:_ANSWER]
    meta = {**record.meta, "label_source": by, "doubt": verdict.doubt}
    queue.add(verdict.certainty, replace(record, label=verdict.label, meta=meta), record)
    found.queued += 1
    return None


def _write(path: Path, lines: Iterable[bytes]) -> None:
    with recordfile.atomic(path) as out:
        out.writelines(lines)


def _right(judged: Iterable[tuple[str, Verdict]]) -> dict[str, int]:
    pairs = list(judged)
    return {"records": len(pairs), "right": sum(gold == v.label for gold, v in pairs)}
