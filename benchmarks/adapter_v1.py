"""Version 1 of the adapter against version 0, the bare base, and adapters of one task each.

    python benchmarks/adapter_v1.py --data data --raw raw --v1 runs/adapter-v1/adapter \
        --v0 runs/adapter-v0 --study runs/study --out runs/adapter-v1-tests

On the first `--limit` test records of each of the 21 datasets, those of the study where it has the
dataset, and on what no adapter was trained on (`heldout.py`). The base is shown one solved record;
every system decodes under the grammar. The adapters of one task are read from a study
(`pointline study ablation`), so that nothing is trained twice: its runs "joint:label-first" of the
first seed, or, where there are none, the label of "text->label" with the items of "text->items",
an adapter each. They are scored on the records that they have in common with the others.

A killed call goes on where it stopped; systems whose adapter is not given are left out. Writes
results/adapter_v1.json and prints the tables of docs/adapter.md.

Needs the embedded model, built datasets, the raw corpora and trained adapters; takes hours.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from heldout import HELD_OUT, MUSIC, held_out, training_keys
from machine import describe
from systems import example_of

from pointline.app import show
from pointline.app.bench.cells import METRICS
from pointline.app.bench.findings import BASE, FINDINGS, KNOWN, LISTED, SINGLE, V0, V1
from pointline.app.bench.tables import markdown
from pointline.corpus.store import read_dataset, read_records
from pointline.format.record import Record
from pointline.format.tasks import Task, adhoc
from pointline.model.extract import Extractor, Options
from pointline.model.labellists import labels_of
from pointline.model.predict import predict
from pointline.score.comparison import compare
from pointline.score.match import score
from pointline.study.results import Study, read_study

RESULTS = Path(__file__).parent / "results" / "adapter_v1.json"


@dataclass(frozen=True)
class Tested:
    """Records to test on, the task they are asked as, the solved record that the base is shown.

    `beside`: it is none of the 21.
    """

    name: str
    task: Task
    records: tuple[Record, ...]
    example: Record
    beside: bool = False


# ---------------------------------------------------------------- what is tested


def tested_sets(arguments: argparse.Namespace, study: Study | None) -> list[Tested]:
    """The 21 test sets, then those that were held out."""
    found, examples = [], {}
    for path in sorted(arguments.data.iterdir()):
        dataset = read_dataset(path)
        train = [record for record in dataset.train if not set(HELD_OUT) & labels_of(record)]
        examples[path.name] = example_of(replace(dataset, splits={"train": train}))
        records: Sequence[Record] = dataset.test
        if study is not None and path.name in study.datasets:
            records = study.datasets[path.name][1]
        chosen = tuple(records[: arguments.limit])
        found.append(Tested(path.name, dataset.task, chosen, examples[path.name]))
        if dataset.task.labels is None:
            listed = _listing(dataset.task, train)
            found.append(Tested(f"{path.name}{LISTED}", listed, chosen, examples[path.name], True))
    keys = training_keys(arguments.data)
    for held in held_out(arguments.data, arguments.raw, arguments.limit, keys):
        if not held.records:
            continue
        near = "scnm-ja" if held.name.startswith("stockmark") else f"tconer-{held.task.lang}"
        found.append(Tested(held.name, held.task, held.records, examples[near], beside=True))
    return found


def _listing(task: Task, train: Iterable[Record]) -> Task:
    """The task as a user asks it who knows its text labels: they stand in the prompt.

    An open task shares its word with a closed one (tconer and scnm), and a plain prompt does not
    tell which of both is meant.
    """
    labels = Counter(record.label for record in train)
    return adhoc(labels=sorted(labels), lang=task.lang, word=task.word)


# ---------------------------------------------------------------- what is predicted


def predictions(
    system: str, adapter: Path | None, sets: Iterable[Tested], arguments: argparse.Namespace
) -> dict[str, list[Record]]:
    """What a system says of every set; of those alone that it has answered where told so."""
    if arguments.no_predict:
        return _answered(system, sets, arguments.out)
    loaded = Extractor.load(arguments.base, adapter=adapter)
    made = {}
    for each in sets:
        example = each.example if system == BASE else None
        options = Options(example=example, max_new_tokens=arguments.max_new_tokens)
        out = arguments.out / _slug(system) / _slug(each.name)
        with show.progress(f"{each.name}: {system}") as advance:
            run = predict(
                each.records,
                Extractor(loaded.backend, options),
                out,
                task=each.task,
                batch_size=arguments.batch_size,
                progress=advance,
            )
        print(f"{system} {each.name} {run.seconds:.0f} s", flush=True)
        made[each.name] = list(read_records(out / "predictions.jsonl"))
    return made


def _answered(system: str, sets: Iterable[Tested], out: Path) -> dict[str, list[Record]]:
    made = {}
    for each in sets:
        file = out / _slug(system) / _slug(each.name) / "predictions.jsonl"
        found = list(read_records(file)) if file.is_file() else []
        if {record.id for record in each.records} <= {record.id for record in found}:
            made[each.name] = found
    return made


def _slug(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-")


def of_one_task(study: Study, sets: Iterable[Tested]) -> dict[str, list[Record]]:
    """What the study's adapters of one task say; nothing of sets that it has no finished run of."""
    found = {}
    for each in sets:
        joint = study.runs(each.name, "joint:label-first")
        apart = study.both(each.name, "text->label", "text->items")
        if joint:
            found[each.name] = list(read_records(joint[0].predictions))
        elif apart:
            found[each.name] = _put_together(*(read_records(run.predictions) for run in apart[0]))
    return found


