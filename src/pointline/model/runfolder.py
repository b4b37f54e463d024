"""A run's folder: its settings, its log, its results; never half a file."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.errors import InputError, MissingExtra

__all__ = ["ReadOnly", "RunFolder"]

_TOLD, _LONG = 3, 40  # how many settings that differ are named; how much of a value is told


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder with `config.json`, `log.jsonl` and `metrics.json`."""

    path: Path

    def settle(self, config: Mapping[str, Any]) -> None:
        """Write the settings, or hold them against those that the folder was begun with.

        Raises InputError where they differ.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        if not self.agree(config):
            self.write("config.json", config)

    def agree(self, config: Mapping[str, Any]) -> bool:
        """Return whether the folder was begun with these settings; False if it is to be begun.

        Raises InputError where it was begun with others, or holds no run.
        """
        before = self.read("config.json")
        if before is None:
            self.refuse_foreign()
            return False
        now = json.loads(json.dumps(config))
        changed = sorted(key for key in {*before, *now} if before.get(key) != now.get(key))
        if changed:
            told = list(_differences(before, now))
            more = f"; {len(told) - _TOLD} more" if len(told) > _TOLD else ""
            raise InputError(
                f"{self.path} holds a run with another {', '.join(changed)}"
                f" ({'; '.join(told[:_TOLD])}{more}): give another folder, or remove this one to"
                " begin anew"
            )
        return True

    def refuse_foreign(self) -> None:
        """Raise InputError where the folder holds files but no run: they would be overwritten."""
        held = sorted(path.name for path in self.path.glob("[!.]*"))
        if held and "config.json" not in held:
            raise InputError(
                f"{self.path} is not empty and holds no run ({held[0]}): give another folder"
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder while the block runs; the system lets go of it when the process dies.

        Raises InputError where another process holds it.
        """
        try:
            from filelock import FileLock, Timeout
        except ImportError:
            raise MissingExtra("filelock", extra="hf") from None
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise InputError(f"{self.path}: another process works on this run") from None
        try:
            yield
        finally:
            lock.release()

    def read(self, name: str) -> dict[str, Any] | None:
        """Return the values of a JSON file, None where there is none.

        Raises InputError where the file is no JSON object.
        """
        file = self.path / name
        if not file.is_file():
            return None
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{file} is no JSON ({error}): remove the folder") from None
        if not isinstance(values, dict):
            raise InputError(f"{file} is no JSON object: remove the folder")
        return values

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a JSON file, all of it or nothing."""
        self.write_text(name, json.dumps(values, ensure_ascii=False, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text file, all of it or nothing."""
        work = self.path / f".{name}.partial"
        work.write_text(text, encoding="utf-8")
        work.replace(self.path / name)

    def log(self, event: str, **facts: Any) -> None:
        """Add a line to `log.jsonl`."""
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"time": now, "event": event, **facts}, ensure_ascii=False)
        with self._log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def log_bytes(self) -> int:
        """Return the log's length."""
        return self._log.stat().st_size if self._log.exists() else 0

    def cut_log(self, size: int) -> None:
        """Forget what was logged after a length: steps that a resumed run does again."""
        if self.log_bytes() > size:
            os.truncate(self._log, size)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the logged events of that name, in their order; half a last line is left out."""
        if not self._log.exists():
            return []
        lines = self._log.read_text(encoding="utf-8").split("\n")[:-1]
        return [event for line in lines if (event := json.loads(line))["event"] == name]

    def write_csv(
        self, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> None:
        """Write rows as CSV, the columns in the order given."""
        work = self.path / f".{name}.partial"
        with work.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        work.replace(self.path / name)

    @property
    def _log(self) -> Path:
        return self.path / "log.jsonl"


def _differences(
    before: Mapping[str, Any], now: Mapping[str, Any], path: str = ""
) -> Iterator[str]:
    """Yield each setting that differs, by its path, with both of its values."""
    for key in sorted({*before, *now}):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{path}{key}.")
        elif old != new:
            yield f"{path}{key} was {_short(old)}, is {_short(new)}"


def _short(value: Any) -> str:
    """Return a value for a message: a long one by its beginning."""
    told = "not given" if value is None else json.dumps(value, ensure_ascii=False)
    return told if len(told) <= _LONG else f"{told[:_LONG]}…"


class ReadOnly(RunFolder):
    """The folder of a run that another process writes: nothing is changed, nothing is held."""

    __slots__ = ()

    def settle(self, config: Mapping[str, Any]) -> None:
        """Leave it to the process that writes."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Leave the folder to the process that writes."""
        yield

    def write_text(self, name: str, text: str) -> None:
        """Write nothing."""

    def log(self, event: str, **facts: Any) -> None:
        """Write nothing."""

    def cut_log(self, size: int) -> None:
        """Cut nothing."""

    def write_csv(
        self, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> None:
        """Write nothing."""
