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
    """Return what the predictions score against gold, by default in the pointline protocol.

    (`draws` has the papers' protocol as its default.) Sides are paired by id, in whatever order
    they come. `missing="wrong"` counts a gold record without a prediction as wrong. `tasks` are
    tasks by name that go before the table. See `Rules` for the other choices, and `Report` for
    what comes back; `resamples=0` leaves the bootstrap intervals out.

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

    The default protocol is the papers', which `score` has not: say `protocol="pointline"` for
    means to set beside those of `score`.

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
    without = _Bootstrap(0, 0.95, seed)
    reports = [
        _report((judge(*pair, rules) for pair in drawn), rules, without)
        for drawn in _draw(align(gold, predicted, missing=missing), draws, size, seed)
    ]
    return Draws(tuple(reports), size, seed)


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


_Kind = Literal["matched", "gold", "predicted"]
_KINDS: tuple[_Kind, ...] = ("matched", "gold", "predicted")
_Labels = dict[_Kind, Counter[str]]


def _no_labels() -> _Labels:
    return {kind: Counter() for kind in _KINDS}


class _Tally:
    """Outcomes added up: the only thing here that changes."""

    def __init__(self) -> None:
        self.rows: Counter[Row] = Counter()
        self.tl, self.wl = _no_labels(), _no_labels()
        self.repairs: Counter[str] = Counter()
        self.completions = Share()
        self.entities = Share()
        self.missing = self.unread = 0

    def add(self, outcome: Outcome) -> None:
        self.rows[outcome.row()] += 1
        self._add_label(outcome.gold.label, outcome.predicted.label)
        if outcome.view != "whole":  # Algorithm 1 leaves facts without labels
            self._add_items(outcome)
        self.entities += outcome.entities
        if outcome.accepted is not None:
            self.completions += Share(int(outcome.accepted), 1)
        for repair in outcome.repairs:
            self.repairs[repair] += 1
        self.missing += outcome.missing
        self.unread += not (outcome.predicted.ok or outcome.missing)

    def _add_label(self, gold: str, predicted: str) -> None:
        if gold:
            self.tl["gold"][gold] += 1
        if predicted:
            self.tl["predicted"][predicted] += 1
        if gold and gold == predicted:
            self.tl["matched"][gold] += 1

    def _add_items(self, outcome: Outcome) -> None:
        gold, predicted = outcome.gold.items, outcome.predicted.items
        for kind, items in zip(_KINDS, (gold & predicted, gold, predicted), strict=True):
            counter = self.wl[kind]
            for item in items:
                counter[outcome.label_of(item)] += 1

    def __iadd__(self, other: _Tally) -> _Tally:
        self.rows += other.rows
        for mine, theirs in ((self.tl, other.tl), (self.wl, other.wl)):
            for kind, labels in theirs.items():
                mine[kind] += labels
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
        tl_labels=_by_label(tally.tl),
        wl_labels=_by_label(tally.wl),
        intervals=_intervals(tally.rows, sums, sure),
        tasks=tasks or {},
        resamples=sure.resamples,
        seed=sure.seed,
    )


def _offset(sums: Row) -> Counts | None:
    if not sums.offset_records:
        return None
    return Counts(sums.offset_matched, sums.offset_gold, sums.offset_predicted)


def _by_label(labels: _Labels) -> dict[str, Counts]:
    """Return the counts of each label, the most frequent in gold first."""
    names = labels["gold"].keys() | labels["predicted"].keys()
    found = {name: Counts(*(labels[kind][name] for kind in _KINDS)) for name in names}
    return dict(sorted(found.items(), key=lambda kv: (-kv[1].gold, -kv[1].predicted, kv[0])))


def _intervals(rows: Mapping[Row, int], sums: Row, sure: _Bootstrap) -> dict[str, Interval]:
    if not sure.resamples:
        return {}
    statistics: dict[str, Statistic] = {
        name: f1(*(COLUMNS[f"{name}_{kind}"] for kind in _KINDS))
        for name in ("tl", "wl", "offset")
        if name != "offset" or sums.offset_records
    }
    statistics["all"] = share(COLUMNS["right"], COLUMNS["records"])
    return bootstrap(rows, statistics, resamples=sure.resamples, level=sure.level, seed=sure.seed)


_Paired = tuple[Record, Record | None]


def _draw(
    pairs: Iterable[_Paired], draws: int, size: int, seed: int
) -> Iterator[Iterator[_Paired]]:
    """Yield each draw: of each task, the `size` records whose ids have the smallest hashes."""
    heaps: list[defaultdict[str, list[tuple[int, str, _Paired]]]]
    heaps = [defaultdict(list) for _ in range(draws)]
    for pair in pairs:
        record = pair[0]
        for number, heap_of in enumerate(heaps):
            key = hashlib.blake2b(f"{seed}/{number}/{record.id}".encode(), digest_size=8)
            heap = heap_of[record.task]
            entry = (-int.from_bytes(key.digest()), record.id, pair)
            if len(heap) < size:
                heapq.heappush(heap, entry)
            elif entry > heap[0]:
                heapq.heapreplace(heap, entry)
    for heap_of in heaps:
        yield (pair for heap in heap_of.values() for _, _, pair in heap)
