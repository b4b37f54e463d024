"""Files that gzip packed, read as streams that go on where they were left.

A place in such a file is reached by unpacking all that is before it. Streams are kept open, so that
pieces that are read in their order cost one unpacking of the file, not one each.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

__all__ = ["SUFFIX", "opened"]

#: The suffix of a packed file, behind the one that says what is in it.
SUFFIX = ".gz"

_KEPT = 4  # streams of this process that stay open


@dataclass(frozen=True, slots=True)
class _Stream:
    """An open file, and which one it was when it was opened."""

    identity: tuple[int, ...]
    file: gzip.GzipFile


_kept: list[_Stream] = []  # the one that was used last at the end


@contextmanager
def opened(path: Path, start: int = 0) -> Iterator[IO[bytes]]:
    """Give the unpacked bytes from a place on, while the block runs.

    Raises OSError where the file cannot be read or unpacked.
    """
    stream = _taken(path, start)
    sound = False
    try:
        stream.file.seek(start)
        yield cast("IO[bytes]", stream.file)
        sound = True
    except (zlib.error, EOFError) as error:
        told = " ".join(str(error).split()).removesuffix(".")
        raise OSError(f"damaged, or cut off: {told}") from None
    except GeneratorExit:  # its reader has read enough
        sound = True
        raise
    finally:
        if sound:
            _kept.append(stream)
        else:
            stream.file.close()
        while len(_kept) > _KEPT:
            _kept.pop(0).file.close()


def _taken(path: Path, start: int) -> _Stream:
    """Return the stream of the file that is nearest before a place, a new one if there is none."""
    told = path.stat()
    identity = (told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns)
    fit = [one for one in _kept if one.identity == identity and one.file.tell() <= start]
    if not fit:
        return _Stream(identity, gzip.open(path, "rb"))
    nearest = max(fit, key=lambda one: one.file.tell())
    _kept.remove(nearest)
    return nearest
