"""A LoRA adapter added into the weights of its base: what peft does, in a tenth of the time.

peft first puts two layers beside each of the model's, and importing it takes as long as the sums.
An adapter that is more than `W + scale * up @ down` in plain linear layers is left to peft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.model.places import ADAPTER, read_json
from pointline.model.plain import Plain

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["merge"]

_KEY = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")
# What an adapter's settings may say, beside ranks, scale and names.
_PLAIN: Mapping[str, Any] = {
    "peft_type": "LORA",
    "bias": "none",
    "fan_in_fan_out": False,
    "lora_bias": False,
    "use_dora": False,
    "use_qalora": False,
    "use_bdlora": None,
    "alora_invocation_tokens": None,
    "arrow_config": None,
    "layer_replication": None,
    "megatron_config": None,
    "modules_to_save": None,
    "rank_pattern": {},
    "alpha_pattern": {},
    "target_parameters": None,
    "trainable_token_indices": None,
}
# How an adapter's matrices may have begun; others, as PiSSA, alter the base as well.
_BEGINNINGS = (True, False, "gaussian")


def merge(model: Any, folder: Path) -> bool:
    """Add the adapter in a folder into the model's weights; say whether that was done.

    Nothing is changed where it is not, and peft can be asked.

    Raises ModelError for settings that cannot be read.
    """
    import torch
    from safetensors.torch import load_file

    settings = read_json(folder / ADAPTER)
    if any(settings.get(key, plain) not in (plain, None) for key, plain in _PLAIN.items()):
        return False
    if settings.get("init_lora_weights", True) not in _BEGINNINGS:
        return False
    matrices = load_file(folder / "adapter_model.safetensors")
    layers = _layers(_linears(model), matrices)
    if layers is None:
        return False
    scale = settings["lora_alpha"] / settings["r"] ** (0.5 if settings.get("use_rslora") else 1)
    with torch.no_grad():
        for name, weight in layers.items():
            down, up = (matrices[f"base_model.model.{name}.lora_{part}.weight"] for part in "AB")
            change = (up.float() @ down.float()).mul_(scale)
            weight.data = (weight.float() + change.to(weight.device)).to(weight.dtype)
    return True


def _linears(model: Any) -> Mapping[str, Tensor]:
    """Return the weights of a model's plain linear layers by the layer's name."""
    import torch

    if isinstance(model, Plain):
        return model.linears()
    modules = model.named_modules()
    return {name: layer.weight for name, layer in modules if type(layer) is torch.nn.Linear}


def _layers(
    linears: Mapping[str, Tensor], matrices: Mapping[str, Tensor]
) -> dict[str, Tensor] | None:
    """Return the weights that an adapter changes by name, None where one is not as expected."""
    layers: dict[str, Tensor] = {}
    for key, matrix in matrices.items():
        found = _KEY.fullmatch(key)
        if found is None or found[1] not in linears:
            return None
        name, part = found.groups()
        side = "BA".index(part)  # B makes what the layer gives, A takes what it takes
        if linears[name].shape[side] != matrix.shape[side]:
            return None
        layers[name] = linears[name]
    return layers if len(matrices) == 2 * len(layers) else None
