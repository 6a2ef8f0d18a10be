"""Synthetic photos: digits on paper and boards, in bad light."""

import io

import numpy as np
import pytest
from effort import scaled
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from mnist_app.common.errors import InputError
from mnist_app.drawing import pen
from mnist_app.drawing.photo import clean
from mnist_app.drawing.pictures import decode_picture
from mnist_app.recognition.predictor import Predictor

WIDTH, HEIGHT = 800, 600
TOUCHING = np.ones((3, 3))
STROKES = {  # in units of a digit's height
    2: [[(0, 0.25), (0.15, 0.03), (0.4, 0), (0.55, 0.2), (0.45, 0.45), (0, 1), (0.6, 1)]],
    4: [[(0.35, 0), (0, 0.65), (0.6, 0.65)], [(0.42, 0.35), (0.42, 1)]],
    7: [[(0, 0), (0.55, 0), (0.2, 1)], [(0.1, 0.5), (0.5, 0.5)]],
}


def number(brush: float = 13, size: float = 0.6) -> np.ndarray:
    """Return the number 247 as the amount of ink on each pixel, 0..1."""
    digits = [[np.array(stroke) for stroke in STROKES[digit]] for digit in (2, 4, 7)]
    row = pen.placed(
        pen.in_a_row(digits, [0.35] * 3, [1] * 3),
        side=WIDTH,
        size=size,
        centre=(0.5, HEIGHT / WIDTH / 2),
    )
    return pen.draw(row, brush=brush, side=WIDTH)[:HEIGHT] / 255


def ruled(pitch: float, width: float = 3, squared: bool = False) -> np.ndarray:
    y, x = np.indices((HEIGHT, WIDTH))
    lines = np.clip(width / 2 + 0.5 - np.abs((y + 27) % pitch - pitch / 2), 0, 1)
    if squared:
        lines = np.maximum(lines, np.clip(width / 2 + 0.5 - np.abs(x % pitch - pitch / 2), 0, 1))
    return lines


def on(ground, ink, colour=(30, 32, 38)) -> np.ndarray:
    """Return ink on a background of one or more colours, float (H, W, 3)."""
    return np.array(ground, float) * (1 - ink[..., None]) + np.array(colour) * ink[..., None]


def turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    return ndimage.rotate(picture, degrees, axes=(0, 1), reshape=False, order=1, mode="nearest")


def lit(scene: np.ndarray, falls_to: float = 0.5) -> np.ndarray:
    """Light a scene so that it gets darker towards one corner."""
    y, x = np.indices(scene.shape[:2])
    return scene * (1 - (1 - falls_to) * (x / WIDTH + y / HEIGHT) / 2)[..., None]


def shadowed(scene: np.ndarray, depth: float = 0.5) -> np.ndarray:
    """Cast a hard shadow whose edge runs across the digits."""
    y, x = np.indices(scene.shape[:2])
    return np.where((y > 0.25 * HEIGHT + 0.4 * HEIGHT * x / WIDTH)[..., None], 1 - depth, 1) * scene


def taken(
    scene: np.ndarray, longest: int = WIDTH, noise: float = 4, quality: int = 75
) -> np.ndarray:
    """Return a camera's JPEG of the scene, decoded."""
    size = longest, round(longest * scene.shape[0] / scene.shape[1])
    picture = Image.fromarray(scene.clip(0, 255).astype(np.uint8)).resize(size)
    grain = np.random.default_rng(0).normal(scale=noise, size=(*size[::-1], 3))
    file = io.BytesIO()
    Image.fromarray((np.asarray(picture) + grain).clip(0, 255).astype(np.uint8)).save(
        file, "JPEG", quality=quality
    )
    return decode_picture(file.getvalue(), "photo.jpg")


def parts(mask: np.ndarray) -> int:
    return ndimage.label(mask, TOUCHING)[1]


def check(rgba: np.ndarray, ink: np.ndarray, least: float = 0.85) -> None:
    """Check that `clean` finds the ink and nothing else, white on an opaque black canvas."""
    canvas = clean(rgba)
    assert canvas.dtype == np.uint8
    assert (canvas[..., 3] == 255).all()
    assert (canvas[..., 0] == canvas[..., 1]).all()
    height, width = canvas.shape[:2]
    truth = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((width, height))) > 0.5
    found = canvas[..., 0] > 127
    assert (truth & found).sum() / (truth | found).sum() > least
    assert parts(found) == parts(truth)


PAPER = (245, 242, 230)


def test_ink_on_plain_paper_is_found():
    check(taken(on(PAPER, number())), number(), 0.93)


@pytest.mark.parametrize("falls_to", [0.7, 0.3])
def test_light_that_falls_off_is_divided_out(falls_to):
    check(taken(lit(on(PAPER, number()), falls_to)), number())


@pytest.mark.parametrize("falls_to", scaled([0.5], [1, 0.85, 0.5]))
@pytest.mark.parametrize("ground", [PAPER, (35, 65, 50)], ids=["paper", "board"])
def test_small_digits_on_a_large_sheet_are_found(ground, falls_to):
    ink = number(brush=5, size=0.2)
    colour = (30, 32, 38) if ground is PAPER else (225, 225, 220)
    check(taken(lit(on(ground, ink, colour), falls_to), longest=2 * WIDTH), ink, 0.65)


