from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
import torch
from drawings import SIDE, black_on_transparent, canvas, distance, inverted, opaque, seven
from PIL import Image
from scipy import ndimage
from torch import Tensor

from mnist_app.data import non_digits
from mnist_app.drawing import pen
from mnist_app.drawing.drawing import Drawing
from mnist_app.drawing.normal_form import STEPS, cropped, normal_form, to_mnist

STROKE = 2.4  # pixels, about the width of MNIST's strokes

Points = list[tuple[float, float]]
RING = [(0.35 * np.cos(a), 0.5 * np.sin(a)) for a in np.linspace(0, 2 * np.pi, 60)]
DIGITS: dict[str, list[Points]] = {
    "0": [RING],
    "1": [[(0.1, 0), (0, 1)]],
    "4": [[(0.3, 0), (0, 0.6), (0.7, 0.6)], [(0.6, 0.2), (0.55, 1)]],
    "5": [[(0.1, 0), (0.05, 0.45), (0.5, 0.5), (0.5, 0.9), (0, 1)], [(0.1, 0), (0.6, 0.02)]],
    "7": [[(0, 0), (0.6, 0), (0.25, 1)]],
    "7 with a bar": [[(0, 0), (0.6, 0), (0.25, 1)], [(0.15, 0.5), (0.6, 0.5)]],
}
every_digit = pytest.mark.parametrize("digit", DIGITS)
SIZES = [
    (brush, size)
    for brush in (6, 8, 18, 28, 40)
    for size in (30, 60, 100, 180, 270)
    if size >= 3 * brush  # with a coarser brush, no digit can be seen
]


def drawn(digit: str, *, brush: float = 18, size: float = 180) -> np.ndarray:
    """Draw a digit in the middle of the canvas, with ink that is `size` pixels long."""
    strokes = [np.array(stroke, dtype=float) for stroke in DIGITS[digit]]
    placed = pen.placed(strokes, size=(size - brush) / SIDE)
    return pen.canvas_rgba(pen.draw(placed, brush=brush))


def with_dots(rgba: np.ndarray, *places: tuple[int, int], brush: int = 18) -> np.ndarray:
    return np.maximum(rgba, canvas(*[[place] for place in places], brush=brush))


def apart(one: Tensor, other: Tensor) -> float:
    """Return the mean difference per pixel of ink, after the best shift by at most one pixel."""
    places = product((-1, 0, 1), repeat=2)
    return min(distance(one, other.roll(place, dims=(2, 3))) for place in places)


def shape(ink: np.ndarray) -> tuple[float, float]:
    """Return height and width of the ink, where a faint edge counts only in proportion."""
    rows, columns = ink.max(axis=1), ink.max(axis=0)
    return float(rows.sum()), float(columns.sum())


def upright_bar(height: int, width: int) -> np.ndarray:
    grey = np.zeros((SIDE, SIDE), dtype=np.uint8)
    grey[:height, :width] = 255
    return opaque(grey)


def box(image: Tensor) -> tuple[int, int, int, int]:
    """Return height, width, top and left of the ink."""
    drawn = image[0, 0].numpy() > 0
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    return int(height), int(width), int(rows[0]), int(columns[0])


def centre(image: Tensor) -> tuple[float, float]:
    """Return row and column of the centre of mass; the first pixel has its centre at 0.5."""
    ink = image[0, 0].double().numpy()
    place = np.arange(28) + 0.5
    return float(ink.sum(1) @ place / ink.sum()), float(ink.sum(0) @ place / ink.sum())


# Not a drawing


def blank(*color: int) -> np.ndarray:
    return np.full((SIDE, SIDE, 4), color, dtype=np.uint8)


def nearly_blank() -> np.ndarray:
    rgba = blank(0, 0, 0, 255)
    rgba[100:200, 130:150, :3] = 25
    return rgba


@pytest.mark.parametrize(
    "rgba",
    [
        blank(0, 0, 0, 255),
        blank(255, 255, 255, 255),
        blank(120, 30, 200, 255),
        blank(0, 0, 0, 0),
        blank(255, 255, 255, 0),
        nearly_blank(),
        blank(0, 0, 0, 255)[:1, :1],
    ],
    ids=["black", "white", "purple", "transparent", "white transparent", "faint", "1x1"],
)
def test_nothing_drawn_is_none(rgba):
    assert to_mnist(rgba) is None


