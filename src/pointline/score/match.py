"""TL, WL and ALL: scores of predictions against gold, in two named protocols (docs/scoring.md).

Records are read in step and forgotten when they are counted: what stays in memory is one entry
for each distinct row of counts, the labels met, and the ids.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.score.align import Missing, align
from pointline.score.judge import COLUMNS, Completions, Outcome, Row, Rules, judge
from pointline.score.report import Counts, Draws, Match, Protocol, Report, Share
from pointline.score.significance import Interval, Statistic, bootstrap, f1, share

__all__ = ["Report", "draws", "outcomes", "score"]


def score(
    gold: Iterable[Record],
    predicted: Iterable[Record],
    *,
    protocol: Protocol = "pointline",
    match: Match = "string",
    missing: Missing = "error",
    completions: Completions = "raw",
    tasks: Mapping[str, Task] | None = None,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Report:
    """Return what the predictions score against gold.

    Sides are paired by id, in whatever order they come. `missing="wrong"` counts a gold record
    without a prediction as wrong. `tasks` are tasks by name that go before the table. See `Rules`
    for the other choices, and `Report` for what comes back; `resamples=0` leaves the bootstrap
    intervals out.

    Raises InputError where the two sides do not belong together (`align`) or cannot be compared
    as asked (`judge`).

    >>> from pointline.format.record import Pair
    >>> text, pairs = "清少納言は京都にいた。", (Pair("人名", "清少納言"), Pair("地名", "京都"))
    >>> gold = Record("1", "scnm-ja", text, "文芸", pairs)
    >>> report = score([gold], [Record("1", "scnm-ja", text, "文芸", pairs[:1])])
    >>> report.tl.f1, round(report.wl.f1, 4), report.all
    (1.0, 0.6667, 0.0)
    """
    rules = Rules(protocol, match, completions, tasks or {})
    compared = outcomes(gold, predicted, rules=rules, missing=missing)
    return _report(compared, rules, _Bootstrap(resamples, level, seed))


def draws(
    gold: Iterable[Record],
    predicted: Iterable[Record],
    *,
    draws: int = 3,
    size: int = 1000,
    seed: int = 0,
    protocol: Protocol = "paper",
    match: Match = "string",
    missing: Missing = "error",
    completions: Completions = "raw",
    tasks: Mapping[str, Task] | None = None,
) -> Draws:
    """Score the papers' way: `draws` draws of `size` records of each task, averaged.

    A draw is made without replacement; a task with no more than `size` records is taken whole,
    by every draw. What is drawn depends on the seed and the ids alone, so that all systems on one
    test set are scored on the same draws, whatever the order of their files.

    Raises InputError as `score` does, and for less than one draw or record.

    >>> gold = [Record(str(i), "scnm-en", "It rains.", "Nature") for i in range(9)]
    >>> drawn = draws(gold, gold, size=5)
    >>> [report.records for report in drawn.reports], drawn.tl_f1
    ([5, 5, 5], 1.0)
    """
    if draws < 1 or size < 1:
        raise InputError(f"draws and size are 1 or more, got draws={draws}, size={size}")
    rules = Rules(protocol, match, completions, tasks or {})
    compared = outcomes(gold, predicted, rules=rules, missing=missing)
    without = _Bootstrap(0, 0.95, seed)
    drawn = _draw(compared, draws, size, seed)
    return Draws(tuple(_report(some, rules, without) for some in drawn), size, seed)


def outcomes(
    gold: Iterable[Record],
    predicted: Iterable[Record],
    *,
    rules: Rules | None = None,
    missing: Missing = "error",
) -> Iterator[Outcome]:
    """Yield the outcome of each record: what `score` counts, and what a log of records shows.

    Raises InputError as `score` does, at the latest when the last record was read.

    >>> record = Record("1", "scnm-en", "It rains.", "Nature")
    >>> [outcome.right for outcome in outcomes([record], [record])]
    [True]
    """
    rules = rules or Rules()
    for reference, prediction in align(gold, predicted, missing=missing):
        yield judge(reference, prediction, rules)


# ---------------------------------------------------------------- counting


class _Bootstrap(NamedTuple):
    resamples: int
    level: float
    seed: int


_Label = tuple[Literal["tl", "wl"], Literal["matched", "gold", "predicted"], str]


class _Tally:
    """Outcomes added up: the only thing here that changes."""

    def __init__(self) -> None:
        self.rows: Counter[Row] = Counter()
        self.labels: Counter[_Label] = Counter()
        self.repairs: Counter[str] = Counter()
        self.completions = Share()
        self.entities = Share()
        self.missing = self.unread = 0

    def add(self, outcome: Outcome) -> None:
        self.rows[outcome.row()] += 1
        self._add_labels(outcome)
        self.entities += outcome.entities
        if outcome.accepted is not None:
            self.completions += Share(int(outcome.accepted), 1)
        for repair in outcome.repairs:
            self.repairs[repair] += 1
        self.missing += outcome.missing
        self.unread += not (outcome.predicted.ok or outcome.missing)

    def _add_labels(self, outcome: Outcome) -> None:
        labels, gold, predicted = self.labels, outcome.gold, outcome.predicted
        if gold.label:
            labels["tl", "gold", gold.label] += 1
            labels["tl", "matched", gold.label] += gold.label == predicted.label
        if predicted.label:
            labels["tl", "predicted", predicted.label] += 1
        if outcome.view == "whole":  # Algorithm 1 leaves facts without labels
            return
        for item in gold.items:
            label = outcome.label_of(item)
            labels["wl", "gold", label] += 1
            labels["wl", "matched", label] += item in predicted.items
        for item in predicted.items:
            labels["wl", "predicted", outcome.label_of(item)] += 1

    def __iadd__(self, other: _Tally) -> _Tally:
        self.rows += other.rows
        self.labels += other.labels
        self.repairs += other.repairs
        self.completions += other.completions
        self.entities += other.entities
        self.missing += other.missing
        self.unread += other.unread
        return self


def _report(compared: Iterable[Outcome], rules: Rules, sure: _Bootstrap) -> Report:
    """Return the report of all outcomes, with one for each task where there are several."""
    tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
    for outcome in compared:
        tallies[outcome.task].add(outcome)
    if len(tallies) == 1:
        return _of(tallies.popitem()[1], rules, sure)
    tasks = {name: _of(tallies[name], rules, sure) for name in sorted(tallies)}
    total = _Tally()
    for tally in tallies.values():
        total += tally
    return _of(total, rules, sure, tasks)


def _of(
    tally: _Tally, rules: Rules, sure: _Bootstrap, tasks: Mapping[str, Report] | None = None
) -> Report:
    scaled = ([n * count for n in row] for row, count in tally.rows.items())
    sums = Row(*map(sum, zip(*scaled, strict=True)))
    return Report(
        protocol=rules.protocol,
        match=rules.match,
        records=sums.records,
        tl=Counts(sums.tl_matched, sums.tl_gold, sums.tl_predicted),
        wl=Counts(sums.wl_matched, sums.wl_gold, sums.wl_predicted),
        right=sums.right,
        offset=_offset(sums),
        offset_records=sums.offset_records,
        missing=tally.missing,
        unread=tally.unread,
        completions=tally.completions,
        entities=tally.entities,
        repairs=dict(sorted(tally.repairs.items())),
        tl_labels=_by_label(tally.labels, "tl"),
        wl_labels=_by_label(tally.labels, "wl"),
        intervals=_intervals(tally.rows, sums, sure),
        tasks=tasks or {},
        resamples=sure.resamples,
        seed=sure.seed,
    )


def _offset(sums: Row) -> Counts | None:
    if not sums.offset_records:
        return None
    return Counts(sums.offset_matched, sums.offset_gold, sums.offset_predicted)


def _by_label(labels: Counter[_Label], level: Literal["tl", "wl"]) -> dict[str, Counts]:
    """Return the counts of each label, the most frequent in gold first."""
    names = {label for of, _, label in labels if of == level}
    found = {
        name: Counts(*(labels[level, kind, name] for kind in ("matched", "gold", "predicted")))
        for name in names
    }
    return dict(sorted(found.items(), key=lambda kv: (-kv[1].gold, -kv[1].predicted, kv[0])))


def _intervals(rows: Mapping[Row, int], sums: Row, sure: _Bootstrap) -> dict[str, Interval]:
    if not sure.resamples:
        return {}
    statistics: dict[str, Statistic] = {
        name: f1(*(COLUMNS[f"{name}_{kind}"] for kind in ("matched", "gold", "predicted")))
        for name in ("tl", "wl", "offset")
        if name != "offset" or sums.offset_records
    }
    statistics["all"] = share(COLUMNS["right"], COLUMNS["records"])
    return bootstrap(rows, statistics, resamples=sure.resamples, level=sure.level, seed=sure.seed)


def _draw(compared: Iterable[Outcome], draws: int, size: int, seed: int) -> list[list[Outcome]]:
    """Return the outcomes of each draw: of each task, the `size` ids with the smallest hashes."""
    heaps: list[dict[str, list[tuple[int, str, Outcome]]]] = [{} for _ in range(draws)]
    for outcome in compared:
        for number, heap_of in enumerate(heaps):
            key = hashlib.blake2b(f"{seed}/{number}/{outcome.id}".encode(), digest_size=8)
            heap = heap_of.setdefault(outcome.task, [])
            entry = (-int.from_bytes(key.digest()), outcome.id, outcome)
            if len(heap) < size:
                heapq.heappush(heap, entry)
            elif entry > heap[0]:
                heapq.heapreplace(heap, entry)
    return [[o for heap in heap_of.values() for _, _, o in heap] for heap_of in heaps]
