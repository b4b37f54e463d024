"""A verbalizer study's report as this folder keeps it, without a path of the machine.

    python benchmarks/publish_verbalizer.py runs/kv [--out benchmarks/results/verbalizer]

The report in Markdown with its tables and its figure, all findings in `findings.json`, and the plan
with the names of the datasets in the place of their folders. May be run while the study is going
on: the report says how many runs are missing.

Needs a verbalizer study; takes some minutes.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import machine
from publishing import asked, plan_of, put, write_json

from pointline.study.results import read_study
from pointline.study.verbalizer.pages import write_report
from pointline.study.verbalizer.report import find

RESULTS = Path(__file__).parent / "results" / "verbalizer"
KEPT = ("report.md", "*.csv", "verbalizers.png")


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
        plan = plan_of(folder)
        plan["settings"]["data"] = list(plan["datasets"])
        write_json(made / "plan.json", plan)
        put(made, out, sign="findings.json", private=[folder.parent, Path.home()])


if __name__ == "__main__":
    asked(__doc__, RESULTS, publish)
