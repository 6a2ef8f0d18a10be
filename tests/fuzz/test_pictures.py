"""Files that are not pictures, are broken, or are larger than they look, and empty pictures."""

import io
import struct
import zlib
from functools import lru_cache

import numpy as np
from fuzz import limits
from fuzz.limits import Attempt, Case
from fuzz.mutations import spoiled
from PIL import Image, PngImagePlugin

from mnist_app.drawing import pen, photo
from mnist_app.drawing.pictures import LONGEST_SIDE, decode_picture

SEVEN = np.array([[20.0, 15], [50, 15], [32, 55]])
SIZES = (1, 1), (1, 500), (500, 1), (4472, 4472), (2, 9_000_000), (1_000_000, 19), (9000, 9000)
HUGE = (4473, 4473), (65_535, 65_535), (2**31 - 1, 2**31 - 1), (1, 20_000_001), (0, 0)
FORMS = (
    ("PNG", "RGBA", {}),
    ("PNG", "L", {}),
    ("PNG", "1", {}),
    ("PNG", "P", {}),
    ("PNG", "I;16", {}),
    ("JPEG", "RGB", {"quality": 80}),
    ("JPEG", "L", {"progressive": True}),
    ("JPEG", "CMYK", {}),
    ("WEBP", "RGBA", {"lossless": True}),
    ("WEBP", "RGB", {}),
    ("GIF", "P", {}),
    ("BMP", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "L", {"compression": "tiff_adobe_deflate"}),
    ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"compression": "jpeg"}),
    ("TIFF", "F", {}),
    ("TIFF", "I;16", {}),
)


@lru_cache
def real(number: int) -> bytes:
    """Make a small picture of a seven in one of the forms.

    In PNG, JPEG and WEBP, its EXIF data says that it is upside down.
    """
    form, mode, options = FORMS[number]
    ink = pen.draw([SEVEN], brush=4, side=70)
    if mode == "I;16":
        picture = Image.fromarray(ink.astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(ink).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 3  # orientation
    exif[0x010E] = "a seven"
    file = io.BytesIO()
    if form in ("GIF", "WEBP", "TIFF") and number % 2:
        options = options | {"save_all": True, "append_images": [picture]}
    if form in ("PNG", "JPEG", "WEBP"):
        options = options | {"exif": exif}
    picture.save(file, form, **options)
    return file.getvalue()


def spoiled_picture(case: Case) -> Attempt:
    """Read a real picture with some faults."""
    data = spoiled(real(int(case.random.integers(len(FORMS)))), case.random)
    return lambda: read(data, case)


def read(data: bytes, case: Case) -> None:
    case.names = ("picture.png", "No digits")
    rgba = decode_picture(data, "picture.png")
    assert rgba.dtype == np.uint8
    assert rgba.ndim == 3
    assert rgba.shape[2] == 4
    assert 0 < max(rgba.shape) <= LONGEST_SIDE
    cleaned(rgba)


def cleaned(rgba: np.ndarray) -> None:
    ink = photo.clean(rgba)
    assert ink.dtype == np.uint8
    assert max(ink.shape) <= max(photo.LONGEST, 4)
    assert (ink[..., 3] == 255).all()
    assert ink[..., 0].any()


# Pictures that are larger than they look


def png(width: int, height: int, rows: int, *, bits: int = 8, kind: int = 0) -> bytes:
    """Make a PNG that claims this size, and contains `rows` rows of zeros."""
    channels = {0: 1, 2: 3, 6: 4}[kind]
    row = bytes(1 + -(-width * channels * bits // 8)) if rows else b""
    packer = zlib.compressobj(1)
    content = b"".join(packer.compress(row) for _ in range(rows)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", content), (b"IEND", b"")
    parts = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def plain(size: tuple[int, int], form: str, mode: str) -> bytes:
    file = io.BytesIO()
    options = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    Image.new(mode, size).save(file, form, **options)
    return file.getvalue()


def text_bomb() -> bytes:
    facts = PngImagePlugin.PngInfo()
    facts.add_text("Comment", "x" * 200_000_000, zip=True)
    file = io.BytesIO()
    Image.new("L", (9, 9)).save(file, "PNG", pnginfo=facts)
    return file.getvalue()


def large_png(case: Case) -> bytes:
    width, height = case.one_of(SIZES)
    bits, kind = case.one_of([(8, 0), (16, 0), (8, 2), (8, 6), (16, 6), (1, 0)])
    return png(width, height, height, bits=bits, kind=kind)


def lying_png(case: Case) -> bytes:
    """Make a PNG that claims to be large and contains little, or the other way round."""
    width, height = case.one_of([*HUGE, *SIZES, (10, 10)])
    return png(width, height, 3 if max(width, height) > 1000 else 9000)


def large_other(case: Case) -> bytes:
    form, mode = case.one_of(
        [
            *(("JPEG", "RGB"), ("TIFF", "F"), ("TIFF", "I"), ("TIFF", "RGBA"), ("BMP", "RGB")),
            *(("GIF", "P"), ("PNG", "P"), ("JPEG", "CMYK")),
        ]
    )
    return plain(case.one_of([(4472, 4472), (20_000, 900), (3, 20_000)]), form, mode)


def bomb(case: Case) -> Attempt:
    kind = case.one_of([large_png, large_png, lying_png, large_other, large_other])
    data = text_bomb() if case.random.random() < 0.02 else kind(case)
    return lambda: read(data, case)


# Pixels that are not a photo


def odd_photo(case: Case) -> Attempt:
    """Clean pixels of any shape that contain a lot of structure, or none."""
    sides = [1, 2, 3, 7, 28, 250, 251, 999, 1000, 1001, 2000]
    height, width = int(case.one_of(sides)), int(case.one_of(sides))
    y, x = np.mgrid[:height, :width]
    step = int(case.one_of([1, 2, 3, 5, 8, 20]))
    grey = case.one_of(
        [
            np.zeros((height, width)),
            np.full((height, width), 255),
            case.random.integers(0, 256, (height, width)),
            case.random.random((height, width)) * 30 + 200,
            (x // step + y // step) % 2 * 255,
            y // step % 2 * 255,
            x // step % 2 * 255,
            (x + 7 * y) // step % 2 * 255,
            np.where(case.random.random((height, width)) < 0.02, 0, 255),
            np.where((y % (3 * step) == 0) | (x % (3 * step) == 0), 90, 240),
            np.hypot(x - width / 2, y - height / 2) // step % 2 * 255,
        ]
    ).astype(np.uint8)
    alpha = case.one_of([np.full_like(grey, 255), np.zeros_like(grey), grey, 255 - grey])
    rgba = np.dstack([grey, grey, np.roll(grey, step), alpha])
    return lambda: cleaned(rgba)


def test_no_spoiled_picture_does_harm():
    limits.check(spoiled_picture, "pictures: mutations of real ones", limits.count(10_000))


def test_no_picture_takes_more_time_or_memory_than_any_other():
    limits.check(bomb, "pictures: larger than they look", limits.count(300, 4))


def test_no_pixels_do_harm_as_a_photo():
    limits.check(odd_photo, "pictures: pixels that are not a photo", limits.count(500, 8))


def test_the_real_pictures_are_right_answers():
    """Input without faults must work. Otherwise, cases could end in errors for the wrong reason."""
    for number in range(len(FORMS)):
        cleaned(decode_picture(real(number), "picture"))
