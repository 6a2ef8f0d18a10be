"""What the training relies on in torch: still there, and not needed."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mnist_app.recipes.recipe import Recipe
from mnist_app.training.optimizers import make_optimizer
from mnist_app.training.torch_internals import plain_step, without_wrappers

ROOT = Path(__file__).resolve().parents[2]
OPTIMIZERS = ["sgd", "adam", "adamw"]
KINDS = [torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW]


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
        "import sys; from mnist_app.data import training_data as data;"
        "from mnist_app.training import loop as training;"
        "from mnist_app.recipes.recipe import Recipe\n"
        f"for optimizer in {OPTIMIZERS}:\n"
        "    recipe = Recipe(model='mlp-300', dataset='digits', epochs=1, optimizer=optimizer)\n"
        "    parts = data.prepare(recipe)\n"
        "    assert list(training.train(recipe, parts.train, parts.val))\n"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["add_param_group", "state_dict", "load_state_dict", "step"])
def test_torch_still_keeps_the_plain_method_in_its_wrappers(kind, method):
    """If this fails, look whether torch still loads its compiler, and `without_wrappers` can go."""
    assert getattr(kind, method).__wrapped__
    assert not hasattr(inspect.unwrap(getattr(without_wrappers(kind), method)), "__wrapped__")


@pytest.mark.parametrize("kind", KINDS)
def test_an_optimizer_without_wrappers_is_still_of_its_kind(kind):
    plain = without_wrappers(kind)
    assert issubclass(plain, kind)
    assert plain.__name__ == kind.__name__
    assert plain is without_wrappers(kind)


def test_a_torch_that_does_not_keep_the_plain_methods_trains_the_same(monkeypatch):
    recipe = Recipe(optimizer="adamw", learning_rate=0.1, l2=0.01)
    expected = weights_after(recipe, is_plain=True)
    for name in dir(torch.optim.AdamW):
        monkeypatch.delattr(getattr(torch.optim.AdamW, name), "__wrapped__", raising=False)
    without_wrappers.cache_clear()
    try:
        assert torch.equal(weights_after(recipe, is_plain=True), expected)
    finally:
        without_wrappers.cache_clear()
