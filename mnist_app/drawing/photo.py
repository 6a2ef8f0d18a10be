"""Turn photos of handwriting on paper or a board into what the app's canvas would show."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy import ndimage

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.drawing.pen import canvas_rgba

LONGEST = 1000  # pixels, the longest side of a photo while it is processed
MOST_ENLARGED = 4  # the largest factor by which a small picture is enlarged
FAINTEST = 0.1  # share of the ground's light; anything closer to the ground is not ink
GROUNDS = (0.04, 0.06, 0.1, 0.2)  # of the longest side: narrower may be ink, wider is ground
BLACKEST = 0.2  # of full light, added to a board's, so that noise in black areas is not chalk
STEEPEST = 0.14  # slope of a ruled line: 8 degrees
THICKEST_LINE = 0.026  # of the longest side
DIMMEST = 0.3  # of the page's light, added to the ground's, so that a dark desk's grain is not ink
DARKEST = 0.2  # of full light, the least that is added, so that a black picture's noise is not ink
WIDEST = 0.12  # of the longest side: anything wider is not ink when deciding if it is a board
MANY = 4  # this many lines are a ruled sheet, wherever they end
MOST_CHALK = 0.4  # the largest share of a board's picture that is as light as chalk
_NOTHING_FOUND = message(
    "No digits were found in the picture: take it from closer and in more light, or write with a "
    "thicker pen."
)
_BIN = 3  # pixels, the step between the heights at which lines are searched for
_TOUCHING = np.ones((3, 3))  # pixels that touch at a corner belong together


def clean(rgba: np.ndarray) -> np.ndarray:
    """Keep only the ink of a photo, as it would look on the app's canvas.

    The ground's light is divided out. Ruled lines, shadows, specks and anything that touches the
    border are removed. This works for dark ink on a light ground and for chalk on a board.

    Args:
        rgba: uint8 (H, W, 4), a photo or an already clean drawing.
    Returns:
        uint8 (h, w, 4), opaque, white ink on black, anti-aliased. The aspect ratio is kept, and
        the longest side is 1,000 pixels or four times its original length, whichever is less.
    Raises:
        ValueError: rgba is not uint8 of shape (H, W, 4).
        InputError: no ink was found.
    """
    if rgba.dtype != np.uint8 or rgba.ndim != 3 or rgba.shape[2] != 4 or 0 in rgba.shape:
        raise ValueError(f"a photo must be uint8 (H, W, 4), not {rgba.dtype} {rgba.shape}")
    light, is_board = _light(_working_size(rgba))
    ink = _ink(_sheet(light), is_board)
    if not ink.any():
        raise InputError(_NOTHING_FOUND)
    white = np.round(255 * ndimage.gaussian_filter(ink.astype(np.float32), 0.8)).astype(np.uint8)
    return canvas_rgba(white)


def _working_size(rgba: np.ndarray) -> np.ndarray:
    """Resize the photo and return it as opaque RGB, float32 (h, w, 3) in 0..1."""
    height, width = rgba.shape[:2]
    factor = min(LONGEST / max(height, width), MOST_ENLARGED)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    how = Image.Resampling.BOX if factor < 1 else Image.Resampling.BICUBIC
    picture = Image.fromarray(_opaque(rgba)).resize(size, how)
    return np.asarray(picture, dtype=np.float32) / 255


def _opaque(rgba: np.ndarray) -> np.ndarray:
    """Return opaque RGB, uint8 (H, W, 3).

    Transparent pixels become white if the others are dark, and black if the others are light.
    """
    colour, alpha = rgba[..., :3], rgba[..., 3:].astype(np.float32) / 255
    if alpha.min() == 1:
        return np.ascontiguousarray(colour)
    is_dark = (colour * alpha).sum() < 127.5 * 3 * alpha.sum()
    return (colour * alpha + (255 if is_dark else 0) * (1 - alpha)).astype(np.uint8)


# Light and ground


def _light(rgb: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the light, float32 (h, w) in 0..1, as dark ink on a light ground.

    Coloured ink becomes dark, too. Also return whether it is a board: light ink on a dark ground.
    """
    luminance = rgb @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    dark_ink = (luminance + rgb.min(axis=2)) / 2
    light_ink = 1 - (luminance + rgb.max(axis=2)) / 2
    is_board = _is_board(dark_ink, light_ink)
    if is_board:
        dark_ink = BLACKEST / (1 - light_ink + BLACKEST)  # a shadow dims chalk and board alike
    return ndimage.gaussian_filter(dark_ink, 0.8), is_board


