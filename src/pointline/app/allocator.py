"""Memory that is given back: glibc's allocator told to keep large blocks out of its heaps."""

from __future__ import annotations

import contextlib
import ctypes
import sys

__all__ = ["steady"]

_MMAP_THRESHOLD = -3  # glibc's number for it (malloc.h)
_LARGE = 1 << 20  # keys and values of a text, and a batch's activations, are larger


def steady() -> None:
    """Give back what loading a model left, and large blocks as soon as they are free, from now on.

    Without this glibc keeps them for later, in a heap for each thread, and a process that reads
    texts of all lengths for hours holds half a gigabyte more than it uses. Does nothing where the
    C library is another one.

    >>> steady()
    """
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(AttributeError, OSError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_THRESHOLD, _LARGE)
        libc.malloc_trim(0)
