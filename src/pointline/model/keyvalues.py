"""What a model remembers of the rows that it is generating for: rows join and leave.

A row's tokens end in the last column; columns before its first token are padding, which no token
looks at. So rows of any length are joined by padding on the left, and leading columns that no row
uses any more are not looked at. Keys and values lie in tensors with room for more columns, so a
step writes one column, and a row that leaves is overwritten by the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from pointline.model.outputs import Outputs

__all__ = ["KeyValues"]

# transformers' layers that remember the keys and values of tokens and nothing else.
_JOINED = ("DynamicLayer", "DynamicSlidingWindowLayer")
_ROOM = 64  # columns that are added at a time


class KeyValues:
    """The key-value cache of some rows, and how many tokens of each it holds.

    `joinable`: whether rows can join others; not where a layer remembers anything else than the
    keys and values of tokens.
    """

    def __init__(self, outputs: Outputs) -> None:
        from transformers import Cache, DynamicCache
        from transformers.cache_utils import CacheLayerMixin

        self._outputs = outputs
        self._cache = DynamicCache(config=outputs.model.config)
        layers = self._cache.layers
        self.joinable = bool(layers) and all(type(layer).__name__ in _JOINED for layer in layers)
        if self.joinable:
            CacheLayerMixin.register(_Layer)  # not inherited from, so that nothing is imported yet
            windows = [getattr(layer, "sliding_window", None) for layer in layers]
            self._cache = Cache(layers=[_Layer(window) for window in windows])
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

    def join(self, other: KeyValues) -> None:
        """Put the rows of another, which is used up, behind these."""
        if not self.lengths:
            self._cache, self._columns = other._cache, other._columns
            self.lengths = other.lengths
            return
        self._columns = max(self._columns, other._columns)
        self.lengths += other.lengths
        for mine, theirs in zip(self._cache.layers, other._cache.layers, strict=True):
            mine.join(theirs)

    def drop(self, rows: Sequence[int]) -> list[int]:
        """Let rows leave; return which row now stands at each place."""
        import torch

        order = list(range(len(self.lengths)))
        for row in sorted(rows, reverse=True):
            order[row] = order[-1]
            order.pop()
        self.lengths = [self.lengths[row] for row in order]
        if self.joinable:
            self._columns = max(self.lengths, default=0)
            for layer in self._cache.layers:
                layer.keep(order, self._columns)
        elif order:
            chosen = torch.tensor(order, device=self._outputs.model.device)
            self._cache.batch_select_indices(chosen)
        return order


class _Layer:
    """One layer's keys and values, as a layer of transformers' Cache.

    The tensors are (rows, heads, columns, dimensions); in use are the first `rows`, and the
    columns from `begin` to `end`. A sliding layer looks at its window's columns only.
    """

    is_compileable = False
    is_initialized = True
    supports_early_init = False

    def __init__(self, window: int | None) -> None:
        self.is_sliding, self._window = window is not None, window
        self._rows = self._begin = self._end = 0
        self._keys: Any = None
        self._values: Any = None

    def update(self, keys: Tensor, values: Tensor, *_: object) -> tuple[Tensor, Tensor]:
        """Write the next columns; return all those that are looked at."""
        rows, heads, width, _size = keys.shape
        if self._keys is None:
            self._rows = rows
            self._keys = keys.new_zeros(rows, heads, 0, keys.shape[-1])
            self._values = values.new_zeros(rows, heads, 0, values.shape[-1])
        unseen = self.get_mask_sizes(width)[1]
        if self._end + width > self._keys.shape[2]:
            self._grow(rows, self.get_seq_length(), width + _ROOM)
        at, self._end = self._end, self._end + width
        self._keys[:rows, :, at : self._end] = keys
        self._values[:rows, :, at : self._end] = values
        seen = slice(self._begin + unseen, self._end)
        return self._keys[:rows, :, seen], self._values[:rows, :, seen]

    def get_seq_length(self) -> int:
        """Return how many columns there are."""
        return self._end - self._begin

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Return how many columns the next ones look at, and how many before those not."""
        columns = self.get_seq_length()
        unseen = 0 if self._window is None else max(columns - self._window + 1, 0)
        return columns + query_length - unseen, unseen

    def get_max_length(self) -> int:
        """Return -1: there is no end."""
        return -1

    def join(self, other: _Layer) -> None:
        """Put the rows of another behind these."""
        theirs = other.get_seq_length()
        rows, columns = self._rows + other._rows, max(self.get_seq_length(), theirs)
        if rows > self._keys.shape[0] or columns > self._end:
            self._grow(rows, columns, _ROOM)
        self._begin = self._end - columns
        to, used = slice(self._end - theirs, self._end), slice(other._begin, other._end)
        self._keys[self._rows : rows, :, to] = other._keys[: other._rows, :, used]
        self._values[self._rows : rows, :, to] = other._values[: other._rows, :, used]
        self._rows = rows

    def keep(self, order: Sequence[int], columns: int) -> None:
        """Put row `order[i]` at place i, which is before it or the same; keep the last columns."""
        self._begin, self._rows = self._end - columns, len(order)
        for at, row in enumerate(order):
            if at != row:
                self._keys[at] = self._keys[row]
                self._values[at] = self._values[row]

    def _grow(self, rows: int, columns: int, room: int) -> None:
        """Move to larger tensors: at least so many rows and columns, and room behind them."""
        held = self.get_seq_length()
        for name in ("_keys", "_values"):
            old = getattr(self, name)
            most, heads, _, size = old.shape
            new = old.new_zeros(max(rows, most), heads, columns + room, size)
            used = old[: self._rows, :, self._begin : self._end]
            new[: self._rows, :, columns - held : columns] = used
            setattr(self, name, new)
        self._begin, self._end = columns - held, columns
