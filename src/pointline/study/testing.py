"""Testing a trained model: its answers in a form, and what of them is shown to another model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.form import Form, Level
from pointline.study.design import Design

__all__ = ["annotated", "predictions"]

_MAX_WINDOW = 1 << 20  # the model's own window is the limit
_TOKENIZERS: dict[str, Any] = {}  # one for all runs of a process: its guide takes seconds to build


def predictions(
    design: Design,
    trained: Path,
    form: Form,
    task: Task,
    records: Sequence[Record],
    *,
    device: str | None = None,
) -> Iterator[Record]:
    """Yield what the model in the run folder `trained` says of the records, batch by batch.

    A form that is given a level shows the records' own.

    Raises as `backbone.load` and `Extractor.many`.
    """
    if not records:
        return
    from pointline.model.backbone import load
    from pointline.model.extract import Extractor, Options
    from pointline.model.hf import HFBackend

    lora = design.method == "lora"
    backbone = load(
        design.model if lora else trained / "model",
        adapter=trained / "adapter" if lora else None,
        dtype=design.dtype,
        device=device,
        merge=lora,
    )
    tokenizer = _TOKENIZERS.setdefault(design.model, backbone.tokenizer)
    options = Options(
        form=form,
        max_new_tokens=design.max_new_tokens,
        window=_MAX_WINDOW,
        long="refuse",
    )
    backend = HFBackend(replace(backbone, tokenizer=tokenizer))
    extractor = Extractor(backend, options, tasks=[task])
    yield from extractor.many(records, task, batch_size=design.test_batch, ordered=False)


def annotated(record: Record, by: Record, level: Level) -> Record:
    """Return the record with the label or the items that another one has, and nothing else."""
    if level is Level.TEXT:
        return replace(record, label=by.label, pairs=(), facts=())
    return replace(record, label="", pairs=by.pairs, facts=by.facts)
