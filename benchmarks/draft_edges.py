"""Learn where names begin and end, for drafts, and say how often such a guess is right.

    python benchmarks/draft_edges.py --data /data/scnm-en /data/scnm-ja /data/scnm-zh

Writes src/pointline/model/edges.json from the training splits: weights of features that were seen
often, of kinds of characters and of single units. Prints, on the development splits, how often the
first guess of the next entity's beginning and of an entity's end is right, learning nothing more.

Needs built datasets; takes a few minutes.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pointline.corpus.store import iter_records
from pointline.format.record import Record
from pointline.model import edges

LEAST = 0.25  # a smaller weight is left out
RATE = 0.3
SEEN = 12  # and one of a feature that was seen less often


def spans(record: Record, around: list[str]) -> Iterator[tuple[int, int, int]]:
    """Where the entities stand, in units, and where the one before ended."""
    at, places = 0, {}
    for number, unit in enumerate([*around, ""]):
        places[at] = number
        at += len(unit)
    last = 0
    for pair in record.pairs:
        begin, end = places.get(pair.start), places.get(pair.end)
        if begin is not None and end is not None:
            if begin < last:
                last = 0
            yield last, begin, end
            last = end


def step(model: edges.Edges, around: list[str], at: int, edge: bool, seen: Counter) -> None:
    move = RATE * (edge - model.chance(around, at))
    for feature in edges.features(around, at):
        model.weights[feature] = model.weights.get(feature, 0.0) + move
        seen[feature] += 1


def learn(record: Record, begins: edges.Edges, ends: edges.Edges, seen: Counter) -> None:
    around = edges.units(record.text)
    for last, begin, end in spans(record, around):
        for at in range(last, begin + 1):
            if not around[at].isspace():
                step(begins, around, at, at == begin, seen)
        for at in range(begin + 1, end + 1):
            if not around[at - 1].isspace():
                step(ends, around, at, at == end, seen)


def right(record: Record, begins: edges.Edges, ends: edges.Edges, count: Counter) -> None:
    around = edges.units(record.text)
    for last, begin, end in spans(record, around):
        fit = [at for at in range(last, len(around)) if not around[at].isspace()]
        guess = next((at for at in fit if begins.chance(around, at) > 0.4), None)
        count["begin", guess == begin] += 1
        at = begin + 1
        while at < len(around) and (around[at - 1].isspace() or ends.chance(around, at) < 0.5):
            at += 1
        count["end", at == end] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--records", type=int, default=3000, help="of each dataset")
    chosen = parser.parse_args()
    begins, ends, seen = edges.Edges({}), edges.Edges({}), Counter()
    files = [iter_records(data / "train.jsonl") for data in chosen.data]
    for row in islice(zip(*files, strict=False), chosen.records):
        for record in row:
            learn(record, begins, ends, seen)
    kept = {
        name: {
            feature: round(weight, 2)
            for feature, weight in sorted(model.weights.items())
            if abs(weight) >= LEAST and seen[feature] >= SEEN
        }
        for name, model in (("begins", begins), ("ends", ends))
    }
    path = Path(edges.__file__).with_name("edges.json")
    path.write_text(json.dumps(kept, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    for data in chosen.data:
        count: Counter = Counter()
        for record in iter_records(data / "dev.jsonl"):
            right(record, edges.Edges(kept["begins"]), edges.Edges(kept["ends"]), count)
        shares = {
            what: round(count[what, True] / (count[what, True] + count[what, False]), 3)
            for what in ("begin", "end")
        }
        print(data.name, shares, {name: len(table) for name, table in kept.items()})


if __name__ == "__main__":
    main()
