"""Batches: records as tokens, what must not be trained on, and the order in which they are seen.

Everything here is pure and drawn from a seed, so that a run that was interrupted finds the same
batches again without having kept them.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pointline.corpus.check import RULES
from pointline.errors import FormatError, PreflightError, RecordError
from pointline.format import codec
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.labellists import Inventory, drawn
from pointline.model.prompt import Form, Level, form_of, input_text, target

if TYPE_CHECKING:
    from torch import Tensor

    from pointline.model.backbone import Backbone

__all__ = [
    "Batch", "Example", "Sample", "Sampling", "Step", "collate", "draw", "encode", "plan", "seen",
]  # fmt: skip

#: What share of an epoch a dataset has: by its size, by the size's square root, or an equal one.
Sampling = Literal["proportional", "root", "equal"]

_POOL = 50  # batches among which examples of like length find each other


@dataclass(frozen=True, slots=True)
class Sample:
    """A record to learn from, its task, and the file that it came from.

    Label lists are drawn from `known`; without it they are the task's. Where a form shows a level
    beside the text, it is that of `shown`; without it the record's own.
    """

    record: Record
    task: Task
    file: str
    known: Inventory | None = None
    shown: Record | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A record as tokens: first the prompt's, then the completion's with the token that ends it."""

    id: str
    tokens: tuple[int, ...]
    prompt: int

    @property
    def completion(self) -> int:
        """How many tokens there is loss on."""
        return len(self.tokens) - self.prompt


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the optimizer: its epoch (from 0) and its batches of example numbers."""

    epoch: int
    batches: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples as tensors, filled up on the right.

    `ids` is (examples, length). `rows` are the places in ids.flatten() whose state predicts a
    token of a completion, `targets` those tokens. Attention looks back only, so that what fills
    up the right needs no mask: no row that is read can see it.
    """

    ids: Tensor
    rows: Tensor
    targets: Tensor


def draw(records: Sequence[Record], count: int | None, seed: str) -> list[Record]:
    """Return `count` of the records (None: all) in the order of the file, drawn by the seed.

    >>> from pointline.format.record import Record
    >>> [r.id for r in draw([Record(str(i), "", "a") for i in range(9)], 3, "0/scnm-en")]
    ['0', '2', '4']
    """
    if count is None or count >= len(records):
        return list(records)
    chosen = sorted(random.Random(seed).sample(range(len(records)), count))
    return [records[i] for i in chosen]


# ---------------------------------------------------------------- records to tokens


def encode(
    samples: Sequence[Sample],
    backbone: Backbone,
    *,
    max_length: int,
    form: Form | Level = Level.BOTH,
    show_labels_share: float = 0.0,
    seed: int = 0,
) -> list[Example]:
    """Return an example for every sample; `max_length` counts prompt and completion together.

    A share of the prompts lists the task's labels; which ones follows from seed and record id.

    Raises PreflightError, which lists every record that must not be trained on and why: nothing
    is cut, and nothing is left out.
    """
    form = form_of(form)
    limit = min(max_length, backbone.window)
    problems: list[str] = []
    examples = []
    first: dict[tuple[str, str], Sample] = {}
    for sample in samples:
        record = sample.record
        reasons = list(_faults(sample, form))
        before = first.setdefault((sample.task.name, record.text), sample)
        if before is not sample:
            reasons.append(f"the text is that of record {before.record.id!r} of {before.file}")
        if not reasons:
            # an ad-hoc task is always asked with its labels (`extract.Extractor`)
            adhoc = sample.task.family == "adhoc"
            shown = adhoc or _share(f"{seed}/{record.id}") < show_labels_share
            asked = _listed(sample, seed) if shown else sample
            example = _example(asked, backbone, form, labels=shown)
            reasons += _misfit(example, limit)
            examples.append(example)
        problems += [f"{sample.file}: record {record.id!r}: {reason}" for reason in reasons]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise PreflightError(f"not fit to be trained on: {problems[0]}{more}", problems)
    return examples


def _listed(sample: Sample, seed: int) -> Sample:
    """Return the sample as it is asked for under a label list."""
    if sample.known is None or sample.task.family == "adhoc":
        return sample
    rng = random.Random(f"{seed}/{sample.record.id}")
    record, task = drawn(sample.record, sample.task, sample.known, rng)
    return replace(sample, record=record, task=task)


def _example(sample: Sample, backbone: Backbone, form: Form, *, labels: bool) -> Example:
    record, task = sample.record, sample.task
    shown = input_text(record.text, task, form, labels=labels, given=sample.shown or record)
    prompt = backbone.encode(shown)
    completion = backbone.encode(target(record, task, form), bos=False)
    return Example(record.id, (*prompt, *completion, backbone.eos[0]), prompt=len(prompt))


