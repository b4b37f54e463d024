"""A folder that cannot be written, told in one line: a full disk is no text's fault."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pointline.errors import InputError, RecordError

__all__ = ["full", "writing"]

#: What the system says where there is no room, or not for this user, or not for so large a file.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise InputError, with the remedy, where the block cannot write into the folder."""
    try:
        yield
    except OSError as error:
        raise _unwritable(folder, error) from None
    except RecordError as error:  # as a file that appears whole tells it
        if isinstance(error.__context__, OSError):
            raise _unwritable(folder, error.__context__) from None
        raise


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Raise such an InputError where the block ends for want of room, other errors as they are."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _unwritable(folder, error) from None
        raise


def _unwritable(folder: Path, error: OSError) -> InputError:
    why = error.strerror or " ".join(str(error).split())
    remedy = "make room there" if error.errno in _NO_ROOM else "make it writable"
    return InputError(f"{folder}: cannot be written ({why}): {remedy}, and run the same again")
