"""Three systems on the built datasets: the bare model free and constrained, the adapter.

    python benchmarks/systems.py --data data --out runs/systems

The first 200 test records of each dataset; the bare model is shown one solved record of the
training split (the first with two to four items and at most 200 characters). Runs are resumable: a
killed one goes on. Writes benchmarks/results/systems.json and prints the table of the README.

Needs the embedded model and built datasets; takes about 75 minutes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from machine import describe

from pointline.app import show
from pointline.app.bench import tables as bench_tables
from pointline.corpus.store import Dataset, read_dataset
from pointline.format.record import Record
from pointline.model.extract import Extractor, Options
from pointline.model.predict import Run, predict
from pointline.score import tables

RESULTS = Path(__file__).parent / "results" / "systems.json"


@dataclass(frozen=True)
class System:
    """One of the three: with the adapter or bare, constrained or free, shown an example or not."""

    name: str
    adapter: bool
    constrained: bool
    example: bool


SYSTEMS = (
    System("bare, one-shot, free", adapter=False, constrained=False, example=True),
    System("bare, one-shot, constrained", adapter=False, constrained=True, example=True),
    System("adapter, constrained", adapter=True, constrained=True, example=False),
)


def example_of(dataset: Dataset) -> Record:
    fit = (r for r in dataset.train if 2 <= len(r.items) <= 4 and len(r.text) <= 200)
    return next(fit)


@cache
def loaded(*, adapter: bool) -> Extractor:
    return Extractor.load(*(() if adapter else ("gemma3-270m",)))


def run(system: System, name: str, dataset: Dataset, arguments: argparse.Namespace) -> Run:
    options = Options(
        constrained=system.constrained,
        example=example_of(dataset) if system.example else None,
        max_new_tokens=arguments.max_new_tokens,
    )
    extractor = Extractor(loaded(adapter=system.adapter).backend, options)
    with show.progress(f"{name}: {system.name}") as advance:
        return predict(
            dataset.test[: arguments.limit],
            extractor,
            arguments.out / system.name.replace(", ", "-") / name,
            task=dataset.task,
            batch_size=arguments.batch_size,
            progress=advance,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--max-new-tokens", type=int, default=192)
    parser.add_argument("--systems", default="012", help="which of the three, by number")
    arguments = parser.parse_args()
    datasets = {
        path.name: read_dataset(path)
        for path in sorted(arguments.data.iterdir())
        if (path / "test.jsonl").is_file()
    }
    reports: dict[str, dict[str, object]] = {}
    seconds: dict[str, float] = {}
    for system in (SYSTEMS[int(number)] for number in arguments.systems):
        for name, dataset in datasets.items():
            done = run(system, name, dataset, arguments)
            reports.setdefault(system.name, {})[name] = done.report
            seconds[system.name] = seconds.get(system.name, 0.0) + done.seconds
            print(system.name, name, f"{done.seconds:.0f} s", flush=True)
    table = tables.side_by_side(reports, metrics=("tl", "wl", "all"), intervals=True)
    print(table.markdown())
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    made = {s: {n: r.to_dict() for n, r in found.items()} for s, found in reports.items()}
    told = {
        "machine": describe(),
        "limit": arguments.limit,
        "max_new_tokens": arguments.max_new_tokens,
        "seconds": {**before.get("seconds", {}), **seconds},
        "systems": {**before.get("systems", {}), **made},
    }
    RESULTS.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if len(told["systems"]) == len(SYSTEMS):
        print(bench_tables.table("systems", RESULTS.parent))


if __name__ == "__main__":
    main()
