"""The vectors that a model has of a text's tokens: hidden states of its middle layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pointline.errors import MissingExtra
from pointline.model.backbone import Backbone

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["token_vectors"]


def token_vectors(
    backbone: Backbone, text: str, *, layer: int | None = None
) -> tuple[list[tuple[int, int]], NDArray[np.float32]]:
    """Return the places of a text's tokens, without blanks, and a vector for each: (tokens, width).

    Places are [start, end) in code points. `layer` is the middle one if not given: the last serves
    the next word more than the meaning of this one. The mean of the text's vectors is taken off,
    which all of them share. Nothing comes of a text that the model's window does not hold.

    Raises MissingExtra without torch.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="hf") from None
    found = backbone.tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True,
        verbose=False,
    )  # fmt: skip
    ids = [*backbone.bos, *found.input_ids]
    if len(ids) > backbone.window:
        return [], torch.zeros(0, 1).numpy()
    with torch.inference_mode():
        asked = torch.tensor([ids], device=backbone.device)
        states = backbone.model.model(input_ids=asked, output_hidden_states=True).hidden_states
    at = len(states) // 2 if layer is None else layer
    vectors = states[at][0, len(backbone.bos) :].float().cpu()
    bare = [_bare(text, start, end) for start, end in found.offset_mapping]
    said = [number for number, (start, end) in enumerate(bare) if start < end]
    vectors = (vectors - vectors.mean(dim=0, keepdim=True))[said]
    return [bare[number] for number in said], vectors.numpy()


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a place without the blanks at its edges."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end
