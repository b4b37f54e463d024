"""`pointline bench`: run the benchmarks of a clone, and print their tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from pointline.app import show
from pointline.app.bench import pages, scripts, tables
from pointline.app.bench.scripts import Script
from pointline.app.options import Json, print_json
from pointline.errors import InputError

__all__ = ["app"]

app = typer.Typer(help="Run the benchmarks of a clone; print their tables.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="The folder benchmarks of a clone.")]
_FOLDER = Path("benchmarks")
_SCRIPTS = "benchmarks"  # the table of them all, which comes from no result


@app.command("list")
def list_benchmarks(folder: Folder = _FOLDER, json: Json = False) -> None:
    """List the benchmarks: what each measures, what it needs, what was measured, when and where.

    Example: pointline bench list
    """
    found = scripts.scripts(folder)
    if json:
        print_json([_told(script) for script in found])
        return
    for script in found:
        show.say(f"{script.name}: {script.measures}")
        for line in filter(None, (_asks(script), *_results(script).values())):
            show.say(f"    {line}")


@app.command(context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def run(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME... [OPTIONS]", help="Benchmarks, then options for each."),
    ],
    folder: Folder = _FOLDER,
) -> None:
    """Run benchmarks one after the other in this interpreter; results go to benchmarks/results.

    What begins with the first option is passed on to each of them. A benchmark that fails ends it.

    Example: pointline bench run score_speed --records 20000
    """
    at = next((at for at, word in enumerate(names) if word.startswith("-")), len(names))
    if at == 0:
        raise InputError("no benchmark is named before the options; see: pointline bench list")
    picked = scripts.pick(scripts.scripts(folder), names[:at])
    for script in picked:
        if script.missing:
            raise InputError(f"{script.name}: not installed: {', '.join(script.missing)}")
    for script in picked:
        code, written = scripts.run(script, names[at:])
        for path in written:
            show.say(f"wrote {path}")
        if code:
            show.say(f"{script.name}: ended with exit code {code}", to=show.errors)
            raise typer.Exit(1)


@app.command()
def report(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TABLE]...", help="Tables to print; all if absent."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 if a page prints a table otherwise.")
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Rewrite the tables of the pages.")
    ] = False,
    folder: Folder = _FOLDER,
) -> None:
    """Print the tables that the results make, as Markdown; or hold the pages to them.

    The pages are README.md, docs/*.md and benchmarks/README.md; a table stands behind its mark.
    A table that stands nowhere is told as well, and a mark that is of no table and that no test or
    benchmark names: it holds a page to nothing.

    Example: pointline bench report --check
    """
    found = scripts.scripts(folder)
    known = {_SCRIPTS: lambda: _catalogue(found)}
    wanted = names or [*known, *tables.TABLES]
    made = {
        name: known[name]() if name in known else tables.table(name, folder / "results")
        for name in wanted
    }
    if not (check or write):
        for name, printed in made.items():
            typer.echo(f"<!-- table: {name} -->\n{printed}")
        return
    root = folder.absolute().parent
    wrong = _held(root, made, write=write)
    astray = [*_astray(root, made)]
    for line in astray:
        show.say(line)
    if astray or (wrong and not write):
        raise typer.Exit(1)


def _held(root: Path, made: Mapping[str, str], *, write: bool) -> int:
    """Say which tables of the pages are printed otherwise; write them anew if asked to."""
    count = 0
    for path, page in _pages(root):
        wrong = [name for name, shown in pages.marked(page) if name in made and made[name] != shown]
        for name in wrong:
            file = tables.TABLES[name][0] if name in tables.TABLES else "the scripts"
            done = (
                "written anew"
                if write
                else "not that of the results: pointline bench report --write"
            )
            show.say(f"{path.relative_to(root)}: table {name!r} ({file}): {done}")
        if wrong and write:
            path.write_text(pages.rewritten(page, made), encoding="utf-8")
        count += len(wrong)
    return count


def _astray(root: Path, made: Mapping[str, str]) -> Iterator[str]:
    """Yield what tables stand in no page, and what marks are of no table that anyone knows."""
    marks = {
        name: path.relative_to(root)
        for path, page in _pages(root)
        for name, _ in pages.marked(page)
    }
    for name in (name for name in made if name not in marks):
        yield f"table {name!r} stands in no page: write its mark, <!-- table: {name} -->"
    others = marks.keys() - made.keys() - tables.TABLES.keys() - {_SCRIPTS}
    sources = [path for folder in ("tests", "benchmarks") for path in root.glob(f"{folder}/*.py")]
    written = "\n".join(path.read_text(encoding="utf-8") for path in sources if others)
    for name in sorted(others):
        if not pages.names(written, name):
            yield f"{marks[name]}: mark {name!r}: no such table, nor does a test name it: mend it"


def _pages(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield the pages that are there, and what is in them."""
    for path in (
        root / "README.md",
        *sorted(root.glob("docs/*.md")),
        root / "benchmarks/README.md",
    ):
        if path.is_file():
            yield path, path.read_text(encoding="utf-8")


def _catalogue(found: tuple[Script, ...]) -> str:
    rows = [
        (
            f"`{script.name}`",
            script.measures,
            script.needs,
            script.takes,
            ", ".join(f"`{name}`" for name in script.writes),
        )
        for script in found
    ]
    return tables.markdown([("benchmark", "measures", "needs", "takes", "writes"), *rows])


def _told(script: Script) -> dict[str, object]:
    return {
        "name": script.name,
        "measures": script.measures,
        "needs": script.needs,
        "takes": script.takes,
        "not installed": script.missing,
        "results": _results(script),
    }


def _asks(script: Script) -> str:
    told = [f"needs {script.needs}", f"takes {script.takes}"] if script.needs else []
    return "; ".join([*told, *(f"{name} is not installed" for name in script.missing)])


def _results(script: Script) -> dict[str, str]:
    return {path.name: f"{path.name}: {scripts.measured(path)}" for path in script.results}
