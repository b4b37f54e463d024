"""Asking for all that a run's ledger does not have: labels first, then records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from pointline.draft.drafting import Maker
from pointline.draft.ledger import Ledger, Row
from pointline.draft.origin import Origin
from pointline.draft.sorting import mark
from pointline.draft.translator import Translator
from pointline.draft.vocabulary import Glossary
from pointline.errors import BudgetSpent, ServerError
from pointline.format.record import Record

__all__ = ["Progress", "Stop", "ask", "glossary"]

#: Is told how many records are done, how many there are, and what is done with them.
Progress = Callable[[int, int, str], None]
#: Who ended the asking before all was asked.
Stop = Literal["", "budget", "server"]

_LABELS = "labels"  # the state of rows that hold translated labels


def ask(
    ledger: Ledger,
    origin: Origin,
    maker: Maker,
    translator: Translator,
    progress: Progress,
) -> tuple[str, Stop]:
    """Ask for all that the ledger does not have; return why that ended early, if so."""
    try:
        _ask_labels(ledger, origin, maker, translator)
        _ask_records(ledger, origin, translator, progress)
    except BudgetSpent as error:
        return str(error), "budget"
    except ServerError as error:
        return str(error), "server"
    return "", ""


def _ask_labels(ledger: Ledger, origin: Origin, maker: Maker, translator: Translator) -> None:
    """Ask for the labels that no table has, before any record: all records then say the same.

    What a question answered is one row, so that a kill cannot change what the next one asks.
    """
    known = glossary(ledger)
    left = replace(maker, glossary=known).unknown(record for _, record in origin)
    rows = len(ledger.marks(_LABELS))
    for level in ("text", "word"):
        labels = [label for at, label in left if at == level]
        before = {label: name for (at, label), name in known.items() if at == level and name}
        for names in translator.labels(labels, before, ledger):
            body = {"level": level, "names": names}
            ledger.enter(Row(f"\x01labels\x01{rows:08d}", "", _LABELS, body=body))
            rows += 1


def glossary(ledger: Ledger) -> Glossary:
    """Return the labels that the model named, in the order in which they were asked for."""
    rows = ledger.rows(sorted(ledger.marks(_LABELS)))
    return {
        (row.body["level"], label): name
        for _, row in sorted(rows.items())
        for label, name in row.body["names"].items()
    }


def _ask_records(
    ledger: Ledger, origin: Origin, translator: Translator, progress: Progress
) -> None:
    done = ledger.marks(*translator.finished)
    settled = 0

    def todo() -> Iterator[Record]:
        nonlocal settled
        for _, record in origin:
            if done.get(record.id) == mark(record):
                settled += 1
            else:
                yield record

    for made, row in enumerate(translator.rows(todo(), ledger), start=1):
        ledger.enter(row)
        progress(settled + made, origin.total, "translating")
