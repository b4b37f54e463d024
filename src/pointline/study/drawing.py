"""Drawing records for a study: by a seed, and only such as fit into the model in every form."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pointline.corpus import store
from pointline.corpus.manifest import sha256
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.backbone import Backbone
from pointline.model.batches import Sample, encode
from pointline.model.form import Form
from pointline.model.prompt import input_text, target
from pointline.study.design import Design

__all__ = ["Drawer", "Drawn", "digests"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Records drawn of one split, how many others were met and left out, and why.

    `tokens` are those of prompts and completions, by form.
    """

    records: tuple[Record, ...]
    left_out: Mapping[str, int]
    tokens: Mapping[Form, int]


@dataclass(frozen=True, slots=True)
class Drawer:
    """Draws from datasets, with the tokens of one model."""

    design: Design
    backbone: Backbone
    tested: dict[Path, Drawn] = field(default_factory=dict)

    def draw(self, path: Path, seed: int) -> tuple[Task, Drawn, Drawn]:
        """Return the task, what is learned from with this seed, and what is tested on.

        Raises InputError where a split has no record to draw, PreflightError where one of the
        drawn must not be trained on.
        """
        dataset = store.read_dataset(path)
        task, design = dataset.task, self.design
        train = self._some(dataset.train, task, design.examples, f"{seed}/{path.name}")
        if path not in self.tested:
            key = f"test/{path.name}"
            self.tested[path] = self._some(dataset.test, task, design.test, key)
        for split, drawn in (("train", train), ("test", self.tested[path])):
            if not drawn.records:
                told = ", ".join(f"{n} {why}" for why, n in drawn.left_out.items()) or "it is empty"
                raise InputError(f"{path}: no record of the {split} split fits ({told})")
        file = str(path / "train.jsonl")
        samples = [Sample(record, task, file) for record in train.records]
        encode(samples, self.backbone, max_length=design.max_length, form=Form())  # may refuse
        return task, train, self.tested[path]

    def _some(self, records: Sequence[Record], task: Task, count: int, key: str) -> Drawn:
        order = list(range(len(records)))
        random.Random(key).shuffle(order)
        kept: list[int] = []
        left: Counter[str] = Counter()
        tokens: Counter[Form] = Counter()
        for number in order:
            if len(kept) == count:
                break
            lengths = self._lengths(records[number], task)
            if reason := self._misfit(records[number], lengths):
                left[reason] += 1
                continue
            kept.append(number)
            tokens.update({form: sum(length) for form, length in lengths.items()})
        return Drawn(tuple(records[at] for at in sorted(kept)), dict(left), dict(tokens))

    def _lengths(self, record: Record, task: Task) -> dict[Form, tuple[int, int]]:
        """Return the tokens of prompt and completion in each form, with the one that ends it."""
        encoded = self.backbone.encode
        return {
            form: (
                len(encoded(input_text(record.text, task, form, given=record))),
                len(encoded(target(record, task, form), bos=False)) + 1,
            )
            for form in self.design.forms
        }

    def _misfit(self, record: Record, lengths: Mapping[Form, tuple[int, int]]) -> str:
        window = self.backbone.window
        room = window - min(self.design.max_new_tokens, window // 2)
        limit = min(self.design.max_length, window)
        if any(prompt > room or prompt + line > limit for prompt, line in lengths.values()):
            return "too long"
        return "" if record.label else "without a label"


def digests(path: Path) -> dict[str, str]:
    """Return the digests of the splits that a study draws from.

    Raises InputError where one is missing.
    """
    found = {}
    for split in ("train", "test"):
        file = path / f"{split}.jsonl"
        if not file.is_file():
            raise InputError(f"{file} is not there: a study learns from train and tests on test")
        found[split] = sha256(file)
    return found
