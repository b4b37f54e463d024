"""What the two papers print, as typed rows, and which of our datasets it stands beside.

MMM is "A Multilingual Dataset and Empirical Validation for the Mutual Reinforcement Effect in
Information Extraction", FLOW "Demonstrating Mutual Reinforcement Effect through Information Flow".
Numbers are as printed, F1 in per cent. What is odd about a row is its `note`:

- MMM, Table 1: three rows of prompted models on TCREE repeat a row of another dataset; where ALL is
  above WL on TCREE, Algorithm 1 cannot have given both (docs/scoring.md).
- MMM, Table 2 and Table 1 are far apart on Japanese SCPOS Adj&N, Adj and N and on Chinese Adj and
  Adj&N, one model for a dataset against one for all.
- Flow, Table 4: its two rows look swapped in five of six columns.
- Flow, Table 1: 500 training samples where the text says 1,000.

Table 7 of MMM, of translation, is kept where translations are reported.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pointline.errors import InputError
from pointline.format.tasks import TASKS, Task
from pointline.score.difference import Signs, signs_of

__all__ = [
    "DATASETS",
    "Ablation",
    "Paper",
    "Recount",
    "Scores",
    "Size",
    "Verbalizer",
    "ablation",
    "counterpart",
    "oiellm",
    "recount",
    "sizes",
    "tasks_beside",
    "verbalizer",
]

Paper = Literal["mmm", "flow"]

#: Our families of tasks by the papers' names of their datasets, in the order of the tables.
DATASETS = {
    "SCNM": ("scnm",),
    "SCPOS:RW": ("scpos-rw",),
    "SCPOS:Adj&N": ("scpos-adjn",),
    "SCPOS:Adj": ("scpos-adj",),
    "SCPOS:N": ("scpos-n",),
    "TCREE": ("tcree", "open-tcree"),
    "TCONER": ("tconer",),
}


@dataclass(frozen=True, slots=True)
class Scores:
    """A row of MMM, Table 1: a model on one sub-dataset; None where a dash is printed."""

    lang: str
    dataset: str
    model: str
    tl: float | None
    wl: float | None
    all: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ablation:
    """A sub-dataset without and with the other level: MMM, Table 2; Flow, Tables 2 and 3."""

    lang: str
    dataset: str
    wl_without: float
    wl_with: float
    tl_without: float
    tl_with: float
    note: str = ""

    @property
    def wl_gain(self) -> float:
        """What the label added to the items' F1, in points."""
        return round(self.wl_with - self.wl_without, 2)

    @property
    def tl_gain(self) -> float:
        """What the items added to the label's F1, in points."""
        return round(self.tl_with - self.tl_without, 2)


