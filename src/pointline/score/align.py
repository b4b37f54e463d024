"""Which prediction belongs to which gold record: by id, in any order, or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from os import PathLike
from typing import Literal

from pointline.errors import InputError
from pointline.format.record import Record

__all__ = ["Missing", "align"]

Missing = Literal["error", "wrong"]


def align(
    gold: Iterable[Record], predicted: Iterable[Record], *, missing: Missing = "error"
) -> Iterator[tuple[Record, Record | None]]:
    """Yield each gold record with its prediction, as soon as both were met.

    Records are read in step, so where both sides come in the same order only one of each is held
    at a time; a record whose partner comes later waits, and ids are kept to find repeated ones.
    With `missing="wrong"`, gold records without a prediction come last, with None. A prediction's
    empty task or text stands for its gold record's.

    Raises InputError where a side is a path instead of records, gold is empty, an id is repeated
    or has no gold record, a gold record has no prediction (unless `missing="wrong"`), or the two
    differ in their task or text.

    >>> a, b = Record("a", "scnm-ja", "雨だ。"), Record("b", "scnm-ja", "雪だ。")
    >>> sorted((g.id, p.id) for g, p in align([a, b], [b, a]))
    [('a', 'a'), ('b', 'b')]
    """
    if missing not in ("error", "wrong"):
        raise InputError(f"missing is 'error' or 'wrong', got {missing!r}")
    _refuse_path("gold", gold)
    _refuse_path("predicted", predicted)
    golds: dict[str, Record] = {}
    predictions: dict[str, Record] = {}
    done: set[str] = set()
    twice: tuple[list[str], list[str]] = ([], [])
    for reference, prediction in zip_longest(gold, predicted):
        if reference is not None:
            partner = _meet(reference, golds, predictions, done, twice[0])
            if partner is not None:
                yield _same_text(reference, partner)
        if prediction is not None:
            partner = _meet(prediction, predictions, golds, done, twice[1])
            if partner is not None:
                yield _same_text(partner, prediction)
    _refuse(twice[0], "stand more than once in gold; a record needs an id of its own")
    _refuse(twice[1], "are predicted more than once; keep one prediction for each record")
    if not (done or golds):
        raise InputError("gold holds no record: there is nothing to score")
    _refuse(list(predictions), "are predicted but not in gold; score against the same split")
    if missing == "error":
        _refuse(list(golds), "have no prediction; missing='wrong' counts them as wrong")
    for reference in golds.values():
        yield reference, None


def _meet(
    record: Record,
    own: dict[str, Record],
    other: dict[str, Record],
    done: set[str],
    twice: list[str],
) -> Record | None:
    """Return the other side's record of the same id, or let this one wait for it."""
    if record.id in done or record.id in own:
        twice.append(record.id)
        return None
    partner = other.pop(record.id, None)
    if partner is None:
        own[record.id] = record
    else:
        done.add(record.id)
    return partner


def _same_text(gold: Record, predicted: Record) -> tuple[Record, Record]:
    if predicted.task not in ("", gold.task):
        raise InputError(
            f"record {gold.id!r} is of task {gold.task!r} in gold and of {predicted.task!r} in"
            " the predictions: score each task against its own gold"
        )
    if predicted.text not in ("", gold.text):
        raise InputError(
            f"record {gold.id!r} has one text in gold and another in the predictions: predict"
            " from the gold texts as they are"
        )
    return gold, predicted


def _refuse_path(side: str, given: object) -> None:
    if isinstance(given, str | PathLike):
        raise InputError(
            f"{side} is a path, and records are wanted: pointline.read_records({str(given)!r})"
        )


def _refuse(ids: Sequence[str], reason: str) -> None:
    if ids:
        some = ", ".join(repr(one) for one in ids[:3]) + (", ..." if len(ids) > 3 else "")
        raise InputError(f"{len(ids)} ids {reason} ({some})")
