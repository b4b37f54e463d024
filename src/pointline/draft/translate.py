"""Translating a dataset by a chat model, every record of it accounted for (MMM paper, Section 3).

A run folder is a dataset folder of the kept translations, split as the source is, and beside it

    dropped.jsonl    what a rule dropped, with the rules and the best text that there is
    queued.jsonl     what waits: not asked yet, or no answer came; the same command goes on with it
    ledger.sqlite    the run's memory: every answer, every row, every translated label
    config.json, metrics.json, log.jsonl

kept + dropped + queued = the records given. Labels are translated by tables, and by the model only
where no table has them. Rules and repair steps are no part of what a run is: others make the files
anew from the ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from pointline.corpus import recordfile
from pointline.corpus.manifest import MANIFEST, sha256
from pointline.draft.drafting import DUPLICATED, Maker
from pointline.draft.filters import FILTERS, PRESETS
from pointline.draft.harvest import Harvest, harvest
from pointline.draft.ledger import Ledger, Row
from pointline.draft.limits import Limits
from pointline.draft.origin import Origin
from pointline.draft.prompts import digest
from pointline.draft.question import Usage
from pointline.draft.repair import Step
from pointline.draft.sorting import mark
from pointline.draft.translator import Translator
from pointline.draft.vocabulary import Glossary, target
from pointline.errors import BudgetSpent, InputError, ServerError
from pointline.format.record import Record
from pointline.format.tasks import Task
from pointline.model.runfolder import RunFolder
from pointline.version import __version__

__all__ = ["LEDGER", "REPAIRS", "Rules", "Translation", "translate"]

#: The file of a run's memory, where no database is named.
LEDGER = "ledger.sqlite"

#: By which steps an entity may be found in its translation: as the paper does, or as we do.
REPAIRS: Mapping[str, tuple[Step, ...]] = {
    "none": (Step.VERBATIM,),
    "full": (Step.VERBATIM, Step.NORMALISED, Step.ASKED, Step.ALIGNED),
}

_PRESETS = {**PRESETS, "pointline": (*PRESETS["pointline"], DUPLICATED)}
_RUN = "\x01run"  # the row of a ledger that says whose it is
_LABELS = "labels"  # the state of rows that hold translated labels
_Progress = Callable[[int, int], None]
_Stop = Literal["", "budget", "server"]


@dataclass(frozen=True, slots=True)
class Translation:
    """A finished call: what became of the records, and what the run's answers took.

    `stopped` is why the call ended early ("" if it did not), `stopped_by` who ended it.
    """

    folder: Path
    task: Task
    harvest: Harvest
    usage: Usage
    cost: float
    seconds: float
    stopped: str = ""
    stopped_by: _Stop = ""

    @property
    def kept(self) -> int:
        """Records in the dataset."""
        return sum(self.harvest.kept.values())

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds: nothing that depends on how often a run was ended."""
        found, usage = self.harvest, self.usage
        asked = found.records - found.queued.total()
        return {
            "records": found.records,
            "kept": self.kept,
            "dropped": found.dropped.total(),
            "queued": found.queued.total(),
            "lost_percent": round(100 * found.dropped.total() / asked, 2) if asked else None,
            "kept_by_split": found.kept,
            "dropped_by_rule": _sorted(found.dropped),
            "fired": _sorted(found.fired),
            "queued_by_reason": _sorted(found.queued),
            "mentions": found.steps.total(),
            "steps": _sorted(found.steps),
            "notes": _sorted(found.notes),
            "requests": usage.requests,
            "tokens_in": usage.tokens_in,
            "tokens_out": usage.tokens_out,
            "guessed": usage.guessed,
            "cost": self.cost,
        }


@dataclass(frozen=True, slots=True)
class Rules:
    """What is kept: `filters` by name, and by which steps an entity may be found.

    >>> Rules.of("paper", "none").steps
    (<Step.VERBATIM: 'verbatim'>,)
    """

    filters: tuple[str, ...] = _PRESETS["pointline"]
    steps: tuple[Step, ...] = REPAIRS["full"]

    @classmethod
    def of(cls, filters: str = "pointline", repair: str = "full") -> Self:
        """Return the rules of a preset or of filters named by commas, and of a way of repair.

        Raises InputError for a name that is none.
        """
        named = tuple(name.strip() for name in filters.split(",") if name.strip())
        names = _PRESETS.get(filters, named)
        known = (*FILTERS, DUPLICATED)
        for name in names:
            if name not in known:
                raise InputError(f"no filter {name!r}, there are: {', '.join((*PRESETS, *known))}")
        if repair not in REPAIRS:
            raise InputError(f"repair is one of {', '.join(REPAIRS)}, got {repair!r}")
        return cls(names, REPAIRS[repair])


def translate(
    origin: Origin,
    translator: Translator,
    out: str | Path,
    *,
    rules: Rules | None = None,
    db: str | None = None,
    progress: _Progress | None = None,
) -> Translation:
    """Translate the records that the ledger has no translation of, and write the run's files.

    `db` is the URL of a database that holds the ledger. A budget that is spent or a server that
    goes away ends the asking, not the writing: `stopped` says so.

    Raises InputError where the folder or the database holds another run, RecordError for a line
    that is no record, and as the ledger does.
    """
    run, started = RunFolder(Path(out)), time.monotonic()
    maker = _maker(origin, translator, rules or Rules())
    run.refuse_foreign()
    with run.held():
        for part in run.path.glob(".*.part*"):  # what a kill left behind
            part.unlink()
        config = _config(origin, maker, translator)
        run.settle(config)
        with Ledger(db or run.path / LEDGER) as ledger:
            _claim(ledger, config)
            run.log("start", records=origin.total, filters=list(maker.filters))
            stopped, stopped_by = _ask(ledger, origin, maker, translator, progress)
            maker = replace(maker, glossary=_glossary(ledger))
            found = harvest(run.path, ledger, origin, maker)
            spent = ledger.spent()
        limits = translator.limits or Limits()
        cost = spent.cost(limits.price_in, limits.price_out)
        seconds = round(time.monotonic() - started, 3)
        result = Translation(
            run.path, maker.target, found, spent, cost, seconds, stopped, stopped_by
        )
        _finish(run, result, origin, maker)
    return result


