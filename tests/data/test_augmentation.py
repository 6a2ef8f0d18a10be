import pytest
import torch
from torch import Tensor

from mnist_app.data.augmentation import augment, cut, is_active, thicken
from mnist_app.recipes.recipe import FIELDS, Recipe

N = 400


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def blurred(rows: slice, columns: slice) -> Tensor:
    """Return the same rectangle N times, with edges softened as by resampling, (N, 1, 28, 28)."""
    image = torch.zeros(1, 1, 28, 28)
    image[..., rows, columns] = 1
    image = torch.nn.functional.avg_pool2d(image, 3, stride=1, padding=1)
    return image.repeat(N, 1, 1, 1)


BAR = blurred(slice(6, 22), slice(12, 16))
SQUARE = blurred(slice(9, 19), slice(9, 19))


def centres(images: Tensor) -> Tensor:
    """Return the rows and columns of the centres of mass, (N, 2)."""
    place = torch.arange(28.0)
    flat = images[:, 0]
    mass = flat.sum(dim=(1, 2))
    return torch.stack([flat.sum(2) @ place / mass, flat.sum(1) @ place / mass], dim=1)


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the direction and the spread of the ink.

    Returns:
        (N,) angles in degrees between the longer axis and the vertical, and (N, 2) standard
        deviations along the two axes, the smaller one first.
    """
    place = torch.arange(28.0)
    flat = images[:, 0]
    mass = flat.sum(dim=(1, 2))
    middle = centres(images)
    down = place[None, :, None] - middle[:, 0, None, None]
    right = place[None, None, :] - middle[:, 1, None, None]
    yy, xx, xy = (
        (flat * product).sum(dim=(1, 2)) / mass for product in (down**2, right**2, down * right)
    )
    angles = torch.rad2deg(0.5 * torch.atan2(2 * xy, yy - xx))
    covariances = torch.stack([torch.stack([yy, xy], 1), torch.stack([xy, xx], 1)], 1)
    return angles, torch.linalg.eigvalsh(covariances).sqrt()


def mass(images: Tensor) -> Tensor:
    return images.sum(dim=(1, 2, 3))


@pytest.mark.parametrize(
    ("changes", "active"),
    [
        ({}, False),
        ({"rotation": 0.5}, True),
        ({"shift": 1}, True),
        ({"zoom": 0.1}, True),
        ({"stretch": 0.1}, True),
        ({"shear": 1}, True),
        ({"elastic": 0.1}, True),
        ({"thickness": 0.1}, True),
        ({"gaps": 0.01}, True),
        ({"pen_copies": 3, "redrawn": 0.5, "non_digits": 10, "averaging": 0.9}, False),
        ({"dropout": 0.5}, False),
    ],
)
def test_augmentation_is_active_when_any_amount_is_given(changes, active):
    assert is_active(Recipe(**changes)) is active


def test_amounts_of_zero_change_nothing():
    images = torch.rand(20, 1, 28, 28)
    assert torch.allclose(augment(images, Recipe()), images, atol=1e-4)


EVERYTHING = {
    "rotation": 20,
    "shift": 3,
    "zoom": 0.3,
    "stretch": 0.3,
    "shear": 20,
    "elastic": 1,
    "thickness": 1,
    "gaps": 1,
}


@pytest.mark.parametrize("changes", [*({key: EVERYTHING[key]} for key in EVERYTHING), EVERYTHING])
def test_each_picture_is_changed_in_its_own_way(changes):
    out = augment(torch.rand(1, 1, 28, 28).repeat(8, 1, 1, 1), Recipe(**changes))
    different = [not torch.equal(out[i], out[j]) for i in range(8) for j in range(i)]
    assert all(different)


def test_the_same_seed_gives_the_same_changes_and_the_next_batch_others():
    recipe = Recipe(**EVERYTHING)
    first, second = augment(BAR, recipe), augment(BAR, recipe)
    torch.manual_seed(0)
    assert torch.equal(augment(BAR, recipe), first)
    assert not torch.equal(first, second)


def test_a_picture_is_turned_both_ways_up_to_the_limit_and_keeps_its_form():
    out = augment(BAR, Recipe(rotation=30))
    angles, deviations = moments(out)
    assert -30.5 < angles.min() < -27
    assert 27 < angles.max() < 30.5
    assert angles.mean().abs() < 3
    assert torch.allclose(centres(out), centres(BAR), atol=0.1)
    assert torch.allclose(mass(out), mass(BAR), rtol=0.03)
    assert torch.allclose(deviations, moments(BAR)[1], rtol=0.06)


def test_a_picture_is_shifted_in_all_directions_up_to_the_limit_and_keeps_its_form():
    out = augment(SQUARE, Recipe(shift=3))
    moved = centres(out) - centres(SQUARE)
    assert moved.abs().max() < 3.01
    assert (moved.amax(dim=0) > 2.8).all()
    assert (moved.amin(dim=0) < -2.8).all()
    assert torch.corrcoef(moved.T)[0, 1].abs() < 0.2
    assert torch.allclose(mass(out), mass(SQUARE), rtol=0.001)


def test_a_shift_of_whole_pixels_is_counted_in_pixels_whatever_the_zoom_of_others():
    moved = centres(augment(SQUARE, Recipe(shift=6))) - centres(SQUARE)
    assert 5.5 < moved.abs().max() < 6.01


def test_a_picture_is_zoomed_in_and_out_up_to_the_limit_evenly():
    out = augment(SQUARE, Recipe(zoom=0.3))
    factors = moments(out)[1] / moments(SQUARE)[1]
    assert 0.68 < factors.min() < 0.75
    assert 1.25 < factors.max() < 1.32
    assert torch.allclose(factors[:, 0], factors[:, 1], rtol=0.02)
    assert torch.allclose(centres(out), centres(SQUARE), atol=0.05)


def test_what_comes_into_the_picture_is_ground_and_values_stay_in_range():
    limits = {key: FIELDS[key].limits[1] for key in EVERYTHING}
    recipe = Recipe(**limits)
    out = augment(torch.ones(N, 1, 28, 28), recipe)
    assert out.min() == 0
    assert out.max() <= 1 + 1e-5
    assert (out[:, 0, 0, 0] < 0.01).any()
    assert out.isfinite().all()
    assert not augment(torch.zeros(N, 1, 28, 28), recipe).any()


def test_shape_and_type_are_kept_and_the_originals_left_alone():
    images = BAR[:3].clone()
    out = augment(images, Recipe(**EVERYTHING))
    assert out.shape == (3, 1, 28, 28)
    assert out.dtype == torch.float32
    assert torch.equal(images, BAR[:3])


# Stretch and shear


def spreads(images: Tensor) -> Tensor:
    """Return the standard deviations of the ink, vertical and horizontal, (N, 2)."""
    place = torch.arange(28.0)
    flat, middle = images[:, 0], centres(images)
    out = []
    for axis in (0, 1):
        profile = flat.sum(dim=2 - axis)  # (N, 28)
        away = (place[None] - middle[:, axis, None]) ** 2
        out.append(((profile * away).sum(dim=1) / mass(images)).sqrt())
    return torch.stack(out, dim=1)


def test_a_picture_is_stretched_both_ways_up_to_the_limit_and_keeps_its_size():
    factors = spreads(augment(SQUARE, Recipe(stretch=0.4))) / spreads(SQUARE)
    ratios = (factors[:, 1] / factors[:, 0]).log()
    assert -0.42 < ratios.min() < -0.36
    assert 0.36 < ratios.max() < 0.42
    assert ratios.mean().abs() < 0.05
    assert torch.allclose(factors.prod(dim=1), torch.tensor(1.0), atol=0.03)


def test_a_stretched_picture_stays_upright_and_in_its_place():
    out = augment(SQUARE, Recipe(stretch=0.4))
    assert torch.allclose(centres(out), centres(SQUARE), atol=0.05)
    assert torch.allclose(out, out.flip(3), atol=1e-4)
    assert torch.allclose(out, out.flip(2), atol=1e-4)


def test_a_picture_is_slanted_both_ways_up_to_the_limit_and_keeps_its_lines():
    out = augment(BAR, Recipe(shear=20))
    place = torch.arange(28.0)
    rows = out[:, 0, 8:20]
    middles = rows @ place / rows.sum(dim=2)  # (N, 12), the bar's middle in each row
    slopes = (middles[:, -1] - middles[:, 0]) / 11
    angles = torch.rad2deg(torch.atan(slopes))
    assert -20.5 < angles.min() < -18
    assert 18 < angles.max() < 20.5
    assert angles.mean().abs() < 2
    straight = middles[:, :1] + slopes[:, None] * torch.arange(12.0)
    assert (middles - straight).abs().max() < 0.05
    assert torch.allclose(out.sum(dim=3), BAR.sum(dim=3), atol=0.02)
    assert torch.allclose(centres(out), centres(BAR), atol=0.05)


# Bending


def displacements(pixels: float) -> Tensor:
    """Return how many pixels further to the right each pixel is taken from, (N, 20, 20)."""
    ramp = torch.arange(28.0).expand(N, 1, 28, 28).contiguous()
    inner = slice(4, 24)
    return (augment(ramp, Recipe(elastic=pixels)) - ramp)[:, 0, inner, inner]


@pytest.mark.parametrize("pixels", [0.35, 1.0])
def test_pictures_are_bent_by_about_the_pixels_wanted(pixels):
    moved = displacements(pixels)
    assert 0.5 * pixels < moved.std() < 1.1 * pixels
    assert moved.mean().abs() < 0.1 * pixels
    assert moved.abs().max() < 5 * pixels


def test_bending_is_smooth_and_different_from_place_to_place():
    moved = displacements(1.0)
    assert moved.diff(dim=1).abs().max() < 1.5
    assert moved.diff(dim=2).std() < 0.3
    far = torch.corrcoef(torch.stack([moved[:, 0, 0], moved[:, -1, -1]]))[0, 1]
    near = torch.corrcoef(torch.stack([moved[:, 0, 0], moved[:, 1, 1]]))[0, 1]
    assert far.abs() < 0.2
    assert near > 0.9


def test_bending_goes_up_and_down_too():
    ramp = torch.arange(28.0)[:, None].expand(N, 1, 28, 28).contiguous()
    moved = (augment(ramp, Recipe(elastic=1.0)) - ramp)[:, 0, 4:24, 4:24]
    assert 0.5 < moved.std() < 1.1


# Thickness


def upright_bar() -> Tensor:
    images = torch.zeros(N, 1, 28, 28)
    images[..., 12:16] = 1
    return images


@pytest.mark.parametrize("pixels", [0.3, 1.0])
def test_strokes_get_thicker_by_the_pixels_on_each_side_and_thinner_by_half_of_that(pixels):
    widths = augment(upright_bar(), Recipe(thickness=pixels))[:, 0, 14].sum(dim=1)
    changes = (widths - 4) / 2
    assert 0.95 * pixels < changes.max() <= pixels + 1e-4
    assert -0.5 * pixels - 1e-4 <= changes.min() < -0.47 * pixels
    assert (changes > 0).float().mean() == pytest.approx(2 / 3, abs=0.1)


def test_a_thickened_picture_stays_in_its_place_and_in_range():
    out = thicken(BAR, 1.0)
    assert torch.allclose(centres(out), centres(BAR), atol=1e-4)
    assert out.min() >= 0
    assert out.max() <= 1
    assert not thicken(torch.zeros(3, 1, 28, 28), 1.0).any()


# Gaps


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_share_of_pictures_wanted_gets_one_gap_the_others_none(share):
    out = augment(torch.ones(N, 1, 28, 28), Recipe(gaps=share))
    lost = (1 - out[:, 0, 2:26, 2:26]).sum(dim=(1, 2))
    is_cut = lost > 0.5
    assert is_cut.float().mean() == pytest.approx(share, abs=0.08)
    assert lost[~is_cut].abs().max() < 1e-3 if share < 1 else is_cut.all()


def test_a_gap_is_a_small_round_hole_within_the_middle_20_pixels():
    lost = 1 - cut(torch.ones(N, 1, 28, 28), 1.0)
    sizes = lost.sum(dim=(1, 2, 3))
    assert sizes.min() > 3.1  # a radius of 1 pixel and a soft rim
    assert sizes.max() < 3.1416 * 3.2**2
    middles, (wide, high) = centres(lost), (spreads(lost) * 2).unbind(1)
    assert middles.min() > 3
    assert middles.max() < 24
    assert (middles.amax(dim=0) > 22).all()
    assert (middles.amin(dim=0) < 5).all()
    assert torch.allclose(wide, high, rtol=0.15)
    assert (lost.amax(dim=(1, 2, 3)) > 0.9).all()


def test_a_gap_wipes_ink_and_adds_none():
    out = cut(BAR, 1.0)
    assert (out <= BAR).all()
    assert not cut(torch.zeros(5, 1, 28, 28), 1.0).any()
    assert torch.equal(cut(BAR, 0.0), BAR)
