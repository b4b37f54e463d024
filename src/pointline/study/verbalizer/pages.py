"""The report of a verbalizer study: tables and a figure as Markdown, HTML and CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pointline.errors import MissingExtra
from pointline.model.runfolder import RunFolder
from pointline.score import page as pages
from pointline.score.tables import Table
from pointline.study.results import Study
from pointline.study.verbalizer import caveats, report
from pointline.study.verbalizer.figure import dots
from pointline.study.verbalizer.report import Findings

__all__ = ["summary", "tables", "write_report"]

_FIGURE = "verbalizers"
_TOLD = "TL F1 of every verbalizer on every dataset, with intervals, a panel for each method"

#: What stands under the tables: how to read them.
NOTES = (
    "Scores are text-level F1 in per cent; a text has one label and gets one, so micro F1 is the"
    " share of right labels. Where the classes are of unequal size, look at macro F1 and at what"
    " always naming the largest class would score.",
    "Intervals hold the draw of the test records and, where there are several runs, of the labelled"
    " records and seeds. p is that of the paired test of `pointline compare`, corrected by Holm"
    " over the datasets of a row's method and pair. A verbalizer with one run, in which nothing is"
    " drawn, stands against every run of the other.",
    "The items' words are those of the whole training split, as in the paper: they have seen more"
    " labelled records than the few that a run learns from. `items:shots` has not.",
    "The papers' numbers are of other models (T5 base), texts and splits. They stand beside ours to"
    " compare directions, not heights. In the Flow paper's table the two rows look swapped in five"
    " of six columns.",
)


def tables(findings: Findings) -> dict[str, Table]:
    """Return the tables of a study by their titles, without those that have no rows."""
    found = {
        "Scores": report.pivot(findings),
        "Scores in full": report.values(findings),
        "Verbalizers compared": report.tests(findings),
        "Over all datasets": summary(findings),
        "Beside the published tables": report.beside_paper(findings),
    }
    return {title: table for title, table in found.items() if table.rows}


def summary(findings: Findings) -> Table:
    """Return, for each method and pair: the mean difference in points, on how many datasets it is
    above, below and equal to 0, the sign test's p, and how many tests say that it helps or hurts.
    """
    rows = []
    for key, found in findings.differences.items():
        method, first, second = key
        told = findings.signs(key)
        mean = sum(one.value for one in found.values()) / len(found)
        verdicts = [one.verdict.value for one in found.values()]
        rows.append(
            (
                f"{second} - {first}", method, f"{100 * mean:+.2f}",
                "/".join(map(str, told[:3])), f"{told.p:.4f}",
                str(verdicts.count("helps")), str(verdicts.count("hurts")),
            )
        )  # fmt: skip
    headers = ("verbalizers", "method", "mean", "+/-/=", "sign p", "helps", "hurts")
    return Table(headers, tuple(rows))


def write_report(study: Study, findings: Findings) -> dict[str, Path]:
    """Write `report.md`, `report.html`, a CSV for each table and the figure into the folder.

    Return the files by name. Without matplotlib there is no figure, and the page says so.
    """
    folder = RunFolder(study.folder)
    written = {"report.md": folder.path / "report.md", "report.html": folder.path / "report.html"}
    try:
        files = dots(findings, folder.path / _FIGURE).files
        told = ""
    except MissingExtra as missing:
        files, told = (), f"There is no figure: {missing}."
    written |= {file.name: file for file in files}
    made = tables(findings)
    for title, table in made.items():
        name = f"{title.lower().replace(' ', '-')}.csv"
        folder.write_text(name, table.csv())
        written[name] = folder.path / name
    head = [*_head(study, findings), *([told] if told else [])]
    svg = next((file for file in files if file.suffix == ".svg"), None)
    folder.write_text("report.md", _markdown(head, made, svg))
    folder.write_text("report.html", _html(head, made, svg))
    return written


def _head(study: Study, findings: Findings) -> Iterator[str]:
    """Yield what was done, sentence by sentence."""
    told: Mapping[str, Any] = study.plan.settings
    tokens = "its first token" if told["tokens"] == "first" else "all of its tokens"
    yield (
        f"Model {told['model']}; a label word's probability is that of {tokens}, aggregated by"
        f" {told['aggregate']}."
    )
    if told.get("longest") and told["tokens"] == "joint":
        yield (
            f"Label words of more tokens than {told['longest']} are left out, but not a class's own"
            " name."
        )
    sizes = ", ".join(
        f"{name} {len(records)} (classes {', '.join(task.labels or ())})"
        for name, (task, records) in study.datasets.items()
    )
    yield f"Test records: {sizes}."
    patterns = dict.fromkeys(facts["template"] for facts in study.plan.datasets.values())
    yield "Templates: " + "; ".join(repr(pattern) for pattern in patterns) + "."
    if findings.circular:
        yield (
            "Labels that a rule made from the items, so that the items' words know the answer:"
            f" {', '.join(sorted(findings.circular))}."
        )
    yield from caveats.of_plan(study.plan)
    yield from caveats.of_runs(study)
    if findings.missing:
        yield f"{findings.missing} of {len(study.plan.runs)} runs are not finished."


def _markdown(head: list[str], made: Mapping[str, Table], figure: Path | None) -> str:
    parts = ["# Knowledgeable verbalizers", *head]
    if figure is not None:
        parts.append(f"![{_TOLD}]({figure.with_suffix('.png').name})")
    for title, table in made.items():
        parts += [f"## {title}", table.markdown()]
    parts += ["## How to read this", *(f"- {note}" for note in NOTES)]
    return "\n\n".join(parts) + "\n"


def _html(head: list[str], made: Mapping[str, Table], figure: Path | None) -> str:
    parts = ["<h1>Knowledgeable verbalizers</h1>"]
    parts += [f"<p>{pages.shown(line)}</p>" for line in head]
    if figure is not None:
        parts.append(pages.picture(figure.read_bytes(), _TOLD))
    for title, table in made.items():
        parts += [f"<h2>{pages.shown(title)}</h2>", pages.table(title, table)]
    notes = "".join(f"<li>{pages.shown(note)}</li>" for note in NOTES)
    parts.append(f"<h2>How to read this</h2><ul>{notes}</ul>")
    return pages.page("Knowledgeable verbalizers", "\n".join(parts))
