"""What a chat model answered, a line each: the memory of a run, which outlives a kill."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

import orjson

from pointline.errors import InputError
from pointline.model.chat.question import Answer, Usage

__all__ = ["AnswerFile"]

_BEGINNING = b'{"key":"'


class AnswerFile:
    """A JSONL file of answers by the key of their question: a `client.Memory`.

    An answer is in the system's hands when `keep` returns. A last line that a kill cut in half is
    cut off when the file is opened. Only the keys and the places of the lines are kept in memory.
    Use it in a `with` statement.

    Raises InputError for any other line that is no answer, and leaves the file as it is.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file, or begin it."""
        self.path = Path(path)
        self._places: dict[str, int] = {}
        self._spent = Usage()
        self._file = self.path.open("a+b")
        try:
            self._learn()
        except InputError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        """Return how many questions were answered."""
        return len(self._places)

    def recall(self, key: str) -> Answer | None:
        """Return the answer to the question of that key, None where there is none."""
        place = self._places.get(key)
        if place is None:
            return None
        self._file.seek(place)
        return _answer(orjson.loads(self._file.readline()))

    def keep(self, key: str, answer: Answer) -> None:
        """Write an answer behind the others; a later one of the same key goes before it."""
        place = self._file.seek(0, os.SEEK_END)
        self._file.write(orjson.dumps({"key": key, **answer.to_dict()}) + b"\n")
        self._file.flush()
        self._places[key] = place
        self._spent += answer.usage

    def spent(self) -> Usage:
        """Return what all answers took."""
        return self._spent

    def close(self) -> None:
        """Bring everything to the disk and close the file."""
        if not self._file.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def _learn(self) -> None:
        """Take in the lines that are there."""
        self._file.seek(0)
        place = 0
        for number, line in enumerate(self._file, start=1):
            if not line.endswith(b"\n") and _BEGINNING.startswith(line[: len(_BEGINNING)]):
                self._file.truncate(place)  # it was being written when the process was killed
                return
            try:
                values = orjson.loads(line)
                self._spent += _answer(values).usage
                self._places[values["key"]] = place
            except (ValueError, KeyError, TypeError, AttributeError):
                raise InputError(
                    f"{self.path}:{number}: no answer of a chat model: mend or remove the line"
                ) from None
            place += len(line)


def _answer(values: dict[str, Any]) -> Answer:
    return Answer.from_dict({name: value for name, value in values.items() if name != "key"})
