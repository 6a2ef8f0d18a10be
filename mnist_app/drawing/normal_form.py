"""A drawing of one digit into the normal form of MNIST's digits, in five named steps."""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor

from mnist_app.drawing.drawing import Drawing, as_drawing
from mnist_app.drawing.stray_dots import without_stray_dots
from mnist_app.drawing.stroke_width import STROKE, stroke_radius, thicker, thinner

SIDE = 28
BOX = 20  # the longest side of a digit in the normal form
INK = 0.4  # share of the darkest ink from which on a pixel counts as drawn
WORK = 100  # pixels, the longest side of a drawing while its strokes are worked on
_TOUCHING = np.ones((3, 3))  # pixels that touch at a corner belong together


def to_mnist(rgba: np.ndarray | Drawing, left_out: Collection[str] = ()) -> Tensor | None:
    """Put a drawing into the normal form of MNIST's digits.

    Crop to the ink, drop stray dots, draw the strokes anew in the width of MNIST's, scale the
    longest side to 20 pixels with anti-aliasing and the aspect ratio kept, and bring the centre
    of mass to the centre of 28x28.

    Args:
        rgba: uint8 (H, W, 4), light ink on a dark ground; other colours are understood too, the
            ground being what the border shows. Or the drawing made from it.
        left_out: names of STEPS to leave out, to see what each is good for. Without "crop" the
            whole canvas is taken for the digit, without "specks" stray dots stay, without
            "thickness" the strokes keep the width of the brush, without "scale" the digit keeps
            its size, the longest side of the canvas becoming 28 pixels, and without "centre" the
            middle of what is left, not its centre of mass, goes to the centre.
    Returns:
        float32 (1, 1, 28, 28) in [0, 1]; None if nothing is drawn.
    Raises:
        ValueError: rgba is not uint8 of shape (H, W, 4), or there is no such step.
    Source: LeCun et al. 1998: 20x20 box, centred by centre of mass.
    """
    if unknown := set(left_out) - set(STEPS):
        raise ValueError(f"there is no step {min(unknown)!r}: choose of {', '.join(STEPS)}")
    ink = as_drawing(rgba).ink
    return None if ink is None else torch.from_numpy(normal_form(ink, left_out))[None, None]


def normal_form(ink: np.ndarray, left_out: Collection[str] = ()) -> np.ndarray:
    """Ink, float32 (H, W) from 0 the ground to 1, as a digit of MNIST: float32 (28, 28).

    Args:
        ink: there is some in it.
        left_out: names of STEPS to leave out.
    """
    form = Form(ink, max(ink.shape), frozenset(left_out))
    for name, step in _STEPS.items():
        form = step.left_out(form) if name in left_out else step.taken(form)
    return form.ink


@dataclass(frozen=True, eq=False)
class Form:
    """A drawing on its way to the normal form, as one step hands it to the next.

    The ink has the drawing's own pixels up to "specks", those of the working size from
    "thickness" on, at most 28x28 from "scale" on, and 28x28 in the end.
    """

    ink: np.ndarray  # float, 0 the ground to 1
    canvas: int  # pixels, the longest side of the whole drawing
    left_out: frozenset[str]
    factor: float = 1.0  # from the working size to that in the 28x28 image

    @cached_property
    def mask(self) -> np.ndarray:
        """Ink or none, bool, its longest side WORK pixels, in a frame of ground: up to "specks"."""
        height, width = self.ink.shape
        factor = WORK / max(height, width)
        size = max(1, round(width * factor)), max(1, round(height * factor))
        small = np.asarray(Image.fromarray(self.ink).resize(size, Image.Resampling.BILINEAR))
        return np.pad(small >= INK * small.max(), 1)


# The steps


def _crop(form: Form) -> Form:
    """Cut out the ink."""
    return replace(form, ink=cropped(form.ink))


def _drop_specks(form: Form) -> Form:
    """Drop stray dots, as they are found at the working size."""
    kept = without_stray_dots(form.mask)
    if kept is form.mask:
        return form
    specks = ndimage.binary_dilation(form.mask & ~kept, _TOUCHING, 2)[1:-1, 1:-1]
    stencil = np.asarray(Image.fromarray(specks).resize(form.ink.shape[::-1]))
    wiped = replace(form, ink=np.where(stencil, 0, form.ink))
    return wiped if "crop" in form.left_out else _crop(wiped)


