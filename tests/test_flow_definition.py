"""The published definition, computed once more in plain loops on a tiny GPT-2."""

import numpy as np
import pytest
import torch
from flow_models import LAYERS, Plain, batch_of, goal_of, model_of, tokens

from pointline.study.flow.curves import curves, null_strengths, strengths
from pointline.study.flow.measure import How, measure
from pointline.study.flow.parts import Measured
from pointline.study.flow.prompt import Role
from pointline.study.flow.recorder import EDGES

LENGTHS = (23, 17, 12)
PROMPTS = [tokens(length, seed) for seed, length in enumerate(LENGTHS)]


def measured(how: How, prompts=PROMPTS, model="gpt2", draws=4) -> Measured:
    """What our code measures of the prompts, as a study keeps it but in float64."""
    made, goal = batch_of(prompts, draws)
    found = measure(model_of(model), made, goal, how).recorder
    stacked = {
        name: torch.stack([getattr(found, name)[at] for at in range(LAYERS)], 1).numpy()
        for name in ("table", "reached", "null", "estimate")
    }
    pairs, null_pairs = (part.numpy() for part in found.pairs())
    zeros = np.zeros(len(prompts))
    return Measured(
        ids=tuple(map(str, range(len(prompts)))),
        layers=tuple(range(LAYERS)),
        pairs=pairs,
        null_pairs=null_pairs,
        loss=zeros,
        right=zeros,
        length=zeros,
        **stacked,
    )


def maps(prompt, loss):
    """I = |sum_h A dL/dA| of each layer for one prompt, from attention written out."""
    made, goal = batch_of([prompt])
    products = Plain().products(model_of("gpt2"), made, goal, loss)
    return [product[0].sum(0).abs().numpy() for product in products]


def test_the_reference_codes_numbers():
    """Wang et al. 2023: the C-way loss, every j < p as the source, the diagonal dropped.

    S_wp = sum_p sum_{j<p} I(p, j) / sum_p p; S_pq = sum_p I(q, p) / C; S_ww is the mean of what is
    left of the N (N + 1) / 2 pairs of positions 0 ... N; the shares are taken of the means.
    """
    found = measured(How(loss="label-set", source="all"))
    rows = strengths(found, "all")
    for number, prompt in enumerate(PROMPTS):
        info, target = prompt.at(Role.INFO), len(prompt) - 1
        for layer, flow in enumerate(maps(prompt, "label-set")):
            into = sum(flow[p, j] for p in info for j in range(p))
            out = sum(flow[target, p] for p in info)
            whole = sum(flow[i, j] for i in range(len(prompt)) for j in range(i))
            pairs = target * (target + 1) // 2
            rest = (whole - into - out) / (pairs - sum(info) - len(info))
            wanted = (into / sum(info), out / len(info), rest)
            np.testing.assert_allclose(rows[number, layer], wanted, rtol=1e-6, atol=1e-15)
    shown = curves(found, "all").shares.middle
    means = rows.mean(0)
    np.testing.assert_allclose(shown, (means / means.sum(1, keepdims=True)).T, rtol=1e-12)
    np.testing.assert_allclose(shown.sum(0), 1)


def test_the_spans_definition():
    """Gan et al.: i in the information, j in the text; the pairs of both sets leave S_ww."""
    rows = strengths(measured(How()), "text")
    for number, prompt in enumerate(PROMPTS):
        info, text = prompt.at(Role.INFO), prompt.at(Role.TEXT)
        target = len(prompt) - 1
        into = {(i, j) for i in info for j in text}
        out = {(target, i) for i in info}
        rest = {(i, j) for i in range(len(prompt)) for j in range(i)} - into - out
        for layer, flow in enumerate(maps(prompt, "vocabulary")):
            wanted = [np.mean([flow[pair] for pair in sorted(some)]) for some in (into, out, rest)]
            np.testing.assert_allclose(rows[number, layer], wanted, rtol=1e-6, atol=1e-15)


@pytest.mark.parametrize("source", ["text", "all"])
def test_the_null_is_the_definition_at_random_positions(source):
    prompt = PROMPTS[0]
    found = measured(How(source=source), [prompt], draws=3)
    null = null_strengths(found)[0]
    drawn = batch_of([prompt], 3)[0].drawn[0].numpy().astype(bool)
    pool = {*prompt.at(Role.TEXT), *prompt.at(Role.INFO)}
    target = len(prompt) - 1
    for layer, flow in enumerate(maps(prompt, "vocabulary")):
        for draw in range(3):
            chosen = set(np.flatnonzero(drawn[draw]))
            assert len(chosen) == len(prompt.at(Role.INFO)) and chosen <= pool
            sources = pool - chosen if source == "text" else set(range(target + 1))
            into = [flow[i, j] for i in sorted(chosen) for j in range(i) if j in sources]
            out = [flow[target, i] for i in sorted(chosen)]
            every = [flow[i, j] for i in range(target + 1) for j in range(i)]
            left = len(every) - len(into) - len(out)
            rest = (sum(every) - sum(into) - sum(out)) / left
            wanted = (np.mean(into), np.mean(out), rest)
            np.testing.assert_allclose(null[layer, draw], wanted, rtol=1e-9, atol=1e-15)


def test_the_estimate_is_the_first_order_of_a_renormalised_cut():
    """Sum over heads and rows of dL/dA . (A' - A), with A' the row without J, made to sum to 1."""
    prompt = PROMPTS[0]
    found = measured(How(), [prompt]).estimate[0]
    made, goal = batch_of([prompt])
    plain, model = Plain(), model_of("gpt2")
    products = plain.products(model, made, goal)
    for layer in range(LAYERS):
        weights = plain.maps[layer][0].numpy()
        slope = products[layer][0].numpy() / np.where(weights > 0, weights, 1)
        for edge, (to, source) in enumerate(EDGES):
            wanted = 0.0
            for row in prompt.at(to):
                for head in range(len(weights)):
                    cut = weights[head, row].copy()
                    cut[list(prompt.at(source))] = 0
                    change = cut / cut.sum() - weights[head, row]
                    wanted += float(change @ slope[head, row])
            assert found[layer, edge] == pytest.approx(wanted, rel=1e-9, abs=1e-14)


def test_heads_reduced_the_other_way_are_never_less():
    first, second = (measured(How(heads=h)).table for h in ("sum-then-abs", "abs-then-sum"))
    assert (second >= first - 1e-15).all() and second.sum() > 1.05 * first.sum()


def test_sums_over_segments_are_the_whole():
    found = measured(How())
    for number, prompt in enumerate(PROMPTS):
        assert found.pairs[number].sum() == len(prompt) * (len(prompt) - 1) / 2
        for layer, flow in enumerate(maps(prompt, "vocabulary")):
            whole = np.tril(flow, -1).sum()
            assert found.table[number, layer].sum() == pytest.approx(whole, rel=1e-12)


def test_a_sliding_window_hides_pairs_and_they_are_counted():
    found = measured(How(), model="gemma3, window 7")
    sliding, full = found.reached[0, 0].sum(), found.reached[0, 1].sum()
    length, window = LENGTHS[0], 7
    assert full == length * (length - 1) / 2
    assert sliding == sum(min(row, window - 1) for row in range(length))


def test_goal_of_unequal_choices():
    goal = goal_of([tokens(12)])
    logits = torch.zeros(1, 97).double()
    logits[0, 9] = 2.0
    wanted = -torch.log_softmax(torch.tensor([0.0, 2.0, 0.0]).double(), 0)[0]
    assert float(goal.losses(logits, "label-set")) == pytest.approx(float(wanted))
    assert int(goal.answers(logits)) == 9
