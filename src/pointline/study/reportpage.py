"""The report of a study as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from pointline.format.record import Record
from pointline.score import page as pages
from pointline.score.judge import Side
from pointline.score.page import marked, shown
from pointline.score.tables import Table
from pointline.study.answer import answer
from pointline.study.cells import TOGETHER
from pointline.study.findings import Findings
from pointline.study.flips import Flip
from pointline.study.question import SHOWN, Level
from pointline.study.reportdetails import labels
from pointline.study.reporttables import NOTES, tables

__all__ = ["CAPTIONS", "page", "title"]

#: What the figures show, by their names.
CAPTIONS: Mapping[str, str] = {
    "forest": (
        "Differences with 95 % intervals. Filled: sure after correction. Ring with a colour: p"
        " itself is below alpha, and does not stand correction. An arrow: the interval goes on."
    ),
    "designs": "The same for all designs, sub-datasets in one order, one scale a row.",
    "curves": (
        "Loss of the training by step, a running mean; the line is the mean of the runs, the band"
        " their range. Levels differ in what a token is worth: compare a level with itself."
    ),
    "gains-items": "What each item label's F1 gained by the gold label; its number in gold.",
    "gains-text": "What each text label's F1 gained by the gold items; its number in gold.",
}

# The figure before the table of a title.
_BEFORE = {"Both directions": "forest", "The other designs": "designs"}

# What explains and does not answer is folded.
_FOLDED = frozenset(
    {
        "All conditions",
        "The paper's protocol",
        "Answers that flipped",
        "Oddities of the published rows",
        "Missing runs",
    }
)


def title(found: Findings) -> str:
    """Return what the report is called."""
    model, number = found.settings.get("model", "a model"), len(found.subsets)
    return f"Mutual reinforcement: {model} on {number} sub-dataset{'s' * (number != 1)}"


def page(found: Findings, pictures: Mapping[str, Path]) -> str:
    """Return the page as one string of HTML; `pictures` are the figures' SVG files by name."""
    told = "".join(f"<li>{shown(sentence)}</li>" for sentence in answer(found))
    parts = [f'<h1>{shown(title(found))}</h1><ul class="answer">{told}</ul>']
    made = tables(found)
    parts += [_part(name, table, pictures) for name, table in made.items() if name not in _FOLDED]
    parts.append(_section("Learning curves", _figure("curves", pictures)))
    parts += [_gains(found, pictures), _examples(found)]
    parts += [_folded(name, table) for name, table in made.items() if name in _FOLDED]
    style = files("pointline.study").joinpath("report.css").read_text(encoding="utf-8")
    return pages.page(title(found), "".join(parts), style=style)


def _part(name: str, table: Table, pictures: Mapping[str, Path]) -> str:
    before = _figure(_BEFORE[name], pictures) if name in _BEFORE else ""
    return _section(name, before + _table(name, table))


def _folded(name: str, table: Table) -> str:
    note = f'<p class="note">{shown(NOTES[name])}</p>' if name in NOTES else ""
    rows = f"{len(table.rows)} row{'s' * (len(table.rows) != 1)}"
    return (
        f'<details class="part"><summary>{shown(name)}<span>{rows}</span></summary>'
        f"{note}{_table(name, table)}</details>"
    )


def _section(name: str, body: str) -> str:
    note = f'<p class="note">{shown(NOTES[name])}</p>' if name in NOTES else ""
    return f"<section><h2>{shown(name)}</h2>{note}{body}</section>" if body else ""


def _table(name: str, table: Table) -> str:
    def kind(row: Sequence[str]) -> str:
        if row[0] == TOGETHER:
            return "together"
        return "paper" if row[0].startswith(("MMM paper", "Flow paper")) else ""

    return pages.table(name, table, row_class=kind)


