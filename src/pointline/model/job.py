"""What a training works with, made from its settings: model, examples, the plan of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from pointline.corpus.manifest import refuse_namesakes, sha256
from pointline.corpus.store import Dataset, iter_records
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.backbone import Backbone, Dtype, load
from pointline.model.batches import Example, Sample, Step, draw, encode, plan, seen
from pointline.model.embedded import Progress
from pointline.model.labellists import Inventory, inventory, labels_of
from pointline.model.learner import Learner
from pointline.model.processes import ALONE, Processes
from pointline.model.runfolder import RunFolder
from pointline.model.settings import TrainConfig
from pointline.version import CODEC_VERSION, __version__

__all__ = ["Job", "describe", "learned", "prepare"]


@dataclass(frozen=True, slots=True)
class Job:
    """All that a training works with; `dev` has the records to score, by dataset."""

    config: TrainConfig
    run: RunFolder
    about: Mapping[str, Any]
    learner: Learner
    processes: Processes
    examples: Sequence[Example]
    steps: Sequence[Step]
    dev: Sequence[tuple[str, Task, Sequence[Record]]]
    dev_batches: Sequence[Sequence[Example]]

    def batches(self, step: Step) -> list[list[Example]]:
        """Return the examples of a step, by batch."""
        return [[self.examples[i] for i in batch] for batch in step.batches]

    def tokens(self, step: Step) -> int:
        """Return how many tokens a step has, padding left out."""
        return sum(len(self.examples[i].tokens) for batch in step.batches for i in batch)

    def epochs_done(self, steps: int) -> int:
        """Return how many epochs are behind, after so many steps."""
        return self.config.epochs if steps == len(self.steps) else self.steps[steps].epoch


def describe(config: TrainConfig, sets: Sequence[tuple[Path, Dataset]]) -> dict[str, Any]:
    """Return what a run's config.json holds: the settings, and what they were applied to."""
    import torch

    refuse_namesakes(path for path, _ in sets)
    settings = config.to_dict()
    for name in ("out", "data", "save_every", "device"):  # which the result does not depend on
        del settings[name]
    settings["given"] = config.given and sha256(Path(config.given))
    return {
        **settings,
        **_versions(torch.__version__),
        "datasets": [_facts(*s, config) for s in sets],
    }


def _versions(torch: str) -> dict[str, Any]:
    return {"pointline": __version__, "codec": CODEC_VERSION, "torch": torch.split("+")[0]}


def _facts(path: Path, dataset: Dataset, config: TrainConfig) -> dict[str, Any]:
    kept = _kept(dataset.train, config)
    if dataset.train and not kept:
        raise InputError(f"{path} holds no record without a label of held_out: leave it out")
    if not kept:
        raise InputError(f"{path} holds no train.jsonl with records: there is nothing to learn")
    return {
        "name": path.name,
        "task": dataset.task.to_dict(),
        "records": min(len(kept), config.examples or len(kept)),
        "held_out": len(dataset.train) - len(kept),
        "sha256": sha256(path / "train.jsonl"),
        "dev_sha256": sha256(path / "dev.jsonl") if dataset.dev else None,
        "licences": list(dataset.manifest.get("licences", ())),
    }


def _kept(records: Sequence[Record], config: TrainConfig) -> Sequence[Record]:
    """Return the records that hold none of the labels that are held out."""
    held = set(config.held_out)
    return [record for record in records if not held & labels_of(record)] if held else records


