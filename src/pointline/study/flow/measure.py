"""One batch through a model: the flow of every layer, and what the model answered.

Two ways come to the same numbers. "flow" (`study.flow.attention`) keeps no attention map and works
for every model that asks transformers for its attention function. "eager" takes the maps that
eager attention returns, all of which live until the backward pass is over; it works for older
designs and for attention with sinks. The way that is taken is held on a few tokens against
the maps that the model itself returns when it is asked for them, and nothing is measured if it
differs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from pointline.errors import ModelError, PointlineError
from pointline.study.flow.attention import Unwatchable, watched
from pointline.study.flow.recorder import Layout, Recorder
from pointline.study.flow.settings import Heads, Loss, Source
from pointline.study.flow.state import checkpointed, eager, frozen, graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Goal", "How", "Outcome", "Way", "choose_way", "logits_of", "measure"]

Way = Literal["flow", "eager"]

#: Relative to the greatest flow; ways differ by rounding alone, which in 16 bits is great.
_AGREE, _AGREE_16_BITS = 1e-4, 0.05
_PROBE = 16  # tokens on which they are compared


@dataclass(frozen=True, slots=True)
class Goal:
    """What the loss of a batch is: the targets [batch], and the choices' tokens [batch, choices].

    Choices that a sample does not have are -1; `gold` is the right one's place, -1 without choices.
    """

    target: Tensor
    choices: Tensor
    gold: Tensor

    def losses(self, logits: Tensor, loss: Loss) -> Tensor:
        """Return the cross-entropy of each sample, in nats, of logits [batch, vocabulary]."""
        from torch.nn.functional import cross_entropy

        if loss == "vocabulary":
            return cross_entropy(logits, self.target, reduction="none")
        return cross_entropy(self._chosen(logits), self.gold, reduction="none")

    def answers(self, logits: Tensor) -> Tensor:
        """Return the likeliest token of each sample: of its choices, of all where it has none."""
        best = self._chosen(logits).argmax(-1)
        of_choices = self.choices.gather(1, best[:, None])[:, 0]
        free = (self.choices < 0).all(1)
        answers: Tensor = of_choices.where(~free, logits.argmax(-1))
        return answers

    def _chosen(self, logits: Tensor) -> Tensor:
        kept: Tensor = logits.gather(1, self.choices.clamp(min=0))
        return kept.masked_fill(self.choices < 0, float("-inf"))


@dataclass(frozen=True, slots=True)
class How:
    """How a batch is measured: what of, by which way, and what is traded for memory."""

    heads: Heads = "sum-then-abs"
    loss: Loss = "vocabulary"
    source: Source = "text"
    way: Way = "flow"
    checkpointing: bool = False
    rows: int = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch came to: the recorder's sums, and each sample's loss and likeliest answer."""

    recorder: Recorder
    losses: Tensor
    answers: Tensor


def measure(
    model: Any, layout: Layout, goal: Goal, how: How, *, keep_maps: bool = False
) -> Outcome:
    """Run a batch forward and backward once and return what was recorded.

    Samples do not see each other, so that one backward pass of the summed losses gives each its
    own gradient.

    Raises Unwatchable where the way does not fit the model.
    """
    import torch

    recorder = Recorder(layout, heads=how.heads, source=how.source, keep_maps=keep_maps)
    with ExitStack() as stack:
        stack.enter_context(frozen(model))
        if how.way == "flow":
            stack.enter_context(watched(model, recorder, rows=how.rows))
        else:
            stack.enter_context(eager(model, recorder))
        if how.checkpointing:
            stack.enter_context(checkpointed(model))
        stack.enter_context(torch.enable_grad())
        logits = logits_of(model, layout)
        losses = goal.losses(logits, how.loss)
        losses.sum().backward()  # type: ignore[no-untyped-call]
    if not recorder.table:
        raise Unwatchable(f"no attention of {type(model).__name__} was seen")
    return Outcome(recorder, losses.detach(), goal.answers(logits.detach()))


def logits_of(model: Any, layout: Layout) -> Tensor:
    """Return the logits behind the last token of each sample, [batch, vocabulary], in float32+."""
    import torch

    logits: Tensor = _run(model, layout).logits[:, -1]
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _run(model: Any, layout: Layout, **more: Any) -> Any:
    import inspect

    known = inspect.signature(model.forward).parameters
    # learned positions count from the first column, padding or not, unless they are told
    places = (layout.mask.cumsum(-1) - 1).clamp(min=0)
    told: dict[str, Any] = {"position_ids": places, "logits_to_keep": 1}
    return model(
        input_ids=layout.ids,
        attention_mask=layout.mask,
        use_cache=False,
        **{name: value for name, value in told.items() if name in known},
        **more,
    )


