"""Pen strokes: read them from files, place them on a canvas, draw them as the app's canvas does."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from mnist_app.common.errors import InputError
from mnist_app.common.translation import message
from mnist_app.drawing.drawing import CanvasStroke

CANVAS = 280  # pixels, the side of the app's canvas
FARTHEST = 1e6  # from 0, in the units of a stroke; no tablet is that large
SUFFIXES = (".tra", ".tes", ".unp", ".unipen", ".dat", ".json", ".jsonl")

_THICK = 0.1  # of the longest stroke's length: a wider brush fills the loops of a digit
_FINEST = 4  # pixels

Stroke = np.ndarray  # float (N, 2): x to the right, y downwards
Strokes = list[Stroke]


class PenDigit(NamedTuple):
    """One digit, as the strokes of a pen."""

    label: int  # 0..9
    writer: str
    strokes: Strokes


# Files


def read_strokes(path: Path) -> list[PenDigit]:
    """Read pen strokes from a file, or from all files of a folder.

    The format is UNIPEN (`.SEGMENT DIGIT`, `.PEN_DOWN`, points with y upwards; the writer is the
    second word of a `.COMMENT`) or JSON: a list, or one object per line, of
    `{"label": 7, "writer": "anna", "strokes": [[[x, y], ...], ...]}` with y downwards.

    Raises:
        InputError: the file does not exist, is malformed, or has no strokes; the message names it.
    """
    try:
        files = sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
        digits = [digit for file in (files if path.is_dir() else [path]) for digit in _read(file)]
    except OSError as error:
        raise InputError(
            message(
                "{path} cannot be read ({reason}): check the path.",
                path=str(path),
                reason=error.strerror,
            )
        ) from None
    if not digits:
        raise InputError(
            message("There are no pen strokes in {path}: use UNIPEN or JSON files.", path=str(path))
        )
    return digits


def _read(path: Path) -> list[PenDigit]:
    is_json = path.suffix in (".json", ".jsonl")
    try:
        text = path.read_text(encoding="utf-8-sig" if is_json else "latin-1")
        return [_checked(digit) for digit in (_read_json if is_json else _read_unipen)(text)]
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise InputError(
            message(
                "{path} does not contain pen strokes: each digit must be an object with a label "
                "from 0 to 9 and strokes, which are lists of [x, y].",
                path=str(path),
            )
        ) from None


def is_path(stroke: Stroke) -> bool:
    """Return whether a stroke is a non-empty list of points, all of them within FARTHEST."""
    is_list = stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) > 0
    return is_list and bool((np.abs(stroke) <= FARTHEST).all())


def _checked(digit: PenDigit) -> PenDigit:
    if digit.label not in range(10) or not digit.strokes:
        raise ValueError("no label 0 to 9, or no strokes")
    if not all(is_path(stroke) for stroke in digit.strokes):
        raise ValueError("no list of points")
    return digit


def _read_json(text: str) -> Iterator[PenDigit]:
    is_list = text.lstrip().startswith("[")
    lines = [line for line in text.split("\n") if line.strip()]
    for entry in json.loads(text) if is_list else map(json.loads, lines):
        strokes = [np.array(stroke, dtype=float) for stroke in entry["strokes"]]
        yield PenDigit(entry["label"], str(entry.get("writer", "")), strokes)


def _read_unipen(text: str) -> Iterator[PenDigit]:
    label, writer = -1, ""
    strokes: list[list[tuple[float, float]]] = []
    for line in text.splitlines():
        words = line.split()
        if line.startswith(".SEGMENT"):
            if any(strokes):
                yield _from_unipen(label, writer, strokes)
            label, strokes = _label_of(words[-1]), []
        elif line.startswith(".COMMENT") and len(words) >= 3:
            writer = words[2]
        elif line.startswith(".PEN_DOWN"):
            strokes.append([])
        elif len(words) == 2 and not line.startswith(".") and strokes:
            strokes[-1].append((float(words[0]), -float(words[1])))
    if any(strokes):
        yield _from_unipen(label, writer, strokes)


def _label_of(word: str) -> int:
    text = word.strip('"')
    return int(text) if text in set("0123456789") else -1


def _from_unipen(label: int, writer: str, strokes: list[list[tuple[float, float]]]) -> PenDigit:
    return PenDigit(label, writer, [np.array(stroke) for stroke in strokes if stroke])


# The canvas


def placed(
    strokes: Strokes,
    *,
    side: int = CANVAS,
    size: float = 0.65,
    centre: tuple[float, float] = (0.5, 0.5),
    rotation: float = 0.0,
    slant: float = 0.0,
    aspect: float = 1.0,
) -> Strokes:
    """Place strokes on a canvas of `side` pixels.

    Args:
        strokes: in any units, y downwards.
        side: of the canvas, pixels.
        size: of the path's longest side, as a share of the canvas.
        centre: of the path's box, as shares of the canvas.
        rotation: degrees, clockwise on the screen.
        slant: sideways shift per height, positive to the right at the top.
        aspect: factor by which the ratio of width to height changes.
    """
    warp = _warp(rotation, slant, aspect)
    low, high = _bounds([stroke @ warp for stroke in strokes])
    factor = size * side / max(*(high - low), 1e-9)
    offset = np.array(centre) * side - (low + high) / 2 * factor
    return [stroke @ warp * factor + offset for stroke in strokes]


def _warp(rotation: float, slant: float, aspect: float) -> np.ndarray:
    """Return the matrix that points, as rows, are multiplied by: float (2, 2)."""
    angle = np.radians(rotation)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    warp: np.ndarray = np.array([[aspect, 0], [-slant, 1]]) @ turn
    return warp


def _bounds(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    points = np.concatenate(strokes)
    return points.min(axis=0), points.max(axis=0)


def in_a_row(
    digits: Sequence[Strokes],
    gaps: Sequence[float] | np.ndarray,
    heights: Sequence[float] | np.ndarray,
) -> Strokes:
    """Place digits side by side on one line, as a number.

    Args:
        digits: the strokes of each digit, in any units.
        gaps: the gap before each digit, in units of a height of 1; the first one is not used.
        heights: the height of each digit.
    """
    row, right = [], 0.0
    for number, (digit, gap, height) in enumerate(zip(digits, gaps, heights, strict=True)):
        low, high = _bounds(digit)
        factor = height / max(high[1] - low[1], (high[0] - low[0]) / 2, 1e-9)
        left = right + gap if number else 0.0
        middle = np.array([low[0], (low[1] + high[1]) / 2])
        row += [(stroke - middle) * factor + (left, 0) for stroke in digit]
        right = left + (high[0] - low[0]) * factor
    return row


def fine_brush(strokes: Strokes, brush: float) -> float:
    """Return the brush to redraw strokes with before reading them, so that their loops stay open.

    A thick brush on a small digit closes its loops and corners. The path of the pen still shows
    them when it is drawn with a finer brush. The strokes and both brushes are in pixels.
    """
    length: float = max(np.ptp(stroke, axis=0).max() for stroke in strokes)
    return min(brush, max(_THICK * length, _FINEST))


def with_fine_brush(strokes: Sequence[CanvasStroke]) -> list[CanvasStroke]:
    """Return the strokes with the brush of `fine_brush` where the pen's own is wider.

    What was erased has no say in it, and the eraser keeps its width: all that it removes from thick
    strokes it also removes from fine ones.
    """
    left = [points for points in points_left(strokes) if len(points)]
    if not left:
        return list(strokes)
    brush = fine_brush(left, max(stroke.width for stroke in strokes if not stroke.erases))
    return [one if one.erases else one._replace(width=min(one.width, brush)) for one in strokes]


def points_left(strokes: Sequence[CanvasStroke], *, side: int = CANVAS) -> list[np.ndarray]:
    """Return the points of each stroke's path, float (M, 2), that no later stroke erased.

    Args:
        strokes: in the order in which they were drawn. None is left of one that erases.
        side: of the canvas, pixels.
    """
    picture = Image.new("L", (side, side))
    eraser, erased = ImageDraw.Draw(picture), np.zeros((side, side), dtype=np.uint8)
    left = []
    for path, width, erases in reversed(strokes):
        if erases:
            _draw_line(eraser, path, width, 255)
            erased = np.asarray(picture)
        x, y = path.round().clip(0, side - 1).astype(int).T
        left.append(path[:0] if erases else path[erased[y, x] == 0])
    return left[::-1]


def draw(strokes: Strokes, *, brush: float = 18, side: int = CANVAS) -> np.ndarray:
    """Draw strokes with a round brush: uint8 (side, side), 255 the ink, anti-aliased."""
    return draw_canvas([CanvasStroke(stroke, brush) for stroke in strokes], side=side)


def draw_canvas(strokes: Sequence[CanvasStroke], *, side: int = CANVAS) -> np.ndarray:
    """Draw strokes in their order, and remove ink where they erase, as the app's canvas does.

    Returns:
        uint8 (side, side), 255 the ink, anti-aliased.
    """
    big = Image.new("L", (side * 2, side * 2))
    pen = ImageDraw.Draw(big)
    for path, width, erases in strokes:
        _draw_line(pen, 2 * path, 2 * width, 0 if erases else 255)
    return np.asarray(big.reduce(2))


def _draw_line(pen: ImageDraw.ImageDraw, path: Stroke, width: float, fill: int) -> None:
    """Draw a line with a round brush, with round ends and joints."""
    pen.line(path.ravel().tolist(), fill=fill, width=round(width))
    for x, y in path:
        pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=fill)


def canvas_rgba(ink: np.ndarray) -> np.ndarray:
    """Convert ink, uint8 (H, W), to pixels of the app's canvas: white on black, uint8 (H, W, 4)."""
    return np.dstack([ink, ink, ink, np.full_like(ink, 255)])
