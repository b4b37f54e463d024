"""A study's answer in plain words: where the effect holds, in which direction, how sure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from pointline.score.difference import Difference, Verdict
from pointline.study import paper
from pointline.study.cells import CIRCULAR, points, probability
from pointline.study.findings import Finding, Findings
from pointline.study.question import Design, Level

__all__ = ["answer"]

#: Of each level, the claim, its contrary, and what the gain is of.
_ASKED: dict[Level, tuple[str, str, str]] = {
    "wl": ("The label helps the items", "hurts", "items"),
    "tl": ("The items help the label", "hurt", "label"),
}


def answer(found: Findings) -> tuple[str, ...]:
    """Return the answer as sentences, those that matter most first.

    Sub-datasets whose label was made from their items are told of apart, and counted nowhere else.
    """
    told = [
        _mutual(found),
        *(_direction(found, level) for level in _ASKED),
        _coin(found),
        _sure(found),
        *(_design(found, design) for design in ("predicted", "label first", "items first")),
        _circular(found),
        _missing(found),
    ]
    return tuple(one for one in told if one)


def _mutual(found: Findings) -> str:
    names = _fair(found, found.both())
    if not names:
        why = (
            f"a rule made the text labels of all that are finished from their items ({CIRCULAR})"
            if found.both()
            else "no sub-dataset has both directions finished"
        )
        return f"Nothing can be said of mutual reinforcement: {why}."
    shown = [name for name in found.mutual() if name in names]
    if not shown:
        return (
            f"Mutual reinforcement is shown on none of {_count(len(names))}: nowhere do both"
            " directions help with certainty after correction."
        )
    return f"Mutual reinforcement is shown on {len(shown)} of {len(names)}: {_list(shown)}."


def _direction(found: Findings, level: Level) -> str:
    told = _answers(found, level, "gold")
    if not told:
        return ""
    helps, hurts, _ = _ASKED[level]
    groups = {verdict: _named(told, verdict) for verdict in Verdict}
    parts = [
        f"{helps} on {_some(groups[Verdict.HELPS], len(told))}",
        f"{hurts} on {_some(groups[Verdict.HURTS])}",
        f"no evidence either way on {len(groups[Verdict.NO_EVIDENCE])}",
    ]
    whole = next((d for q, d in found.together.items() if q.level == level), None)
    return f"{'; '.join(parts)}.{_together(whole)}"


def _together(whole: Difference | None) -> str:
    if whole is None:
        return ""
    low, high = whole.interval.low, whole.interval.high
    return (
        f" Over all records together the difference is {points(whole.value)} points"
        f" ({100 * whole.interval.level:g} % interval {points(low)} to {points(high)})."
    )


def _coin(found: Findings) -> str:
    told, recount = found.signs(circular=False), paper.recount(paper.ablation())
    rise, both = found.rises(circular=False)
    whole = told.better + told.worse + told.equal
    if not whole:
        return ""
    both_ways = f", in both directions on {rise} of {_count(both)}" if both else ""
    return (
        f"Without regard to size, {told.better} of {whole} comparisons rise (sign test p"
        f" {_p(told.p)}){both_ways}. The MMM paper prints"
        f" {recount.rises} of {recount.comparisons} ({recount.share:.1%}, p {_p(recount.signs.p)})"
        f" and {recount.both} of {recount.datasets} in both directions."
    )


def _sure(found: Findings) -> str:
    parts = []
    for level, (_, _, what) in _ASKED.items():
        sizes = [one.smallest[0] for one in _answers(found, level, "gold")]
        known = [size for size in sizes if size is not None]
        if known:
            parts.append(f"{100 * median(known):.1f} points for the {what}")
    seeds = {len(one.seeds) for level in _ASKED for one in _answers(found, level, "gold")}
    if not seeds:
        return ""
    runs = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    scope = (
        "One run a condition speaks for these models alone, not for others trained the same way."
        if seeds == {1}
        else "With several, the claim is about new runs on new records, and few runs make it wide."
    )
    if any(one.difference.alone is not None for one in found.of("wl").values()):
        scope += " How much runs differ is told by all sub-datasets together (moderated t)."
    power = (
        f" A true difference has to be about {' or '.join(parts)} to be found four times in five,"
        " before any correction (medians); smaller ones mostly escape this design."
    )
    return (
        f"How sure: a verdict goes by p below {found.alpha:g} after Holm's correction over the"
        f" sub-datasets, with {runs} run{'s' * (max(seeds) > 1)} a condition. {scope}"
        f"{power if parts else ''} No evidence is not evidence of no difference."
    )


def _design(found: Findings, design: Design) -> str:
    parts = []
    for level, (_, _, what) in _ASKED.items():
        told = _answers(found, level, design)
        if told:
            rises = sum(one.difference.value > 0 for one in told)
            helps, hurts = (len(_named(told, v)) for v in (Verdict.HELPS, Verdict.HURTS))
            sure = f"surely so on {helps}" + (f", and surely falls on {hurts}" if hurts else "")
            parts.append(f"the {what} rises on {rises} of {len(told)}, {sure}")
    if not parts:
        return ""
    opening = {
        "predicted": "With predictions in the place of gold, which is what a user has,",
        "label first": "Trained to write both levels, the label first,",
        "items first": "Trained to write both levels, the items first,",
    }[design]
    return f"{opening} the F1 of {'; that of '.join(parts)}."


def _circular(found: Findings) -> str:
    names = [name for name, subset in found.subsets.items() if subset.circular]
    if not names:
        return ""
    return (
        f"{CIRCULAR} The text label of {_list(names)} was made from the items by a rule, so each"
        " level tells the other by construction: a gain there is no finding, and none is counted"
        " above. Their p are corrected with the others."
    )


def _missing(found: Findings) -> str:
    if not found.missing:
        return ""
    return (
        f"{len(found.missing)} of {found.planned} planned runs are missing: what is compared are"
        " the seeds that both conditions have."
    )


# ---------------------------------------------------------------- words


def _answers(found: Findings, level: Level, design: Design) -> list[Finding]:
    answers = found.of(level, design)
    return [answers[name] for name in _fair(found, answers)]


def _fair(found: Findings, names: Iterable[str]) -> list[str]:
    return [name for name in names if not found.subsets[name].circular]


def _named(told: Iterable[Finding], verdict: Verdict) -> list[str]:
    return [one.dataset for one in told if one.difference.verdict is verdict]


def _some(names: Sequence[str], whole: int = 0) -> str:
    """Return how many, of how many, and which."""
    number = f"{len(names)} of {_count(whole)}" if whole else f"{len(names)}"
    return f"{number} ({_list(names)})" if names else number


def _list(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _count(number: int) -> str:
    return f"{number} sub-dataset{'s' * (number != 1)}"


def _p(value: float) -> str:
    told = probability(value)
    return told if told.startswith("<") else f"= {told}"
