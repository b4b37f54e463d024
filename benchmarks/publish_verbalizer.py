"""A verbalizer study's report as this folder keeps it, without a path of the machine.

    python benchmarks/publish_verbalizer.py runs/kv [--out benchmarks/results/verbalizer]

The report in Markdown with its tables and its figure, all findings in `findings.json`, and the plan
with the names of the datasets in the place of their folders. May be run while the study is going
on: the report says how many runs are missing.

Needs a verbalizer study; takes some minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import machine
from publishing import put, write_json

from pointline.study.results import read_study
from pointline.study.verbalizer.pages import write_report
from pointline.study.verbalizer.report import find

RESULTS = Path(__file__).parent / "results" / "verbalizer"
KEPT = ("report.md", "*.csv", "verbalizers.png")


def plan(study: Path) -> dict[str, Any]:
    """The study's plan, its datasets told by name and hash."""
    told = json.loads((study / "plan.json").read_text(encoding="utf-8"))
    told["settings"]["data"] = list(told["datasets"])
    for name, dataset in told["datasets"].items():
        dataset["folder"] = name
    return told


def publish(folder: Path, out: Path) -> None:
    """Write the report anew, then the folder."""
    study = read_study(folder)
    findings = find(study)
    write_report(study, findings)
    with tempfile.TemporaryDirectory() as held:
        made = Path(held) / "verbalizer"
        made.mkdir()
        for pattern in KEPT:
            for file in folder.glob(pattern):
                shutil.copyfile(file, made / file.name)
        write_json(made / "findings.json", findings.to_dict() | {"machine": machine.describe()})
        write_json(made / "plan.json", plan(folder))
        put(made, out, sign="findings.json", private=[folder.parent, Path.home()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    publish(chosen.study, chosen.out)


if __name__ == "__main__":
    main()
