import gc
import gzip
import hashlib
import json
import os
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import Tensor

from mnist_app import data, pen
from mnist_app.data import Dataset, Digits, load_dataset, prepare, split, take, to_input
from mnist_app.drawing import to_mnist
from mnist_app.recipes import RECIPES, Recipe
from mnist_app.settings import InputError


def numbered(counts: list[int]) -> Digits:
    """So many images of each digit, mixed, each with its number in its first two pixels."""
    labels = torch.tensor([digit for digit, count in enumerate(counts) for _ in range(count)])
    labels = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
    images = torch.zeros(len(labels), 28, 28, dtype=torch.uint8)
    images[:, 0, 0] = torch.arange(len(labels)) // 256
    images[:, 0, 1] = torch.arange(len(labels)) % 256
    return Digits(images, labels, "numbered")


def numbers(digits: Digits) -> list[int]:
    return (digits.images[:, 0, 0].int() * 256 + digits.images[:, 0, 1]).tolist()


def counts(digits: Digits) -> list[int]:
    return torch.bincount(digits.labels, minlength=10).tolist()


COUNTS = [20, 40, 60, 80, 100, 20, 40, 60, 80, 100]


# Splits


def test_a_split_is_complete_and_disjoint_and_keeps_every_label_with_its_image():
    digits = numbered(COUNTS)
    rest, share = split(digits, 0.25, 0)
    assert sorted(numbers(rest) + numbers(share)) == list(range(600))
    for part in (rest, share):
        assert torch.equal(part.labels, digits.labels[numbers(part)])
        assert part.name == "numbered"


@pytest.mark.parametrize("fraction", [0.05, 0.25, 0.5])
def test_a_split_takes_the_same_share_of_every_digit(fraction):
    rest, share = split(numbered(COUNTS), fraction, 0)
    assert counts(share) == [round(count * fraction) for count in COUNTS]
    assert counts(rest) == [n - k for n, k in zip(COUNTS, counts(share), strict=True)]


def test_a_split_is_the_same_for_the_same_seed_and_another_for_another():
    digits = numbered(COUNTS)
    shares = [numbers(split(digits, 0.25, seed)[1]) for seed in (1, 1, 2)]
    assert shares[0] == shares[1]
    assert shares[0] != shares[2]


def test_a_split_does_not_hang_on_the_state_of_other_randomness():
    digits = numbered(COUNTS)
    torch.manual_seed(1)
    before = numbers(split(digits, 0.25, 0)[1])
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert numbers(split(digits, 0.25, 0)[1]) == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("fraction", [0.01, 0.99])
def test_both_sides_of_a_split_have_every_digit_even_of_few_images(fraction):
    rest, share = split(numbered([2] * 10), fraction, 0)
    assert counts(rest) == counts(share) == [1] * 10


@pytest.mark.parametrize("few", [0, 1])
def test_too_few_images_of_a_digit_cannot_be_split(few):
    with pytest.raises(InputError, match=rf"numbered has {few} image\(s\) of the digit 7.*2"):
        split(numbered([5] * 7 + [few] + [5] * 2), 0.2, 0)


