"""Images that contain their own number."""

import torch

from mnist_app.data.labelled_images import Digits


def numbered(counts: list[int]) -> Digits:
    """Make `counts[d]` images of each digit d, shuffled, numbered in their first two pixels."""
    labels = torch.tensor([digit for digit, count in enumerate(counts) for _ in range(count)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
    images = torch.zeros(len(labels), 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = torch.arange(len(labels)) // 256
    images[:, 0, 1] = torch.arange(len(labels)) % 256
    return Digits(images, labels, "numbered")


def numbers(digits: Digits) -> list[int]:
    return (digits.images[:, 0, 0].int() * 256 + digits.images[:, 0, 1]).tolist()


def counts(digits: Digits) -> list[int]:
    return torch.bincount(digits.labels, minlength=10).tolist()
