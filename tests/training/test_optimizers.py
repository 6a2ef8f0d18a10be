"""Optimizers: torch's own, without what its compiler costs."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mnist_app.recipes.recipe import Recipe
from mnist_app.training.optimizers import make_optimizer, plain_step

ROOT = Path(__file__).resolve().parents[2]
OPTIMIZERS = ["sgd", "adam", "adamw"]


def weights_after(recipe: Recipe, is_plain: bool) -> torch.Tensor:
    torch.manual_seed(0)
    model = nn.Linear(5, 5)
    optimizer = make_optimizer(recipe, model)
    step = plain_step(optimizer) if is_plain else optimizer.step
    for number in range(4):
        optimizer.zero_grad()
        model(torch.full((2, 5), 1.0 + number)).square().sum().backward()
        step()
    return model.weight.detach()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_plain_step_is_the_optimizers_step(optimizer):
    recipe = Recipe(optimizer=optimizer, learning_rate=0.1, momentum=0.5, l2=0.01)
    assert torch.equal(weights_after(recipe, is_plain=True), weights_after(recipe, is_plain=False))


def test_a_training_does_not_load_torchs_compiler():
    code = (
        "import sys\n"
        "from mnist_app.data import training_data as data\n"
        "from mnist_app.training import loop as training\n"
        "from mnist_app.recipes.recipe import Recipe\n"
        f"for optimizer in {OPTIMIZERS!r}:\n"
        "    recipe = Recipe(model='mlp-300', dataset='digits', epochs=1, optimizer=optimizer)\n"
        "    parts = data.prepare(recipe)\n"
        "    assert list(training.train(recipe, parts.train, parts.val))\n"
        "    assert 'torch._dynamo' not in sys.modules, optimizer\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0


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
