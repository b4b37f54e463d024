"""What translation runs kept and lost, side by side, and beside the paper's own Table 7.

A share is of the records that were decided, kept or dropped: with none queued that is the paper's.
Two runs over the same records are compared by McNemar's exact test of the records on which they
differ, others by Fisher's; all runs at once by Pearson's chi-squared (`score.contingency`).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

from pointline.draft.retention import Example, Run
from pointline.draft.runfiles import Fates, read_run
from pointline.errors import InputError
from pointline.score.contingency import ChiSquared, chi_squared, fisher, holm, mcnemar

__all__ = ["Comparison", "Published", "Report", "published", "report"]

#: The paper's names of the families of tasks that its Table 7 has.
DATASETS: Mapping[str, str] = {
    "scnm": "SCNM",
    "scpos-rw": "SCPOS:RW",
    "scpos-adjn": "SCPOS:Adj&N",
    "tcree": "TCREE",
    "tconer": "TCONER",
}

_LABELS = 10  # text labels that are tested by themselves; rarer ones are taken together


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the paper's Table 7, as printed."""

    dataset: str
    source: str
    target: str
    model: str
    remaining: int
    lost_percent: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs held against each other.

    `records` were decided by both where the test is "McNemar", by either where it is "Fisher";
    `difference` is the share that the second kept less the first's, over these records. `corrected`
    is p by Holm's method over all pairs of runs.
    """

    first: str
    second: str
    test: str
    records: int
    difference: float
    p: float
    corrected: float


@dataclass(frozen=True, slots=True)
class Report:
    """Translation runs side by side.

    `remaining` tests whether all runs keep the same share, `rules` whether they lose records by the
    rules in the same proportions, `labels` of each run whether it loses the same share of every
    text label: where it does not, the filters change what the dataset is about.
    """

    runs: tuple[Run, ...]
    comparisons: tuple[Comparison, ...]
    remaining: ChiSquared
    rules: ChiSquared
    labels: Mapping[str, ChiSquared]
    published: tuple[Published, ...]

    @property
    def rule_names(self) -> tuple[str, ...]:
        """The rules that fired in any run, those that dropped most first."""
        fired: Counter[str] = Counter()
        for run in self.runs:
            fired.update(dict.fromkeys(run.fired, 0))
            fired.update(run.dropped)
        return tuple(sorted(fired, key=lambda rule: (-fired[rule], rule)))

    def examples(self, rule: str) -> tuple[Example, ...]:
        """Return the examples of a rule, run by run."""
        return tuple(one for run in self.runs for one in run.examples if one.rule == rule)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-ready values."""
        return {
            "runs": [run.to_dict() for run in self.runs],
            "comparisons": [asdict(one) for one in self.comparisons],
            "chi_squared": {"remaining": asdict(self.remaining), "rules": asdict(self.rules)},
            "labels": {name: asdict(test) for name, test in self.labels.items()},
            "published": [asdict(row) for row in self.published],
            "examples": [_example(one) for rule in self.rule_names for one in self.examples(rule)],
        }

    def csv(self) -> str:
        """Return a line a run under Table 7's columns and more, then the paper's lines."""
        lines = [_line(run, self.rule_names) for run in self.runs]
        lines += [{"run": "MMM paper, Table 7", **asdict(row)} for row in self.published]
        out = io.StringIO()
        columns = dict.fromkeys(column for line in lines for column in line)
        writer = csv.DictWriter(out, list(columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
        return out.getvalue()


def report(
    folders: Sequence[str | Path],
    *,
    examples: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Return the report of the runs in some folders, `examples` of every rule from each.

    Raises InputError where a folder is given twice, holds no finished translation run, or one that
    does not add up; RecordError for a line that is no record.
    """
    paths = [Path(folder) for folder in folders]
    if not paths:
        raise InputError("no run to report on: name the folder of one")
    names = _names(paths)
    fates, runs = Fates(), []
    for at, (path, name) in enumerate(zip(paths, names, strict=True)):
        if progress:
            progress(at, len(paths))
        runs.append(read_run(path, name, fates=fates, at=at, examples=examples))
    return Report(
        runs=tuple(runs),
        comparisons=_compared(runs, fates.patterns()),
        remaining=chi_squared([(run.kept, run.lost) for run in runs]),
        rules=chi_squared(_by_rule(runs)),
        labels={run.name: chi_squared(_by_label(run)) for run in runs},
        published=_counterparts(runs),
    )


@cache
def published() -> tuple[Published, ...]:
    """Return the paper's Table 7, in its order.

    >>> len(published()), published()[0].remaining
    (10, 4449)
    """
    text = files("pointline.draft").joinpath("table7.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Published(
            row["dataset"], row["source"], row["target"], row["model"],
            int(row["remaining"]), float(row["lost_percent"]),
        )
        for row in rows
    )  # fmt: skip


# ---------------------------------------------------------------- comparing


def _names(paths: Sequence[Path]) -> list[str]:
    """Return what the runs are called: their folders' names, or paths where two are the same."""
    whole = [path.resolve() for path in paths]
    twice = next((path for path, count in Counter(whole).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: the run is given twice")
    counts = Counter(path.name for path in whole)
    pairs = zip(paths, whole, strict=True)
    return [w.name if counts[w.name] == 1 else str(path) for path, w in pairs]


def _compared(runs: Sequence[Run], patterns: Mapping[int, int]) -> tuple[Comparison, ...]:
    found = []
    for (i, first), (j, second) in combinations(enumerate(runs), 2):
        both = ones = others = 0
        if first.files and first.files == second.files:
            both, ones, others = Fates.compared(patterns, i, j)
        if both:
            told = ("McNemar", both, (others - ones) / both, mcnemar(ones, others))
        elif first.decided and second.decided:
            p = fisher(first.kept, first.lost, second.kept, second.lost)
            shares = [run.kept / run.decided for run in (first, second)]
            told = ("Fisher", first.decided + second.decided, shares[1] - shares[0], p)
        else:
            continue
        found.append((first.name, second.name, *told))
    corrected = holm([one[-1] for one in found])
    return tuple(Comparison(*one, p) for one, p in zip(found, corrected, strict=True))


def _by_rule(runs: Iterable[Run]) -> list[list[int]]:
    rules = sorted({rule for run in runs for rule in run.dropped})
    return [[run.dropped[rule] for rule in rules] for run in runs]


def _by_label(run: Run) -> list[list[int]]:
    """Return the kept and the dropped of each frequent text label, and of the others together."""
    whole = Counter[str]()
    for (label, _), count in run.by_label.items():
        whole[label] += count
    told = [label for label, _ in whole.most_common(_LABELS)]
    table = [[run.by_label[label, kept] for kept in (True, False)] for label in told]
    rest = [run.kept - sum(row[0] for row in table), run.lost - sum(row[1] for row in table)]
    return [*table, rest]


def _counterparts(runs: Iterable[Run]) -> tuple[Published, ...]:
    ours = {(DATASETS.get(run.family), run.source, run.target) for run in runs}
    return tuple(row for row in published() if (row.dataset, row.source, row.target) in ours)


# ---------------------------------------------------------------- plain values


def _example(one: Example) -> dict[str, Any]:
    record = one.record
    return {
        "rule": one.rule,
        "run": one.run,
        "id": record.id,
        "rules": list(one.rules),
        "reason": one.reason,
        "source": one.source,
        "draft": record.text,
        "label": record.label,
        "items": [list(item) for item in record.items],
    }


def _line(run: Run, rules: Iterable[str]) -> dict[str, Any]:
    told = run.to_dict()
    return {
        "run": run.name,
        "dataset": DATASETS.get(run.family, run.task),
        "source": run.source,
        "target": run.target,
        "model": run.model,
        "rules": run.rules,
        "remaining": run.kept,
        "lost_percent": None if run.lost_percent is None else round(run.lost_percent, 2),
        "retained_low": round(run.retained.low, 4),
        "retained_high": round(run.retained.high, 4),
        "records": run.records,
        "lost": run.lost,
        "queued": run.queued,
        **{f"dropped: {rule}": run.dropped[rule] for rule in rules},
        **{f"fired: {rule}": run.fired[rule] for rule in rules},
        **{f"mentions: {step or 'not found'}": n for step, n in told["mentions_by_step"].items()},
        **{f"kept: {step or 'no entity'}": n for step, n in sorted(run.kept_by_step.items())},
        **{name: told[name] for name in ("requests", "tokens_in", "tokens_out", "cost")},
    }
