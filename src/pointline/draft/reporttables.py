"""The report of translation runs as plain tables, and as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pointline.draft.drafting import MISSING
from pointline.draft.repair import Step
from pointline.draft.report import DATASETS, Report
from pointline.draft.retention import Example, Run
from pointline.score.contingency import ChiSquared, wilson
from pointline.score.significance import Interval
from pointline.score.tables import Table

__all__ = ["NOTE", "examples", "markdown", "reason", "tables"]

NONE = "–"
#: What the shares are of, and how runs are held against each other.
NOTE = (
    "Lost: dropped by a rule, of the records that were kept or dropped. Intervals: Wilson, 95 %."
    " Tests: McNemar's exact test for runs over the same records, Fisher's for others, both"
    " two-sided, corrected by Holm; Pearson's chi-squared for all at once, as if no two runs shared"
    " a record. Differences are in points, the share that the second run kept less the first's."
    " ≈: the server did not count all tokens."
)


def tables(report: Report) -> dict[str, Table]:
    """Return the tables by title; those that have nothing to show are left out."""
    made = {
        "Runs": _runs(report.runs),
        "Retained": _retained(report.runs),
        "Beside the MMM paper's Table 7": _beside(report),
        "By language pair and model": _pairs(report.runs),
        "Dropped by rule (the first that fired)": _rules(report, first=True),
        "Rules that fired (a record may break several)": _rules(report, first=False),
        "How entities were found": _steps(report.runs),
        "Kept records by the last repair that they needed": _kept(report.runs),
        "Waiting": _waiting(report.runs),
        "Pairs of runs": _comparisons(report),
        "All at once": _tests(report),
        "Cost: tokens, and for a kept record; money, and for 1,000 kept": _cost(report.runs),
    }
    return {title: table for title, table in made.items() if table.rows}


def markdown(report: Report) -> str:
    """Return the report in Markdown: the tables, then the examples of every rule."""
    parts = ["# Translation runs", NOTE]
    for title, table in tables(report).items():
        parts += [f"## {title}", table.markdown()]
    for rule in report.rule_names:
        if shown := report.examples(rule):
            parts += [f"## Examples: {rule}", examples(shown).markdown()]
    return "\n\n".join(parts) + "\n"


def examples(shown: Iterable[Example]) -> Table:
    """Return examples of a rule as a table."""
    rows = [
        (one.run, one.record.id, one.source or NONE, one.record.text or NONE, reason(one))
        for one in shown
    ]
    return Table(("run", "id", "source", "draft", "why"), tuple(rows))


def reason(one: Example) -> str:
    """Return why a draft was not kept: what the run noted, the entities not found, other rules."""
    told = [one.reason] if one.reason else []
    lost = [pair.entity for pair in one.record.pairs if pair.start is None]
    if lost and not one.reason and one.rule.startswith("entity"):
        told.append(f"not in the draft: {', '.join(lost)}")
    others = [rule for rule in one.rules if rule != one.rule]
    if others:
        told.append(f"also {', '.join(others)}")
    return "; ".join(told) or one.rule


# ---------------------------------------------------------------- one table each


def _runs(runs: Iterable[Run]) -> Table:
    rows = [
        (
            run.name, DATASETS.get(run.family, run.task), f"{run.source} to {run.target}",
            run.model, run.rules, f"{run.records:,}", f"{run.kept:,}",
            _number(run.lost_percent),
        )
        for run in runs
    ]  # fmt: skip
    headers = ("run", "dataset", "direction", "model", "rules", "records", "remaining", "lost %")
    return Table(headers, tuple(rows))


def _retained(runs: Iterable[Run]) -> Table:
    rows = [
        (
            run.name, f"{run.kept:,} of {run.decided:,}",
            _number(100 * run.kept / run.decided if run.decided else None),
            _ends(run.retained), f"{run.queued:,}",
        )
        for run in runs
    ]  # fmt: skip
    headers = ("run", "kept of decided", "kept %", "95 % interval", "waiting")
    return Table(headers, tuple(rows))


def _beside(report: Report) -> Table:
    """Return the paper's rows, each behind our runs of the same dataset and direction."""
    keys = dict.fromkeys((row.dataset, row.source, row.target) for row in report.published)
    rows = []
    for key in keys:
        place = (key[0], f"{key[1]} to {key[2]}")
        rows += [
            (*place, run.name, run.model, f"{run.kept:,}", _number(run.lost_percent))
            for run in report.runs
            if (DATASETS.get(run.family), run.source, run.target) == key
        ]
        rows += [
            (*place, "MMM paper", row.model, f"{row.remaining:,}", _number(row.lost_percent))
            for row in report.published
            if (row.dataset, row.source, row.target) == key
        ]
    headers = ("dataset", "direction", "run", "model", "remaining", "lost %")
    return Table(headers, tuple(rows))


def _pairs(runs: Iterable[Run]) -> Table:
    """Return the sums over datasets, rules by rules; nothing where they are no sums.

    Of runs that share a file one is summed, for a record would count twice; the others are named.
    """
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        key = (f"{run.source} to {run.target}", run.model, run.rules)
        groups.setdefault(key, []).append(run)
    headers = (
        "direction", "model", "rules", "runs", "remaining", "lost", "lost %", "kept %, interval",
        "not summed: same files",
    )  # fmt: skip
    parted = {key: _parted(some) for key, some in groups.items()}
    if all(len(summed) < 2 for summed, _ in parted.values()):
        return Table(headers, ())
    shown = len(headers) if any(left for _, left in parted.values()) else -1
    rows = [(*key, *_sum(summed), ", ".join(left)) for key, (summed, left) in parted.items()]
    return Table(headers[:shown], tuple(row[:shown] for row in rows))


