"""Several processes at one training: each takes its share of every batch, the result is the same.

They are started by `accelerate launch` (or torchrun). Without FSDP in its settings each process
holds the whole model, and gradients are added up; with it, weights, gradients and optimizer are
cut in as many parts as there are processes (torch's fully_shard), and a block is put together only
while it works. A step has the same examples as in one process, and each completion token the same
weight, however they are shared out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pointline.errors import MissingExtra

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ALONE", "Processes", "put", "whole"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Processes:
    """How many processes work together, which one this is, and whether they cut up the model."""

    count: int = 1
    rank: int = 0
    sharded: bool = False
    device: str | None = None

    @classmethod
    def found(cls) -> Processes:
        """Return what the launcher says, connected to the others; one process without it.

        Raises MissingExtra where accelerate is not installed.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        try:
            import torch
            from accelerate import PartialState
        except ImportError as error:
            raise MissingExtra(error.name or "accelerate", extra="hf") from None
        asked = os.environ.get("ACCELERATE_USE_CPU", "").lower() in _YES
        here = PartialState(cpu=asked or not torch.accelerator.is_available())
        sharded = os.environ.get("ACCELERATE_USE_FSDP", "").lower() in _YES
        return cls(here.num_processes, here.process_index, sharded, str(here.device))

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def share(self, batch: Sequence[T]) -> tuple[list[T], bool]:
        """Return this process's examples of a batch, and whether they count.

        Where there are fewer examples than processes, some work on one that does not count, since
        parts of the model are exchanged while it works.
        """
        mine = list(batch[self.rank :: self.count])
        return (mine, True) if mine else (list(batch[:1]), False)

    def any(self, said: bool) -> bool:
        """Say whether any process says so; all have to ask."""
        return self.total(float(said)) > 0 if self.count > 1 else said

    def total(self, value: float) -> float:
        """Return the sum of the processes' values; all have to ask."""
        if self.count == 1:
            return value
        import torch

        held = torch.tensor(value, dtype=torch.float64, device=self.device)
        torch.distributed.all_reduce(held)
        return float(held)

    def wait(self) -> None:
        """Wait until every process is here."""
        self.total(0.0)

    def add_up(self, weights: Iterable[Any]) -> None:
        """Add up the gradients of a model that every process holds whole."""
        import torch

        if self.count > 1 and not self.sharded:
            for weight in weights:
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)
                torch.distributed.all_reduce(weight.grad)

    def cut(self, model: Any, *, dtype: Any = None) -> Any:
        """Cut a model up, in place; return the module through which it has to be called.

        `dtype` is the type to compute in where it is not the weights' own.
        """
        import torch
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

        class Root(torch.nn.Module):
            """Calls a function inside a module's forward pass, so that its weights are there."""

            def __init__(self) -> None:
                super().__init__()
                self.model = model

            def forward(self, work: Callable[[Any], Tensor], batch: Any) -> Tensor:
                return work(batch)

        kind = torch.device(self.device or "cpu").type
        policy = MixedPrecisionPolicy(param_dtype=dtype, reduce_dtype=torch.float32)
        options: dict[str, Any] = {
            "mesh": init_device_mesh(kind, (self.count,)),
            "mp_policy": policy,
        }
        for layer in model.get_decoder().layers:
            fully_shard(layer, **options)
        return fully_shard(Root(), **options)


ALONE = Processes()
_YES = ("1", "true", "yes")


def whole(value: Any) -> Tensor:
    """Return a tensor put together from the processes' parts; all processes have to ask."""
    put_together: Tensor = value.full_tensor().cpu() if _is_part(value) else value
    return put_together.detach().contiguous()


def put(value: Tensor, like: Any) -> Any:
    """Return a whole tensor as `like` is kept: on its device, and only this process's part."""
    if not _is_part(like):
        return value.to(like.device)
    from torch.distributed.tensor import distribute_tensor

    return distribute_tensor(value.to(like.device), like.device_mesh, like.placements)


def _is_part(value: Any) -> bool:
    return hasattr(value, "full_tensor")
