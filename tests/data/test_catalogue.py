"""Data sets by name, and the images that one training uses from them."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from numbered import counts
from sklearn.datasets import load_digits
from torch import Tensor

from mnist_app.common.errors import InputError
from mnist_app.data import bundled as bundled_digits
from mnist_app.data import catalogue, rendering, training_data
from mnist_app.data.catalogue import load_dataset
from mnist_app.data.labelled_images import Dataset, Digits, split, take
from mnist_app.data.training_data import prepare
from mnist_app.drawing import pen
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe


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


@pytest.mark.parametrize("is_found", [True, False], ids=["from the file", "from scikit-learn"])
def test_the_bundled_digits_are_those_of_scikit_learn(is_found, monkeypatch):
    if not is_found:
        monkeypatch.setattr("mnist_app.data.bundled.find_spec", lambda _name: None)
    table, theirs = bundled_digits._uci_digits(), load_digits()
    assert np.array_equal(table[:, :-1].reshape(-1, 8, 8), theirs.images)
    assert np.array_equal(table[:, -1], theirs.target)


def test_a_training_on_the_bundled_digits_does_not_wait_for_scikit_learn():
    code = "import sys; from mnist_app.data.catalogue import load_bundled; load_bundled(); "
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit('sklearn' in sys.modules)"], check=False
    )
    assert done.returncode == 0


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


# The images that one training uses


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


# Drawings added to the images


@pytest.fixture
def pens(root: Path) -> list[pen.PenDigit]:
    """Pen strokes in the data folder: a 1 and a 7 by each of twenty writers."""
    strokes = {1: [[[0, 0], [0, 100]]], 7: [[[0, 0], [60, 0], [20, 100]]]}
    lines = [
        json.dumps({"label": label, "writer": f"w{writer}", "strokes": strokes[label]})
        for writer in range(20)
        for label in (1, 7)
    ]
    (root / "pendigits").mkdir(parents=True)
    (root / "pendigits" / "strokes.jsonl").write_text("\n".join(lines))
    return training_data.load_pen_digits()


SMALL = Recipe(dataset="digits", subset=100)


def plain_parts(**changes) -> training_data.TrainingData:
    return prepare(SMALL.changed(**changes))


def test_pen_strokes_are_read_from_the_data_folder(pens):
    assert len(pens) == 40
    assert {digit.writer for digit in pens} == {f"w{writer}" for writer in range(20)}


@pytest.mark.usefixtures("root")
def test_without_pen_strokes_at_hand_training_goes_on_without_them():
    assert training_data.load_pen_digits() == []
    parts, plain = plain_parts(pen_copies=4), plain_parts()
    assert parts.train.fingerprint == plain.train.fingerprint
    assert parts.val.fingerprint == plain.val.fingerprint
    assert parts.train.name == "digits without pen strokes"


def test_missing_pen_strokes_are_said_with_their_place_and_the_remedy(root):
    said = training_data.missing_strokes_notice(RECIPES["canvas"])
    assert str(root / "pendigits") in said
    assert "pendigits-orig.tra" in said
    assert training_data.missing_strokes_notice(RECIPES["lenet5"]) is None
    (root / "pendigits").mkdir(parents=True)
    assert training_data.missing_strokes_notice(RECIPES["canvas"]) is None


def test_pen_strokes_that_cannot_be_read_are_named(root):
    (root / "pendigits").mkdir(parents=True)
    (root / "pendigits" / "strokes.jsonl").write_text("{")
    with pytest.raises(InputError, match=r"strokes\.jsonl"):
        plain_parts(pen_copies=1)
    assert plain_parts().train.name == "digits"


@pytest.mark.parametrize("copies", [1, 3])
def test_the_pen_strokes_of_most_writers_are_added_so_many_times(copies, pens):
    parts, plain = plain_parts(pen_copies=copies), plain_parts()
    n, added = len(plain.train), 32 * copies  # two digits by each of 16 writers
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

    draw = rendering.draw_pen_digits
    monkeypatch.setattr(rendering, "draw_pen_digits", remember)
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
    assert torch.equal(parts.train.images[n:], rendering.redraw(again.images))
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
        "Drawing the non-digits",
    ]
    assert all(0 <= share <= 1 for _, share in told)


@pytest.mark.usefixtures("pens")
def test_numbers_among_what_is_no_digit_are_never_of_the_writers_held_out(monkeypatch):
    given = []

    def remember(count, seed, digits=(), progress=None):
        given.append({digit.writer for digit in digits})
        return draw(count, seed, digits)

    draw = rendering.draw_non_digits
    monkeypatch.setattr(rendering, "draw_non_digits", remember)
    plain_parts(non_digits=5, pen_copies=1)
    plain_parts(non_digits=5)
    assert [len(writers) for writers in given] == [16, 0]


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_the_data_sets_of_the_app_need_no_check(name):
    catalogue.check_dataset(name)


@pytest.mark.parametrize("name", ["~nobodyx/pics", "x" * 5000, "a\0b"])
@pytest.mark.parametrize("use", [catalogue.check_dataset, catalogue.load_dataset])
def test_a_path_that_no_folder_can_have_is_said(use, name):
    with pytest.raises(InputError, match="check it"):
        use(name)


def test_no_folder_at_all_is_said():
    with pytest.raises(InputError, match="No folder was given"):
        catalogue.check_dataset(" ")


def test_an_upload_is_found_although_the_folder_of_uploads_was_moved(weights_folder):
    uploads = weights_folder / ".datasets"
    uploads.mkdir(parents=True)
    with zipfile.ZipFile(uploads / "mine-0123456789.zip", "w") as archive:
        for digit in range(10):
            for number in range(5):
                archive.writestr(f"{digit}/{number}.png", b"a name is enough")
    for name in ("weights/.datasets/mine-0123456789.zip", "/gone/.datasets/mine-0123456789.zip"):
        catalogue.check_dataset(name)
    for name in ("weights/.datasets/other.zip", "elsewhere/mine-0123456789.zip"):
        with pytest.raises(InputError):
            catalogue.check_dataset(name)
