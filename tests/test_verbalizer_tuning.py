"""k-shot tuning: it learns, the model comes back as it was, the seed decides everything."""

import numpy as np
import pytest
import torch
from verbalized import tiny_bert, tiny_causal, tiny_t5

from pointline.errors import InputError
from pointline.study.verbalizer.refine import AGGREGATES, Scores, aggregate
from pointline.study.verbalizer.scorer import load, score_prompts
from pointline.study.verbalizer.template import Template
from pointline.study.verbalizer.tuning import Tuning, _classes, _weights, order, tuned
from pointline.study.verbalizer.verbalizer import of

TEMPLATE = Template("{text}\n話題：{mask}")
VERBALIZER = of("v", {"文芸": {"小説": 2, "文学": 1}, "自然": {"樫": 1, "潮": 3}})
TEXTS = ["紫式部は長い小説を書いた。", "樫を植えた🌳。", "小説を書いた。", "潮を調べた。"]
LABELS = ["文芸", "自然", "文芸", "自然"]


@pytest.fixture(scope="module")
def scorers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    made = {"causal": tiny_causal, "seq2seq": tiny_t5, "masked": tiny_bert}
    return {kind: load(str(make(folder / kind))) for kind, make in made.items()}


def asked(scorer):
    prompts = [scorer.frame.prompt(text, TEMPLATE) for text in TEXTS]
    return prompts, scorer.frame.spell(VERBALIZER.words, TEMPLATE)


def weights_of(scorer):
    return {name: value.clone() for name, value in scorer.model.state_dict().items()}


@pytest.mark.parametrize("method", ["lora", "full"])
@pytest.mark.parametrize("kind", ["causal", "seq2seq", "masked"])
def test_tuning_lowers_the_loss_and_leaves_the_model_as_it_was(scorers, kind, method):
    scorer = scorers[kind]
    prompts, words = asked(scorer)
    before, scores = weights_of(scorer), score_prompts(scorer, prompts, words).values
    tuning = Tuning(method, epochs=3, batch=4, rate=5e-3)
    with tuned(scorer, prompts, LABELS, VERBALIZER, words, tuning) as losses:
        inside = score_prompts(scorer, prompts, words).values
    assert losses[-1] < losses[0]
    assert not np.allclose(inside, scores, atol=1e-2)
    after = weights_of(scorer)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert np.array_equal(score_prompts(scorer, prompts, words).values, scores)
    assert not scorer.model.training


def test_the_seed_decides_and_the_callers_random_state_stays(scorers):
    scorer = scorers["causal"]
    prompts, words = asked(scorer)

    def losses(seed):
        tuning = Tuning("lora", epochs=2, batch=1, rate=1e-2, seed=seed)
        with tuned(scorer, prompts, LABELS, VERBALIZER, words, tuning) as found:
            return found

    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    first = losses(0)
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses(0) == first != losses(1)


def test_the_model_comes_back_after_a_failure(scorers):
    scorer = scorers["causal"]
    prompts, words = asked(scorer)
    before = weights_of(scorer)
    with (
        pytest.raises(RuntimeError, match="stop"),
        tuned(scorer, prompts, LABELS, VERBALIZER, words, Tuning(epochs=1, rate=1e-2)),
    ):
        raise RuntimeError("stop")
    after = weights_of(scorer)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("how", AGGREGATES)
def test_classes_are_those_of_the_definition(how):
    words = ("小説", "文学", "樫", "潮")
    values = np.random.default_rng(1).normal(-4, 2, size=(5, 4))
    table = _Words(words)
    found = _classes(torch.tensor(values), _weights(VERBALIZER, table, device="cpu").double(), how)
    assert found.numpy() == pytest.approx(aggregate(VERBALIZER, Scores(words, values), how))


class _Words:
    def __init__(self, words):
        self.words = words


def test_what_cannot_be_tuned(scorers):
    prompts, words = asked(scorers["causal"])
    with (
        pytest.raises(InputError, match="'技術' is no class"),
        tuned(scorers["causal"], prompts, ["技術"] * 4, VERBALIZER, words, Tuning()),
    ):
        pass
    with pytest.raises(InputError, match="was not spelled"):
        _weights(VERBALIZER, _Words(("小説",)), device="cpu")
    with pytest.raises(InputError, match="1 or more"):
        Tuning(epochs=0)
    with pytest.raises(InputError, match="lora or full"):
        Tuning("prefix")


def test_each_epoch_has_each_example_once():
    steps = order(5, Tuning(epochs=3, batch=2, seed=4))
    assert len(steps) == 9
    for epoch in range(3):
        assert sorted(at for step in steps[3 * epoch : 3 * epoch + 3] for at in step) == [
            0,
            1,
            2,
            3,
            4,
        ]
    assert steps[:3] != steps[3:6]
