"""Constrained decoding under fire: random texts, a model of random weights, random choices.

    python benchmarks/fuzz_decode.py [--texts 10000] [--seed 0]

Every completion must be read strictly, every entity must stand in its text, every label must be
one of its task's. Prints the counts and writes results/fuzz_decode.json.

Needs nothing but pointline[hf]; takes about 6 minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import machine
import torch

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from tiny import tiny_model

from pointline.errors import FormatError
from pointline.format import codec
from pointline.format.record import Prediction, Record
from pointline.format.tasks import TASKS, Task
from pointline.model import backbone
from pointline.model.extract import Extractor, Options
from pointline.model.hf import HFBackend
from pointline.model.interpret import REPAIRS, finish

_PIECES = {
    "en": [
        "Ada",
        "Turin",
        "the",
        "tide",
        "O'Neill",
        "José",
        "state-of-the-art",
        "10:30",
        "3.14",
        "a/b",
        "don't",
        "IBM",
    ],
    "ja": [
        "紫式部",
        "京都",
        "は",
        "で",
        "が",
        "カナ",
        "ﾊﾞｽ",
        "一〇：三〇",
        "「",
        "」",
        "。",
        "、",
        "新しい",
        "がぎ",
    ],
    "zh": ["李白", "上海", "的", "在", "了", "，", "。", "：", "；", "“", "”", "北京大学", "都灵"],
    "emoji": ["😀", "👩\u200d🚀", "🇯🇵", "❤️", "👍🏽", "🌳"],
    "delimiters": [":", ";", "/", "\\", "\\n", "\\:", ":;", "/NER/", "\\@2", "：", "；", "／"],
    "blanks": [" ", "  ", "\t", "\n", "\r\n", "\u3000", "\u00a0", "\u2028", "\x1c", "\x85"],
    "controls": ["\x00", "\x07", "\x1b[1m", "\x7f", "\u200b", "\u200d", "\u202e", "\ufeff"],
    "marks": ["e\u0301", "か\u3099", "ﾞ", "\u0301", "\U00020bb7", "\U0010ffff"],
    "special": ["<eos>", "<bos>", "<pad>", "<unk>", "<|im_end|>", "<start_of_turn>", "</s>"],
}


_TOLD = ("texts", "texts in several windows", "texts with items", "items")


def fuzzed(count: int, seed: int) -> Iterator[Record]:
    """Texts of one language or of all, with what hurts mixed in, each with a task."""
    rng = random.Random(seed)
    tasks = list(TASKS.values())
    for number in range(count):
        spice = rng.random()
        kinds = rng.sample(["en", "ja", "zh"], rng.choice([1, 1, 3])) * 4
        kinds += [kind for kind in _PIECES if rng.random() < spice]
        joint = rng.choice(["", "", " "])
        length = 400 if rng.random() < 0.01 else rng.randint(0, 24)  # 400: longer than the window
        pieces = (rng.choice(_PIECES[rng.choice(kinds)]) for _ in range(length))
        yield Record(str(number), rng.choice(tasks).name, joint.join(pieces))


def faults(found: Prediction, task: Task, text: str) -> Iterator[str]:
    """Name what is wrong with a prediction."""
    if not found.ok or set(found.repairs) - {*REPAIRS}:
        yield "unreadable"
    windows = found.meta.get("window_completions")
    if windows is None and "cut-dropped" in found.repairs:
        windows = [finish(found.completion or "")]
    for line in (found.completion or "", *windows) if windows else [found.completion or ""]:
        yield from line_faults(line, task, text)
    for pair in found.pairs:
        if pair.start is None or text[pair.start : pair.end] != pair.entity:
            yield "not placed"


def line_faults(line: str, task: Task, text: str) -> Iterator[str]:
    """Name what is wrong with a completion line."""
    try:
        reading = codec.read(line, task, text)
    except FormatError:
        yield "unreadable"
        return
    if task.labels is not None and reading.label not in task.labels:
        yield "unknown label"
    at = 0 if task.shape == "pairs" else 1
    for item in reading.items:
        if task.item_labels is not None and item[at] not in task.item_labels:
            yield "unknown item label"
        for entity in item[:at] + item[at + 1 :]:
            if not entity or entity != entity.strip() or entity not in text:
                yield "not verbatim"


def fuzz(folder: Path, count: int, *, seed: int = 0, batch_size: int = 64) -> dict[str, object]:
    """Generate for `count` texts by random choices among the allowed tokens, and count."""
    base = backbone.load(tiny_model(folder / "model", seed=seed), device="cpu")
    backend = HFBackend(base, sample=torch.Generator().manual_seed(seed))
    limits = {"max_items": 6, "max_new_tokens": 96}
    counts: Counter[str] = Counter()
    wrong: list[tuple[str, str]] = []
    for align in ("chars", "words"):
        records = list(fuzzed(count // 2, seed + (align == "words")))
        ex = Extractor(backend, Options(align=align, **limits))
        for record, found in zip(records, ex.many(records, batch_size=batch_size), strict=True):
            counts["texts"] += 1
            counts["items"] += len(found.items)
            counts["texts in several windows"] += "window_completions" in found.meta
            counts["texts with items"] += bool(found.items)
            counts.update(found.repairs)
            for fault in set(faults(found, TASKS[record.task], record.text)):
                counts[fault] += 1
                wrong.append((fault, found.completion or ""))
    names = ("unreadable", "not verbatim", "not placed", "unknown label", "unknown item label")
    return {
        **{name: counts[name] for name in (*names, *_TOLD)},
        "cut by the limit or a loop": counts["cut-dropped"],
        "repeats dropped": counts["repeat-dropped"],
        "options": limits,
        "wrong": wrong[:10],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result = fuzz(Path(folder), chosen.texts, seed=chosen.seed)
    report = {
        **result,
        "seed": chosen.seed,
        "seconds": round(time.perf_counter() - begin, 1),
        "machine": machine.describe(),
    }
    print(json.dumps(report, indent=1, ensure_ascii=False))
    path = Path(__file__).parent / "results" / "fuzz_decode.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.exit(1 if result["wrong"] else 0)


if __name__ == "__main__":
    main()
