"""Reports as tables: plain headers and rows, and their Markdown, LaTeX, CSV and text.

Scores are printed in per cent, as the papers print them. "–" stands where there is nothing to
score: no gold and no prediction, or a system that was not run on a dataset.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pointline.errors import InputError
from pointline.score.report import Counts, Draws, Report, Share
from pointline.score.significance import Interval

__all__ = [
    "Metric",
    "Table",
    "by_label",
    "by_task",
    "conditions",
    "latex_text",
    "side_by_side",
    "summary",
]

Metric = Literal["tl", "wl", "all", "offset", "well_formed", "verbatim"]

NONE = "–"
_NUMBER = frozenset("0123456789-−–+.<>≈[")  # what a number, or an interval, begins with
_NAMES: Mapping[Metric, str] = {
    "tl": "TL",
    "wl": "WL",
    "all": "ALL",
    "offset": "WL by place",
    "well_formed": "well-formed",
    "verbatim": "verbatim",
}
_LATEX = {
    **{char: "\\" + char for char in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{NONE: "--", "−": "$-$", "→": r"$\rightarrow$", "≈": r"$\approx$", "±": r"$\pm$"},
    "†": r"\textdagger{}",
}


@dataclass(frozen=True, slots=True)
class Table:
    """Headers and rows of strings; `best` marks cells by (row, column).

    Raises ValueError where a row does not have as many cells as there are headers.

    >>> print(Table(("task", "F1"), (("scnm-ja", "88.53"),)).markdown())
    | task | F1 |
    |---|---:|
    | scnm-ja | 88.53 |
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.headers):
                raise ValueError(f"a row of {len(self.headers)} cells is wanted, got {row!r}")

    @property
    def numeric(self) -> tuple[bool, ...]:
        """Whether each column holds numbers, which stand to the right; the first names the rows.

        >>> Table(("run", "F1", "verdict"), (("a", "−0.5", "hurts"), ("b", "", ""))).numeric
        (False, True, False)
        """
        return tuple(
            at > 0 and all(not row[at] or row[at][0] in _NUMBER for row in self.rows)
            for at in range(len(self.headers))
        )

    def markdown(self) -> str:
        """Return the table in Markdown, the best cells bold."""
        head = tuple(map(_escape_markdown, self.headers))
        rows = [head, *self._marked("**{}**".format, _escape_markdown)]
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + "".join("---:|" if right else "---|" for right in self.numeric))
        return "\n".join(lines)

    def latex(self) -> str:
        """Return a `tabular` in the manner of booktabs, the best cells bold."""
        rows = [tuple(map(latex_text, self.headers))]
        rows += self._marked(r"\textbf{{{}}}".format, latex_text)
        head, *body = [" & ".join(row) + r" \\" for row in rows]
        columns = "".join("r" if right else "l" for right in self.numeric)
        lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])

    def csv(self) -> str:
        """Return the table as CSV, unmarked."""
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([self.headers, *self.rows])
        return out.getvalue()

    def text(self) -> str:
        """Return aligned lines for a terminal, the best cells starred; wide characters count 2."""
        rows = [self.headers, *self._marked("*{}".format, str)]
        widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
        lines = []
        for first, *others in rows:
            cells = [first + " " * (widths[0] - _width(first))]
            cells += [
                " " * (width - _width(cell)) + cell
                for cell, width in zip(others, widths[1:], strict=True)
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def _marked(
        self, mark: Callable[[str], str], escape: Callable[[str], str]
    ) -> list[tuple[str, ...]]:
        return [
            tuple(
                mark(escape(cell)) if (i, j) in self.best else escape(cell)
                for j, cell in enumerate(row)
            )
            for i, row in enumerate(self.rows)
        ]


# ---------------------------------------------------------------- of one report


def summary(report: Report, *, digits: int = 2) -> Table:
    """Return TL, WL and ALL with their intervals and counts; WL by place where it was counted.

    The columns of counts are the matched, the gold and the predicted; of ALL, the right records.
    """
    levels: list[tuple[Metric, Counts]] = [("tl", report.tl), ("wl", report.wl)]
    if report.offset is not None and report.match == "string":
        levels.append(("offset", report.offset))
    rows = [
        (
            _NAMES[name],
            *_ratios(counts, digits),
            *(_interval(report, name, digits) if _is_counted(counts) else ("",)),
            *_numbers(counts),
        )
        for name, counts in levels
    ]
    whole = _percent(report.all, digits)
    right = (str(report.right), str(report.records), str(report.records))
    rows.append(("ALL", "", "", whole, *_interval(report, "all", digits), *right))
    level = next(iter(report.intervals.values()), Interval(0.0, 0.0)).level
    columns = ("precision", "recall", "F1", f"{100 * level:g} % interval")
    return _cut(Table(("", *columns, "matched", "gold", "predicted"), tuple(rows)))


def conditions(report: Report, *, digits: int = 2) -> Table:
    """Return what stands beside the scores: what was read, well formed, verbatim, repaired."""
    shares: list[tuple[str, Share]] = [
        ("records with a prediction", Share(report.records - report.missing, report.records)),
        ("predictions that could not be read", Share(report.unread, report.records)),
        ("well-formed completions", report.completions),
        ("entities verbatim in the text", report.entities),
        ("records scored by place", Share(report.offset_records, report.records)),
    ]
    rows = [
        (name, _percent(share.value, digits), str(share.part), str(share.whole))
        for name, share in shares
    ]
    rows += [(f"repair: {kind}", "", str(count), "") for kind, count in report.repairs.items()]
    return Table(("", "%", "number", "of"), tuple(rows))


def by_label(report: Report, level: Literal["tl", "wl"] = "wl", *, digits: int = 2) -> Table:
    """Return the scores of each label of a level, the most frequent in gold first."""
    if level not in ("tl", "wl"):
        raise InputError(f"level is 'tl' or 'wl', got {level!r}")
    labels = report.tl_labels if level == "tl" else report.wl_labels
    rows = [(name, *_ratios(counts, digits), *_numbers(counts)) for name, counts in labels.items()]
    headers = ("label", "precision", "recall", "F1", "matched", "gold", "predicted")
    return Table(headers, tuple(rows))


def by_task(report: Report, *, digits: int = 2) -> Table:
    """Return TL, WL and ALL of each task, and of all records together where tasks are mixed."""
    reports = {**report.tasks, "all records": report}
    rows = [
        (name, str(found.records), *(_cell(found, m, digits, False) for m in ("tl", "wl", "all")))
        for name, found in reports.items()
    ]
    return Table(("task", "records", "TL", "WL", "ALL"), tuple(rows))


# ---------------------------------------------------------------- of several


def side_by_side(
    systems: Mapping[str, Mapping[str, Report | Draws]],
    *,
    metrics: Sequence[Metric] = ("tl", "wl", "all"),
    intervals: bool = False,
    digits: int = 2,
) -> Table:
    """Return several systems' scores: a row for each dataset, columns for each system and metric.

    `systems` maps a system's name to its reports by dataset; rows keep the order in which
    datasets are first met. The highest value of each metric in a row is marked, ties together;
    nothing is marked where there is one system.

    Raises InputError where no system is given or a metric is unknown.
    """
    unknown = [metric for metric in metrics if metric not in _NAMES]
    if not systems or not metrics or unknown:
        raise InputError(f"a table needs systems and metrics of {', '.join(_NAMES)}")
    datasets = list(dict.fromkeys(name for reports in systems.values() for name in reports))
    columns = [(system, metric) for system in systems for metric in metrics]
    rows, best = [], set()
    for i, dataset in enumerate(datasets):
        reports = [systems[system].get(dataset) for system, _ in columns]
        cells = [
            _cell(report, metric, digits, intervals)
            for report, (_, metric) in zip(reports, columns, strict=True)
        ]
        rows.append((dataset, *cells))
        values = [
            None if report is None else _value(report, metric)
            for report, (_, metric) in zip(reports, columns, strict=True)
        ]
        best |= {(i, j + 1) for j in _highest(values, len(metrics), digits)}
    headers = ("dataset", *(f"{system} {_NAMES[metric]}" for system, metric in columns))
    return Table(headers, tuple(rows), frozenset(best if len(systems) > 1 else ()))


def _highest(values: Sequence[float | None], metrics: int, digits: int) -> set[int]:
    """Return the columns that hold their metric's highest printed value."""
    found = set()
    for first in range(metrics):
        printed = {
            j: round(100 * value, digits)
            for j in range(first, len(values), metrics)
            if (value := values[j]) is not None
        }
        found |= {j for j, value in printed.items() if value == max(printed.values())}
    return found


def _value(report: Report | Draws, metric: Metric) -> float | None:
    if metric == "all":
        return report.all
    if isinstance(report, Draws):
        return {"tl": report.tl_f1, "wl": report.wl_f1}.get(metric)
    if metric == "well_formed":
        return report.well_formed
    if metric == "verbatim":
        return report.verbatim
    counts = {"tl": report.tl, "wl": report.wl, "offset": report.offset}[metric]
    return counts.f1 if counts is not None and _is_counted(counts) else None


def _cell(report: Report | Draws | None, metric: Metric, digits: int, interval: bool) -> str:
    if report is None:
        return NONE
    value = _percent(_value(report, metric), digits)
    if interval and value != NONE and isinstance(report, Report):
        return " ".join(filter(None, (value, *_interval(report, metric, digits))))
    return value


# ---------------------------------------------------------------- cells


def _percent(value: float | None, digits: int) -> str:
    return NONE if value is None else f"{100 * value:.{digits}f}"


def _is_counted(counts: Counts) -> bool:
    return bool(counts.gold or counts.predicted)


def _ratios(counts: Counts, digits: int) -> tuple[str, ...]:
    if not _is_counted(counts):
        return (NONE,) * 3
    return tuple(_percent(r, digits) for r in (counts.precision, counts.recall, counts.f1))


def _numbers(counts: Counts) -> tuple[str, ...]:
    return str(counts.matched), str(counts.gold), str(counts.predicted)


def _interval(report: Report, name: str, digits: int) -> tuple[str, ...]:
    found = report.intervals.get(name)
    if found is None:
        return ("",)
    return (f"[{_percent(found.low, digits)}, {_percent(found.high, digits)}]",)


def _cut(table: Table) -> Table:
    """Leave out the columns that are empty in every row."""
    keep = [j for j in range(len(table.headers)) if any(row[j] for row in table.rows)]
    rows = tuple(tuple(row[j] for j in keep) for row in table.rows)
    return Table(tuple(table.headers[j] for j in keep), rows)


def _width(cell: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in cell)
    marks = sum(unicodedata.combining(char) != 0 for char in cell)
    return len(cell) + wide - marks


def _escape_markdown(cell: str) -> str:
    for char in "\\|*_`<":
        cell = cell.replace(char, "\\" + char)
    return " ".join(cell.replace("](", "]\\(").splitlines())


def latex_text(cell: str) -> str:
    """Return a text for LaTeX, its own characters escaped.

    >>> latex_text("50 % of a_b")
    '50 \\\\% of a\\\\_b'
    """
    return "".join(_LATEX.get(char, char) for char in " ".join(cell.splitlines()))
