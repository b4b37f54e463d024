"""The tables behind a study's answers: power, all conditions, the paper's protocol, labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean, stdev

from pointline.score.tables import NONE, Table
from pointline.study.cells import PAPER, named, percent, points
from pointline.study.condition import CONDITIONS
from pointline.study.findings import Finding, Findings
from pointline.study.question import GOLD, Level

__all__ = [
    "LEVELS",
    "by_protocol",
    "conditions",
    "flips",
    "labels",
    "missing",
    "oddities",
    "power",
    "unlike",
]

#: The two levels, and the names that MMM, Table 2 gives to their rows.
LEVELS: Mapping[Level, tuple[str, str]] = {
    "wl": ("WL w/o TLI", "WL with TLI"),
    "tl": ("TL w/o WLI", "TL with WLI"),
}


def power(found: Findings) -> Table:
    """Return the smallest differences that each comparison could have found."""
    rows = []
    for name, subset in found.subsets.items():
        cells = [
            cell
            for level in LEVELS
            for cell in _smallest(found.of(level).get(name), subset.published(level))
        ]
        rows.append((named(subset), *cells))
    headers = (
        "sub-dataset", "items: found 4 in 5", "corrected", PAPER,
        "label: found 4 in 5", "corrected", PAPER,
    )  # fmt: skip
    return Table(headers, tuple(rows))


def _smallest(one: Finding | None, published: float | None) -> tuple[str, ...]:
    told = (None, None) if one is None else one.smallest
    shown = (NONE if v is None else f"{100 * v:.2f}" if v < 1 else "> 100" for v in told)
    return (*shown, points(published))


def conditions(found: Findings) -> Table:
    """Return the mean of each condition's runs, and their deviation where there are several."""
    used = [name for name in CONDITIONS if any(name in s.scores for s in found.subsets.values())]
    rows = []
    for subset in found.subsets.values():
        for metric in ("wl", "tl", "all"):
            cells = [_mean(subset.scores.get(name, {}).values(), metric) for name in used]
            if any(cell != NONE for cell in cells):
                rows.append((named(subset), metric.upper(), *cells))
    return Table(("sub-dataset", "F1", *used), tuple(rows))


def _mean(runs: Iterable[Mapping[str, float]], metric: str) -> str:
    values = [100 * run[metric] for run in runs if metric in run]
    if not values:
        return NONE
    spread = f" ± {stdev(values):.2f}" if len(values) > 1 else ""
    return f"{fmean(values):.2f}{spread}"


def by_protocol(found: Findings) -> Table:
    """Return the paper's four conditions under the paper's protocol."""
    rows = []
    for name, subset in found.subsets.items():
        told = [one and one.by_protocol for one in (found.of(level).get(name) for level in LEVELS)]
        cells = [pair or (None, None) for pair in told]
        if any(told):
            rows.append(
                (named(subset), *(NONE if v is None else percent(v) for p in cells for v in p))
            )
    return Table(("sub-dataset", *LEVELS["wl"], *LEVELS["tl"]), tuple(rows))


def labels(found: Findings, name: str) -> Table:
    """Return the F1 of each label of a sub-dataset, without and with the other level."""
    rows = [
        (
            label,
            "item" if level == "wl" else "text",
            f"{without.gold // len(one.seeds):,}",
            percent(without.f1),
            percent(given.f1),
            points(given.f1 - without.f1),
        )
        for level, one in ((level, found.of(level).get(name)) for level in LEVELS)
        if one is not None
        for label, (without, given) in one.labels.items()
    ]
    return Table(("label", "level", "in gold", "without", "with", "difference"), tuple(rows))


def flips(found: Findings) -> Table:
    """Return how many answers flipped."""
    rows = [
        (
            named(found.subsets[name]), question.name, f"{one.flips.better:,}",
            f"{one.flips.worse:,}", f"{one.flips.answers:,}",
        )
        for question in GOLD
        for name, one in found.found.get(question, {}).items()
    ]  # fmt: skip
    headers = ("sub-dataset", "question", "wrong to right", "right to wrong", "of answers")
    return Table(headers, tuple(rows))


def unlike(found: Findings) -> Table:
    """Return what differs between the study and the MMM paper."""
    told = found.settings
    method = {"lora": "LoRA", "full": "all parameters"}.get(str(told.get("method")), NONE)
    if method == "LoRA":
        method += f", rank {told.get('rank', NONE)}"
    rate = told.get("learning_rate")
    rows = [
        ("model", str(told.get("model", NONE)), "LLaMA3-8B"),
        ("trained", method, "all parameters"),
        ("epochs", str(told.get("epochs", NONE)), "3"),
        ("learning rate", "the recipe's" if rate == 0 else str(rate or NONE), "1e-5"),
        ("records to learn from", _range(s.train for s in found.subsets.values()), "500 to 2,000"),
        (
            "records to test on",
            _range(s.test for s in found.subsets.values()),
            "three draws of 1,000, averaged",
        ),
        ("runs a condition", _range(_seeds(found)), "not told"),
        ("texts", "those of the folders in plan.json", "the MMM datasets"),
        ("scores", "exact items and labels; the paper's protocol below", "Algorithm 1, on strings"),
        ("tests", "paired, runs and records random, corrected", "none"),
    ]
    return Table(("", "this study", PAPER), tuple(rows))


def _seeds(found: Findings) -> Iterator[int]:
    for question in GOLD:
        yield from (len(one.seeds) for one in found.found.get(question, {}).values())


def _range(values: Iterable[int]) -> str:
    told = sorted(set(values))
    if not told:
        return NONE
    return f"{told[0]:,}" if len(told) == 1 else f"{told[0]:,} to {told[-1]:,}"


def oddities(found: Findings) -> Table:
    """Return the notes of the published rows that stand beside the study's."""
    rows = [
        (named(subset), title, f"{row.dataset} {row.lang}", row.note)
        for subset in found.subsets.values()
        for title, row in ((f"{PAPER}, Table 2", subset.mmm), ("Flow paper", subset.flow))
        if row is not None and row.note
    ]
    return Table(("sub-dataset", "where", "row", "note"), tuple(rows))


def missing(found: Findings) -> Table:
    """Return the runs that are not finished."""
    groups: dict[tuple[str, str], list[str]] = {}
    for run in found.missing:
        groups.setdefault((run.dataset, run.condition), []).append(str(run.seed))
    rows = [(*key, ", ".join(seeds)) for key, seeds in groups.items()]
    return Table(("sub-dataset", "condition", "seeds"), tuple(rows))
