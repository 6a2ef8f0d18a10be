"""Drawings and pictures of one digit into the normal form of MNIST's digits."""

import math
from collections.abc import Collection

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

SIDE = 28
BOX = 20  # the longest side of a digit in the normal form
STROKE = 2.4  # pixels, width of a stroke in the normal form; the median of MNIST's is 2.3
MIN_CONTRAST = 32  # of 255, between ink and ground; less is taken for an empty ground
INK = 0.4  # share of the darkest ink from which on a pixel counts as drawn
STEPS = ("crop", "specks", "thickness", "scale", "centre")  # of the way to the normal form
WORK = 100  # pixels, the longest side of a drawing while its strokes are worked on
_WIDEST = 0.165  # of a drawing's longest side: half the width of its strokes at most
_TOUCHING = np.ones((3, 3))  # pixels that touch at a corner belong together


def to_mnist(rgba: np.ndarray) -> Tensor | None:
    """Put a drawing into the normal form of MNIST's digits.

    Crop to the ink, drop stray dots, draw the strokes anew in the width of MNIST's, scale the
    longest side to 20 pixels with anti-aliasing and the aspect ratio kept, and bring the centre
    of mass to the centre of 28x28.

    Args:
        rgba: uint8 (H, W, 4), light ink on a dark ground; other colours are understood too, the
            ground being what the border shows.
    Returns:
        float32 (1, 1, 28, 28) in [0, 1]; None if nothing is drawn.
    Raises:
        ValueError: rgba is not uint8 of shape (H, W, 4).
    Source: LeCun et al. 1998: 20x20 box, centred by centre of mass.
    """
    ink = ink_of(rgba)
    return None if ink is None else torch.from_numpy(normal_form(ink))[None, None]


def normal_form(ink: np.ndarray) -> np.ndarray:
    """Ink, float32 (H, W) from 0 the ground to 1, as a digit of MNIST: float32 (28, 28)."""
    ink = _crop(ink)
    mask = _to_working_size(ink)
    kept = without_specks(mask)
    if kept is not mask:
        mask = _to_working_size(_crop(_wiped(ink, mask & ~kept)))
    return _centre(_scale(*_with_standard_strokes(mask)))


def ink_of(rgba: np.ndarray) -> np.ndarray | None:
    """How much each pixel differs from the ground.

    Args:
        rgba: uint8 (H, W, 4).
    Returns:
        float32 (H, W), 0 the ground and 1 the strongest ink; None if nothing is drawn.
    Raises:
        ValueError: rgba is not uint8 of shape (H, W, 4).
    """
    if not isinstance(rgba, np.ndarray) or rgba.dtype != np.uint8:
        raise ValueError("a drawing must be a uint8 array")
    if rgba.ndim != 3 or rgba.shape[2] != 4 or 0 in rgba.shape:
        raise ValueError(f"a drawing must have the shape (H, W, 4), not {rgba.shape}")
    difference = np.maximum.reduce([_from_ground(channel) for channel in _channels(rgba)])
    strongest = difference.max()
    if strongest < MIN_CONTRAST:
        return None
    return difference.astype(np.float32) / np.float32(strongest)