def prepare(
    config: TrainConfig,
    sets: Sequence[tuple[Path, Dataset]],
    run: RunFolder,
    about: Mapping[str, Any],
    loading: Progress | None,
    processes: Processes = ALONE,
) -> Job:
    """Load the model and turn the records into the batches of every step.

    Raises PreflightError where a record must not be trained on, and as `backbone.load`.
    """
    lora = config.method == "lora"
    dtype: Dtype = "bfloat16" if lora and config.dtype == "bfloat16" else "float32"
    backbone = load(
        config.base,
        dtype=dtype,  # full: float32, and autocast
        device="cpu" if processes.sharded else processes.device or config.device,
        progress=loading,
    )
    if backbone.adapter is not None:
        raise InputError(f"{config.base} is an adapter: train from its base {backbone.name!r}")
    train, dev, shown = _draw(config, sets)
    examples, dev_examples = (_encoded(samples, backbone, config) for samples in (train, dev))
    several = config.beside or config.given
    compared = list(_compared(train, backbone, config)) if several else [examples]
    lengths = [max(len(e.tokens) for e in forms) for forms in zip(*compared, strict=True)]
    vocabulary = seen(chain(*compared)) if config.loss_vocabulary == "seen" else None
    return Job(
        config=config,
        run=run,
        about=about,
        learner=Learner(backbone, config, vocabulary, processes),
        processes=processes,
        examples=examples,
        steps=plan(
            lengths,
            max_tokens=config.max_tokens_per_batch,
            epochs=config.epochs,
            accumulation=config.accumulation,
            seed=config.seed,
            sets=[sample.file for sample in train],
            sampling=config.sampling,
        ),
        dev=shown,
        dev_batches=_in_batches(dev_examples, config.max_tokens_per_batch),
    )


def learned(
    config: TrainConfig, sets: Sequence[tuple[Path, Dataset]], backbone: Backbone
) -> list[Example]:
    """Return what a training learns from, as tokens.

    Raises PreflightError where a record must not be trained on.
    """
    return _encoded(_draw(config, sets)[0], backbone, config)


def _draw(
    config: TrainConfig, sets: Sequence[tuple[Path, Dataset]]
) -> tuple[list[Sample], list[Sample], list[tuple[str, Task, Sequence[Record]]]]:
    """Return the samples to learn from, those to look at, and the latter by dataset."""
    train: list[Sample] = []
    dev: list[Sample] = []
    shown: list[tuple[str, Task, Sequence[Record]]] = []
    given = _given(config)
    for path, dataset in sets:
        key = f"{config.seed}/{path.name}"
        kept = _kept(dataset.train, config)
        learn = draw(kept, config.examples, key)
        look = draw(_kept(dataset.dev, config), config.dev_examples, key)
        known = _known(kept, dataset.task, config) if config.label_lists == "drawn" else None
        file = str(path / "train.jsonl")
        train += [
            Sample(record, dataset.task, file, known, _shown(record, given)) for record in learn
        ]
        dev += [Sample(record, dataset.task, str(path / "dev.jsonl"), known) for record in look]
        if look:
            shown.append((path.name, dataset.task, look))
    return train, dev, shown


def _given(config: TrainConfig) -> dict[str, Record] | None:
    """Return the records whose label or items a form shows in training, by id."""
    return None if config.given is None else {r.id: r for r in iter_records(config.given)}


def _shown(record: Record, given: Mapping[str, Record] | None) -> Record | None:
    if given is not None and record.id not in given:
        raise InputError(f"record {record.id!r} is to be learned from, and is not in given")
    return None if given is None else given[record.id]


def _known(records: Sequence[Record], task: Task, config: TrainConfig) -> Inventory:
    """Return the labels that lists are drawn from, none of them held out."""
    found, held = inventory(records, task), set(config.held_out)
    return Inventory(
        tuple(label for label in found.labels if label not in held),
        tuple(label for label in found.item_labels if label not in held),
    )


def _encoded(samples: Sequence[Sample], backbone: Backbone, config: TrainConfig) -> list[Example]:
    return encode(
        samples,
        backbone,
        max_length=config.max_length,
        form=config.asked,
        show_labels_share=config.show_labels_share,
        seed=config.seed,
    )


def _compared(
    samples: Sequence[Sample], backbone: Backbone, config: TrainConfig
) -> Iterator[list[Example]]:
    """Yield the examples in each form that is compared, shown nothing but gold."""
    gold = [replace(sample, shown=None) for sample in samples]
    for form in dict.fromkeys((config.asked, *config.beside)):
        yield _encoded(gold, backbone, replace(config, form=form))


def _in_batches(examples: Sequence[Example], max_tokens: int) -> list[list[Example]]:
    lengths = [len(example.tokens) for example in examples]
    steps = plan(lengths, max_tokens=max_tokens, epochs=1)
    return [[examples[i] for i in batch] for step in steps for batch in step.batches]
