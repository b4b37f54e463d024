"""The loss: computed where a completion's tokens are predicted, and nowhere else.

With a vocabulary of 262,144 the logits of one batch would take gigabytes, most of them for the
prompt's tokens, which nobody asks for. Here the body of the model runs once, its states are taken
at the rows that have a target, and the output layer is applied to a few hundred of them at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.model.head import plain_head

if TYPE_CHECKING:
    from torch import Tensor

    from pointline.model.batches import Batch

__all__ = ["CompletionLoss"]

_CHUNK = 512  # rows of logits at a time: half a gigabyte in float32 with the largest vocabulary


@dataclass(frozen=True, slots=True)
class _Rows:
    """Some rows of an output layer, which are not trained."""

    weight: Tensor
    bias: Tensor | None


class CompletionLoss:
    """Cross entropy of the completions' tokens, summed.

    `vocabulary` restricts the softmax to those tokens: the output layer then has as many rows.
    `autocast` is the type for matrix products where it is not the weights' own.

    Raises ModelError where the model does more after its body than one linear layer.
    """

    def __init__(
        self,
        model: Any,
        *,
        vocabulary: Sequence[int] | None = None,
        autocast: Any = None,
        chunk: int = _CHUNK,
    ) -> None:
        import torch

        self._body = model.get_decoder()
        self._device = model.device
        self._autocast = autocast
        self._chunk = chunk
        layer, _ = plain_head(model)
        if layer is None:
            raise ModelError(
                f"{type(model).__name__} does more than one linear layer after its body, which"
                " training here does not know: choose another base model"
            )
        self._head: Any = layer
        if vocabulary is not None:
            rows = torch.tensor(vocabulary, device=layer.weight.device)
            bias = None if layer.bias is None else layer.bias.detach()[rows].clone()
            self._head = _Rows(layer.weight.detach()[rows].clone(), bias)

    def move(self, device: Any) -> None:
        """Follow the model to another device."""
        self._device = device
        if isinstance(self._head, _Rows):
            bias = self._head.bias
            self._head = _Rows(
                self._head.weight.to(device), None if bias is None else bias.to(device)
            )

    def value(self, batch: Batch) -> float:
        """Return the loss, in nats, summed over the batch's targets."""
        import torch

        with torch.no_grad(), self._cast():
            states = self._states(batch)
            return sum(self._chunk_loss(*part).item() for part in self._parts(states, batch))

    def backward(self, batch: Batch, *, scale: float) -> float:
        """Return the loss, summed, and add `scale` times its gradients to the parameters'."""
        with self._cast():
            states = self._states(batch)
        # the output layer's part goes back at once, chunk by chunk, so that its logits never live
        # together; what it adds up at `cut` goes back through the body in one piece
        cut = states.detach().requires_grad_()
        total = 0.0
        for part in self._parts(cut, batch):
            with self._cast():
                loss = self._chunk_loss(*part)
            (loss * scale).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        if states.requires_grad:
            states.backward(cut.grad)  # type: ignore[no-untyped-call]
        return total

    def total(self, batch: Batch) -> Tensor:
        """Return the loss, summed, to take gradients of; logits are made again for those."""
        import torch
        from torch.utils.checkpoint import checkpoint

        with self._cast():
            states = self._states(batch)
            losses = [
                checkpoint(self._chunk_loss, *part, use_reentrant=False)
                for part in self._parts(states, batch)
            ]
        return torch.stack(losses).sum()

    def _states(self, batch: Batch) -> Tensor:
        states: Tensor = self._body(input_ids=batch.ids, use_cache=False).last_hidden_state
        return states.flatten(0, 1)[batch.rows]

    def _parts(self, states: Tensor, batch: Batch) -> Iterator[tuple[Tensor, Tensor]]:
        for start in range(0, len(batch.targets), self._chunk):
            part = slice(start, start + self._chunk)
            yield states[part], batch.targets[part]

    def _chunk_loss(self, states: Tensor, targets: Tensor) -> Tensor:
        from torch.nn.functional import cross_entropy, linear

        logits = linear(states, self._head.weight, self._head.bias).float()
        return cross_entropy(logits, targets, reduction="sum")

    def _cast(self) -> AbstractContextManager[Any]:
        import torch

        enabled = self._autocast is not None
        return torch.autocast(self._device.type, dtype=self._autocast, enabled=enabled)
