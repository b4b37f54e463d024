"""What the words of a verbalizer study cost on the embedded model, in seconds for 100 texts.

    python benchmarks/verbalizer_cost.py DATASET... [--threads 1] [--model gemma3-270m]

For each dataset folder: the words of label, items and related (100 a class), scored by first
token, jointly for words of one token, and jointly for all; and LoRA on a few labelled texts.
Processor time, so that a busy machine counts less; the first texts of the test split. Prints a
table and writes results/verbalizer_cost.json.

Needs the embedded model and built datasets; takes about half an hour.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import fmean

import machine
import torch

from pointline.study.verbalizer import scorer as scoring
from pointline.study.verbalizer import verbalizer as step
from pointline.study.verbalizer.plan import Drawn, Settings, drawn
from pointline.study.verbalizer.scorer import Scorer
from pointline.study.verbalizer.sources import Source
from pointline.study.verbalizer.spelling import Spelled, Tree
from pointline.study.verbalizer.tuning import Tuning, tuned

# how words are scored, the longest word, how many texts it is tried on
WAYS = {
    "first": ("first", None, 32),
    "joint, one token": ("joint", 1, 16),
    "joint": ("joint", None, 2),
}
TUNED = 12  # labelled texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="+")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--model", default="gemma3-270m")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    settings = Settings(tuple(asked.data), model=asked.model, seeds=1, shots=TUNED // 2)
    scorer = scoring.load(asked.model)
    rows = [row for found in drawn(settings) for row in measured(scorer, settings, found)]
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    told = {"machine": machine.describe(), "threads": asked.threads, "rows": rows}
    out = Path(__file__).parent / "results" / "verbalizer_cost.json"
    out.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")


def measured(scorer: Scorer, settings: Settings, found: Drawn) -> list[dict[str, object]]:
    made = [
        Source(name).verbalizer(found.task, found.known, found.shots[0])
        for name in settings.verbalizers
    ]
    words = list(dict.fromkeys(word for verbalizer in made for word in verbalizer.words))
    prompts = [scorer.frame.prompt(r.text, found.template, limit=256) for r in found.test]
    rows = []
    for name, (how, longest, count) in WAYS.items():
        spelled = scorer.frame.spell(
            words, found.template, how=how, longest=longest, always=found.task.labels
        )
        began = time.process_time()
        scoring.score_prompts(scorer, prompts[:count], spelled)
        spent = (time.process_time() - began) / count
        rows.append(
            {
                "dataset": found.name,
                "way": name,
                "words": len(spelled.words),
                "beginnings": len(Tree.of(list(spelled.tokens.values())).nodes),
                "tokens_a_prompt": round(fmean(len(p.ids) for p in prompts[:count]), 1),
                "seconds_100_texts": round(100 * spent, 1),
            }
        )
        if longest == 1:
            rows[-1]["lora_seconds_text_epoch"] = round(lora(scorer, found, made[-1], spelled), 2)
    return rows


def lora(
    scorer: Scorer,
    found: Drawn,
    verbalizer: step.Verbalizer,
    spelled: Spelled,
) -> float:
    kept = step.without(verbalizer, spelled.left_out)
    words = Spelled({word: spelled.tokens[word] for word in kept.words}, {})
    shots = found.shots[0][:TUNED]
    given = [scorer.frame.prompt(r.text, found.template, limit=256) for r in shots]
    began = time.process_time()
    with tuned(scorer, given, [r.label for r in shots], kept, words, Tuning(epochs=1)):
        return (time.process_time() - began) / len(shots)


if __name__ == "__main__":
    main()