def test_a_sample_is_stratified_and_of_about_the_size_asked_for():
    sample = take(numbered(COUNTS), 120, 0)
    assert counts(sample) == [count // 5 for count in COUNTS]
    assert len(set(numbers(sample))) == 120


@pytest.mark.parametrize("count", [None, 600, 10_000])
def test_a_sample_of_no_or_of_too_great_a_size_is_everything(count):
    assert numbers(take(numbered(COUNTS), count, 0)) == list(range(600))


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another():
    samples = [numbers(take(numbered(COUNTS), 100, seed)) for seed in (1, 1, 2)]
    assert samples[0] == samples[1]
    assert samples[0] != samples[2]


# Digits


def test_the_fingerprint_tells_data_apart_by_pixels_labels_and_order():
    digits = numbered([2] * 10)
    brighter = digits.images.clone()
    brighter[3, 14, 14] += 1
    relabelled = digits.labels.clone()
    relabelled[3] = (relabelled[3] + 1) % 10
    others = [
        Digits(brighter, digits.labels, "numbered"),
        Digits(digits.images, relabelled, "numbered"),
        digits.subset(torch.arange(19, -1, -1)),
        digits.subset(torch.arange(19)),
    ]
    assert len({digits.fingerprint, *(other.fingerprint for other in others)}) == 5


def test_the_fingerprint_of_the_same_data_is_the_same_whatever_its_name_and_layout():
    digits = numbered([2] * 10)
    transposed = digits.images.transpose(1, 2).contiguous().transpose(1, 2)
    same = Digits(transposed, digits.labels.clone(), "other")
    assert not transposed.is_contiguous()
    assert same.fingerprint == digits.fingerprint
    assert len(bytes.fromhex(digits.fingerprint)) == 8


def test_a_subset_has_the_images_asked_for_in_their_order():
    subset = numbered([2] * 10).subset(torch.tensor([7, 3, 11]))
    assert numbers(subset) == [7, 3, 11]
    assert len(subset) == 3


def test_pixels_become_numbers_from_0_to_1():
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).repeat(2, 28, 28)[:, :, :28]
    out = to_input(images)
    assert out.shape == (2, 1, 28, 28)
    assert out.dtype == torch.float32
    assert torch.allclose(out[0, 0, 0, :3], torch.tensor([0.0, 0.2, 1.0]))
    assert images.max() == 255


# The bundled digits


@pytest.fixture(scope="module")
def bundled() -> Dataset:
    return load_dataset("digits")


def test_the_bundled_digits_are_1797_in_the_format_of_mnist(bundled):
    assert len(bundled.train) + len(bundled.test) == 1797
    for part in bundled:
        assert part.images.dtype == torch.uint8
        assert part.images.shape == (len(part), 28, 28)
        assert part.labels.dtype == torch.int64
        assert part.images.amax(dim=(1, 2)).min() > 200
        assert (part.images[:, 0, 0] == 0).all()
    assert 0.19 < len(bundled.test) / 1797 < 0.21
    assert min(counts(bundled.test)) >= 30


def test_the_bundled_digits_have_their_centre_of_mass_in_the_centre(bundled):
    images = bundled.train.images.double()
    place = torch.arange(28.0, dtype=torch.double)
    mass = images.sum(dim=(1, 2))
    for axis in (1, 2):
        centres = images.sum(dim=3 - axis) @ place / mass
        assert (centres - 13.5).abs().max() < 0.55


def test_the_bundled_digits_go_with_their_labels(bundled):
    def flat(part: Digits) -> Tensor:
        return part.images.flatten(1).float()

    means = torch.stack([flat(bundled.train)[bundled.train.labels == d].mean(0) for d in range(10)])
    nearest = torch.cdist(flat(bundled.test), means).argmin(dim=1)
    assert (nearest == bundled.test.labels).float().mean() > 0.85


def test_the_test_set_of_the_bundled_digits_is_always_the_same(bundled):
    again = prepare(Recipe(dataset="digits", seed=5, validation_fraction=0.5))
    assert again.test.fingerprint == bundled.test.fingerprint


# What one training uses


def test_the_recipe_decides_on_the_validation_images_and_the_number_of_images(bundled):
    recipe = Recipe(dataset="digits", validation_fraction=0.3, subset=200)
    parts = prepare(recipe)
    assert len(parts.val) == pytest.approx(0.3 * len(bundled.train), abs=5)
    assert len(parts.train) == pytest.approx(200, abs=5)
    assert min(counts(parts.train)) >= 15
    whole = prepare(recipe.changed(subset=None))
    assert len(whole.train) + len(whole.val) == len(bundled.train)
    assert whole.val.fingerprint == parts.val.fingerprint


def test_training_validation_and_test_images_have_nothing_in_common():
    parts = prepare(Recipe(dataset="digits"))
    seen = [{image.numpy().tobytes() for image in part.images} for part in parts[:3]]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_the_seed_of_the_recipe_chooses_the_images():
    recipe = Recipe(dataset="digits", subset=100)
    one, same, other = (prepare(recipe.changed(seed=seed)) for seed in (1, 1, 2))
    assert one.train.fingerprint == same.train.fingerprint
    assert one.val.fingerprint == same.val.fingerprint
    assert one.train.fingerprint != other.train.fingerprint
    assert one.val.fingerprint != other.val.fingerprint


