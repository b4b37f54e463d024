"""The plan of a batch run: which rows of which files make a shard, fixed before the first text.

A shard is a run of rows, in their order, of one file or of several small ones. What was planned is
kept in `plan.json`; files that are not what they were then are refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from pointline.corpus import textfile
from pointline.corpus.textrow import Columns, Piece, Row
from pointline.errors import InputError

__all__ = ["Part", "Plan", "Shard", "Source", "find", "make", "refuse_unspeakable", "still"]

#: Told how many bytes of how many were looked at, and in which file.
Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Source:
    """A file of texts: where it is, how results name it, and what it was when it was planned."""

    path: Path
    name: str
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path, name: str) -> Source:
        """Return a file as it is now; `changed` is its time of change in nanoseconds."""
        told = path.stat()
        return cls(path, name, told.st_size, told.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the source of that number."""

    source: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class Shard:
    """The rows that make one file of results."""

    number: int
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return sum(part.piece.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Plan:
    """The sources and the shards of a run; `left_out` are files of folders that hold no texts."""

    sources: tuple[Source, ...]
    shards: tuple[Shard, ...]
    columns: Columns
    left_out: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(shard.rows for shard in self.shards)

    def read(self, shard: Shard) -> Iterator[tuple[str, Row]]:
        """Yield the rows of a shard, each with the name of its source.

        Raises InputError where a file is not what it was.
        """
        for part in shard.parts:
            source = self.sources[part.source]
            for row in textfile.rows(source.path, part.piece, self.columns):
                yield source.name, row

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; a part of a shard is a list."""
        return {
            "columns": asdict(self.columns),
            "sources": [asdict(source) | {"path": str(source.path)} for source in self.sources],
            "left_out": list(self.left_out),
            "shards": [
                [[part.source, *astuple(part.piece)] for part in shard.parts]
                for shard in self.shards
            ],
        }

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Plan:
        """Return what `to_dict` gave."""
        shards = (
            Shard(number, tuple(Part(source, Piece(*piece)) for source, *piece in parts))
            for number, parts in enumerate(told["shards"])
        )
        sources = (
            Source(**(source | {"path": Path(source["path"])})) for source in told["sources"]
        )
        columns = Columns(**told["columns"])
        return cls(tuple(sources), tuple(shards), columns, tuple(told["left_out"]))


def find(inputs: Sequence[Path]) -> tuple[list[Source], list[str]]:
    """Return the files of texts that are named or lie in a folder named, and those that hold none.

    Folders are gone through with all that is in them, in the order of names; what begins with "."
    or "_" is passed over. A folder or file that several paths lead to counts once, by the first of
    them. A source's name is its path from the folder that all are in.

    Raises InputError where there is no such file, or none that holds texts.
    """
    given = [_plain(path) for path in inputs]
    found: dict[Path, Path] = {}  # by their resolved paths
    left_out: list[Path] = []
    seen: set[Path] = set()
    for typed, path in zip(inputs, given, strict=True):
        if not path.is_dir():
            _refuse_no_texts(typed)
        for real, file in _files(path, seen) if path.is_dir() else [(_real(path), path)]:
            if textfile.holds_texts(file):
                found.setdefault(real, file)
            else:
                left_out.append(file)
    if not found:
        kinds = ", ".join(textfile.SUFFIXES)
        raise InputError(f"no file of texts ({kinds}) in {', '.join(map(str, inputs))}")
    root = Path(os.path.commonpath([path if path.is_dir() else path.parent for path in given]))
    for path in found.values():
        refuse_unspeakable(path)
    named = [Source.of(path, path.relative_to(root).as_posix()) for path in found.values()]
    return named, [_spoken(path.relative_to(root)) for path in left_out]


def _plain(path: Path) -> Path:
    """Return the whole path, without "..", so that no two spellings of it are there."""
    return _real(path) if ".." in path.parts else path.absolute()


def _real(path: Path) -> Path:
    """Return the path without links; `Path.resolve` raises where they go round."""
    return Path(os.path.realpath(path))


def _refuse_no_texts(path: Path) -> None:
    """Raise InputError where a file that was named is none of texts."""
    if not path.is_file():
        raise InputError(f"{_spoken(path)}: there is no such file")
    if not textfile.holds_texts(path):
        kinds = ", ".join(textfile.SUFFIXES)
        told = f"a file of texts ends in {kinds}; unpack one that is packed otherwise"
        raise InputError(f"{_spoken(path)}: {told}")


def refuse_unspeakable(path: Path) -> None:
    """Raise InputError where a path is not UTF-8: neither a plan nor a result could name it."""
    if _spoken(path) != str(path):
        raise InputError(f"{_spoken(path)}: the name is not UTF-8: rename it")


def _spoken(path: Path) -> str:
    r"""Return a path with what is not UTF-8 spelt out.

    >>> _spoken(Path("caf\udce9.txt"))
    'caf\\xe9.txt'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def make(
    inputs: Sequence[Path], columns: Columns, shard_rows: int, told: Told | None = None
) -> Plan:
    """Return the plan for these inputs, after all their lines were counted.

    Raises InputError as `find` does, and where there is no row, MissingExtra where a Parquet file
    is read without pyarrow.
    """
    sources, left_out = find(inputs)
    shards: list[Shard] = []
    for parts in _packed(_parts(sources, columns, shard_rows, told), shard_rows):
        shards.append(Shard(len(shards), parts))
    if not shards:
        raise InputError(f"{', '.join(map(str, inputs))}: no row in {len(sources)} files")
    return Plan(tuple(sources), tuple(shards), columns, tuple(left_out))


def still(plan: Plan, inputs: Sequence[Path]) -> Plan:
    """Return the plan with its files where they are now.

    Raises InputError where files came, are gone, or hold something else.
    """
    now = {source.name: source for source in find(inputs)[0]}
    came = now.keys() - {source.name for source in plan.sources}
    if came:
        told = f"{min(came)} is not of the run in this folder, which has its plan"
        raise InputError(f"{told}: give what came since another folder")
    pieces: dict[int, list[Piece]] = {}
    for shard in plan.shards:
        for part in shard.parts:
            pieces.setdefault(part.source, []).append(part.piece)
    sources = []
    for number, source in enumerate(plan.sources):
        if source.name not in now:
            raise InputError(
                f"{source.name} is gone, which the run was planned with: bring it back"
            )
        here = now[source.name]
        if (here.size, here.changed) != (source.size, source.changed):
            _refuse_changed(source, here, pieces.get(number, ()))
        sources.append(here)
    return replace(plan, sources=tuple(sources))


def _refuse_changed(source: Source, here: Source, pieces: Sequence[Piece]) -> None:
    """Raise InputError where a file that has another date, or size, has other rows as well."""
    if here.size != source.size or not textfile.unchanged(here.path, *pieces):
        told = f"{source.name} changed since the run was planned"
        raise InputError(f"{told}: bring it back, or begin anew in another folder")


def _files(folder: Path, seen: set[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a folder and of those in it, but for folders that were seen.

    With each comes its path without links first.
    """
    place = _real(folder)
    if place in seen:
        return
    seen.add(place)
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        if path.is_dir():
            yield from _files(path, seen)
        elif path.is_file():
            yield _real(path) if path.is_symlink() else place / path.name, path


def _parts(
    sources: Sequence[Source], columns: Columns, size: int, told: Told | None
) -> Iterator[Part]:
    """Yield the pieces of all sources: the first of a file fills up the shard that is open."""
    total, before, held = sum(source.size for source in sources), 0, 0
    for number, source in enumerate(sources):
        for piece in textfile.pieces(source.path, chain([size - held], repeat(size)), columns):
            held = (held + piece.rows) % size
            yield Part(number, piece)
            if told:
                told(before + min(piece.end, source.size), total, source.name)
        before += source.size


def _packed(parts: Iterator[Part], size: int) -> Iterator[tuple[Part, ...]]:
    held: list[Part] = []
    rows = 0
    for part in parts:
        held.append(part)
        rows += part.piece.rows
        if rows == size:
            yield tuple(held)
            held, rows = [], 0
    if held:
        yield tuple(held)
