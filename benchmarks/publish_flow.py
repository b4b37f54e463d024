"""What studies of flow found, as this folder keeps it, and whether it goes with an ablation's.

    python benchmarks/publish_flow.py runs/flow --report benchmarks/results/mre/report.json

`runs/flow` holds the studies, each in a folder DIRECTION-MODEL (`items-to-label-raw`), or, where
every dataset has a model of its own, in DIRECTION-MODEL/DATASET. Kept are the settings, what was
left out, curves, knockouts and figures of each (no text, no map), and in `flow.json` one line of
numbers a dataset and Spearman's correlation with the ablation's differences of F1.

Needs studies of flow and the report of an ablation; takes a minute.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import machine
from PIL import Image
from publishing import put, write_json

from pointline.errors import InputError
from pointline.study.flow.against import ablation_differences, flow_number
from pointline.study.flow.correlation import correlate
from pointline.study.flow.gallery import draw
from pointline.study.flow.result import FlowResult, FlowStudy, read_flow
from pointline.study.flow.tables import write_tables
from pointline.study.flow.words import conclusions

RESULTS = Path(__file__).parent / "results" / "flow"
KEPT = ("curves.csv", "knockout.csv", "figures/*.png")
NAME = re.compile(r"(?P<direction>items-to-label|label-to-items)-(?P<model>\w+)")


def groups(folder: Path) -> Iterator[tuple[str, str, list[FlowStudy]]]:
    """The studies that are asked and answered together: direction, model, and the studies."""
    for each in sorted(folder.iterdir()):
        if match := NAME.fullmatch(each.name):
            inside = [each] if (each / "config.json").is_file() else sorted(each.iterdir())
            studies = [read_flow(one) for one in inside if (one / "datasets.json").is_file()]
            yield match["direction"], match["model"], studies


def numbers(result: FlowResult) -> dict[str, Any]:
    """What is told of a dataset: the controls' findings, the estimates, real knockouts."""
    found, effect = result.findings, result.curves.estimate
    told: dict[str, Any] = {
        "samples": result.curves.samples,
        "left_out": dict(result.facts["left_out"]),
        "right": found.right,
        "loss": found.loss,
        "layers": found.layers,
        "ratio": list(found.ratio),
        "above": list(found.above),
        "below": list(found.below),
        "like_null": found.like_null,
        "like_random": found.like_random,
        "estimate": [float(part.sum()) for part in effect.middle[:2]],
        "conclusions": list(conclusions(result)),
    }
    if result.knocked is not None:
        last = {n: getattr(result.knocked, n)[-1] for n in ("change", "low", "high", "other")}
        told["knockout"] = {
            "samples": result.knocked.samples,
            **{name: [float(value) for value in values] for name, values in last.items()},
        }
    return told


def correlations(
    results: Mapping[str, FlowResult], direction: Any, report: Path
) -> Iterator[dict[str, Any]]:
    """How far the datasets' order by flow is that by the ablation's differences."""
    differences = ablation_differences(report, direction)
    for number in ("ratio", "estimate", "knockout"):
        try:
            flow = {name: flow_number(one, number) for name, one in results.items()}
            found = correlate(flow, differences)
        except InputError as reason:
            print(f"{direction}, {number}: {reason}")
            continue
        interval = [found.interval.low, found.interval.high]
        told = {"number": number, "rho": found.rho, "interval": interval, "p": found.p}
        yield told | {"pairs": {name: list(pair) for name, pair in found.pairs.items()}}


def joined(studies: Sequence[FlowStudy], folder: Path) -> FlowStudy:
    """Studies that differ in their models and datasets as one, in a folder of its own."""
    results = {name: one for study in studies for name, one in study.results.items()}
    return replace(studies[0], folder=folder, results=results)


def keep(studies: Sequence[FlowStudy], study: FlowStudy, out: Path) -> None:
    """Draw and write what may be passed on, the datasets told by name and hash."""
    write_tables(study)
    draw(study)
    for pattern in KEPT:
        for file in study.folder.glob(pattern):
            to = out / file.relative_to(study.folder)
            to.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".png":  # lines and bands: a palette holds them in a third
                with Image.open(file) as image:
                    image.convert("RGB").quantize(128).save(to, optimize=True)
            else:
                shutil.copyfile(file, to)
    told: dict[str, Any] = {"datasets": {}}
    chosen: dict[str, Any] = {}
    for one in studies:
        config = json.loads((one.folder / "config.json").read_text(encoding="utf-8"))
        adapter = config.pop("adapter")
        for name, dataset in config.pop("datasets").items():
            told["datasets"][name] = {"sha256": dataset["sha256"], "adapter": adapter is not None}
        chosen |= json.loads((one.folder / "datasets.json").read_text(encoding="utf-8"))
        told |= config
    write_json(out / "config.json", told)
    write_json(out / "datasets.json", chosen)


def publish(folder: Path, report: Path, out: Path) -> None:
    """Write the results anew."""
    told: dict[str, Any] = {"machine": machine.describe(), "studies": []}
    with tempfile.TemporaryDirectory() as held:
        made = Path(held) / "flow"
        for direction, model, studies in groups(folder):
            name = f"{direction}-{model}"
            study = joined(studies, Path(held) / "drawn" / name)
            study.folder.mkdir(parents=True)
            keep(studies, study, made / name)
            told["studies"].append(
                {
                    "direction": direction,
                    "model": model,
                    "prompt": study.config.prompt,
                    "template": study.config.template,
                    "datasets": {name: numbers(one) for name, one in study.results.items()},
                    "correlations": list(correlations(study.results, direction, report)),
                }
            )
        write_json(made / "flow.json", told)
        put(made, out, sign="flow.json", private=[folder.parent, Path.home()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", type=Path)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    publish(chosen.studies, chosen.report, chosen.out)


if __name__ == "__main__":
    main()
