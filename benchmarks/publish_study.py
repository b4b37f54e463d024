"""A study's report as this folder keeps it: `results/mre/`, without a path of the machine.

    python benchmarks/publish_study.py runs/mre [--out benchmarks/results/mre]

What `pointline study report --examples 0` writes (no text of a corpus among it), the plan with the
names of the datasets in the place of their folders, and the machine's description. May be run while
the study is going on: the report says which runs are missing.

Needs a study; takes a minute.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
from publishing import asked, plan_of, put, write_json

RESULTS = Path(__file__).parent / "results" / "mre"
#: Figures are kept as pictures with their data; the page, which holds them again, is left out.
LEFT_OUT = ("*.svg", "*.html", "*.tex")


def publish(study: Path, out: Path) -> None:
    """Write the folder anew."""
    with tempfile.TemporaryDirectory() as held:
        made, kept = Path(held) / "report", Path(held) / "kept"
        order = ["study", "report", str(study), "--out", str(made), "--examples", "0"]
        subprocess.run([sys.executable, "-m", "pointline", *order], check=True, stdout=2)
        shutil.copytree(made, kept, ignore=shutil.ignore_patterns(*LEFT_OUT))
        write_json(kept / "plan.json", plan_of(study))
        write_json(kept / "machine.json", machine.describe())
        put(kept, out, sign="report.json", private=[study.parent, Path.home()])


if __name__ == "__main__":
    asked(__doc__, RESULTS, publish)
