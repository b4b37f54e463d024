"""Do the tests of `pointline compare` find what is not there, and do they find what is?

    python benchmarks/null_simulation.py [--comparisons 1000] [--json FILE]

Null comparisons: two systems that are equally good by construction, compared again and again on
test sets made anew; the share with p < 0.05 should be 5 %. Power: two systems that differ by what
the MMM paper prints in Table 2, on a test set of its size; the share with p < 0.05 is the chance
that one comparison there had to show its own printed difference.

A made-up system has a text's label right, and each item, where a latent number is small enough.
The number is partly common to all systems (a hard text is hard for all) and partly its own; `alike`
is the common part of its variance.

Needs nothing else; takes about 20 minutes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from pointline.score.comparison import LEVELS, compare_rows
from pointline.score.contingency import wilson
from pointline.score.moderation import moderated
from pointline.score.randomise import randomised
from pointline.study import paper

RESULTS = Path(__file__).parent / "results" / "null_simulation.json"
MOST_ITEMS = 8
MEAN_ITEMS = 2.5
ALPHA = 0.05


@dataclass(frozen=True)
class System:
    """How good a made-up system is: shares of labels and items that it has right.

    `extra` is the mean number of invented items a record; None invents one for each item missed.
    """

    label: float = 0.75
    items: float = 0.6
    extra: float | None = None


@dataclass(frozen=True)
class World:
    """Two systems, how alike their errors are, and how much their runs differ."""

    first: System = System()
    second: System = System()
    records: int = 1000
    alike: float = 0.7
    runs: int = 1
    run_deviation: float = 0.0  # of a run's shares


def mean_items() -> float:
    """The mean of Poisson(MEAN_ITEMS), cut at MOST_ITEMS."""
    counts = np.minimum(np.random.default_rng(0).poisson(MEAN_ITEMS, 1_000_000), MOST_ITEMS)
    return float(counts.mean())


def habits(f1: float, recall: float, items: float) -> System:
    """A system of a given F1 that finds `recall` of the items; what it invents follows."""
    return System(items=recall, extra=2 * recall * items / f1 - items - recall * items)


def test_set(world: World, rng: np.random.Generator) -> Counter[tuple[int, ...]]:
    """How many records of a made-up test set brought each row of both systems' counts."""
    shape = (world.records, MOST_ITEMS)
    gold = np.minimum(rng.poisson(MEAN_ITEMS, world.records), MOST_ITEMS)
    there = np.arange(MOST_ITEMS) < gold[:, None]
    # what makes an item hard: half its text, half the item itself
    hard_text = rng.standard_normal(world.records)
    hard_item = (hard_text[:, None] + rng.standard_normal(shape)) / np.sqrt(2)
    blocks = [
        _run(system, world, gold, there, (hard_text, hard_item), rng)
        for system in (world.first, world.second)
        for _ in range(world.runs)
    ]
    rows, counts = np.unique(np.hstack(blocks), axis=0, return_counts=True)
    return Counter(dict(zip(map(tuple, rows.tolist()), counts.tolist(), strict=True)))