def choose_way(model: Any, layout: Layout, goal: Goal, how: How) -> Way:
    """Return the way that fits the model, after a self-test on the last tokens of one prompt.

    Raises ModelError where neither way runs, what is measured is not what the maps that the model
    returns come to, or it is no causal decoder.
    """
    short, only = _probe(layout, goal)
    named, reasons = type(model).__name__, []
    returned = _tried(partial(_returned, model, short, only, how))
    ways: tuple[Way, ...] = ("flow", "eager")
    for way in ways:
        asked = replace(how, way=way, checkpointing=False)
        found = _tried(partial(_measured, model, short, only, asked))
        if isinstance(found, str):
            reasons.append(found)
            continue
        if isinstance(returned, str):
            if way == "eager":
                raise ModelError(
                    f"self-test: {named} does not return its attention maps ({returned}): flow"
                    " needs a decoder that does"
                )
        else:
            _hold_against(found, returned, model)
        _look_back_only(found, named)
        return way
    raise ModelError(f"flow cannot be measured on {named}: {'; '.join(dict.fromkeys(reasons))}")


#: What a design that is not foreseen may fail with, other than by our own errors.
_FAULTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


def _tried(run: Callable[[], list[Tensor]]) -> list[Tensor] | str:
    """Return what a run comes to, or in one line why it came to nothing.

    Raises what is an error of pointline's, but for Unwatchable.
    """
    try:
        return run()
    except Unwatchable as error:
        return str(error)
    except PointlineError:
        raise
    except _FAULTS as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _measured(model: Any, short: Layout, only: Goal, asked: How) -> list[Tensor]:
    """Return the flow of each layer in the layers' order, by one of the ways."""
    maps = measure(model, short, only, asked, keep_maps=True).recorder.maps
    return [maps[layer] for layer in sorted(maps)]


def _returned(model: Any, short: Layout, only: Goal, how: How) -> list[Tensor]:
    """Return the flow of each layer by the maps that the model returns when it is asked for them.

    Raises Unwatchable where it returns none, or some that the loss does not depend on.
    """
    import torch

    with frozen(model), graph(model), torch.enable_grad():
        out = _run(model, short, output_attentions=True)
        maps = [one for one in getattr(out, "attentions", None) or () if one is not None]
        if not maps:
            raise Unwatchable("output_attentions gives none")
        for one in maps:
            one.retain_grad()
        losses = only.losses(out.logits[:, -1].float(), how.loss)
        losses.sum().backward()  # type: ignore[no-untyped-call]
    if any(one.grad is None for one in maps):
        raise Unwatchable("the maps of output_attentions have no gradient")
    products = [(one.detach() * one.grad).float() for one in maps]
    together = how.heads == "sum-then-abs"
    flows = [one.sum(1).abs() if together else one.abs().sum(1) for one in products]
    return [flow - torch.diag_embed(flow.diagonal(dim1=1, dim2=2)) for flow in flows]


def _hold_against(found: Sequence[Tensor], returned: Sequence[Tensor], model: Any) -> None:
    name, kind = type(model).__name__, next(model.parameters()).dtype
    if len(found) != len(returned):
        raise ModelError(
            f"self-test: {len(found)} attention maps of {name} were seen, but it has"
            f" {len(returned)}: nothing was measured; take a decoder of another design"
        )
    greatest = max(float(kept.max()) for kept in returned)
    apart = max(float((a - b).abs().max()) for a, b in zip(found, returned, strict=True))
    allowed = _AGREE_16_BITS if kind.itemsize < 4 else _AGREE
    if not apart <= allowed * max(greatest, 1e-30):
        raise ModelError(
            f"self-test: the flow of {name} and that of the maps it returns differ by"
            f" {apart:.1e} where the greatest is {greatest:.1e} ({kind}): nothing was measured"
        )


def _look_back_only(found: Sequence[Tensor], name: str) -> None:
    """Raise ModelError where any token is told of what stands behind it."""
    greatest = max(float(flow.max()) for flow in found)
    ahead = max(float(flow.triu(1).max()) for flow in found)
    if ahead > _AGREE * greatest:
        raise ModelError(
            f"{name} attends to what stands behind a token: flow needs a causal decoder, such as"
            " Gemma, Llama or GPT-2"
        )


def _probe(layout: Layout, goal: Goal) -> tuple[Layout, Goal]:
    """Return the last tokens of the first prompt, long enough to hold something of everything."""
    cut = slice(max(0, layout.ids.shape[1] - _PROBE), None)
    short = Layout(
        layout.ids[:1, cut],
        layout.mask[:1, cut],
        layout.member[:1, :, cut],
        layout.drawn[:1, :, cut],
    )
    return short, Goal(goal.target[:1], goal.choices[:1], goal.gold[:1])
