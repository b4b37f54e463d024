"""The table of the verbalizer study: what the tests say of each pair of verbalizers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from pointline.app.bench.cells import Cells

__all__ = ["WORDS"]


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


#: This table, as `tables.TABLES` holds them.
WORDS: Mapping[str, tuple[str, Callable[[Any], Cells]]] = {
    "verbalizer tests": ("verbalizer/findings.json", _tests),
}