def _run(
    system: System,
    world: World,
    gold: NDArray[np.int64],
    there: NDArray[np.bool_],
    hard: tuple[NDArray[np.float64], NDArray[np.float64]],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    shift = world.run_deviation * rng.standard_normal()
    label = _hits(hard[0], system.label + shift, world.alike, rng)
    matched = (_hits(hard[1], system.items + shift, world.alike, rng) & there).sum(axis=1)
    invented = gold - matched if system.extra is None else rng.poisson(system.extra, len(gold))
    ones = np.ones_like(gold)
    right = label & (matched == gold) & (invented == 0)
    columns = (label, ones, ones, matched, gold, matched + invented, right, ones, label)
    return np.stack(columns, axis=1).astype(np.int64)


def _hits(
    hard: NDArray[np.float64], share: float, alike: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    own = rng.standard_normal(hard.shape)
    bound = NormalDist().inv_cdf(min(max(share, 1e-6), 1 - 1e-6))
    return np.sqrt(alike) * hard + np.sqrt(1 - alike) * own < bound


# ---------------------------------------------------------------- null comparisons


def false_positives(
    world: World, *, comparisons: int, resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """The share of comparisons with p < 0.05, by level and test; and of intervals without 0."""
    rng = np.random.default_rng(seed)
    found: Counter[tuple[str, str]] = Counter()
    for number in range(comparisons):
        rows = test_set(world, rng)
        runs = (world.runs, world.runs)
        made = compare_rows(rows, runs=runs, resamples=resamples, seed=number)
        for level, one in made.levels.items():
            if world.first != world.second and level == "all":
                continue  # of whole records, one of the two is better
            found[level, "p"] += one.p < ALPHA
            found[level, "interval"] += 0.0 not in one.interval
            if one.bootstrap is not None:
                found[level, "bootstrap"] += one.bootstrap < ALPHA
            if one.discordant is not None:
                found[level, "mcnemar"] += one.discordant.p < ALPHA
            if world.runs > 1:
                found[level, "percentiles"] += _percentiles(rows, level, world.runs, rng)
    shares: dict[str, dict[str, float]] = {}
    for (level, test), count in sorted(found.items()):
        shares.setdefault(level, {})[test] = count / comparisons
    return shares


def _percentiles(
    rows: Counter[tuple[int, ...]], level: str, runs: int, rng: np.random.Generator
) -> bool:
    """Whether drawing runs and records with replacement, and percentiles, would find something."""
    table = np.array(list(rows), dtype=np.float64)
    weights = np.array(list(rows.values()))
    sums = rng.multinomial(weights.sum(), weights / weights.sum(), size=400) @ table
    of = LEVELS[level]  # type: ignore[index]
    values = np.stack([of(block) for block in np.split(sums, 2 * runs, axis=1)], axis=1)
    picks = rng.integers(0, runs, size=(2, 400, runs))
    first = np.take_along_axis(values[:, :runs], picks[0], axis=1).mean(axis=1)
    second = np.take_along_axis(values[:, runs:], picks[1], axis=1).mean(axis=1)
    low, high = np.quantile(second - first, [ALPHA / 2, 1 - ALPHA / 2])
    return bool(low > 0 or high < 0)


def null_worlds() -> dict[str, World]:
    items = mean_items()
    return {
        "1,000 records": World(),
        "200 records": World(records=200),
        "equal F1, one finds more and invents more": World(
            habits(0.7, 0.8, items), habits(0.7, 0.62, items)
        ),
        "3 runs that differ by luck alone": World(runs=3),
        "3 runs, deviation 1 point": World(runs=3, run_deviation=0.01),
        "3 runs, deviation 3 points": World(runs=3, run_deviation=0.03),
    }


# ---------------------------------------------------------------- families


def families(
    runs: int, unlike: float, *, points: float, count: int, size: int, resamples: int, seed: int
) -> dict[str, dict[str, float]]:
    """Shares with p < 0.05, alone and moderated, in families of comparisons of several runs.

    A sub-dataset's runs deviate by 2 points times exp(`unlike` times a normal number); the second
    system is better by `points`.
    """
    rng = np.random.default_rng(seed)
    found: Counter[tuple[str, str]] = Counter()
    second = System(0.75 + points / 100, 0.6 + points / 100)
    for _ in range(count):
        made = {}
        for name in range(size):
            deviation = 0.02 * float(np.exp(unlike * rng.standard_normal()))
            world = World(System(), second, records=500, runs=runs, run_deviation=deviation)
            rows = test_set(world, rng)
            made[str(name)] = compare_rows(rows, runs=(runs, runs), resamples=resamples).levels
        for level in ("tl", "wl"):
            alone = {name: one[level] for name, one in made.items()}
            found[level, "alone"] += sum(one.p < ALPHA for one in alone.values())
            found[level, "moderated"] += sum(one.p < ALPHA for one in moderated(alone).values())
    return {
        level: {test: found[level, test] / (count * size) for test in ("alone", "moderated")}
        for level in ("tl", "wl")
    }


def family_tables(*, count: int, seed: int, size: int = 12) -> dict[str, object]:
    """Families of 12 sub-datasets of 500 records: what is found of 0 points, and of 5."""
    return {
        f"{runs} runs, deviations unlike by {unlike}, {points} points": families(
            runs, unlike, points=points, count=count, size=size, resamples=400, seed=seed
        )
        for runs in (2, 3)
        for unlike in (0.0, 0.5)
        for points in (0, 5)
    }


# ---------------------------------------------------------------- power


def table2() -> Iterator[tuple[str, System, System]]:
    """The printed scores without and with the other level, by sub-dataset."""
    for row in paper.ablation():
        without = System(row.tl_without / 100, row.wl_without / 100)
        yield f"{row.dataset} {row.lang}", without, System(row.tl_with / 100, row.wl_with / 100)


def power(world: World, *, comparisons: int, resamples: int, seed: int) -> dict[str, float]:
    """The share of comparisons with p < 0.05 for the second system, of TL and of WL."""
    rng = np.random.default_rng(seed)
    found = {"tl": 0, "wl": 0}
    levels = {level: LEVELS[level] for level in ("tl", "wl")}
    for number in range(comparisons):
        rows = test_set(world, rng)
        for level, p in randomised(rows, levels, resamples=resamples, seed=number).items():
            found[level] += p < ALPHA
    return {level: count / comparisons for level, count in found.items()}


def powers(*, comparisons: int, resamples: int, seed: int) -> dict[str, object]:
    tables: dict[str, object] = {}
    for alike in (0.5, 0.8):
        rows = {
            name: power(
                World(first, second, alike=alike),
                comparisons=comparisons, resamples=resamples, seed=seed,
            )
            | {
                "tl_points": round(100 * (second.label - first.label), 2),
                "wl_points": round(100 * (second.items - first.items), 2),
            }
            for name, first, second in table2()
        }  # fmt: skip
        every = [row[level] for row in rows.values() for level in ("tl", "wl")]
        tables[f"alike {alike}"] = {
            "comparisons in which the difference is found 4 times in 5": sum(
                share >= 0.8 for share in every
            ),
            "of": len(every),
            "expected to be found": round(sum(every), 1),
            "rows": rows,
        }
    return tables


def detectable(
    *, comparisons: int, resamples: int, seed: int, points: Sequence[int] = (1, 2, 3, 4, 5, 6)
) -> dict[str, object]:
    """Power at differences of 1 to 6 points, from TL 0.80 and WL 0.50."""
    once = {"comparisons": comparisons, "resamples": resamples, "seed": seed}
    base = System(0.80, 0.50)
    found: dict[str, object] = {}
    for alike in (0.5, 0.8):
        for point in points:
            better = System(base.label + point / 100, base.items + point / 100)
            found[f"{point} points, alike {alike}"] = power(
                World(base, better, alike=alike), **once
            )
    return found


def main() -> None:
    from machine import describe

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--power", type=int, default=200, help="comparisons for each power")
    parser.add_argument("--families", type=int, default=84, help="of 12 comparisons each")
    parser.add_argument("--only-families", action="store_true", help="keep the rest of the file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", type=Path, default=RESULTS)
    asked = parser.parse_args()
    began = time.perf_counter()
    told = {"families": family_tables(count=asked.families, seed=asked.seed)}
    if asked.only_families:
        return _write(asked.json, json.loads(asked.json.read_text(encoding="utf-8")) | told)
    worlds = null_worlds()
    measure = partial(
        false_positives,
        comparisons=asked.comparisons, resamples=asked.resamples, seed=asked.seed,
    )  # fmt: skip
    with ProcessPoolExecutor(asked.jobs) as pool:
        null = dict(zip(worlds, pool.map(measure, worlds.values()), strict=True))
    once = {"comparisons": asked.power, "resamples": 999, "seed": asked.seed}
    result = {
        "machine": describe(),
        "comparisons": asked.comparisons,
        "resamples": asked.resamples,
        "seed": asked.seed,
        "false_positives": null,
        "by chance, 95 of 100 such shares lie in": _between(asked.comparisons),
        **told,
        "power, comparisons": asked.power,
        "power at differences": detectable(**once),
        "power at the differences of Table 2": powers(**once),
        "seconds": round(time.perf_counter() - began, 1),
    }
    _write(asked.json, result)


def _write(file: Path, result: dict[str, object]) -> None:
    print(json.dumps(result, indent=1, ensure_ascii=False))
    file.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _between(comparisons: int) -> list[float]:
    found = wilson(round(ALPHA * comparisons), comparisons)
    return [round(found.low, 4), round(found.high, 4)]


if __name__ == "__main__":
    main()