def test_the_seed_of_the_recipe_chooses_the_subset_too(bundled):
    parts = prepare(Recipe(dataset="digits", subset=100, seed=2))
    rest, _ = split(bundled.train, 0.2, 2)
    assert parts.train.fingerprint == take(rest, 100, 2).fingerprint
    assert parts.train.fingerprint != take(rest, 100, 0).fingerprint


def test_the_fingerprint_is_that_of_the_data_set_whatever_the_recipe_takes_of_it(bundled):
    for changes in ({}, {"seed": 3, "subset": 50}):
        parts = prepare(Recipe(dataset="digits", **changes))
        assert parts.fingerprint == bundled.train.fingerprint


# Drawings beside the images


@pytest.fixture
def pens(root: Path) -> list[pen.PenDigit]:
    """Twenty writers with a 1 and a 7 each, in the data folder."""
    strokes = {1: [[[0, 0], [0, 100]]], 7: [[[0, 0], [60, 0], [20, 100]]]}
    lines = [
        json.dumps({"label": label, "writer": f"w{writer}", "strokes": strokes[label]})
        for writer in range(20)
        for label in (1, 7)
    ]
    (root / "pendigits").mkdir(parents=True)
    (root / "pendigits" / "strokes.jsonl").write_text("\n".join(lines))
    return data.load_pen_digits()


SMALL = Recipe(dataset="digits", subset=100)


def plain_parts(**changes) -> data.Parts:
    return prepare(SMALL.changed(**changes))


def test_pen_strokes_are_read_from_the_data_folder(pens):
    assert len(pens) == 40
    assert {digit.writer for digit in pens} == {f"w{writer}" for writer in range(20)}


@pytest.mark.usefixtures("root")
def test_without_pen_strokes_at_hand_training_goes_on_without_them():
    assert data.load_pen_digits() == []
    parts, plain = plain_parts(pen_copies=4), plain_parts()
    assert parts.train.fingerprint == plain.train.fingerprint
    assert parts.val.fingerprint == plain.val.fingerprint
    assert parts.train.name == "digits without pen strokes"


def test_missing_pen_strokes_are_said_with_their_place_and_the_remedy(root):
    said = data.lacking(RECIPES["canvas"])
    assert str(root / "pendigits") in said
    assert "pendigits-orig.tra" in said
    assert data.lacking(RECIPES["lenet5"]) is None
    (root / "pendigits").mkdir(parents=True)
    assert data.lacking(RECIPES["canvas"]) is None


def test_pen_strokes_that_cannot_be_read_are_named(root):
    (root / "pendigits").mkdir(parents=True)
    (root / "pendigits" / "strokes.jsonl").write_text("{")
    with pytest.raises(InputError, match=r"strokes\.jsonl"):
        plain_parts(pen_copies=1)
    assert plain_parts().train.name == "digits"


@pytest.mark.parametrize("copies", [1, 3])
def test_the_pen_strokes_of_most_writers_are_added_so_many_times(copies, pens):
    parts, plain = plain_parts(pen_copies=copies), plain_parts()
    n, added = len(plain.train), 32 * copies  # of 16 writers
    assert len(parts.train) == n + added
    assert torch.equal(parts.train.images[:n], plain.train.images)
    assert torch.equal(parts.train.labels[:n], plain.train.labels)
    assert torch.bincount(parts.train.labels[n:]).tolist() == [0, added // 2] + [0] * 5 + [
        added // 2
    ]
    assert parts.train.name == f"digits + {added} pen strokes"
    assert parts.train.images.dtype == torch.uint8
    assert parts.train.labels.dtype == torch.int64


def test_validation_has_pen_strokes_of_writers_that_are_held_out_alone(pens, monkeypatch):
    drawn = []

    def remember(digits, copies, seed, progress=None):
        drawn.append(({digit.writer for digit in digits}, copies))
        return draw(digits, copies, seed)

    draw = data.rendering.draw_pen_digits
    monkeypatch.setattr(data.rendering, "draw_pen_digits", remember)
    parts, plain = plain_parts(pen_copies=3), plain_parts()
    (ours, _), (theirs, copies) = drawn
    assert (len(ours), len(theirs), copies) == (16, 2, 2)
    assert not ours & theirs
    assert len(parts.val) == len(plain.val) + 8
    assert parts.val.labels[-8:].tolist() == [1, 1, 7, 7] * 2
    assert parts.val.name == "digits + 8 pen strokes"
    plain_parts(pen_copies=1, seed=1)
    assert not drawn[3][0] & theirs


