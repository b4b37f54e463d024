"""What the grammar of a text costs: llguidance, which we use, beside xgrammar, on the same texts.

    python -m pip install --no-deps xgrammar apache-tvm-ffi     # into an environment of its own
    python benchmarks/mask_peers.py [--lengths 60 600] [--repeats 3]

Texts of three lengths and languages, each with its grammar as `grammar.build` writes it: Lark for
llguidance, for xgrammar the same language as EBNF, where the substrings of the text are the states
of their automaton (`model.gbnf`). Both compile it and give the mask of every step along a
completion of six items; the masks are compared bit by bit but for special tokens. They differ only
where the next bytes are fixed: there llguidance allows the tokens that the tokenizer would write,
xgrammar every token that spells their beginning. Milliseconds of
processor time, one thread, caches off, medians of the repeats; `mask` is the mean of a text's
steps, `text` is compiling and all masks. Writes results/mask_peers.json after every row.

Needs the embedded model and xgrammar; takes 5 minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from time import process_time
from typing import Any

import decode_speed
import machine
import numpy as np
import xgrammar
from llguidance import LLMatcher

from pointline.format.record import Pair, Record
from pointline.format.tasks import Task, task
from pointline.format.text import chunks
from pointline.model import backbone, gbnf, grammar, prompt
from pointline.model.decode import guide

RESULT = Path(__file__).parent / "results" / "mask_peers.json"

Masks = Iterator[np.ndarray]
Way = Callable[[str, Task, list[int]], Masks]


def llguidance_way(view: Any) -> Way:
    """A way is a generator: it compiles up to its first yield, which is empty; then masks come."""

    def masks(text: str, of: Task, tokens: list[int]) -> Masks:
        matcher = LLMatcher(view, grammar.build(of, text, align="words"), log_level=0)
        yield np.empty(0)
        for token in tokens:
            yield np.frombuffer(matcher.compute_bitmask(), dtype=np.uint8)
            assert matcher.consume_token(token), text

    return masks


def xgrammar_way(tokenizer: Any, size: int) -> Way:
    info = xgrammar.TokenizerInfo.from_huggingface(tokenizer, vocab_size=size)
    compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)

    def masks(text: str, of: Task, tokens: list[int]) -> Masks:
        rules = gbnf.from_lark(grammar.build(of, text, align="words"))
        matcher = xgrammar.GrammarMatcher(compiler.compile_grammar(rules))
        yield np.empty(0)
        for token in tokens:
            mask = np.full((1, -(-size // 32)), -1, dtype=np.int32)
            matcher.fill_next_token_bitmask(mask)
            yield mask.view(np.uint8)[0]
            assert matcher.accept_token(token), text

    return masks


def timed(way: Way, text: str, of: Task, tokens: list[int]) -> tuple[float, list[float], list]:
    """Milliseconds of compiling and of each mask, and the masks."""
    took, found = [], []
    made = way(text, of, tokens)
    for _ in range(len(tokens) + 1):
        begun = process_time()
        found.append(next(made))
        took.append(1e3 * (process_time() - begun))
    return took[0], took[1:], [mask.copy() for mask in found[1:]]


def asked(lang: str, length: int) -> tuple[str, Task, str]:
    """A text of that length, and a completion of six items out of it."""
    of = task(f"scnm-{lang}")
    joint = (" " if lang == "en" else "").join(decode_speed.TEXTS[lang])
    text = (joint * (1 + length // len(joint)))[:length].strip()
    pieces = [piece for piece in chunks(text, words=True) if piece.isalnum()]
    entities = pieces[:: max(1, len(pieces) // 6)][:6]
    pairs = tuple(Pair(of.item_labels[0], entity) for entity in entities)
    return text, of, prompt.target(Record("", of.name, text, of.labels[0], pairs), of)


def measure(ways: dict[str, Way], view: Any, lang: str, length: int, repeats: int) -> dict:
    text, of, gold = asked(lang, length)
    tokens = view.tokenize_str(gold)
    runs: dict[str, list[tuple]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            runs[name].append(timed(way, text, of, tokens))
    row: dict[str, Any] = {"lang": lang, "characters": length, "steps": len(tokens)}
    row["compile_ms"] = {n: _middle(run[0] for run in found) for n, found in runs.items()}
    row["mask_ms"] = {n: _middle(fmean(run[1]) for run in found) for n, found in runs.items()}
    row["text_ms"] = {n: _middle(run[0] + sum(run[1]) for run in f) for n, f in runs.items()}
    row["times"] = round(row["text_ms"]["xgrammar"] / row["text_ms"]["llguidance"], 2)
    one, two = (found[0][2] for found in runs.values())
    found = [apart(a, b, view) for a, b in zip(one, two, strict=True)]
    row["only_llguidance"], row["only_xgrammar"] = (list(side) for side in zip(*found, strict=True))
    row["same"] = found.count((0, 0))
    return row


def apart(one: np.ndarray, two: np.ndarray, view: Any) -> tuple[int, int]:
    """How many tokens each mask allows and the other does not; special ones do not count."""
    size = min(len(one), len(two))
    sides = (one[:size] & ~two[:size], two[:size] & ~one[:size])
    bits = (np.flatnonzero(np.unpackbits(side, bitorder="little")) for side in sides)
    left, right = (sum(not view.is_special_token(int(at)) for at in side) for side in bits)
    return left, right


def _middle(values: Iterator[float]) -> float:
    return round(median(values), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=int, nargs="+", default=[60, 600])
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    base = backbone.outline(backbone.DEFAULT)
    view = guide(base.tokenizer)
    ways = {
        "llguidance": llguidance_way(view),
        "xgrammar": xgrammar_way(base.tokenizer, view.vocab_size),
    }
    measure(ways, view, "en", 30, 1)  # what is done once is not measured
    report: dict[str, Any] = {"machine": machine.describe(), "rows": []}
    report |= {name: version(name) for name in ways}
    for lang in decode_speed.TEXTS:
        for length in chosen.lengths:
            row = measure(ways, view, lang, length, chosen.repeats)
            print(json.dumps(row), flush=True)
            report["rows"].append(row)
            RESULT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