def test_invisible_strokes_are_nothing_drawn():
    rgba = blank(0, 0, 0, 0)
    rgba[100:200, 130:150, :3] = 255
    assert to_mnist(rgba) is None


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((28, 28, 4), dtype=np.float32),
        np.zeros((28, 28, 4), dtype=np.int64),
        np.zeros((28, 28, 3), dtype=np.uint8),
        np.zeros((28, 28), dtype=np.uint8),
        np.zeros((1, 28, 28, 4), dtype=np.uint8),
        np.zeros((0, 28, 4), dtype=np.uint8),
        np.zeros((28, 0, 4), dtype=np.uint8),
        [[[0, 0, 0, 255]]],
        None,
    ],
    ids=["float", "int64", "rgb", "grey", "batch", "no rows", "no columns", "list", "none"],
)
def test_what_is_no_rgba_array_is_refused(wrong):
    with pytest.raises(ValueError, match="a drawing must"):
        to_mnist(wrong)


# The normal form


@pytest.mark.parametrize(
    "rgba",
    [
        seven(),
        canvas([(40, 40), (240, 240)]),
        canvas([(140, 140)]),
        upright_bar(280, 40),
        seven()[:200, :150],
    ],
    ids=["seven", "diagonal", "dot", "edge", "not square"],
)
def test_a_drawing_becomes_one_float_image_of_28_by_28_between_0_and_1(rgba):
    image = to_mnist(rgba)
    assert image.shape == (1, 1, 28, 28)
    assert image.dtype == torch.float32
    assert image.min() == 0
    assert 0.95 < image.max() <= 1


def test_the_drawing_that_went_in_is_left_alone():
    rgba = seven()
    rgba.setflags(write=False)
    to_mnist(rgba)
    assert np.array_equal(rgba, seven())


@every_digit
@pytest.mark.parametrize(("brush", "size"), SIZES)
def test_the_longest_side_becomes_20_pixels(digit, brush, size):
    assert max(box(to_mnist(drawn(digit, brush=brush, size=size)))[:2]) == pytest.approx(20, abs=1)


@every_digit
@pytest.mark.parametrize(("brush", "size"), SIZES)
def test_strokes_become_as_wide_as_those_of_mnist_whatever_the_brush(digit, brush, size):
    image = to_mnist(drawn(digit, brush=brush, size=size))
    points = np.concatenate(DIGITS[digit])
    lengths = [np.linalg.norm(np.diff(s, axis=0), axis=1).sum() for s in DIGITS[digit]]
    path = sum(lengths) * (20 - STROKE) / np.ptp(points, axis=0).max()
    assert image.sum().item() / path == pytest.approx(
        STROKE, abs=0.55 if size >= 4 * brush else 0.8
    )


@every_digit
@pytest.mark.parametrize(("brush", "size"), SIZES)
def test_a_digit_looks_nearly_the_same_with_every_brush_and_size(digit, brush, size):
    plain = to_mnist(drawn(digit, brush=12, size=200))
    assert apart(plain, to_mnist(drawn(digit, brush=brush, size=size))) < 0.5


@pytest.mark.parametrize(
    ("brush", "height", "width"),
    [
        *[(6, 200, 50), (6, 50, 200), (6, 80, 80), (6, 240, 120)],
        *[(18, 200, 100), (18, 100, 200), (18, 90, 90), (18, 240, 60)],
    ],
)
def test_the_aspect_ratio_of_the_strokes_is_kept(brush, height, width):
    x, y = 140 - width / 2, 140 - height / 2
    corners = [(x, y), (280 - x, y), (280 - x, 280 - y), (x, 280 - y), (x, y)]
    rows, columns = shape(to_mnist(canvas(corners, brush=brush))[0, 0].numpy())
    factor = (20 - STROKE) / max(height, width)
    expected = (height * factor, width * factor)
    assert (rows - STROKE, columns - STROKE) == pytest.approx(expected, abs=1)


def test_a_tall_thin_one_is_not_widened():
    rows, columns = shape(to_mnist(drawn("1", brush=18, size=260))[0, 0].numpy())
    assert rows == pytest.approx(20, abs=0.6)
    assert columns < 5


