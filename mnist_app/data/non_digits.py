"""Random drawings that are not digits. They teach a network what to refuse."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from HersheyFonts import HersheyFonts

from mnist_app.drawing.pen import Stroke, Strokes

Random = np.random.Generator

# Letters that look like many people's digits are left out: O is 0, l is 1, Z is 2, S is 5, y is 4,
# Greek delta is 6, Hiragana ro is 3, ...
_LATIN = "ACEFGHKLMNPRTUVWXYacdefhkmnprtuvwx"
_GLYPHS = {
    "futural": _LATIN,
    "futuram": _LATIN,
    "rowmans": _LATIN,
    "rowmand": _LATIN,
    "timesr": _LATIN,
    "timesi": _LATIN,
    "cursive": _LATIN,
    "scriptc": _LATIN,
    "scripts": _LATIN,
    "gothitt": _LATIN,
    "greek": "ACDEFGKLMPRSUXYacefkmpwy",
    "japanese": "ABDEFGHIJMNPUVWXYZabcdefghjkoquvwx",
    "symbolic": "AEFGIJKLMNOPQRSTUVWXYZabcdefgh",
}


def non_digit(random: Random) -> Strokes:
    """Draw one random drawing that is not a digit, about 1 wide or high; any units, y downwards."""
    kinds, weights = zip(*_KINDS.items(), strict=True)
    kind = kinds[random.choice(len(kinds), p=np.array(weights) / sum(weights))]
    return wobbled(kind(random), random, random.uniform(0, 0.05))


def wobbled(strokes: Strokes, random: Random, amount: float) -> Strokes:
    """Bend strokes smoothly, as an unsteady hand would, by about `amount` of their size."""
    points = np.concatenate(strokes)
    low, size = points.min(axis=0), max(*np.ptp(points, axis=0), 1e-9)
    waves = random.uniform(-9, 9, (4, 2))
    phases, amounts = random.uniform(0, 2 * np.pi, 4), random.normal(0, amount * size, (4, 2))

    def bend(stroke: Stroke) -> Stroke:
        dense = resampled(stroke, size / 25)
        bent: Stroke = dense + np.sin((dense - low) / size @ waves.T + phases) @ amounts / 2
        return bent

    return [bend(stroke) for stroke in strokes]


def resampled(stroke: Stroke, step: float) -> Stroke:
    """Return the same line with a point at least every `step`."""
    lengths = np.linalg.norm(np.diff(stroke, axis=0), axis=1)
    if not lengths.sum():
        return stroke
    along = np.concatenate([[0], np.cumsum(lengths)])
    at = np.unique(np.concatenate([along, np.arange(0, along[-1], step)]))
    return np.stack([np.interp(at, along, stroke[:, axis]) for axis in (0, 1)], axis=1)


# Kinds


def letter(random: Random) -> Strokes:
    """Draw a letter or symbol from one of the Hershey fonts."""
    font = list(_GLYPHS)[random.integers(len(_GLYPHS))]
    glyphs = _glyphs(font)
    return [np.array(stroke) for stroke in glyphs[random.integers(len(glyphs))] if stroke]


@lru_cache
def _glyphs(font: str) -> list[list[list[tuple[float, float]]]]:
    fonts = HersheyFonts()
    fonts.load_default_font(font)
    return [
        [list(stroke) for stroke in fonts.strokes_for_text(character)]
        for character in _GLYPHS[font]
    ]


def scribble(random: Random) -> Strokes:
    """Draw a line that crosses itself again and again."""
    turns = random.integers(8, 40)
    targets = random.uniform(0, 1, (turns, 2)) * random.uniform(0.4, 1, 2)
    return [_smooth(targets)]


def strokes_of_nothing(random: Random) -> Strokes:
    """Draw three to nine short strokes, anywhere."""
    return [
        _smooth(random.uniform(0, 1, 2) + random.normal(0, 0.2, (random.integers(2, 5), 2)))
        for _ in range(random.integers(3, 10))
    ]


def zigzag(random: Random) -> Strokes:
    """Draw a zigzag or a wave with at least four legs, horizontal or vertical."""
    count = random.integers(5, 16)
    x = np.linspace(0, 1, count) + random.normal(0, 0.02, count)
    y = np.tile([0, random.uniform(0.2, 1)], count)[:count] + random.normal(0, 0.05, count)
    line = np.stack([x, y], axis=1)
    line = line[:, ::-1] if random.random() < 0.4 else line
    return [_smooth(line) if random.random() < 0.5 else line]


def spiral(random: Random) -> Strokes:
    """Draw a spiral of two turns or more, or a coil."""
    angle = np.linspace(0, 2 * np.pi * random.uniform(2.2, 6), 120) * random.choice([-1, 1])
    is_coil = random.random() < 0.4
    radius = np.full(120, 0.3) if is_coil else np.linspace(random.uniform(0, 0.2), 0.5, 120)
    line = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
    drift = np.linspace(0, random.uniform(0.5, 1.5), 120) if is_coil else np.zeros(120)
    return [line + np.stack([drift, drift * random.uniform(-0.3, 0.3)], axis=1)]


def lines(random: Random) -> Strokes:
    """Draw one roughly horizontal line, or two to five lines, side by side or crossed."""
    count = random.choice([1, 2, 3, 4, 5])
    lying = _line(random.uniform(-35, 35))
    if count == 1:
        return [lying]
    parallel = random.random() < 0.5
    angles = np.full(count, random.uniform(0, 180)) if parallel else random.uniform(0, 180, count)
    lines = [_line(a) for a in angles + random.normal(0, 4, count)]
    across = np.radians(angles[0] + 90)
    step = np.array([np.cos(across), np.sin(across)]) * random.uniform(0.25, 0.6)
    return [
        line + (step * i if parallel else random.normal(0, 0.15, 2)) for i, line in enumerate(lines)
    ]


def grid(random: Random) -> Strokes:
    """Draw a grid of horizontal and vertical lines."""
    across, down = random.integers(2, 5, 2)
    x, y = np.linspace(0.15, 0.85, down), np.linspace(0.15, 0.85, across)
    return [np.array([[0, v], [1, v]]) for v in y] + [np.array([[v, 0], [v, 1]]) for v in x]


def face(random: Random) -> Strokes:
    """Draw a smiley or a sad face: an outline, two eyes, a mouth, and perhaps a nose."""
    width = random.uniform(0.35, 0.5)
    strokes = [_arc((0, 0), (width, 0.5), 0, 360)]
    for side in (-1, 1):
        eye, size = (side * width * 0.4, -0.17), random.uniform(0.02, 0.09)
        strokes.append(_arc(eye, (size, size * random.uniform(0.5, 2)), 0, 360))
    smile = random.choice([1, 1, -1])
    mouth = (0, 0.12 if smile > 0 else 0.3)
    strokes.append(_arc(mouth, (width * 0.5, 0.15 * smile), 15, 165))
    if random.random() < 0.4:
        strokes.append(np.array([[0, -0.1], [0.02, 0.06]]))
    return strokes


def shape(random: Random) -> Strokes:
    """Draw a polygon or a star with sharp corners, perhaps with a line in it."""
    corners = random.integers(3, 7)
    turn = random.uniform(0, 360)
    angles = np.radians(turn + np.arange(corners + 1) * 360 / corners)
    if random.random() < 0.3:  # connect every second corner of a pentagon: a star
        angles = np.radians(turn + np.arange(6) * 144)
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * random.uniform(0.5, 1, 2)
    inside = [] if random.random() < 0.6 else [_line(random.uniform(0, 180)) * 0.6]
    return [outline, *inside]


def flower(random: Random) -> Strokes:
    """Draw a ring with rays or spokes: a sun, a flower or a wheel."""
    rays = random.integers(4, 11)
    strokes = [_arc((0, 0), (0.3, 0.3), 0, 360)]
    low, high = random.choice([0, 0.3, 0.4]), random.uniform(0.5, 0.8)
    for angle in np.arange(rays) * 2 * np.pi / rays + random.uniform(0, 1):
        direction = np.array([np.cos(angle), np.sin(angle)])
        strokes.append(np.array([direction * low, direction * high]))
    return strokes


def dots(random: Random) -> Strokes:
    """Draw one dot, a few dots, or a filled blob."""
    if random.random() < 0.4:
        return [random.normal(0, 0.04, (random.integers(10, 60), 2)) * random.uniform(0.3, 3)]
    return [random.uniform(0, 1, (1, 2)) for _ in range(random.integers(1, 7))]


def arcs(random: Random) -> Strokes:
    """Draw one or two arcs: shapes that digits are made of, but not digits themselves."""
    opens = random.choice([0, 90, 180, 270]) + random.normal(0, 10)
    spread = random.uniform(60, 125)
    bow = _arc((0, 0), (random.uniform(0.3, 0.6), 0.5), opens - spread, opens + spread)
    is_standing = abs(np.cos(np.radians(opens))) > 0.7  # alone it may be a bent 1 or an open 0
    other = bow + random.uniform(-0.5, 0.5, 2)
    return [bow, other] if is_standing or random.random() < 0.3 else [bow]


def _line(angle: float) -> Stroke:
    direction = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    return np.array([-direction / 2, direction / 2])


def _arc(
    centre: tuple[float, float], radii: tuple[float, float], start: float, end: float
) -> Stroke:
    angle = np.radians(np.linspace(start, end, 40))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radii + centre


def _smooth(points: np.ndarray) -> Stroke:
    """Return a smooth curve through the points (Catmull-Rom)."""
    padded = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 10, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        cubic = (3 * b - a - 3 * c + d) * t**3 + (2 * a - 5 * b + 4 * c - d) * t**2
        pieces.append((cubic + (c - a) * t + 2 * b) / 2)
    return np.concatenate([*pieces, points[-1:]])


_KINDS: dict[Callable[[Random], Strokes], float] = {
    letter: 10,
    scribble: 3,
    strokes_of_nothing: 2,
    zigzag: 2,
    spiral: 1,
    lines: 2,
    grid: 0.5,
    face: 1.5,
    shape: 1.5,
    flower: 1,
    dots: 0.7,
    arcs: 0.8,
}