@dataclass(frozen=True, slots=True)
class Verbalizer:
    """Text-level F1 with label words of a chat model, and with those of the items.

    MMM, Table 3; Flow, Table 4 (rows "W/O KV" and "KV").
    """

    lang: str
    dataset: str
    origin: float
    words: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a sub-dataset: MMM, Tables 4, 5 and 6."""

    lang: str
    dataset: str
    total: int
    train: int
    test: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Recount:
    """How often a table of ablations rises: of all comparisons, and in both directions.

    `falls_both` are sub-datasets on which both directions fall.
    """

    datasets: int
    rises: int
    comparisons: int
    both: int
    falls_both: int
    signs: Signs

    @property
    def share(self) -> float:
        """The share of comparisons that rise."""
        return self.rises / self.comparisons


@cache
def oiellm() -> tuple[Scores, ...]:
    """Return MMM, Table 1, in its order.

    >>> next(row for row in oiellm() if row.model == "OIELLM-8B" and row.dataset == "TCREE").note
    'ALL is above WL, which Algorithm 1 cannot give'
    """
    return tuple(
        Scores(
            row["lang"], row["dataset"], row["model"],
            _number(row["tl"]), _number(row["wl"]), _number(row["all"]), row["note"],
        )
        for row in _rows("oiellm.csv")
    )  # fmt: skip


@cache
def ablation(paper: Paper = "mmm") -> tuple[Ablation, ...]:
    """Return MMM, Table 2, or Flow, Tables 2 and 3.

    >>> len(ablation()), ablation()[0].wl_gain, ablation("flow")[0].tl_gain
    (21, 0.31, 0.6)
    """
    return tuple(
        Ablation(
            row["lang"], row["dataset"], float(row["wl_without"]), float(row["wl_with"]),
            float(row["tl_without"]), float(row["tl_with"]), row["note"],
        )
        for row in _rows(_file(paper, "ablation.csv"))
    )  # fmt: skip


@cache
def verbalizer(paper: Paper = "mmm") -> tuple[Verbalizer, ...]:
    """Return MMM, Table 3, or Flow, Table 4.

    >>> rows = verbalizer()
    >>> sum(row.words > row.origin for row in rows), len(rows)
    (16, 18)
    """
    return tuple(
        Verbalizer(
            row["lang"], row["dataset"], float(row["origin"]), float(row["words"]), row["note"]
        )
        for row in _rows(_file(paper, "verbalizer.csv"))
    )


@cache
def sizes() -> tuple[Size, ...]:
    """Return MMM, Tables 4 to 6.

    >>> all(size.total == size.train + size.test for size in sizes())
    True
    """
    return tuple(
        Size(
            row["lang"], row["dataset"],
            int(row["total"]), int(row["train"]), int(row["test"]), row["note"],
        )
        for row in _rows("sizes.csv")
    )  # fmt: skip


def recount(rows: Iterable[Ablation]) -> Recount:
    """Count what rises in a table of ablations.

    >>> found = recount(ablation())
    >>> found.rises, found.comparisons, f"{found.share:.1%}", found.both, found.datasets
    (32, 42, '76.2%', 12, 21)
    """
    gains = [(row.wl_gain, row.tl_gain) for row in rows]
    found = signs_of(gain for pair in gains for gain in pair)
    return Recount(
        datasets=len(gains),
        rises=found.better,
        comparisons=2 * len(gains),
        both=sum(min(pair) > 0 for pair in gains),
        falls_both=sum(max(pair) < 0 for pair in gains),
        signs=found,
    )


# ---------------------------------------------------------------- our datasets beside them


def counterpart(task: Task | str, paper: Paper = "mmm") -> Ablation | None:
    """Return the row of the papers' ablations that a task of ours stands beside, None without one.

    A task that the table of tasks does not have is told by its own family and language. The tasks
    `open-tcree-*` stand where the papers have TCREE: the same shape, other texts and labels.

    >>> counterpart("open-tcree-ja").dataset, counterpart("tconer-en", "flow")
    ('TCREE', None)
    """
    asked = TASKS.get(task) if isinstance(task, str) else task
    if asked is None:
        return None
    return next(
        (
            row
            for row in ablation(paper)
            if row.lang == asked.lang and asked.family in DATASETS[row.dataset]
        ),
        None,
    )


def tasks_beside(lang: str, dataset: str) -> tuple[str, ...]:
    """Return the names of our tasks beside a sub-dataset of the papers.

    Raises InputError for a dataset that the papers do not have.

    >>> tasks_beside("zh", "TCREE")
    ('tcree-zh', 'open-tcree-zh')
    """
    if dataset not in DATASETS:
        raise InputError(f"no dataset {dataset!r} in the papers, there are: {', '.join(DATASETS)}")
    return tuple(f"{family}-{lang}" for family in DATASETS[dataset])


def _file(paper: Paper, name: str) -> str:
    if paper not in ("mmm", "flow"):
        raise InputError(f"the papers are 'mmm' and 'flow', got {paper!r}")
    return name if paper == "mmm" else f"flow_{name}"


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = files("pointline.study").joinpath("published", name).read_text(encoding="utf-8")
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


def _number(value: str) -> float | None:
    return float(value) if value else None
