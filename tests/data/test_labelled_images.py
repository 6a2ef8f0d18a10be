"""Digits in memory: splits, samples, fingerprints."""

import pytest
import torch
from numbered import counts, numbered, numbers

from mnist_app.common.errors import InputError
from mnist_app.data.labelled_images import Digits, split, take, to_input

COUNTS = [20, 40, 60, 80, 100, 20, 40, 60, 80, 100]


# Splits


def test_a_split_is_complete_and_disjoint_and_keeps_every_label_with_its_image():
    digits = numbered(COUNTS)
    rest, share = split(digits, 0.25, 0)
    assert sorted(numbers(rest) + numbers(share)) == list(range(600))
    for part in (rest, share):
        assert torch.equal(part.labels, digits.labels[numbers(part)])
        assert part.name == "numbered"


@pytest.mark.parametrize("seed", [0, 1])
def test_a_split_in_place_gives_the_same_in_the_memory_of_the_whole(seed):
    expected = split(numbered([n * 100 for n in COUNTS]), 0.25, seed)
    digits = numbered([n * 100 for n in COUNTS])
    parts = split(digits, 0.25, seed, in_place=True)
    for part, other in zip(parts, expected, strict=True):
        assert torch.equal(part.images, other.images)
        assert torch.equal(part.labels, other.labels)
    assert parts[0].images.data_ptr() == digits.images.data_ptr()


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
    with pytest.raises(
        InputError, match=rf"numbered has too few images of the digit 7 \({few}\).*2"
    ):
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
