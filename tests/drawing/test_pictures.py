import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from drawings import SIDE, black_on_transparent, distance, inverted, seven
from PIL import Image

from mnist_app.common.errors import InputError
from mnist_app.drawing import pictures
from mnist_app.drawing.normal_form import to_mnist
from mnist_app.drawing.pictures import MOST_LONG, MOST_PIXELS, decode_picture, read_picture


def encoded(picture: Image.Image, form: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **options)
    return file.getvalue()


def in_mode(mode: str) -> Image.Image:
    rgba = seven()
    if mode == "I;16":
        return Image.fromarray(rgba[..., 0].astype(np.uint16) * 257)
    if mode == "P":
        picture = Image.fromarray(rgba[..., 0] // 16)
        picture = Image.frombytes("P", picture.size, picture.tobytes())
        picture.putpalette([level * 17 for level in range(16) for _ in range(3)])
        return picture
    if mode in ("LA", "RGBA"):
        return Image.fromarray(black_on_transparent(rgba)).convert(mode)
    return Image.fromarray(rgba).convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_any_mode_is_read(mode, tmp_path):
    path = tmp_path / "seven.png"
    in_mode(mode).save(path)
    with Image.open(path) as picture:
        assert picture.mode == mode
    rgba = read_picture(path)
    assert rgba.shape == (SIDE, SIDE, 4)
    assert rgba.dtype == np.uint8
    assert distance(to_mnist(seven()), to_mnist(rgba)) < 0.06


def test_a_scan_of_16_bits_with_the_high_byte_first_is_read():
    ink = np.zeros((60, 40), np.uint16)
    ink[5:20, 5:10] = 65535
    file = io.BytesIO()
    Image.frombytes("I;16B", (40, 60), ink.astype(">u2").tobytes()).save(file, "TIFF")
    found = decode_picture(file.getvalue(), "scan.tif")
    assert (found[..., 0] == ink // 257).all()


def test_a_picture_of_16_bits_keeps_its_greys(tmp_path):
    path = tmp_path / "steps.png"
    steps = np.array([[0, 64, 128, 200, 255]] * 3, dtype=np.uint16)
    Image.fromarray(steps * 257).save(path)
    assert np.abs(read_picture(path)[0, :, 0].astype(int) - steps[0]).max() <= 1


def test_a_palette_with_a_transparent_ground_is_read(tmp_path):
    path = tmp_path / "seven.png"
    picture = in_mode("P")
    picture.putpalette([0] * 48)
    picture.save(path, transparency=bytes(level * 17 for level in range(16)))
    assert distance(to_mnist(seven()), to_mnist(read_picture(path))) < 0.06


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_is_read(mode, tmp_path):
    path = tmp_path / "seven.jpg"
    Image.fromarray(inverted(seven())).convert("RGB").convert(mode).save(path, quality=90)
    assert distance(to_mnist(seven()), to_mnist(read_picture(path))) < 0.06


TURNED = {  # how a camera in each orientation stores an upright scene
    1: lambda a: a,
    3: lambda a: np.rot90(a, 2),
    6: lambda a: np.rot90(a, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_a_photo_is_turned_upright(orientation, tmp_path):
    path = tmp_path / "photo.jpg"
    upright = seven()[:, 20:220]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = np.ascontiguousarray(TURNED[orientation](upright))
    Image.fromarray(stored).convert("RGB").save(path, exif=exif, quality=95)
    rgba = read_picture(path)
    assert rgba.shape == (280, 200, 4)
    assert distance(to_mnist(upright), to_mnist(rgba)) < 0.05


@pytest.mark.parametrize(
    ("size", "expected"),
    [((3000, 300), (2000, 200)), ((100, 4000), (50, 2000)), ((2000, 10), (2000, 10))],
)
def test_a_huge_picture_is_scaled_down_and_its_aspect_ratio_kept(size, expected, tmp_path):
    path = tmp_path / "huge.png"
    Image.new("L", size, 90).save(path)
    rgba = read_picture(path)
    assert rgba.shape == (expected[1], expected[0], 4)


def test_a_small_picture_keeps_its_size(tmp_path):
    path = tmp_path / "small.png"
    Image.new("RGB", (5, 3), (1, 2, 3)).save(path)
    rgba = read_picture(path)
    assert rgba.shape == (3, 5, 4)
    assert (rgba == (1, 2, 3, 255)).all()


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_picture(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_missing_picture_is_named(tmp_path):
    assert "There is no picture" in refusal(tmp_path / "none.png")


def test_a_folder_is_no_picture(tmp_path):
    assert "not a readable picture" in refusal(tmp_path)


@pytest.mark.parametrize(
    "content", [b"not a picture", b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF"]
)
def test_a_file_that_is_no_picture_is_refused_with_a_remedy(content, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    assert "save it as PNG or JPEG" in refusal(path)


def test_an_empty_file_is_refused_with_a_remedy(tmp_path):
    (tmp_path / "empty.png").touch()
    assert "is empty: copy it again" in refusal(tmp_path / "empty.png")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused(form, share, tmp_path):
    path = tmp_path / "cut"
    whole = encoded(Image.fromarray(seven()).convert("RGB"), form)
    path.write_bytes(whole[: int(len(whole) * share)])
    message = refusal(path)
    assert "cut off or damaged" in message or "not a readable picture" in message


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png"])
def test_a_cut_off_upload_is_told_from_what_is_no_picture(name):
    form = "JPEG" if name.endswith("jpg") else "PNG"
    whole = encoded(Image.fromarray(seven()).convert("RGB"), form)
    with pytest.raises(InputError, match=f"^{name} is cut off or damaged: copy it again"):
        decode_picture(whole[: len(whole) * 2 // 3], name)


def test_a_picture_with_damaged_exif_is_read():
    exif = Image.Exif()
    exif[0x010F] = "a camera with a name of some length"
    file = bytearray(encoded(Image.fromarray(seven()).convert("RGB"), "JPEG", exif=exif))
    place = file.index(b"\x01\x0f")
    file[place + 4 : place + 12] = b"\xff" * 8
    assert decode_picture(bytes(file), "photo.jpg").shape == (SIDE, SIDE, 4)


# Uploads


def test_reading_a_picture_silences_no_warning_of_other_threads(monkeypatch):
    """The filters of warnings are the whole process's."""

    def meanwhile(picture: Image.Image) -> np.ndarray:
        warnings.warn("said by another thread meanwhile", stacklevel=1)
        return np.asarray(picture.convert("RGBA"))

    monkeypatch.setattr(pictures, "_pixels", meanwhile)
    before = list(warnings.filters)
    with pytest.warns(UserWarning, match="another thread"):
        decode_picture(_png(), "a.png")
    assert warnings.filters == before


def test_pillows_own_warnings_are_not_shown():
    """In a new process, as pytest has filters of its own."""
    code = (
        "import warnings\nfrom mnist_app.drawing import pictures\n"
        "warnings.warn_explicit('EXIF', UserWarning, 'x.py', 1, module='PIL.TiffImagePlugin')\n"
        "warnings.warn_explicit('other', UserWarning, 'x.py', 1, module='another')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "EXIF" not in done.stderr
    assert "other" in done.stderr


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("L", (30, 30)).save(file, "PNG")
    return file.getvalue()


def test_an_upload_is_read_from_bytes_and_from_an_open_file():
    content = encoded(Image.fromarray(seven()), "PNG")
    assert (decode_picture(content, "seven.png") == seven()).all()
    file = io.BytesIO(content)
    file.read()  # an earlier reader may have left it at its end
    assert (decode_picture(file, "seven.png") == seven()).all()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_a_moving_picture_the_first_frame_is_taken(form):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("white", "black", "red")]
    content = encoded(frames[0], form, save_all=True, append_images=frames[1:])
    rgba = decode_picture(content, "moving")
    assert rgba.shape == (30, 40, 4)
    assert rgba.min() >= 254


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_a_photo_of_20_megapixels_is_read_and_a_larger_one_is_refused(form):
    fits, larger = Image.new("L", (5000, MOST_PIXELS // 5000)), Image.new("L", (5000, 4001))
    assert decode_picture(encoded(fits, form), "photo").shape == (1600, 2000, 4)
    with pytest.raises(InputError, match=r"^photo has more than 20 megapixels: scale it down"):
        decode_picture(encoded(larger, form), "photo")


def test_a_picture_of_endless_length_is_refused():
    """Pillow needs some memory for each row, however short the row is."""
    rows = Image.new("1", (2, MOST_LONG + 1))
    with pytest.raises(InputError, match=r"^strip has a side of more than 100,000 pixels: crop it"):
        decode_picture(encoded(rows, "PNG"), "strip")
    assert decode_picture(encoded(rows.crop((0, 0, 2, MOST_LONG)), "PNG"), "strip").shape[2] == 4


@pytest.mark.parametrize("size", [(5000, 5000), (10_000, 10_000), (20_000, 10_000)])
def test_too_many_pixels_are_refused_before_anything_is_decoded(size, tmp_path, monkeypatch):
    path = tmp_path / "bomb.png"
    Image.new("1", size).save(path)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    assert "scale it down" in refusal(path)
