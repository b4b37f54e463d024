"""The benchmark scripts of a clone, as their docstrings describe them, and how one is run."""

from __future__ import annotations

import ast
import difflib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.errors import InputError

__all__ = ["Script", "measured", "pick", "read", "run", "scripts"]

_LAST = re.compile(r"\n\nNeeds\s(.+?);\stakes\s(.+?)\.\Z", re.DOTALL)
_WRITES = re.compile(r"results/(\w+\.json)")
_RESULT = re.compile(r"([A-Za-z0-9_]+)\.json\b")


@dataclass(frozen=True, slots=True)
class Script:
    """A script of the folder `benchmarks`: what the first and the last line of its docstring say.

    `writes` are the files of `benchmarks/results` that it says it writes, `results` its files that
    are there; `missing` are packages that it imports and that are not installed here; `json` says
    that it takes the result's path.
    """

    path: Path
    measures: str
    needs: str
    takes: str
    writes: tuple[str, ...]
    results: tuple[Path, ...]
    missing: tuple[str, ...]
    json: bool

    @property
    def name(self) -> str:
        """What it is called on the command line."""
        return self.path.stem


def scripts(folder: Path) -> tuple[Script, ...]:
    """Return the scripts of a clone's folder of benchmarks, by name.

    Raises InputError where the folder is none.
    """
    if not (folder / "machine.py").is_file():
        raise InputError(
            f"{folder}: no benchmarks here: run this in a clone of pointline, or give"
            " --folder CLONE/benchmarks"
        )
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    names = {path.stem for path in sources}
    return tuple(
        _script(path, source, names) for path, source in sources.items() if "__main__" in source
    )


def pick(found: Sequence[Script], names: Sequence[str]) -> tuple[Script, ...]:
    """Return the scripts of those names; InputError for a name that is none."""
    known = {script.name: script for script in found}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 2)
            hint = (
                f"; did you mean {' or '.join(close)}?" if close else "; see: pointline bench list"
            )
            raise InputError(f"no benchmark {name!r}{hint}")
    return tuple(known[name] for name in names)


def run(script: Script, arguments: Sequence[str]) -> tuple[int, tuple[Path, ...]]:
    """Run it in this interpreter with those arguments; return its exit code and what it wrote.

    A script that takes the path of its result is given one in `benchmarks/results`. A path is
    "written" where its time of change is another than before.
    """
    results = script.path.parent / "results"
    results.mkdir(exist_ok=True)
    before = _times(results)
    command = [sys.executable, str(script.path), *arguments]
    if script.json and "--json" not in arguments:
        command += ["--json", str(results / f"{script.name}.json")]
    code = subprocess.run(command, check=False).returncode
    return code, tuple(path for path, time in _times(results).items() if before.get(path) != time)


def read(result: Path) -> dict[str, Any]:
    """Return what a result tells; InputError where it is no JSON object."""
    try:
        told = json.loads(result.read_text(encoding="utf-8"))
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise InputError(f"{result}: no result of a benchmark: run it again, or remove the file")
    return told


def measured(result: Path) -> str:
    """Return on what processor and on what day a result was measured, as far as it is known.

    An older result does not tell its day; then it is that of its last commit.
    """
    try:
        told = read(result).get("machine")
    except InputError:
        return "no result of a benchmark"
    machine = told if isinstance(told, dict) else {}
    processor = machine.get("processor") or machine.get("cpu")
    date = machine.get("date") or _committed(result)
    return ", ".join(str(word) for word in (date, processor) if word)


def _committed(path: Path) -> str:
    asked = ["git", "log", "-1", "--format=%cs", "--", path.name]
    try:
        said = subprocess.run(asked, cwd=path.parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return said.stdout.strip()


def _times(results: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in sorted(results.glob("*.json"))}


def _script(path: Path, source: str, names: set[str]) -> Script:
    tree = ast.parse(source)
    told = ast.get_docstring(tree) or ""
    last = _LAST.search(told)
    needs, takes = (" ".join(part.split()) for part in last.groups()) if last else ("", "")
    takes_path = any(
        isinstance(node, ast.Constant) and node.value == "--json" for node in ast.walk(tree)
    )
    writes = dict.fromkeys([*_WRITES.findall(told), *([f"{path.stem}.json"] if takes_path else [])])
    return Script(
        path,
        measures=told.split("\n", 1)[0].removesuffix("."),
        needs=needs,
        takes=takes,
        writes=tuple(writes),
        results=tuple(_results(path, source, names)),
        missing=tuple(_missing(path, tree, names)),
        json=takes_path,
    )


def _results(path: Path, source: str, names: set[str]) -> Iterator[Path]:
    """Yield the results that are there and named like the script, or named by it alone."""
    others = names - {path.stem}
    named = set(_RESULT.findall(source)) - others
    for result in sorted((path.parent / "results").glob("*.json")):
        own = re.sub(r"_(\d+|batch)$", "", result.stem) == path.stem
        if own or result.stem in named:
            yield result


def _missing(path: Path, tree: ast.Module, names: set[str]) -> Iterator[str]:
    own = names | {one.stem for one in (path.parent.parent / "tests").glob("*.py")}
    for name in sorted(_imported(tree) - own - sys.stdlib_module_names):
        if importlib.util.find_spec(name) is None:
            yield name


def _imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found
