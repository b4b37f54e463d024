"""How a worker gets its extractor: what the command line says of a model, as it travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointline.model.chat.limits import Limits
from pointline.model.extract import Extractor, Options

if TYPE_CHECKING:
    from pointline.model.backbone import Dtype
    from pointline.model.gemma import Weights

__all__ = ["Loader"]


@dataclass(frozen=True, slots=True)
class Loader:
    """A model by its name, as `Extractor.load` takes it; the adapter "none" is none at all.

    `limits` are for a model behind an address, of which each worker asks for itself.
    """

    model: str | None = None
    adapter: str | None = None
    dtype: Dtype = "float32"
    options: Options | None = None
    limits: Limits | None = None
    precision: Weights = "float32"

    def __call__(self, device: str | None = None) -> Extractor:
        """Load it; raises as `Extractor.load` does."""
        from pointline.model import backbone
        from pointline.model.chat.question import PREFIX

        name, adapter = self.model, None if self.adapter == "none" else self.adapter
        if name is None and self.adapter == "none":
            name = backbone.DEFAULT
        if name is not None and name.startswith(PREFIX):
            from pointline.model.openai import behind

            return behind(name, self.options, adapter=adapter, device=device, limits=self.limits)
        return Extractor.load(
            name,
            adapter=adapter,
            dtype=self.dtype,
            device=device,
            precision=self.precision,
            options=self.options,
        )
