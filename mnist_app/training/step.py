"""One training step: forward, loss, backward, update."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from mnist_app.data import augmentation
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.device import mixed_precision
from mnist_app.training.evaluation import loss_of
from mnist_app.training.optimizers import add_l1_gradient
from mnist_app.training.state import TrainingState
from mnist_app.training.torch_internals import plain_step


class TrainingStep:
    """Trains a network on one batch after another, as a recipe says."""

    def __init__(self, recipe: Recipe, state: TrainingState) -> None:
        self._recipe, self._model, self._optimizer = recipe, state.model, state.optimizer
        self._parameters = list(state.model.parameters())
        self._update = plain_step(state.optimizer)
        self._precision: AbstractContextManager[None] = (
            mixed_precision(state.device) if recipe.mixed_precision else nullcontext()
        )

    def learn(self, images: Tensor, labels: Tensor, rate: float) -> tuple[Tensor, Tensor]:
        """Update the weights from one batch.

        Args:
            images: float32 (B, 1, 28, 28) in [0, 1].
            labels: (B,).
            rate: the learning rate.
        Returns:
            The loss before the update, averaged over the batch, and the logits (B, K), float32.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        logits = self._forward(images)
        loss = loss_of(logits, labels, self._recipe)
        for parameter in self._parameters:
            parameter.grad = None
        torch.autograd.backward(loss)
        if self._recipe.l1:
            add_l1_gradient(self._model, self._recipe.l1)
        self._update()
        return loss, logits

    def _forward(self, images: Tensor) -> Tensor:
        if augmentation.is_active(self._recipe):
            images = augmentation.augment(images, self._recipe)
        with self._precision:
            logits: Tensor = self._model(images.contiguous(memory_format=torch.channels_last))
        return logits.float()