def _channels(rgba: np.ndarray) -> list[np.ndarray]:
    """The channels that differ from each other, uint8 (H, W): one, if the drawing is grey."""
    red, green, blue, alpha = (np.ascontiguousarray(rgba[..., i]) for i in range(4))
    colours = (
        [red] if np.array_equal(red, green) and np.array_equal(red, blue) else [red, green, blue]
    )
    if alpha.min() == 255:
        return colours
    opaque = alpha.astype(np.uint16)  # what is transparent has no colour
    return [*((colour * opaque // 255).astype(np.uint8) for colour in colours), alpha]


def _from_ground(channel: np.ndarray) -> np.ndarray:
    """How much each pixel differs from what the border shows, uint8."""
    border = np.concatenate([channel[0], channel[-1], channel[:, 0], channel[:, -1]])
    ground = np.uint8(np.median(border))
    return np.maximum(channel, ground) - np.minimum(channel, ground)


def _crop(ink: np.ndarray) -> np.ndarray:
    """The smallest rectangle with all the ink."""
    drawn = ink >= INK * ink.max()
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _to_working_size(ink: np.ndarray) -> np.ndarray:
    """Ink or none, bool, the longest side of the drawing WORK pixels, in a frame of ground."""
    height, width = ink.shape
    factor = WORK / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    return np.pad(small >= INK * small.max(), 1)


def _wiped(ink: np.ndarray, specks: np.ndarray) -> np.ndarray:
    """The ink without the specks that were found in it at the working size."""
    around = Image.fromarray(ndimage.binary_dilation(specks, _TOUCHING, 2)[1:-1, 1:-1])
    return np.where(around.resize(ink.shape[::-1]), 0, ink)


def without_specks(mask: np.ndarray) -> np.ndarray:
    """Drop stray dots and taps; the bar of a 5 or a 7 and the other half of a 4 stay.

    A part goes if it is hardly longer than a stroke is wide, or if it is small and lies far from
    the rest.

    Args:
        mask: bool (H, W), True where there is ink.
    Returns:
        The mask itself if there is nothing to drop, else another.
    """
    labels, count = ndimage.label(mask, _TOUCHING)
    if count < 2:
        return mask
    boxes = ndimage.find_objects(labels)
    lengths = np.array([max(part.stop - part.start for part in box) for box in boxes])
    areas = ndimage.sum_labels(mask, labels, range(1, count + 1))
    main = int(areas.argmax())
    tap = 1.5 * 2 * stroke_radius(ndimage.distance_transform_edt(labels == main + 1))
    to_main = ndimage.distance_transform_edt(labels != main + 1)
    gaps = ndimage.minimum(to_main, labels, range(1, count + 1))
    dots = lengths <= min(tap, lengths[main] / 3)
    strays = (lengths < lengths[main] / 4) & (gaps > lengths[main] / 4)
    stays = np.append(False, ~(dots | strays))
    return mask if stays[1:].all() else stays[labels]


def stroke_radius(inside: np.ndarray) -> float:
    """Half the width of the strokes: how far their middle lies from the ground.

    Most of the middle lines of a drawing belong to plain strokes; where strokes meet and loops
    are filled the distance is greater. So a low quantile finds the brush.

    Args:
        inside: distance of every pixel of ink from the ground, 0 on the ground.
    """
    middle = inside >= ndimage.maximum_filter(inside, 3)
    radius = np.quantile(inside[middle & (inside > 0.3 * inside.max())], 0.1)
    return float(min(radius, _WIDEST * max(inside.shape)))


def _with_standard_strokes(mask: np.ndarray) -> tuple[np.ndarray, float]:
    """The ink (0..1) with strokes that come out STROKE wide, and the factor to scale it by."""
    inside = ndimage.distance_transform_edt(mask)
    radius = stroke_radius(inside)
    drawn = [np.flatnonzero(mask.any(axis=axis)) for axis in (0, 1)]
    path = max(places[-1] - places[0] + 1 for places in drawn) - 2 * radius
    factor = (BOX - STROKE) / max(path, radius)  # a dot is not blown up
    wanted = STROKE / 2 / factor
    if wanted > radius:
        return _thicker(mask, wanted - radius), factor
    return _thinner(mask, inside, radius, wanted), factor


def _thicker(mask: np.ndarray, by: float) -> np.ndarray:
    mask = np.pad(mask, math.ceil(by) + 1)
    return np.clip(by + 1 - ndimage.distance_transform_edt(~mask), 0, 1)


def _thinner(mask: np.ndarray, inside: np.ndarray, radius: float, wanted: float) -> np.ndarray:
    """Strokes of `radius` made `wanted`; those that were thinner keep their middle line."""
    thinner = np.clip(inside - (radius - wanted), 0, 1)
    weak = (inside >= ndimage.maximum_filter(inside, 3)) & (inside > 0) & (inside < radius)
    if not weak.any():
        return thinner
    kept = np.clip(wanted + 0.5 - ndimage.distance_transform_edt(~weak), 0, 1)
    return np.maximum(thinner, kept * mask)


def _scale(ink: np.ndarray, factor: float, most: int = BOX) -> np.ndarray:
    """The ink alone, scaled with anti-aliasing, at most `most` pixels long."""
    part = _crop((ink / ink.max()).astype(np.float32))
    height, width = (min(most, max(1, round(side * factor))) for side in part.shape)
    return np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BOX))


def _centre(ink: np.ndarray) -> np.ndarray:
    """Into 28x28, the centre of mass in the centre as far as all the ink stays inside."""
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    total = ink.sum()
    place = []
    for axis in (0, 1):
        profile = ink.sum(axis=1 - axis)
        centre = (profile @ np.arange(len(profile))) / total
        place.append(int(np.clip(round(SIDE / 2 - centre), 0, SIDE - len(profile))))
    top, left = place
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink.clip(0, 1)
    return image


# The same with steps left out, to see what each is good for


def to_mnist_without(rgba: np.ndarray, left_out: Collection[str]) -> Tensor | None:
    """What becomes of a drawing when steps of `to_mnist` are left out.

    Without "crop" the whole canvas is taken for the digit, without "specks" stray dots stay,
    without "thickness" the strokes keep the width of the brush, without "scale" the digit keeps
    its size, the longest side of the canvas becoming 28 pixels, and without "centre" the middle of
    what is left, not its centre of mass, goes to the centre.

    Args:
        rgba: uint8 (H, W, 4), as `to_mnist` takes it.
        left_out: some of STEPS; with none of them the result is that of `to_mnist`.
    Returns:
        float32 (1, 1, 28, 28) in [0, 1]; None if nothing is drawn.
    Raises:
        ValueError: rgba is not uint8 of shape (H, W, 4), or there is no such step.
    """
    if unknown := set(left_out) - set(STEPS):
        raise ValueError(f"there is no step {min(unknown)!r}: choose of {', '.join(STEPS)}")
    ink = ink_of(rgba)
    if ink is None:
        return None
    image = _form_without(ink, left_out) if left_out else normal_form(ink)
    return torch.from_numpy(image)[None, None]


def _form_without(ink: np.ndarray, left_out: Collection[str]) -> np.ndarray:
    """`normal_form` without some steps."""
    does_crop, canvas = "crop" not in left_out, max(ink.shape)
    if does_crop:
        ink = _crop(ink)
    mask = _to_working_size(ink)
    if "specks" not in left_out:
        kept = without_specks(mask)
        if kept is not mask:
            ink = _wiped(ink, mask & ~kept)
            ink = _crop(ink) if does_crop else ink
            mask = _to_working_size(ink)
    factor = SIDE * max(ink.shape) / (canvas * WORK) if "scale" in left_out else None
    drawn, factor = _strokes_without(mask, factor, left_out)
    most = SIDE if "scale" in left_out else BOX
    part = _scale(drawn, factor, most) if does_crop else _shrunk(drawn, factor, most)
    return _in_the_middle(part) if "centre" in left_out else _centre(_trimmed(part))


def _strokes_without(
    mask: np.ndarray, factor: float | None, left_out: Collection[str]
) -> tuple[np.ndarray, float]:
    """The ink (0..1) with strokes of the wanted width, and the factor to scale it by."""
    if "thickness" in left_out:
        return mask.astype(np.float32), factor or BOX / WORK
    if "crop" not in left_out and factor is None:
        return _with_standard_strokes(mask)
    factor, inside = factor or BOX / WORK, ndimage.distance_transform_edt(mask)
    radius, wanted = stroke_radius(inside), STROKE / 2 / factor
    if wanted <= radius:
        return _thinner(mask, inside, radius, wanted), factor
    thicker, edge = _thicker(mask, wanted - radius), math.ceil(wanted - radius) + 1
    return (thicker if "crop" not in left_out else thicker[edge:-edge, edge:-edge]), factor


def _shrunk(ink: np.ndarray, factor: float, most: int) -> np.ndarray:
    """The ink with the ground around it, scaled with anti-aliasing, at most `most` pixels long."""
    whole = ink[1:-1, 1:-1].astype(np.float32)  # without the frame of the working size
    height, width = (min(most, max(1, round(side * factor))) for side in whole.shape)
    return np.asarray(Image.fromarray(whole).resize((width, height), Image.Resampling.BOX))


def _trimmed(part: np.ndarray) -> np.ndarray:
    """What is left without empty rows and columns around, so that it can be moved."""
    rows, columns = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
    return part[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _in_the_middle(part: np.ndarray) -> np.ndarray:
    """Into 28x28, the middle of the rectangle in the centre."""
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    top, left = ((SIDE - side) // 2 for side in part.shape)
    image[top : top + part.shape[0], left : left + part.shape[1]] = part.clip(0, 1)
    return image