def _parted(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """Return the runs to sum, no two of which share a file, and the names of the others.

    Of those that do, the one that decided most is summed; of equals, the first.
    """
    summed: list[Run] = []
    seen: set[str] = set()
    for run in sorted(runs, key=lambda run: -run.decided):
        files = set(map(str, run.files.values()))
        if not files & seen:
            summed.append(run)
            seen |= files
    names = {run.name for run in summed}
    return summed, [run.name for run in runs if run.name not in names]


def _sum(runs: Sequence[Run]) -> tuple[str, ...]:
    kept, lost = sum(run.kept for run in runs), sum(run.lost for run in runs)
    share = 100 * lost / (kept + lost) if kept + lost else None
    interval = _ends(wilson(kept, kept + lost))
    return (str(len(runs)), f"{kept:,}", f"{lost:,}", _number(share), interval)


def _rules(report: Report, *, first: bool) -> Table:
    return _side_by_side(
        "rule",
        report.rule_names,
        {run.name: (run.dropped if first else run.fired, run.decided) for run in report.runs},
    )


def _steps(runs: Iterable[Run]) -> Table:
    """Return the entities of all readable answers by the step that found them."""
    columns = {}
    for run in runs:
        counts = Counter(run.metrics.get("steps", {}))
        columns[run.name] = counts, counts.total()
    return _side_by_side("step", _ordered(columns, last=MISSING), columns)


def _kept(runs: Iterable[Run]) -> Table:
    columns = {}
    for run in runs:
        counts = Counter({step or "no entity": n for step, n in run.kept_by_step.items()})
        columns[run.name] = counts, run.kept
    return _side_by_side("step", _ordered(columns, last="no entity"), columns)


def _ordered(columns: Mapping[str, tuple[Counter[str], int]], *, last: str) -> list[str]:
    found = dict.fromkeys(step for counts, _ in columns.values() for step in counts)
    order = [*map(str, Step), *(step for step in found if step != last), last]
    return [step for step in dict.fromkeys(order) if step in found]


def _waiting(runs: Iterable[Run]) -> Table:
    columns = {
        run.name: (Counter(run.metrics.get("queued_by_reason", {})), run.records) for run in runs
    }
    reasons = dict.fromkeys(reason for counts, _ in columns.values() for reason in counts)
    return _side_by_side("why", reasons, columns)


def _side_by_side(
    head: str, names: Iterable[str], columns: Mapping[str, tuple[Counter[str], int]]
) -> Table:
    """Return a row for each name, and for each run its count and the share of the whole."""
    rows = [
        (name, *(_share(counts[name], whole) for counts, whole in columns.values()))
        for name in names
        if any(counts[name] for counts, _ in columns.values())
    ]
    return Table((head, *columns), tuple(rows))


def _comparisons(report: Report) -> Table:
    rows = [
        (
            f"{one.first} / {one.second}", one.test, f"{one.records:,}",
            f"{100 * one.difference:+.2f}".replace("-", "−"), _p(one.p), _p(one.corrected),
        )
        for one in report.comparisons
    ]  # fmt: skip
    headers = ("runs", "test", "records", "difference", "p", "corrected p")
    return Table(headers, tuple(rows))


def _tests(report: Report) -> Table:
    asked = {"share kept, all runs": report.remaining, "rules, all runs": report.rules}
    asked |= {f"text labels, {name}": test for name, test in report.labels.items()}
    rows = [
        (what, f"{test.statistic:.2f}", str(test.freedom), _p(test.p), _caution(test))
        for what, test in asked.items()
        if test.freedom
    ]
    return Table(("alike?", "chi-squared", "degrees", "p", "note"), tuple(rows))


def _caution(test: ChiSquared) -> str:
    return "" if test.smallest >= 5 else f"rough: {test.smallest:.1f} expected"


def _cost(runs: Iterable[Run]) -> Table:
    rows = []
    for run in runs:
        used = run.metrics
        asked, answered, cost = (used.get(n) or 0 for n in ("tokens_in", "tokens_out", "cost"))
        about = "≈" if used.get("guessed") else ""
        per_kept = (asked + answered) / run.kept if run.kept else None
        rows.append(
            (
                run.name, f"{used.get('requests', 0):,}", f"{about}{asked:,}",
                f"{about}{answered:,}", _number(per_kept, 0), f"{cost:,.4f}" if cost else NONE,
                _number(1000 * cost / run.kept, 4) if cost and run.kept else NONE,
            )
        )  # fmt: skip
    headers = (
        "run", "requests", "in", "out", "per kept", "cost", "per 1,000",
    )  # fmt: skip
    return Table(headers, tuple(rows))


# ---------------------------------------------------------------- cells


def _number(value: float | None, digits: int = 2) -> str:
    return NONE if value is None else f"{value:,.{digits}f}"


def _share(count: int, whole: int) -> str:
    return f"{count:,} ({100 * count / whole:.2f} %)" if count and whole else f"{count:,}"


def _ends(interval: Interval) -> str:
    return f"{100 * interval.low:.2f}–{100 * interval.high:.2f}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"
