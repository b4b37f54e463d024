"""k-shot tuning: a model learns from a few labelled texts to expect the words of their classes.

The loss is the cross entropy of the class scores, which the verbalizer makes of the words'
probabilities as it does afterwards (`refine.aggregate`). `lora` adapts every linear layer but the
output's, `full` trains every weight. Afterwards the model is as it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pointline.errors import InputError, MissingExtra, ModelError
from pointline.model.embedded import quiet
from pointline.study.verbalizer.refine import Aggregate
from pointline.study.verbalizer.scorer import Prompt, Scorer
from pointline.study.verbalizer.spelling import Spelled
from pointline.study.verbalizer.verbalizer import Verbalizer

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Tuning", "order", "tuned"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a model is tuned: `rate` 0 is 5e-4 for LoRA and 3e-5 for every weight.

    Raises InputError for values that cannot be.
    """

    method: Literal["lora", "full"] = "lora"
    epochs: int = 2
    batch: int = 4
    rate: float = 0.0
    rank: int = 8
    aggregate: Aggregate = "mean"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in ("lora", "full"):
            raise InputError(f"a model is tuned by lora or full, got {self.method!r}")
        if min(self.epochs, self.batch, self.rank) < 1 or self.rate < 0:
            raise InputError("tuning needs epochs, batch and rank of 1 or more, rate 0 or more")
        if self.rate == 0:
            object.__setattr__(self, "rate", 5e-4 if self.method == "lora" else 3e-5)


def order(count: int, tuning: Tuning) -> list[list[int]]:
    """Return the batches of a tuning, drawn by its seed: each epoch has each example once.

    >>> order(3, Tuning(epochs=1, batch=2))
    [[0, 2], [1]]
    """
    steps = []
    for epoch in range(tuning.epochs):
        numbers = list(range(count))
        random.Random(f"{tuning.seed}/{epoch}").shuffle(numbers)
        steps += [numbers[at : at + tuning.batch] for at in range(0, count, tuning.batch)]
    return steps


@contextmanager
def tuned(
    scorer: Scorer,
    prompts: Sequence[Prompt],
    labels: Sequence[str],
    verbalizer: Verbalizer,
    words: Spelled,
    tuning: Tuning,
) -> Iterator[list[float]]:
    """Tune the scorer's model while the block runs; give the loss of every step.

    The same seed gives the same weights on the same machine. The caller's random state stays.

    Raises InputError for a label that is no class or a word that was not spelled, ModelError where
    the loss is no number, MissingExtra without torch or peft.
    """
    try:
        import torch
    except ImportError:
        raise MissingExtra("torch", extra="hf") from None
    classes = list(verbalizer.classes)
    if strange := sorted(set(labels) - set(classes)):
        raise InputError(f"{strange[0]!r} is no class of verbalizer {verbalizer.name!r}")
    gold = [classes.index(label) for label in labels]
    weights = _weights(verbalizer, words, device=scorer.model.device)
    gpus = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(gpus):
        torch.manual_seed(tuning.seed)
        with _changeable(scorer.model, tuning) as parameters:
            losses = []
            optimizer = torch.optim.AdamW(parameters, lr=tuning.rate, weight_decay=0.0)
            scorer.model.train()
            for batch in order(len(prompts), tuning):
                log_p = scorer.log_probabilities([prompts[at] for at in batch], words)
                scores = _classes(log_p, weights, tuning.aggregate)
                target = torch.tensor([gold[at] for at in batch], device=scores.device)
                losses.append(_step(optimizer, scores, target))
            scorer.model.eval()
            yield losses


def _step(optimizer: Any, scores: Tensor, target: Tensor) -> float:
    import torch

    loss = torch.nn.functional.cross_entropy(scores, target)
    value = loss.item()
    if not torch.isfinite(loss):
        raise ModelError(f"the loss became {value}: try a lower learning rate, or dtype='float32'")
    loss.backward()  # type: ignore[no-untyped-call]
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return value


# ---------------------------------------------------------------- aggregation, with gradients


def _weights(verbalizer: Verbalizer, words: Spelled, *, device: Any) -> Tensor:
    """Return the weight of each word in each class, 0 where it is none of its: (words, classes)."""
    import torch

    at = {word: number for number, word in enumerate(words.words)}
    found = torch.zeros(len(at), len(verbalizer.classes), device=device)
    for column, members in enumerate(verbalizer.classes.values()):
        for word in members:
            if word.text not in at:
                raise InputError(f"the label word {word.text!r} was not spelled")
            found[at[word.text], column] = word.weight
    return found


def _classes(log_p: Tensor, weights: Tensor, how: Aggregate) -> Tensor:
    """Return the class scores as `refine.aggregate` defines them: (texts, classes)."""
    import torch

    if how == "mean":
        return log_p @ (weights / weights.sum(dim=0))
    weighted = log_p[:, :, None] + weights.log()  # log 0 leaves a word out of a class
    return weighted.amax(dim=1) if how == "max" else torch.logsumexp(weighted, dim=1)


# ---------------------------------------------------------------- what may change


@contextmanager
def _changeable(model: Any, tuning: Tuning) -> Iterator[list[Any]]:
    """Give the parameters that are trained; in the end the model has its own weights again."""
    if tuning.method == "lora":
        with _adapted(model, tuning.rank) as parameters:
            yield parameters
        return
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    before = {p: p.requires_grad for p in model.parameters()}
    try:
        yield [p.requires_grad_() for p in model.parameters()]
    finally:
        model.load_state_dict(kept)
        for parameter, flag in before.items():
            parameter.requires_grad_(flag)
        model.eval()


@contextmanager
def _adapted(model: Any, rank: int) -> Iterator[list[Any]]:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingExtra(error.name or "peft", extra="hf") from None
    before = {p: p.requires_grad for p in model.parameters()}
    lora = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    with quiet():
        wrapped = get_peft_model(model, lora)
    try:
        yield [p for p in wrapped.parameters() if p.requires_grad]
    finally:
        wrapped.unload()
        for parameter, flag in before.items():
            parameter.requires_grad_(flag)
        model.eval()