def _is_board(dark_ink: np.ndarray, light_ink: np.ndarray) -> bool:
    """Return whether it is a board: whether there is more light ink than dark ink.

    Ink is thin, and it differs from most of its surroundings. The gaps between strokes are thin,
    too, but they look like the ground around them. Also, little of a board's picture is as light
    as chalk. That rules out a page that lies askew on a desk: its corners look like chalk, but the
    whole page is just as light. These checks are right for 99.6% of 1,400 synthetic photos and
    drawings: small and large digits, uneven light, shadows, glare, ruled and framed sheets.
    """
    factor = max(1, max(dark_ink.shape) // 250)
    small = [np.asarray(Image.fromarray(x).reduce(factor)) for x in (dark_ink, light_ink)]
    size = max(3, round(WIDEST * max(small[0].shape)))
    ink = np.array(
        [np.minimum(ndimage.black_tophat(x, size), _surroundings(x, size) - x) for x in small]
    )
    faintest = max(FAINTEST, 0.4 * np.quantile(ink, 0.999))
    dark, light = np.where(ink > faintest, ink, 0).sum(axis=(1, 2))
    if light <= dark:
        return False
    chalk = np.median(small[1][ink[1] > faintest])  # 1 - the light of the chalk
    return bool(np.mean(1 - small[1] >= 0.9 * (1 - chalk)) < MOST_CHALK)


def _surroundings(light: np.ndarray, size: int) -> np.ndarray:
    """Return the median light around each pixel, computed at half the size."""
    half = np.asarray(Image.fromarray(light).reduce(2))
    median = ndimage.median_filter(half, max(3, size // 2 | 1), mode="nearest")
    return np.asarray(Image.fromarray(median).resize(light.shape[::-1], Image.Resampling.BILINEAR))


class Sheet(NamedTuple):
    """A photo split into ground and ink; all arrays are float32 (h, w)."""

    light: np.ndarray  # 0..1
    ground: np.ndarray  # the light that there would be without ink, 0..1
    darkness: np.ndarray  # the share of the ground's light that the ink takes away, about 0..1,
    # less where the ground is dark

    def turned(self) -> "Sheet":
        """Return the sheet with rows and columns swapped."""
        return Sheet(self.light.T, self.ground.T, self.darkness.T)


def _sheet(light: np.ndarray) -> Sheet:
    """Estimate the ground, using the narrowest of GROUNDS that is wider than the strokes."""
    sheets = [_on_ground(light, size) for size in GROUNDS]
    widest = sheets[-1].darkness
    if widest.max() < FAINTEST:
        return sheets[-1]
    strong = 0.5 * np.quantile(widest[widest >= FAINTEST], 0.9)
    places = _without_border(widest > strong)
    amount = 0.95 * np.count_nonzero(places)
    return next(s for s in sheets if np.count_nonzero(places & (s.darkness > strong)) >= amount)


def _on_ground(light: np.ndarray, size: float) -> Sheet:
    half = np.asarray(Image.fromarray(light).reduce(2))
    width = round(size * max(half.shape))
    closed = ndimage.grey_closing(half, width, mode="nearest")  # a desk's rim is ground, not ink
    ground = np.asarray(Image.fromarray(closed).resize(light.shape[::-1])).clip(0.02)
    dimmest = max(DIMMEST * np.quantile(ground[::9, ::9], 0.95), DARKEST)
    darkness = (ground - light) / (ground + dimmest) * (1 + DIMMEST)
    usual, _ = _usual(darkness[ground >= np.median(ground)])
    return Sheet(light, ground, ((darkness - usual) / (1 - usual)).astype(np.float32))


def _usual(darkness: np.ndarray) -> tuple[float, float]:
    """Return median and standard deviation of the ground's darkness, whatever is written on it."""
    values = darkness[::9]
    for _ in range(3):
        middle = np.median(values)
        spread = 1.4826 * np.median(np.abs(values - middle))
        values = values[values < middle + max(3 * spread, FAINTEST / 2)]
    return float(middle), float(spread)


# Ink


def _ink(sheet: Sheet, is_board: bool) -> np.ndarray:
    """Return bool (h, w), True where there is ink."""
    _, noise = _usual(sheet.darkness[sheet.ground >= np.median(sheet.ground)])
    faintest = max(FAINTEST, 4 * noise)
    dark = _without_lines(sheet.darkness > faintest, sheet, faintest)
    inner = _without_specks(_without_border(dark), 0.05)
    if not dark.any():
        return dark
    strength = np.quantile(sheet.darkness[inner if inner.any() else dark], 0.8)
    half = strength / (2 - strength if is_board else 2)  # darkness of a pixel half covered by ink
    strong = dark & (sheet.darkness > half)
    weak = dark & (sheet.darkness > max(faintest, 0.6 * half))
    whole = ndimage.binary_propagation(strong & weak, _TOUCHING, weak)
    found = _without_specks(_without_border(whole))
    return found if found.any() else _without_specks(_without_border(whole, 0.25), 0.2)


def _without_border(dark: np.ndarray, contact: float = 0) -> np.ndarray:
    """Drop the parts that touch the picture's border: the desk, a finger, a notebook's edge.

    Args:
        dark: bool (h, w).
        contact: a part stays if it touches the border with at most this share of its length.
    """
    labels, count = ndimage.label(dark, _TOUCHING)
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    touching = np.bincount(frame, minlength=count + 1)[1:]
    kept: np.ndarray = np.append(False, touching <= contact * _lengths(labels))[labels]
    return kept


def _lengths(labels: np.ndarray) -> np.ndarray:
    """Return the longer side of each part's box, in pixels."""
    boxes = ndimage.find_objects(labels)
    return np.array([max(part.stop - part.start for part in box) for box in boxes])


def _without_specks(ink: np.ndarray, shortest: float = 0.02) -> np.ndarray:
    """Keep the long parts, and short ones near them: the bar of a 5, the other half of a 4.

    Args:
        ink: bool (h, w).
        shortest: parts shorter than this share of the picture's longest side are dropped.
    """
    labels, count = ndimage.label(ink, _TOUCHING)
    if not count:
        return ink
    lengths = _lengths(labels)
    lengths[lengths < shortest * max(ink.shape)] = 0
    longest = lengths.max()
    if not longest:
        return np.zeros_like(ink)
    is_long = lengths > 0.35 * longest
    around = ndimage.maximum_filter(np.append(False, is_long)[labels], round(0.3 * longest))
    is_near = ndimage.maximum(around, labels, range(1, count + 1)) > 0
    kept: np.ndarray = np.append(False, is_long | (is_near & (lengths > 0.12 * longest)))[labels]
    return kept


# Ruled lines


class Line(NamedTuple):
    """A ruled line, from left to right: its height is a polynomial of x in -1..1."""

    heights: np.ndarray  # coefficients of the polynomial, pixels
    first: int  # column
    last: int  # column
    thickness: float  # pixels


def _without_lines(dark: np.ndarray, sheet: Sheet, faintest: float) -> np.ndarray:
    """Drop horizontal lines, then the vertical ones of squared paper.

    Strokes that cross them stay whole.
    """
    dark = _without_level_lines(dark, sheet, faintest)
    return _without_level_lines(dark.T, sheet.turned(), faintest).T


def _without_level_lines(dark: np.ndarray, sheet: Sheet, faintest: float) -> np.ndarray:
    thickest = max(3, round(THICKEST_LINE * max(dark.shape)))
    smeared = ndimage.gaussian_filter1d(sheet.darkness, 5, axis=1)  # lines stay, noise goes
    lines = list(_level_lines(_thin_runs(smeared > 0.6 * faintest, thickest), dark.shape))
    if len(lines) < MANY:  # a lone dash is ink
        lines = [line for line in lines if _goes_through(line, sheet)]
    return dark & ~_drawn(lines, dark, sheet.darkness) if lines else dark


class Points(NamedTuple):
    """Thin vertical runs of dark pixels: column, middle row and height of each."""

    x: np.ndarray
    y: np.ndarray
    thickness: np.ndarray

    def where(self, chosen: np.ndarray) -> "Points":
        """Return the points that a mask selects."""
        return Points(*(values[chosen] for values in self))


def _thin_runs(dark: np.ndarray, thickest: int) -> Points:
    """Return the dark runs in each column that are at most `thickest` pixels high."""
    edges = np.diff(np.pad(dark.T.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    x, start = np.nonzero(edges > 0)
    thickness = np.nonzero(edges < 0)[1] - start
    points = Points(x, start + (thickness - 1) / 2, thickness)
    return points.where(thickness <= thickest)


def _thin(dark: np.ndarray, thickest: int) -> np.ndarray:
    """Return the dark pixels in vertical runs of at most `thickest` pixels."""
    size = thickest + 1
    eroded = ndimage.minimum_filter1d(dark.astype(np.uint8), size, axis=0, mode="constant")
    origin = 0 if size % 2 else -1  # an even window reaches one pixel further to one side
    opened = ndimage.maximum_filter1d(eroded, size, axis=0, mode="constant", origin=origin)
    thin: np.ndarray = dark & (opened == 0)
    return thin


def _level_lines(points: Points, shape: tuple[int, int]) -> Iterator[Line]:
    """Yield the lines with the most points, found by a Hough transform over slopes and heights."""
    height, width = shape
    slopes = np.linspace(-STEEPEST, STEEPEST, 57)
    margin = round(STEEPEST * width / 2) + 4
    votes = np.zeros((len(slopes), (height + 2 * margin) // _BIN + 2), dtype=int)

    def vote(points: Points, weight: int) -> None:
        for row, slope in zip(votes, slopes, strict=True):
            level = points.y - slope * (points.x - width / 2) + margin
            counts = np.bincount((level / _BIN).astype(int), minlength=len(row))
            row += weight * (counts + np.append(counts[1:], 0))

    vote(points, 1)
    while votes.max() > 0.2 * width:
        which, level = np.unravel_index(votes.argmax(), votes.shape)
        middle = (level + 1) * _BIN - margin + slopes[which] * (points.x - width / 2)
        line, on = _line_through(np.abs(points.y - middle) <= _BIN, points, width)
        vote(points.where(on), -1)
        points = points.where(~on)
        if line:
            yield line


def _line_through(on: np.ndarray, points: Points, width: int) -> tuple[Line | None, np.ndarray]:
    """Fit a line to some of the points; return it and the mask of the points on it.

    The line is None if it is too short, too sparse or too steep for a ruled line.
    """
    place = 2 * points.x / width - 1
    first_seen = on
    for _ in range(6):  # the line grows as more points are found on it
        heights = np.polyfit(place[on], points.y[on], 2)
        thickness = float(np.median(points.thickness[on]))
        before, on = on, np.abs(np.polyval(heights, place) - points.y) < thickness / 2 + 1
        if (on == before).all() or np.count_nonzero(on) < 3:
            break
    on = on | first_seen
    first, last = int(points.x[on].min()), int(points.x[on].max())
    slope = abs(np.polyval(heights, 1) - np.polyval(heights, -1)) / width
    covered = len(np.unique(points.x[on]))
    is_line = covered > 0.3 * width and last - first > 0.5 * width and slope < 1.3 * STEEPEST
    return (Line(heights, first, last, thickness) if is_line else None), on


def _goes_through(line: Line, sheet: Sheet) -> bool:
    """Return whether both ends of a line are at the border of the picture or of the page."""
    width = sheet.light.shape[1]
    reach = round(0.03 * width)
    if width - 1 - line.last > reach and not _page_ends(line, line.last, reach, sheet):
        return False
    return line.first <= reach or _page_ends(line, line.first, -reach, sheet)


def _page_ends(line: Line, end: int, reach: int, sheet: Sheet) -> bool:
    """Return whether it is much darker beyond the end of a line than before it."""
    height, width = sheet.light.shape
    columns = np.array([end - reach, end + reach])
    rows = np.polyval(line.heights, 2 * columns / width - 1).round().astype(int)
    rows = rows.clip(0, height - 1)
    return bool(sheet.light[rows[1], columns[1]] < 0.75 * sheet.ground[rows[0], columns[0]])


def _drawn(lines: list[Line], dark: np.ndarray, darkness: np.ndarray) -> np.ndarray:
    """Return the pixels of the lines, except where something thicker or darker crosses them."""
    result = np.zeros_like(dark)
    columns = np.arange(dark.shape[1])
    for line in lines:
        middle = np.polyval(line.heights, 2 * columns / dark.shape[1] - 1)
        thickest = round(1.5 * line.thickness + 1.5)
        top = max(0, int(middle.min()) - 2 * thickest)
        part = slice(top, max(top, int(middle.max()) + 2 * thickest))
        rows = np.arange(dark.shape[0])[part, None]
        band = dark[part] & (np.abs(rows - middle) < line.thickness / 2 + 2)
        level = np.median(darkness[part][band]) if band.any() else 0
        result[part] |= band & _thin(dark[part], thickest) & (darkness[part] < 1.6 * level)
    return result
