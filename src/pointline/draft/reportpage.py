"""The report of translation runs as one self-contained HTML page.

Everything that comes from a run is escaped; the page has no script and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.resources import files

from pointline.draft.report import Report
from pointline.draft.reporttables import NOTE, reason, tables
from pointline.draft.retention import Example, Run
from pointline.format.record import Record
from pointline.format.tasks import LANGUAGES
from pointline.score import page as pages
from pointline.score.page import marked, shown
from pointline.score.tables import Table

__all__ = ["page"]

_HUES = (28, 330, 210, 265, 50, 180, 0, 300, 95, 235)


def page(report: Report) -> str:
    """Return the page as one string of HTML: shares as bars, the tables, examples of every rule."""
    hues = {rule: _HUES[at % len(_HUES)] for at, rule in enumerate(report.rule_names)}
    made = "".join(_table(title, table) for title, table in tables(report).items())
    body = (
        f'<h1>Translation runs</h1><p class="note">{shown(NOTE)}</p>'
        f"{_bars(report.runs, hues)}{made}{_examples(report)}"
    )
    style = files("pointline.draft").joinpath("report.css").read_text(encoding="utf-8")
    return pages.page("Translation runs", body, style=style)


# ---------------------------------------------------------------- shares


def _bars(runs: Sequence[Run], hues: Mapping[str, int]) -> str:
    rows = "".join(_bar(run, hues) for run in runs)
    keys = ['<li><i class="kept"></i>kept</li>']
    keys += [
        f'<li><i class="rule" style="--h:{hue}"></i>{shown(rule)}</li>'
        for rule, hue in hues.items()
        if any(run.dropped[rule] for run in runs)
    ]
    if any(run.queued for run in runs):
        keys.append('<li><i class="queued"></i>waiting</li>')
    return f'<div class="bars">{rows}</div><ul class="key">{"".join(keys)}</ul>'


def _bar(run: Run, hues: Mapping[str, int]) -> str:
    parts = [("kept", "kept", 0, run.kept)]
    parts += [("rule", rule, hue, run.dropped[rule]) for rule, hue in hues.items()]
    parts.append(("queued", "waiting", 0, run.queued))
    pieces = "".join(
        f'<i class="{kind}" style="--h:{hue};flex:{count} 0 0"'
        f' title="{shown(name)}: {count:,}"></i>'
        for kind, name, hue, count in parts
        if count
    )
    told = ", ".join(f"{name} {count}" for _, name, _, count in parts if count)
    direction = f"{_language(run.source)} to {_language(run.target)}, {run.model}"
    lost = "" if run.lost_percent is None else f"{run.lost_percent:.2f} % lost"
    return (
        f'<div class="name">{shown(run.name)}<span>{shown(direction)}</span></div>'
        f'<div class="bar" role="img" aria-label="{shown(told)}">{pieces}</div>'
        f'<div class="number">{run.kept:,} of {run.records:,}<br>{lost}</div>'
    )


def _language(lang: str) -> str:
    return dict[str, str](LANGUAGES).get(lang, lang)


# ---------------------------------------------------------------- tables


def _table(title: str, table: Table) -> str:
    made = pages.table(
        title, table, row_class=lambda row: "paper" if "MMM paper" in row[1:] else ""
    )
    return f"<section><h2>{shown(title)}</h2>{made}</section>"


# ---------------------------------------------------------------- examples


def _examples(report: Report) -> str:
    groups = [(rule, report.examples(rule)) for rule in report.rule_names]
    dropped = {rule: sum(run.dropped[rule] for run in report.runs) for rule, _ in groups}
    fired = {rule: sum(run.fired[rule] for run in report.runs) for rule, _ in groups}
    langs = {run.name: (run.source, run.target) for run in report.runs}
    made = "".join(
        f"<details{' open' if at == 0 else ''}><summary>{shown(rule)}"
        f"<span>dropped {dropped[rule]:,}, fired on {fired[rule]:,}</span></summary>"
        f"{''.join(_article(one, *langs[one.run]) for one in some)}</details>"
        for at, (rule, some) in enumerate(group for group in groups if group[1])
    )
    return f"<section><h2>Examples of every rule</h2>{made}</section>" if made else ""


def _article(one: Example, source: str, target: str) -> str:
    told = shown(one.source) if one.source is not None else _nothing("source not at hand")
    draft = _draft(one.record) if one.record.text else _nothing("no translation")
    return (
        f'<article><div class="head"><span>{shown(one.run)}</span><span>{shown(one.record.id)}'
        f'</span><span class="why">{shown(reason(one))}</span></div><div class="sides">'
        f'<div class="text" dir="auto" lang="{shown(source)}">{told}</div>'
        f'<div><div class="text" dir="auto" lang="{shown(target)}">{draft}</div>'
        f"{_items(one.record)}</div></div></article>"
    )


def _nothing(told: str) -> str:
    return f'<span class="none">{told}</span>'


def _draft(record: Record) -> str:
    places = ((p.start, p.end) for p in record.pairs if p.start is not None and p.end is not None)
    return marked(record.text, places)


def _items(record: Record) -> str:
    label = f'<li class="label">{shown(record.label)}</li>' if record.label else ""
    missing = ' class="miss"'
    pairs = "".join(
        f"<li{missing if pair.start is None else ''}>"
        f"<b>{shown(pair.label)}</b>{shown(pair.entity)}</li>"
        for pair in record.pairs
    )
    facts = "".join(f"<li>{shown(' · '.join(fact.fields))}</li>" for fact in record.facts)
    made = label + pairs + facts
    return f'<ul class="items">{made}</ul>' if made else ""
