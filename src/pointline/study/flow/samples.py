"""Samples of a study: which records take part, and their prompts as tokens."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.corpus import store
from pointline.errors import InputError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.backbone import Backbone
from pointline.study.flow.prompt import Role, ask, why_not
from pointline.study.flow.roles import Tokens, tokens_of
from pointline.study.flow.settings import FlowConfig

__all__ = ["Chosen", "Sample", "batches", "choose", "read_split"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A record's id and its prompt; `seed` is that of its random positions."""

    id: str
    tokens: Tokens
    seed: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """The samples of a dataset in the order in which they were drawn, and why others were not."""

    samples: tuple[Sample, ...]
    left_out: Mapping[str, int]

    @property
    def straddling(self) -> int:
        """How many of their tokens hold characters of two pieces."""
        return sum(len(sample.tokens.straddles) for sample in self.samples)

    def straddles(self) -> Iterator[dict[str, Any]]:
        """Yield each of these tokens: its sample and place, its characters, whose they are."""
        for sample in self.samples:
            for one in sample.tokens.straddles:
                roles = [role.name for role in one.roles]
                given = sample.tokens.roles[one.token].name
                yield {
                    "id": sample.id, "token": one.token, "text": one.text, "roles": roles,
                    "given_to": given,
                }  # fmt: skip


def read_split(folder: Path, split: str) -> tuple[Task, list[Record]]:
    """Return a dataset's task and the records of one of its splits.

    Raises InputError where it has no such split, and what `store.read_dataset` raises.
    """
    found = store.read_dataset(folder)
    if split not in found.splits:
        raise InputError(f"{folder} has no {split} split: it has {', '.join(found.splits)}")
    return found.task, list(found.splits[split])


def choose(records: Sequence[Record], task: Task, backbone: Backbone, config: FlowConfig) -> Chosen:
    """Return the samples: records in an order drawn by the seed, until there are enough.

    A record that has no label or no items, whose prompt is longer than `max_tokens` or the model's
    window, or whose answer has no token of its own, is left out and counted under the reason.

    Raises InputError where no record is left.
    """
    order = list(records)
    random.Random(f"{config.seed}/{task.name}").shuffle(order)
    kept: list[Sample] = []
    left_out: Counter[str] = Counter()
    for record in order:
        if len(kept) == config.samples:
            break
        found = _sample(record, task, backbone, config)
        if isinstance(found, str):
            left_out[found] += 1
        else:
            kept.append(found)
    if not kept:
        why = ", ".join(f"{count} {reason}" for reason, count in left_out.most_common())
        raise InputError(f"task {task.name!r}: no record can be measured ({why or 'no records'})")
    return Chosen(tuple(kept), dict(left_out))


def batches(samples: Sequence[Sample], max_tokens: int) -> Iterator[list[Sample]]:
    """Yield batches of samples of like length, at most so many tokens each, padding included."""
    held: list[Sample] = []
    for sample in sorted(samples, key=lambda one: len(one.tokens)):
        if held and len(sample.tokens) * (len(held) + 1) > max_tokens:
            yield held
            held = []
        held.append(sample)
    if held:
        yield held


def _sample(record: Record, task: Task, backbone: Backbone, config: FlowConfig) -> Sample | str:
    reason = why_not(record, task, config)
    if reason:
        return reason
    asked = ask(record, task, config)
    if config.loss == "label-set" and not asked.choices:
        return "no set of labels to choose from"
    try:
        tokens = tokens_of(asked, backbone)
    except InputError:
        return "the answer merges into the prompt"
    if len(tokens) > min(config.max_tokens, backbone.window):
        return "longer than max_tokens"
    if not (tokens.at(Role.INFO) and tokens.at(Role.TEXT)):
        return "no token of its own for text or information"
    return Sample(record.id, tokens, _seed(config.seed, task.name, record.id))


def _seed(*parts: object) -> int:
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little")
