"""Batched augmentation: every image of a batch bent, thickened and cut in its own way."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from mnist_app.recipes.recipe import Recipe

_FIELDS = "rotation", "shift", "zoom", "stretch", "shear", "elastic", "thickness", "gaps"
_GAP_RADIUS = 1.0, 2.2  # pixels


def is_active(recipe: Recipe) -> bool:
    """Whether the recipe asks for any augmentation."""
    return any(getattr(recipe, field) for field in _FIELDS)


def augment(images: Tensor, recipe: Recipe) -> Tensor:
    """Bend, thicken and cut each image by random amounts of its own.

    Args:
        images: float32 (N, 1, 28, 28), ground 0.
        recipe: rotation and shear in degrees, shift, elastic and thickness in pixels, zoom and
            stretch as shares of the size; each is the greatest amount, in both directions, drawn
            uniformly (elastic: the standard deviation). gaps is a probability.
    Returns:
        float32 of the same shape; resampled bilinearly, in one step.
    """
    if recipe.thickness:
        images = thicken(images, recipe.thickness)
    grid = functional.affine_grid(_affine(images, recipe), list(images.shape), align_corners=False)
    if recipe.elastic:
        grid = grid + _elastic(images, recipe.elastic)
    images = functional.grid_sample(images, grid, align_corners=False)
    return cut(images, recipe.gaps) if recipe.gaps else images


def _affine(images: Tensor, recipe: Recipe) -> Tensor:
    """Shift, then turn, slant, zoom and stretch about the centre: (N, 2, 3)."""
    n, _, height, _ = images.shape
    angle, zoom, dx, dy = (torch.rand(4, n, device=images.device) * 2 - 1).unbind()
    angle = angle * math.radians(recipe.rotation)
    scale = 1 + zoom * recipe.zoom
    shift = 2 * recipe.shift / height  # grid_sample's coordinates span 2 over the image
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = (
        torch.stack([cosine, -sine, dx * shift], dim=1),
        torch.stack([sine, cosine, dy * shift], dim=1),
    )
    theta = torch.stack(rows, dim=1)
    if recipe.stretch or recipe.shear:
        theta = torch.cat([theta[:, :, :2] @ _shapes(images, recipe), theta[:, :, 2:]], dim=2)
    return theta


def _shapes(images: Tensor, recipe: Recipe) -> Tensor:
    """Stretch, then slant: (N, 2, 2)."""
    stretch, shear = (torch.rand(2, len(images), device=images.device) * 2 - 1).unbind()
    wide = torch.exp(stretch * recipe.stretch / 2)
    slant = torch.tan(shear * math.radians(recipe.shear))
    none = torch.zeros_like(wide)
    rows = torch.stack([1 / wide, slant], dim=1), torch.stack([none, wide], dim=1)
    return torch.stack(rows, dim=1)


def _elastic(images: Tensor, pixels: float) -> Tensor:
    """Smooth random displacements for a sampling grid: (N, H, W, 2).

    Source: Simard, Steinkraus and Platt 2003, here on a coarse grid of 5x5, smoothly enlarged.
    """
    n, _, height, width = images.shape
    coarse = torch.randn(n, 2, 5, 5, device=images.device) * (2 * pixels / height)
    fine = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    return fine.permute(0, 2, 3, 1)


def thicken(images: Tensor, pixels: float) -> Tensor:
    """Thicken or thin the strokes by up to `pixels` (at most 1) on each side; thin by half that."""
    amount = (torch.rand(len(images), 1, 1, 1, device=images.device) * 1.5 - 0.5) * pixels
    thick = functional.max_pool2d(images, 3, stride=1, padding=1)
    thin = -functional.max_pool2d(-images, 3, stride=1, padding=1)
    return images + amount.clamp(min=0) * (thick - images) + amount.clamp(max=0) * (images - thin)


def cut(images: Tensor, probability: float) -> Tensor:
    """Wipe a small round hole, anywhere in the middle 20x20 pixels, into some of the images."""
    n, _, height, width = images.shape
    device = images.device
    centre = torch.rand(2, n, 1, 1, 1, device=device) * 20 + 4
    low, high = _GAP_RADIUS
    radius = low + (high - low) * torch.rand(n, 1, 1, 1, device=device)
    radius = torch.where(torch.rand(n, 1, 1, 1, device=device) < probability, radius, -1.0)
    y = torch.arange(height, device=device).view(1, 1, -1, 1) + 0.5 - centre[0]
    x = torch.arange(width, device=device).view(1, 1, 1, -1) + 0.5 - centre[1]
    return images * (torch.hypot(x, y) - radius).clamp(0, 1)
