"""The report of a study as plain tables: first those that answer, then those that explain."""

from __future__ import annotations

from collections.abc import Mapping

from pointline.format.tasks import LANGUAGES
from pointline.score.difference import Difference, Signs, Verdict
from pointline.score.tables import NONE, Table
from pointline.study import paper
from pointline.study import reportdetails as details
from pointline.study.cells import (
    CIRCULAR,
    PAPER,
    TOGETHER,
    ends,
    named,
    percent,
    points,
    probability,
)
from pointline.study.findings import Finding, Findings, Subset
from pointline.study.paper import Paper
from pointline.study.question import GOLD, QUESTIONS, Design, Level, Question
from pointline.study.reportdetails import LEVELS

__all__ = ["NOTES", "as_printed", "tables"]


def tables(found: Findings) -> dict[str, Table]:
    """Return the tables by title; those that have nothing to show are left out."""
    made = {
        "Both directions": _mutual(found),
        **{_TITLES[question]: _answers(found, question) for question in GOLD},
        **{f"As the paper prints it: {name}": table for name, table in as_printed(found).items()},
        "What differs from the MMM paper": details.unlike(found),
        "Over all comparisons: sign tests": _signs(found),
        "The other designs": _designs(found),
        "What this design could have seen": details.power(found),
        "All conditions": details.conditions(found),
        "The paper's protocol": details.by_protocol(found),
        "Answers that flipped": details.flips(found),
        "Oddities of the published rows": details.oddities(found),
        "Missing runs": details.missing(found),
    }
    return {title: table for title, table in made.items() if table.rows}


#: What has to be known to read a table, by its title.
NOTES: Mapping[str, str] = {
    "Both directions": "By Holm's p over the sub-datasets. Mutual: both directions help.",
    "Does the label help the items?": (
        "F1 of the items, in percent: text to items, and text with its gold label to items."
        " Differences are in points, the paper's printed difference last. All records together:"
        f" those of sub-datasets without {CIRCULAR}, each counting the same, by p itself."
    ),
    "Do the items help the label?": (
        "F1 of the text label, in percent: text to label, and text with its gold items to label."
    ),
    "Over all comparisons: sign tests": (
        "How often a fair coin would fall so; it sees no sizes, and takes two levels of the same"
        " records as independent, which they are not quite. Both ways: sub-datasets on which both"
        f" directions rise. Designs beside the paper's are counted without {CIRCULAR}."
    ),
    "The other designs": (
        "Difference from the level alone, in points, with its interval; bold where it is sure after"
        " correction. Predicted: what a model said of the other level stands beside the text."
        " Jointly: one model writes both levels."
    ),
    "What this design could have seen": (
        "The true difference, in points, that such a comparison finds with a chance of 4 in 5, by"
        " the spread seen here: at p below alpha, and corrected as the smallest p of all"
        " sub-datasets is. Beside it, what the paper prints."
    ),
    "All conditions": "Means over the runs, with the runs' standard deviation.",
    "The paper's protocol": (
        "The same predictions, written in the papers' form and counted by Algorithm 1: every"
        " well-formed pair of strings has one match to begin with, and facts are one string"
        " (docs/scoring.md)."
    ),
    "Answers that flipped": (
        "Over all runs. Right is the whole level of a record: its label, or its whole set of items."
    ),
    "What differs from the MMM paper": (
        "Numbers side by side are not a replication: other texts, another model, another size."
    ),
}

_TITLES = {
    GOLD[0]: "Does the label help the items?",
    GOLD[1]: "Do the items help the label?",
}


# ---------------------------------------------------------------- the answers


def _mutual(found: Findings) -> Table:
    first, second = found.of("wl"), found.of("tl")
    mutual = found.mutual()
    rows = []
    for name, subset in found.subsets.items():
        both = [some[name].difference.verdict if name in some else None for some in (first, second)]
        told = [NONE if verdict is None else str(verdict) for verdict in both]
        verdict = NONE if None in both else "yes" if name in mutual else "not shown"
        if subset.circular and verdict == "yes":
            verdict = "by construction"
        rows.append((named(subset), *told, verdict, _rises(subset)))
    headers = ("sub-dataset", "label to items", "items to label", "mutual", f"{PAPER}: rises")
    return Table(headers, tuple(rows))


def _rises(subset: Subset) -> str:
    if subset.mmm is None:
        return NONE
    rises = [subset.mmm.wl_gain > 0, subset.mmm.tl_gain > 0]
    return "both" if all(rises) else "items" if rises[0] else "label" if rises[1] else "neither"


