"""How fast and in how much memory a training goes."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

__all__ = ["Pace"]


@dataclass(slots=True)
class Pace:
    """How fast a call of `train` learns, the time for scores left out; `left`: tokens to come."""

    left: int
    device: Any
    tokens: int = 0
    seconds: float = 0.0

    def add(self, tokens: int, seconds: float) -> None:
        """Count a step."""
        self.left -= tokens
        self.tokens += tokens
        self.seconds += seconds

    @property
    def per_second(self) -> float:
        """Tokens a second so far."""
        return self.tokens / max(self.seconds, 1e-9)

    def memory(self) -> int | None:
        """Return the most bytes held so far: on the GPU, or by the process; None if not known."""
        if self.device.type == "cuda":
            import torch

            return torch.cuda.max_memory_allocated(self.device)
        try:
            import resource
        except ImportError:  # there is none on Windows
            return None
        return _UNIT * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


_UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes
