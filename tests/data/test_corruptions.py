"""Images that are degraded by a measured amount."""

import pytest
import torch

from mnist_app.data.corruptions import CORRUPTIONS, corrupt, corrupt_all


@pytest.fixture
def images() -> torch.Tensor:
    """Three equal images of a bright square, 6x6 pixels, away from the middle."""
    made = torch.zeros(3, 1, 28, 28)
    made[:, :, 8:14, 10:16] = 0.8
    return made


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_the_neutral_amount_changes_nothing_and_others_do(kind, images):
    corruption = CORRUPTIONS[kind]
    assert torch.equal(corrupt(images, kind, corruption.neutral), images)
    assert corruption.neutral in corruption.levels
    for amount in {*corruption.levels, corruption.least, corruption.most} - {corruption.neutral}:
        assert corruption.least <= amount <= corruption.most
        changed = corrupt(images, kind, amount)
        assert changed.shape == images.shape
        assert changed.dtype == torch.float32
        assert not torch.equal(changed, images)
        assert changed.min() >= 0
        assert changed.max() <= 1
        assert torch.equal(changed, corrupt(images, kind, amount))


def test_the_images_that_are_given_stay_as_they_are(images):
    before = images.clone()
    for kind, corruption in CORRUPTIONS.items():
        corrupt(images, kind, corruption.most)
    assert torch.equal(images, before)


def test_blur_spreads_the_ink_and_keeps_its_sum_and_place(images):
    blurred = corrupt(images, "blur", 1.5)
    assert blurred.sum().item() == pytest.approx(images.sum().item(), rel=1e-4)
    assert blurred.max() < images.max()
    place = torch.arange(28.0)
    rows = blurred[0, 0].sum(dim=1)
    centre = (rows @ place / rows.sum()).item()
    assert centre == pytest.approx(10.5, abs=1e-3)
    variance = (rows @ (place - centre) ** 2 / rows.sum()).item()
    assert variance == pytest.approx(35 / 12 + 1.5**2, rel=0.02)


def test_noise_has_the_deviation_that_is_asked_for_and_depends_on_its_seed():
    grey = torch.full((20, 1, 28, 28), 0.5)
    noisy = corrupt(grey, "noise", 0.1)
    assert noisy.std().item() == pytest.approx(0.1, rel=0.03)
    assert not torch.equal(noisy, corrupt(grey, "noise", 0.1, seed=1))


def test_rotation_is_anticlockwise(images):
    turned = corrupt(images, "rotation", 90)
    assert torch.allclose(turned, torch.rot90(images, 1, dims=(2, 3)), atol=1e-4)


def test_a_shift_is_to_the_right_by_pixels(images):
    assert torch.allclose(corrupt(images, "shift", 3), images.roll(3, dims=3), atol=1e-5)
    assert torch.allclose(corrupt(images, "shift", -2), images.roll(-2, dims=3), atol=1e-5)


def test_contrast_is_a_factor(images):
    assert torch.allclose(corrupt(images, "contrast", 0.5), images / 2)
    assert corrupt(images, "contrast", 2).max() == 1


@pytest.mark.parametrize(("amount", "side"), [(1, 8), (2, 10), (-1, 4)])
def test_strokes_grow_and_shrink_on_each_side(amount, side, images):
    changed = corrupt(images, "thickness", amount)
    assert (changed[0] > 0).sum() == side**2
    assert changed.max() == images.max()


def test_half_a_pixel_is_half_way(images):
    half, whole = corrupt(images, "thickness", 0.5), corrupt(images, "thickness", 1)
    assert torch.allclose(half, (images + whole) / 2)


def test_several_are_applied_in_a_fixed_order(images):
    amounts = {"contrast": 0.5, "shift": 3, "blur": 1}
    by_hand = corrupt(corrupt(corrupt(images, "blur", 1), "shift", 3), "contrast", 0.5)
    assert torch.equal(corrupt_all(images, amounts), by_hand)
    assert torch.equal(corrupt_all(images, {}), images)


def test_an_unknown_kind_is_a_mistake_of_the_caller(images):
    with pytest.raises(KeyError):
        corrupt(images, "rain", 1)
