"""The report of a study: one page, Markdown, LaTeX, CSV, figures, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from pointline.corpus import recordfile
from pointline.errors import InputError
from pointline.score.tables import Table, latex_text
from pointline.study.answer import answer
from pointline.study.asking import find
from pointline.study.findings import Findings
from pointline.study.flips import Flip
from pointline.study.question import SHOWN
from pointline.study.reportdetails import labels
from pointline.study.reportpage import CAPTIONS, page, title
from pointline.study.reporttables import NOTES, tables
from pointline.study.results import read_study

__all__ = ["Report", "latex", "markdown", "report"]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, and the files that tell of it; `unseen` are characters that no font has."""

    findings: Findings
    files: tuple[Path, ...]
    unseen: str = ""


def report(
    folder: str | Path,
    out: str | Path | None = None,
    *,
    alpha: float = 0.05,
    resamples: int = 5_000,
    seed: int = 0,
    examples: int = 3,
    figures: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Report on the finished runs of a study; write `out`, by default the study's `report` folder.

    `report.html` is the page with its figures in it; `report.md`, `report.tex` (tables for
    booktabs) and `report.json` tell the same, `tables` holds each table as CSV and `figures` each
    figure as PNG, SVG and CSV. The same study gives the same bytes.

    Raises InputError as `read_study` and `find` do and where `out` is a file, MissingExtra where
    figures are wanted without matplotlib.
    """
    study = read_study(folder)
    place = Path(folder) / "report" if out is None else Path(out)
    if place.is_file():
        raise InputError(f"{place}: this is a file: name a folder for the report")
    found = find(
        study, alpha=alpha, resamples=resamples, seed=seed, examples=examples, progress=progress
    )
    drawn = {}
    if figures:
        from pointline.study.figures import draw

        drawn = draw(study, found, place / "figures")
    pictures = {name: place / "figures" / f"{name}.svg" for name in drawn}
    texts = dict(_texts(found, pictures))
    for name, text in texts.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        with recordfile.atomic(place / name) as file:
            file.write(text.encode())
    unseen = "".join(sorted({char for one in drawn.values() for char in one.missing}))
    files = [place / name for name in texts] + [
        file for one in drawn.values() for file in one.files
    ]
    return Report(found, tuple(files), unseen)


def _texts(found: Findings, pictures: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
    for name, table in tables(found).items():
        yield f"tables/{_slug(name)}.csv", table.csv()
    for name in found.subsets:
        yield f"tables/labels-{name}.csv", labels(found, name).csv()
    yield "report.json", orjson.dumps(found.to_dict(), option=orjson.OPT_INDENT_2).decode() + "\n"
    yield "report.md", markdown(found, pictures)
    yield "report.tex", latex(found)
    yield "report.html", page(found, pictures)


def _slug(name: str) -> str:
    kept = "".join(char if char.isalnum() else " " for char in name.lower())
    return "-".join(kept.split())


# ---------------------------------------------------------------- Markdown


def markdown(found: Findings, figures: Mapping[str, Path] | None = None) -> str:
    """Return the report in Markdown; `figures` by name lie in the folder `figures` beside it."""
    parts = [f"# {title(found)}", "\n".join(f"- {sentence}" for sentence in answer(found))]
    parts += [f"![{CAPTIONS[name]}](figures/{name}.png)" for name in figures or {}]
    for name, table in tables(found).items():
        parts.append(f"## {name}")
        parts += [NOTES[name]] if name in NOTES else []
        parts.append(table.markdown())
    examples = _examples(found)
    if examples.rows:
        parts += ["## Examples that flipped, with what was shown", examples.markdown()]
    return "\n\n".join(parts) + "\n"


def _examples(found: Findings) -> Table:
    flips = [
        (one.question.name, flip)
        for question in SHOWN
        for one in found.found.get(question, {}).values()
        for flip in one.flips.examples
    ]
    headers = ("record", "question", "way", "text", "shown", "gold", "without", "with")
    return Table(headers, tuple(_example(*one) for one in flips))


def _example(asked: str, flip: Flip) -> tuple[str, ...]:
    told = flip.to_dict()
    way = f"{'better' if flip.better else 'worse'}, flipped in {flip.flipped} of {flip.runs}"
    parts = (told[name] for name in ("shown", "gold", "without", "given"))
    return flip.record.id, asked, way, flip.record.text, *map(_told, parts)


def _told(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value or "–"
    return "; ".join(": ".join(map(str, item)) for item in value) or "–"  # type: ignore[attr-defined]


# ---------------------------------------------------------------- LaTeX


def latex(found: Findings) -> str:
    """Return the tables for LaTeX with booktabs, each a float of its own."""
    parts = [
        "% Needs booktabs and graphicx; labels in Japanese or Chinese need LuaLaTeX or XeLaTeX"
        " with a font for them."
    ]
    for name, table in tables(found).items():
        stop = "" if name.endswith("?") else "."
        note = latex_text(f"{name}{stop} {NOTES.get(name, '')}".strip())
        parts.append(
            "\\begin{table}[t]\n\\centering\n"
            f"\\caption{{{note}}}\n\\label{{tab:{_slug(name)}}}\n"
            f"\\resizebox{{\\textwidth}}{{!}}{{%\n{table.latex()}}}\n\\end{{table}}"
        )
    return "\n\n".join(parts) + "\n"
