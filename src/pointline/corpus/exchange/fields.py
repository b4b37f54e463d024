"""Fields of a foreign JSON object, taken with their kind, and faults with their place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from pointline.errors import CorpusError, RecordError

__all__ = ["taken", "well_formed"]

_T = TypeVar("_T", str, int, list[Any], dict[str, Any])
_KINDS = {str: "a string", dict: "an object", list: "a list", bool: "a truth value"}


def taken(values: Mapping[str, Any], name: str, place: str, default: _T) -> _T:
    """Return the value of a key, the default where it is missing or null.

    Raises CorpusError with the place where the value is of another kind than the default.

    >>> taken({"cats": ["a"]}, "cats", "a.jsonl:1", []), taken({}, "cats", "a.jsonl:1", [])
    (['a'], [])
    """
    value = values.get(name)
    if value is None:
        return default
    if type(value) is not type(default):
        want = _KINDS.get(type(default), "a whole number")
        found = _KINDS.get(type(value), "a number")
        raise CorpusError(f"{place}: {name!r} is {found}: make it {want}")
    return value


@contextmanager
def well_formed(place: str) -> Iterator[None]:
    """Raise CorpusError with the place where the block makes a record that cannot be one."""
    try:
        yield
    except RecordError as error:
        raise CorpusError(f"{place}: {error.reason}: mend it there") from None
