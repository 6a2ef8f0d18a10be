"""Optimizers, and the learning rate over a training."""

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn

from mnist_app.recipes.recipe import Recipe

_MARKED = (
    "add_param_group",
    "zero_grad",
    "state_dict",
    "load_state_dict",
    "_cuda_graph_capture_health_check",
)


def learning_rate_at(recipe: Recipe, epoch: int, share: float) -> float:
    """The learning rate at a share (0..1) of an epoch (from 1)."""
    if recipe.schedule == "steps":
        return ([recipe.learning_rate] + [rate for at, rate in recipe.steps if at <= epoch])[-1]
    progress = (epoch - 1 + share) / recipe.epochs
    if recipe.schedule == "cosine":
        return recipe.learning_rate * (1 + math.cos(math.pi * progress)) / 2
    if recipe.schedule == "one_cycle":
        return recipe.learning_rate * _one_cycle(progress)
    return recipe.learning_rate


def _one_cycle(progress: float, warm_up: float = 0.25) -> float:
    """From 1/25 up to 1 in a quarter of the time, then down to nearly 0 (Smith 2018)."""
    if progress < warm_up:
        return 0.04 + 0.96 * progress / warm_up
    return max((1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up))) / 2, 1e-4)


def make_optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's optimizer; the L2 penalty falls on weights, not on biases and norms."""
    groups = _groups(recipe, model)
    fused = next(model.parameters()).device.type in ("cpu", "cuda")
    rate, betas = recipe.learning_rate, (recipe.beta1, recipe.beta2)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=recipe.momentum, fused=fused)
    if recipe.optimizer == "adam":
        return torch.optim.Adam(groups, lr=rate, betas=betas, fused=fused)
    return torch.optim.AdamW(groups, lr=rate, betas=betas, weight_decay=0.0, fused=fused)


def _groups(recipe: Recipe, model: nn.Module) -> list[dict[str, Any]]:
    """One group where all is treated alike: each takes as long as a small layer."""
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


def plain_step(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """The optimizer's step alone, without what torch wraps around it for its compiler."""
    return torch.no_grad()(partial(inspect.unwrap(type(optimizer).step), optimizer))


def _spare_compiler() -> None:
    """Keep torch's optimizers from loading torch's compiler, only to switch it off for themselves.

    That takes more than a second and 150 MB at the start of each training. The mark is torch's
    own; where a version does without it, the compiler is loaded as before.
    """
    for name in _MARKED:
        if plain := getattr(getattr(torch.optim.Optimizer, name, None), "__wrapped__", None):
            vars(plain).setdefault("__dynamo_disable", plain)


_spare_compiler()
