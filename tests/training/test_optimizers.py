"""Optimizers, and learning rates over a training."""

import math

import pytest
from torch import nn

from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.optimizers import learning_rate_at, make_optimizer


@pytest.mark.parametrize("l2", [0.0, 0.01])
@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_adams_decays_are_the_recipes(optimizer, l2):
    recipe = Recipe(optimizer=optimizer, beta1=0.5, beta2=0.8, l2=l2)
    groups = make_optimizer(recipe, nn.Linear(5, 5)).param_groups
    assert {group["betas"] for group in groups} == {(0.5, 0.8)}
    assert sorted(p.dim() for group in groups for p in group["params"]) == [1, 2]
    assert {p.dim() for group in groups for p in group["params"] if group["weight_decay"]} == (
        {2} if l2 else set()
    )


# Learning rates


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("constant", [0.1, 0.1, 0.1, 0.1]),
        ("steps", [0.1, 0.1, 0.01, 0.001]),
        ("cosine", [0.1, 0.05 * (1 + math.cos(math.pi / 4)), 0.05, 0.05 * (1 - 0.5**0.5)]),
    ],
)
def test_learning_rate_schedules(schedule, expected):
    recipe = Recipe(schedule=schedule, learning_rate=0.1, epochs=4, steps=((3, 0.01), (4, 0.001)))
    assert [learning_rate_at(recipe, e, 0.0) for e in (1, 2, 3, 4)] == pytest.approx(expected)


def test_one_cycle_rises_to_the_learning_rate_and_falls_to_nearly_nothing():
    recipe = Recipe(schedule="one_cycle", learning_rate=0.1, epochs=4)
    rates = [learning_rate_at(recipe, e, s / 10) for e in (1, 2, 3, 4) for s in range(10)]
    assert rates[0] == pytest.approx(0.004)
    assert max(rates) == pytest.approx(0.1)
    assert rates.index(max(rates)) == 10
    assert rates[-1] < 0.002


def test_the_preset_of_s4_has_its_schedule():
    recipe = RECIPES["mlp-300"]
    rates = [learning_rate_at(recipe, epoch, 0.5) for epoch in (1, 14, 15, 39, 40, 59, 60, 100)]
    assert rates == [1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5, 5e-6, 5e-6]
