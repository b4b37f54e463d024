"""What the controls allow one to conclude, in words, and what is known against the measure."""

from __future__ import annotations

from collections.abc import Iterator

from pointline.study.flow.result import FlowResult, FlowStudy

__all__ = ["CRITICISM", "STRUCTURE", "conclusions", "settings"]

#: What is true of every model and every text, and so says nothing of either.
STRUCTURE = (
    "In the last layer only the target's own row can have a gradient, so S_wp is exactly 0 there.",
    "The target's row is the only one that touches the loss directly: S_pq is a mean over a few"
    " pairs of that row, S_ww one over about half the square of the length, nearly all of which"
    " matter indirectly. That S_pq 'takes over' in deep layers is partly true by construction.",
    "The information stands behind the text: it is nearer to the target than random positions are,"
    " and farther from the text. Nearness is part of any S_pq above its null, and of any S_wp below"
    " it; a knockout in earnest, beside that of random positions, asks what it does to the answer.",
)

#: Objections from the literature, in our words, with the papers they are from.
CRITICISM = (
    "After the absolute value a flow has no sign: attention times gradient can be large where the"
    " edge speaks against the answer (Liu et al. 2022, Rethinking Attention-Model Explainability"
    " through Faithfulness Violation Test).",
    "It is a linear approximation: saturated softmax and effects that cancel each other are missed"
    " (Kramár et al. 2024, AtP*).",
    "Attention is not the only way through a model: the residual stream and the feed-forward"
    " layers are not in it, and where the question is which input matters, input saliency answers"
    " it more directly (Bastings and Filippova 2020, The elephant in the interpretability room).",
    "A weight is not what is moved: the length of the value vector counts as well (Kobayashi et al."
    " 2020, Attention is Not Only a Weight).",
    "Summing over heads before taking the absolute value lets heads cancel; the authors of the"
    " reference code report curves of the same shape either way (Wang et al. 2023, Label Words are"
    " Anchors, and their repository).",
    "The study that read mutual reinforcement off such curves set their shape beside six"
    " differences of F1 of one model and one seed, without a null (Gan et al., Demonstrating Mutual"
    " Reinforcement Effect through Information Flow).",
)

#: What the controls of knockouts cut, in words.
_CONTROLS = {
    "random edges": "as many edges drawn from all pairs within text and information",
    "random->target": "as many edges from random positions of text and information to the target",
    "text->random": (
        "the edges between random positions and the rest of text and information, about half as"
        " many (an earlier version's control),"
    ),
}

_ALIKE = 0.7  # a rank correlation from which two curves are called alike


def settings(study: FlowStudy) -> str:
    """Return what was measured, in a sentence."""
    config = study.config
    loss = "the whole vocabulary" if config.loss == "vocabulary" else "the labels' first tokens"
    source = "the text" if config.source == "text" else "all that stands before"
    heads = config.heads.replace("-", " ")
    adapter = f" with the adapter {study.adapter}" if study.adapter else ""
    return (
        f"{study.model}{adapter}; {config.direction}, prompt “{config.prompt}”; heads {heads};"
        f" loss over {loss}; S_wp from {source}; {config.split} split, seed {config.seed}."
    )


def conclusions(result: FlowResult) -> tuple[str, ...]:
    """Return what a dataset's controls allow one to say, one sentence each."""
    return (
        *_against_positions(result),
        *_of_the_shape(result),
        *_of_knockouts(result),
        *_of_the_task(result),
    )


def _against_positions(result: FlowResult) -> Iterator[str]:
    found = result.findings
    for at, name in enumerate(("S_wp", "S_pq")):
        above, below, ratio = found.above[at], found.below[at], found.ratio[at]
        where = f"in {above} of {found.layers} layers, below it in {below}"
        told = f"{name} is above the random positions' 5 to 95 % band {where}"
        if above > found.layers / 2 and ratio > 1:
            verdict = "more flows through these tokens than through as many others"
        elif below > found.layers / 2 and ratio < 1:
            verdict = "less flows through these tokens than through as many others"
        else:
            verdict = "this does not tell the information from other tokens"
        yield f"{told}; the median ratio is {ratio:.2f}: {verdict}."


def _of_the_shape(result: FlowResult) -> Iterator[str]:
    found = result.findings
    told = f"random positions have a curve of shares correlated at {found.like_null:.2f}"
    if found.like_random is not None:
        told += f", random weights one at {found.like_random:.2f} (Spearman over layers)"
    alike = max(found.like_null, found.like_random if found.like_random is not None else -1.0)
    if alike >= _ALIKE:
        yield (
            f"The shape of S_pq over depth is no evidence here: {told}. Only what exceeds the null"
            " is."
        )
    else:
        yield f"The shape of S_pq over depth is not that of the nulls: {told}."


def _of_knockouts(result: FlowResult) -> Iterator[str]:
    effect = result.curves.estimate
    for at, name in enumerate(("text → information", "information → target")):
        best = int(abs(effect.middle[at]).argmax())
        low, high = effect.low[at, best], effect.high[at, best]
        sure = "" if low > 0 or high < 0 else ", which may be 0"
        yield (
            f"Cutting {name} in one layer would change the loss most in layer"
            f" {result.curves.layers[best]}: by {effect.middle[at, best]:+.4f} nats, estimated to"
            f" first order (95 % interval {low:+.4f} to {high:+.4f}{sure}): the largest of"
            f" {result.findings.layers} layers, and the interval is not corrected for that choice."
        )
    if result.knocked is None:
        why = result.facts.get("no_knockouts")
        yield f"No edge was cut in earnest: {why or '--knockout does'}."
        return
    change, low, high = (getattr(result.knocked, name)[-1] for name in ("change", "low", "high"))
    for real, name in enumerate(("text → information", "information → target")):
        control = real + 2
        yield (
            f"Cut in earnest in all layers, {name} changes the loss by {change[real]:+.3f} nats"
            f" ({low[real]:+.3f} to {high[real]:+.3f}), {_CONTROLS[result.knocked.cuts[control]]}"
            f" by {change[control]:+.3f} ({low[control]:+.3f} to {high[control]:+.3f})."
        )


def _of_the_task(result: FlowResult) -> Iterator[str]:
    found, facts = result.findings, result.facts
    yield (
        f"The likeliest answer is right for {found.right:.0%} of {result.curves.samples} samples,"
        f" the mean loss {found.loss:.2f} nats: flow is of what a model does, right or not."
    )
    if facts.get("straddling_tokens"):
        yield (
            f"Tokens that hold characters of two pieces: {facts['straddling_tokens']}, each given"
            " to the piece with more of them (the first are in straddles.json)."
        )
    if facts.get("same_first_token"):
        yield (
            f"Samples in which two choices begin with the same token: {facts['same_first_token']};"
            " there the first token does not tell all choices apart."
        )
