"""The batches of each epoch. They depend only on seed and epoch, so any epoch can be restarted."""

from collections.abc import Iterator

import torch
from torch import Tensor

from mnist_app.data.labelled_images import Digits, to_input
from mnist_app.recipes.recipe import Recipe

GATHERED = 2048  # images prepared at a time


def seed_of_epoch(seed: int, epoch: int) -> int:
    """Return the seed for all randomness in an epoch (from 1), given the recipe's seed."""
    return (seed * 1_000_003 + epoch * 7_919) % 2**31


class Batches:
    """Labelled images, reshuffled for each epoch and cut into batches.

    Its length is the number of batches in an epoch.
    """

    def __init__(self, recipe: Recipe, digits: Digits, device: torch.device) -> None:
        self._seed, self._size, self._device = recipe.seed, recipe.batch_size, device
        self._images, self._labels = digits.images.to(device), digits.labels.to(device)
        batches = recipe.batches_per_epoch
        self._count = batches * recipe.batch_size if batches else len(digits)
        self._bounds = _bounds(self._count, recipe)

    def __len__(self) -> int:
        return len(self._bounds)

    def images_in(self, batches: int) -> int:
        """Return the number of images in the first `batches` (1 or more) batches of an epoch."""
        return self._bounds[batches - 1][1]

    def of_epoch(self, epoch: int, skipped: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch in order, ready for the network.

        Args:
            epoch: the number of the epoch, from 1.
            skipped: how many batches to skip at its beginning.
        Yields:
            Images, float32 (B, 1, 28, 28) in [0, 1], and labels (B,).
        """
        return self._gathered(self._order(epoch), self._bounds[skipped:])

    def _order(self, epoch: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed_of_epoch(self._seed, epoch))
        n = len(self._labels)
        rounds = [torch.randperm(n, generator=generator) for _ in range(-(-self._count // n))]
        return torch.cat(rounds)[: self._count].to(self._device)

    def _gathered(
        self, order: Tensor, bounds: list[tuple[int, int]]
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Gather several batches at once: few large steps are faster than many small ones."""
        several = max(1, GATHERED // self._size)
        for first in range(0, len(bounds), several):
            group = bounds[first : first + several]
            begin = group[0][0]
            chosen = order[begin : group[-1][1]]
            images, labels = to_input(self._images[chosen]), self._labels[chosen]
            for start, end in group:
                part = slice(start - begin, end - begin)
                yield images[part], labels[part]


def _bounds(count: int, recipe: Recipe) -> list[tuple[int, int]]:
    """Return the start and end of each batch.

    Batch normalisation cannot train on a single image, so a last batch of one image is dropped.
    """
    size = recipe.batch_size
    bounds = [(start, min(start + size, count)) for start in range(0, count, size)]
    is_last_alone = bounds[-1][1] - bounds[-1][0] == 1 < len(bounds)
    return bounds[:-1] if recipe.batch_norm and is_last_alone else bounds
