"""The design of an ablation: everything that its results depend on, but for its datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pointline.errors import InputError
from pointline.model.backbone import DEFAULT
from pointline.model.form import PAPER, TEMPLATES, Form, Template
from pointline.model.settings import TrainConfig
from pointline.study.condition import CONDITIONS, Condition, chosen

__all__ = ["Design", "training"]


@dataclass(frozen=True, slots=True)
class Design:
    """Everything that a study's results depend on, but for its datasets.

    `examples` and `test` are records of each dataset to learn from, drawn by each seed, and to be
    tested on, drawn once; `conditions` are names as in `condition.chosen`. `max_length` is in
    tokens, prompt and completion together; `max_new_tokens` bounds what is generated in a test.
    `predicted_training` is what the conditions with a predicted level are shown in training: gold,
    as the model of the condition with gold, or predictions of models that have not seen the record.
    The other settings are those of a training (`TrainConfig`).

    Raises InputError for values that cannot be.

    >>> Design(seeds=(0,), conditions=("paper",)).conditions[0]
    'text->items'
    """

    model: str = DEFAULT
    seeds: tuple[int, ...] = (0, 1, 2)
    conditions: tuple[str, ...] = ()
    template: Template = field(default=PAPER)
    examples: int = 500
    test: int = 500
    method: Literal["lora", "full"] = "lora"
    epochs: int = 3
    learning_rate: float = 0.0
    rank: int = 16
    layers: int | None = None
    batch_tokens: int = 2048
    max_length: int = 1024
    max_new_tokens: int = 512
    test_batch: int = 32
    predicted_training: Literal["gold", "crossfit"] = "gold"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "seeds", tuple(self.seeds))
        object.__setattr__(self, "conditions", tuple(c.name for c in chosen(self.conditions)))
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise InputError(f"seeds are different numbers, one or more, got {self.seeds}")
        for name in ("examples", "test", "test_batch", "max_new_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is 1 or more, got {getattr(self, name)}")
        if self.predicted_training not in ("gold", "crossfit"):
            told = f"predicted_training is gold or crossfit, got {self.predicted_training!r}"
            raise InputError(told)
        training(self, CONDITIONS["text->items"], Path("data"), Path("out"), seed=self.seeds[0])

    def to_dict(self) -> dict[str, Any]:
        """Return the design as JSON-ready values."""
        template = Form(template=self.template).to_dict()["template"]
        lists = {"seeds": list(self.seeds), "conditions": list(self.conditions)}
        return {**asdict(self), **lists, "template": template}

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> Design:
        """Return the design that `to_dict` wrote.

        >>> Design.from_dict(Design().to_dict()) == Design()
        True
        """
        told = values["template"]
        template = Template(**told) if isinstance(told, Mapping) else TEMPLATES[told]
        return Design(**{**values, "template": template})

    def condition(self, name: str) -> Condition:
        """Return a condition as this design has it: with a model of its own where it trains one."""
        found = CONDITIONS[name]
        own = self.predicted_training == "crossfit" and found.source
        return replace(found, model="") if own else found

    @property
    def forms(self) -> tuple[Form, ...]:
        """The form of every condition there is: batches and vocabulary are those of all."""
        return tuple(dict.fromkeys(c.form(self.template) for c in CONDITIONS.values()))


def training(
    design: Design,
    condition: Condition,
    data: Path,
    out: Path,
    *,
    seed: int,
    device: str | None = None,
) -> TrainConfig:
    """Return the settings of a run's training, equal in all that a comparison rests on."""
    return TrainConfig(
        (str(data),),
        str(out),
        base=design.model,
        method=design.method,
        dev_examples=0,
        max_length=design.max_length,
        form=condition.form(design.template),
        beside=design.forms,
        rank=design.rank,
        layers=design.layers,
        epochs=design.epochs,
        max_tokens_per_batch=max(design.batch_tokens, design.max_length),
        learning_rate=design.learning_rate,
        loss_vocabulary="seen" if design.method == "lora" else "full",
        dtype=design.dtype,
        device=device,
        seed=seed,
    )
