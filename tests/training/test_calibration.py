import json
import math

import pytest
import torch
from torch import Tensor

from mnist_app.recipes.recipe import Recipe
from mnist_app.training.calibration import REFUSED, Calibration, calibrate, calibration_error
from mnist_app.training.evaluation import probabilities

N = 8000


def honest(outputs: int = 10) -> tuple[Tensor, Tensor]:
    """Logits and labels whose probabilities are right: labels are drawn from them."""
    generator = torch.Generator().manual_seed(0)
    logits = 2.5 * torch.randn(N, outputs, generator=generator)
    if outputs > 10:
        logits[:, 10:] -= 30  # digits alone
    shares = torch.softmax(logits, dim=1)[:, :10]
    return logits, torch.multinomial(shares, 1, generator=generator).flatten()


def sigmoid_logits() -> tuple[Tensor, Tensor]:
    logits, labels = honest()
    shares = torch.softmax(logits, dim=1).clamp(1e-6, 1 - 1e-6)
    return shares.logit(), labels  # sigmoid outputs that sum to 1


# Temperature


@pytest.mark.parametrize("factor", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("outputs", [10, 11])
def test_logits_that_are_too_great_by_a_factor_are_divided_by_it(factor, outputs):
    logits, labels = honest(outputs)
    calibration = calibrate(factor * logits, labels, Recipe())
    assert calibration.temperature == pytest.approx(factor, rel=0.05)
    assert calibration.n == N


def test_sigmoid_outputs_that_are_right_already_are_left_alone():
    logits, labels = sigmoid_logits()
    calibration = calibrate(logits, labels, Recipe(loss="mse"))
    assert calibration.temperature == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_confidence_means_what_it_says_once_it_is_calibrated(factor):
    logits, labels = honest()
    calibration = calibrate(factor * logits, labels, Recipe())

    def error(temperature: float) -> float:
        confidence, answers = probabilities(factor * logits, Recipe(), temperature).max(dim=1)
        return calibration_error(confidence, answers == labels)

    assert error(calibration.temperature) < 0.03 < error(1.0)


def test_the_answers_are_the_same_at_every_temperature():
    logits, _ = honest()
    rows = [probabilities(logits, Recipe(), temperature) for temperature in (0.1, 1, 10)]
    assert all(torch.equal(row.argmax(dim=1), rows[0].argmax(dim=1)) for row in rows)


@pytest.mark.parametrize("right", [True, False])
def test_a_network_that_is_always_right_or_never_has_a_temperature_within_bounds(right):
    labels = torch.arange(100) % 10
    logits = 5 * torch.nn.functional.one_hot(labels if right else (labels + 1) % 10, 10).float()
    calibration = calibrate(logits, labels, Recipe())
    assert 0.04 < calibration.temperature < 21
    assert calibration.accuracy[0] == float(right)


def test_a_small_validation_set_without_an_error_does_not_make_a_network_surer():
    labels = torch.arange(70) % 10
    logits = 4 * torch.nn.functional.one_hot(labels, 10).float()
    calibration = calibrate(logits, labels, Recipe())
    assert calibration.temperature == pytest.approx(1, abs=0.01)
    sure = calibrate(100 * logits, labels, Recipe())
    assert sure.threshold <= 0.9


def test_where_nothing_is_answered_no_answer_is_wrong():
    calibration = calibrate(torch.zeros(20, 10), torch.arange(20) % 10, Recipe())
    assert calibration.coverage[-1] == 0
    assert calibration.accuracy[-1] == 1


# Threshold, coverage and accuracy


@pytest.mark.parametrize("outputs", [10, 11])
def test_the_threshold_refuses_about_the_stated_share_of_the_digits(outputs):
    logits, labels = honest(outputs)
    calibration = calibrate(3 * logits, labels, Recipe())
    rows = probabilities(3 * logits.double(), Recipe(), calibration.temperature)
    refused = rows[:, :10].amax(dim=1) < calibration.threshold
    assert refused.double().mean().item() == pytest.approx(REFUSED, abs=0.001)


def test_the_higher_the_threshold_the_fewer_answers_and_the_more_of_them_right():
    calibration = calibrate(*honest(), Recipe())
    thresholds, coverage, accuracy = (
        calibration.thresholds,
        calibration.coverage,
        calibration.accuracy,
    )
    assert len(thresholds) == len(coverage) == len(accuracy)
    assert list(thresholds) == sorted(set(thresholds))
    assert thresholds[0] == 0
    assert thresholds[-1] > 0.99
    assert list(coverage) == sorted(coverage, reverse=True)
    assert coverage[0] == 1
    assert coverage[-1] < 0.2
    assert accuracy[-1] > accuracy[50] > accuracy[0]


def test_coverage_and_accuracy_are_those_of_a_count_by_hand():
    confidence = torch.tensor([0.3, 0.5, 0.7, 0.9]).double()
    rows = ((1 - confidence) / 9)[:, None].repeat(1, 10)
    rows[torch.arange(4), torch.tensor([0, 1, 2, 3])] = confidence
    calibration = calibrate(rows.log(), torch.tensor([0, 5, 2, 3]), Recipe())
    sure = probabilities(rows.log(), Recipe(), calibration.temperature).amax(dim=1)
    middle = (sure[1] + sure[2]).item() / 2
    below = next(t for t in calibration.thresholds if sure[1] < t < sure[2] and t > middle - 0.01)
    place = calibration.thresholds.index(below)
    assert (calibration.coverage[place], calibration.accuracy[place]) == (0.5, 1.0)
    assert (calibration.coverage[0], calibration.accuracy[0]) == (1.0, 0.75)


def test_confidence_is_that_of_being_this_digit_and_not_of_the_digits_alone():
    logits = torch.zeros(50, 11)
    logits[:, 3] = 10
    logits[:, 10] = 10  # as probably not a digit
    calibration = calibrate(logits, torch.full((50,), 3), Recipe())
    assert max(
        t for t, c in zip(calibration.thresholds, calibration.coverage, strict=True) if c
    ) == (pytest.approx(0.5, abs=0.02))


@pytest.mark.parametrize(
    ("threshold", "place"), [(0.0, 0), (0.04, 0), (0.3, 1), (0.56, 1), (0.8, 2), (1.0, 2)]
)
def test_a_threshold_takes_the_nearest_that_was_measured(threshold, place):
    calibration = Calibration(
        thresholds=(0.0, 0.5, 0.9), coverage=(1.0, 0.8, 0.4), accuracy=(0.9, 0.95, 0.99), n=100
    )
    assert calibration.at(threshold) == [(1.0, 0.9), (0.8, 0.95), (0.4, 0.99)][place]


def test_without_a_measurement_there_is_nothing_to_tell_and_nothing_is_refused():
    calibration = Calibration()
    assert calibration.overall_accuracy is None
    assert calibration.at(0.5) is None
    assert (calibration.temperature, calibration.threshold, calibration.n) == (1.0, 0.0, 0)


def test_a_calibration_survives_a_journey_through_json():
    calibration = calibrate(*honest(), Recipe())
    assert Calibration(**json.loads(calibration.model_dump_json())) == calibration


# Error


def test_predictions_as_sure_as_they_are_right_have_no_error():
    confidence = torch.tensor([0.75] * 4 + [0.5] * 2)
    right = torch.tensor([True, True, True, False, True, False])
    assert calibration_error(confidence, right) == pytest.approx(0)


def test_predictions_that_are_too_sure_have_the_error_of_a_computation_by_hand():
    confidence = torch.tensor([0.95] * 4 + [0.55] * 6)
    right = torch.tensor([True, False, True, False] + [True] * 3 + [False] * 3)
    by_hand = 0.4 * (0.95 - 0.5) + 0.6 * (0.55 - 0.5)
    assert calibration_error(confidence, right) == pytest.approx(by_hand)


def test_gaps_of_different_bins_do_not_cancel():
    confidence = torch.tensor([0.9, 0.9, 0.3, 0.3])
    right = torch.tensor([True, False, True, False])
    assert calibration_error(confidence, right) == pytest.approx((0.4 + 0.2) / 2)


def test_full_confidence_belongs_to_the_last_bin():
    assert calibration_error(torch.ones(4), torch.tensor([True] * 4)) == 0
    assert calibration_error(torch.ones(4), torch.tensor([False] * 4)) == 1
    assert calibration_error(torch.tensor([0.999, 1.0]), torch.tensor([True, False])) == (
        pytest.approx(0.4995)
    )


def test_many_honest_predictions_have_hardly_any_error_and_sharpened_ones_much():
    generator = torch.Generator().manual_seed(0)
    confidence = torch.rand(N, generator=generator)
    right = torch.rand(N, generator=generator) < confidence
    assert calibration_error(confidence, right) < 0.02
    assert calibration_error((confidence + 0.2).clamp(max=1), right) == pytest.approx(
        0.18, abs=0.02
    )
    assert not math.isnan(calibration_error(confidence[:1], right[:1]))
