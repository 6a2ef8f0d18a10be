"""Optimizers, and the schedules of the learning rate."""

import math
from typing import Any

import torch
from torch import nn

from mnist_app.recipes.recipe import Recipe
from mnist_app.training.torch_internals import without_wrappers


def learning_rate_at(recipe: Recipe, epoch: int, share: float) -> float:
    """Return the learning rate after a share (0..1) of an epoch (from 1)."""
    if recipe.schedule == "steps":
        return ([recipe.learning_rate] + [rate for at, rate in recipe.steps if at <= epoch])[-1]
    progress = (epoch - 1 + share) / recipe.epochs
    if recipe.schedule == "cosine":
        return recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    if recipe.schedule == "one_cycle":
        return recipe.learning_rate * _one_cycle(progress)
    return recipe.learning_rate


def _one_cycle(progress: float, warm_up: float = 0.25) -> float:
    """Rise from 1/25 to 1 in a quarter of the time, then fall to nearly 0 (Smith 2018)."""
    if progress < warm_up:
        return 0.04 + 0.96 * progress / warm_up
    return max((1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2, 1e-4)


def make_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """Make the recipe's optimizer. The L2 penalty applies to weights, not to biases and norms."""
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    options: dict[str, Any] = {"lr": recipe.learning_rate}
    if recipe.optimizer == "sgd":
        options["momentum"] = recipe.momentum
    else:
        options["betas"] = (recipe.beta1, recipe.beta2)
    if recipe.optimizer == "adamw":
        options["weight_decay"] = 0.0  # torch's default is 0.01; the groups set their own
    options["fused"] = next(model.parameters()).device.type in ("cpu", "cuda")
    plain = without_wrappers(kind[recipe.optimizer])
    return plain(_groups(recipe, model), **options)


def _groups(recipe: Recipe, model: nn.Module) -> list[dict[str, Any]]:
    """Return the parameters in a single group if they are all treated alike, otherwise in two.

    An extra group takes as long as a small layer in every step.
    """
    weights = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    if not recipe.l2:
        return [{"params": weights + others}]
    return [{"params": weights, "weight_decay": recipe.l2}, {"params": others}]


@torch.no_grad()
def add_l1_gradient(model: nn.Module, strength: float) -> None:
    """Add the gradient of strength * sum |w| over all weights (not biases and norms)."""
    for parameter in model.parameters():
        if parameter.dim() > 1 and parameter.grad is not None:
            parameter.grad.add_(parameter.sign(), alpha=strength)
