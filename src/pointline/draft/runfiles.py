"""Reading what a translation run left: counts, examples, and who became what, from its files.

The files are read a line at a time, for ids and what the run noted on each record; whether they
hold sound records is for `data check` to say. What they hold must be what `metrics.json` tells.
"""

from __future__ import annotations

import hashlib
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from pointline.corpus import manifest, recordfile
from pointline.draft.origin import DRAFTS
from pointline.draft.repair import Step
from pointline.draft.retention import Example, Run
from pointline.errors import InputError, RecordError
from pointline.model.runfolder import RunFolder

__all__ = ["Fates", "read_run"]

_STEPS = {str(step): at for at, step in enumerate(Step)}
_Values = Mapping[str, Any]


class Fates:
    """What became of each record in every run, two bits a run: waits, dropped, kept."""

    def __init__(self) -> None:
        self._bits: dict[str, int] = {}

    def enter(self, run: int, id: str, *, kept: bool | None) -> bool:
        """Enter a record, None for one that waits; return False where the run had it before."""
        before = self._bits.get(id, 0)
        mark = 1 if kept is None else 2 + kept
        self._bits[id] = before | mark << 2 * run
        return not before >> 2 * run & 3

    def patterns(self) -> Counter[int]:
        """Return how many records share each row of bits."""
        return Counter(self._bits.values())

    @staticmethod
    def compared(patterns: Mapping[int, int], first: int, second: int) -> tuple[int, int, int]:
        """Return how many records both runs decided, only the first kept, only the second kept."""
        both = only_first = only_second = 0
        for bits, count in patterns.items():
            one, other = bits >> 2 * first & 3, bits >> 2 * second & 3
            if one >= 2 and other >= 2:
                both += count
                only_first += count * (one > other)
                only_second += count * (one < other)
        return both, only_first, only_second


def read_run(folder: Path, name: str, *, fates: Fates, at: int = 0, examples: int = 3) -> Run:
    """Return a run, and enter its records as the run `at` into `fates`.

    The examples are drawn by their ids: another run over the same records draws the same ones.

    Raises InputError where the folder holds no finished translation run or its files do not add
    up to what it tells of itself, RecordError for a line that is no record of a run.
    """
    run = RunFolder(folder)
    config, metrics = (_told(run, file) for file in ("config.json", "metrics.json"))
    told = all(key in config for key in ("from", "to", "model", "source"))
    if config.get("what") != "translate" or not told:
        raise InputError(f"{folder}: holds no translation run: name a folder of `translate run`")
    found = _Count(examples)
    for split in (*manifest.SPLITS, DRAFTS):
        _read(folder / f"{split}.jsonl", found.keep, lambda id: fates.enter(at, id, kept=True))
    _read(folder / "dropped.jsonl", found.drop, lambda id: fates.enter(at, id, kept=False))
    _read(folder / "queued.jsonl", found.wait, lambda id: fates.enter(at, id, kept=None))
    read = found.run(name, folder, config, metrics)
    _check(read)
    return read


# ---------------------------------------------------------------- counting


@dataclass(slots=True)
class _Count:
    """What was read of a run so far; of the examples of each rule the ones drawn lowest."""

    wanted: int
    kept: int = 0
    queued: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    labels: Counter[tuple[str, bool]] = field(default_factory=Counter)
    drawn: dict[str, list[tuple[str, bytes]]] = field(default_factory=dict)

    def keep(self, values: _Values) -> None:
        self.kept += 1
        steps = _draft(values).get("steps") or {}
        self.steps[max(steps.values(), key=_order, default="")] += 1
        self.labels[values.get("label") or "", True] += 1

    def drop(self, values: _Values) -> None:
        rules = _draft(values).get("rules")
        if not rules:
            raise RecordError(f"the dropped record {values['id']!r} names no rule")
        self.dropped[rules[0]] += 1
        self.fired.update(rules)
        self.labels[values.get("label") or "", False] += 1
        if not self.wanted:
            return
        draw = hashlib.sha256(values["id"].encode()).hexdigest()
        for rule in rules:
            lowest = self.drawn.setdefault(rule, [])
            if len(lowest) < self.wanted or draw < lowest[-1][0]:
                insort(lowest, (draw, orjson.dumps(values)))
                del lowest[self.wanted :]

    def wait(self, _: _Values) -> None:
        self.queued += 1

    def run(self, name: str, folder: Path, config: _Values, metrics: _Values) -> Run:
        examples = [
            _example(name, rule, orjson.loads(line))
            for rule in sorted(self.drawn)
            for _, line in self.drawn[rule]
        ]
        told = manifest.read_manifest(folder).get("translated")
        return Run(
            name, folder, config, metrics, self.kept, self.dropped, self.fired, self.queued,
            self.steps, self.labels, tuple(examples),
            told.get("files", {}) if isinstance(told, Mapping) else {},
        )  # fmt: skip


def _order(step: str) -> int:
    """Return how late a step is tried; one that another version knew comes last."""
    return _STEPS.get(step, len(_STEPS))


def _example(run: str, rule: str, values: _Values) -> Example:
    record = recordfile.from_json(values)
    draft = record.meta["draft"]
    reasons = draft.get("reasons") or {}
    return Example(
        run, rule, record, tuple(draft["rules"]), draft.get("source"), reasons.get(rule, "")
    )


def _check(run: Run) -> None:
    """Hold the files against what the run tells of itself."""
    parts = {"kept": run.kept, "dropped": run.lost, "queued": run.queued}
    told = run.metrics
    sums = " + ".join(f"{count} {part}" for part, count in parts.items())
    again = "the run is not finished or its files were changed: run `translate run` again"
    if run.records != told.get("records"):
        raise InputError(
            f"{run.folder}: does not add up: {sums} = {run.records}, but {told.get('records')}"
            f" records were given: {again}"
        )
    for part, count in parts.items():
        if count != told.get(part):
            raise InputError(
                f"{run.folder}: does not add up: {count} {part} in the files, {told.get(part)} in"
                f" metrics.json: {again}"
            )
    if dict(run.dropped) != told.get("dropped_by_rule"):
        raise InputError(
            f"{run.folder}: does not add up: the rules in dropped.jsonl are not those in"
            f" metrics.json: {again}"
        )


# ---------------------------------------------------------------- files


def _told(run: RunFolder, name: str) -> _Values:
    values = run.read(name) if run.path.is_dir() else None
    if values is None:
        raise InputError(
            f"{run.path}: holds no finished translation run ({name} is missing): name a folder of"
            " `translate run`"
        )
    return values


def _read(file: Path, take: Callable[[_Values], None], enter: Callable[[str], bool]) -> None:
    """Take the records of a file of a run; it may have no such file."""
    for number, values in _lines(file) if file.is_file() else ():
        try:
            if not enter(values["id"]):
                raise RecordError(f"the id {values['id']!r} stands in the run twice")
            take(values)
        except RecordError as error:
            raise RecordError(error.reason, path=file, line=number) from None


def _lines(file: Path) -> Iterator[tuple[int, _Values]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                values = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                reason = f"not one JSON object a line: {error}"
                raise RecordError(reason, path=file, line=number) from None
            if not isinstance(values, dict) or not isinstance(values.get("id"), str):
                raise RecordError("a record is an object with an 'id'", path=file, line=number)
            yield number, values


def _draft(values: _Values) -> _Values:
    meta = values.get("meta")
    draft = meta.get("draft") if isinstance(meta, dict) else None
    if not isinstance(draft, dict):
        raise RecordError(f"the record {values['id']!r} has no 'draft' in its 'meta'")
    return draft
