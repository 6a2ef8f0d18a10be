"""Bring a drawing of one digit into the normal form of MNIST's digits, in five named steps."""

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
INK = 0.4  # a pixel with at least this share of the strongest ink counts as drawn
WORK = 100  # pixels, the longest side of a drawing while its strokes are processed
_TOUCHING = np.ones((3, 3))  # pixels that touch at a corner belong together


def to_mnist(rgba: np.ndarray | Drawing, left_out: Collection[str] = ()) -> Tensor | None:
    """Bring a drawing into the normal form of MNIST's digits.

    Crop to the ink, drop stray dots, redraw the strokes in the width of MNIST's, scale the longest
    side to 20 pixels with anti-aliasing, keeping the aspect ratio, and move the centre of mass to
    the centre of 28x28.

    Args:
        rgba: uint8 (H, W, 4), light ink on a dark ground, or the drawing made from it. Other
            colours work too: the ground is the border's median colour.
        left_out: names of STEPS to leave out, to see what each one does. Without "crop" the whole
            canvas counts as the digit. Without "specks" stray dots stay. Without "thickness" the
            strokes keep the width of the brush. Without "scale" the digit keeps its size relative
            to the canvas, whose longest side becomes 28 pixels. Without "centre" the middle of the
            image, not its centre of mass, goes to the centre.
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
    """Convert ink to the normal form, float32 (28, 28).

    Args:
        ink: float32 (H, W), from 0 for the ground to 1; not all 0.
        left_out: names of STEPS to leave out.
    """
    form = Form(ink, max(ink.shape), frozenset(left_out))
    for name, step in _STEPS.items():
        form = step.left_out(form) if name in left_out else step.taken(form)
    return form.ink


@dataclass(frozen=True, eq=False)
class Form:
    """A drawing on its way to the normal form, passed from one step to the next.

    The ink has the drawing's own resolution up to "specks" and the working size from "thickness"
    on. From "scale" on it has at most 28x28 pixels, and 28x28 at the end.
    """

    ink: np.ndarray  # float, from 0 for the ground to 1
    canvas: int  # pixels, the longest side of the whole drawing
    left_out: frozenset[str]
    factor: float = 1.0  # scale from the working size to the 28x28 image

    @cached_property
    def mask(self) -> np.ndarray:
        """Where there is ink, bool; for the steps up to "thickness".

        The longest side is WORK pixels; around that is a frame of ground, 1 pixel wide.
        """
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
    """Drop stray dots, which are found at the working size."""
    kept = without_stray_dots(form.mask)
    if kept is form.mask:
        return form
    specks = ndimage.binary_dilation(form.mask & ~kept, _TOUCHING, 2)[1:-1, 1:-1]
    stencil = np.asarray(Image.fromarray(specks).resize(form.ink.shape[::-1]))
    wiped = replace(form, ink=np.where(stencil, 0, form.ink))
    return wiped if "crop" in form.left_out else _crop(wiped)


def _standardise_strokes(form: Form) -> Form:
    """Redraw the strokes in the width that becomes STROKE in the final image."""
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
    """Keep the strokes as wide as the brush drew them."""
    return replace(form, ink=form.mask.astype(np.float32), factor=_factor(form))


def _fill_box(form: Form) -> Form:
    """Scale the digit's longest side to 20 pixels."""
    return replace(form, ink=_resized(form, BOX))


def _keep_size(form: Form) -> Form:
    """Scale the canvas's longest side to 28 pixels, and the digit by the same factor."""
    return replace(form, ink=_resized(form, SIDE))


def _centre_mass(form: Form) -> Form:
    """Move the centre of mass to the centre, as far as possible with all the ink inside."""
    ink = form.ink
    if "crop" in form.left_out:  # drop the empty rows and columns around it, so that it can move
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    total, place = ink.sum(), []
    for axis in (0, 1):
        profile = ink.sum(axis=1 - axis)
        centre = (profile @ np.arange(len(profile))) / total
        place.append(int(np.clip(round(SIDE / 2 - centre), 0, SIDE - len(profile))))
    return replace(form, ink=_placed(ink, *place))


def _centre_rectangle(form: Form) -> Form:
    """Move the middle of the rectangle to the centre."""
    return replace(form, ink=_placed(form.ink, *((SIDE - side) // 2 for side in form.ink.shape)))


def _leave(form: Form) -> Form:
    return form


class _Step(NamedTuple):
    taken: Callable[[Form], Form]
    left_out: Callable[[Form], Form]  # what happens instead


_STEPS = {
    "crop": _Step(_crop, _leave),
    "specks": _Step(_drop_specks, _leave),
    "thickness": _Step(_standardise_strokes, _keep_strokes),
    "scale": _Step(_fill_box, _keep_size),
    "centre": _Step(_centre_mass, _centre_rectangle),
}
STEPS = tuple(_STEPS)
_FIT = frozenset(["crop", "scale"])  # with both, the digit fills the box exactly


# Parts of the steps


def cropped(ink: np.ndarray) -> np.ndarray:
    """Return the smallest rectangle with all the ink; there must be some."""
    drawn = ink >= INK * ink.max()
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _factor(form: Form) -> float:
    """Return the scale from the working size to the image, whatever the strokes' width."""
    if "scale" not in form.left_out:
        return BOX / WORK
    longest: int = max(form.ink.shape)
    return SIDE * longest / (form.canvas * WORK)


def _factor_of_path(form: Form, radius: float) -> float:
    """Return the scale at which the digit is BOX long once its strokes are STROKE wide.

    The scale is computed from the path of the pen, which does not depend on the strokes' width.
    """
    drawn = [np.flatnonzero(form.mask.any(axis=axis)) for axis in (0, 1)]
    path: float = max(places[-1] - places[0] + 1 for places in drawn) - 2 * radius
    return (BOX - STROKE) / max(path, radius)  # so that a dot is not blown up


def _resized(form: Form, most: int) -> np.ndarray:
    """Scale the ink with anti-aliasing to at most `most` pixels in length."""
    if "crop" in form.left_out:
        part = form.ink[1:-1, 1:-1].astype(np.float32)  # without the frame of the working size
    else:
        part = cropped((form.ink / form.ink.max()).astype(np.float32))
    height, width = (min(most, max(1, round(side * form.factor))) for side in part.shape)
    return np.asarray(Image.fromarray(part).resize((width, height), Image.Resampling.BOX))


def _placed(ink: np.ndarray, top: int, left: int) -> np.ndarray:
    """Place the ink in the image, float32 (28, 28)."""
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    image[top : top + ink.shape[0], left : left + ink.shape[1]] = ink.clip(0, 1)
    return image
