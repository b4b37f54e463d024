"""Cross-fitting: training records annotated by models that have not seen them.

A model of one level learns from each half of the records, and says what the other half gets. What
is shown in training is then as good, or as bad, as what will be shown in the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pointline.corpus import store
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.form import Level
from pointline.study.condition import Condition
from pointline.study.design import Design, training
from pointline.study.testing import annotated, predictions

if TYPE_CHECKING:
    from pointline.model.train import Point

__all__ = ["crossfit"]

_SHOWN = "shown.jsonl"


def crossfit(
    design: Design,
    source: Condition,
    data: Path,
    place: Path,
    *,
    seed: int,
    device: str | None = None,
    progress: Callable[[Point], None] | None = None,
) -> Path | None:
    """Return a file of the training records in `data`, annotated by models of `source`.

    All of it is made in the folder `place`, and goes on where it was left. None where it was
    interrupted.

    Raises as training and extraction do.
    """
    from pointline.model.train import train

    dataset = store.read_dataset(data)
    level = Level.TEXT if "tl" in source.scored else Level.WORD
    with store.Appender(place / _SHOWN) as done:
        for half, (learned, told) in enumerate(_halves(dataset.train)):
            missing = [record for record in told if record.id not in done]
            if not missing:
                continue
            learn, run = place / f"half-{half}", place / f"model-{half}"
            if not learn.exists():
                store.write_dataset(learn, dataset.task, {"train": learned})
            config = training(design, source, learn, run, seed=seed, device=device)
            if not train(config, progress=progress).finished:
                return None
            for record in _said(design, source, run, dataset.task, missing, level, device):
                done.add(record)
    return place / _SHOWN


def _said(
    design: Design,
    source: Condition,
    run: Path,
    task: Task,
    records: Sequence[Record],
    level: Level,
    device: str | None,
) -> Iterator[Record]:
    """Yield the records, in any order, with what the model says of them."""
    bare = {record.id: record for record in records}
    form = source.form(design.template)
    for said in predictions(design, run, form, task, records, device=device):
        yield annotated(bare[said.id], said, level)


def _halves(
    records: Sequence[Record],
) -> tuple[tuple[Sequence[Record], Sequence[Record]], ...]:
    """Return what is learned from and what is told, twice; a single record is learned from, too."""
    first, second = records[::2], records[1::2] or records[:1]
    return ((first, records[1::2]), (second, first))
