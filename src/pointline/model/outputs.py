"""A model's next-token scores: for every token, or for the few that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointline.model.head import plain_head

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Outputs"]


class Outputs:
    """The scores of one model.

    Few are possible where the scores are a plain linear layer on the body's last state
    (`head.plain_head`); a model that caps or scales its scores is run whole.
    """

    def __init__(self, model: Any) -> None:
        self.model: Any = model
        self._layer, self.size = plain_head(model)

    @property
    def whole(self) -> bool:
        """Whether the model has to be run whole, its output layer included."""
        return self._layer is None

    def leave_model(self) -> None:
        """Let go of all but the output layer, for one who computes the body's states himself."""
        self.model = None

    def run(self, ids: Tensor, mask: Tensor, places: Tensor, cache: Any) -> Tensor:
        """Return the last state of each row, which `scores` takes."""
        inputs = {
            "input_ids": ids,
            "attention_mask": mask,
            "position_ids": places,
            "past_key_values": cache,
            "use_cache": True,
        }
        if self._layer is None:
            logits: Tensor = self.model(**inputs, logits_to_keep=1).logits[:, -1]
            return logits
        state: Tensor = self.model.get_decoder()(**inputs).last_hidden_state[:, -1]
        return state

    def scores(self, state: Tensor, ids: Tensor | None) -> Tensor:
        """Return the scores in float32: (rows, tokens), of `ids` or of the whole vocabulary."""
        from torch.nn.functional import linear

        if self._layer is None:
            return (state if ids is None else state[:, ids]).float()
        if ids is None:
            scores: Tensor = self._layer(state)
            return scores.float()
        bias = self._layer.bias
        return linear(state, self._layer.weight[ids], None if bias is None else bias[ids]).float()
