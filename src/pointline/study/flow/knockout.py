"""Real knockouts: edges of attention are cut in a window of layers, and the loss is looked at.

Cut are text -> information and information -> target. Each has a control that cuts as many edges:

- of text -> information, pairs j < i drawn evenly from all of text and information;
- of information -> target, the edges into the target from a random set of positions of both.

Both are drawn once for each sample, by its seed. A cut edge gets no weight before the softmax, so
that the row's other weights grow; what the recorder estimates to first order is this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pointline.study.flow.attention import Blocked, watched
from pointline.study.flow.measure import Goal, logits_of
from pointline.study.flow.prompt import Role
from pointline.study.flow.recorder import Layout
from pointline.study.flow.roles import Tokens
from pointline.study.flow.settings import Loss

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["CUTS", "CUTS_BEFORE", "cuts", "draw_edges", "knock_out", "windows"]

#: What is cut, in the order of the results; the last two are the controls of the first two.
CUTS = ("text->info", "info->target", "random edges", "random->target")

#: What earlier versions cut: the first control had about half the edges of what it stood beside.
CUTS_BEFORE = ("text->info", "info->target", "text->random", "random->target")


def windows(layers: Sequence[int], size: int) -> tuple[frozenset[int], ...]:
    """Return the windows of layers one behind the other, and all layers as the last.

    >>> [sorted(window) for window in windows(range(5), 2)]
    [[0, 1], [2, 3], [4], [0, 1, 2, 3, 4]]
    """
    parts = [frozenset(layers[at : at + size]) for at in range(0, len(layers), size)]
    return (*parts, frozenset(layers)) if len(parts) > 1 else tuple(parts)


def draw_edges(tokens: Tokens, seed: int) -> NDArray[np.int_]:
    """Return pairs (i, j), j < i, of text and information, as many as text -> information has.

    They are drawn evenly, without repetition, by the seed alone: [pairs, 2], positions in the
    prompt. There are always enough, since those of text -> information are among them.
    """
    import numpy as np

    text, info = tokens.at(Role.TEXT), tokens.at(Role.INFO)
    count = sum(j < i for i in info for j in text)
    pool = np.array(sorted((*text, *info)))
    to, source = np.tril_indices(len(pool), -1)
    # a stream of its own: random positions are drawn from the same seed
    chosen = np.random.default_rng((seed, 1)).choice(len(to), size=count, replace=False)
    return np.stack([pool[to[chosen]], pool[source[chosen]]], axis=-1)


def cuts(layout: Layout, drawn: Sequence[NDArray[np.int_]]) -> Mapping[str, Tensor]:
    """Return the edges of each cut, [batch, 1, T, T], True where row i may not see column j.

    `drawn` are each sample's edges of `draw_edges`.
    """
    info, text = layout.member[:, Role.INFO], layout.member[:, Role.TEXT]
    target, random = layout.member[:, Role.TARGET], layout.drawn[:, 0]
    into, out, control = (
        (to[:, None, :, None] * source[:, None, None, :]).bool()
        for to, source in ((info, text), (target, info), (target, random))
    )
    return dict(zip(CUTS, (into, out, _scattered(layout, drawn), control), strict=True))


def _scattered(layout: Layout, drawn: Sequence[NDArray[np.int_]]) -> Tensor:
    """Return each sample's drawn edges in the padded batch, [batch, 1, T, T]."""
    import torch

    count, length = layout.ids.shape
    edges = torch.zeros(count, 1, length, length, dtype=torch.bool)
    padding = (length - layout.mask.sum(-1)).tolist()
    for row, (pairs, begin) in enumerate(zip(drawn, padding, strict=True)):
        to, source = torch.from_numpy(pairs + int(begin)).unbind(-1)
        edges[row, 0, to, source] = True
    return edges.to(layout.ids.device)


def knock_out(
    model: Any,
    layout: Layout,
    goal: Goal,
    found: Sequence[frozenset[int]],
    drawn: Sequence[NDArray[np.int_]],
    *,
    loss: Loss = "vocabulary",
) -> tuple[Tensor, Tensor]:
    """Return what each cut does in each window: both are [batch, windows, cuts].

    The first is the change of the loss in nats, the second 1 where the likeliest answer is another.
    `drawn` are each sample's edges of `draw_edges`.
    """
    import torch

    made = cuts(layout, drawn)
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
