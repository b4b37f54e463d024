"""One self-contained HTML page of records: the label, the text with its spans, the facts.

Everything that comes from a record is escaped, the page has no script and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import pairwise

from pointline.format.record import Pair, Prediction, Record
from pointline.format.tasks import LANGUAGES, TASKS, Task

__all__ = ["page"]

_HUES = (210, 28, 140, 330, 265, 50, 180, 0, 300, 95)
_POLARITY = {"positive": 140, "ポジティブ": 140, "积极": 140, "neutral": 210, "中立": 210}
_POLARITY |= {"negative": 0, "ネガティブ": 0, "消极": 0}

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --paper: #fbfbf9;
  --card: #fff; --line: #e2e3de; --tint: 92%; --deep: 30%; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e9ea; --soft: #9aa3ad; --paper: #16181b;
  --card: #1e2125; --line: #33383e; --tint: 24%; --deep: 78%; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.6 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; letter-spacing: -.01em; }
header p { margin: 0 0 1.5rem; color: var(--soft); }
h2 { font-size: .8rem; text-transform: uppercase; letter-spacing: .08em; color: var(--soft);
  margin: 2rem 0 .6rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1.1rem 1rem; margin: 0 0 .8rem; }
.head { display: flex; gap: .6rem; align-items: baseline; flex-wrap: wrap; margin-bottom: .35rem; }
.label { font-weight: 650; }
.none { color: var(--soft); font-weight: 400; }
.task, .sure { color: var(--soft); font-size: .82rem; font-variant-numeric: tabular-nums; }
.task { margin-left: auto; }
.text { font-size: 1.12rem; line-height: 2.15; overflow-wrap: anywhere; white-space: pre-wrap; }
.text:lang(ja) { font-family: "Noto Sans CJK JP", "Hiragino Sans", "Yu Gothic", sans-serif; }
.text:lang(zh) { font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
mark { color: inherit; background: hsl(var(--h) 75% var(--tint)); border-radius: .22rem;
  padding: .12em .18em; box-shadow: inset 0 -2px 0 hsl(var(--h) 60% 55%); }
mark.also { box-shadow: inset 0 -2px 0 hsl(var(--h) 60% 55%), 0 3px 0 hsl(var(--also) 60% 55%); }
.tag { color: hsl(var(--h) 65% var(--deep)); font-size: .68rem; font-weight: 600;
  margin: 0 .25em 0 .2em; white-space: nowrap; vertical-align: .12em; }
ul { list-style: none; margin: .35rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: .4rem; }
li { border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .7rem; font-size: .92rem; }
li b { font-weight: 600; color: hsl(var(--h) 65% var(--deep)); margin: 0 .45em; }
.repairs { color: var(--soft); font-size: .8rem; margin: .4rem 0 0; }
"""


def page(
    records: Iterable[Record],
    *,
    title: str = "pointline",
    note: str = "",
    tasks: Mapping[str, Task] | None = None,
) -> str:
    """Return the page as one string of HTML, records grouped by language.

    `tasks` are tasks by name that go before the table: they give the language and the order of
    the labels' colours.

    >>> "&lt;b&gt;" in page([Record("1", "scnm-en", "<b>", "Nature")])
    True
    """
    known = {**TASKS, **(tasks or {})}
    groups: dict[str, list[str]] = {}
    for record in records:
        task = known.get(record.task)
        lang = task.lang if task else ""
        groups.setdefault(lang, []).append(_card(record, task))
    order = [*LANGUAGES, *(lang for lang in groups if lang not in LANGUAGES)]
    body = "".join(
        f"<h2>{escape(LANGUAGES.get(lang, lang or 'Other'))}</h2>{''.join(groups[lang])}"
        for lang in order
        if lang in groups
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>"
        f"<header><h1>{escape(title)}</h1><p>{escape(note)}</p></header>{body}"
        "</main></body></html>\n"
    )


def _card(record: Record, task: Task | None) -> str:
    hues = _hues(record, task)
    lang = f' lang="{escape(task.lang)}"' if task else ""
    scores = record.scores if isinstance(record, Prediction) else {}
    sure = f'<span class="sure">{scores["label"]:.0%}</span>' if "label" in scores else ""
    label = escape(record.label) or '<span class="none">no label</span>'
    repairs = record.repairs if isinstance(record, Prediction) else ()
    mended = f'<p class="repairs">repaired: {escape(", ".join(repairs))}</p>' if repairs else ""
    return (
        f'<article><div class="head"><span class="label"{lang}>{label}</span>{sure}'
        f'<span class="task">{escape(record.task)}</span></div>'
        f'<div class="text"{lang}>{_text(record, hues)}</div>{_list(record, hues, lang)}{mended}'
        "</article>"
    )


def _hues(record: Record, task: Task | None) -> dict[str, int]:
    used = [pair.label for pair in record.pairs] + [fact.fields[1] for fact in record.facts]
    labels = dict.fromkeys([*((task and task.item_labels) or ()), *used])
    by_order = {label: _HUES[at % len(_HUES)] for at, label in enumerate(labels)}
    return by_order | {label: hue for label, hue in _POLARITY.items() if label in by_order}


def _text(record: Record, hues: Mapping[str, int]) -> str:
    """Mark the spans; where spans overlap, a piece bears the inner one and is underlined twice."""
    placed = [pair for pair in record.pairs if pair.start is not None and pair.end is not None]
    cuts = {0, len(record.text)}
    for pair in placed:
        cuts |= {pair.start or 0, pair.end or 0}
    edges = sorted(cuts)
    out = []
    for start, end in pairwise(edges):
        covering = [p for p in placed if (p.start or 0) <= start and end <= (p.end or 0)]
        ending = [p for p in covering if p.end == end]
        out.append(_piece(record.text[start:end], covering, ending, hues))
    return "".join(out)


def _piece(
    text: str, covering: Sequence[Pair], ending: Sequence[Pair], hues: Mapping[str, int]
) -> str:
    if not covering:
        return escape(text)
    by_length = sorted(covering, key=lambda pair: len(pair.entity))
    style = f"--h:{hues[by_length[0].label]}"
    also = ""
    if len(by_length) > 1:
        style += f";--also:{hues[by_length[1].label]}"
        also = ' class="also"'
    tags = "".join(
        f'<span class="tag" style="--h:{hues[pair.label]}">{escape(pair.label)}</span>'
        for pair in ending
    )
    return f'<mark{also} style="{style}">{escape(text)}</mark>{tags}'


def _list(record: Record, hues: Mapping[str, int], lang: str) -> str:
    """List what the text cannot show: facts, and pairs without a place."""
    rows = [
        f'<li style="--h:{hues[fact.fields[1]]}">{escape(fact.fields[0])}<b>'
        f"{escape(fact.fields[1])}</b>{escape('; '.join(fact.fields[2:]))}</li>"
        for fact in record.facts
    ]
    rows += [
        f'<li style="--h:{hues[pair.label]}"><b>{escape(pair.label)}</b>{escape(pair.entity)}</li>'
        for pair in record.pairs
        if pair.start is None
    ]
    return f"<ul{lang}>{''.join(rows)}</ul>" if rows else ""
