"""How often a step of span repair is right, on cases written for it and on real decoys.

    python benchmarks/span_repair.py                       the written cases, by step
    python benchmarks/span_repair.py --decoys DIR [...]    mentions of other records as wrong ones

A decoy is the mention of another record of the dataset, no part of this record's text, that is
most like one of its own: whatever is found for it counts as wrong, though now and then it is not.

Needs built datasets for the decoys; takes about a minute.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from itertools import islice
from pathlib import Path

from machine import describe

from pointline.corpus import store
from pointline.draft.repair import THRESHOLD, locate
from pointline.format.record import Record

THRESHOLDS = (None, 0.1, 0.25, 0.4, 0.6, 0.8, 0.9)
CASES = Path(__file__).parents[1] / "tests" / "data" / "spans.tsv"


def cases(path: Path = CASES) -> list[tuple[str, str, str, str, str | None, int]]:
    """Return (language, kind, wanted, text, the right span or None, its start)."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        lang, kind, wanted, marked = line.split("\t")
        before, _, rest = marked.partition("⟦")
        span, _, after = rest.partition("⟧")
        right = span if "⟦" in marked else None
        found.append((lang, kind, wanted, before + span + after, right, len(before)))
    return found


def judged(threshold: float | None) -> tuple[Counter[tuple[str, str, str]], list[str]]:
    """Return counts by (language, step, "right" | "wrong" | "lost"), and the faults."""
    counts: Counter[tuple[str, str, str]] = Counter()
    faults = []
    for lang, kind, wanted, text, right, start in cases():
        (located,) = locate(text, [wanted], threshold=threshold)
        if located is None:
            if right is not None:
                counts[lang, kind, "lost"] += 1
                faults.append(f"lost   {lang} {kind}: {wanted} in {text}")
            continue
        good = right is not None and (located.start, located.entity) == (start, right)
        counts[lang, str(located.step), "right" if good else "wrong"] += 1
        if not good:
            faults.append(f"wrong  {lang} {located.step} {located.score:.2f}: {wanted} -> "
                          f"{located.entity} in {text}")  # fmt: skip
    return counts, faults


def main() -> None:
    """Print the tables; with --out, write them too."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--decoys", nargs="*", type=Path, default=[], metavar="DIR")
    parser.add_argument("--limit", type=int, default=250, help="records of each folder")
    parser.add_argument("--show", type=int, default=0, help="decoys that are shown")
    parser.add_argument("--out", type=Path, help="a JSON file")
    asked = parser.parse_args()
    result = {
        "machine": describe(),
        "cases": len(cases()),
        "by_threshold": {str(threshold): by_step(threshold) for threshold in THRESHOLDS},
        "faults": judged(THRESHOLD)[1],
        "decoys": {
            folder.name: decoyed(folder, asked.limit, asked.show) for folder in asked.decoys
        },
    }
    told = json.dumps(result, ensure_ascii=False, indent=1)
    print(told)
    if asked.out:
        asked.out.write_text(told + "\n", encoding="utf-8")


def by_step(threshold: float | None) -> dict[str, int]:
    """Return how many mentions each step found right and wrong, and how many were lost."""
    told: Counter[str] = Counter()
    for (_, step, how), count in judged(threshold)[0].items():
        told["lost" if how == "lost" else f"{step} {how}"] += count
    return dict(sorted(told.items()))


def decoyed(folder: Path, limit: int, show: int) -> dict[str, object]:
    """Return how many decoys were taken for mentions, by step, with examples."""
    from rapidfuzz import fuzz, process

    records = list(islice(store.iter_records(folder / "test.jsonl"), limit))
    pool = sorted({value for r in records for value in strings(r)})
    counts: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    for record in records:
        for own in dict.fromkeys(strings(record)):
            close = process.extract(own, pool, scorer=fuzz.ratio, limit=10)
            decoy = next((d for d, _, _ in close if d not in record.text), None)
            if decoy is None:
                continue
            counts["decoys"] += 1
            (located,) = locate(record.text, [decoy])
            if located is not None:
                counts[str(located.step)] += 1
                shown = examples.setdefault(str(located.step), [])
                if len(shown) < show:
                    shown.append(f"{decoy} -> {located.entity}")
    return {**counts, "examples": examples} if show else dict(counts)


def strings(record: Record) -> list[str]:
    return [p.entity for p in record.pairs] + [
        f for fact in record.facts for at, f in enumerate(fact.fields) if at != 1
    ]


if __name__ == "__main__":
    main()
