"""What a worker did of a shard so far, line by line: it outlives the worker, and tells on killers.

Before a worker gives texts to the model it writes down how many (a *mark*), and behind it their
results. So when a worker was killed, the next one sees what is done, and which texts were in its
hands: it gives these to the model one at a time. A text that was alone in the hands of two workers
when they died is given up.

At the end of a shard whose last texts have no answer the model is tried with others (*probes*),
which have no results here. A probe in whose hands a worker died counts as failed.

A worker begins with a copy of the journal that takes the old one's place: should the old worker
still live somewhere, what it writes is lost and disturbs nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from pointline.app.batch.room import writing
from pointline.app.batch.streak import Streak
from pointline.errors import InputError, PointlineError

__all__ = ["DEATHS", "Journal"]

#: How many workers a text may end when it is alone in their hands.
DEATHS = 2

_MARK = "in_hand"
_PROBE = "probe"
_NO_WORD = "killed, or out of memory"


class Journal:
    """The results of the first rows of a shard, in their order; `done` says how many.

    `suspects` says how many rows behind them were in the hands of a worker that died, `deaths` how
    often the next one ended a worker all alone, and `spent` the seconds that the results took, by
    the clock and of the processors. `streak` are the last texts that have no answer, `probes`
    how many others were tried since. Use it in a `with` statement: an error that pointline raises,
    or an interruption, leaves no suspect.

    All that writes raises InputError where there is no room, or no right to write.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal, or begin it."""
        self.path = path
        self.done, self.suspects, self.deaths = 0, 0, 0
        self.spent = (0.0, 0.0)
        self.streak, self.probes = Streak(), 0
        self._reason, self._probing = "", False
        self._out: IO[bytes] | None = None
        with writing(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._copy()
        self._lose_probe()

    @property
    def reason(self) -> str:
        """The last word of the worker that died last, as far as it had one."""
        return self._reason or _NO_WORD

    def __enter__(self) -> Self:
        with writing(self.path.parent):
            self._out = self.path.open("ab", buffering=0)
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
            self._last({"died": told})
        else:
            self.leave()
        if self._out is not None:
            self._out.close()
            self._out = None

    def take(self, rows: int) -> None:
        """Write down that the next rows are in the model's hands."""
        self._write({_MARK: rows})
        self.streak.ask()

    def add(
        self, results: Sequence[Mapping[str, Any]], spent: tuple[float, float] = (0.0, 0.0)
    ) -> None:
        """Write the next rows' results; they are in the system's hands when this returns.

        `spent` are the seconds that they took, by the clock and of the processors.
        """
        self._write(*({"result": one} for one in results), {"spent": spent})
        for result in results:
            self._count(result)
        self.spent = (self.spent[0] + spent[0], self.spent[1] + spent[1])

    def probe(self) -> None:
        """Write down that another text is in the model's hands, to see whether it answers."""
        self._write({_PROBE: "begun"})
        self.probes += 1

    def probed(self, fault: str | None = None, error: str | None = None) -> None:
        """Write down what came of it: an answer, or an error of that fault."""
        told = {_PROBE: "ended", "fault": fault, "error": error}
        self._write(told)
        self.streak.see(told, self.done)

    def leave(self) -> None:
        """Write down that nothing is in the model's hands: the worker goes of its own will."""
        self._last({"left": True})

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

    def _copy(self) -> None:
        """Put a copy in the journal's place, and learn what it says."""
        copy = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
        try:
            with copy.open("wb") as out:
                for line in _whole_lines(self.path):
                    self._learn(orjson.loads(line))
                    out.write(line)
            copy.replace(self.path)
        finally:
            copy.unlink(missing_ok=True)

    def _write(self, *told: Mapping[str, Any]) -> None:
        """Write all of it, or nothing."""
        if self._out is None:
            return
        left = b"".join(orjson.dumps(one) + b"\n" for one in told)
        with writing(self.path.parent):
            before = os.fstat(self._out.fileno()).st_size
            try:
                while left:
                    left = left[self._out.write(left) :]
            except OSError:
                os.ftruncate(self._out.fileno(), before)
                raise

    def _last(self, told: Mapping[str, Any]) -> None:
        """Write a last word; that there is no room for one was told before."""
        with suppress(InputError):
            self._write(told)

    def _count(self, result: Mapping[str, Any]) -> None:
        self.done += 1
        self.streak.see(result, self.done)

    def _lose_probe(self) -> None:
        """Take in that a worker died while it tried a text, if one did."""
        if self._probing:
            self.streak.fail(self.reason, killed=True)
        self._probing = False

    def _learn(self, told: Mapping[str, Any]) -> None:
        if "result" in told:
            self._count(told["result"])
            self.suspects, self.deaths = max(0, self.suspects - 1), 0
        elif "left" in told:
            self.suspects, self.deaths = 0, 0
            self.probes, self._probing = self.probes - self._probing, False
        elif "spent" in told:
            seconds, processor = told["spent"]
            self.spent = (self.spent[0] + seconds, self.spent[1] + processor)
        elif _MARK in told:
            self.deaths += self.suspects > 0 and told[_MARK] == 1
            self.suspects, self._reason = max(self.suspects, told[_MARK]), ""
            self.streak.ask()
        elif _PROBE in told:
            self._learn_of_probe(told)
        else:
            self._reason = str(told["died"])

    def _learn_of_probe(self, told: Mapping[str, Any]) -> None:
        if told[_PROBE] == "ended":
            self._probing = False
            self.streak.see(told, self.done)
            return
        self._lose_probe()
        self._reason, self._probing = "", True
        self.probes += 1


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
