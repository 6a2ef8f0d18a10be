"""Labelled images in memory, and how they are split."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message

Progress = Callable[[str, float], None]
TEST_FRACTION = 0.2
TEST_SEED = 0  # fixed, so that a split-off test set is the same whatever the recipe's seed
_MOVED = 4096  # images moved at a time


@dataclass(frozen=True)
class Digits:
    """Labelled images: uint8 (N, 28, 28), light ink on ground 0, and int64 labels (N,) 0..9.

    Label 10 means "not a digit".
    """

    images: Tensor
    labels: Tensor
    name: str

    def __len__(self) -> int:
        return len(self.labels)

    def subset(self, indices: Tensor) -> "Digits":
        """Return the images at these indices, in this order."""
        return Digits(self.images[indices], self.labels[indices], self.name)

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits that identify these images and labels."""
        digest = hashlib.sha256(self.images.contiguous().numpy().data)
        digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()[:16]


class Dataset(NamedTuple):
    """A data set: images to train and validate with, and separate test images."""

    train: Digits
    test: Digits


def to_input(images: Tensor) -> Tensor:
    """Convert uint8 (N, 28, 28) to a network's input: float32 (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float().div_(255)


def split(
    digits: Digits, fraction: float, seed: int, *, in_place: bool = False
) -> tuple[Digits, Digits]:
    """Split off a stratified share of every digit.

    Args:
        digits: the images to split.
        fraction: the share of each digit to split off, 0..1.
        seed: of the random choice.
        in_place: reuse the memory of `digits` for the rest. This saves a copy but destroys
            `digits`.
    Returns:
        (the rest, the share): the same images for the same seed. Both contain every digit.
    Raises:
        InputError: some digit has too few images for both sides.
    """
    generator = torch.Generator().manual_seed(seed)
    rest: list[Tensor] = []
    share: list[Tensor] = []
    for digit in range(10):
        indices = _indices_of(digit, digits)
        indices = indices[torch.randperm(len(indices), generator=generator)]
        count = min(max(1, round(len(indices) * fraction)), len(indices) - 1)
        share.append(indices[:count])
        rest.append(indices[count:])
    part = digits.subset(torch.cat(share).sort().values)
    kept = torch.cat(rest).sort().values
    return _compacted(digits, kept) if in_place else digits.subset(kept), part


def _indices_of(digit: int, digits: Digits) -> Tensor:
    """Return the indices of a digit's images; InputError if too few for both sides of a split."""
    indices = (digits.labels == digit).nonzero().flatten()
    if len(indices) < 2:
        raise InputError(
            message(
                "The data set {name} has too few images of the digit {digit} ({count}): training "
                "and testing need at least 2 of each digit.",
                name=digits.name,
                digit=digit,
                count=len(indices),
            )
        )
    return indices


def _compacted(digits: Digits, kept: Tensor) -> Digits:
    """Move the images at `kept`, which is ascending, to the front of the same memory."""
    for first in range(0, len(kept), _MOVED):
        places = kept[first : first + _MOVED]  # none of them is before `first`
        digits.images[first : first + len(places)] = digits.images[places]
    return Digits(digits.images[: len(kept)], digits.labels[kept], digits.name)


def take(digits: Digits, count: int | None, seed: int) -> Digits:
    """Return a stratified sample of about `count` images; all if count is None or too great."""
    if count is None or count >= len(digits):
        return digits
    return split(digits, count / len(digits), seed)[1]
