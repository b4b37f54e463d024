"""What a source is: a public corpus in its raw form, and how its files become records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pointline.errors import CorpusError
from pointline.format.record import Record

__all__ = ["Harvest", "Origin", "Source", "Sourced", "json_lines", "required", "text_of"]

#: Where a text or an annotation comes from.
Origin = Literal["human", "derived", "machine-translated"]


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

    `folder` is its name below the folder of raw corpora; `origins` says for each language where
    the text, the text-level labels and the word-level items come from; `parallel`: its languages
    are translations of each other. `read(folder, lang)` raises CorpusError where the folder is
    missing or not of the corpus's shape.
    """

    name: str
    folder: str
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
        try:
            return self.read(folder, lang)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if isinstance(error, CorpusError):
                raise
            fault = f"{type(error).__name__}: {error}"
            raise CorpusError(f"{folder}: not of the shape of {self.name!r}: {fault}") from error

    def revision(self, raw: Path) -> str | None:
        """Return the line of SOURCE.txt that says where the copy comes from, if there is one."""
        note = raw / self.folder / "SOURCE.txt"
        lines = note.read_text(encoding="utf-8").splitlines() if note.is_file() else []
        told = [line for line in lines if line.startswith("Source:")]
        return told[0].removeprefix("Source:").strip() if told else None


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


def json_lines(path: Path) -> Iterator[Any]:
    """Yield the objects of a file with one JSON object a line.

    Raises CorpusError with the line that holds none.
    """
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise CorpusError(f"{path}:{number}: not JSON: {error}") from None
