"""The tables of the large results: the adapter's version 1, the study of MRE, both paths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from pointline.app.bench.cells import METRICS, Cells, interval, points

__all__ = ["BASE", "FINDINGS", "KNOWN", "LISTED", "SINGLE", "V0", "V1", "versions"]

# ---------------------------------------------------------------- version 1 of the adapter

#: The systems of `benchmarks/adapter_v1.py`, in the order of the columns.
BASE, V0, SINGLE, V1 = "base, one-shot", "version 0", "one task each", "version 1"
SYSTEMS = (BASE, V0, SINGLE, V1)
#: What a set's name ends in that is another one's records asked or chosen in another way.
LISTED, KNOWN = ", text labels listed", ", types trained on"

Named = Callable[[Mapping[str, bool]], list[str]]


def _published(sets: Mapping[str, bool]) -> list[str]:
    return [name for name, beside in sets.items() if not beside]


def _unseen(sets: Mapping[str, bool]) -> list[str]:
    return [name for name, beside in sets.items() if beside and not name.endswith(LISTED)]


def _unseen_labels(sets: Mapping[str, bool]) -> list[str]:
    """Those that have text labels."""
    return [name for name in _unseen(sets) if not name.startswith("stockmark")]


def _open(sets: Mapping[str, bool]) -> list[str]:
    """The sets of open labels: as they are, without what was held out, asked with a list."""
    names = [name for name in _published(sets) if name.startswith("tconer-")]
    return [*names, *(name + KNOWN for name in names), *(name + LISTED for name in names)]


def versions(told: Any, *, metric: str, named: Named, mean: bool = False) -> Cells:
    """Yield the rows of one metric: a set each, a column for every system that has one of them."""
    found, names = told.get("systems", {}), named(told.get("sets", {}))
    systems = [one for one in SYSTEMS if any(name in found.get(one, ()) for name in names)]
    yield (metric.upper(), *(systems or SYSTEMS))
    for name in names:
        rows = [found[one].get(name) for one in systems]
        if any(rows):
            cells = ("–" if row is None else interval(row, metric) for row in rows)
            yield (f"`{name}`", *cells)
    if mean and systems:
        yield from _means(found, systems, names, metric)


def _means(
    found: Mapping[str, Any], systems: Sequence[str], names: Iterable[str], metric: str
) -> Cells:
    """The mean over the sets that all systems have, and over those that only some lack."""
    names = list(names)
    others = [one for one in systems if one != SINGLE]
    for some in (systems, others) if SINGLE in systems else (systems,):
        shared = [name for name in names if all(name in found[one] for one in some)]
        if len(shared) > 1:
            means = (
                _mean([found[one][name] for name in shared], metric) if one in some else "–"
                for one in systems
            )
            yield (f"mean of {len(shared)}", *means)


def _mean(rows: Iterable[Mapping[str, Any]], metric: str) -> str:
    return f"{100 * fmean(r['all'] if metric == 'all' else r[metric]['f1'] for r in rows):.1f}"


def _differences(told: Any) -> Cells:
    yield ("version 1 against", "on", "records", *(metric.upper() for metric in METRICS), "sets")
    for name, parts in told.get("differences", {}).items():
        for part, found in parts.items():
            if found:
                who = name.removeprefix(f"{V1} against ")
                whole = (points(found[metric]) for metric in METRICS)
                yield (who, part, f"{found['records']:,}", *whole, _verdicts(found))


def _verdicts(found: Mapping[str, Any]) -> str:
    """How many sets are better and worse, of those that have evidence, TL and WL."""
    parts = list(found["tasks"].values()) or [found]
    counts = []
    for metric in ("tl", "wl"):
        said = [part[metric]["verdict"] for part in parts]
        better, worse = said.count("helps"), said.count("hurts")
        counts.append(f"{metric.upper()} {better} better, {worse} worse")
    return f"{'; '.join(counts)} of {len(parts)}"


# ---------------------------------------------------------------- the study of MRE

_QUESTIONS = ("label to items", "items to label")


def _mre(told: Any) -> Cells:
    """The differences in both directions, points with interval and verdict, the paper's beside."""
    yield (
        "sub-dataset",
        *(cell for question in _QUESTIONS for cell in (question, "verdict", "MMM paper")),
        "runs",
    )
    rows: dict[str, dict[str, Mapping[str, Any]]] = {}
    for finding in told.get("findings", ()):
        rows.setdefault(finding["dataset"], {})[finding["question"]] = finding
    for dataset, found in rows.items():
        published = told["datasets"][dataset]["mmm"]
        cells: list[str] = []
        for question in _QUESTIONS:
            cells += [*_finding(found.get(question)), _printed(published, question)]
        runs = max(len(finding["seeds"]) for finding in found.values())
        yield (f"`{dataset}`", *cells, str(runs))


def _finding(found: Mapping[str, Any] | None) -> tuple[str, str]:
    return (points(found), found["verdict"]) if found else ("–", "–")


def _printed(published: Mapping[str, Any] | None, question: str) -> str:
    if not published:
        return "–"
    level = "wl" if question == "label to items" else "tl"
    rise = published[f"{level}_with"] - published[f"{level}_without"]
    return f"{rise:+.1f}".replace("-", "−")


# ---------------------------------------------------------------- the fast path's scores


def _paths(told: Any) -> Cells:
    yield (
        "dataset",
        "records",
        "the same",
        *(f"{metric.upper()} before → after" for metric in METRICS),
    )
    for name, row in told.get("datasets", {}).items():
        scores = (f"{100 * row[m]['before']:.1f} → {100 * row[m]['after']:.1f}" for m in METRICS)
        yield (f"`{name}`", str(row["records"]), str(row["same"]), *scores)


_V1_FILE, _MRE_FILE = "adapter_v1.json", "mre/report.json"

#: These tables, as `tables.TABLES` holds them.
FINDINGS: Mapping[str, tuple[str, Callable[[Any], Cells]]] = {
    **{
        f"versions {metric}": (
            _V1_FILE,
            partial(versions, metric=metric, named=_published, mean=True),
        )
        for metric in METRICS
    },
    "unseen wl": (_V1_FILE, partial(versions, metric="wl", named=_unseen)),
    "unseen tl": (_V1_FILE, partial(versions, metric="tl", named=_unseen_labels)),
    "open wl": (_V1_FILE, partial(versions, metric="wl", named=_open)),
    "open tl": (_V1_FILE, partial(versions, metric="tl", named=_open)),
    "versions": (_V1_FILE, _differences),
    "mre": (_MRE_FILE, _mre),
    "paths": ("path_scores.json", _paths),
}
