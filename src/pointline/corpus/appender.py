"""A JSONL file that grows a record at a time and outlives a kill."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from typing import IO, Self

import orjson

from pointline.corpus import recordfile
from pointline.errors import RecordError
from pointline.format.record import Record

__all__ = ["Appender"]


class Appender:
    """A JSONL file that grows a record at a time and outlives a kill.

    Opening it learns which ids are finished, ends a last record that lacks its line break, and
    cuts a last line that was written by half; a record whose id is finished is refused. Use it in
    a `with` statement.

    Raises RecordError for any other line that is no record, and leaves the file as it is.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file, or begin it."""
        self.path = Path(path)
        if self.path.suffix == ".parquet":
            raise RecordError("a Parquet file cannot grow: name a .jsonl file", path=self.path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._done = _finished(self.path) if self.path.exists() else set()
        self._out: IO[bytes] = self.path.open("ab")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __contains__(self, id: object) -> bool:
        """Tell whether the record of that id is finished."""
        return id in self._done

    def __len__(self) -> int:
        """Return how many records the file holds."""
        return len(self._done)

    def add(self, record: Record) -> None:
        """Write one record behind the others; it is in the system's hands when this returns.

        Raises RecordError where a record of that id is finished, or JSON cannot carry it.
        """
        if record.id in self._done:
            raise RecordError(f"the record {record.id!r} is finished", path=self.path)
        self._out.write(recordfile.dump(record))
        self._out.flush()
        self._done.add(record.id)

    def close(self) -> None:
        """Bring everything to the disk and close the file."""
        if not self._out.closed:
            self._out.flush()
            os.fsync(self._out.fileno())
            self._out.close()


def _finished(path: Path) -> set[str]:
    """Return the ids of the finished records, after the last line was ended or cut."""
    ids: set[str] = set()
    fault: RecordError | None = None
    for line, found in recordfile.scan(path):
        if fault:
            raise fault
        if isinstance(found, RecordError):
            fault = found
            continue
        if found.id in ids:
            raise RecordError(f"the id {found.id!r} came before", path=path, line=line)
        ids.add(found.id)
    tail = _tail(path)
    if fault and not _is_half(tail, alone=not ids):
        raise fault
    if fault:
        os.truncate(path, path.stat().st_size - len(tail))
    elif tail.strip():
        with path.open("ab") as out:
            out.write(b"\n")
    return ids


def _tail(path: Path) -> bytes:
    """Return what follows the last line break."""
    with path.open("rb") as lines:
        last = b"".join(deque(lines, maxlen=1))
    return b"" if last.endswith(b"\n") else last


def _is_half(tail: bytes, *, alone: bool) -> bool:
    """Say whether a tail is half a record: nothing whole, and alone in a file it begins as one."""
    begins = b'{"id":"'
    if not tail.strip() or (alone and not begins.startswith(tail[: len(begins)])):
        return False
    try:
        orjson.loads(tail)
    except orjson.JSONDecodeError:
        return True
    return False
