"""The tables of the verbalizer study: scores, and what the tests say of each pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from pointline.app.bench.cells import Cells

__all__ = ["WORDS"]


def _scores(told: Any) -> Cells:
    """Yield TL F1 of every dataset and method, a column for each verbalizer."""
    values = told.get("values", ())
    verbalizers = tuple(dict.fromkeys(one["verbalizer"] for one in values))
    yield ("dataset", "method", *verbalizers, "largest class")
    rows: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for one in values:
        rows.setdefault((one["dataset"], one["method"]), {})[one["verbalizer"]] = one
    for (dataset, method), found in rows.items():
        cells = (_score(found.get(name)) for name in verbalizers)
        yield (f"`{dataset}`", method, *cells, f"{100 * told['common'][dataset]:.0f}")


def _score(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "–"
    low, high = value["interval"]
    return f"{100 * value['f1']:.1f} [{100 * low:.0f}, {100 * high:.0f}]"


def _tests(told: Any) -> Cells:
    """Yield for each method and pair the mean difference, the sign test and the verdicts."""
    yield ("method", "verbalizers", "mean difference", "above / below", "sign test p", "helps",
           "hurts", "datasets")  # fmt: skip
    for one in told.get("differences", ()):
        found = one["datasets"].values()
        mean = f"{100 * fmean(each['difference'] for each in found):+.1f}".replace("-", "−")
        signs, verdicts = one["signs"], [each["verdict"] for each in found]
        yield (
            one["method"], f"{one['second']} against {one['first']}", mean,
            f"{signs['better']} / {signs['worse']}", f"{signs['p']:.3f}",
            str(verdicts.count("helps")), str(verdicts.count("hurts")), str(len(verdicts)),
        )  # fmt: skip


_FILE = "verbalizer/findings.json"

#: These tables, as `tables.TABLES` holds them.
WORDS: Mapping[str, tuple[str, Callable[[Any], Cells]]] = {
    "verbalizer scores": (_FILE, _scores),
    "verbalizer tests": (_FILE, _tests),
}
