"""What a worker did of a shard so far, line by line: it outlives the worker, and tells on killers.

Before a worker gives texts to the model it writes down how many (a *mark*), and behind it their
results. So when a worker was killed, the next one sees what is done, and which texts were in its
hands: it gives these to the model one at a time. A text that was alone in the hands of two workers
when they died is given up.

A worker begins with a copy of the journal that takes the old one's place: should the old worker
still live somewhere, what it writes is lost and disturbs nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from pointline.errors import PointlineError

__all__ = ["DEATHS", "KILLED", "Journal"]

#: How many workers a text may end when it is alone in their hands.
DEATHS = 2

#: The fault of a text that is given up.
KILLED = "killed"

_MARK = "in_hand"


class Journal:
    """The results of the first rows of a shard, in their order; `done` says how many.

    `suspects` says how many rows behind them were in the hands of a worker that died, `deaths` how
    often the next one ended a worker all alone, `reason` what was its last word, and `spent` the
    seconds that the results took, by the clock and of the processors. `killed` is how many of the
    last results are of texts that were given up. Use it in a
    `with` statement: an error that pointline raises, or an interruption, leaves no suspect.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal, or begin it."""
        self.path = path
        self.done, self.suspects, self.deaths, self.reason = 0, 0, 0, ""
        self.killed, self.spent = 0, (0.0, 0.0)
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = path.with_name(f"{path.name}.{os.getpid()}.part")
        with copy.open("wb") as out:
            for line in _whole_lines(path):
                self._learn(orjson.loads(line))
                out.write(line)
        copy.replace(path)
        self._out: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self._out = self.path.open("ab")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if (
            kind is not None
            and issubclass(kind, Exception)
            and not issubclass(kind, PointlineError)
        ):
            told = " ".join(f"{kind.__name__}: {error}".split())
            self._write({"died": told})
        else:
            self.leave()
        if self._out is not None:
            self._out.close()
            self._out = None

    def take(self, rows: int) -> None:
        """Write down that the next rows are in the model's hands."""
        self._write({_MARK: rows})

    def add(
        self, results: Sequence[Mapping[str, Any]], spent: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Write the next rows' results; they are in the system's hands when this returns.

        `spent` are the seconds that they took, by the clock and of the processors.
        """
        self._write(*({"result": one} for one in results), {"spent": spent})
        self.done += len(results)
        self.spent = (self.spent[0] + spent[0], self.spent[1] + spent[1])

    def leave(self) -> None:
        """Write down that nothing is in the model's hands: the worker goes of its own will."""
        self._write({"left": True})

    def results(self) -> Iterator[dict[str, Any]]:
        """Yield the results, in their order."""
        with self.path.open("rb") as lines:
            for line in lines:
                told = orjson.loads(line)
                if "result" in told:
                    yield told["result"]

    def keep(self, rows: int) -> None:
        """Forget the results of all rows but the first."""
        place = kept = 0
        with self.path.open("rb") as lines:
            for line in lines:
                kept += line.startswith(b'{"result"')
                if kept > rows:
                    break
                place += len(line)
        os.truncate(self.path, place)
        self.done = min(self.done, rows)

    def _write(self, *told: Mapping[str, Any]) -> None:
        if self._out is not None:
            self._out.write(b"".join(orjson.dumps(one) + b"\n" for one in told))
            self._out.flush()

    def _learn(self, told: Mapping[str, Any]) -> None:
        if "result" in told:
            self.done += 1
            self.killed = self.killed + 1 if told["result"].get("fault") == KILLED else 0
            self.suspects, self.deaths = max(0, self.suspects - 1), 0
        elif "left" in told:
            self.suspects, self.deaths = 0, 0
        elif "spent" in told:
            seconds, processor = told["spent"]
            self.spent = (self.spent[0] + seconds, self.spent[1] + processor)
        elif _MARK in told:
            self.deaths += self.suspects > 0 and told[_MARK] == 1
            self.suspects, self.reason = max(self.suspects, told[_MARK]), ""
        else:
            self.reason = str(told["died"])


def _whole_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines up to one that was written by half."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            if not line.endswith(b"\n") or not _is_json(line):
                return
            yield line


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
