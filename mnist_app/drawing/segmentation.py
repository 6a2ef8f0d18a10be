"""Several digits in one drawing: find pieces of ink, and groups of pieces that may be one digit."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_app.drawing.drawing import Drawing
from mnist_app.drawing.normal_form import INK
from mnist_app.drawing.stray_dots import without_stray_dots
from mnist_app.drawing.stroke_width import stroke_radius

HEIGHT = 120  # pixels, about the height of the digits during the search for pieces
LONGEST = 1600  # pixels, the greatest width of a row during the search for pieces
_TOGETHER = 6  # the most pieces that may be one digit
_CUTS = 6  # the most places at which one part may be cut
_WIDEST = 1.5  # of the drawing's height: the greatest width of a digit
_WIDE = 0.75  # of the drawing's height: parts at least this wide may be several digits
_LEAST = 0.01  # of the square of the drawing's height: the least area that is cut off
_APART = 0.22  # of the drawing's height: the least width that is cut off
_GROUND = 4  # pixels, around the ink
_TOUCHING = np.ones((3, 3))


class Box(NamedTuple):
    """A rectangle in the drawing, in pixels."""

    left: int
    top: int
    width: int
    height: int


class Group(NamedTuple):
    """Neighbouring pieces that may be one digit: pieces[first:last], and only their ink."""

    first: int
    last: int
    gap: float  # empty width between its pieces, as a share of the drawing's height
    is_cut: bool  # a cut separates some of its ink from connected ink outside the group
    box: Box
    ink: np.ndarray  # float32 (height, width), 0..1


@dataclass(frozen=True)
class Pieces:
    """The ink of a drawing in pieces, from left to right, and the groups of pieces to recognise."""

    count: int
    groups: list[Group]


class Outline(NamedTuple):
    """Where a drawing's ink is, and how far apart its parts are."""

    box: Box
    gap: float  # empty width between the parts, as a share of the ink's height


class Sheet(NamedTuple):
    """The part of a drawing with ink, and its mask at the working size for finding pieces."""

    ink: np.ndarray  # float32 (H, W), 0..1
    left: int  # where this part is in the drawing, pixels
    top: int
    mask: np.ndarray  # bool, at the working size: where there is ink, without stray dots
    factor: float  # the working size divided by the drawing's size


