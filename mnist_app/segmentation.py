"""Several digits in one drawing: the pieces of ink, and which of them may be a digit together."""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_app.drawing import INK, ink_of, stroke_radius, without_specks

HEIGHT = 120  # pixels, about the height of the digits while pieces are looked for
LONGEST = 1600  # pixels, a row is never wider than this while pieces are looked for
_TOGETHER = 6  # pieces that may be one digit
_CUTS = 6  # places at which one part may be cut
_WIDEST = 1.5  # of the drawing's height: the greatest width of a digit
_WIDE = 0.75  # of the drawing's height: parts as wide as that may be several digits
_LEAST = 0.01  # of its square: the least area that is cut off
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
    """Neighbouring pieces that may be one digit: pieces[first:last], and their ink alone."""

    first: int
    last: int
    gap: float  # empty width between its pieces, as a share of the drawing's height
    is_cut: bool  # some of its ink is cut off from ink outside that it is connected with
    box: Box
    ink: np.ndarray  # float32 (height, width), 0..1


class Pieces(NamedTuple):
    """The ink of a drawing in pieces, from left to right, and the groups of them to look at."""

    count: int
    groups: list[Group]


def find_pieces(rgba: np.ndarray) -> Pieces:
    """Take a drawing apart.

    Pieces are connected parts; what stands above or inside another is one with it, and a part
    that is wide for its height is cut where it is thinnest. Groups are runs of neighbours no wider
    than a digit can be; the whole drawing is always one of them.

    Args:
        rgba: uint8 (H, W, 4).
    """
    ink = ink_of(rgba)
    if ink is None:
        return Pieces(0, [])
    ink, left, top = _drawn(ink)
    labels, part_of, factor = _labelled(ink)
    count = len(part_of)
    if not count:
        return Pieces(0, [])
    spans = [box[1] for box in ndimage.find_objects(labels)]
    height = np.ptp(np.flatnonzero(labels.any(axis=1))) + 1
    runs = [(i, j) for i in range(count) for j in range(i + 1, min(i + _TOGETHER, count) + 1)]
    narrow = [run for run in runs if _width(spans[slice(*run)]) < _WIDEST * height]
    chosen = {(i, i + 1) for i in range(count)} | {(0, count)} | set(narrow)
    groups = []
    for first, last in sorted(chosen):
        gap = _gap(spans[first:last]) / height
        box, part = _cut_out(ink, labels, factor, first, last)
        box = box._replace(left=box.left + left, top=box.top + top)
        is_cut = not set(part_of[first:last]).isdisjoint([*part_of[:first], *part_of[last:]])
        groups.append(Group(first, last, gap, is_cut, box, part))
    return Pieces(count, groups)


def _drawn(ink: np.ndarray) -> tuple[np.ndarray, int, int]:
    """The part of the ink where any is drawn, with a little ground, and where that part begins."""
    rows, columns = (np.flatnonzero((ink >= INK).any(axis=axis)) for axis in (1, 0))
    top, left = max(rows[0] - _GROUND, 0), max(columns[0] - _GROUND, 0)
    return ink[top : rows[-1] + 1 + _GROUND, left : columns[-1] + 1 + _GROUND], int(left), int(top)


def _width(spans: list[slice]) -> int:
    return max(span.stop for span in spans) - min(span.start for span in spans)


def _gap(spans: list[slice]) -> int:
    """The columns between the first and the last that none of them covers."""
    covered = np.zeros(max(span.stop for span in spans), dtype=bool)
    for span in spans:
        covered[span] = True
    return int((~covered[min(span.start for span in spans) :]).sum())