def _put_together(labelled: Iterable[Record], read: Iterable[Record]) -> list[Record]:
    """The text labels that one adapter gave, with the items that another one found."""
    labels = {record.id: record.label for record in labelled}
    return [replace(record, label=labels[record.id]) for record in read if record.id in labels]


# ---------------------------------------------------------------- what it is worth


def scored(each: Tested, found: Sequence[Record]) -> dict[str, Any] | None:
    """TL, WL and ALL with their intervals, on the set's records that the system has."""
    gold, said = _common(each.records, found)
    if not gold:
        return None
    gold, said = ([replace(r, task=each.task.name) for r in some] for some in (gold, said))
    report = score(gold, said, tasks={each.task.name: each.task}).to_dict()
    told = {"records": len(gold), "all": report["all"]}
    told |= {metric: {"f1": report[metric]["f1"]} for metric in ("tl", "wl")}
    intervals = {m: {k: report["intervals"][m][k] for k in ("low", "high")} for m in METRICS}
    return {**told, "intervals": intervals}


def _common(gold: Iterable[Record], said: Iterable[Record]) -> tuple[list[Record], list[Record]]:
    by_id = {record.id: record for record in said}
    kept = [record for record in gold if record.id in by_id]
    return kept, [by_id[record.id] for record in kept]


def difference(
    sets: Iterable[Tested],
    first: Mapping[str, Sequence[Record]],
    second: Mapping[str, Sequence[Record]],
) -> dict[str, Any]:
    """The second system against the first, p corrected over the sets."""
    gold, one, two, tasks = [], [], [], {}
    for each in sets:
        if each.name not in first or each.name not in second:
            continue
        tasks[each.name] = replace(each.task, name=each.name)
        kept, _ = _common(each.records, first[each.name])
        kept, said = _common(kept, second[each.name])
        for told, records in ((gold, kept), (one, _common(kept, first[each.name])[1]), (two, said)):
            told += [replace(r, task=each.name, id=f"{each.name}/{r.id}") for r in records]
    return compare(gold, [one], [two], tasks=tasks, resamples=2000).to_dict() if gold else {}


def trained_on(sets: Iterable[Tested]) -> list[Tested]:
    """The sets of tconer without the records that hold a type of the held-out ones."""
    held = set(HELD_OUT)
    named = {f"tconer-{lang}" for lang in MUSIC}
    return [
        replace(
            each,
            name=f"{each.name}{KNOWN}",
            records=tuple(r for r in each.records if not held & labels_of(r)),
        )
        for each in sets
        if each.name in named
    ]


def results(sets: Sequence[Tested], said: Mapping[str, dict[str, list[Record]]]) -> dict[str, Any]:
    """Every score, and version 1 against the others where it is there."""
    parts = trained_on(sets)
    for found in said.values():
        found |= {p.name: found[n] for p in parts if (n := p.name.split(",")[0]) in found}
    scores = {
        system: {
            each.name: told
            for each in [*sets, *parts]
            if each.name in found and (told := scored(each, found[each.name]))
        }
        for system, found in said.items()
    }
    published = [each for each in sets if not each.beside]
    unseen = [each for each in sets if each.beside and not each.name.endswith(LISTED)]
    differences = {
        f"{V1} against {system}": {
            "datasets": difference(published, found, said[V1]),
            "held out": difference(unseen, found, said[V1]),
        }
        for system, found in said.items()
        if system != V1 and V1 in said
    }
    return {"systems": scores, "differences": differences}


# ---------------------------------------------------------------- tables


def tables(told: Mapping[str, Any]) -> str:
    """Every table of docs/adapter.md that this result makes."""
    named = {name: rows for name, (file, rows) in FINDINGS.items() if file == RESULTS.name}
    return "\n".join(f"{name}\n\n{markdown(rows(told))}" for name, rows in named.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--raw", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base", default="gemma3-270m")
    parser.add_argument("--v1", type=Path)
    parser.add_argument("--v0", type=Path)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--no-base", action="store_true", help="leave the bare base out")
    parser.add_argument("--no-predict", action="store_true", help="score what is answered already")
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--max-new-tokens", type=int, default=192)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    study = read_study(arguments.study) if arguments.study else None
    sets = tested_sets(arguments, study)
    said = {SINGLE: of_one_task(study, sets)} if study is not None else {}
    for system, adapter in ((V1, arguments.v1), (V0, arguments.v0), (BASE, None)):
        if adapter is None and (system != BASE or arguments.no_base):
            continue
        said[system] = predictions(system, adapter, sets, arguments)
        told = {
            "machine": describe(),
            "limit": arguments.limit,
            "max_new_tokens": arguments.max_new_tokens,
            "sets": {each.name: each.beside for each in sets},
            **results(sets, said),
        }
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
        arguments.results.write_text(text, encoding="utf-8")
        print(tables(told), flush=True)


if __name__ == "__main__":
    main()
