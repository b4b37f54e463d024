"""Every error that pointline raises on purpose.

    PointlineError
    ├── InputError            the caller gave something that cannot be used (exit code 2)
    │   ├── FormatError       a completion that strict reading refuses
    │   ├── RecordError       a line or row of a record file
    │   │   └── OffsetError   a place that does not hold its entity
    │   ├── TaskError         an unknown or ill-formed task
    │   ├── CorpusError       a corpus or dataset folder that is missing or not of its shape
    │   ├── TextTooLong       a text longer than the model's window
    │   └── PreflightError    a dataset that must not be trained on
    ├── ModelError            a model that is missing, damaged or of an unknown kind
    │   └── ServerError       a model's server that is not there, refuses the key, has no such model
    ├── NoAnswer              one question that a model's server gave no answer to
    ├── BudgetSpent           the tokens or the money that a run may use are used up
    └── MissingExtra          a library that an extra installs

A message says what is wrong, where, and what to do; it is one line, and the command line prints
it as it is. Errors travel between processes with all they carry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "BudgetSpent",
    "CorpusError",
    "FormatError",
    "InputError",
    "MissingExtra",
    "ModelError",
    "NoAnswer",
    "OffsetError",
    "PointlineError",
    "PreflightError",
    "RecordError",
    "ServerError",
    "TaskError",
    "TextTooLong",
]


class PointlineError(Exception):
    """The root of the tree: catch it to catch everything that pointline raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own way calls the class with the message, which is not what it takes here
        return _restored, (type(self), self.args, dict(self.__dict__))


def _restored(
    kind: type[PointlineError], args: tuple[Any, ...], attributes: Mapping[str, Any]
) -> PointlineError:
    error = kind.__new__(kind, *args)
    super(PointlineError, error).__init__(*args)
    error.__dict__.update(attributes)
    return error


class InputError(PointlineError, ValueError):
    """The caller gave something that cannot be used."""


class FormatError(InputError):
    """A completion that strict reading refuses.

    >>> str(FormatError("expected ';'", "Nature/NER/:people", 12))
    "expected ';' at character 12, near '/:people'"
    """

    def __init__(self, reason: str, source: str, offset: int) -> None:
        """Keep the reason, the whole string and the code-point offset of the fault."""
        near = source[max(0, offset - 2) : offset + 12]
        super().__init__(f"{reason} at character {offset}, near {near!r}")
        self.reason = reason
        self.source = source
        self.offset = offset


class RecordError(InputError):
    """A line or row of a record file that is no record.

    >>> str(RecordError("no 'text'", path="a.jsonl", line=3))
    "a.jsonl:3: no 'text'"
    """

    def __init__(self, reason: str, *, path: str | Path | None = None, line: int | None = None):
        """Keep the reason and the place; a place that is not known is left out."""
        place = ":".join(str(part) for part in (path, line) if part is not None)
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason
        self.path = path
        self.line = line


class OffsetError(RecordError):
    """A place that does not hold its entity, or is none."""


class TaskError(InputError):
    """An unknown or ill-formed task.

    >>> str(TaskError("no task 'scnm-jp'", close=["scnm-ja"]))
    "no task 'scnm-jp'; did you mean scnm-ja?"
    """

    def __init__(self, reason: str, *, close: Sequence[str] = ()) -> None:
        """Keep the reason and the names that come close to what was asked for."""
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        super().__init__(reason + hint)
        self.close = tuple(close)


class CorpusError(InputError):
    """A corpus or dataset folder that is missing or not of its shape."""


class TextTooLong(InputError):
    """A text longer than the model's window, where the caller chose to refuse such texts."""


class PreflightError(InputError):
    """A dataset that must not be trained on; `problems` lists every reason with its record."""

    def __init__(self, reason: str, problems: Sequence[str] = ()) -> None:
        """Keep the reason and the list of problems, one line each."""
        super().__init__(reason)
        self.problems = tuple(problems)


class ModelError(PointlineError):
    """A model that is missing, damaged or of an unknown kind."""


class ServerError(ModelError):
    """A model's server that cannot be asked: it is not there, refuses the key, lacks the model."""


class NoAnswer(PointlineError):
    """One question that a model's server gave no answer to, or the `problems` of several."""

    def __init__(self, reason: str, problems: Sequence[str] = ()) -> None:
        """Keep the reason and, of several questions, the list of reasons, one line each."""
        super().__init__(reason)
        self.problems = tuple(problems)


class BudgetSpent(PointlineError):
    """The tokens or the money that a run may use are used up; what was paid for is kept."""


class MissingExtra(PointlineError, ImportError):
    """A library that an extra installs is not there.

    >>> str(MissingExtra("torch", extra="hf"))
    'torch is not installed: run pip install "pointline[hf]"'
    """

    def __init__(self, library: str, *, extra: str, note: str = "") -> None:
        """Name the missing library and the extra that brings it."""
        super().__init__(
            f'{library} is not installed: run pip install "pointline[{extra}]"'
            + (f" ({note})" if note else "")
        )
        self.library = library
        self.extra = extra
