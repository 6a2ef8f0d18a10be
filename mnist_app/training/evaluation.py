"""From logits to losses, probabilities and metrics: the one place that does it."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mnist_app.data.labelled_images import Digits, to_input
from mnist_app.networks.layers import folded
from mnist_app.recipes.recipe import Recipe

# One size everywhere, so that a stored accuracy is found again to the last digit.
EVALUATION_BATCH = 100
CLASSES = 10


class Metrics(NamedTuple):
    """Accuracy (0..1) and mean loss per image over n images."""

    accuracy: float
    loss: float
    n: int


class RunningMetrics:
    """Loss and hits of the batches of an epoch so far, as sums over their images.

    They are added up many batches at a time: beside a small network, doing it after each step
    would take a sixth of the time.
    """

    MOST_WAITING = 64  # batches

    def __init__(self, loss: float = 0.0, right: float = 0) -> None:
        self.loss, self.right = loss, right  # of what is settled
        self._waiting: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Take in a batch: its mean loss, logits (N, K), labels (N,)."""
        self._waiting.append((loss.detach(), logits.detach(), labels))
        if len(self._waiting) == self.MOST_WAITING:
            self.settle()

    def settle(self) -> None:
        """Add up what waits; a GPU has done all its work then."""
        if not self._waiting:
            return
        losses, logits, labels = zip(*self._waiting, strict=True)
        self._waiting.clear()
        for loss, batch in zip(torch.stack(losses).tolist(), labels, strict=True):
            self.loss += loss * len(batch)
        self.right += (torch.cat(logits).argmax(dim=1) == torch.cat(labels)).sum().item()


def sum_type(device: torch.device) -> torch.dtype:
    """The type to add losses up in: double, which Apple's MPS does not have."""
    return torch.float32 if device.type == "mps" else torch.float64


def loss_of(logits: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """The recipe's loss, mean over the batch: logits (N, 10), labels (N,) -> scalar."""
    if recipe.loss == "cross_entropy":
        return functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
    low, high = recipe.target_margin, 1 - recipe.target_margin
    targets = torch.full_like(logits, low).scatter_(1, labels[:, None], high)
    return functional.mse_loss(torch.sigmoid(logits), targets)


def scores(logits: Tensor, recipe: Recipe) -> Tensor:
    """Logits (N, K) to what a softmax turns into probabilities, (N, K).

    Sigmoid outputs do not sum to 1 by themselves: their probabilities are divided by their sum.
    """
    return logits if recipe.outputs == "softmax" else functional.logsigmoid(logits)


def probabilities(logits: Tensor, recipe: Recipe, temperature: float = 1.0) -> Tensor:
    """Logits (N, 10 or 11) to probabilities of the same shape, each row summing to 1.

    The eleventh is that of "not a digit", where the network learned it.
    """
    return torch.softmax(scores(logits, recipe) / temperature, dim=1)


@torch.inference_mode()
def logits_of(model: nn.Module, images: Tensor) -> Tensor:
    """The logits (N, K) of images, uint8 (N, 28, 28), computed in batches.

    The network answers as in eval mode, and is left as it is.
    """
    device = next(model.parameters()).device
    quick = folded(model)
    batches = torch.split(images, EVALUATION_BATCH)
    return torch.cat([quick(to_input(batch.to(device))).float() for batch in batches])


def evaluate(model: nn.Module, digits: Digits, recipe: Recipe) -> Metrics:
    """Accuracy and loss of a network over a data set."""
    logits = logits_of(model, digits.images)
    labels = digits.labels.to(logits.device)
    right = (logits[:, :CLASSES].argmax(dim=1) == labels).sum().item()
    loss = loss_of(logits.to(sum_type(logits.device)), labels, recipe)
    return Metrics(right / len(digits), loss.item(), len(digits))
