"""What a flow study measures and how: frozen settings, and those of the papers by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

from pointline.errors import InputError
from pointline.model.form import TEMPLATES

__all__ = [
    "ANCHORS",
    "MRE",
    "POINTLINE",
    "RECIPES",
    "Direction",
    "FlowConfig",
    "Heads",
    "Loss",
    "PromptStyle",
    "Recipe",
    "Source",
    "View",
]

Direction = Literal["items-to-label", "label-to-items"]
PromptStyle = Literal["digits", "given", "joint"]
Heads = Literal["sum-then-abs", "abs-then-sum"]
Loss = Literal["vocabulary", "label-set"]
Source = Literal["text", "all"]
View = Literal["means", "shares"]


@dataclass(frozen=True, slots=True)
class FlowConfig:
    """What is measured; all of it is written into the result.

    `direction` is what the flow goes to: the text's label with its items in the prompt, or the
    first item with the label in the prompt. `prompt` is how it is asked: "digits" lists the labels
    with numbers and asks for one; "given" and "joint" write the forms that models are trained on
    (`model.form`) in `template`.

    `heads` is I = |sum_h A g| ("sum-then-abs", the reference code) or sum_h |A g|. `loss` is the
    cross-entropy of the target's first token over the whole vocabulary, or over the first tokens
    of the labels alone. `source` is where S_wp may come from: the text, or all that stands before.
    `view` is what the figures show: means per pair of tokens, or the three means divided by their
    sum in each layer.

    `draws` random sets of positions make the null, `random_samples` samples are run through
    `random_models` models of random weights. `knockout` is how many layers a real knockout blocks
    at once (0: none is run), on `knockout_samples` samples at most. `maps` samples keep their
    whole token-to-token maps.

    Raises InputError for a value that is none of those allowed.

    >>> FlowConfig("items-to-label").heads
    'sum-then-abs'
    """

    direction: Direction
    prompt: PromptStyle = "digits"
    template: str = "pointline"
    heads: Heads = "sum-then-abs"
    loss: Loss = "vocabulary"
    source: Source = "text"
    view: View = "means"
    split: Literal["train", "dev", "test"] = "test"
    samples: int = 200
    seed: int = 42
    max_tokens: int = 1024
    draws: int = 50
    random_models: int = 1
    random_samples: int = 50
    knockout: int = 0
    knockout_samples: int = 50
    maps: int = 4

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(FlowConfig).items():
            value, allowed = getattr(self, name), get_args(kind)
            if allowed and value not in allowed:
                raise InputError(f"flow: {name} is one of {', '.join(allowed)}, got {value!r}")
            if kind is int and (not isinstance(value, int) or value < 0):
                raise InputError(f"flow: {name} is a whole number from 0, got {value!r}")
        for name in ("samples", "max_tokens", "draws"):
            if getattr(self, name) < 1:
                raise InputError(f"flow: {name} is at least 1, got {getattr(self, name)}")
        if self.template not in TEMPLATES:
            raise InputError(f"flow: no template {self.template!r}: {', '.join(TEMPLATES)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON-ready values."""
        return asdict(self)

    @staticmethod
    def from_dict(values: Mapping[str, Any]) -> FlowConfig:
        """Return the settings that `to_dict` wrote.

        Raises InputError for a setting that is unknown or missing.
        """
        known = {field.name for field in fields(FlowConfig)}
        unknown = sorted(values.keys() - known)
        if unknown or "direction" not in values:
            told = f"unknown setting {unknown[0]!r}" if unknown else "no 'direction'"
            raise InputError(f"flow: {told}: was this run written by another version?")
        return FlowConfig(**values)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A paper's settings under a name, and ours.

    `settings` are those of FlowConfig that it fixes, `families` the families of datasets that it
    was run on, `training` how its model was fine-tuned before (options of `pointline train`); an
    empty one says that the model is used raw.
    """

    name: str
    about: str
    settings: Mapping[str, Any]
    families: tuple[str, ...] = ()
    training: Mapping[str, Any] | None = None

    def config(self, direction: Direction) -> FlowConfig:
        """Return the settings for one direction."""
        return FlowConfig(direction, **self.settings)


_SIX = ("scnm", "scpos-rw", "scpos-adjn", "scpos-adj", "scpos-n", "tcree")

#: Gan et al.: flow as a demonstration of mutual reinforcement. Its text says neither which
#: vocabulary the loss is over nor whether the curves are shares; these are the plain readings.
MRE = Recipe(
    name="mre",
    about="Gan et al., Demonstrating Mutual Reinforcement Effect through Information Flow",
    settings={
        "prompt": "digits",
        "heads": "sum-then-abs",
        "loss": "vocabulary",
        "source": "text",
        "view": "means",
        "samples": 1000,
        "seed": 42,
    },
    families=_SIX,
    training={
        "examples": 1000,
        "epochs": 3,
        "learning_rate": 1e-5,
        "method": "full",
        "warmup_steps": 100,
        "seed": 42,
    },
)

#: Wang et al. 2023, as their code computes it; the words of labels are our information words.
ANCHORS = Recipe(
    name="anchors",
    about="Wang et al. 2023, Label Words are Anchors (the reference code's definition)",
    settings={
        "prompt": "digits",
        "heads": "sum-then-abs",
        "loss": "label-set",
        "source": "all",
        "view": "shares",
        "samples": 1000,
        "seed": 42,
    },
    families=_SIX,
)

#: Ours: with the controls at full strength.
POINTLINE = Recipe(
    name="pointline",
    about="text as the only source, raw means, every control, real knockout",
    settings={"knockout": 3, "knockout_samples": 20},
)

#: The recipes by their names.
RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in (POINTLINE, MRE, ANCHORS)}
