"""A sub-dataset's finished runs, each read and judged once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from pointline.corpus import store
from pointline.corpus.sources import SOURCES
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.score.judge import Outcome, Row, Rules
from pointline.score.match import outcomes
from pointline.score.report import Counts
from pointline.study import paper
from pointline.study.condition import CONDITIONS, PAPER_CONDITIONS
from pointline.study.findings import Subset
from pointline.study.flips import Outcomes
from pointline.study.results import Run, Study

__all__ = ["Judged", "derived"]


class Judged:
    """A sub-dataset's runs, each read and judged once, when it is first asked for."""

    def __init__(self, study: Study, name: str) -> None:
        self.study, self.name = study, name
        self.task, self.gold = study.datasets[name]
        self._known: dict[str, tuple[Outcomes, Mapping[str, float]]] = {}

    def __getitem__(self, run: Run) -> Outcomes:
        return self._both(run)[0]

    def by_protocol(self, run: Run) -> Mapping[str, float]:
        """Return a run's scores under the paper's protocol; of the paper's conditions only."""
        return self._both(run)[1]

    def _both(self, run: Run) -> tuple[Outcomes, Mapping[str, float]]:
        name = run.planned.id
        if name not in self._known:
            predicted = store.read_records(run.predictions)
            here = {one.id: one for one in self._outcomes(run, predicted, Rules())}
            there: Mapping[str, float] = {}
            if run.planned.condition in PAPER_CONDITIONS:
                rules = Rules("paper", completions="rewritten")
                there = _scores(self._outcomes(run, predicted, rules), run.planned.how.scored)
            self._known[name] = here, there
        return self._known[name]

    def _outcomes(self, run: Run, predicted: Iterable[Record], rules: Rules) -> Iterator[Outcome]:
        rules = replace(rules, tasks={self.task.name: self.task})
        try:
            yield from outcomes(self.gold, predicted, rules=rules)
        except InputError as error:
            raise InputError(f"{run.predictions}: {error}") from error

    def runs(self, condition: str) -> list[Run]:
        """Return the finished runs of a condition."""
        return self.study.runs(self.name, condition)

    def subset(self) -> Subset:
        """Return what is known of the sub-dataset, and the scores of its runs."""
        scores = {
            name: {run.seed: _scores(self[run].values(), how.scored) for run in self.runs(name)}
            for name, how in CONDITIONS.items()
        }
        sizes = [run.train for run in self.study.plan.runs if run.dataset == self.name]
        return Subset(
            name=self.name,
            task=self.task,
            train=max(sizes, default=0),
            test=len(self.gold),
            derived=derived(self.task.lang, self.gold),
            scores={name: runs for name, runs in scores.items() if runs},
            mmm=paper.counterpart(self.task),
            flow=paper.counterpart(self.task, "flow"),
        )


def _scores(found: Iterable[Outcome], scored: Iterable[str]) -> dict[str, float]:
    sums = Row(*map(sum, zip(*(one.row() for one in found), strict=True)))
    values = {
        "tl": Counts(sums.tl_matched, sums.tl_gold, sums.tl_predicted).f1,
        "wl": Counts(sums.wl_matched, sums.wl_gold, sums.wl_predicted).f1,
        "all": sums.right / sums.records,
    }
    return {name: values[name] for name in scored}


def derived(lang: str, gold: Iterable[Record]) -> frozenset[str]:
    """Return the levels that the records' corpora have from a rule, as their sources declare."""
    corpora = {str(record.meta.get("corpus")) for record in gold}
    origins = [SOURCES[name].origins.get(lang) for name in corpora if name in SOURCES]
    levels = {"labels": 1, "items": 2}
    return frozenset(
        level for level, at in levels.items() if any(o and o[at] == "derived" for o in origins)
    )
