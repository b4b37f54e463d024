"""What a study begins with: how the work is done, the model, and settings that a folder keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointline.errors import ModelError
from pointline.model import backbone as backbones
from pointline.model.backbone import DEFAULT, Backbone, Dtype
from pointline.model.places import resolve
from pointline.model.runfolder import RunFolder

__all__ = ["CONFIG", "Begun", "Engine", "load"]

CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class Engine:
    """How the work is done; the result does not depend on it, but for rounding.

    `batch_tokens` bounds a batch, padding included; `checkpointing` trades a third of the time for
    most of the memory.
    """

    dtype: Dtype = "auto"
    device: str | None = None
    batch_tokens: int = 1024
    checkpointing: bool = False


def load(model: str, adapter: str | None, engine: Engine) -> Backbone:
    """Return the model that is measured.

    Raises ModelError for one that is no causal decoder, and as `backbone.load`.
    """
    name, _ = resolve(model, None if adapter is None else Path(adapter))
    kind = backbones.kind_of(name)
    if kind != "causal":
        raise ModelError(
            f"{name!r} is no causal decoder but a {kind} model: flow needs a decoder, such as"
            f" {DEFAULT}"
        )
    return backbones.load(model, adapter=adapter, dtype=engine.dtype, device=engine.device)


@dataclass(frozen=True, slots=True)
class Begun:
    """A study's folder and its settings, which are written when all is known to go.

    Raises InputError for a folder that was begun with others. The type of numbers that "auto" came
    to is one of them; folders of earlier versions do not say theirs.
    """

    folder: RunFolder
    settled: Mapping[str, Any]
    dtype: Dtype

    def __post_init__(self) -> None:
        before = self.folder.read(CONFIG) or {}
        kind = before.get("dtype") if self.dtype == "auto" else self.dtype
        self.folder.agree({**self.settled, **({"dtype": kind} if "dtype" in before else {})})

    def settle(self, dtype: str) -> None:
        """Write the settings, or hold the type against the one that the study was begun in."""
        before = self.folder.read(CONFIG)
        known = before is None or "dtype" in before
        self.folder.settle({**self.settled, **({"dtype": dtype} if known else {})})
