"""Degrade images by a set amount: blur, noise, rotation, shift, contrast, thickness.

Unlike augmentation, all images of a batch get the same amount, and the same call always gives the
same images.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from mnist_app.common.translation import N_

_BLUR_RADIUS = 3  # standard deviations


class Corruption(NamedTuple):
    """One way to degrade images: its name, its unit, and the amounts to try.

    The texts are English, marked for translation.
    """

    label: str
    unit: str
    least: float
    most: float
    neutral: float  # the amount that leaves an image as it is
    levels: tuple[float, ...]  # the amounts on a curve, including the neutral one


CORRUPTIONS = {
    "blur": Corruption(N_("Blur"), N_("px"), 0, 4, 0, (0, 0.5, 1, 1.5, 2, 3)),
    "noise": Corruption(N_("Noise"), N_("of the range"), 0, 1, 0, (0, 0.1, 0.2, 0.3, 0.5, 0.7)),
    "rotation": Corruption(N_("Rotation"), "°", -90, 90, 0, (-60, -40, -20, 0, 20, 40, 60)),
    "shift": Corruption(N_("Shift"), N_("px"), -8, 8, 0, (-6, -4, -2, 0, 2, 4, 6)),
    "contrast": Corruption(N_("Contrast"), N_("times"), 0.05, 2, 1, (0.05, 0.1, 0.2, 0.4, 1, 2)),
    "thickness": Corruption(N_("Thickness"), N_("px"), -1.5, 2, 0, (-1.5, -1, -0.5, 0, 0.5, 1, 2)),
}


def corrupt(images: Tensor, kind: str, amount: float, seed: int = 0) -> Tensor:
    """Degrade images by one amount.

    Args:
        images: float32 (N, 1, H, W) in [0, 1], ground 0.
        kind: a key of CORRUPTIONS.
        amount: blur: standard deviation in pixels; noise: standard deviation as a share of the
            range; rotation: degrees, anticlockwise; shift: pixels to the right; contrast: a
            factor; thickness: pixels on each side of a stroke, negative thins.
        seed: of the noise.
    Returns:
        float32 of the same shape, in [0, 1].
    Raises:
        KeyError: there is no such kind.
    """
    if amount == CORRUPTIONS[kind].neutral:
        return images
    if kind == "noise":
        generator = torch.Generator().manual_seed(seed)
        changed = images + amount * torch.randn(images.shape, generator=generator)
    else:
        changed = _WAYS[kind](images, amount)
    return changed.clamp(0, 1)


def corrupt_all(images: Tensor, amounts: dict[str, float], seed: int = 0) -> Tensor:
    """Apply several corruptions one after the other, in the order of CORRUPTIONS."""
    for kind in CORRUPTIONS:
        if kind in amounts:
            images = corrupt(images, kind, amounts[kind], seed)
    return images


def _blurred(images: Tensor, deviation: float) -> Tensor:
    radius = max(1, math.ceil(_BLUR_RADIUS * deviation))
    place = torch.arange(-radius, radius + 1, dtype=images.dtype)
    kernel = torch.exp(-(place**2) / (2 * deviation**2))
    kernel = kernel / kernel.sum()
    rows = functional.conv2d(images, kernel.view(1, 1, 1, -1), padding=(0, radius))
    return functional.conv2d(rows, kernel.view(1, 1, -1, 1), padding=(radius, 0))


def _rotated(images: Tensor, degrees: float) -> Tensor:
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    return _sampled(images, [[cosine, -sine, 0], [sine, cosine, 0]])


def _shifted(images: Tensor, pixels: float) -> Tensor:
    return _sampled(images, [[1, 0, -2 * pixels / images.shape[-1]], [0, 1, 0]])


def _sampled(images: Tensor, matrix: list[list[float]]) -> Tensor:
    theta = torch.tensor(matrix).expand(len(images), 2, 3)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def _thickened(images: Tensor, pixels: float) -> Tensor:
    """Thicken with the neighbours' maximum or thin with their minimum, whole pixels first."""
    sign = 1 if pixels > 0 else -1
    left = abs(pixels)
    while left > 0:
        grown = sign * functional.max_pool2d(sign * images, 3, stride=1, padding=1)
        images = images + min(left, 1.0) * (grown - images)
        left -= 1
    return images


_WAYS = {
    "blur": _blurred,
    "rotation": _rotated,
    "shift": _shifted,
    "contrast": lambda images, factor: images * factor,
    "thickness": _thickened,
}