@pytest.mark.usefixtures("pens")
def test_another_seed_holds_out_other_writers_and_draws_others():
    one, same, other = (plain_parts(pen_copies=1, non_digits=5, seed=seed) for seed in (0, 0, 1))
    alone = [plain_parts(non_digits=5, seed=seed).train.images[-5:] for seed in (0, 1)]
    assert not torch.equal(*alone)
    assert one.train.fingerprint == same.train.fingerprint
    assert one.val.fingerprint == same.val.fingerprint
    assert not torch.equal(one.train.images[-5:], other.train.images[-5:])
    assert not torch.equal(one.val.images[-4:], other.val.images[-4:])


@pytest.mark.parametrize(("share", "added"), [(0.3, 30), (1.0, 100)])
@pytest.mark.usefixtures("root")
def test_a_share_of_the_images_is_added_as_it_looks_when_it_is_drawn(share, added):
    parts, plain = plain_parts(redrawn=share), plain_parts()
    n = len(plain.train)
    assert len(parts.train) - n == pytest.approx(added, abs=5)
    assert torch.equal(parts.train.images[:n], plain.train.images)
    again = take(plain.train, round(n * share), 0)
    assert torch.equal(parts.train.labels[n:], again.labels)
    assert torch.equal(parts.train.images[n:], data.rendering.redraw(again.images))
    assert parts.train.name == f"digits + {len(parts.train) - n} redrawn"
    assert parts.val.fingerprint == plain.val.fingerprint


@pytest.mark.usefixtures("pens")
def test_what_is_no_digit_is_for_training_alone():
    parts = plain_parts(non_digits=25, pen_copies=1, redrawn=0.2)
    assert (parts.train.labels == 10).sum() == 25
    assert parts.train.labels.max() == 10
    assert parts.val.labels.max() == 9
    assert parts.test.labels.max() == 9
    redrawn = len(parts.train) - len(plain_parts().train) - 32 - 25
    assert parts.train.name == f"digits + {redrawn} redrawn + 32 pen strokes + 25 non-digits"


@pytest.mark.usefixtures("pens")
def test_drawings_change_neither_the_test_set_nor_the_fingerprint_of_the_data_set():
    parts, plain = plain_parts(non_digits=5, pen_copies=1, redrawn=0.1), plain_parts()
    assert parts.fingerprint == plain.fingerprint
    assert parts.test.fingerprint == plain.test.fingerprint


@pytest.mark.usefixtures("pens")
def test_what_is_drawn_is_told():
    told = []
    recipe = SMALL.changed(non_digits=5, pen_copies=1, redrawn=0.1)
    prepare(recipe, lambda what, share: told.append((what, share)))
    assert [what for what, _ in told] == [
        "Drawing the digits on the canvas",
        "Drawing the pen strokes",
        "Drawing what is no digit",
    ]
    assert all(0 <= share <= 1 for _, share in told)


@pytest.mark.usefixtures("pens")
def test_numbers_among_what_is_no_digit_are_never_of_the_writers_held_out(monkeypatch):
    given = []

    def remember(count, seed, digits=(), progress=None):
        given.append({digit.writer for digit in digits})
        return draw(count, seed, digits)

    draw = data.rendering.draw_non_digits
    monkeypatch.setattr(data.rendering, "draw_non_digits", remember)
    plain_parts(non_digits=5, pen_copies=1)
    plain_parts(non_digits=5)
    assert [len(writers) for writers in given] == [16, 0]


# Folders of images


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


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may read everything: be nobody for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can reach, as those of tmp_path are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


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


# MNIST


def idx(values: np.ndarray) -> bytes:
    head = struct.pack(">BBBB", 0, 0, 8, values.ndim)
    return head + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


