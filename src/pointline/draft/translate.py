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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from pointline.corpus import recordfile
from pointline.corpus.manifest import MANIFEST, sha256
from pointline.draft.asking import Progress, Stop, ask, glossary
from pointline.draft.crosslingual import Encoder
from pointline.draft.drafting import Maker
from pointline.draft.ledger import Ledger, Row
from pointline.draft.origin import Origin
from pointline.draft.outcome import Outcome, decide
from pointline.draft.repair import Step
from pointline.draft.rules import Rules
from pointline.draft.translator import Translator
from pointline.draft.vocabulary import target
from pointline.errors import InputError
from pointline.format.tasks import Task
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Usage, digest
from pointline.model.runfolder import RunFolder
from pointline.version import __version__

__all__ = ["LEDGER", "Translation", "translate"]

#: The file of a run's memory, where no database is named.
LEDGER = "ledger.sqlite"

_RUN = "\x01run"  # the row of a ledger that says whose it is


@dataclass(frozen=True, slots=True)
class Translation:
    """A finished call: what became of the records, and what the run's answers took.

    `stopped` is why the call ended early ("" if it did not), `stopped_by` who ended it.
    """

    folder: Path
    task: Task
    outcome: Outcome
    usage: Usage
    cost: float
    seconds: float
    stopped: str = ""
    stopped_by: Stop = ""

    @property
    def kept(self) -> int:
        """Records in the dataset."""
        return sum(self.outcome.kept.values())

    def to_dict(self) -> dict[str, Any]:
        """Return what `metrics.json` holds: nothing that depends on how often a run was ended."""
        found, usage = self.outcome, self.usage
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


def translate(
    origin: Origin,
    translator: Translator,
    out: str | Path,
    *,
    rules: Rules | None = None,
    encoder: Encoder | None = None,
    db: str | None = None,
    progress: Progress | None = None,
) -> Translation:
    """Translate the records that the ledger has no translation of, and write the run's files.

    `encoder` gives vectors by which entities are found that no other step finds; it is no part of
    what a run is. `db` is the URL of a database that holds the ledger. A budget that is spent or a
    server that goes away ends the asking, not the writing: `stopped` says so.

    Raises InputError where the folder or the database holds another run, RecordError for a line
    that is no record, and as the ledger does.
    """
    run, started, progress = RunFolder(Path(out)), time.monotonic(), progress or _silent
    maker = replace(_maker(origin, translator, rules or Rules()), encoder=encoder)
    run.refuse_foreign()
    with run.held():
        for part in run.path.glob(".*.part*"):  # what a kill left behind
            part.unlink()
        config = _config(origin, maker, translator)
        run.settle(config)
        with Ledger(db or run.path / LEDGER) as ledger:
            _claim(ledger, config)
            run.log("start", records=origin.total, filters=list(maker.filters))
            stopped, stopped_by = ask(ledger, origin, maker, translator, progress)
            maker = replace(maker, glossary=glossary(ledger))
            found = decide(
                run.path, ledger, origin, maker, finished=translator.finished, progress=progress
            )
            spent = ledger.spent()
        limits = translator.limits or Limits()
        cost = spent.cost(limits.price_in, limits.price_out)
        seconds = round(time.monotonic() - started, 3)
        result = Translation(
            run.path, maker.target, found, spent, cost, seconds, stopped, stopped_by
        )
        _finish(run, result, origin, maker)
    return result


def _silent(_done: int, _total: int, _stage: str) -> None:
    pass


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


# ---------------------------------------------------------------- files


def _finish(run: RunFolder, result: Translation, origin: Origin, maker: Maker) -> None:
    """Write the manifest and the counts; nothing in them tells how often the run was ended."""
    files = {f"{split}.jsonl": sha256(run.path / f"{split}.jsonl") for split in origin.files}
    manifest = result.outcome.tally.summary(maker.target, files) | _provenance(origin, maker)
    with recordfile.atomic(run.path / MANIFEST) as out:
        out.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    named = {f"{level}: {label}": name for (level, label), name in maker.glossary.items()}
    rules = {"filters": list(maker.filters), "repair": _repair(maker)}
    run.write("metrics.json", {**result.to_dict(), **rules, "glossary": named})
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
            "repair": _repair(maker),
        },
    }


def _repair(maker: Maker) -> list[str]:
    by_meaning = () if maker.encoder is None else (Step.CROSSLINGUAL,)
    return [str(step) for step in (*maker.steps, *by_meaning)]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
