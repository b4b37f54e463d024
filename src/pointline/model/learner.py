"""What is trained: the weights that may change, one step of the optimizer, and what comes of it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pointline.errors import InputError, MissingExtra, ModelError
from pointline.model import card
from pointline.model.backbone import DEFAULT, Backbone
from pointline.model.batches import Batch, Example, collate
from pointline.model.embedded import legal_files, quiet
from pointline.model.lora import quicken
from pointline.model.loss import CompletionLoss
from pointline.model.processes import ALONE, Processes, whole
from pointline.model.settings import TrainConfig
from pointline.version import __version__

__all__ = ["Learner"]

_LINEAR = "all-linear"


class Learner:
    """A backbone with the weights that a config lets change, and their optimizer.

    `weights` are those by name; `backbone` is the model as it stands, for decoding.
    """

    def __init__(
        self,
        backbone: Backbone,
        config: TrainConfig,
        vocabulary: Sequence[int] | None,
        processes: Processes = ALONE,
    ) -> None:
        import torch

        self._config = config
        self._base = backbone
        self._processes = processes
        torch.manual_seed(config.seed)
        self._peft = _with_lora(backbone, config) if config.method == "lora" else None
        self.model = self._peft.get_base_model() if self._peft is not None else backbone.model
        if config.checkpointing:
            with quiet():
                self.model.gradient_checkpointing_enable({"use_reentrant": False})
        cast = None if config.dtype == "float32" else getattr(torch, config.dtype)
        self._loss = CompletionLoss(self.model, vocabulary=vocabulary, autocast=cast)
        self._whole_loss = CompletionLoss(self.model, autocast=cast)
        self._root = processes.cut(self.model, dtype=cast) if processes.sharded else None
        if self._root is None:
            quicken(self.model)
        for loss in (self._loss, self._whole_loss):
            loss.move(self.model.device)
        self.backbone = replace(backbone, model=self.model)
        self.weights = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self.optimizer = torch.optim.AdamW(
            self.weights.values(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._numbers = None if vocabulary is None else {t: i for i, t in enumerate(vocabulary)}

    def step(
        self, batches: Sequence[Sequence[Example]], *, rate: float, seed: int
    ) -> tuple[float, float]:
        """Take one step; return the mean loss of its completion tokens and the gradient's norm.

        Every token of the step weighs the same, in whichever of its batches it is, and whichever
        process works on it.

        Raises ModelError where the loss is no number.
        """
        import torch

        torch.manual_seed(seed)  # of dropout: so that a resumed run draws the same
        self.model.train()
        count = sum(example.completion for batch in batches for example in batch)
        mine = sum(self._backward(batch, 1 / count) for batch in batches)
        loss = self._processes.total(mine) / count
        self._processes.add_up(self.weights.values())
        largest = torch.nn.utils.clip_grad_norm_(self.weights.values(), self._config.clip)
        norm = float(whole(largest))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise ModelError(
                f"the loss became {loss}: try a lower learning rate, or dtype='float32'"
            )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss, norm

    def _backward(self, batch: Sequence[Example], scale: float) -> float:
        """Add the gradients of this process's share; return its loss."""
        share, counts = self._processes.share(batch)
        if not counts and self._root is None:
            return 0.0
        made = self._collated(share, self._numbers)
        if self._root is None:
            return self._loss.backward(made, scale=scale)
        loss = self._root(self._loss.total, made) * float(counts)
        (loss * scale * self._processes.count).backward()  # of which FSDP takes the mean
        return float(loss)

    def value(self, batches: Sequence[Sequence[Example]]) -> float:
        """Return the mean loss of the completion tokens over the whole vocabulary."""
        self.model.eval()
        count = sum(example.completion for batch in batches for example in batch)
        return self._processes.total(sum(map(self._value, batches))) / count

    def _value(self, batch: Sequence[Example]) -> float:
        import torch

        share, counts = self._processes.share(batch)
        made = self._collated(share)
        if self._root is None:
            return self._whole_loss.value(made) * counts
        with torch.no_grad():
            return float(self._root(self._whole_loss.total, made)) * counts

    def _collated(
        self, batch: Sequence[Example], vocabulary: Mapping[int, int] | None = None
    ) -> Batch:
        device = self.model.device
        return collate(batch, pad=self._base.pad, device=device, vocabulary=vocabulary)

    def save(self, folder: Path, about: Mapping[str, Any], history: Sequence[Any]) -> Path:
        """Write the adapter or the model with its card into a run folder; return where it is.

        Of several processes, all have to call this; the first one writes.
        """
        final = folder / ("model" if self._peft is None else "adapter")
        values = self._gathered()
        if not self._processes.first:
            return final
        work = folder / f".{final.name}.partial"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        with quiet():
            self._write_weights(work, values)
        kind = str(getattr(self.model.config, "model_type", ""))
        text = card.model_card(about, history, folder=final.name, model_type=kind)
        (work / "README.md").write_text(text, encoding="utf-8")
        tasks = [dataset["task"] for dataset in about["datasets"]]
        mark = {"base": self._base.mark, "pointline": __version__, "tasks": tasks}
        told = json.dumps(mark, ensure_ascii=False) + "\n"
        marked = work / "pointline.json"
        marked.write_text(told, encoding="utf-8")
        for weights in work.glob("*.safetensors"):  # safetensors writes them for the owner alone
            shutil.copymode(marked, weights)
        if notice := card.notice(kind):
            (work / "NOTICE").write_text(notice, encoding="utf-8")
        for path in legal_files(DEFAULT if notice else self._base.name):
            if path.suffix == ".html":
                shutil.copyfile(path, work / path.name)
        shutil.rmtree(final, ignore_errors=True)
        work.replace(final)
        return final

    def _gathered(self) -> dict[str, Any] | None:
        """Return what to save where the model is cut up, None where it is whole."""
        if self._root is None:
            return None
        values = {}
        for name, value in (self._peft or self.model).named_parameters():  # tied ones once
            if self._peft is None or "lora_" in name:
                tensor = whole(value)
                if self._processes.first:
                    values[name] = tensor
        return values

    def _write_weights(self, folder: Path, values: dict[str, Any] | None) -> None:
        if self._peft is None:
            self.model.save_pretrained(folder, state_dict=values)
            self._base.tokenizer.save_pretrained(folder)
            return
        self._peft.save_pretrained(folder, state_dict=values, save_embedding_layers=False)
        _halve(folder / "adapter_model.safetensors")


