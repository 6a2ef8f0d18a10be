"""Folders of labelled pictures."""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from marked_language import MarkedLanguage
from numbered import counts
from PIL import Image
from rights import without_rights

from mnist_app.common import translation
from mnist_app.common.errors import InputError
from mnist_app.common.translation import localized
from mnist_app.data import archives, catalogue, picture_folders, uploads
from mnist_app.data.catalogue import load_dataset
from mnist_app.data.picture_folders import read_folder
from mnist_app.data.training_data import prepare
from mnist_app.drawing.drawing import MIN_CONTRAST
from mnist_app.drawing.normal_form import to_mnist
from mnist_app.recipes.recipe import Recipe


def ink(height: int = 40, width: int = 40) -> np.ndarray:
    """Return a bright bar on a dark background, uint8 (height, width)."""
    grey = np.zeros((height, width), dtype=np.uint8)
    grey[height // 5 : -height // 5, width // 2 - 4 : width // 2 + 4] = 255
    return grey


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with five pictures of each digit d: 28x28 pixels, with row 2d + 4 bright."""
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
    """Replace the 3s with five equal pictures that `save` writes; return what they are read as."""
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


def test_other_files_are_skipped_and_hidden_ones_not_mentioned(folder):
    (folder / "notes.txt").write_text("mine")
    (folder / ".thumbnails").mkdir()
    (folder / ".thumbnails" / "0.png").write_bytes(b"x")
    (folder / "4" / "Thumbs.db").write_bytes(b"x")
    dataset, skipped = read_folder(folder)
    assert len(dataset.train) == 40
    assert skipped == [("notes.txt", "It is not a picture.")]


def test_the_digits_folders_may_lie_within_others(folder):
    (folder.parent / "outer").mkdir()
    folder.rename(folder.parent / "outer" / "inner")
    dataset, skipped = read_folder(folder.parent)
    assert counts(dataset.train) == [4] * 10
    assert not skipped


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


def test_a_very_thin_picture_does_not_vanish(folder):
    grey = np.zeros((300, 3), dtype=np.uint8)
    grey[100:200, 1] = 255
    image = read_as_three(folder, lambda path: Image.fromarray(grey).save(path))
    assert (image > 30).sum() >= 20


# Skipped files


def skipped_beside(folder: Path) -> tuple[str, str]:
    """Return the only skipped file and the reason; check that the 50 others are in the data set."""
    dataset, skipped = read_folder(folder)
    assert len(dataset.train) + len(dataset.test) == 50
    assert len(skipped) == 1
    assert "\n" not in skipped[0].problem
    return skipped[0]


def test_a_picture_that_shows_nothing_is_skipped(folder):
    Image.new("L", (50, 50), 200).save(folder / "3" / "blank.png")
    assert skipped_beside(folder) == ("3/blank.png", "It is blank: remove it.")


@pytest.mark.parametrize(("ground", "ink"), [(0, 0), (255, 255), (200, 199 + MIN_CONTRAST)])
def test_a_small_picture_that_shows_nothing_is_skipped(ground, ink, folder):
    picture = Image.new("L", (28, 28), ground)
    picture.paste(ink, (10, 10, 18, 18))
    picture.save(folder / "3" / "blank.png")
    assert skipped_beside(folder) == ("3/blank.png", "It is blank: remove it.")


def test_a_small_picture_with_some_contrast_is_kept(folder):
    picture = Image.new("L", (28, 28), 100)
    picture.paste(100 + MIN_CONTRAST, (10, 10, 18, 18))
    picture.save(folder / "3" / "weak.png")
    dataset, skipped = read_folder(folder)
    assert len(dataset.train) + len(dataset.test) == 51
    assert not skipped


@pytest.mark.parametrize("content", [b"not a picture", b"\x89PNG\r\n\x1a\n"])
def test_a_broken_picture_is_skipped(content, folder):
    (folder / "6" / "other.png").write_bytes(content)
    name, problem = skipped_beside(folder)
    assert name == "6/other.png"
    assert problem.startswith("It is ")
    assert "or remove it" in problem


def test_an_empty_picture_is_skipped(folder):
    (folder / "6" / "other.png").touch()
    assert skipped_beside(folder) == ("6/other.png", "It is empty.")


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.9])
def test_a_picture_that_is_cut_off_is_skipped(form, share, folder):
    path = folder / "6" / ("cut.jpg" if form == "JPEG" else "cut.png")
    noise = np.random.default_rng(0).integers(0, 255, (100, 100), dtype=np.uint8)
    Image.fromarray(noise).save(path, form)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    name, problem = skipped_beside(folder)
    assert name == f"6/{path.name}"
    assert "or remove it" in problem


def test_a_picture_with_far_too_many_pixels_is_skipped(folder):
    Image.new("1", (10_000, 10_000)).save(folder / "6" / "huge.png")
    name, problem = skipped_beside(folder)
    assert name == "6/huge.png"
    assert "scale it down" in problem


@pytest.mark.parametrize("name", ["ten", "10", "00", "٣"])
def test_a_picture_in_a_folder_that_is_no_digit_is_skipped(name, folder):
    (folder / name).mkdir()
    shutil.copy(folder / "3" / "0.png", folder / name / "0.png")
    assert skipped_beside(folder) == (f"{name}/0.png", "It is not in a folder named 0 to 9.")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
def test_a_picture_that_may_not_be_read_is_skipped(folder, open_folder):
    moved = open_folder / "mine"
    shutil.copytree(folder, moved)
    shutil.copy(moved / "4" / "1.png", moved / "4" / "closed.png")
    (moved / "4" / "closed.png").chmod(0)
    with without_rights():
        name, problem = skipped_beside(moved)
    assert name == "4/closed.png"
    assert problem.startswith(f"No permission to read {moved / '4' / 'closed.png'}")


# Folders that are not data sets


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


@pytest.mark.parametrize("digit", [0, 9])
def test_a_missing_sub_folder_is_named(digit, folder):
    (folder / str(digit)).rename(folder.parent / "elsewhere")
    message = refusal(folder)
    assert f"{folder} has too few pictures in sub-folder {digit} (0)" in message
    assert "put at least 5 of each digit there" in message


@pytest.mark.parametrize("left", [0, 4])
def test_a_sub_folder_with_too_few_pictures_is_named_with_a_reason(left, folder):
    for path in sorted((folder / "8").iterdir())[left:]:
        path.rename(path.with_suffix(".txt"))
    message = refusal(folder)
    assert f"{folder} has too few pictures in sub-folder 8 ({left})" in message
    assert f"Skipped files: {5 - left}. The first is 8/{left}.txt: It is not a picture." in message


def test_too_few_pictures_that_can_be_read_are_too_few(folder):
    (folder / "6" / "2.png").write_bytes(b"not a picture")
    catalogue.check_dataset(str(folder))  # it only looks at names
    message = refusal(folder)
    assert "too few pictures in sub-folder 6 (4)" in message
    assert "Skipped files: 1. The first is 6/2.png: It is " in message


def test_a_problem_and_the_first_skipped_file_are_translated_where_they_are_shown(
    folder, monkeypatch
):
    (folder / "6" / "2.png").write_bytes(b"")
    with pytest.raises(InputError) as few:
        catalogue.check_dataset(str(folder))
    (folder / "6" / "5.png").write_bytes(b"not a picture")
    (folder / "6" / "6.png").write_bytes((folder / "6" / "1.png").read_bytes())
    (_empty, broken) = read_folder(folder)[1]
    monkeypatch.setattr(translation, "_catalogue", lambda _code: MarkedLanguage())
    assert "first is 6/2.png: It is empty." in str(few.value)
    assert localized(few.value).endswith("first is 6/2.png: <It is empty.>>")
    assert broken.problem.startswith("It is not a readable picture")
    assert localized(broken.problem).startswith("<<It> is not a readable picture")


def test_a_folder_of_other_things_is_said_to_have_no_digits(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    message = refusal(tmp_path)
    assert "no pictures in sub-folders named 0 to 9" in message
    assert "a.png: It is not in a folder named 0 to 9" in message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
@pytest.mark.parametrize("closed", ["mine", "mine/4"])
def test_a_folder_that_may_not_be_read_is_named(closed, folder, open_folder):
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
    assert not picture_folders.light_on_dark(np.zeros((28, 28, 4), dtype=np.uint8)).any()
    palette = Image.frombytes("P", (28, 28), bytes([0, 1, 2, 0] * 196))
    palette.putpalette([255] * 3 + [0] * 6)
    levels = bytes([0, 128, 255])
    image = read_as_three(folder, lambda path: palette.save(path, transparency=levels))
    assert image.max() == 255


def test_a_folder_is_checked_by_its_names_alone(folder):
    for path in (folder / "3").iterdir():
        path.write_bytes(b"not a picture")
    catalogue.check_dataset(str(folder))
    shutil.rmtree(folder / "3")
    with pytest.raises(InputError, match="sub-folder 3"):
        catalogue.check_dataset(str(folder))


# ZIPs


@pytest.fixture
def zipped(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.make_archive(str(tmp_path / "class 3b"), "zip", folder.parent, "mine"))


def test_a_zip_is_the_same_data_set_as_its_folder(folder, zipped):
    from_zip, from_folder = load_dataset(str(zipped)), load_dataset(str(folder))
    assert from_zip.train.fingerprint == from_folder.train.fingerprint
    assert from_zip.test.fingerprint == from_folder.test.fingerprint
    assert from_zip.train.name == "ZIP class 3b"
    catalogue.check_dataset(str(zipped))


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    assert "a.zip is not a ZIP, or it is damaged" in refusal(tmp_path / "a.zip")


@pytest.mark.usefixtures("weights_folder")
def test_an_upload_is_kept_once_and_found_again(zipped, weights_folder):
    paths = [
        uploads.keep_upload("../class <3b>.zip", io.BytesIO(zipped.read_bytes())) for _ in range(2)
    ]
    assert paths[0] == paths[1]
    assert paths[0].parent == weights_folder / ".datasets"
    assert [upload.path for upload in uploads.list_uploads()] == paths[:1]
    assert archives.upload_name(paths[0]) == "class-3b"
    assert paths[0].read_bytes() == zipped.read_bytes()
    assert list(paths[0].parent.iterdir()) == paths[:1]
    dataset = load_dataset(str(paths[0]))
    assert dataset.train.name == "ZIP class-3b"
    assert dataset.train.fingerprint == load_dataset(str(zipped)).train.fingerprint


def test_an_upload_that_is_deleted_just_now_is_not_listed(zipped, weights_folder):
    path = uploads.keep_upload("a.zip", io.BytesIO(zipped.read_bytes()))
    path.with_name("gone.zip").symlink_to(path.with_name("nowhere"))  # listed, but not there
    assert [upload.path for upload in uploads.list_uploads()] == [path]


def test_what_cannot_be_a_data_set_is_not_kept(weights_folder):
    with pytest.raises(InputError, match="not a ZIP"):
        uploads.keep_upload("a.zip", io.BytesIO(b"nothing"))
    assert not uploads.list_uploads()


def test_uploads_do_not_fill_the_disk(zipped, weights_folder, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_UPLOADED", 1000)
    with pytest.raises(InputError, match="delete some of them"):
        uploads.keep_upload("a.zip", io.BytesIO(zipped.read_bytes()))
    assert not uploads.list_uploads()
