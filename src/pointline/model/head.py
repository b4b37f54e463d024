"""The output layer of a model: whether its scores are one linear layer on the body's last state.

Where they are, scores can be computed for the few places and tokens that are asked for. A model
that caps or scales its scores says otherwise, and has to be run whole.
"""

from __future__ import annotations

from typing import Any

from pointline.model.plain import Plain

__all__ = ["plain_head"]


def plain_head(model: Any) -> tuple[Any, int]:
    """Return the layer that makes the scores of the body's state, and how many scores there are.

    None instead of the layer where the model does more than that; it is tried on eight tokens.
    """
    import torch

    if isinstance(model, Plain):
        layer = model.head()
        return layer, layer.out_features
    layer = model.get_output_embeddings()
    known = model.get_input_embeddings().weight.shape[0]
    with torch.no_grad():
        # not token 0: where that is padding its state is zero, and any layer agrees
        probe = torch.linspace(1, known - 1, 8, device=model.device).long()[None]
        whole = model(input_ids=probe, use_cache=False).logits
        if type(layer) is not torch.nn.Linear:
            return None, whole.shape[-1]
        state = model.get_decoder()(input_ids=probe, use_cache=False).last_hidden_state
        close = 1e-5 if whole.dtype == torch.float32 else 2e-2
        same = torch.allclose(layer(state), whole, rtol=close, atol=close)
    return layer if same else None, whole.shape[-1]
