"""How fast items are scored beside nervaluate, on records made up here; the counts have to agree.

    python -m pip install --no-deps nervaluate      # into an environment of its own
    python benchmarks/score_peers.py [--records 2000] [--repeats 3]

Both are given gold and predicted entities with their places, in three languages, in memory and in
the form that each takes, and count those whose label and place are the same: our items by place
(`match="offset"`), nervaluate's "strict". nervaluate computes all of its four ways whenever it is
asked, ours text labels and the whole record besides; intervals are left out. Processor time,
medians, in turns. Correct, possible and actual entities of every label must be the same, or this
ends with an error; gold entities do not overlap, since nervaluate lets one prediction meet any of
those. Writes results/score_peers.json.

Needs nervaluate; takes a minute.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from time import process_time
from typing import Any

import machine
from nervaluate import Evaluator

from pointline.format.record import Pair, Prediction, Record
from pointline.format.tasks import task
from pointline.score import score

WORDS = {
    "en": ("{} met {} in {} at noon; {} had left for {}.", ("Ada", "Eve", "Bath", "Oslo", "Ravi")),
    "ja": ("{}は{}と{}へ行き、{}は{}に残った。", ("葵", "大和", "奈良", "神戸", "結菜")),
    "zh": ("{}和{}去了{}，{}留在{}。", ("小周", "林红", "厦门", "泰山", "成都")),
}
RESULT = Path(__file__).parent / "results" / "score_peers.json"


def gold_record(lang: str, number: int, rng: random.Random) -> Record:
    """A sentence of five names, each labelled by lot."""
    of = task(f"scnm-{lang}")
    pattern, names = WORDS[lang]
    text, pairs = "", []
    for piece in pattern.split("{}"):
        text += piece
        if len(pairs) < pattern.count("{}"):
            name = rng.choice(names)
            start = len(text)
            text += name
            pairs.append(Pair(rng.choice(of.item_labels), name, start, len(text)))
    return Record(f"{lang}-{number}", of.name, text, rng.choice(of.labels), tuple(pairs))


def predicted(gold: Record, rng: random.Random) -> Prediction:
    """Some pairs lost, some with another label, some a character too long."""
    labels, pairs = task(gold.task).item_labels, []
    for pair in gold.pairs:
        luck = rng.random()
        if luck < 0.1:
            continue
        if luck < 0.25:
            pair = replace(pair, label=rng.choice(labels))
        elif luck < 0.35:
            pair = replace(pair, entity=gold.text[pair.start : pair.end + 1], end=pair.end + 1)
        pairs.append(pair)
    return Prediction(gold.id, gold.task, gold.text, gold.label, tuple(pairs))


def entities(records: list[Record]) -> list[list[dict[str, Any]]]:
    """Records in nervaluate's form; it counts the last character in."""
    return [
        [{"label": p.label, "start": p.start, "end": p.end - 1} for p in record.pairs]
        for record in records
    ]


def timed(ask: Callable[[], Any]) -> tuple[float, Any]:
    begun = process_time()
    found = ask()
    return process_time() - begun, found


def measure(lang: str, count: int, repeats: int) -> dict[str, Any]:
    rng = random.Random(0)
    gold = [gold_record(lang, number, rng) for number in range(count)]
    made = [predicted(record, rng) for record in gold]
    labels = list(task(f"scnm-{lang}").item_labels)
    took: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(repeats):
        one, mine = timed(lambda: score(gold, made, match="offset", resamples=0))
        two, their = timed(
            lambda: Evaluator(entities(gold), entities(made), labels, loader="dict").evaluate()
        )
        took["ours"].append(one)
        took["theirs"].append(two)
    strict = {name: kinds["strict"] for name, kinds in their["entities"].items()}
    agree({"all": mine.wl, **mine.wl_labels}, {"all": their["overall"]["strict"], **strict})
    ratio = statistics.median(b / a for a, b in zip(*took.values(), strict=True))
    return {
        "lang": lang,
        "records": count,
        "items": sum(len(record.pairs) for record in gold),
        "ours_s": round(statistics.median(took["ours"]), 3),
        "theirs_s": round(statistics.median(took["theirs"]), 3),
        "times": round(ratio, 2),
        "same": f"{len(strict)} labels and all",
        "f1": round(mine.wl.f1, 6),
    }


def agree(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for name, counts in theirs.items():
        mine = ours[name]
        own = (mine.matched, mine.gold, mine.predicted)
        their = (counts.correct, counts.possible, counts.actual)
        if own != their or not math.isclose(mine.f1, counts.f1, rel_tol=1e-12):
            raise SystemExit(f"{name}: we count {own}, nervaluate {counts}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    rows = [measure(lang, chosen.records, chosen.repeats) for lang in WORDS]
    for row in rows:
        print(json.dumps(row))
    told = {"machine": machine.describe(), "nervaluate": version("nervaluate"), "rows": rows}
    RESULT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