def sheet_of(drawing: Drawing) -> Sheet | None:
    """Return the ink of a drawing, to read it as a whole or in pieces; None if there is none."""
    ink = drawing.ink
    if ink is None:
        return None
    rows, columns = (np.flatnonzero((ink >= INK).any(axis=axis)) for axis in (1, 0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    top, left = max(rows[0] - _GROUND, 0), max(columns[0] - _GROUND, 0)
    ink = ink[top : rows[-1] + 1 + _GROUND, left : columns[-1] + 1 + _GROUND]
    factor = min(HEIGHT / height, LONGEST / width, 4.0) if height * 2 > width / 4 else 1.0
    size = max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    mask = without_stray_dots(small >= INK * small.max())
    return Sheet(ink, int(left), int(top), mask, factor) if mask.any() else None


def outline(sheet: Sheet) -> Outline:
    """Return where the ink as a whole is."""
    rows, columns = (np.flatnonzero(sheet.mask.any(axis=axis)) for axis in (1, 0))
    gap = (np.ptp(columns) + 1 - len(columns)) / (np.ptp(rows) + 1)
    return Outline(_box(ndimage.binary_dilation(sheet.mask, _TOUCHING, 2), sheet), float(gap))


def find_pieces(sheet: Sheet) -> Pieces:
    """Split the ink into pieces.

    Pieces are connected parts. Parts above or inside each other are joined, and a part that is
    wide for the drawing's height is cut where there is least ink. Groups are runs of neighbours no
    wider than a digit can be; each single piece and the whole drawing are always groups.
    """
    labels, part_of = _labelled(sheet.mask)
    spans = [box[1] for box in ndimage.find_objects(labels)]
    height = np.ptp(np.flatnonzero(labels.any(axis=1))) + 1
    groups = []
    for first, last in _runs(spans, _WIDEST * height):
        gap = _gap(spans[first:last]) / height
        box, ink = _cut_out(sheet, labels, first, last)
        is_cut = not set(part_of[first:last]).isdisjoint([*part_of[:first], *part_of[last:]])
        groups.append(Group(first, last, gap, is_cut, box, ink))
    return Pieces(len(spans), groups)


def _runs(spans: list[slice], widest: float) -> list[tuple[int, int]]:
    """Return the runs of neighbours that may be one digit, in order: first and last + 1."""
    count = len(spans)
    runs = [(i, j) for i in range(count) for j in range(i + 1, min(i + _TOGETHER, count) + 1)]
    narrow = {run for run in runs if _width(spans[slice(*run)]) < widest}
    return sorted(narrow | {(i, i + 1) for i in range(count)} | {(0, count)})


def _width(spans: list[slice]) -> int:
    width: int = max(span.stop for span in spans) - min(span.start for span in spans)
    return width


def _gap(spans: list[slice]) -> int:
    """Return how many columns between the first and the last no span covers."""
    covered = np.zeros(max(span.stop for span in spans), dtype=bool)
    for span in spans:
        covered[span] = True
    return int((~covered[min(span.start for span in spans) :]).sum())


def _labelled(mask: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Find the pieces and number them from left to right, from 1.

    Returns:
        (the piece of each pixel, or 0; the part that each piece was cut from).
    """
    parts = _joined(*ndimage.label(mask, _TOUCHING))
    pieces = _from_left_to_right(_cut_apart(parts, mask))
    numbers, places = np.unique(pieces, return_index=True)
    return pieces, parts.flat[places[numbers > 0]].tolist()


def _joined(parts: np.ndarray, count: int) -> np.ndarray:
    """Join parts that overlap sideways by more than 60% of the narrower one's width."""
    spans = [box[1] for box in ndimage.find_objects(parts)]
    owner = list(range(count))
    for a in range(count):
        for b in range(a):
            overlap = min(spans[a].stop, spans[b].stop) - max(spans[a].start, spans[b].start)
            narrow = min(spans[a].stop - spans[a].start, spans[b].stop - spans[b].start)
            if overlap > 0.6 * narrow:
                old, new = owner[a], owner[b]
                owner = [new if o == old else o for o in owner]
    joined: np.ndarray = np.append(0, np.array(owner, dtype=int) + 1)[parts]
    return joined


def _cut_apart(parts: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cut parts that are wide for the drawing's height, where there is least ink to cut."""
    height = np.ptp(np.flatnonzero(mask.any(axis=1))) + 1
    boxes = list(enumerate(ndimage.find_objects(parts), 1))
    wide = [(i, box) for i, box in boxes if box and _width([box[1]]) >= _WIDE * height]
    radius = stroke_radius(ndimage.distance_transform_edt(mask)) if wide else 0
    result, following = parts.copy(), parts.max() + 1
    for number, box in wide:
        part = parts[box] == number
        left = part  # the rest of the part that is not cut off yet
        for seam in _seams(part, most=3 * radius, apart=round(_APART * height)):
            right = part & (np.arange(part.shape[1]) >= seam[:, None])
            if min(right.sum(), (left & ~right).sum()) > _LEAST * height**2:
                result[box][right] = following
                left, following = right, following + 1
    return result


def _seams(part: np.ndarray, most: float, apart: int) -> list[np.ndarray]:
    """Return paths from top to bottom through at most `most` pixels of ink: the column in each row.

    The least ink on a path to each pixel is computed from the row above (as in seam carving,
    Avidan and Shamir 2007). The paths end at least `apart` columns from each other and from the
    sides.
    """
    cost = part.astype(np.float32) + 1e-3  # so that of equally good paths the straightest wins
    for above, row in pairwise(cost):
        beside = np.minimum(np.append(above[0], above[:-1]), np.append(above[1:], above[-1]))
        row += np.minimum(above, beside + 1e-3)
    ends = cost[-1]
    seams: list[np.ndarray] = []
    free = (np.arange(len(ends)) >= apart) & (np.arange(len(ends)) < len(ends) - apart)
    while (free & (ends <= most)).any() and len(seams) < _CUTS:
        end = _middle_of_least(np.where(free, ends, np.inf))
        seams.append(_way_to(cost, end))
        free &= np.abs(np.arange(len(ends)) - end) >= apart
    return sorted(seams, key=lambda seam: seam.mean())


def _middle_of_least(values: np.ndarray) -> int:
    least = np.flatnonzero(values <= values.min() + 0.5)
    run = np.split(least, np.flatnonzero(np.diff(least) > 1) + 1)[0]
    return int(run[len(run) // 2])


def _way_to(cost: np.ndarray, end: int) -> np.ndarray:
    """Return the columns of the path that ends at `end`, from the top row down."""
    way = np.full(len(cost), end)
    for row in range(len(cost) - 2, -1, -1):
        low = max(0, way[row + 1] - 1)
        way[row] = low + int(cost[row, low : way[row + 1] + 2].argmin())
    return way


def _from_left_to_right(parts: np.ndarray) -> np.ndarray:
    numbers = [n for n in np.unique(parts) if n]
    middles = ndimage.center_of_mass(parts > 0, parts, numbers) if numbers else []
    order = np.zeros(parts.max() + 1, dtype=int)
    for rank, (_, number) in enumerate(
        sorted((m[1], n) for m, n in zip(middles, numbers, strict=True)), 1
    ):
        order[number] = rank
    numbered: np.ndarray = order[parts]
    return numbered


def _cut_out(sheet: Sheet, labels: np.ndarray, first: int, last: int) -> tuple[Box, np.ndarray]:
    """Return where pieces first + 1 to last are in the drawing, and only their ink."""
    chosen = (labels > first) & (labels <= last)
    others = ndimage.binary_dilation((labels > 0) & ~chosen, _TOUCHING) & ~chosen
    near = ndimage.binary_dilation(chosen, _TOUCHING, 2) & ~others
    box = _box(near, sheet)
    left, top = box.left - sheet.left, box.top - sheet.top
    part = (slice(top, top + box.height), slice(left, left + box.width))
    stencil = Image.fromarray(near).resize(sheet.ink.shape[::-1])
    return box, sheet.ink[part] * np.asarray(stencil)[part]


def _box(mask: np.ndarray, sheet: Sheet) -> Box:
    """Return the rectangle in the drawing that a mask at the working size covers."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    factor, (most_rows, most_columns) = sheet.factor, sheet.ink.shape
    left, top = math.floor(columns[0] / factor), math.floor(rows[0] / factor)
    right = min(math.ceil((columns[-1] + 1) / factor), most_columns)
    bottom = min(math.ceil((rows[-1] + 1) / factor), most_rows)
    return Box(sheet.left + left, sheet.top + top, right - left, bottom - top)
