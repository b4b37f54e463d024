"""The papers' plain pairs: a table with the columns `input` and `output`.

    input,output
    Ada moved to Turin./NER,Society/NER/:people;Ada:places;Turin

CSV and TSV are quoted where a text holds a tab, a line break or a quotation mark. The `paper` forms
are byte for byte what the papers print; what that cannot carry is found by reading it back.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from pointline.corpus import recordfile
from pointline.corpus.exchange.form import LOST, Form, Losses, Part, carried
from pointline.corpus.exchange.rows import faultless
from pointline.errors import CorpusError, FormatError
from pointline.format import codec
from pointline.format.record import Pair, Record
from pointline.format.tasks import Task
from pointline.format.text import place

__all__ = ["FORMS", "UNPLAIN", "strip_word"]

#: What is told where the papers' plain form reads back as something else.
UNPLAIN = "a delimiter, the task word or a blank edge in a field: reads back as something else"

_CRLF = "\r\n"
_SAME: frozenset[Part] = frozenset(
    {"text", "label", "pairs", "overlaps", "order", "relations", "facts"}
)
_POINTLINE: frozenset[Part] = _SAME | {"places", "blank edges"}


def strip_word(source: str, words: Iterable[str]) -> str | None:
    """Return an input string without the task word at its end, None where none of them is there.

    >>> strip_word("1/2 of it/NER", ["NER"])
    '1/2 of it'
    """
    for word in sorted(words, key=len, reverse=True):
        if source.endswith(f"/{word}"):
            return source[: -len(word) - 1]
    return None


# ---------------------------------------------------------------- writing


@dataclass(frozen=True, slots=True)
class _Lines:
    """A file of lines that end in a line feed alone."""

    out: IO[bytes]

    def write(self, row: str) -> int:
        return self.out.write(f"{row.removesuffix(_CRLF)}\n".encode())


def _write(
    path: Path,
    records: Iterable[Record],
    task: Task,
    losses: Losses,
    *,
    form: Form,
    mode: codec.WriteMode,
    delimiter: str,
) -> None:
    # what is left without a place, once settled, is not in the text and stays so
    carries: frozenset[Part] = form.carries | {"unplaced"}
    with recordfile.atomic(path) as out:
        # this line end makes the library quote either character, which Python 3.13 does anyway
        table = csv.writer(_Lines(out), delimiter=delimiter, lineterminator=_CRLF)
        table.writerow(("input", "output"))
        for record in records:
            kept = carried(_settled(record, losses, mode), task, carries, losses)
            output = codec.write(kept, task, mode)
            if mode == "paper" and _reading(output, task, kept.text) != _told(kept):
                losses.note(UNPLAIN, record.id)
            table.writerow((f"{kept.text}/{task.word}", output))


def _settled(record: Record, losses: Losses, mode: codec.WriteMode) -> Record:
    """Give each pair that has no place, though the text holds it, the place it will be read at."""
    if mode == "paper" or all(pair.start is not None for pair in record.pairs):
        return record
    places = place(record.text, [pair.entity for pair in record.pairs])
    pairs = []
    for pair, found in zip(record.pairs, places, strict=True):
        if pair.start is None and found:
            losses.note(LOST["unplaced"], record.id)
            pair = Pair(pair.label, pair.entity, found.start, found.end, found.ambiguous)
        pairs.append(pair)
    return replace(record, pairs=tuple(pairs))


def _told(record: Record) -> tuple[Any, ...]:
    return record.label, record.pairs, record.facts


def _reading(output: str, task: Task, text: str) -> tuple[Any, ...]:
    found = codec.read(output, task, text, "lenient")
    return found.label, found.pairs, found.facts


# ---------------------------------------------------------------- reading


def _read(path: Path, task: Task, losses: Losses) -> Iterator[Record]:
    for number, row in faultless(path):
        at = f"{path}:{number}"
        source, output = _columns(row, at)
        text = strip_word(source, (task.word, *task.aliases))
        if text is None:
            raise CorpusError(f"{at}: the input does not end in the task word /{task.word}")
        found = _lenient(output, task, text, at, losses)
        id = f"{path.stem}-{number:06d}"
        yield Record(id, task.name, text, found.label, found.pairs, found.facts)


def _columns(row: Mapping[str, Any], at: str) -> tuple[str, str]:
    source, output = row.get("input"), row.get("output")
    if not isinstance(source, str) or not isinstance(output, str):
        raise CorpusError(f"{at}: no columns 'input' and 'output' of strings")
    return source, output


def _lenient(output: str, task: Task, text: str, at: str, losses: Losses) -> codec.Reading:
    """Read strictly what can be, else tell of every repair."""
    try:
        return codec.read(output, task, text)
    except FormatError:
        found = codec.read(output, task, text, "lenient")
    for repair in dict.fromkeys(found.repairs):
        losses.note(f"output not in the format: {repair}", at)
    return found


# ---------------------------------------------------------------- the four forms


def _form(kind: Literal["csv", "tsv"], mode: codec.WriteMode) -> Form:
    def write(path: Path, records: Iterable[Record], task: Task, losses: Losses) -> None:
        delimiter = "," if kind == "csv" else "\t"
        _write(path, records, task, losses, form=form, mode=mode, delimiter=delimiter)

    paper = mode == "paper"
    form = Form(
        f"paper-{kind}" if paper else kind,
        f"{kind.upper()} of pairs, {'plain as in the papers' if paper else 'with escapes'}",
        f".{kind}",
        _SAME if paper else _POINTLINE,
        _read,
        write,
    )
    return form


#: CSV and TSV, with pointline's escapes and without.
FORMS = tuple(_form(kind, mode) for mode in ("pointline", "paper") for kind in ("csv", "tsv"))
