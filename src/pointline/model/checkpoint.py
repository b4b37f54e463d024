"""Checkpoints: where a training stands, on disk, so that a kill loses at most some steps.

A checkpoint is a folder of safetensors and one JSON file, written beside its final name and then
renamed: a folder of that name is whole. No random state is kept, since batches and dropout follow
from the seed and the number of the step.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointline.errors import ModelError
from pointline.model.processes import put, whole

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

__all__ = ["State", "clear", "latest", "restore", "save"]

_NAME = "checkpoint-"
_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


@dataclass(frozen=True, slots=True)
class State:
    """How far a training is: steps done, tokens seen, seconds worked, its log's length in bytes.

    `history` has an entry for every epoch that was scored.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    log_bytes: int = 0
    history: tuple[Mapping[str, Any], ...] = ()


def save(
    folder: Path,
    state: State,
    weights: Mapping[str, Tensor],
    optimizer: Optimizer,
    *,
    writes: bool = True,
) -> None:
    """Write a checkpoint into a run folder and remove the ones before it.

    Of several processes, all have to call this, and one `writes`.
    """
    values, moments = _gathered(weights, writes), _gathered(_moments(weights, optimizer), writes)
    if writes:
        _write(folder, state, values, moments)


def _gathered(values: Mapping[str, Any], keep: bool) -> dict[str, Tensor]:
    gathered = {}
    for name, value in values.items():
        tensor = whole(value)
        if keep:
            gathered[name] = tensor
    return gathered


def _write(
    folder: Path, state: State, values: dict[str, Tensor], moments: dict[str, Tensor]
) -> None:
    from safetensors.torch import save_file

    final = folder / f"{_NAME}{state.step:08}"
    work = folder / f".{final.name}.partial"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    save_file(values, work / _WEIGHTS)
    save_file(moments, work / _OPTIMIZER)
    (work / _STATE).write_text(json.dumps(asdict(state), ensure_ascii=False), encoding="utf-8")
    for path in work.iterdir():
        _flush(path)
    shutil.rmtree(final, ignore_errors=True)
    work.replace(final)
    for older in _found(folder):
        if older != final:
            shutil.rmtree(older, ignore_errors=True)


def latest(folder: Path) -> Path | None:
    """Return the last checkpoint of a run folder, if there is one."""
    return max(_found(folder), default=None)


def restore(checkpoint: Path, weights: Mapping[str, Tensor], optimizer: Optimizer) -> State:
    """Put a checkpoint's values into the weights and the optimizer; return where it stands.

    Raises ModelError where it is damaged or of other weights.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        values = load_file(checkpoint / _WEIGHTS)
        moments = load_file(checkpoint / _OPTIMIZER)
        state = json.loads((checkpoint / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(f"{checkpoint} is damaged ({error}): remove it to begin anew") from None
    if set(values) != set(weights):
        raise ModelError(f"{checkpoint} holds other weights than this training's: remove it")
    with torch.no_grad():
        for name, tensor in weights.items():
            tensor.copy_(put(values[name], tensor))
            optimizer.state[tensor] = {
                kind: _moment(moments[f"{kind}/{name}"], tensor, kind)
                for kind in ("step", "exp_avg", "exp_avg_sq")
                if f"{kind}/{name}" in moments
            }
    return State(**{**state, "history": tuple(state["history"])})


def clear(folder: Path) -> None:
    """Remove every checkpoint of a run folder, half-written ones too."""
    for path in (*_found(folder), *folder.glob(f".{_NAME}*.partial")):
        shutil.rmtree(path, ignore_errors=True)


def _found(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"{_NAME}*") if path.is_dir())


def _moments(weights: Mapping[str, Tensor], optimizer: Optimizer) -> dict[str, Any]:
    return {
        f"{kind}/{name}": value
        for name, tensor in weights.items()
        for kind, value in optimizer.state.get(tensor, {}).items()
    }


def _moment(value: Tensor, weight: Tensor, kind: str) -> Any:
    """Return a moment as AdamW keeps it: like its weight, but the steps are counted on the CPU."""
    return value if kind == "step" else put(value, weight)


def _flush(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
