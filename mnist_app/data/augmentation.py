"""Batched augmentation: bend, thicken and cut every image of a batch by its own random amounts."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from mnist_app.recipes.recipe import Recipe

_FIELDS = "rotation", "shift", "zoom", "stretch", "shear", "elastic", "thickness", "gaps"
_GAP_RADIUS = 1.0, 2.2  # pixels


def is_active(recipe: Recipe) -> bool:
    """Return whether the recipe asks for any augmentation."""
    return any(getattr(recipe, field) for field in _FIELDS)


def augment(images: Tensor, recipe: Recipe) -> Tensor:
    """Bend, thicken and cut each image by its own random amounts.

    Args:
        images: float32 (N, 1, 28, 28), ground 0.
        recipe: rotation and shear are in degrees; shift, elastic and thickness in pixels; zoom and
            stretch are shares of the size. Each is the greatest amount in either direction, and
            the actual amount is drawn uniformly. Two differ: strokes are thinned by at most half
            of thickness, and elastic is a standard deviation. gaps is a probability.
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
    """Return matrices (N, 2, 3) that shift, then turn, slant, zoom and stretch about the centre."""
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
    """Return matrices that stretch, then slant: (N, 2, 2)."""
    stretch, shear = (torch.rand(2, len(images), device=images.device) * 2 - 1).unbind()
    wide = torch.exp(stretch * recipe.stretch / 2)
    slant = torch.tan(shear * math.radians(recipe.shear))
    none = torch.zeros_like(wide)
    rows = torch.stack([1 / wide, slant], dim=1), torch.stack([none, wide], dim=1)
    return torch.stack(rows, dim=1)


def _elastic(images: Tensor, pixels: float) -> Tensor:
    """Return smooth random displacements for a sampling grid: (N, H, W, 2).

    Source: Simard, Steinkraus and Platt 2003, but on a coarse 5x5 grid that is enlarged smoothly.
    """
    n, _, height, width = images.shape
    coarse = torch.randn(n, 2, 5, 5, device=images.device) * (2 * pixels / height)
    fine = functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    return fine.permute(0, 2, 3, 1)


def thicken(images: Tensor, pixels: float) -> Tensor:
    """Thicken strokes by up to `pixels` (at most 1) on each side, or thin them by up to half."""
    amount = (torch.rand(len(images), 1, 1, 1, device=images.device) * 1.5 - 0.5) * pixels
    thick = functional.max_pool2d(images, 3, stride=1, padding=1)
    thin = -functional.max_pool2d(-images, 3, stride=1, padding=1)
    return images + amount.clamp(min=0) * (thick - images) + amount.clamp(max=0) * (images - thin)


def cut(images: Tensor, probability: float) -> Tensor:
    """Erase a small round hole from some of the images, centred in their middle 20x20 pixels."""
    n, _, height, width = images.shape
    device = images.device
    centre = torch.rand(2, n, 1, 1, 1, device=device) * 20 + 4
    low, high = _GAP_RADIUS
    radius = low + (high - low) * torch.rand(n, 1, 1, 1, device=device)
    radius = torch.where(torch.rand(n, 1, 1, 1, device=device) < probability, radius, -1.0)
    y = torch.arange(height, device=device).view(1, 1, -1, 1) + 0.5 - centre[0]
    x = torch.arange(width, device=device).view(1, 1, 1, -1) + 0.5 - centre[1]
    return images * (torch.hypot(x, y) - radius).clamp(0, 1)
