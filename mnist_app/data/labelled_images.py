"""Digits: labelled images in memory; how they are parted."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_app.common.errors import InputError

Progress = Callable[[str, float], None]
TEST_FRACTION = 0.2
TEST_SEED = 0  # data sets without a test set of their own keep the same one, whatever the recipe
_MOVED = 4096  # images at a time


@dataclass(frozen=True)
class Digits:
    """Labelled images: uint8 (N, 28, 28), light ink on ground 0, and int64 labels (N,) 0..9.

    The label 10 marks what is no digit.
    """

    images: Tensor
    labels: Tensor
    name: str

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> "Digits":
        """The images at these indices, in their order."""
        return Digits(self.images[indices], self.labels[indices], self.name)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that tell this data from any other."""
        digest = hashlib.sha256(self.images.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()[:16]


class Dataset(NamedTuple):
    """A data set: the images to train and validate with, and the test images apart."""

    train: Digits
    test: Digits


def to_input(images: Tensor) -> Tensor:
    """uint8 (N, 28, 28) to what networks take: float32 (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float().div_(255)


def split(
    digits: Digits, fraction: float, seed: int, *, in_place: bool = False
) -> tuple[Digits, Digits]:
    """Split off a stratified share of every digit.

    Args:
        digits: what is split.
        fraction: 0..1, of each digit.
        seed: of the choice.
        in_place: the rest takes the memory of `digits`, which are lost by it: a copy less.
    Returns:
        (the rest, the share); the same ones for the same seed, both with every digit.
    Raises:
        InputError: some digit has too few images to stand on both sides.
    """
    generator = torch.Generator().manual_seed(seed)
    rest, share = [], []
    for digit in range(10):
        places = _shuffled_places(digits, digit, generator)
        count = min(max(1, round(len(places) * fraction)), len(places) - 1)
        share.append(places[:count])
        rest.append(places[count:])
    part = digits.subset(torch.cat(share).sort().values)
    kept = torch.cat(rest).sort().values
    return _compacted(digits, kept) if in_place else digits.subset(kept), part


def _shuffled_places(digits: Digits, digit: int, generator: torch.Generator) -> Tensor:
    """Where the images of one digit are, in random order; InputError if they are fewer than 2."""
    places = (digits.labels == digit).nonzero().flatten()
    if len(places) < 2:
        raise InputError(
            f"The data set {digits.name} has {len(places)} image(s) of the digit {digit}: "
            "at least 2 of each are needed to train and to check."
        )
    return places[torch.randperm(len(places), generator=generator)]


def _compacted(digits: Digits, kept: Tensor) -> Digits:
    """The images at those places, in ascending order, moved to the front of the same memory."""
    for first in range(0, len(kept), _MOVED):
        places = kept[first : first + _MOVED]  # none of them is before `first`
        digits.images[first : first + len(places)] = digits.images[places]
    return Digits(digits.images[: len(kept)], digits.labels[kept], digits.name)


def take(digits: Digits, count: int | None, seed: int) -> Digits:
    """A stratified sample of about `count` images; all of them if count is None or too great."""
    if count is None or count >= len(digits):
        return digits
    return split(digits, count / len(digits), seed)[1]
