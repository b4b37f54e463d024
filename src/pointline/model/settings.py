"""The settings of a training: everything that its result depends on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pointline.errors import InputError
from pointline.model.backbone import DEFAULT
from pointline.model.batches import Sampling
from pointline.model.prompt import Form, Level

__all__ = ["TrainConfig"]


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that a training's result depends on.

    Data: dataset folders, of each at most `examples` records (None: all) drawn by `seed`; of their
    dev splits `dev_examples`, for the loss and the scores after each epoch (0: neither).
    `max_length` refuses longer examples. `show_labels_share` of the prompts list the labels: the
    task's, all of them (`label_lists="whole"`), or some, drawn for each record among its own and
    its dataset's (`"drawn"`). `sampling` says what share of an epoch a dataset has: by its size
    ("proportional": every record once), by the size's square root, or an equal one. Records with
    one of the labels in `held_out`, of either level, are left out. `level` is learned in the mix
    format, or `form` as it says (and `level` is that form's). Batches are planned by the longest
    form of each record among it and those in `beside`, and the seen vocabulary is that of all of
    them: runs that are compared, each with the others' forms beside, have the same. What a form
    shows beside the text is the record's own, or that of the record of its id in the file `given`.

    Weights: `method="lora"` adapts every linear layer of the topmost `layers` blocks (None: all)
    at `rank`, scaled by `alpha / rank` (0: alpha is twice the rank); `method="full"` trains every
    weight.

    Steps: batches of at most `max_tokens_per_batch` tokens, `accumulation` of them a step. The rate
    rises to `learning_rate` (0: 5e-4 for LoRA, 2e-5 for every weight) over the share `warmup` of
    the steps, or over `warmup_steps` where given, then falls to zero. `clip` is the largest norm of
    the gradient. `checkpointing` trades time for memory. `loss_vocabulary="seen"` takes the
    softmax over the tokens that the data holds, which is faster and fits LoRA only.

    `dtype="auto"` is what is fast here (`backbone.fast_dtype`); `device=None` is a GPU if there is
    one. A checkpoint is written every
    `save_every` steps.

    Raises InputError for values that cannot be.
    """

    data: tuple[str, ...]
    out: str
    base: str = DEFAULT
    method: Literal["lora", "full"] = "lora"
    examples: int | None = None
    dev_examples: int = 40
    max_length: int = 1024
    show_labels_share: float = 0.0
    label_lists: Literal["whole", "drawn"] = "whole"
    sampling: Sampling = "proportional"
    held_out: tuple[str, ...] = ()
    level: Level = Level.BOTH
    form: Form | None = None
    beside: tuple[Form, ...] = ()
    given: str | None = None
    rank: int = 16
    alpha: float = 0.0
    dropout: float = 0.0
    layers: int | None = None
    epochs: int = 2
    max_tokens_per_batch: int = 2048
    accumulation: int = 1
    learning_rate: float = 0.0
    schedule: Literal["linear", "cosine"] = "linear"
    warmup: float = 0.05
    warmup_steps: int | None = None
    weight_decay: float = 0.0
    clip: float = 1.0
    checkpointing: bool = False
    loss_vocabulary: Literal["full", "seen"] = "full"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    device: str | None = None
    seed: int = 0
    save_every: int = 50

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", tuple(map(str, self.data)))
        object.__setattr__(self, "held_out", tuple(self.held_out))
        object.__setattr__(self, "form", self.form and _form(self.form))
        object.__setattr__(self, "beside", tuple(map(_form, self.beside or ())))
        level = self.level if self.form is None else self.form.level
        object.__setattr__(self, "level", Level(level))
        if self.alpha == 0:
            object.__setattr__(self, "alpha", 2.0 * self.rank)
        if self.learning_rate == 0:
            object.__setattr__(self, "learning_rate", 5e-4 if self.method == "lora" else 2e-5)
        for name, reason in self._faults():
            raise InputError(f"{name} {reason}, got {getattr(self, name)!r}")

    @property
    def asked(self) -> Form:
        """The form that is learned."""
        return self.form or Form(self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values; `TrainConfig(**values)` takes them back."""
        lists = {"data": list(self.data), "held_out": list(self.held_out)}
        forms = {
            "form": self.form and self.form.to_dict(),
            "beside": [form.to_dict() for form in self.beside] or None,
        }
        return {**asdict(self), **lists, **forms, "level": self.level.value}

    def _faults(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each setting that cannot be, and what it has to be."""
        if not self.data:
            yield "data", "is one dataset folder or more"
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                yield name, f"is one of {', '.join(allowed)}"
        for names, low, high, told in _RANGES:
            for name in names:
                value = getattr(self, name)
                if value is not None and not low <= value <= high:
                    yield name, told
        if self.method == "full" and self.loss_vocabulary == "seen":
            yield "loss_vocabulary", "is 'full' where every weight is trained, the output's too"
        if self.max_tokens_per_batch < self.max_length:
            yield "max_tokens_per_batch", f"is max_length ({self.max_length}) or more"


def _form(value: Form | Mapping[str, Any]) -> Form:
    return value if isinstance(value, Form) else Form.from_dict(value)


_CHOICES = {
    "method": ("lora", "full"),
    "schedule": ("linear", "cosine"),
    "loss_vocabulary": ("full", "seen"),
    "label_lists": ("whole", "drawn"),
    "sampling": get_args(Sampling),
    "dtype": ("auto", "float32", "bfloat16"),
}
_COUNTS = ("rank", "epochs", "accumulation", "max_length", "save_every", "examples", "layers")
_RANGES: tuple[tuple[tuple[str, ...], float, float, str], ...] = (
    (_COUNTS, 1, math.inf, "is 1 or more"),
    (("dev_examples", "weight_decay", "warmup_steps"), 0, math.inf, "is 0 or more"),
    (("warmup", "dropout", "show_labels_share"), 0, 1, "is a share, from 0 to 1"),
    (("learning_rate", "clip", "alpha"), 1e-12, 1e12, "is above 0"),
)
