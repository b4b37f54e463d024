"""What is kept of the attention maps: tables of segments, a null, an estimate of knockouts.

For every layer l and pair of positions j < i, the flow is I_l(i, j) = |sum_h A_h(i, j) g_h(i, j)|
with g = dL/dA (or sum_h |A g|). Instead of the maps, their sums are kept, each of which takes one
or two thin matrix products of a block of rows:

- table[to, from]: the sum of I over i in one segment, j in another;
- for each random set R of positions: the flow into R, and from R into the target;
- estimate: what dL a knockout of text -> information and information -> target would come to, to
  first order. Blocking the columns J of a row and renormalising changes the row's weights by
  -A_j within J and by A_j A_J / (1 - A_J) elsewhere, A_J = sum of A over J, so that with P = A g
      dL = sum over heads and rows of (A_J P_all - P_J) / (1 - A_J).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pointline.study.flow.prompt import Role
from pointline.study.flow.roles import Tokens
from pointline.study.flow.settings import Heads, Source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["EDGES", "Layout", "Recorder", "draw_positions", "layout"]

#: The two edges that a knockout cuts, and that the estimate is of: (to, from).
EDGES: tuple[tuple[Role, Role], ...] = ((Role.INFO, Role.TEXT), (Role.TARGET, Role.INFO))

_LEAST = 1e-6  # of a row's weight that is taken to be left when its columns are blocked


@dataclass(frozen=True, slots=True)
class Layout:
    """A left-padded batch: the tokens, and which positions are what.

    `ids` and `mask` (1 for a token) are [batch, T]; `member` is [batch, roles, T], 1 where a
    position has the role; `drawn` is [batch, draws, T], 1 where a random set holds the position.
    """

    ids: Tensor
    mask: Tensor
    member: Tensor
    drawn: Tensor

    @property
    def pool(self) -> Tensor:
        """What random sets are drawn from: text and information, [batch, 1, T]."""
        found: Tensor = self.member[:, [Role.TEXT, Role.INFO]].sum(1, keepdim=True)
        return found


def draw_positions(tokens: Tokens, draws: int, seed: int) -> NDArray[np.bool_]:
    """Return random sets of positions, [draws, T]: as many as there are of information.

    They are drawn from text and information, without repetition, by the seed alone.
    """
    import numpy as np

    pool = np.array([*tokens.at(Role.TEXT), *tokens.at(Role.INFO)])
    count = len(tokens.at(Role.INFO))
    rng = np.random.default_rng(seed)
    chosen = np.zeros((draws, len(tokens)), dtype=np.bool_)
    for row in chosen:
        row[rng.choice(pool, size=count, replace=False)] = True
    return chosen


def layout(
    batch: Sequence[Tokens],
    drawn: Sequence[NDArray[np.bool_]],
    *,
    pad: int,
    device: Any = None,
    dtype: Any = None,
) -> Layout:
    """Return a batch filled up on the left, so that every target is in the last column."""
    import torch

    length = max(map(len, batch))
    ids = torch.full((len(batch), length), pad)
    mask = torch.zeros(len(batch), length, dtype=torch.long)
    member = torch.zeros(len(batch), len(Role), length, dtype=dtype)
    sets = torch.zeros(len(batch), drawn[0].shape[0], length, dtype=dtype)
    for row, (tokens, found) in enumerate(zip(batch, drawn, strict=True)):
        begin = length - len(tokens)
        ids[row, begin:] = torch.tensor(tokens.ids)
        mask[row, begin:] = 1
        member[row, list(tokens.roles), range(begin, length)] = 1
        sets[row, :, begin:] = torch.from_numpy(found).to(sets.dtype)
    return Layout(ids.to(device), mask.to(device), member.to(device), sets.to(device))


class Recorder:
    """Adds up what is kept, layer by layer, as it is shown blocks of rows (a Watcher).

    `table` is [batch, roles, roles] for each layer, `reached` the number of pairs that the layer's
    mask lets see each other, `null` [batch, draws, 2] the flow into each random set and from it
    into the target, `estimate` [batch, edges], `maps` [batch, T, T] where they are asked for.
    """

    def __init__(
        self, layout: Layout, *, heads: Heads, source: Source, keep_maps: bool = False
    ) -> None:
        """Begin with nothing."""
        import torch

        self._layout, self._heads, self._source = layout, heads, source
        self._watched = torch.cat([layout.member, layout.drawn], 1)
        if source == "text":  # of a random set: the rest of what it was drawn from
            self._sources = layout.pool - layout.drawn
        else:
            self._sources = layout.mask[:, None].to(layout.drawn.dtype)
        self._keep = keep_maps
        self._reach: dict[int, tuple[Tensor, Tensor]] = {}
        self.table: dict[int, Tensor] = {}
        self.reached: dict[int, Tensor] = {}
        self.null: dict[int, Tensor] = {}
        self.estimate: dict[int, Tensor] = {}
        self.maps: dict[int, Tensor] = {}

    def reach(self, layer: int, mask: Tensor) -> None:
        """Count the pairs of a layer that can see each other; layers share their masks."""
        import torch

        key = mask.data_ptr()
        if key not in self._reach:
            seen = (mask[:, 0] > torch.finfo(mask.dtype).min / 2).tril(-1)
            # the mask is kept with its counts: no other can have its address while it lives
            self._reach[key] = mask, self._between(seen.to(self._watched.dtype))
        self.reached[layer] = self._reach[key][1]

    def see(self, layer: int, weights: Tensor, product: Tensor, row: int, column: int) -> None:
        """Add a block of rows: A and P = A dL/dA, both [batch, heads, rows, columns]."""
        if layer not in self.table:
            self._begin(layer)
        self._estimate(layer, weights, product, row, column)
        flow = product.sum(1).abs() if self._heads == "sum-then-abs" else product.abs().sum(1)
        # a token's own weight is no flow between tokens
        flow.diagonal(row - column, dim1=-2, dim2=-1).zero_()
        self._add(layer, flow, row, column)
        if self._keep:
            rows, columns = flow.shape[1:]
            self.maps[layer][:, row : row + rows, column : column + columns] = flow

    def pairs(self) -> tuple[Tensor, Tensor]:
        """Return how many pairs j < i each cell of `table` and each sum of `null` is of."""
        length = self._watched.shape[-1]
        ones = self._watched.new_ones(1, length, length).tril(-1)
        into = ((self._layout.drawn @ ones) * self._sources).sum(-1)
        return self._between(ones), self._both(into, self._layout.drawn[..., :-1].sum(-1))

    def _between(self, flow: Tensor) -> Tensor:
        member = self._layout.member
        return (member @ flow) @ member.transpose(1, 2)

    def _both(self, first: Tensor, second: Tensor) -> Tensor:
        import torch

        return torch.stack([first, second], -1)

    def _begin(self, layer: int) -> None:
        batch, _, length = self._watched.shape
        roles, draws = self._layout.member.shape[1], self._layout.drawn.shape[1]
        zeros = self._watched.new_zeros
        self.table[layer] = zeros(batch, roles, roles)
        self.null[layer] = zeros(batch, draws, 2)
        self.estimate[layer] = zeros(batch, len(EDGES))
        if self._keep:
            self.maps[layer] = zeros(batch, length, length)

    def _add(self, layer: int, flow: Tensor, row: int, column: int) -> None:
        rows, columns = (slice(row, row + flow.shape[1]), slice(column, column + flow.shape[2]))
        into = self._watched[:, :, rows] @ flow  # [batch, roles and draws, columns]
        member = into[:, : len(Role)]
        self.table[layer] += member @ self._layout.member[:, :, columns].transpose(1, 2)
        drawn = into[:, len(Role) :]
        self.null[layer][..., 0] += (drawn * self._sources[:, :, columns]).sum(-1)
        if rows.stop == self._watched.shape[-1]:  # the target's row is the last
            from_drawn = self._layout.drawn[:, :, columns] @ flow[:, -1, :, None]
            self.null[layer][..., 1] += from_drawn[..., 0]

    def _estimate(
        self, layer: int, weights: Tensor, product: Tensor, row: int, column: int
    ) -> None:
        """Add the rows' first-order change of the loss, (A_J P_all - P_J) / (1 - A_J)."""
        rows, columns = weights.shape[2:]
        member = self._layout.member
        for edge, (to, source) in enumerate(EDGES):
            # the target is a row alone, the last of the last block
            some = slice(-1, None) if to is Role.TARGET else slice(None)
            reader = member[:, None, to, row : row + rows][..., some]
            if not reader.any():
                continue
            blocked = member[:, source, column : column + columns, None]
            chosen = weights[:, :, some], product[:, :, some]
            share, part = ((side.flatten(1, 2) @ blocked).view(side.shape[:3]) for side in chosen)
            change = (share * chosen[1].sum(-1) - part) / (1 - share).clamp(min=_LEAST)
            self.estimate[layer][:, edge] += (change * reader).sum((1, 2))
