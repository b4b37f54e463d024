"""Extraction by a real model behind a real OpenAI-compatible server on this machine.

    python benchmarks/prompted_local.py [--json benchmarks/results/prompted_local.json]

`transformers serve` (pip install "transformers[serving]") serves the embedded base model, which
never learned to chat; a template turns messages into solved examples. The texts are pointline's own
samples: of each task the first is shown as the example, the others are asked about. What is shown
is what becomes of real answers, free and as JSON, not how well a chat model extracts.

Needs the embedded model and transformers[serving]; takes about 10 minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from machine import describe
from translate_local import served

from pointline.app.cli_extract import samples
from pointline.corpus import store
from pointline.format.record import Record
from pointline.model import embedded
from pointline.model.chat.limits import Limits
from pointline.model.chat.question import Address
from pointline.model.extract import Options
from pointline.model.openai import ChatExtractor
from pointline.model.predict import PREDICTIONS, Run, predict

LIMITS = Limits(concurrency=1, timeout=600.0, attempts=2)
WAYS = {"free": False, "structured": True}


def by_task() -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = defaultdict(list)
    for record in samples():
        found[record.task].append(record)
    return {task: records for task, records in found.items() if len(records) > 1}


def told(way: str, run: Run) -> list[dict[str, Any]]:
    gold = {record.id: record for record in samples()}
    return [
        {
            "way": way,
            "id": one.id,
            "gold": store.to_json(gold[one.id])["label"],
            "label": one.label,
            "items": [list(item) for item in one.items],
            "right": len(set(one.items) & set(gold[one.id].items)),
            "of": len(gold[one.id].items),
            "in_text": sum(item[1] in one.text for item in one.items),
            "fault": one.meta.get("fault", ""),
            "completion": one.completion,
        }
        for one in store.read_records(run.folder / PREDICTIONS)
    ]


def measure(work: Path) -> dict[str, Any]:
    answers: list[dict[str, Any]] = []
    usage = {"requests": 0, "tokens_in": 0, "tokens_out": 0, "guessed": 0}
    with served(embedded.fetch("gemma3-270m"), work) as url:
        address = Address(str(work / "model"), url)
        for way, constrained in WAYS.items():
            for task, (example, *asked) in by_task().items():
                options = Options(constrained=constrained, example=example, max_new_tokens=192)
                who = ChatExtractor(address, options, limits=LIMITS, reading="strict")
                run = predict(asked, who, work / f"{way}-{task}")
                answers += told(way, run)
                usage = {name: usage[name] + run.account["usage"][name] for name in usage}
    counts = {way: summary([one for one in answers if one["way"] == way]) for way in WAYS}
    return {"server": "transformers serve", "model": "gemma3-270m", "usage": usage,
            "counts": counts, "answers": answers}  # fmt: skip


def summary(answers: list[dict[str, Any]]) -> dict[str, Any]:
    faults: dict[str, int] = defaultdict(int)
    for one in answers:
        faults[one["fault"] or "in the format"] += 1
    return {
        "texts": len(answers),
        "answers": dict(faults),
        "labels right": sum(one["label"] == one["gold"] for one in answers),
        "items right": sum(one["right"] for one in answers),
        "items written": sum(len(one["items"]) for one in answers),
        "items in gold": sum(one["of"] for one in answers),
        "entities in the text": sum(one["in_text"] for one in answers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        found = measure(Path(work))
    text = json.dumps({"machine": describe(), **found}, ensure_ascii=False, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
