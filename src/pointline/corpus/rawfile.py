"""A raw corpus as a file of records: what a source reads, before any recipe converts it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pointline.corpus import recordfile
from pointline.corpus.sources import SOURCES, Source, Sourced
from pointline.errors import CorpusError
from pointline.format.record import Record
from pointline.format.tasks import LANGUAGES, Task

__all__ = ["source", "write"]


def source(name: str) -> Source:
    """Return the corpus of that name.

    Raises CorpusError, which names those that there are.

    >>> source("cec").folder
    'cec'
    """
    if name not in SOURCES:
        raise CorpusError(f"no corpus {name!r}; there are: {', '.join(SOURCES)}")
    return SOURCES[name]


def write(
    name: str, raw: Path, out: Path, *, lang: str | None = None, task: Task | None = None
) -> dict[str, int]:
    """Write one language of a corpus as records with its own labels; return the rules' counts.

    `meta` tells each record's corpus and document, beside what the source knows of it. `task` is
    the records' task where the corpus speaks its labels; else the records bear the corpus's name.
    Without `lang`, the language is the task's, or the corpus's only or first one.

    Raises CorpusError for a corpus or language that there is not, one that is misshapen, or a
    label that is none of the task's.
    """
    corpus = source(name)
    first = next(each for each in LANGUAGES if each in corpus.origins)
    harvest = corpus.harvest(raw, lang or (task.lang if task else first))
    recordfile.write(out, _told(name, harvest.records, task))
    return dict(sorted(harvest.counts.items()))


def _told(name: str, records: Sequence[Sourced], task: Task | None) -> Iterator[Record]:
    for sourced in records:
        record = sourced.record
        if task:
            _speaks(record, task)
        meta = {**record.meta, "corpus": name, "document": sourced.document}
        yield replace(record, task=task.name if task else name, meta=meta)


def _speaks(record: Record, task: Task) -> None:
    told = [record.label] if record.label and task.labels is not None else []
    for label, labels in (
        *((label, task.labels) for label in told),
        *((pair.label, task.item_labels) for pair in record.pairs),
        *((fact.fields[1], task.item_labels) for fact in record.facts),
    ):
        if labels is not None and label not in labels:
            raise CorpusError(
                f"record {record.id!r}: {label!r} is no label of {task.name}: read the corpus"
                " without a task, or build a dataset from it"
            )
