"""A study's report as this folder keeps it: `results/mre/`, without a path of the machine.

    python benchmarks/publish_study.py runs/mre [--out benchmarks/results/mre]

What `pointline study report --examples 0` writes (no text of a corpus among it), the plan with the
names of the datasets in the place of their folders, and the machine's description. May be run while
the study is going on: the report says which runs are missing.

Needs a study; takes a minute.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
from publishing import put, write_json

RESULTS = Path(__file__).parent / "results" / "mre"
#: Figures are kept as pictures with their data; the page, which holds them again, is left out.
LEFT_OUT = ("*.svg", "*.html", "*.tex")


def plan(study: Path) -> dict:
    """The study's plan, its datasets told by name and hash."""
    told = json.loads((study / "plan.json").read_text(encoding="utf-8"))
    for name, dataset in told["datasets"].items():
        dataset["folder"] = name
    return told


def publish(study: Path, out: Path) -> None:
    """Write the folder anew."""
    with tempfile.TemporaryDirectory() as held:
        made, kept = Path(held) / "report", Path(held) / "kept"
        order = ["study", "report", str(study), "--out", str(made), "--examples", "0"]
        subprocess.run([sys.executable, "-m", "pointline", *order], check=True, stdout=2)
        shutil.copytree(made, kept, ignore=shutil.ignore_patterns(*LEFT_OUT))
        write_json(kept / "plan.json", plan(study))
        write_json(kept / "machine.json", machine.describe())
        put(kept, out, sign="report.json", private=[study.parent, Path.home()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    publish(chosen.study, chosen.out)


if __name__ == "__main__":
    main()
