"""What a source is: a public corpus in its raw form, and how its files become records."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from pointline.errors import CorpusError
from pointline.format.record import Record

__all__ = [
    "Harvest",
    "Origin",
    "Source",
    "Sourced",
    "csv_rows",
    "files_of",
    "json_lines",
    "json_rows",
    "required",
    "shaped",
    "text_of",
]

#: Where a text or an annotation comes from; none: the corpus has no such annotation.
Origin = Literal["human", "derived", "machine-translated", "none"]


@dataclass(frozen=True, slots=True)
class Sourced:
    """A record with the corpus's own labels, and the key of the document that it belongs to.

    Translations of one document have the same key.
    """

    record: Record
    document: str


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one language of a corpus gave: its records, and how often each cleaning rule held."""

    records: tuple[Sourced, ...]
    counts: Counter[str] = field(default_factory=Counter, hash=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A public corpus.

    `folder` is its name below the folder of raw corpora, `files` are patterns of what is read
    there. `origins` says for each language where the text, the text-level labels and the
    word-level items come from; `parallel`: its languages are translations of each other.
    `read(folder, lang)` raises CorpusError where a file is missing or not of the corpus's shape.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    licence: str
    origins: Mapping[str, tuple[Origin, Origin, Origin]]
    read: Callable[[Path, str], Harvest] = field(repr=False)
    parallel: bool = False

    def at(self, raw: Path) -> Path:
        """Return the corpus's folder below the folder of raw corpora.

        Raises CorpusError where it is not there.
        """
        folder = raw / self.folder
        if not folder.is_dir():
            raise CorpusError(f"{folder}: the corpus {self.name!r} is not there; see docs/data.md")
        return folder

    def harvest(self, raw: Path, lang: str) -> Harvest:
        """Return the records of one language from the folder of raw corpora.

        Raises CorpusError where the corpus is not there, or not of its shape.
        """
        folder = self.at(raw)
        if lang not in self.origins:
            raise CorpusError(f"the corpus {self.name!r} has no language {lang!r}")
        with shaped(folder):
            return self.read(folder, lang)

    def digest(self, raw: Path) -> str:
        """Return a digest of the files that are read: their names and what they hold.

        Raises CorpusError where the corpus is not there.
        """
        folder = self.at(raw)
        digest = blake2b(digest_size=16)
        for path in sorted(path for pattern in self.files for path in folder.glob(pattern)):
            name, content = path.relative_to(folder).as_posix(), path.read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode(errors="surrogateescape"))
            digest.update(content)
        return digest.hexdigest()

    def revision(self, raw: Path) -> str | None:
        """Return the line of SOURCE.txt that says where the copy comes from, if there is one."""
        note = raw / self.folder / "SOURCE.txt"
        lines = note.read_text(encoding="utf-8").splitlines() if note.is_file() else []
        told = [line for line in lines if line.startswith("Source:")]
        return told[0].removeprefix("Source:").strip() if told else None


@contextmanager
def shaped(place: object) -> Iterator[None]:
    """Read a file or a row of a corpus: whatever fails in the block is a fault of its shape.

    Raises CorpusError with the place, unless the block raised one.
    """
    try:
        yield
    except CorpusError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        fault = " ".join(f"{type(error).__name__}: {error}".split())
        raise CorpusError(
            f"{place}: not of the corpus's shape ({fault}): get the copy that docs/data.md names"
        ) from error


def required(path: Path) -> Path:
    """Return the path of a file that a corpus must have.

    Raises CorpusError where it has not.
    """
    if not path.is_file():
        raise CorpusError(f"{path}: the corpus lacks this file; see docs/data.md")
    return path


def text_of(path: Path) -> str:
    """Return the text of a file that a corpus must have, a byte-order mark left out.

    Raises CorpusError where it has not, or it is not UTF-8.
    """
    try:
        return required(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}: not UTF-8 at byte {error.start}") from None


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Yield the place, file and line, and the value of each line of a file of JSON lines.

    Raises CorpusError with the line that is not JSON.
    """
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            place = f"{path}:{number}"
            try:
                yield place, json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError(f"{place}: not JSON: {error}") from None


def json_rows(path: Path) -> list[tuple[str, Any]]:
    """Return the place, file and index, and the value of each entry of a file that is one list.

    Raises CorpusError where it is not JSON, or no list.
    """
    with shaped(path):
        rows = json.loads(text_of(path))
    if not isinstance(rows, list):
        raise CorpusError(f"{path}: a list is expected")
    return [(f"{path}[{number}]", row) for number, row in enumerate(rows)]


def csv_rows(
    path: Path, *, delimiter: str = ",", quoted: bool = True
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the place, file and line, and the cells by column of each row below the header.

    Raises CorpusError with the line that is not CSV, or has not as many fields as the header.
    """
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    lines = io.StringIO(text_of(path), newline="")
    reader = csv.DictReader(lines, delimiter=delimiter, quoting=quoting)
    try:
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                raise CorpusError(f"{place}: not as many fields as the header has")
            yield place, row
    except csv.Error as error:
        raise CorpusError(f"{path}:{reader.reader.line_num}: not CSV: {error}") from None


def files_of(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a corpus that match, in the order of their names.

    Raises CorpusError where there is none.
    """
    files = sorted(folder.glob(pattern))
    if not files:
        raise CorpusError(f"{folder}: no {pattern} in the corpus; see docs/data.md")
    return files