@pytest.mark.parametrize("brush", [6, 18, 40])
@pytest.mark.parametrize("lying", [False, True])
def test_a_straight_line_stays_a_line_as_thin_as_a_stroke(brush, lying):
    ends = [(30, 140), (250, 140)] if lying else [(140, 30), (140, 250)]
    image = to_mnist(canvas(ends, brush=brush))[0, 0].numpy()
    assert max(box(torch.from_numpy(image)[None, None])[:2]) == pytest.approx(20, abs=1)
    assert shape(image.T if lying else image)[1] == pytest.approx(STROKE, abs=0.6)


@pytest.mark.parametrize("thin", [8, 12])
def test_thin_strokes_beside_thick_ones_are_not_lost(thin):
    bar, leg = canvas([(60, 60), (180, 60)], brush=24), canvas([(180, 60), (110, 220)], brush=thin)
    image = to_mnist(np.maximum(bar, leg))
    _, _, top, _ = box(image)
    assert image[0, 0, top + 3 : top + 20].max(dim=1).values.min() > 0.25


@pytest.mark.parametrize(
    "rgba",
    [
        seven(),
        canvas([(60, 60), (60, 220), (200, 220)]),
        canvas([(60, 220), (60, 60)], brush=8),
        canvas([(50, 140), (230, 140)]),
        canvas([(140, 140)]),
    ],
    ids=["seven", "L", "one", "dash", "dot"],
)
def test_the_centre_of_mass_comes_to_the_centre(rgba):
    assert centre(to_mnist(rgba)) == pytest.approx((14, 14), abs=1)


def test_a_one_sided_drawing_is_centred_by_its_mass_and_not_by_its_box():
    zigzag = [(60, 40), (100, 60), (60, 80), (100, 100), (60, 120), (100, 140), (60, 160)]
    image = to_mnist(canvas(zigzag, [(60, 160), (240, 160)], brush=8))
    _, width, _, left = box(image)
    assert width == 20
    assert left > (28 - 20) / 2 + 1


def test_all_the_ink_stays_inside_when_the_mass_is_far_from_the_middle_of_the_box():
    comb = [[(40, y), (70, y)] for y in range(20, 262, 15)]  # heavy on the left
    image = to_mnist(canvas([(40, 20), (40, 260)], [(40, 260), (260, 260)], *comb, brush=6))
    height, width, top, left = box(image)
    assert (height, width) == pytest.approx((20, 20), abs=1)
    assert top + height <= 28
    assert left + width == 28


@pytest.mark.parametrize(("dx", "dy"), [(-52, -42), (90, 0), (0, 60), (90, 60), (1, 1)])
def test_a_drawing_is_the_same_wherever_it_stands_on_the_canvas(dx, dy):
    assert torch.equal(to_mnist(seven(dx, dy)), to_mnist(seven()))


@pytest.mark.parametrize("size", [2, 3])
def test_a_drawing_is_nearly_the_same_at_other_sizes(size):
    assert distance(to_mnist(seven()), to_mnist(seven(size=size))) < 0.03


def test_a_margin_around_the_drawing_changes_nothing():
    wide = np.pad(seven(), ((100, 0), (300, 20), (0, 0)))
    wide[..., 3] = 255
    assert torch.equal(to_mnist(wide), to_mnist(seven()))