def _with_lora(backbone: Backbone, config: TrainConfig) -> Any:
    """Return the model with a fresh adapter in it, as peft's class."""
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtra(error.name or "peft", extra="hf") from None
    layers = backbone.model.config.num_hidden_layers
    if config.layers is not None and config.layers > layers:
        raise InputError(f"layers is {config.layers}, but {backbone.name!r} has {layers}")
    upper = None if config.layers is None else list(range(layers - config.layers, layers))
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.rank,
        lora_alpha=config.alpha,
        lora_dropout=config.dropout,
        target_modules=_linear_names(backbone.model) if upper else _LINEAR,
        layers_to_transform=upper,
    )
    with quiet():
        model = get_peft_model(backbone.model, lora)
    known = Path(backbone.name)
    name = str(known.resolve()) if known.exists() else backbone.name
    model.peft_config["default"].base_model_name_or_path = name
    return model


def _linear_names(model: Any) -> list[str]:
    """Return the names that the linear layers of the body have in their block."""
    import torch

    body = model.get_decoder()
    return sorted(
        {name.rsplit(".", 1)[-1] for name, m in body.named_modules() if type(m) is torch.nn.Linear}
    )


def _halve(file: Path) -> None:
    """Store an adapter's matrices in float16: half the size, and 11 bits are plenty for them."""
    import torch
    from safetensors.torch import load_file, save_file

    values = {name: tensor.to(torch.float16) for name, tensor in load_file(file).items()}
    save_file(values, file, metadata={"format": "pt"})
