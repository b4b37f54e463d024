"""How studies come into `results/`: whole or not at all, without a path of the machine."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

#: What is no text.
PICTURES = (".png",)


def write_json(file: Path, told: Any) -> None:
    """Write values as the results are written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def put(made: Path, out: Path, *, sign: str, private: Iterable[Path]) -> None:
    """Put a finished folder in the place of one that was published before.

    `sign` is a file that every such folder has: a folder without it is somebody else's and is left
    alone, as are all results where one of the new files names a folder of `private`.
    """
    if not (made / sign).is_file():
        raise SystemExit(f"{made} has no {sign}: nothing to publish")
    if out.exists() and any(out.iterdir()) and not (out / sign).is_file():
        raise SystemExit(f"{out} was not published by this script: name another folder")
    names = {str(path.resolve()) for path in private}
    for file in sorted(path for path in made.rglob("*") if path.is_file()):
        if file.suffix not in PICTURES:
            held = file.read_text("utf-8")
            if found := [name for name in names if name in held]:
                raise SystemExit(f"{file.name} names {found[0]}: nothing was published")
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(made, out)
    print(f"{sum(path.is_file() for path in out.rglob('*'))} files in {out}")


def plan_of(study: Path) -> dict[str, Any]:
    """A study's plan, its datasets told by name and hash."""
    told = json.loads((study / "plan.json").read_text(encoding="utf-8"))
    for name, dataset in told["datasets"].items():
        dataset["folder"] = name
    return told


def asked(about: str, results: Path, publish: Callable[[Path, Path], None]) -> None:
    """Publish the study that is named on the command line."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--out", type=Path, default=results)
    chosen = parser.parse_args()
    publish(chosen.study, chosen.out)