def test_the_drawing_is_neither_turned_nor_mirrored():
    image = to_mnist(seven())
    _, width, top, left = box(image)
    rows = image[0, 0, top : top + 20, left : left + width] > 0.5
    assert rows[1].sum() > 0.8 * width  # the bar of the seven is on top
    assert rows[6, : width // 2].sum() == 0  # its leg comes down from the right
    assert rows[6, width // 2 :].sum() > 0
    assert rows[18, width // 2 + 2 :].sum() == 0  # and ends at the left


def test_edges_are_smooth():
    image = to_mnist(canvas([(60, 60), (200, 220)]))
    between = ((image > 0.05) & (image < 0.95)).sum() / (image > 0).sum()
    assert between > 0.2


# Colours


def grey_ink(rgba: np.ndarray) -> np.ndarray:
    return np.dstack([rgba[..., :3] // 2, rgba[..., 3]])


@pytest.mark.parametrize("alpha", [90, 200, 254])
def test_a_translucent_picture_is_as_dark_as_it_looks(alpha):
    rgba = seven()
    rgba[..., 3] = alpha
    assert np.abs(Drawing(rgba).ink - Drawing(seven()).ink).max() < 0.02


def transparent_ground(rgba: np.ndarray) -> np.ndarray:
    return np.dstack([np.full_like(rgba[..., :3], 255), rgba[..., 0]])


def blue_on_yellow(rgba: np.ndarray) -> np.ndarray:
    share = rgba[..., :1] / 255
    color = share * (20, 40, 200) + (1 - share) * (250, 240, 60)
    return np.dstack([color.round().astype(np.uint8), rgba[..., 3]])


def dim_light(rgba: np.ndarray) -> np.ndarray:
    return np.dstack([60 + rgba[..., :3] // 3, rgba[..., 3]])


@pytest.mark.parametrize(
    "recolour",
    [inverted, grey_ink, transparent_ground, black_on_transparent, blue_on_yellow, dim_light],
)
@pytest.mark.parametrize("rgba", [seven(), canvas([(60, 60)])], ids=["seven", "dot"])
def test_other_colours_give_the_same_image(recolour: Callable, rgba):
    assert distance(to_mnist(rgba), to_mnist(recolour(rgba))) < 0.01


def test_faint_noise_on_the_ground_is_cleaned_off():
    noise = np.random.default_rng(0).integers(0, 20, (SIDE, SIDE), dtype=np.uint8)
    grey = np.maximum(seven()[..., 0], noise)
    assert distance(to_mnist(seven()), to_mnist(opaque(grey))) < 0.02


# At the edge of the canvas, and tiny drawings


@pytest.mark.parametrize(("dx", "dy"), [(-70, -60), (110, 80), (-70, 80), (110, -60)])
def test_ink_at_the_edge_of_the_canvas_is_not_lost(dx, dy):
    assert apart(to_mnist(seven()), to_mnist(seven(dx, dy))) < 0.4


@pytest.mark.parametrize("outside", [20, 60])
def test_strokes_over_the_edge_are_cut_there(outside):
    over = to_mnist(canvas([(-outside, 140), (140, 140)], [(60, 60), (60, 220)]))
    at_edge = to_mnist(canvas([(-10, 140), (140, 140)], [(60, 60), (60, 220)]))
    assert torch.equal(over, at_edge)


@pytest.mark.parametrize("place", [(0, 0), (5, 9), (279, 279)])
def test_a_single_pixel_is_a_drawing(place):
    rgba = blank(0, 0, 0, 255)
    rgba[place] = 255
    image = to_mnist(rgba)
    assert image.sum() > 0
    assert centre(image) == pytest.approx((14, 14), abs=1)


@pytest.mark.parametrize("brush", [6, 18, 40])
def test_a_round_dot_stays_round(brush):
    image = to_mnist(canvas([(140, 140)], brush=brush))
    height, width, *_ = box(image)
    assert height == width <= 20
    assert (image - image.transpose(2, 3)).abs().mean() < 0.02


@pytest.mark.parametrize("side", [2, 3, 5, 28])
def test_tiny_pictures_are_drawings_too(side):
    rgba = np.zeros((side, side, 4), dtype=np.uint8)
    rgba[side // 2, 0] = 255
    rgba[side - 1] = 255
    image = to_mnist(rgba)
    assert image.shape == (1, 1, 28, 28)
    assert image.isfinite().all()
    assert image.max() > 0.9


def test_a_drawing_of_one_pixel_is_all_ground():
    assert to_mnist(np.full((1, 1, 4), 255, dtype=np.uint8)) is None
    assert normal_form(np.ones((1, 1), dtype=np.float32)).max() > 0.9


@pytest.mark.parametrize(("height", "width"), [(2, 270), (270, 2), (1, 280), (280, 1), (3, 3)])
def test_a_rectangle_of_any_shape_becomes_an_image(height, width):
    image = to_mnist(upright_bar(height, width))
    assert max(box(image)[:2]) == pytest.approx(20, abs=1)
    assert 0.9 < image.max() <= 1


@pytest.mark.parametrize("start", range(0, 300, 60))
def test_whatever_is_scribbled_becomes_an_image_of_values_from_0_to_1(start):
    for seed in range(start, start + 60):
        random = np.random.default_rng(seed)
        strokes = pen.placed(
            non_digits.non_digit(random),
            size=random.uniform(0.05, 1.1),
            centre=tuple(random.uniform(0.1, 0.9, 2)),
        )
        ink = pen.draw(strokes, brush=random.uniform(4, 50))
        image = to_mnist(pen.canvas_rgba(ink))
        if not ink.any():  # all of it is off the canvas
            assert image is None, seed
            continue
        assert image.shape == (1, 1, 28, 28), seed
        assert image.dtype == torch.float32, seed
        assert image.isfinite().all(), seed
        assert image.min() >= 0, seed
        assert 0.5 < image.max() <= 1, seed


# Several parts


def test_all_parts_of_a_drawing_are_kept():
    image = to_mnist(canvas([(60, 60), (60, 200)], [(200, 60), (200, 200)]))
    columns = image[0, 0].sum(dim=0)
    assert columns[:12].sum() == pytest.approx(columns[16:].sum().item(), rel=0.1)
    assert columns[13:15].sum() == 0


@every_digit
@pytest.mark.parametrize("brush", [8, 18])
@pytest.mark.parametrize(
    "places",
    [[(265, 265)], [(15, 140)], [(262, 20), (20, 262)], [(255, 250), (262, 262)]],
    ids=["corner", "side", "two", "double tap"],
)
def test_stray_dots_do_not_make_the_digit_smaller(digit, brush, places):
    rgba = drawn(digit, brush=brush, size=150)
    assert distance(to_mnist(rgba), to_mnist(with_dots(rgba, *places, brush=brush))) < 0.02


@pytest.mark.parametrize("place", [(170, 140), (205, 100), (60, 150)], ids=["in", "beside", "left"])
def test_a_tap_close_to_the_digit_is_dropped_too(place):
    rgba = canvas([(70, 60), (200, 60), (110, 220)], brush=10)
    assert distance(to_mnist(rgba), to_mnist(with_dots(rgba, place, brush=10))) < 0.02


def test_a_short_slip_of_the_pen_far_away_is_dropped():
    rgba = canvas([(60, 40), (150, 40), (90, 160)], brush=12)
    slip = np.maximum(rgba, canvas([(255, 255), (265, 262)], brush=12))
    assert distance(to_mnist(rgba), to_mnist(slip)) < 0.02


PARTS = {
    "bar of a 5": (
        [(90, 110), (90, 150), (160, 170), (150, 230), (80, 230)],
        [(100, 75), (170, 70)],
    ),
    "short bar of a 5": (
        [(90, 80), (90, 140), (160, 160), (150, 230), (80, 230)],
        [(125, 75), (165, 75)],
    ),
    "bar of a 7": ([(80, 60), (190, 60), (130, 230)], [(100, 150), (125, 150)]),
    "leg of a 4": ([(110, 50), (60, 150), (140, 150)], [(190, 60), (185, 230)]),
    "left half of a 4": ([(190, 60), (185, 230)], [(90, 60), (60, 140), (150, 140)]),
    "half of a 0": ([(150, 60), (80, 100), (80, 190), (140, 230)], [(185, 80), (190, 210)]),
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("brush", [6, 12])
def test_a_part_that_belongs_to_a_digit_is_kept_in_its_place(part, brush):
    body, other = PARTS[part]
    joined = np.array([*body, *other])
    low, size = joined.min(axis=0), np.ptp(joined, axis=0).max()
    image = to_mnist(canvas(body, other, brush=brush))
    height, width, top, left = box(image)
    middle = (np.mean(other, axis=0) - low) / size * (20 - STROKE) + STROKE / 2
    across, down = middle + np.array([left, top])
    around = image[0, 0, round(down) - 3 : round(down) + 3, round(across) - 3 : round(across) + 3]
    assert around.max() > 0.9
    assert max(height, width) == pytest.approx(20, abs=1)


def test_of_several_equal_dots_all_stay():
    image = to_mnist(canvas([(80, 140)], [(200, 140)]))
    columns = image[0, 0].sum(dim=0)
    assert columns[:10].sum() == pytest.approx(columns[18:].sum().item(), rel=0.2)
    assert columns[13:15].sum() == 0


def test_a_long_part_is_kept_however_far_away_it_is():
    image = to_mnist(canvas([(60, 40), (60, 240)], [(220, 100), (220, 170)], brush=10))
    columns = image[0, 0].sum(dim=0)
    assert 0.25 < columns[14:].sum() / columns[:14].sum() < 0.55


# With steps left out


EVERYWHERE = [
    left_out for count in range(len(STEPS) + 1) for left_out in combinations(STEPS, count)
]


def test_a_step_that_has_nothing_to_do_may_be_left_out():
    whole, dotted = drawn("5", size=100), with_dots(drawn("5", size=100), (250, 250))
    assert to_mnist(whole, {"specks"}).equal(to_mnist(whole))
    assert not to_mnist(dotted, {"specks"}).equal(to_mnist(dotted))
    ink = Drawing(whole).ink
    assert np.array_equal(normal_form(cropped(ink)), normal_form(ink))
    assert not np.array_equal(normal_form(ink, {"crop"}), normal_form(ink))


@pytest.mark.parametrize("left_out", EVERYWHERE, ids=lambda steps: "+".join(steps) or "none")
def test_whatever_is_left_out_it_is_an_image_of_the_digit(left_out):
    places = {"small": (drawn("7", brush=12, size=70), 5), "large": (drawn("0", size=270), 50)}
    for rgba, least in places.values():
        image = to_mnist(rgba, left_out)
        assert image.shape == (1, 1, 28, 28)
        assert image.dtype == torch.float32
        assert image.min() == 0
        assert 0.5 < image.max() <= 1
        assert image.sum() > least
    assert to_mnist(opaque(np.zeros((50, 60), np.uint8)), left_out) is None


def test_without_crop_a_small_digit_stays_small():
    rgba = drawn("7", brush=12, size=70)  # a quarter of the canvas
    height, _ = shape(to_mnist(rgba, {"crop"})[0, 0].numpy())
    assert height == pytest.approx(20 * 70 / 280, abs=2)
    assert shape(to_mnist(rgba)[0, 0].numpy())[0] == pytest.approx(20, abs=1)


def test_without_scale_it_keeps_its_size_and_comes_to_the_centre():
    rgba = drawn("7", brush=12, size=140)
    image = to_mnist(np.roll(rgba, (60, 60), axis=(0, 1)), {"scale"})[0, 0].numpy()
    assert shape(image)[0] == pytest.approx(14, abs=1.5)
    rows, columns = np.mgrid[:28, :28]
    centre = (image * rows).sum() / image.sum(), (image * columns).sum() / image.sum()
    assert centre == pytest.approx((13.5, 13.5), abs=1)


def test_a_digit_that_stays_small_is_moved_to_the_centre_from_wherever_it_stands():
    corner = np.roll(drawn("7", brush=12, size=90), (-70, -70), axis=(0, 1))
    image = to_mnist(corner, {"crop", "scale"})[0, 0].numpy()
    rows, columns = np.mgrid[:28, :28]
    centre = (image * rows).sum() / image.sum(), (image * columns).sum() / image.sum()
    assert centre == pytest.approx((13.5, 13.5), abs=1)


def test_without_thickness_the_brush_shows():
    thin, thick = (drawn("0", brush=brush) for brush in (6, 28))
    sums = [to_mnist(rgba, {"thickness"}).sum() for rgba in (thin, thick)]
    assert sums[1] > 2 * sums[0]
    sums = [to_mnist(rgba).sum() for rgba in (thin, thick)]
    assert sums[1] < 1.3 * sums[0]


def test_without_specks_a_stray_dot_stays():
    alone, dotted = drawn("1", size=150), with_dots(drawn("1", size=150), (40, 140))
    assert apart(to_mnist(alone), to_mnist(dotted)) < 0.1
    left = to_mnist(dotted, {"specks"})[0, 0].numpy()
    _, parts = ndimage.label(left > 0.3)
    assert parts == 2


def test_without_centre_the_middle_of_the_ink_is_in_the_middle():
    image = to_mnist(drawn("7"), {"centre"})[0, 0]
    rows, columns = (image.amax(dim=axis).nonzero().flatten() for axis in (1, 0))
    assert rows[0] + rows[-1] == pytest.approx(27, abs=1)
    assert columns[0] + columns[-1] == pytest.approx(27, abs=1)
    with_it = to_mnist(drawn("7"))[0, 0].amax(dim=1).nonzero().flatten()
    assert with_it[0] + with_it[-1] > 28  # most of a 7 is at its top


def test_with_all_left_out_the_canvas_is_squeezed():
    moved = np.roll(drawn("7", brush=12, size=90), (80, 0), axis=(0, 1))
    image = to_mnist(moved, STEPS)[0, 0].numpy()
    squeezed = np.asarray(Image.fromarray(moved[..., 0]).resize((28, 28), Image.Resampling.BOX))
    assert np.abs(image - squeezed / 255).sum() < 0.2 * image.sum()


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match="no step 'polish'"):
        to_mnist(seven(), {"polish"})