def _faults(sample: Sample, form: Form) -> Iterator[str]:
    """Yield every reason why the record cannot be learned from."""
    record, task = sample.record, sample.task
    level = form.level if form.given is None else Level.BOTH
    if not record.text.strip():
        yield "the text is empty"
    if not record.label and level is not Level.WORD:
        yield "there is no label"
    faults = [reason for rule in RULES.values() for reason in rule(record, task)]
    yield from faults
    if faults:
        return
    try:
        reading = codec.read(target(record, task, level), task)
    except (FormatError, RecordError) as error:
        yield f"the record cannot be written: {error}"
        return
    if level is not Level.TEXT and reading.items != record.items:
        yield "the record is not what can be read back of it"


def _misfit(example: Example, limit: int) -> Iterator[str]:
    if len(example.tokens) > limit:
        yield (
            f"{len(example.tokens):,} tokens, {example.prompt:,} of them the prompt's, where"
            f" {limit:,} are allowed"
        )
    if not (example.prompt and example.completion):
        yield "there is no token to learn: prompt or completion is empty"


def _share(key: str) -> float:
    """Return a number in [0, 1) that follows from the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6]) / 2**48


def seen(examples: Iterable[Example]) -> tuple[int, ...]:
    """Return the tokens that occur in the examples, in order."""
    return tuple(sorted({token for example in examples for token in example.tokens}))


# ---------------------------------------------------------------- the order


def plan(
    lengths: Sequence[int],
    *,
    max_tokens: int,
    epochs: int,
    accumulation: int = 1,
    seed: int = 0,
    sets: Sequence[str] | None = None,
    sampling: Sampling = "proportional",
) -> tuple[Step, ...]:
    """Return every step of a training: each epoch holds each example once.

    `sets` names the dataset of each example. Where `sampling` gives a dataset less of an epoch
    than it has, the epoch holds some of it, other ones in other epochs; where it gives more, some
    are seen more often than others, by one time.

    A batch takes examples of like length until its longest one times their number would exceed
    `max_tokens` (padding counts; an example that is longer alone has a batch of its own). Batches
    are in an order drawn by seed and epoch; a step has `accumulation` of them.

    >>> [step.batches for step in plan([3, 9, 4, 8], max_tokens=18, epochs=1)]
    [((0, 2),), ((3, 1),)]
    """
    steps = []
    for epoch in range(epochs):
        rng = random.Random(f"{seed}/{epoch}")
        order = _order(sets or [""] * len(lengths), sampling, rng)
        batches = _epoch(order, lengths, max_tokens, rng)
        steps += [
            Step(epoch, tuple(batches[i : i + accumulation]))
            for i in range(0, len(batches), accumulation)
        ]
    return tuple(steps)


def _order(sets: Sequence[str], sampling: Sampling, rng: random.Random) -> list[int]:
    """Return the examples of an epoch in any order."""
    order = list(range(len(sets)))
    if sampling != "proportional":
        order = [number for members in _shares(sets, sampling, rng) for number in members]
    rng.shuffle(order)
    return order


def _shares(sets: Sequence[str], sampling: Sampling, rng: random.Random) -> Iterator[Sequence[int]]:
    """Yield what an epoch holds of each dataset."""
    members: dict[str, list[int]] = {}
    for number, name in enumerate(sets):
        members.setdefault(name, []).append(number)
    weight = {n: len(m) ** (0.5 if sampling == "root" else 0) for n, m in members.items()}
    whole = sum(weight.values())
    for name, numbers in members.items():
        times, rest = divmod(round(len(sets) * weight[name] / whole), len(numbers))
        yield [*numbers * times, *rng.sample(numbers, rest)]


def _epoch(
    order: Sequence[int], lengths: Sequence[int], max_tokens: int, rng: random.Random
) -> list[tuple[int, ...]]:
    mean = sum(lengths) / max(1, len(lengths))
    pool = max(1, round(_POOL * max_tokens / max(1.0, mean)))
    batches: list[tuple[int, ...]] = []
    for start in range(0, len(order), pool):
        near = sorted(order[start : start + pool], key=lengths.__getitem__)
        batches += _fill(near, lengths, max_tokens)
    rng.shuffle(batches)
    return batches


def _fill(
    order: Sequence[int], lengths: Sequence[int], max_tokens: int
) -> Iterator[tuple[int, ...]]:
    """Yield batches of an order of growing lengths."""
    batch: list[int] = []
    for number in order:
        if batch and (len(batch) + 1) * lengths[number] > max_tokens:
            yield tuple(batch)
            batch = []
        batch.append(number)
    if batch:
        yield tuple(batch)


def collate(
    examples: Sequence[Example],
    *,
    pad: int,
    device: Any = None,
    vocabulary: Mapping[int, int] | None = None,
) -> Batch:
    """Return examples as one batch; with `vocabulary`, targets are numbers in it."""
    import torch

    width = max(len(example.tokens) for example in examples)
    ids = [[*example.tokens, *[pad] * (width - len(example.tokens))] for example in examples]
    rows = [
        width * i + place - 1  # the state before a token predicts it
        for i, example in enumerate(examples)
        for place in range(example.prompt, len(example.tokens))
    ]
    targets = [token for example in examples for token in example.tokens[example.prompt :]]
    if vocabulary is not None:
        targets = [vocabulary[token] for token in targets]
    return Batch(*(torch.tensor(values, device=device) for values in (ids, rows, targets)))
