"""Write the counts of built datasets into the tables of docs/data.md, row by row.

    python benchmarks/data_counts.py --data data

Rows and columns stay as the page has them: the numbers are replaced, and a rule of a manifest that
the page does not name is printed, so that it can be entered.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pointline.corpus.describe import stats
from pointline.corpus.store import Dataset, read_dataset

PAGE = Path(__file__).parents[1] / "docs" / "data.md"
Row = list[str]


def sizes(row: Row, datasets: Mapping[str, Dataset]) -> Row:
    dataset = datasets[row[0].strip("`")]
    told, total = stats(dataset), stats(dataset).total
    records = [f"{split.records:,}" for split in told.splits]
    shares = [f"{k} {_percent(v / total.records)}" for k, v in total.labels.items()]
    mean = f"{total.items_per_record:.2f}", f"{total.lengths.mean:.0f}"
    return [row[0], *records, *mean, f"{100 * total.ambiguous:.1f}%", ", ".join(shares)]


def _percent(share: float) -> str:
    return f"{round(100 * share, 1):g}%"


def by_language(row: Row, rules: list[Mapping[str, int]], named: set[str]) -> Row:
    for prefix in ("", "items dropped: no word label for "):
        if any(prefix + row[0] in found for found in rules):
            named.add(prefix + row[0])
            return [row[0], *(f"{found.get(prefix + row[0], 0):,}" for found in rules)]
    raise SystemExit(f"{PAGE}: no dataset has the rule {row[0]!r}")


def by_dataset(row: Row, manifests: Mapping[str, Any]) -> Row:
    name, step, rule, _ = row
    rules = manifests[name.strip("`")]["rules"]
    for source in manifests[name.strip("`")]["sources"]:
        if step == f"reading {source['corpus']}":
            rules = source["rules"]
    return [name, step, rule, f"{rules.get(rule, 0):,}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    folder = parser.parse_args().data
    folders = sorted(path.parent for path in folder.glob("*/manifest.json"))
    datasets = {path.name: read_dataset(path) for path in folders}
    manifests = {name: dataset.manifest for name, dataset in datasets.items()}
    scnm = [manifests[f"scnm-{lang}"] for lang in ("en", "ja", "zh")]
    crossre = [found["sources"][0]["rules"] for found in scnm]
    named: set[str] = set()
    lines, head = [], ""
    for line in PAGE.read_text(encoding="utf-8").split("\n"):
        if line.startswith("|") and not re.match(r"\|-", line):
            row = [cell.strip() for cell in line.strip("|").split("|")]
            if head == "":
                head = line
            elif head.startswith("| dataset | train"):
                row = sizes(row, datasets)
            elif head.startswith(("| SCNM: rule", "| type without")):
                row = by_language(row, [found["rules"] for found in scnm], named)
            elif head.startswith("| CrossRE: rule"):
                row = by_language(row, crossre, named)
            elif head.startswith("| dataset | step"):
                row = by_dataset(row, manifests)
            line = f"| {' | '.join(row)} |"
        elif not line.startswith("|"):
            head = ""
        lines.append(line)
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    for rule in sorted({rule for found in crossre for rule in found} - named):
        print(f"not on the page: crossre, {rule}")


if __name__ == "__main__":
    main()
