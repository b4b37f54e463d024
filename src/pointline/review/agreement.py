"""How well two reviewers agree: Cohen's kappa."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from pointline.review.item import Opinion
from pointline.score.agreement import cohen

__all__ = ["Agreement", "Between", "alike", "between"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two people's categories of the same items: how many items, how many alike, and kappa.

    `kappa` is None where it has no value: no items, or both used one and the same category only.
    """

    items: int
    alike: int
    kappa: float | None

    @property
    def share(self) -> float:
        """The share of items on which both agree, 0 where there are none."""
        return self.alike / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True)
class Between:
    """Two reviewers by name: how they agree on verdicts, and on the labels that both accept."""

    first: str
    second: str
    verdict: Agreement
    label: Agreement


def alike(pairs: Sequence[tuple[Hashable, Hashable]]) -> Agreement:
    """Return how pairs (first rater's category, second rater's) agree.

    >>> alike([("y", "y"), ("y", "n"), ("n", "n"), ("n", "n")])
    Agreement(items=4, alike=3, kappa=0.5)
    """
    return Agreement(len(pairs), sum(a == b for a, b in pairs), cohen(Counter(pairs)))


def between(opinions: Iterable[Opinion]) -> list[Between]:
    """Return the agreement of every two reviewers who judged an item in common, by name."""
    by_item: defaultdict[int, dict[str, Opinion]] = defaultdict(dict)
    for opinion in opinions:
        by_item[opinion.item][opinion.reviewer] = opinion
    shared: defaultdict[tuple[str, str], list[tuple[Opinion, Opinion]]] = defaultdict(list)
    for found in by_item.values():
        names = sorted(found)
        for at, name in enumerate(names):
            for other in names[at + 1 :]:
                shared[name, other].append((found[name], found[other]))
    return [
        Between(first, second, _on_verdict(both), _on_label(both))
        for (first, second), both in sorted(shared.items())
    ]


def _on_verdict(both: Sequence[tuple[Opinion, Opinion]]) -> Agreement:
    return alike([(a.verdict, b.verdict) for a, b in both])


def _on_label(both: Sequence[tuple[Opinion, Opinion]]) -> Agreement:
    accepted = [(a, b) for a, b in both if a.verdict == b.verdict == "accepted"]
    return alike([(a.label, b.label) for a, b in accepted])
