"""How each table of the pages is made: a function from a result to its head and its rows.

It yields the head before it looks at the result, so that a table has a head where nothing was
measured yet; a part of a result that is missing has no rows. A row without one of its cells is a
fault of the result.
What a page says of its numbers in words is held to the results by tests.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from pointline.app.bench.cells import METRICS, Cells, columns_of, interval
from pointline.app.bench.findings import FINDINGS
from pointline.app.bench.flows import FLOWS
from pointline.app.bench.scripts import read
from pointline.app.bench.words import WORDS
from pointline.errors import InputError

__all__ = ["TABLES", "markdown", "table"]


def table(name: str, results: Path) -> str:
    """Return the table of that name in Markdown, out of the folder `benchmarks/results`.

    Raises InputError for a name that is none, and a result that is none or lacks cells.
    """
    if name not in TABLES:
        raise InputError(f"no table {name!r}; there are {', '.join(TABLES)}")
    file, rows = TABLES[name]
    path = results / file
    if not path.is_file():
        return markdown([next(rows({}))])
    told = read(path)
    try:
        return markdown(rows(told))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise InputError(f"{path}: no cells for table {name!r}: {error}: measure again") from None


def markdown(rows: Iterable[Sequence[str]]) -> str:
    """Return rows, the first of which is the head, as a table in Markdown.

    >>> print(markdown([("step", "s"), ("read", "16")]), end="")
    | step | s |
    |---|---|
    | read | 16 |
    """
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, "|---" * head.count(" | ") + "|---|", *body]) + "\n"


# ---------------------------------------------------------------- scores


_SYSTEMS = {
    "bare, free": "bare, one-shot, free",
    "bare, constrained": "bare, one-shot, constrained",
    "adapter": "adapter, constrained",
}


def _systems(told: Any) -> Cells:
    columns = list(product(METRICS, _SYSTEMS))
    yield ("dataset", *(f"{metric.upper()} {name}" for metric, name in columns))
    found = told.get("systems", {})
    for dataset in sorted(found.get(_SYSTEMS["adapter"], ())):
        cells = (interval(found[_SYSTEMS[name]][dataset], metric) for metric, name in columns)
        yield (f"`{dataset}`", *cells)


_FORMS = ("plain", "listed", "unseen")


def _trials(told: Any) -> Cells:
    yield ("trial", "steps", "tokens", "CPU s", *_FORMS)
    trials = told.get("trials", {})
    for name, trial in trials.items():
        first = next(iter(trials.values()))
        spent = (f"{trial['steps']}", f"{trial['tokens']:,}", f"{trial['cpu_seconds']:.0f}")
        yield (name, *spent, *(_loss(trial[form], first[form]) for form in _FORMS))


def _loss(found: Mapping[str, float], first: Mapping[str, float]) -> str:
    """Return a loss and how far it is from the first, with the error of the mean over datasets."""
    shifts = [found[name] - first[name] for name in first if name != "all"]
    if not any(shifts):
        return f"{found['all']:.3f}"
    error = stdev(shifts) / math.sqrt(len(shifts))
    return f"{found['all']:.3f} ({fmean(shifts):+.3f} ± {error:.3f})"


def _families(told: Any) -> Cells:
    levels = list(product(("tl", "wl"), ("alone", "moderated")))
    yield ("runs, deviations", "points", *(f"{level.upper()}, {how}" for level, how in levels))
    for name, shares in told.get("families", {}).items():
        runs, deviations, points = name.split(", ")
        alike = "unlike" if deviations.endswith("0.5") else "alike"
        percents = (f"{100 * shares[level][how]:.1f}" for level, how in levels)
        yield (f"{runs}, {alike}", points.split()[0], *percents)


def _prompted(told: Any) -> Cells:
    yield "answers", "texts", "in the format", "labels right", "items right", "entities in the text"
    for way, count in told.get("counts", {}).items():
        yield (
            way, str(count["texts"]), str(count["answers"].get("in the format", 0)),
            f"{count['labels right']} of {count['texts']}",
            f"{count['items right']} of {count['items in gold']}",
            f"{count['entities in the text']} of {count['items written']}",
        )  # fmt: skip


# ---------------------------------------------------------------- decoding


_FUZZED = (
    "texts", "items", "unreadable", "not verbatim", "not placed", "unknown label",
    "unknown item label",
)  # fmt: skip


def _fuzz(told: Any) -> Cells:
    yield "what", "count"
    for what in filter(told.__contains__, _FUZZED):
        yield what, str(told[what])


def _speed(told: Any) -> Cells:
    yield "batch", "way", "passes of the model", "processor seconds"
    for row in told.get("rows", ()):
        yield columns_of(row, "batch", "way", "passes", "cpu_s")


def _stream(told: Any) -> Cells:
    yield "data", "batch", "texts", "batch by batch", "stream"
    for row in told.get("rows", ()):
        yield columns_of(row, "data", "batch", "texts", "before_s", "after_s")


def _grammar(told: Any) -> Cells:
    yield "language", "characters", "compile", "mask"
    for row in told.get("grammar", ()):
        yield columns_of(row, "lang", "characters", "compile_ms", "mask_ms_mean")


def _fast(told: Any) -> Cells:
    yield "data", "way", "passes", "seconds", "times faster", "same tokens"
    for name, found in sorted(told.get("languages", {}).items()):
        for way in filter(found.__contains__, _WAYS):
            row, same = found[way], f"{found[way]['same']} of {found['texts']}"
            yield (name, way, *columns_of(row, "passes", "median_s", "faster_median"), same)


_WAYS = ("reference", "before", "float32", "float16")
_KINDS = ("body", "drafts", "grammar", "outputs", "rest")


def _split(told: Any) -> Cells:
    yield "data", "way", *_KINDS
    for name, found in sorted(told.get("languages", {}).items()):
        for way in filter(found.__contains__, _WAYS[2:]):
            yield (name, way, *columns_of(found[way]["split_ms"], *_KINDS))


def _batches(told: Any) -> Cells:
    yield "way", "passes", "texts a second", "same tokens"
    for way, row in told.get("ways", {}).items():
        yield (way, *columns_of(row, "passes", "per_s"), f"{row['same']} of {told['texts']}")


def _precision(told: Any) -> Cells:
    levels = ("tl", "wl", "all")
    yield (
        "data", "records", *(f"{level.upper()}, float16 − float32" for level in levels),
        "same completions", "processor time, float16 / float32",
    )  # fmt: skip
    for row in told.get("rows", ()):
        shifts = (_shift(row[level]) for level in levels)
        ratio = f"{row['float16_s'] / row['float32_s']:.2f}"
        yield (row["data"], str(row["records"]), *shifts, str(row["same"]), ratio)


def _shift(level: Mapping[str, Any]) -> str:
    low, high = (f"{100 * bound:+.1f}" for bound in level["interval"])
    return f"{100 * (level['float16'] - level['float32']):+.1f} [{low}, {high}]"


def _cold(told: Any) -> Cells:
    yield "what", "processor seconds, median", "least", "most"
    for row in told.get("rows", ()):
        yield columns_of(row, "what", "cpu_s", "least_s", "most_s")


# ---------------------------------------------------------------- training and studies


def _trl(told: Any) -> Cells:
    yield "trainer", "tokens per CPU second", "times TRL, median of steps"
    for row in told.get("rows", ()):
        times = f"{row['times TRL, by CPU, median of steps']:.1f}"
        yield row["trainer"], str(row["tokens per CPU second"]), times


_SCORED = ("first", "joint, one token", "joint")


def _verbalizers(told: Any) -> Cells:
    yield (
        "dataset", "words", "of one token", "first token", "joint, `--longest 1`", "joint",
        "LoRA, a text and epoch",
    )  # fmt: skip
    found = {(row["dataset"], row["way"]): row for row in told.get("rows", ())}
    for name in dict.fromkeys(dataset for dataset, _ in found):
        _, single, joint = ways = [found[name, way] for way in _SCORED]
        seconds = [*(way["seconds_100_texts"] for way in ways), single["lora_seconds_text_epoch"]]
        yield (name, *map(str, (joint["words"], single["words"], *seconds)))


# ---------------------------------------------------------------- the machinery


def _big_file(told: Any) -> Cells:
    yield "step", "seconds of processor", "peak resident MiB"
    for row in told.get("results", ()):
        yield row["step"], f"{row['cpu_seconds']:g}", str(row["peak_mib"])


def _kills(told: Any) -> Cells:
    yield "what", "count"
    for what, count in told.get("kills", {}).items():
        if type(count) is int:
            yield what, f"{count:,}"


def _workers(told: Any) -> Cells:
    yield "model", "texts", "one worker", "two workers"
    if waits := told.get("waits"):
        worked = (f"{waits['seconds at work'][n]} s" for n in "12")
        yield ("waits 50 ms a batch", f"{waits['texts']:,}", *worked)
    if model := told.get("embedded"):
        spent = (model["workers"][n]["processor seconds a text"] for n in "12")
        yield ("embedded", str(model["texts"]), *(f"{each} processor s a text" for each in spent))


def _cpu(told: Any) -> Cells:
    yield (
        "texts", "processor seconds a text", "processor hours for 100,000,000",
        "days on 64 processors", "cost at 0.04 a processor hour",
    )  # fmt: skip
    for row in told.get("rows", ()):
        if row["batch"] == 32:
            each = row["after_s"]
            hours = each / 3600 * 1e8
            cost = f"{hours * 0.04:,.0f}"
            yield row["data"], str(each), f"{hours:,.0f}", f"{hours / 24 / 64:.1f}", cost


def _load(told: Any) -> Cells:
    yield (
        "clients", "answers", "texts a second", "p50, s", "p95, s", "CPU seconds a text",
        "own memory, MiB",
    )  # fmt: skip
    for row in told.get("rows", ()):
        counted = columns_of(row, "texts_per_s", "p50_s", "p95_s", "cpu_s_per_text")
        answers = str(row["answers"].get("ok", 0))
        yield (str(row["clients"]), answers, *counted, str(round(row["memory_mib"]["last"])))


# ---------------------------------------------------------------- peers


def _scoring_peer(told: Any) -> Cells:
    yield (
        "language", "records", "items", "ours, s", "nervaluate, s", "times as fast",
        "same counts",
    )  # fmt: skip
    for row in told.get("rows", ()):
        yield columns_of(row, "lang", "records", "items", "ours_s", "theirs_s", "times", "same")


def _mask_peer(told: Any) -> Cells:
    yield (
        "language", "characters", "steps", "compile, llguidance", "compile, xgrammar",
        "mask, llguidance", "mask, xgrammar", "a text, xgrammar over llguidance", "same masks",
    )  # fmt: skip
    for row in told.get("rows", ()):
        each = (f"{row[k][way]:g}" for k, way in product(("compile_ms", "mask_ms"), _MASKS))
        same = f"{row['same']} of {row['steps']}"
        yield (*columns_of(row, "lang", "characters", "steps"), *each, str(row["times"]), same)


_MASKS = ("llguidance", "xgrammar")


def _llamacpp_peer(told: Any) -> Cells:
    yield (
        "model", "language", "texts", "tokens", "our weights", "ours, s", "llama.cpp, s",
        "times as fast", "same text",
    )  # fmt: skip
    for row in told.get("rows", ()):
        same = f"{row['same']} of {row['texts']}"
        kinds = columns_of(row, "model", "lang", "texts", "tokens", "weights")
        yield (*kinds, *columns_of(row, "ours_s", "theirs_s", "times"), same)


Rows = Callable[[Any], Cells]

#: Every table by the name that its mark in a page tells: the result's file, and its rows.
TABLES: Mapping[str, tuple[str, Rows]] = {
    "systems": ("systems.json", _systems),
    "trials": ("recipes.json", _trials),
    "families": ("null_simulation.json", _families),
    "prompted": ("prompted_local.json", _prompted),
    "fuzz": ("fuzz_decode.json", _fuzz),
    "speed": ("decode_speed.json", _speed),
    "stream": ("stream_speed.json", _stream),
    "grammar": ("decode_speed.json", _grammar),
    "fast": ("fast_path_1.json", _fast),
    "fast, two threads": ("fast_path_2.json", _fast),
    "split": ("fast_path_1.json", _split),
    "batches": ("fast_path_batch.json", _batches),
    "precision": ("precision_cost.json", _precision),
    "cold": ("cold_start.json", _cold),
    "trl": ("train_trl.json", _trl),
    "verbalizers": ("verbalizer_cost.json", _verbalizers),
    "big file": ("big_file.json", _big_file),
    "kills": ("batch_kills.json", _kills),
    "workers": ("batch_kills.json", _workers),
    "cpu": ("stream_speed.json", _cpu),
    "load": ("serve_load.json", _load),
    "scoring peer": ("score_peers.json", _scoring_peer),
    "mask peer": ("mask_peers.json", _mask_peer),
    "llama.cpp": ("llamacpp_peer.json", _llamacpp_peer),
    **FINDINGS,
    **FLOWS,
    **WORDS,
}
