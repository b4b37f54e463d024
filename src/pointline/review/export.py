"""What a review came to: accepted records as dataset folders, decisions as CSV, a summary.

Each is of one moment, whatever people decide while it is made.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from pointline.corpus import recordfile, store
from pointline.format.record import Record
from pointline.review.agreement import Agreement, between
from pointline.review.item import Event, Item, Review, Reviewer
from pointline.review.pairing import task_of
from pointline.review.queue import Moment, Queue

__all__ = ["COLUMNS", "DECISIONS", "SUMMARY", "decisions", "export", "pack", "summary"]

#: Names of the two files beside the datasets.
DECISIONS, SUMMARY = "decisions.csv", "summary.json"

#: The columns of the decisions.
COLUMNS = (
    "number", "id", "split", "status", "reason", "flagged", "corrected", "label", "rules",
    "reviewer", "changed_at", "version", "second_reviewer", "second_verdict", "second_label",
    "comments",
)  # fmt: skip


def export(queue: Queue, review: Review, out: Path) -> dict[str, Any]:
    """Write a review into a folder and return its summary.

    `out/TASK/` is a dataset of the accepted records of a task, in the place of one that is there;
    `out/decisions.csv` has every item, `out/summary.json` the summary.

    Raises CorpusError where something else than a dataset is in a dataset's place.
    """
    out.mkdir(parents=True, exist_ok=True)
    parts: Counter[str] = Counter()
    with queue.moment() as now, ExitStack() as files:
        file = files.enter_context(recordfile.atomic(out / DECISIONS))
        accepted = _Datasets(review, out, now.find.splits(review), files)
        file.write(_HEAD.encode())
        for item, line in _rows(now, review):
            file.write(line.encode())
            if item.status == "accepted":
                accepted.add(item)
                parts.update(item.corrected)
        told = _summary(now, review) | {"corrected_parts": dict(parts)}
    with recordfile.atomic(out / SUMMARY) as file:
        file.write(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    return told


def pack(folder: Path, out: BinaryIO) -> None:
    """Write the files of a folder into a zip archive."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(folder).as_posix())


# ---------------------------------------------------------------- datasets


class _Datasets:
    """The datasets of a review, one a task, begun when the first record comes."""

    def __init__(self, review: Review, out: Path, splits: Sequence[str], files: ExitStack) -> None:
        self._review, self._out, self._splits, self._files = review, out, splits, files
        self._made: dict[str, store.NewDataset] = {}

    def add(self, item: Item) -> None:
        task = task_of(item.record, self._review.tasks)
        if task.name not in self._made:
            folder = self._out / _folder_name(task.name, len(self._made))
            new = store.new_dataset(folder, task, self._splits, replace=True)
            made = self._made[task.name] = self._files.enter_context(new)
            made.about["review"] = {"source": self._review.source, "draft": self._review.draft}
        self._made[task.name].add(item.split, _accepted(item))


def _folder_name(task: str, at: int) -> str:
    plain = re.sub(r"[^\w-]+", "_", task).strip("_")
    return plain if plain == task else f"{plain or 'dataset'}-{at + 1}"


def _accepted(item: Item) -> Record:
    """Return the record without what a system told of its own reading, which a person replaced."""
    record, told = item.record, {"corrected": list(item.corrected)}
    return Record(
        record.id, record.task, record.text, record.label, record.pairs, record.facts,
        {**record.meta, "review": told},
    )  # fmt: skip


# ---------------------------------------------------------------- decisions


def decisions(queue: Queue, review: Review) -> Iterator[str]:
    """Yield the lines of the CSV file: its head, and one row an item, in their order.

    It begins with a byte-order mark, by which spreadsheets know that it is UTF-8.
    """
    yield _HEAD
    with queue.moment() as now:
        for _, line in _rows(now, review):
            yield line


def _rows(now: Moment, review: Review) -> Iterator[tuple[Item, str]]:
    """Yield every item, without its original, and its line."""
    notes: defaultdict[int, list[Event]] = defaultdict(list)
    for event in reversed(now.log.notes(review)):
        notes[event.item].append(event)
    for item in now.find.every(review):
        row = _decision(item) | _noted(notes.get(item.id, []))
        yield item, _line(row.get(column, "") for column in COLUMNS)


def _decision(item: Item) -> dict[str, Any]:
    when = datetime.fromtimestamp(item.changed_at, UTC).isoformat(timespec="seconds")
    return {
        "number": item.position + 1,
        "id": item.draft.id,
        "split": item.split,
        "status": item.status,
        "reason": item.reason,
        "flagged": int(item.flagged),
        "corrected": " ".join(item.corrected),
        "label": item.record.label,
        "rules": "; ".join(item.rules),
        "reviewer": item.decided_by,
        "changed_at": when if item.changed_by else "",
        "version": item.version,
    }


def _noted(events: Iterable[Event]) -> dict[str, str]:
    found: dict[str, str] = {}
    comments = []
    for event in events:
        if event.action == "comment":
            comments.append(f"{event.reviewer}: {event.note}")
            continue
        verdict, label = event.after["opinion"]
        found = {"second_reviewer": event.reviewer, "second_verdict": verdict}
        found["second_label"] = label
    return found | {"comments": "\n".join(comments)}


def _line(cells: Iterable[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow([_cell(cell) for cell in cells])
    return out.getvalue()


def _cell(value: Any) -> Any:
    # a spreadsheet runs what begins like a formula
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value


_HEAD = "\ufeff" + _line(COLUMNS)


# ---------------------------------------------------------------- summary


def summary(queue: Queue, review: Review) -> dict[str, Any]:
    """Return the numbers of a review; `share_corrected` is the paper's figure of quality.

    It is the share of the accepted records whose text, label or items a person changed, None where
    nothing is accepted.
    """
    with queue.moment() as now:
        return _summary(now, review)


def _summary(now: Moment, review: Review) -> dict[str, Any]:
    found = now.find.progress(review, Reviewer("", ""))
    accepted = found.statuses.get("accepted", 0)
    people: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for (name, status), count in now.find.decided(review).items():
        people[name][status] = count
    return {
        "source": review.source,
        "draft": review.draft,
        "items": found.total,
        "statuses": dict(found.statuses),
        "flagged": found.flagged,
        "corrected": found.corrected,
        "share_corrected": found.corrected / accepted if accepted else None,
        "rules": now.find.rules(review),
        "reviewers": dict(people),
        "second_opinion_share": review.share,
        "agreement": [
            {"reviewers": [both.first, both.second]}
            | {"verdict": _agreement(both.verdict), "label": _agreement(both.label)}
            for both in between(now.log.opinions(review))
        ],
    }


def _agreement(found: Agreement) -> Mapping[str, Any]:
    return asdict(found) | {"share": found.share}
