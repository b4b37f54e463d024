"""The model card of what a training made: data, settings, scores, and the base's licence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pointline.model.embedded import GEMMA_NOTICE, PACKAGED

__all__ = ["model_card", "notice"]

_SETTINGS = (
    "method", "rank", "alpha", "dropout", "layers", "epochs", "max_tokens_per_batch",
    "accumulation", "learning_rate", "schedule", "warmup", "weight_decay", "clip", "dtype",
    "loss_vocabulary", "level", "show_labels_share", "label_lists",
    "sampling", "held_out", "seed",
)  # fmt: skip

_TERMS = re.compile("gemma(2|3.*)?")  # the kinds of model that are under the Gemma Terms of Use
_GEMMA = f"""\
This is a Model Derivative of Gemma: its weights were trained on top of Gemma's and are of use with
them only. {GEMMA_NOTICE}.
Whoever uses or passes it on is bound by those terms, the use restrictions of their section 3.2 and
the Prohibited Use Policy (ai.google.dev/gemma/prohibited_use_policy) included, and hands on a copy
of the terms (GEMMA_TERMS.html beside this file, where it could be copied) and the file NOTICE.
What was changed: see the settings below."""

_USE = """\
```python
import pointline as pl

ex = pl.Extractor.load("{folder}")  # the path of this folder
ex("...", task="{task}")
```"""


def model_card(
    config: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    *,
    folder: str,
    model_type: str = "",
) -> str:
    """Return the card as Markdown; `config` is what the run folder's config.json holds.

    `model_type` is the base's own (transformers' name of its kind), which tells its licence where
    its name does not.
    """
    data = config["datasets"]
    kind = "LoRA adapter for" if config["method"] == "lora" else "Fine-tuned version of"
    parts = [
        f"# {kind} {config['base']}",
        "Reads a text's label and its word-level items in one pass (pointline's mix format).",
        _USE.format(folder=folder, task=data[0]["task"]["name"]),
        "## Licence",
        _licence(config["base"], model_type),
        "## Data",
        _table(
            ("dataset", "records", "licences", "SHA-256 of train.jsonl"),
            [(d["name"], d["records"], ", ".join(d["licences"]), d["sha256"][:16]) for d in data],
        ),
        *_left_out(config),
        "## Settings",
        _table(("setting", "value"), [(name, config[name]) for name in _SETTINGS]),
        "## Scores on development records",
        _scores(history),
        f"Made with pointline {config['pointline']}, torch {config['torch']}.",
    ]
    return "\n\n".join(parts) + "\n"


def _left_out(config: Mapping[str, Any]) -> list[str]:
    """Return what the card says of labels that the model must not have seen, if there are any."""
    left = [(d["name"], d["held_out"]) for d in config["datasets"] if d.get("held_out")]
    if not left:
        return []
    told = ", ".join(f"{count:,} of {name}" for name, count in left)
    labels = ", ".join(config["held_out"])
    return [f"Left out of training, for holding one of the labels {labels}: {told}."]


def notice(model_type: str) -> str:
    """Return the text of the file NOTICE that a derivative of such a model carries, if it has to.

    >>> notice("gemma3_text") > "", notice("llama")
    (True, '')
    """
    return f"{GEMMA_NOTICE}\n" if _TERMS.fullmatch(model_type) else ""


def _licence(base: str, model_type: str) -> str:
    if _TERMS.fullmatch(model_type):
        return _GEMMA
    if base not in PACKAGED:
        return f"The licence of the base model ({base}) and those of the data below apply."
    licence = PACKAGED[base].licence
    return f"The base model is under {licence}; the licences of the data below apply as well."


def _scores(history: Sequence[Mapping[str, Any]]) -> str:
    scored = [entry for entry in history if entry.get("scores")]
    if not scored:
        return "Not scored during training."
    rows = [
        (name, *(_percent(found.get(key)) for key in ("tl", "wl", "all", "well_formed")))
        for name, found in scored[-1]["scores"].items()
    ]
    records = scored[-1]["records"]
    told = f"After epoch {scored[-1]['epoch']}, at most {records} records a dataset, in per cent."
    return f"{told}\n\n{_table(('dataset', 'TL F1', 'WL F1', 'ALL', 'well-formed'), rows)}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def _table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)