def _labelled(ink: np.ndarray) -> tuple[np.ndarray, list[int], float]:
    """Pieces numbered from left to right, from 1, at a working size.

    Returns:
        (the piece of each pixel, or 0; the part that each piece was cut from; the size's factor).
    """
    rows, columns = (np.flatnonzero((ink >= INK).any(axis=axis)) for axis in (1, 0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    factor = min(HEIGHT / height, LONGEST / width, 4.0) if height * 2 > width / 4 else 1.0
    size = max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor))
    small = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    mask = without_specks(small >= INK * small.max())
    parts, count = ndimage.label(mask, _TOUCHING)
    parts = _joined(parts, count)
    pieces = _from_left_to_right(_cut_apart(parts, mask))
    numbers, places = np.unique(pieces, return_index=True)
    return pieces, parts.flat[places[numbers > 0]].tolist(), factor


def _joined(parts: np.ndarray, count: int) -> np.ndarray:
    """Parts of which one stands over most of the other become one."""
    spans = [box[1] for box in ndimage.find_objects(parts)]
    owner = list(range(count))
    for a in range(count):
        for b in range(a):
            overlap = min(spans[a].stop, spans[b].stop) - max(spans[a].start, spans[b].start)
            narrow = min(spans[a].stop - spans[a].start, spans[b].stop - spans[b].start)
            if overlap > 0.6 * narrow:
                old, new = owner[a], owner[b]
                owner = [new if o == old else o for o in owner]
    return np.append(0, np.array(owner, dtype=int) + 1)[parts]


def _cut_apart(parts: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Cut parts that are wide for their height where least ink is in the way."""
    height = np.ptp(np.flatnonzero(mask.any(axis=1))) + 1
    radius = stroke_radius(ndimage.distance_transform_edt(mask))
    result, following = parts.copy(), parts.max() + 1
    for number, box in enumerate(ndimage.find_objects(parts), 1):
        part = parts[box] == number if box else np.zeros((0, 0), dtype=bool)
        if part.shape[1] < _WIDE * height:
            continue
        left = part  # what is not cut off yet
        for seam in _seams(part, most=3 * radius, apart=round(_APART * height)):
            right = part & (np.arange(part.shape[1]) >= seam[:, None])
            if min(right.sum(), (left & ~right).sum()) > _LEAST * height**2:
                result[box][right] = following
                left, following = right, following + 1
    return result


def _seams(part: np.ndarray, most: float, apart: int) -> list[np.ndarray]:
    """Ways from top to bottom through at most `most` pixels of ink, the column in each row.

    The least ink on the way to each pixel follows from the row above (as in seam carving, Avidan
    and Shamir 2007); the ways end `apart` columns from each other and from the sides.
    """
    cost = part.astype(np.float32) + 1e-3  # of ways through as little ink the straight one
    for row in range(1, len(cost)):
        above = np.pad(cost[row - 1], 1, mode="edge")
        beside = np.minimum(above[:-2], above[2:]) + 1e-3
        cost[row] += np.minimum(above[1:-1], beside)
    ends, seams = cost[-1], []
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
    """The columns of the way that ends at `end`, from the top row down."""
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
    return order[parts]


def _cut_out(
    ink: np.ndarray, labels: np.ndarray, factor: float, first: int, last: int
) -> tuple[Box, np.ndarray]:
    """The ink of pieces first + 1 to last alone, and where it stands in the drawing."""
    chosen = (labels > first) & (labels <= last)
    others = ndimage.binary_dilation((labels > 0) & ~chosen, _TOUCHING) & ~chosen
    near = ndimage.binary_dilation(chosen, _TOUCHING, 2) & ~others
    left, top, width, height = box = _box(near, factor, ink.shape)
    stencil = Image.fromarray(near).resize(ink.shape[::-1])
    part = (slice(top, top + height), slice(left, left + width))
    return box, ink[part] * np.asarray(stencil)[part]


def _box(mask: np.ndarray, factor: float, shape: tuple[int, ...]) -> Box:
    """The rectangle of a mask that is `factor` times as large as the drawing of that shape."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top = math.floor(columns[0] / factor), math.floor(rows[0] / factor)
    right = min(math.ceil((columns[-1] + 1) / factor), shape[1])
    bottom = min(math.ceil((rows[-1] + 1) / factor), shape[0])
    return Box(left, top, right - left, bottom - top)
