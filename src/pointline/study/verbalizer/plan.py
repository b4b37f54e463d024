"""The plan of a verbalizer study: its settings, what is drawn of each dataset, and its runs.

A run is a verbalizer, a method and a seed on a dataset. The methods, with the same template:

    zero-shot      the model as it is: p(w|x) aggregated
    calibrated     the same with a prior over texts without content (Zhao et al. 2021)
    N-shot weights the model as it is; a prior over the labelled texts, the less expected and the
                   less relevant words left out (Hu et al. 2022), weights learned for the rest
    N-shot lora    the model tuned on the labelled texts (`tuning`), then as zero-shot
    N-shot full

Nothing is drawn in the first two, so they have one run, unless the verbalizer is drawn itself.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pointline.corpus.manifest import dataset_folders, refuse_namesakes
from pointline.corpus.store import Dataset, read_dataset
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import LANGUAGES, Task
from pointline.model.backbone import DEFAULT, Dtype, Kind
from pointline.model.batches import draw
from pointline.study.drawing import digests
from pointline.study.plan import Plan, PlannedRun
from pointline.study.verbalizer.refine import AGGREGATES, Aggregate
from pointline.study.verbalizer.sources import Listed, Source
from pointline.study.verbalizer.spelling import HOW, How
from pointline.study.verbalizer.template import Template, template_for
from pointline.study.verbalizer.tuning import Tuning

__all__ = [
    "TUNE",
    "Drawn",
    "Settings",
    "Tune",
    "condition",
    "drawn",
    "is_learned",
    "method_of",
    "planned",
    "quota",
]

#: What is done with the few labelled texts.
Tune = Literal["weights", "lora", "full"]
TUNE: tuple[Tune, ...] = ("weights", "lora", "full")
_BARE = ("zero-shot", "calibrated")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the results of a verbalizer study depend on.

    `data` are dataset folders, or folders of them. `shots` labelled records a class are drawn of
    the training split for each of `seeds` runs, `total` in all where it is given; `test` records
    (None: all) of the test split, once, the same for every run. A class with fewer than `least`
    training records is left out, its test records too. `words` is the most label words a class
    from each source, `longest` the most tokens of one (but of a class's name), `templates` patterns
    by language. The text of a prompt that is over
    `max_length` tokens is cut at its end, and counted.

    Raises InputError for values that cannot be.
    """

    data: tuple[str, ...]
    model: str = DEFAULT
    kind: Kind | Literal["auto"] = "auto"
    adapter: str | None = None
    verbalizers: tuple[str, ...] = ("label", "items", "related")
    tune: tuple[Tune, ...] = ("weights",)
    aggregate: Aggregate = "mean"
    tokens: How = "joint"
    longest: int | None = None
    shots: int = 20
    total: int | None = None
    seeds: int = 5
    test: int | None = 200
    least: int = 5
    words: int = 100
    templates: Mapping[str, str] = field(default_factory=dict)
    max_length: int = 256
    epochs: int = 2
    batch: int = 4
    rate: float = 0.0
    dtype: Dtype = "float32"
    device: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("data", "verbalizers", "tune"):
            given = tuple(getattr(self, name))
            object.__setattr__(self, name, given)
            if len(set(given)) < len(given):
                raise InputError(f"{name} names something twice: {', '.join(map(str, given))}")
        for reason in self._faults():
            raise InputError(reason)

    def _faults(self) -> Iterator[str]:
        if not self.data or not self.verbalizers:
            yield "a study needs a dataset or more, and a verbalizer or more"
        for name in self.verbalizers:
            Source(name)
        for what, given, known in (
            ("what is tuned", self.tune, TUNE),
            ("the aggregate", (self.aggregate,), AGGREGATES),
            ("tokens", (self.tokens,), HOW),
            ("a template's language", tuple(self.templates), tuple(LANGUAGES)),
        ):
            if strange := [value for value in given if value not in known]:
                yield f"{what} is one of {', '.join(known)}, got {strange[0]!r}"
        for pattern in self.templates.values():
            Template(pattern)
        for name in ("shots", "total", "seeds", "test", "least", "longest", "words", "max_length"):
            value = getattr(self, name)
            if value is not None and value < 1:
                yield f"{name} is 1 or more, got {value}"
        self.tuning(0)

    def tuning(self, seed: int, tune: Tune = "lora") -> Tuning:
        """Return how a model is tuned in a run."""
        return Tuning(
            "full" if tune == "full" else "lora",
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            aggregate=self.aggregate,
            seed=seed,
        )

    def method(self, tune: Tune) -> str:
        """Return the name of a method: how many labelled texts, and what is done with them."""
        count = f"{self.shots}-shot" if self.total is None else f"{self.total}-text"
        return f"{count} {tune}"

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the study, in the order of tables."""
        return (*_BARE, *map(self.method, self.tune))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values."""
        values = asdict(self) | {"templates": dict(self.templates)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a study takes of a dataset: the test records, and the labelled ones of each seed.

    The labels of `task` are the classes that are told apart; `left_out` counts the records of
    others by label. `known` are all training records: the items of "items" are theirs. `lists` are
    the lists that verbalizers name; `sha256` are the digests of the splits.
    """

    name: str
    folder: str
    task: Task
    template: Template
    known: tuple[Record, ...]
    test: tuple[Record, ...]
    shots: tuple[tuple[Record, ...], ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    lists: Mapping[str, Listed] = field(default_factory=dict)
    sha256: Mapping[str, str] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return what the plan says of it: what is drawn of it, and digests of what was read."""
        labels = self.task.labels or ()
        by_class = Counter(record.label for record in self.shots[0])
        return {
            "folder": self.folder,
            "task": self.task.name,
            "template": self.template.pattern,
            "sha256": dict(self.sha256),
            "lists": {
                part: {"file": one.file, "sha256": one.sha256} for part, one in self.lists.items()
            },
            "classes": list(labels),
            "left_out": dict(self.left_out),
            "known": len(self.known),
            "test": [record.id for record in self.test],
            "shots": [[record.id for record in shots] for shots in self.shots],
            "shots_by_class": {label: by_class[label] for label in labels},
        }


def condition(verbalizer: str, method: str) -> str:
    """Return what a study's folder calls a verbalizer under a method.

    >>> condition("items", "20-shot lora")
    'items / 20-shot lora'
    """
    return f"{verbalizer} / {method}"


def method_of(name: str) -> tuple[str, str]:
    """Return the verbalizer and the method of a condition."""
    verbalizer, _, method = name.rpartition(" / ")
    return verbalizer, method


def planned(settings: Settings, sets: Sequence[Drawn]) -> Plan:
    """Return the plan of a study: every run, dataset by dataset."""
    runs = [
        PlannedRun(
            _run_id(found.name, verbalizer, method, seed),
            found.name,
            condition(verbalizer, method),
            seed,
            train=0 if method in _BARE else len(found.shots[seed]),
            test=len(found.test),
        )
        for found in sets
        for verbalizer in settings.verbalizers
        for method in settings.methods
        for seed in range(settings.seeds if _is_drawn(verbalizer, method) else 1)
    ]
    return Plan(settings.to_dict(), {found.name: found.facts() for found in sets}, tuple(runs))


def is_learned(settings: Mapping[str, Any]) -> bool:
    """Say whether the labelled records are of use under a plan's settings."""
    return bool(settings["tune"]) or any(Source(name).drawn for name in settings["verbalizers"])


def quota(classes: int, shots: int, total: int | None) -> tuple[int, ...]:
    """Return how many labelled records are asked for of each class, in the classes' order.

    >>> quota(3, 20, None), quota(3, 20, 7)
    ((20, 20, 20), (3, 2, 2))
    """
    if total is None:
        return (shots,) * classes
    return tuple(total // classes + (at < total % classes) for at in range(classes))


def _is_drawn(verbalizer: str, method: str) -> bool:
    return method not in _BARE or Source(verbalizer).drawn


def _run_id(dataset: str, verbalizer: str, method: str, seed: int) -> str:
    plain = re.sub(r"[^\w+]+", "-", verbalizer)
    if "related:" in verbalizer:  # paths that differ may look alike now, or be too long
        plain = f"{plain[:40]}-{hashlib.sha256(verbalizer.encode()).hexdigest()[:8]}"
    return f"{dataset}.{plain}.{method.replace(' ', '-')}.{seed}"


# ---------------------------------------------------------------- drawing


def drawn(settings: Settings) -> list[Drawn]:
    """Return what the study takes of its datasets: the same for the same settings and files.

    Every list that a verbalizer names is read here, so that none is found wanting after hours.

    Raises InputError for two datasets of one name, a task with open labels, a class without a
    training record, a split that is missing, or items asked for where there are none; and as
    `read_dataset` and `Source.lists` do.
    """
    folders = dataset_folders(Path(given).expanduser().resolve() for given in settings.data)
    refuse_namesakes(folders)
    return [_drawn(folder, settings) for folder in folders]


def _drawn(folder: Path, settings: Settings) -> Drawn:
    dataset = read_dataset(folder)
    task, name = _narrowed(dataset, settings.least, folder), folder.resolve().name
    known, test = (_labelled(dataset, split, task, folder) for split in ("train", "test"))
    every = (r.label for split in ("train", "test") for r in dataset.splits.get(split, ()))
    sources = [Source(given) for given in settings.verbalizers]
    if any(source.of_items for source in sources) and not any(record.items for record in known):
        raise InputError(
            f"{folder}: no training record has an item: leave out the dataset, or the verbalizers"
            " of items"
        )
    return Drawn(
        name,
        str(folder),
        task,
        template_for(task, settings.templates),
        known,
        tuple(draw(test, settings.test, f"{settings.seed}/{name}")),
        tuple(
            tuple(_shots(known, task, settings, f"{settings.seed}/{name}/{seed}"))
            for seed in range(settings.seeds)
        ),
        dict(Counter(label for label in every if label not in (task.labels or ()))),
        {k: v for s in sources for k, v in s.lists(task, count=settings.words).items()},
        digests(folder),
    )


def _narrowed(dataset: Dataset, least: int, folder: Path) -> Task:
    """Return the task with those of its classes that have so many training records."""
    task = dataset.task
    if not task.labels:
        raise InputError(f"{folder}: the labels of {task.name} are open: leave it out")
    counts = Counter(record.label for record in dataset.train)
    labels = tuple(label for label in task.labels if counts[label] >= least)
    if sum(counts[label] > 0 for label in task.labels) < 2:
        raise InputError(
            f"{folder}: training records of two classes are needed to tell them apart: leave it out"
        )
    if len(labels) < 2:
        raise InputError(
            f"{folder}: fewer than two classes with {least} training records or more: give a"
            " smaller --least"
        )
    return replace(task, labels=labels)


def _labelled(dataset: Dataset, split: str, task: Task, folder: Path) -> tuple[Record, ...]:
    """Return a split's records of the task's classes, all under the task's name."""
    found = tuple(
        replace(record, task=task.name)
        for record in dataset.splits.get(split, ())
        if record.label in (task.labels or ())
    )
    if not found:
        raise InputError(f"{folder}: no {split} split with records of the task's labels")
    return found


def _shots(known: Sequence[Record], task: Task, settings: Settings, seed: str) -> Iterator[Record]:
    """Yield the labelled records of a seed; a class with fewer than asked gives all it has."""
    labels = task.labels or ()
    for label, count in zip(
        labels, quota(len(labels), settings.shots, settings.total), strict=True
    ):
        yield from draw([r for r in known if r.label == label], count, f"{seed}/{label}")