@pytest.fixture
def contents(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files in MNIST's format, which the module takes for the real ones."""
    random = np.random.default_rng(0)
    files = {}
    for part, n in (("train", 40), ("t10k", 20)):
        images = random.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        files[f"{part}-images-idx3-ubyte"] = idx(images)
        files[f"{part}-labels-idx1-ubyte"] = idx(np.arange(n, dtype=np.uint8) % 10)
    known = {name: (len(c), hashlib.md5(c).hexdigest()) for name, c in files.items()}
    assert list(known) == list(data.MNIST_FILES)
    monkeypatch.setattr(data, "MNIST_FILES", known)
    return files


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "data"
    monkeypatch.setenv("MNIST_APP_DATA", str(place))
    monkeypatch.setenv("no_proxy", "*")
    return place


def write(contents: dict[str, bytes], root: Path) -> Path:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in contents.items():
        (raw / name).write_bytes(content)
    return raw


def check(dataset: Dataset, contents: dict[str, bytes]) -> None:
    for part, key, n in ((dataset.train, "train", 40), (dataset.test, "t10k", 20)):
        assert part.name == "mnist"
        assert part.images.dtype == torch.uint8
        assert part.labels.dtype == torch.int64
        assert part.images.numpy().tobytes() == contents[f"{key}-images-idx3-ubyte"][16:]
        assert part.labels.tolist() == [i % 10 for i in range(n)]


def mnist_refusal() -> str:
    with pytest.raises(InputError) as caught:
        load_dataset("mnist")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def local_mirror(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    mirrors = [f"http://127.0.0.1:{port}/"]
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", mirrors)


@pytest.fixture
def no_network(root, monkeypatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    local_mirror(monkeypatch, port)


@pytest.mark.usefixtures("no_network")
def test_mnist_is_read_from_the_data_folder_without_a_network(contents, root):
    write(contents, root)
    check(load_dataset("mnist"), contents)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("t10k-images-idx3-ubyte", lambda b: b[:1000], "1,000 bytes instead of 15,696"),
        ("train-labels-idx1-ubyte", lambda b: b[:-1] + b"\x05", "checksum"),
    ],
    ids=["truncated", "foreign, of the same size"],
)
def test_a_damaged_file_of_mnist_is_named_with_its_fault(name, spoil, said, contents, root):
    path = write(contents, root) / name
    path.write_bytes(spoil(path.read_bytes()))
    message = mnist_refusal()
    assert str(path) in message
    assert said in message
    assert "delete it" in message


@pytest.mark.usefixtures("no_network")
def test_without_a_network_a_missing_file_is_named_with_three_remedies(contents, root):
    path = write(contents, root) / "train-labels-idx1-ubyte"
    path.unlink()
    message = mnist_refusal()
    assert str(path) in message
    assert "refused" in message
    assert all(word in message for word in ("network", "MNIST_APP_DATA", "'digits'"))
    assert list(root.iterdir()) == [root / "MNIST"]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("closed", ["MNIST/raw/train-labels-idx1-ubyte", "MNIST/raw"])
def test_files_of_mnist_that_may_not_be_read_are_named(closed, contents, open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(open_folder))
    write(contents, open_folder)
    (open_folder / closed).chmod(0)
    try:
        with without_rights():
            message = mnist_refusal()
    finally:
        (open_folder / closed).chmod(0o755)
    assert f"No permission for {open_folder / closed}" in message
    assert "MNIST_APP_DATA" in message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX rights")
@pytest.mark.usefixtures("no_network", "contents")
def test_a_data_folder_that_may_not_be_written_is_named(open_folder, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(open_folder))
    open_folder.chmod(0o555)
    with without_rights():
        message = mnist_refusal()
    assert f"No permission for {open_folder / 'MNIST'}" in message
    assert "writable" in message


class Mirror(SimpleHTTPRequestHandler):
    """Serves a folder, the bytes of each file only once the download's progress was seen."""

    seen: threading.Event

    def do_GET(self) -> None:
        self.seen.wait(10)
        super().do_GET()

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def mirror(contents, root, tmp_path, monkeypatch) -> Iterator[tuple[Path, threading.Event]]:
    """The folder that a local mirror serves, and the event that it waits for."""
    served = tmp_path / "served"
    served.mkdir()
    resources = []
    for name, content in contents.items():
        packed = gzip.compress(content)
        (served / f"{name}.gz").write_bytes(packed)
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    seen = threading.Event()
    handler = partial(type("Handler", (Mirror,), {"seen": seen}), directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    local_mirror(monkeypatch, server.server_port)
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served, seen
    seen.set()
    server.shutdown()
    thread.join()
    server.server_close()


def test_mnist_is_downloaded_with_progress_and_nothing_else_is_left(contents, root, mirror, capfd):
    _, seen = mirror
    calls = []

    def progress(what: str, share: float) -> None:
        calls.append((what, share))
        seen.set()

    check(load_dataset("mnist", progress), contents)
    assert all("MNIST" in what for what, _ in calls)
    shares = [share for _, share in calls]
    assert shares
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert list(root.iterdir()) == [root / "MNIST"]
    assert sorted(p.name for p in (root / "MNIST" / "raw").iterdir()) == sorted(contents)
    assert capfd.readouterr() == ("", "")


def test_mnist_once_downloaded_is_not_downloaded_again(contents, mirror):
    served, seen = mirror
    seen.set()
    load_dataset("mnist")
    for path in served.iterdir():
        path.unlink()
    check(load_dataset("mnist"), contents)


def test_only_the_missing_file_of_mnist_is_replaced(contents, root, mirror):
    _, seen = mirror
    seen.set()
    raw = write(contents, root)
    (raw / "t10k-labels-idx1-ubyte").unlink()
    before = (raw / "train-images-idx3-ubyte").stat().st_mtime_ns
    check(load_dataset("mnist"), contents)
    assert (raw / "train-images-idx3-ubyte").stat().st_mtime_ns == before


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # torchvision's, of a 404
@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_a_download_that_fails_halfway_leaves_no_half_data_set(fault, root, mirror):
    served, seen = mirror
    seen.set()
    path = served / "t10k-images-idx3-ubyte.gz"
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-20])
    message = mnist_refusal()
    gc.collect()
    assert "could not be downloaded" in message
    assert "MNIST_APP_DATA" in message
    assert [p for p in root.rglob("*") if p.is_file()] == []
    assert list(root.iterdir()) == [root / "MNIST"]