def test_a_long_row_of_digits_is_found():
    strokes = [[np.array(stroke) for stroke in STROKES[digit]] for digit in (2, 4, 7) * 3]
    row = pen.placed(
        pen.in_a_row(strokes, [0.35] * 9, [1] * 9), side=1500, size=0.94, centre=(0.5, 0.1)
    )
    ink = pen.draw(row, brush=10, side=1500)[:300] / 255
    check(taken(on(PAPER, ink), longest=1500), ink)


@pytest.mark.parametrize("depth", [0.3, 0.6])
def test_the_edge_of_a_shadow_across_the_digits_is_no_ink(depth):
    check(taken(shadowed(on(PAPER, number()), depth)), number())


COLOURS = [(30, 50, 160), (190, 30, 40), (20, 120, 60), (230, 150, 30), (150, 150, 152)]


@pytest.mark.parametrize("colour", COLOURS[:: scaled(2, 1)])
def test_ink_of_any_colour_is_found(colour):
    check(taken(on(PAPER, number(), colour)), number())


@pytest.mark.parametrize("paper", [(235, 222, 170), (170, 168, 165), (255, 255, 255)])
def test_paper_of_any_colour_is_ground(paper):
    check(taken(on(paper, number())), number())


@pytest.mark.parametrize("noise", scaled([15], [0, 15]))
@pytest.mark.parametrize("quality", [30, 95])
def test_noise_and_compression_are_no_ink(noise, quality):
    check(taken(on(PAPER, number()), noise=noise, quality=quality), number())


@pytest.mark.parametrize("degrees", scaled([5], [-5, 0, 2, 5]))
@pytest.mark.parametrize(("squared", "colour"), [(False, (140, 165, 220)), (True, (165, 165, 168))])
def test_lines_are_removed_and_strokes_that_cross_them_stay_whole(squared, colour, degrees):
    page = on(on(PAPER, ruled(75, 3, squared), colour), number())
    check(taken(turned(lit(page), degrees)), turned(number(), degrees))


@pytest.mark.parametrize("pitch", [30, 200])
def test_squares_of_any_size_are_removed(pitch):
    page = on(on(PAPER, ruled(pitch, 3, squared=True), (140, 165, 220)), number(16))
    check(taken(turned(page, 2)), turned(number(16), 2))


def test_lines_as_dark_as_the_ink_are_removed_if_they_are_thinner():
    page = on(on(PAPER, ruled(75, 3, squared=True), (30, 32, 38)), number())
    check(taken(turned(page, 2)), turned(number(), 2))


def test_a_long_dash_is_no_ruled_line():
    ink = np.zeros((HEIGHT, WIDTH))
    ink[297:303, 170:630] = 1
    check(taken(on(PAPER, ink)), ink, 0.8)


@pytest.mark.parametrize("longest", [200, 400, 2000])
def test_small_and_large_pictures_are_understood(longest):
    ink = number(19)
    check(taken(lit(on(PAPER, ink)), longest), ink, 0.8)


def test_a_photo_of_12_megapixels_on_its_side_is_understood():
    big = Image.fromarray(lit(on(PAPER, number())).clip(0, 255).astype(np.uint8)).resize(
        (4000, 3000)
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    big.transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif, quality=80)
    check(decode_picture(file.getvalue(), "photo.jpg"), number())


@pytest.mark.parametrize("board", [(35, 65, 50), (30, 30, 32)])
@pytest.mark.parametrize("chalk", [(225, 225, 220), (230, 215, 130)])
def test_chalk_on_a_board_is_light_on_dark(board, chalk):
    check(taken(lit(on(board, number(), chalk))), number(), 0.8)


def test_a_shadow_on_a_board_does_not_hide_the_chalk():
    check(taken(shadowed(on((35, 65, 50), number(), (225, 225, 220)))), number(), 0.8)


def on_a_desk(page: np.ndarray, degrees: float, margin: int = 60) -> np.ndarray:
    inside = np.zeros((HEIGHT, WIDTH))
    inside[margin:-margin, margin:-margin] = 1
    return on(turned(page, degrees), 1 - turned(inside, degrees), (85, 60, 40))


@pytest.mark.parametrize("degrees", scaled([2], [-4, 2]))
@pytest.mark.parametrize("squared", [None, False, True])
def test_the_desk_around_a_page_is_left_out(degrees, squared):
    page = on(PAPER, number(size=0.5))
    if squared is not None:
        page = on(on(PAPER, ruled(75, 3, squared), (140, 165, 220)), number(size=0.5))
    check(taken(on_a_desk(page, degrees)), turned(number(size=0.5), degrees))


