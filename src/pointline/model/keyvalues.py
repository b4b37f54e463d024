"""What a model remembers of the rows that it is generating for: rows join and leave.

A row's tokens end in the last column; columns before its first token are padding, which no token
looks at. So rows of any length are joined by padding on the left, and leading columns that no row
uses are dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from pointline.model.outputs import Outputs

__all__ = ["KeyValues"]


class KeyValues:
    """The key-value cache of some rows, and how many tokens of each it holds."""

    def __init__(self, outputs: Outputs) -> None:
        from transformers import DynamicCache

        self._outputs = outputs
        self._cache = DynamicCache(config=outputs.model.config)
        self._columns = 0
        self.lengths: list[int] = []

    def feed(self, queues: Sequence[Sequence[int]]) -> Tensor:
        """Run the model on the next tokens of every row, and return the rows' last states.

        Queues may differ in length in the first feed only.
        """
        import torch

        width = max(map(len, queues))
        self._columns += width
        before = self.lengths or [0] * len(queues)
        self.lengths = [n + len(queue) for n, queue in zip(before, queues, strict=True)]
        device = self._outputs.model.device
        ids = torch.tensor([[0] * (width - len(q)) + list(q) for q in queues], device=device)
        lengths = torch.tensor(self.lengths, device=device)[:, None]
        columns = torch.arange(self._columns, device=device)
        mask = (columns >= self._columns - lengths).long()
        places = (columns[-width:] - self._columns + lengths).clamp(min=0)
        return self._outputs.run(ids, mask, places, self._cache)

    @property
    def joinable(self) -> bool:
        """Whether rows can be joined: not where a layer remembers other things than keys."""
        from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

        known = (DynamicLayer, DynamicSlidingWindowLayer)
        return all(type(layer) in known for layer in self._cache.layers)

    def join(self, other: KeyValues) -> None:
        """Put the rows of another, which is used up, behind these."""
        import torch

        columns = max(self._columns, other._columns)
        self._fit(columns)
        other._fit(columns)
        for mine, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            mine.keys = torch.cat([mine.keys, theirs.keys])
            mine.values = torch.cat([mine.values, theirs.values])
        self.lengths += other.lengths

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        import torch

        self.lengths = [self.lengths[row] for row in rows]
        if self.joinable:
            self._fit(max(self.lengths))
        self._cache.batch_select_indices(torch.tensor(rows, device=self._outputs.model.device))

    def _fit(self, columns: int) -> None:
        """Pad or drop columns on the left."""
        if columns == self._columns:
            return
        self._columns = columns
        for layer in self._cache.layers:
            kept = columns
            if layer.is_sliding:
                kept = min(columns, layer.sliding_window - 1)
                layer.cumulative_length = columns
            layer.keys, layer.values = _fitted(layer.keys, kept), _fitted(layer.values, kept)


def _fitted(states: Any, columns: int) -> Any:
    from torch.nn.functional import pad

    more = columns - states.shape[-2]
    return pad(states, (0, 0, more, 0)) if more > 0 else states[..., -more:, :]