@pytest.mark.mnist
def test_the_real_mnist_has_60000_and_10000_images(real_data):
    dataset = load_dataset("mnist")
    assert (len(dataset.train), len(dataset.test)) == (60_000, 10_000)
    assert counts(dataset.test) == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    pixels = to_input(dataset.train.images[:10_000])
    assert pixels.mean().item() == pytest.approx(0.1307, abs=0.005)
    assert pixels.std().item() == pytest.approx(0.3081, abs=0.005)


def test_pictures_that_are_transparent_are_read_without_a_warning(folder):
    nothing = read_as_three(folder, lambda path: Image.new("RGBA", (28, 28)).save(path))
    assert not nothing.any()
    palette = Image.frombytes("P", (28, 28), bytes([0, 1, 2, 0] * 196))
    palette.putpalette([255] * 3 + [0] * 6)
    levels = bytes([0, 128, 255])
    image = read_as_three(folder, lambda path: palette.save(path, transparency=levels))
    assert image.max() == 255


def test_a_data_folder_that_is_a_file_is_named(tmp_path, monkeypatch):
    (tmp_path / "data").write_text("")
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path / "data"))
    with pytest.raises(InputError, match="MNIST_APP_DATA"):
        load_dataset("mnist")


def test_a_mirror_that_does_not_speak_http_is_no_network(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_APP_DATA", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"hello\n\n")

        threading.Thread(target=answer, daemon=True).start()
        mirror = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [mirror])
        with pytest.raises(InputError, match="could not be downloaded"):
            load_dataset("mnist")


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_the_data_sets_of_the_app_need_no_check(name):
    data.check_dataset(name)


def test_a_folder_is_checked_by_its_names_alone(folder):
    (folder / "3" / "0.png").write_bytes(b"not a picture")
    data.check_dataset(str(folder))
    (folder / "ten").mkdir()
    with pytest.raises(InputError, match="ten is not named after a digit"):
        data.check_dataset(str(folder))


def test_no_folder_at_all_is_said():
    with pytest.raises(InputError, match="No folder was given"):
        data.check_dataset(" ")
