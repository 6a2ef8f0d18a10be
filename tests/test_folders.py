"""Folders of labelled pictures."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numbered import counts
from PIL import Image
from rights import without_rights

from mnist_app import data
from mnist_app.data import load_dataset, prepare
from mnist_app.drawing import to_mnist
from mnist_app.recipes import Recipe
from mnist_app.settings import InputError


def ink(height: int = 40, width: int = 40) -> np.ndarray:
    """A bright bar on a dark ground, uint8 (height, width)."""
    grey = np.zeros((height, width), dtype=np.uint8)
    grey[height // 5 : -height // 5, width // 2 - 4 : width // 2 + 4] = 255
    return grey


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures of each digit d: 28x28, a bright row 2d + 4."""
    place = tmp_path / "mine"
    for digit in range(10):
        (place / str(digit)).mkdir(parents=True)
        for i in range(5):
            grey = np.zeros((28, 28), dtype=np.uint8)
            grey[2 * digit + 4, 4:24] = 200 + i
            Image.fromarray(grey).save(place / str(digit) / f"{i}.png")
    return place


Save = Callable[[Path], None]


def read_as_three(folder: Path, save: Save, suffix: str = ".png") -> np.ndarray:
    """What five pictures that `save` writes are read as; they are all the same."""
    for path in (folder / "3").iterdir():
        path.unlink()
    for i in range(5):
        save(folder / "3" / f"{i}{suffix}")
    parts = load_dataset(str(folder))
    images = torch.cat([part.images[part.labels == 3] for part in parts]).numpy()
    assert len(images) == 5
    assert (images == images[0]).all()
    return images[0]


def test_a_folder_of_pictures_becomes_a_data_set_with_its_labels(folder):
    dataset = load_dataset(str(folder))
    assert counts(dataset.train) == [4] * 10
    assert counts(dataset.test) == [1] * 10
    for part in dataset:
        assert part.images.dtype == torch.uint8
        assert part.images.shape == (len(part), 28, 28)
        assert part.labels.dtype == torch.int64
        assert part.name == "folder mine"
        assert torch.equal(part.images.sum(dim=2).argmax(dim=1), 2 * part.labels + 4)


def test_the_test_set_of_a_folder_is_always_the_same(folder):
    tests = [prepare(Recipe(dataset=str(folder), seed=seed)).test for seed in (0, 1)]
    assert (
        tests[0].fingerprint == tests[1].fingerprint == load_dataset(str(folder)).test.fingerprint
    )


def test_reading_a_folder_shows_its_progress(folder):
    seen = []
    load_dataset(str(folder), lambda what, share: seen.append((what, share)))
    assert seen
    assert all("mine" in what and 0 <= share <= 1 for what, share in seen)


def test_other_files_and_hidden_folders_are_left_out(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / ".thumbnails").mkdir()
    (folder / "4" / "Thumbs.db").write_bytes(b"x")
    assert len(load_dataset(str(folder)).train) == 40


