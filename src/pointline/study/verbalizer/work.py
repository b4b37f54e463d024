"""The runs of one dataset: label words, scores, classes, and the files of each run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import TYPE_CHECKING, Any, Protocol

from pointline.corpus.store import write_records
from pointline.errors import InputError
from pointline.format.record import Prediction, Record
from pointline.model.runfolder import RunFolder
from pointline.score.match import score
from pointline.study import results
from pointline.study.plan import PlannedRun
from pointline.study.verbalizer import refine
from pointline.study.verbalizer import scorer as scoring
from pointline.study.verbalizer import verbalizer as step
from pointline.study.verbalizer.plan import TUNE, Drawn, Settings, Tune, method_of
from pointline.study.verbalizer.refine import Scores
from pointline.study.verbalizer.scored import keep_scores
from pointline.study.verbalizer.scorer import Prompt, Scorer
from pointline.study.verbalizer.sources import Source, label_words
from pointline.study.verbalizer.spelling import Spelled
from pointline.study.verbalizer.tuning import tuned
from pointline.study.verbalizer.verbalizer import Verbalizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Bench", "Told", "Work"]

#: Texts that say nothing: what a model expects after them is its bias.
_EMPTY: Mapping[str, tuple[str, ...]] = {
    "en": ("N/A", "...", ""),
    "ja": ("なし", "…", ""),
    "zh": ("无", "……", ""),
}
_SHARE = 0.5  # of a class's words, by prior, that "weights" goes on with


class Told(Protocol):
    """Hears how far a study is: done of total, and in which stage."""

    def __call__(self, done: int, total: int, stage: str = "") -> None:
        """Take note that `done` of `total` are done."""


@dataclass(slots=True)
class Bench:
    """What all datasets of a study share: the folder, the settings, the model once it is loaded."""

    folder: RunFolder
    settings: Settings
    load: Callable[[], Scorer]
    told: Told | None
    _scorer: Scorer | None = None

    def scorer(self) -> Scorer:
        """Return the model, loaded when it is first asked for."""
        if self._scorer is None:
            self._scorer = self.load()
        return self._scorer

    def tell(self, done: int, total: int, stage: str) -> None:
        """Tell how far the work is, where somebody listens."""
        if self.told:
            self.told(done, total, stage)


@dataclass(slots=True)
class _Answer:
    """What a run came to: class scores of the test texts, the words used, and facts of the run."""

    classes: NDArray[np.float64]
    verbalizer: Verbalizer
    facts: dict[str, Any] = field(default_factory=dict)


class Work:
    """The runs of one dataset; `dataset` is its name."""

    def __init__(self, bench: Bench, found: Drawn) -> None:
        self._bench, self._found, self.dataset = bench, found, found.name
        self._settings = bench.settings
        self._sources = [Source(name) for name in self._settings.verbalizers]
        self._frame = bench.scorer().frame
        self._made: dict[tuple[str, int], Verbalizer] = {}
        self._spelled = self._spell()
        self._refuse_merged()
        self._prompts: dict[str, Prompt] = {}
        self._scored: Scores | None = None
        self._rows: dict[str, int] = {}

    def carry_out(self, left: Sequence[PlannedRun]) -> None:
        """Do the runs that are left, those of the model as it is before those that tune it."""
        tuning = {self._settings.method(tune): tune for tune in TUNE if tune != "weights"}
        ordered = sorted(left, key=lambda run: method_of(run.condition)[1] in tuning)
        for at, run in enumerate(ordered):
            self._bench.tell(at, len(ordered), run.id)
            name, method = method_of(run.condition)
            began = time.monotonic()
            if method in tuning:
                answer = self._tuned(name, tuning[method], run.seed)
            else:
                answer = self._untuned(name, method, run.seed)
            self._finish(run, answer, time.monotonic() - began)
            self._bench.tell(at + 1, len(ordered), run.id)

    # ------------------------------------------------------------ words

    def _spell(self) -> Spelled:
        """Return the words of every verbalizer and the classes' names, as the model's tokens."""
        wanted = dict.fromkeys(label_words(self._found.task).words)
        for source in self._sources:
            for seed in range(len(self._found.shots)):
                wanted |= dict.fromkeys(self._raw(source, seed).words)
        return self._frame.spell(
            list(wanted),
            self._found.template,
            how=self._settings.tokens,
            longest=self._settings.longest,
            always=label_words(self._found.task).words,
        )

    def _raw(self, source: Source, seed: int) -> Verbalizer:
        """Return a verbalizer as its source gives it; equal for every seed if it is not drawn."""
        key = source.name, seed if source.drawn else 0
        if key not in self._made:
            self._made[key] = source.verbalizer(
                self._found.task, self._found.known, self._found.shots[key[1]],
                count=self._settings.words, lists=self._found.lists,
            )  # fmt: skip
        return self._made[key]

    def _verbalizer(self, name: str, seed: int) -> Verbalizer:
        """Return a verbalizer without the words that the model cannot write."""
        try:
            return step.without(self._raw(Source(name), seed), self._spelled.left_out)
        except InputError as error:
            raise InputError(
                f"{self._found.name}: {error}: the model cannot write its words, or --longest is"
                " too small"
            ) from None

    def _refuse_merged(self) -> None:
        """Raise InputError for a class without a word, or two that the model writes alike."""
        joint = self._settings.tokens == "joint"
        remedy = "give them other words" if joint else "give --tokens joint"
        for source in self._sources:
            for seed in range(len(self._found.shots) if source.drawn else 1):
                pair = self._spelled.merged(self._verbalizer(source.name, seed).texts())
                if pair is not None:
                    raise InputError(
                        f"{self._found.name}: verbalizer {source.name!r}: all label words of"
                        f" {pair[0]!r} and {pair[1]!r} have the same tokens, so that the later"
                        f" class can never be answered: {remedy}"
                    )

    # ------------------------------------------------------------ the model as it is

    def _untuned(self, name: str, method: str, seed: int) -> _Answer:
        verbalizer, how = self._verbalizer(name, seed), self._settings.aggregate
        test = self._scores(self._found.test)
        if method == "zero-shot":
            return _Answer(refine.aggregate(verbalizer, test, how), verbalizer)
        if method == "calibrated":
            bias = refine.prior(self._texts(_EMPTY[self._found.task.lang]))
            even = refine.calibrated(test, bias)
            return _Answer(refine.aggregate(verbalizer, even, how), verbalizer)
        return self._weighed(verbalizer, self._found.shots[seed], test)

    def _weighed(self, verbalizer: Verbalizer, shots: Sequence[Record], test: Scores) -> _Answer:
        support = self._scores(shots)
        bias = refine.prior(support)
        kept = refine.frequent(verbalizer, support, share=_SHARE)
        names = {label: label for label in verbalizer.classes}
        if not set(names) & set(self._spelled.left_out):
            kept = refine.relevant(kept, support, names)
        labels = [record.label for record in shots]
        found = refine.learned(kept, refine.calibrated(support, bias), labels)
        return _Answer(refine.aggregate(found, refine.calibrated(test, bias)), found)

    def _scores(self, records: Sequence[Record]) -> Scores:
        return self._texts([record.text for record in records])

    def _texts(self, texts: Sequence[str]) -> Scores:
        """Return the scores of texts, from one pass over all texts of the dataset."""
        if self._scored is None:
            every = [
                record.text for some in (self._found.test, *self._found.shots) for record in some
            ]
            every += _EMPTY[self._found.task.lang]
            self._rows = {text: at for at, text in enumerate(dict.fromkeys(every))}
            prompts = [self._prompt(text) for text in self._rows]
            self._scored = keep_scores(
                self._bench.folder.path / "scores" / self._found.name,
                self._bench.scorer, prompts, self._spelled,
                told=lambda done: self._bench.tell(
                    done, len(prompts), f"{self._found.name}: texts"
                ),
            )  # fmt: skip
        return self._scored.rows([self._rows[text] for text in texts])

    def _prompt(self, text: str) -> Prompt:
        if text not in self._prompts:
            self._prompts[text] = self._frame.prompt(
                text,
                self._found.template,
                limit=self._settings.max_length,
                longest=self._spelled.longest,
            )
        return self._prompts[text]

    # ------------------------------------------------------------ a tuned model

    def _tuned(self, name: str, tune: Tune, seed: int) -> _Answer:
        verbalizer, scorer = self._verbalizer(name, seed), self._bench.scorer()
        shots, tuning = self._found.shots[seed], self._settings.tuning(seed, tune)
        chosen = {word: self._spelled.tokens[word] for word in verbalizer.words}
        words = replace(self._spelled, tokens=chosen)
        test = [self._prompt(record.text) for record in self._found.test]
        with tuned(
            scorer, [self._prompt(record.text) for record in shots],
            [record.label for record in shots], verbalizer, words, tuning,
        ) as losses:  # fmt: skip
            scores = scoring.score_prompts(scorer, test, words)
        classes = refine.aggregate(verbalizer, scores, self._settings.aggregate)
        return _Answer(classes, verbalizer, {"losses": [round(loss, 5) for loss in losses]})

    # ------------------------------------------------------------ results

    def _finish(self, run: PlannedRun, answer: _Answer, seconds: float) -> None:
        """Write a run's files; `metrics.json`, which says that it is finished, comes last."""
        folder = RunFolder(results.run_folder(self._bench.folder.path, run))
        folder.path.mkdir(parents=True, exist_ok=True)
        predicted = _predictions(self._found.test, answer)
        folder.write("config.json", {"id": run.id, "condition": run.condition, "seed": run.seed})
        folder.write("verbalizer.json", answer.verbalizer.to_dict())
        write_records(folder.path / results.PREDICTIONS, predicted)
        source = Source(method_of(run.condition)[0])
        raw = self._raw(source, run.seed)
        alike = self._spelled.alike(answer.verbalizer.texts())
        tasks = {self._found.task.name: self._found.task}
        report = score(self._found.test, predicted, tasks=tasks, resamples=0)
        metrics = {
            "tl": report.tl.f1,
            "macro": fmean(counts.f1 for counts in report.tl_labels.values()),
            "words": {c: len(words) for c, words in answer.verbalizer.classes.items()},
            "words_left_out": len(set(self._spelled.left_out) & set(raw.words)),
            "words_alike": sum(map(len, alike.values())),
            "names_alone": [
                label for label, some in raw.texts().items() if source.of_items and some == (label,)
            ],
            "texts_cut": sum(self._prompt(record.text).cut for record in self._found.test),
            "seconds": round(seconds, 2),
            **answer.facts,
        }
        folder.write("metrics.json", metrics)
        self._bench.folder.log("run", id=run.id, tl=metrics["tl"], seconds=metrics["seconds"])


def _predictions(records: Sequence[Record], answer: _Answer) -> list[Prediction]:
    labels = list(answer.verbalizer.classes)
    sure = refine.probabilities(answer.classes)
    return [
        Prediction(
            record.id, record.task, record.text, labels[row.argmax()],
            scores={"label": float(row.max())},
        )
        for record, row in zip(records, sure, strict=True)
    ]  # fmt: skip