def _standardise_strokes(form: Form) -> Form:
    """Draw the strokes anew, in the width that comes out as STROKE."""
    mask, inside = form.mask, ndimage.distance_transform_edt(form.mask)
    radius = stroke_radius(inside)
    factor = _factor_of_path(form, radius) if form.left_out.isdisjoint(_FIT) else _factor(form)
    wanted = STROKE / 2 / factor
    if wanted <= radius:
        return replace(form, ink=thinner(mask, inside, radius, wanted), factor=factor)
    edge = math.ceil(wanted - radius) + 1
    ink = thicker(np.pad(mask, edge), wanted - radius)
    if "crop" in form.left_out:  # the canvas does not grow
        ink = ink[edge:-edge, edge:-edge]
    return replace(form, ink=ink, factor=factor)


def _keep_strokes(form: Form) -> Form:
    """Leave the strokes as wide as the brush drew them."""
    return replace(form, ink=form.mask.astype(np.float32), factor=_factor(form))


def _fill_box(form: Form) -> Form:
    """Make the digit 20 pixels long."""
    return replace(form, ink=_resized(form, BOX))


def _keep_size(form: Form) -> Form:
    """Make the canvas 28 pixels long; the digit becomes smaller with it."""
    return replace(form, ink=_resized(form, SIDE))


def _centre_mass(form: Form) -> Form:
    """Bring the centre of mass to the centre, as far as all the ink stays inside."""
    ink = form.ink
    if "crop" in form.left_out:  # without the empty rows and columns around, so that it can move
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    total, place = ink.sum(), []
    for axis in (0, 1):
        profile = ink.sum(axis=1 - axis)
        centre = (profile @ np.arange(len(profile))) / total
        place.append(int(np.clip(round(SIDE / 2 - centre), 0, SIDE - len(profile))))
    return replace(form, ink=_placed(ink, *place))


def _centre_rectangle(form: Form) -> Form:
    """Bring the middle of the rectangle to the centre."""
    return replace(form, ink=_placed(form.ink, *((SIDE - side) // 2 for side in form.ink.shape)))


def _leave(form: Form) -> Form:
    return form


class _Step(NamedTuple):
    taken: Callable[[Form], Form]
    left_out: Callable[[Form], Form]  # what comes in its place


_STEPS = {
    "crop": _Step(_crop, _leave),
    "specks": _Step(_drop_specks, _leave),
    "thickness": _Step(_standardise_strokes, _keep_strokes),
    "scale": _Step(_fill_box, _keep_size),
    "centre": _Step(_centre_mass, _centre_rectangle),
}
STEPS = tuple(_STEPS)
_FIT = frozenset(["crop", "scale"])  # with both the digit fills the box to the pixel


# What they are made of


def cropped(ink: np.ndarray) -> np.ndarray:
    """The smallest rectangle with all the ink, of which there is some."""
    drawn = ink >= INK * ink.max()
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _factor(form: Form) -> float:
    """From the working size to that of the image, whatever the strokes' width."""
    if "scale" not in form.left_out:
        return BOX / WORK
    longest: int = max(form.ink.shape)
    return SIDE * longest / (form.canvas * WORK)


def _factor_of_path(form: Form, radius: float) -> float:
    """The same by the path of the pen: with strokes STROKE wide the digit is BOX long."""
    drawn = [np.flatnonzero(form.mask.any(axis=axis)) for axis in (0, 1)]
    path: float = max(places[-1] - places[0] + 1 for places in drawn) - 2 * radius
    return (BOX - STROKE) / max(path, radius)  # a dot is not blown up


def _resized(form: Form, most: int) -> np.ndarray:
    """The ink, scaled with anti-aliasing, at most `most` pixels long."""
    if "crop" in form.left_out:
        part = form.ink[1:-1, 1:-1].astype(np.float32)  # without the frame of the working size
    else:
        part = cropped((form.ink / form.ink.max()).astype(np.float32))
    height, width = (min(most, max(1, round(side * form.factor))) for side in part.shape)
    return np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BOX))


def _placed(ink: np.ndarray, top: int, left: int) -> np.ndarray:
    """Ink at a place in the image, float32 (28, 28)."""
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink.clip(0, 1)
    return image
