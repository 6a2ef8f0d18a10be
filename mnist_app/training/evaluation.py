"""The one place where logits become losses, probabilities and metrics."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnist_app.data.labelled_images import Digits, to_input
from mnist_app.networks.layers import folded
from mnist_app.recipes.recipe import Recipe

# The same size everywhere, so that a stored accuracy can be reproduced to the last digit.
EVALUATION_BATCH = 100
CLASSES = 10


class Metrics(NamedTuple):
    """Accuracy (0..1) and mean loss per image over n images."""

    accuracy: float
    loss: float
    n: int


class RunningMetrics:
    """Loss and right answers of an epoch so far, as sums over its images.

    Many batches are added up at a time. With a small network, adding up after every step would
    take a sixth of the training time.
    """

    MOST_WAITING = 64  # batches

    def __init__(self, loss: float = 0.0, right: float = 0) -> None:
        self.loss, self.right = loss, right  # of the batches already added up
        self._waiting: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Record a batch: its mean loss, logits (N, K) and labels (N,)."""
        self._waiting.append((loss.detach(), logits.detach(), labels))
        if len(self._waiting) == self.MOST_WAITING:
            self.settle()

    def settle(self) -> None:
        """Add up the waiting batches. With a GPU, this waits until it has done all its work."""
        if not self._waiting:
            return
        losses, logits, labels = zip(*self._waiting, strict=True)
        self._waiting.clear()
        for loss, batch in zip(torch.stack(losses).tolist(), labels, strict=True):
            self.loss += loss * len(batch)
        self.right += (torch.cat(logits).argmax(dim=1) == torch.cat(labels)).sum().item()


def sum_type(device: torch.device) -> torch.dtype:
    """Return the type to sum losses in: float64, or float32 on Apple's MPS, which lacks float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def loss_of(logits: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return the recipe's loss, averaged over the batch: logits (N, K), labels (N,) -> scalar."""
    if recipe.loss == "cross_entropy":
        return functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
    low, high = recipe.target_margin, 1 - recipe.target_margin
    targets = torch.full_like(logits, low).scatter_(1, labels[:, None], high)
    return functional.mse_loss(torch.sigmoid(logits), targets)


def scores(logits: Tensor, recipe: Recipe) -> Tensor:
    """Turn logits (N, K) into scores (N, K) whose softmax gives the probabilities.

    Sigmoid outputs do not sum to 1 by themselves, so they are divided by their sum.
    """
    return logits if recipe.outputs == "softmax" else functional.logsigmoid(logits)


def probabilities(logits: Tensor, recipe: Recipe, temperature: float = 1.0) -> Tensor:
    """Turn logits (N, 10 or 11) into probabilities of the same shape; each row sums to 1.

    The eleventh is the probability of "not a digit", if the network learned it.
    """
    return torch.softmax(scores(logits, recipe) / temperature, dim=1)


@torch.inference_mode()
def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """Compute the logits (N, K) of images, uint8 (N, 28, 28), in batches.

    The logits are those of eval mode. The network itself is left unchanged.
    """
    device = next(model.parameters()).device
    quick = folded(model)
    batches = torch.split(images, EVALUATION_BATCH)
    return torch.cat([quick(to_input(batch.to(device))).float() for batch in batches])


def evaluate(model: nn.Module, digits: Digits, recipe: Recipe) -> Metrics:
    """Measure the accuracy and loss of a network on a data set."""
    logits = logits_of(model, digits.images)
    labels = digits.labels.to(logits.device)
    right = (logits[:, :CLASSES].argmax(dim=1) == labels).sum().item()
    loss = loss_of(logits.to(sum_type(logits.device)), labels, recipe)
    return Metrics(right / len(digits), loss.item(), len(digits))