def _maker(origin: Origin, translator: Translator, rules: Rules) -> Maker:
    return Maker(
        task=origin.task,
        target=target(origin.task, translator.prompt.target),  # type: ignore[arg-type]
        model=translator.name,
        prompt=translator.prompt.version,
        filters=rules.filters,
        steps=rules.steps,
    )


def _config(origin: Origin, maker: Maker, translator: Translator) -> dict[str, Any]:
    return {
        "what": "translate",
        "from": origin.task.lang,
        "to": maker.to,
        **translator.config(),
        "source": origin.task.to_dict(),
        "task": maker.target.to_dict(),
        "pointline": __version__,
    }


def _claim(ledger: Ledger, config: Mapping[str, Any]) -> None:
    """Hold a ledger's run against this one: a database may be shared by mistake."""
    ours = digest(config)
    row = ledger.rows([_RUN]).get(_RUN)
    if row is None:
        ledger.enter(Row(_RUN, ours, "run"))
    elif row.mark != ours:
        raise InputError("the database holds another run: give another database or schema")


# ---------------------------------------------------------------- asking


def _ask(
    ledger: Ledger,
    origin: Origin,
    maker: Maker,
    translator: Translator,
    progress: _Progress | None,
) -> tuple[str, _Stop]:
    """Ask for all that the ledger does not have; return why that ended early, if so."""
    try:
        _ask_labels(ledger, origin, maker, translator)
        _ask_records(ledger, origin, translator, progress)
    except BudgetSpent as error:
        return str(error), "budget"
    except ServerError as error:
        return str(error), "server"
    return "", ""


def _ask_labels(ledger: Ledger, origin: Origin, maker: Maker, translator: Translator) -> None:
    """Ask for the labels that no table has, before any record: all records then say the same.

    What a question answered is one row, so that a kill cannot change what the next one asks.
    """
    known = _glossary(ledger)
    left = replace(maker, glossary=known).unknown(record for _, record in origin)
    rows = len(ledger.marks(_LABELS))
    for level in ("text", "word"):
        labels = [label for at, label in left if at == level]
        before = {label: name for (at, label), name in known.items() if at == level and name}
        for names in translator.labels(labels, before, ledger):
            body = {"level": level, "names": names}
            ledger.enter(Row(f"\x01labels\x01{rows:08d}", "", _LABELS, body=body))
            rows += 1


def _glossary(ledger: Ledger) -> Glossary:
    """Return the labels that the model named, in the order in which they were asked for."""
    rows = ledger.rows(sorted(ledger.marks(_LABELS)))
    return {
        (row.body["level"], label): name
        for _, row in sorted(rows.items())
        for label, name in row.body["names"].items()
    }


def _ask_records(
    ledger: Ledger, origin: Origin, translator: Translator, progress: _Progress | None
) -> None:
    done = ledger.marks(*translator.finished)
    settled = 0

    def todo() -> Iterator[Record]:
        nonlocal settled
        for _, record in origin:
            if done.get(record.id) == mark(record):
                settled += 1
            else:
                yield record

    for made, row in enumerate(translator.rows(todo(), ledger), start=1):
        ledger.enter(row)
        if progress:
            progress(settled + made, origin.total)


# ---------------------------------------------------------------- files


def _finish(run: RunFolder, result: Translation, origin: Origin, maker: Maker) -> None:
    """Write the manifest and the counts; nothing in them tells how often the run was ended."""
    files = {f"{split}.jsonl": sha256(run.path / f"{split}.jsonl") for split in origin.files}
    manifest = result.harvest.tally.summary(maker.target, files) | _provenance(origin, maker)
    with recordfile.atomic(run.path / MANIFEST) as out:
        out.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    glossary = {f"{level}: {label}": name for (level, label), name in maker.glossary.items()}
    rules = {"filters": list(maker.filters), "repair": [str(step) for step in maker.steps]}
    run.write("metrics.json", {**result.to_dict(), **rules, "glossary": glossary})
    counts = {name: result.to_dict()[name] for name in ("kept", "dropped", "queued")}
    run.log("done", **counts, seconds=result.seconds, stopped=result.stopped)


def _provenance(origin: Origin, maker: Maker) -> dict[str, Any]:
    """Return what the manifest says of where texts and items come from."""
    told = origin.manifest
    by_machine = {"text": "machine-translated", "items": "machine-translated"}
    sources = [
        {**{key: one[key] for key in one if key != "rules"}, **by_machine}
        for one in told.get("sources", ())
        if isinstance(one, Mapping)
    ]
    return {
        "sources": sources or [{**by_machine, "labels": "mapped"}],
        **{key: told[key] for key in ("licences", "notes", "screened_against") if key in told},
        "translated": {
            "from": origin.task.to_dict(),
            "files": {f"{split}.jsonl": sha256(file) for split, file in origin.files.items()},
            "model": maker.model,
            "prompt": maker.prompt,
            "filters": list(maker.filters),
            "repair": [str(step) for step in maker.steps],
        },
    }


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
