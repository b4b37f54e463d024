"""Recipes: the paper's, and that of the embedded adapter."""

import pytest

from pointline.errors import InputError
from pointline.model.recipe import RECIPES, recipe
from pointline.model.settings import TrainConfig
from pointline.model.train import rate


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_is_a_training(name):
    config = TrainConfig(("d",), "o", **recipe(name, {}))
    assert all(getattr(config, key) == value for key, value in RECIPES[name].items())


def test_the_papers_recipe():
    config = TrainConfig(("d",), "o", **recipe("oiellm", {"epochs": None}))
    assert (config.method, config.dtype, config.epochs) == ("full", "bfloat16", 3)
    rates = [rate(step, 1000, config) for step in range(1000)]
    assert rates[99] == rates[100] == max(rates) == 1e-5 and rates[0] == pytest.approx(1e-7)
    assert rates[:100] == sorted(rates[:100]) and rates[100:] == sorted(rates[100:], reverse=True)
    assert rate(9, 10, config) == pytest.approx(1e-5)  # fewer steps than the warm-up


def test_what_is_chosen_goes_before_the_recipe():
    assert recipe("oiellm", {"epochs": 1, "rank": 0, "seed": None}) == {
        **RECIPES["oiellm"], "epochs": 1, "rank": 0,
    }  # fmt: skip
    assert recipe(None, {"seed": 3, "epochs": None}) == {"seed": 3}
    with pytest.raises(InputError, match="no recipe 'oiellm2': there are oiellm, embedded"):
        recipe("oiellm2", {})


def test_a_recipe_cannot_be_changed():
    with pytest.raises(TypeError):
        RECIPES["oiellm"]["epochs"] = 4