def _figure(name: str, pictures: Mapping[str, Path]) -> str:
    if name not in pictures:
        return ""
    caption = CAPTIONS[name]
    svg = pictures[name].read_bytes()
    return f'{pages.picture(svg, caption)}<p class="note">{shown(caption)}</p>'


def _gains(found: Findings, pictures: Mapping[str, Path]) -> str:
    drawn = "".join(_figure(name, pictures) for name in ("gains-items", "gains-text"))
    made = "".join(
        f'<details class="part"><summary>{shown(name)}</summary>{_table(name, table)}</details>'
        for name, table in ((name, labels(found, name)) for name in found.subsets)
        if table.rows
    )
    return _section("Gains by label", drawn + made)


# ---------------------------------------------------------------- what flipped


def _examples(found: Findings) -> str:
    made = ""
    for name, subset in found.subsets.items():
        answers = [found.found[one][name] for one in SHOWN if name in found.found.get(one, {})]
        some = "".join(
            _article(flip, one.question.name, subset.task.lang)
            for one in answers
            for flip in one.flips.examples
        )
        if some:
            first = "" if made else " open"
            made += f"<details{first}><summary>{shown(name)}</summary>{some}</details>"
    return _section("Examples that flipped, with what was shown", made)


def _article(flip: Flip, asked: str, lang: str) -> str:
    way = "wrong to right" if flip.better else "right to wrong"
    if not flip.flipped:
        way = "closer to gold" if flip.better else "farther from gold"
    runs = f"in {flip.flipped} of {flip.runs} run{'s' * (flip.runs > 1)}" if flip.flipped else ""
    record, level = flip.record, flip.level
    places = [(p.start, p.end) for p in record.pairs if p.start is not None and p.end is not None]
    rows = [
        ("shown", _beside(flip.shown, level) if flip.shown else ""),
        ("gold", _gold(record, level)),
        ("without", _side(flip.without, record, level)),
        ("with", _side(flip.given, record, level)),
    ]
    told = "".join(f"<dt>{name}</dt><dd>{made}</dd>" for name, made in rows if made)
    return (
        f'<article><div class="head"><span class="way">{way}</span><span>{runs}</span>'
        f"<span>{shown(asked)}</span><span>{shown(record.id)}</span></div>"
        f'<div class="text" dir="auto" lang="{shown(lang)}">{marked(record.text, places)}</div>'
        f'<dl class="answers">{told}</dl></article>'
    )


def _beside(record: Record, level: Level) -> str:
    """Return what stood beside the text: the level that was not asked."""
    return _chips(_label(record.label)) if level == "wl" else _chips(map(_item, record.items))


def _gold(record: Record, level: Level) -> str:
    return _chips(_label(record.label)) if level == "tl" else _chips(map(_item, record.items))


def _side(side: Side, record: Record, level: Level) -> str:
    """Return an answer: what is right in it, what is wrong, what is missing."""
    if not side.ok:
        return '<span class="none">could not be read</span>'
    if level == "tl":
        return _chips(_label(side.label, "hit" if side.label == record.label else "miss"))
    gold = {tuple(item) for item in record.items}
    told = [tuple(map(str, item)) for item in side.items]
    chips = [_item(item, "hit") for item in sorted(told) if item in gold]
    chips += [_item(item, "miss") for item in sorted(told) if item not in gold]
    chips += [_item(item, "lost") for item in sorted(gold - set(told))]
    return _chips(chips)


def _label(label: str, kind: str = "") -> Iterable[str]:
    return [f'<li class="label {kind}">{shown(label) or "no label"}</li>']


def _item(item: Sequence[str], kind: str = "") -> str:
    told = f"<b>{shown(item[0])}</b>{shown(item[1])}" if len(item) == 2 else shown(" · ".join(item))
    return f'<li class="{kind}" dir="auto">{told}</li>'


def _chips(chips: Iterable[str]) -> str:
    made = "".join(chips)
    return f'<ul class="items">{made}</ul>' if made else '<span class="none">none</span>'