def _answers(found: Findings, question: Question) -> Table:
    answers = found.found.get(question, {})
    rows = [
        (
            *_answer(named(found.subsets[name]), one.difference, str(len(one.seeds))),
            points(found.subsets[name].published(question.level)),
        )
        for name, one in answers.items()
    ]
    if question in found.together:
        whole = found.together[question]
        cells = _answer(TOGETHER, whole, "")
        rows.append((*cells[:6], NONE, NONE, *cells[8:], NONE))
    headers = (
        "sub-dataset", "without", "with", "difference", "95 % interval", "p", "Holm", "BH",
        "verdict", "runs", PAPER,
    )  # fmt: skip
    return Table(headers, tuple(rows))


def _answer(name: str, one: Difference, runs: str) -> tuple[str, ...]:
    ps = (one.p, one.holm, one.benjamini_hochberg)
    return (
        name, percent(one.first), percent(one.second), points(one.value), ends(one.interval),
        *map(probability, ps), str(one.verdict), runs,
    )  # fmt: skip


def as_printed(found: Findings) -> dict[str, Table]:
    """Return a table for each language in the layout of MMM, Table 2: a column a sub-dataset.

    The higher of each two is marked; the paper's numbers stand below ours.
    """
    made = {}
    for lang in dict.fromkeys(subset.task.lang for subset in found.subsets.values()):
        subsets = [one for one in found.subsets.values() if one.task.lang == lang]
        rows, best = list[tuple[str, ...]](), set[tuple[int, int]]()
        for ours in (True, False):
            for level in ("wl", "tl"):
                pairs = [_printed(found, one, level, ours=ours) for one in subsets]
                best |= {
                    (len(rows) + (pair[1] > pair[0]), at)
                    for at, pair in enumerate(pairs, 1)
                    if pair is not None and pair[0] != pair[1]
                }
                rows += [
                    (
                        name if ours else f"{PAPER}, {name}",
                        *(NONE if pair is None else f"{pair[side]:.2f}" for pair in pairs),
                    )
                    for side, name in enumerate(LEVELS[level])
                ]
        title = dict[str, str](LANGUAGES).get(lang, lang)
        made[title] = Table(("", *map(named, subsets)), tuple(rows), frozenset(best))
    return made


def _printed(
    found: Findings, subset: Subset, level: Level, *, ours: bool
) -> tuple[float, float] | None:
    """Return the two numbers of a cell, in percent as they are printed."""
    if not ours:
        row = subset.mmm
        if row is None:
            return None
        if level == "wl":
            return row.wl_without, row.wl_with
        return row.tl_without, row.tl_with
    one = found.of(level).get(subset.name)
    if one is None:
        return None
    return round(100 * one.difference.first, 2), round(100 * one.difference.second, 2)


# ---------------------------------------------------------------- over all of them


def _signs(found: Findings) -> Table:
    asked: list[tuple[str, Design, bool]] = [("gold beside the text", "gold", True)]
    if any(subset.circular for subset in found.subsets.values()):
        asked.append((f"gold, without {CIRCULAR}", "gold", False))
    asked += [(title, design, False) for design, title in _DESIGNS.items() if found.both(design)]
    rows = []
    for title, design, circular in asked:
        rise, whole = found.rises(design, circular=circular)
        rows.append((title, *_toss(found.signs(design, circular=circular)), f"{rise} of {whole}"))
    for title, table in _PAPERS.items():
        told = paper.recount(paper.ablation(table))
        rows.append((title, *_toss(told.signs), f"{told.both} of {told.datasets}"))
    headers = ("", "rise", "fall", "equal", "% rise", "p", "both ways")
    return Table(headers, tuple(rows))


_DESIGNS: Mapping[Design, str] = {
    "predicted": "predictions beside the text",
    "label first": "jointly, label first",
    "items first": "jointly, items first",
}
_PAPERS: Mapping[str, Paper] = {
    f"{PAPER}, Table 2": "mmm",
    "Flow paper, Tables 2, 3": "flow",
}


def _toss(told: Signs) -> tuple[str, ...]:
    whole = told.better + told.worse + told.equal
    share = f"{100 * told.better / whole:.1f}" if whole else NONE
    return str(told.better), str(told.worse), str(told.equal), share, probability(told.p)


def _designs(found: Findings) -> Table:
    """Return the differences of the designs beside the paper's; after correction sure ones bold."""
    asked = [one for one in QUESTIONS if one not in GOLD and one in found.found]
    rows, sure = [], set[tuple[int, int]]()
    for at, (name, subset) in enumerate(found.subsets.items()):
        answers = [found.found[question].get(name) for question in asked]
        rows.append((named(subset), *map(_short, answers)))
        sure |= {
            (at, column)
            for column, one in enumerate(answers, 1)
            if one and one.difference.verdict is not Verdict.NO_EVIDENCE
        }
    kept = [any(cell != NONE for cell in row[1:]) for row in rows]
    headers = ("sub-dataset", *(question.name for question in asked))
    return Table(headers, tuple(rows) if any(kept) else (), frozenset(sure))


def _short(one: Finding | None) -> str:
    if one is None:
        return NONE
    return f"{points(one.difference.value)} {ends(one.difference.interval)}"
