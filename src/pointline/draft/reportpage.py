"""The report of translation runs as one self-contained HTML page.

Everything that comes from a run is escaped; the page has no script and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files

from pointline.draft.report import Report
from pointline.draft.reporttables import NOTE, numeric, reason, tables
from pointline.draft.retention import Example, Run
from pointline.format.record import Record
from pointline.format.tasks import LANGUAGES
from pointline.score.tables import Table

__all__ = ["page"]

_HUES = (28, 330, 210, 265, 50, 180, 0, 300, 95, 235)
# What a page shows of a text that would turn the page around it, or shows nothing.
_VISIBLE = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE |= dict.fromkeys(
    (*range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd"
)


def page(report: Report) -> str:
    """Return the page as one string of HTML: shares as bars, the tables, examples of every rule."""
    hues = {rule: _HUES[at % len(_HUES)] for at, rule in enumerate(report.rule_names)}
    shown = "".join(_table(title, table) for title, table in tables(report).items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>Translation runs</title><style>{_style()}</style></head><body><main>"
        f'<h1>Translation runs</h1><p class="note">{escape(NOTE)}</p>'
        f"{_bars(report.runs, hues)}{shown}{_examples(report)}</main></body></html>\n"
    )


def _style() -> str:
    return files("pointline.draft").joinpath("report.css").read_text(encoding="utf-8")


# ---------------------------------------------------------------- shares


def _bars(runs: Sequence[Run], hues: Mapping[str, int]) -> str:
    rows = "".join(_bar(run, hues) for run in runs)
    keys = ['<li><i class="kept"></i>kept</li>']
    keys += [
        f'<li><i class="rule" style="--h:{hue}"></i>{_text(rule)}</li>'
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
        f' title="{_text(name)}: {count:,}"></i>'
        for kind, name, hue, count in parts
        if count
    )
    told = ", ".join(f"{name} {count}" for _, name, _, count in parts if count)
    direction = f"{_language(run.source)} to {_language(run.target)}, {run.model}"
    lost = "" if run.lost_percent is None else f"{run.lost_percent:.2f} % lost"
    return (
        f'<div class="name">{_text(run.name)}<span>{_text(direction)}</span></div>'
        f'<div class="bar" role="img" aria-label="{_text(told)}">{pieces}</div>'
        f'<div class="number">{run.kept:,} of {run.records:,}<br>{lost}</div>'
    )


def _language(lang: str) -> str:
    return dict[str, str](LANGUAGES).get(lang, lang)


# ---------------------------------------------------------------- tables


def _table(title: str, table: Table) -> str:
    right = numeric(table)
    head = "".join(
        f'<th scope="col"{_aligned(to)}>{_text(cell)}</th>'
        for cell, to in zip(table.headers, right, strict=True)
    )
    rows = "".join(_row(row, right) for row in table.rows)
    return (
        f'<section><h2>{_text(title)}</h2><div class="wide" tabindex="0" role="region"'
        f' aria-label="{_text(title)}"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></section>"
    )


def _row(row: Sequence[str], right: Sequence[bool]) -> str:
    first, *others = row
    cells = "".join(
        f"<td{_aligned(to)}>{_text(cell)}</td>" for cell, to in zip(others, right[1:], strict=True)
    )
    kind = ' class="paper"' if "MMM paper" in others else ""
    return f'<tr{kind}><th scope="row">{_text(first)}</th>{cells}</tr>'


def _aligned(right: bool) -> str:
    return ' class="n"' if right else ""


# ---------------------------------------------------------------- examples


def _examples(report: Report) -> str:
    groups = [(rule, report.examples(rule)) for rule in report.rule_names]
    dropped = {rule: sum(run.dropped[rule] for run in report.runs) for rule, _ in groups}
    fired = {rule: sum(run.fired[rule] for run in report.runs) for rule, _ in groups}
    langs = {run.name: (run.source, run.target) for run in report.runs}
    made = "".join(
        f"<details{' open' if at == 0 else ''}><summary>{_text(rule)}"
        f"<span>dropped {dropped[rule]:,}, fired on {fired[rule]:,}</span></summary>"
        f"{''.join(_article(one, *langs[one.run]) for one in shown)}</details>"
        for at, (rule, shown) in enumerate(group for group in groups if group[1])
    )
    return f"<section><h2>Examples of every rule</h2>{made}</section>" if made else ""


def _article(one: Example, source: str, target: str) -> str:
    told = _text(one.source) if one.source is not None else _nothing("source not at hand")
    draft = _marked(one.record) if one.record.text else _nothing("no translation")
    return (
        f'<article><div class="head"><span>{_text(one.run)}</span><span>{_text(one.record.id)}'
        f'</span><span class="why">{_text(reason(one))}</span></div><div class="sides">'
        f'<div class="text" dir="auto" lang="{_text(source)}">{told}</div>'
        f'<div><div class="text" dir="auto" lang="{_text(target)}">{draft}</div>'
        f"{_items(one.record)}</div></div></article>"
    )


def _nothing(told: str) -> str:
    return f'<span class="none">{told}</span>'


def _marked(record: Record) -> str:
    """Return the text with its entities marked; of places that overlap, the first."""
    out, at = [], 0
    for start, end in sorted({(p.start, p.end) for p in record.pairs if p.start is not None}):
        if start >= at and end is not None:
            out += [_text(record.text[at:start]), f"<mark>{_text(record.text[start:end])}</mark>"]
            at = end
    return "".join((*out, _text(record.text[at:])))


def _items(record: Record) -> str:
    label = f'<li class="label">{_text(record.label)}</li>' if record.label else ""
    missing = ' class="miss"'
    pairs = "".join(
        f"<li{missing if pair.start is None else ''}>"
        f"<b>{_text(pair.label)}</b>{_text(pair.entity)}</li>"
        for pair in record.pairs
    )
    facts = "".join(f"<li>{_text(' · '.join(fact.fields))}</li>" for fact in record.facts)
    made = label + pairs + facts
    return f'<ul class="items">{made}</ul>' if made else ""


def _text(value: str) -> str:
    return escape(value.translate(_VISIBLE))