def test_what_reaches_in_from_the_border_is_left_out():
    page = on(PAPER, number(size=0.5))
    picture = Image.fromarray(page.astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((-40, 470, 60, 670), fill=(200, 150, 130))  # a finger
    for x in range(27, WIDTH, 40):  # a spiral binding
        draw.line([(x, 0), (x + 7, 30)], fill=(60, 60, 60), width=9)
    check(taken(np.asarray(picture, dtype=float)), number(size=0.5))


def test_specks_are_left_out():
    page = on(PAPER, number())
    for y, x in np.random.default_rng(1).integers(40, 560, (30, 2)):
        if not number()[y - 17 : y + 17, x - 17 : x + 17].any():
            page[y - 3 : y + 3, x - 3 : x + 3] = 40
    check(taken(page), number())


def test_a_part_that_stands_beside_a_digit_stays():
    ink = number()
    assert parts(ink > 0.5) == 3
    apart = ink.copy()
    apart[285:295] = 0  # cut through all three
    check(taken(on(PAPER, apart)), apart)


def test_printed_digits_are_found():
    picture = Image.new("L", (WIDTH, HEIGHT))
    font = ImageFont.load_default(size=240)
    ImageDraw.Draw(picture).text((170, 150), "358", fill=255, font=font, stroke_width=4)
    ink = np.asarray(picture) / 255
    check(taken(shadowed(on(PAPER, ink))), ink)


@pytest.mark.parametrize("brush", scaled([18], [6, 18, 36]))
@pytest.mark.parametrize("inverted", [False, True])
def test_a_clean_drawing_stays_as_it_is(brush, inverted):
    strokes = pen.placed([np.array(s) for s in STROKES[2]])
    ink = pen.draw(strokes, brush=brush)
    rgba = pen.canvas_rgba(255 - ink if inverted else ink)
    check(rgba, ink / 255, 0.85)


@pytest.mark.parametrize("level", [0, 255])
def test_a_drawing_on_a_transparent_ground_is_understood(level):
    ink = (number() * 255).astype(np.uint8)
    colour = np.full_like(ink, level)
    check(np.dstack([colour, colour, colour, ink]), number(), 0.9)


BLANKS = {
    "plain": lambda: on(PAPER, np.zeros((HEIGHT, WIDTH))),
    "dim": lambda: lit(on(PAPER, np.zeros((HEIGHT, WIDTH))), 0.2),
    "shadow": lambda: shadowed(on(PAPER, np.zeros((HEIGHT, WIDTH)))),
    "ruled": lambda: turned(on(PAPER, ruled(75), (140, 165, 220)), 2),
    "squared": lambda: turned(on(PAPER, ruled(75, 3, squared=True), (140, 165, 220)), 2),
    "desk": lambda: on_a_desk(on(PAPER, np.zeros((HEIGHT, WIDTH))), 3),
    "board": lambda: lit(on((35, 65, 50), np.zeros((HEIGHT, WIDTH)))),
    "black": lambda: np.zeros((HEIGHT, WIDTH, 3)),
}


@pytest.mark.parametrize("blank", BLANKS)
def test_without_ink_the_remedy_is_told(blank):
    with pytest.raises(InputError, match=r"No digits .* thicker pen\.$"):
        clean(taken(BLANKS[blank]()))


@pytest.mark.parametrize(
    "picture",
    [np.zeros((5, 5, 3), np.uint8), np.zeros((5, 5, 4)), np.zeros((0, 5, 4), np.uint8)],
)
def test_what_is_no_picture_is_a_mistake_of_the_caller(picture):
    with pytest.raises(ValueError, match="uint8"):
        clean(picture)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (400, 3), (28, 28)])
def test_tiny_pictures_do_not_fail(size):
    rgba = np.full((*size, 4), 255, dtype=np.uint8)
    with pytest.raises(InputError):
        clean(rgba)


def test_the_aspect_ratio_is_kept():
    canvas = clean(taken(on(PAPER, number()), 2000))
    assert canvas.shape == (750, 1000, 4)


@pytest.mark.mnist
def test_real_pen_strokes_are_read_from_photos_as_from_the_canvas(real_data):
    if not (real_data / "pendigits").is_dir():
        pytest.skip("needs the UCI pen digits")
    every = scaled(900, 150)  # 9 of the 7,494 digits, or 50
    digits = pen.read_strokes(real_data / "pendigits")[7::every]
    predictor = Predictor.load("resnet")
    drawings, photos = [], []
    for digit in digits:
        ink = pen.draw(pen.placed(digit.strokes, side=600), brush=24, side=600) / 255
        ink = np.pad(ink, ((0, 0), (100, 100)))
        page = on(on(PAPER, ruled(87, 4, squared=True), (140, 165, 220)), ink, (30, 50, 150))
        photos.append(clean(taken(shadowed(lit(turned(page, 2))))))
        drawings.append(pen.canvas_rgba((ink * 255).astype(np.uint8)))
    labels = np.array([digit.label for digit in digits])
    on_canvas, on_photo = (
        np.mean([p.nearest for p in predictor.predict_many(rgba)] == labels)
        for rgba in (drawings, photos)
    )
    assert on_photo > 0.9
    assert on_photo >= on_canvas - 0.04
