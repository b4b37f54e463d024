"""What a reader of a study's scores has to know of them: what was left out, cut, or not there.

Every caveat is one sentence, for the report and for the terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pointline.study.plan import Plan
from pointline.study.results import Study
from pointline.study.verbalizer.plan import is_learned, method_of, quota

__all__ = ["of_plan", "of_runs"]


def of_plan(plan: Plan) -> Iterator[str]:
    """Yield what is known before the first run: records left out, classes with few labelled ones.

    A plan of an older version, which does not say how many were drawn of each class, has less.
    """
    least = plan.settings.get("least")
    dropped = _listed(plan, lambda _, facts: _named(facts["left_out"], " (", ")"))
    if dropped:
        yield (
            f"Left out, records and all, are classes with fewer than {least} training records and"
            f" labels that are none of the task's: {dropped}."
        )
    nameless = _listed(plan, lambda _, facts: str(facts["left_out"].get("", "")))
    if nameless:
        yield f"Left out are records without a label: {nameless}."
    if not is_learned(plan.settings):
        return
    few = _listed(plan, _few)
    if few:
        yield f"There were fewer labelled records to draw than asked for: {few}."
    without = _listed(plan, _without)
    if without:
        yield f"Classes without a labelled record, of which nothing can be learned: {without}."


def of_runs(study: Study) -> Iterator[str]:
    """Yield what the finished runs have met: words alike, names that stand in, texts cut."""
    alike: dict[str, tuple[int, int]] = {}
    alone: dict[str, dict[str, None]] = {}
    cut: dict[str, int] = {}
    for run in study.finished.values():
        what = f"{run.planned.dataset} {method_of(run.planned.condition)[0]}"
        found = run.metrics.get("words_alike", 0), sum(run.metrics["words"].values())
        alike[what] = max(alike.get(what, (0, 0)), found)
        alone.setdefault(what, {}).update(dict.fromkeys(run.metrics.get("names_alone", ())))
        cut[run.planned.dataset] = run.metrics["texts_cut"]
    told = (f"{what} {some} of {every}" for what, (some, every) in alike.items() if some)
    if line := ", ".join(told):
        yield (
            "Label words that the model writes with the same tokens as one of another class, so"
            f" that it cannot tell them apart: {line}."
        )
    told = (f"{what} {', '.join(labels)}" for what, labels in alone.items() if labels)
    if line := "; ".join(told):
        yield (
            "Classes without a word of their own in the items, of one draw or more, where the"
            f" class's name stands in: {line}."
        )
    if line := ", ".join(f"{name} {count}" for name, count in cut.items() if count):
        yield f"Texts cut at their end: {line}."


def _listed(plan: Plan, tell: Callable[[Plan, Mapping[str, Any]], str]) -> str:
    """Return what is told of each dataset, those left out of which nothing is."""
    told = {name: tell(plan, facts) for name, facts in plan.datasets.items()}
    return "; ".join(f"{name} {line}" for name, line in told.items() if line)


def _named(counts: Mapping[str, int], before: str, behind: str = "") -> str:
    return ", ".join(f"{name}{before}{n}{behind}" for name, n in counts.items() if name)


def _few(plan: Plan, facts: Mapping[str, Any]) -> str:
    drawn = facts.get("shots_by_class", {})
    asked = quota(len(drawn), plan.settings["shots"], plan.settings["total"]) if drawn else ()
    return ", ".join(
        f"{label} {count} of {most}"
        for (label, count), most in zip(drawn.items(), asked, strict=True)
        if count < most
    )


def _without(_: Plan, facts: Mapping[str, Any]) -> str:
    return ", ".join(label for label, count in facts.get("shots_by_class", {}).items() if not count)
