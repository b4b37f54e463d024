"""Real knockouts: edges of attention are cut in a window of layers, and the loss is looked at.

Cut are text -> information and information -> target, and as a control the same edges of a random
set of positions, as many as there are of information. A cut edge gets no weight before the
softmax, so that the row's other weights grow; what the recorder estimates to first order is this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pointline.study.flow.attention import Blocked, watched
from pointline.study.flow.measure import Goal, logits_of
from pointline.study.flow.prompt import Role
from pointline.study.flow.recorder import Layout
from pointline.study.flow.settings import Loss

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CUTS", "cuts", "knock_out", "windows"]

#: What is cut, in the order of the results.
CUTS = ("text->info", "info->target", "text->random", "random->target")


def windows(layers: Sequence[int], size: int) -> tuple[frozenset[int], ...]:
    """Return the windows of layers one behind the other, and all layers as the last.

    >>> [sorted(window) for window in windows(range(5), 2)]
    [[0, 1], [2, 3], [4], [0, 1, 2, 3, 4]]
    """
    parts = [frozenset(layers[at : at + size]) for at in range(0, len(layers), size)]
    return (*parts, frozenset(layers)) if len(parts) > 1 else tuple(parts)


def cuts(layout: Layout) -> Mapping[str, Tensor]:
    """Return the edges of each cut, [batch, 1, T, T], True where row i may not see column j."""
    info, text = layout.member[:, Role.INFO], layout.member[:, Role.TEXT]
    target, random = layout.member[:, Role.TARGET], layout.drawn[:, 0]
    rest = layout.pool[:, 0] - random
    pairs = ((info, text), (target, info), (random, rest), (target, random))
    return {
        name: (to[:, None, :, None] * source[:, None, None, :]).bool()
        for name, (to, source) in zip(CUTS, pairs, strict=True)
    }


def knock_out(
    model: Any,
    layout: Layout,
    goal: Goal,
    found: Sequence[frozenset[int]],
    *,
    loss: Loss = "vocabulary",
) -> tuple[Tensor, Tensor]:
    """Return what each cut does in each window: both are [batch, windows, cuts].

    The first is the change of the loss in nats, the second 1 where the likeliest answer is another.
    """
    import torch

    made = cuts(layout)
    model.eval()
    with torch.no_grad():
        with watched(model):
            logits = logits_of(model, layout)
        before, said = goal.losses(logits, loss), goal.answers(logits)
        change = before.new_zeros(len(before), len(found), len(CUTS))
        other = torch.zeros_like(change)
        for at, layers in enumerate(found):
            for cut, name in enumerate(CUTS):
                with watched(model, blocked=Blocked(made[name], layers)):
                    logits = logits_of(model, layout)
                change[:, at, cut] = goal.losses(logits, loss) - before
                other[:, at, cut] = (goal.answers(logits) != said).to(other.dtype)
    return change, other