def palette(grey: np.ndarray, colors: list[int]) -> Image.Image:
    picture = Image.frombytes("P", grey.shape[::-1], (grey // 255).tobytes())
    picture.putpalette(colors)
    return picture


def with_alpha(color: int, grey: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([np.full_like(grey, color)] * 3 + [grey]))


BAR = ink()
PICTURES: dict[str, tuple[str, Save]] = {
    "1": ("1", lambda path: Image.fromarray(BAR).convert("1").save(path)),
    "LA, light ink": ("LA", lambda path: with_alpha(255, BAR).convert("LA").save(path)),
    "LA, dark ink": ("LA", lambda path: with_alpha(0, BAR).convert("LA").save(path)),
    "P": ("P", lambda path: palette(BAR, [0, 0, 0, 255, 255, 255]).save(path)),
    "P, dark ink, transparent": (
        "P",
        lambda path: palette(BAR, [255, 255, 255, 0, 0, 0]).save(path, transparency=0),
    ),
    "P, light ink, transparent": (
        "P",
        lambda path: palette(BAR, [0, 0, 0, 255, 255, 255]).save(path, transparency=0),
    ),
    "RGB": ("RGB", lambda path: Image.fromarray(BAR).convert("RGB").save(path)),
    "RGBA, opaque": ("RGBA", lambda path: Image.fromarray(BAR).convert("RGBA").save(path)),
    "RGBA, light ink": ("RGBA", lambda path: with_alpha(255, BAR).save(path)),
    "RGBA, dark ink": ("RGBA", lambda path: with_alpha(0, BAR).save(path)),
    "I;16": ("I;16", lambda path: Image.fromarray(BAR.astype(np.uint16) * 257).save(path)),
    "L, dark on light": ("L", lambda path: Image.fromarray(255 - BAR).save(path)),
    "RGB, dark on light": ("RGB", lambda p: Image.fromarray(255 - BAR).convert("RGB").save(p)),
    "1, dark on light": ("1", lambda path: Image.fromarray(255 - BAR).convert("1").save(path)),
    "I;16, dark on light": (
        "I;16",
        lambda path: Image.fromarray((255 - BAR).astype(np.uint16) * 257).save(path),
    ),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_of_any_mode_becomes_light_ink_on_a_dark_ground(kind, folder, tmp_path):
    mode, save = PICTURES[kind]
    save(tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.mode == mode
    plain = read_as_three(folder, lambda path: Image.fromarray(BAR).save(path))
    assert plain[14, 13:15].max() > 200
    assert plain[0].max() == plain[:, 0].max() == 0
    image = read_as_three(folder, save)
    assert np.abs(image.astype(int) - plain).max() <= 2


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG", ".PNG"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_jpeg_and_capital_suffixes_are_read_too(suffix, mode, folder):
    form = "PNG" if suffix == ".PNG" else "JPEG"
    plain = read_as_three(folder, lambda path: Image.fromarray(BAR).save(path))
    image = read_as_three(
        folder,
        lambda path: Image.fromarray(BAR).convert(mode).save(path, form, quality=95),
        suffix,
    )
    assert np.abs(image.astype(int) - plain).max() <= 40
    assert np.abs(image.astype(int) - plain).mean() <= 3


def test_a_picture_of_28_by_28_is_kept_as_it_is(folder):
    grey = np.random.default_rng(0).integers(0, 120, (28, 28), dtype=np.uint8)
    assert np.array_equal(read_as_three(folder, lambda p: Image.fromarray(grey).save(p)), grey)


def test_a_light_picture_of_28_by_28_is_inverted_and_otherwise_kept(folder):
    grey = np.random.default_rng(0).integers(140, 256, (28, 28), dtype=np.uint8)
    image = read_as_three(folder, lambda path: Image.fromarray(grey).save(path))
    assert np.array_equal(image, 255 - grey)


@pytest.mark.parametrize(("height", "width"), [(20, 60), (60, 20), (140, 140), (280, 400)])
@pytest.mark.parametrize("light", [False, True], ids=["dark ground", "light ground"])
def test_a_picture_of_another_size_gets_the_form_that_drawings_get(height, width, light, folder):
    grey = np.zeros((height, width), dtype=np.uint8)
    top, left = height // 7, width // 7
    grey[top : top + height // 2, left:-left] = 255  # not in the middle
    shown = 255 - grey if light else grey
    image = read_as_three(folder, lambda path: Image.fromarray(shown).save(path))
    expected = to_mnist(np.dstack([shown, shown, shown, np.full_like(shown, 255)]))
    assert np.abs(image / 255 - expected[0, 0].numpy()).max() < 0.01


def test_a_picture_that_shows_nothing_is_named(folder):
    Image.new("L", (50, 50), 200).save(folder / "3" / "blank.png")
    with pytest.raises(InputError, match=r"blank\.png shows nothing"):
        load_dataset(str(folder))


def test_a_very_thin_picture_does_not_vanish(folder):
    grey = np.zeros((300, 3), dtype=np.uint8)
    grey[100:200, 1] = 255
    image = read_as_three(folder, lambda path: Image.fromarray(grey).save(path))
    assert (image > 30).sum() >= 20


# Folders that are wrong


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_dataset(str(folder))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_folder_is_named_with_what_there_is_to_choose(tmp_path):
    message = refusal(tmp_path / "none")
    assert str(tmp_path / "none") in message
    assert "mnist, digits, or a folder" in message


def test_a_file_is_no_data_set(tmp_path):
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in refusal(tmp_path / "file")


@pytest.mark.parametrize("name", ["ten", "10", "00", "٣"])
def test_a_sub_folder_that_is_no_digit_is_named(name, folder):
    (folder / name).mkdir()
    message = refusal(folder)
    assert str(folder / name) in message
    assert "rename it" in message


@pytest.mark.parametrize("digit", [0, 9])
def test_a_missing_sub_folder_is_named(digit, folder):
    (folder / str(digit)).rename(folder.parent / "elsewhere")
    message = refusal(folder)
    assert f"{folder / str(digit)} is missing" in message
    assert "needs its sub-folder" in message


@pytest.mark.parametrize("left", [0, 4])
def test_a_sub_folder_with_too_few_pictures_is_named(left, folder):
    for path in sorted((folder / "8").iterdir())[left:]:
        path.rename(path.with_suffix(".txt"))
    message = refusal(folder)
    assert f"{folder / '8'} holds {left} " in message
    assert "put at least 5 there" in message


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_broken_picture_is_named(content, folder):
    (folder / "6" / "2.png").write_bytes(content)
    message = refusal(folder)
    assert str(folder / "6" / "2.png") in message
    assert "or remove it" in message


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_picture_that_is_cut_off_is_named(form, share, folder):
    path = folder / "6" / ("2.jpg" if form == "JPEG" else "2.png")
    noise = np.random.default_rng(0).integers(0, 255, (100, 100), dtype=np.uint8)
    Image.fromarray(noise).save(path, form)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    message = refusal(folder)
    assert str(path) in message
    assert "or remove it" in message


def test_a_picture_with_far_too_many_pixels_is_named(folder):
    Image.new("1", (10_000, 10_000)).save(folder / "6" / "2.png")
    message = refusal(folder)
    assert str(folder / "6" / "2.png") in message
    assert "scale it down" in message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
@pytest.mark.parametrize("closed", ["mine", "mine/4", "mine/4/1.png"])
def test_what_may_not_be_read_is_named(closed, folder, open_folder):
    moved = open_folder / "mine"
    shutil.copytree(folder, moved)
    (open_folder / closed).chmod(0)
    try:
        with without_rights(), pytest.raises(InputError) as caught:
            load_dataset(str(moved))
    finally:
        (open_folder / closed).chmod(0o755)
    assert f"No permission to read {open_folder / closed}" in str(caught.value)
    assert "change its mode" in str(caught.value)


def test_pictures_that_are_transparent_are_read_without_a_warning(folder):
    nothing = read_as_three(folder, lambda path: Image.new("RGBA", (28, 28)).save(path))
    assert not nothing.any()
    palette = Image.frombytes("P", (28, 28), bytes([0, 1, 2, 0] * 196))
    palette.putpalette([255] * 3 + [0] * 6)
    levels = bytes([0, 128, 255])
    image = read_as_three(folder, lambda path: palette.save(path, transparency=levels))
    assert image.max() == 255


def test_a_folder_is_checked_by_its_names_alone(folder):
    (folder / "3" / "0.png").write_bytes(b"not a picture")
    data.check_dataset(str(folder))
    (folder / "ten").mkdir()
    with pytest.raises(InputError, match="ten is not named after a digit"):
        data.check_dataset(str(folder))
