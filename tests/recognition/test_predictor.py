import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mnist_app.common.errors import InputError
from mnist_app.data.labelled_images import split
from mnist_app.data.training_data import TrainingData
from mnist_app.drawing.normal_form import to_mnist
from mnist_app.drawing.segmentation import Box
from mnist_app.networks import models
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition.predictor import (
    BLANK,
    Found,
    Prediction,
    Predictor,
    default_network,
    number_text,
    with_threshold,
)
from mnist_app.results import weights
from mnist_app.training.calibration import Calibration
from mnist_app.training.evaluation import probabilities
from mnist_app.training.loop import train


def drawing(x: int = 140) -> np.ndarray:
    rgba = np.zeros((280, 280, 4), dtype=np.uint8)
    rgba[..., 3] = 255
    rgba[40:240, x : x + 20, :3] = 255
    return rgba


EMPTY_CANVAS = np.zeros((280, 280, 4), dtype=np.uint8)


@pytest.fixture
def predictor() -> Predictor:
    torch.manual_seed(0)
    recipe = Recipe(model="lenet5")
    return Predictor(models.from_recipe(recipe), recipe)


def test_a_drawing_becomes_a_prediction(predictor):
    prediction = predictor.predict(drawing())
    assert prediction.digit == int(prediction.probabilities.argmax())
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.sum() == pytest.approx(1)
    assert prediction.confidence == pytest.approx(prediction.probabilities.max())
    assert np.array_equal(prediction.image, to_mnist(drawing())[0, 0].numpy())


@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_probabilities_sum_to_one_whatever_the_outputs(loss):
    recipe = Recipe(model="mlp-300", loss=loss)
    prediction = Predictor(models.from_recipe(recipe), recipe).predict(drawing())
    assert prediction.probabilities.sum() == pytest.approx(1)


def test_a_blank_canvas_is_no_digit(predictor):
    prediction = predictor.predict(EMPTY_CANVAS)
    assert prediction.digit is None
    assert prediction.nearest is None
    assert prediction.is_blank
    assert not prediction.is_refused
    assert prediction.confidence == 0
    assert not prediction.image.any()
    assert prediction.probabilities.sum() == pytest.approx(1)


def test_many_at_once_are_as_one_by_one(predictor):
    drawings = [
        drawing(40),
        EMPTY_CANVAS,
        drawing(200)[::-1].copy(),
        drawing()[:, :, :].transpose(1, 0, 2),
    ]
    together = predictor.predict_many(drawings)
    for one, many in zip(map(predictor.predict, drawings), together, strict=True):
        assert one.digit == many.digit
        assert one.probabilities == pytest.approx(many.probabilities, abs=1e-6)


def test_the_top_three_are_the_most_probable_in_order(predictor):
    prediction = predictor.predict(drawing())
    expected = sorted(enumerate(prediction.probabilities), key=lambda pair: -pair[1])[:3]
    assert prediction.top(3) == [(digit, pytest.approx(p)) for digit, p in expected]


def test_a_predictor_is_not_in_training_mode(stripes, weights_folder):
    recipe = Recipe(model="mlp-128-64", dropout=0.9, epochs=1)
    rest, val = split(stripes, 0.2, 0)
    end = list(train(recipe, rest, val, val))[-1]
    info = weights.info_of(end, TrainingData(rest, val, val, ""))
    weights.save("dropped", end.network.train(), info)
    predictor = Predictor.load("dropped")
    first, second = predictor.predict(drawing()), predictor.predict(drawing())
    assert np.array_equal(first.probabilities, second.probabilities)
    assert predictor.info.name == default_network() == "dropped"


def test_without_weights_there_is_no_default_network(weights_folder):
    with pytest.raises(InputError, match="train some"):
        default_network()


# What is no digit

ELEVEN = Recipe(model="mlp-128-64", non_digits=5)


class Fixed(nn.Module):
    """A network that always answers the same logits."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(x), -1)


def predicted(*shares: float, calibration: Calibration | None = None) -> Prediction:
    """What is made of a drawing for which a network answers these probabilities."""
    recipe = ELEVEN if len(shares) == 11 else Recipe(model="mlp-128-64")
    predictor = Predictor(Fixed(*torch.tensor(shares).log().tolist()), recipe)
    predictor.calibration = calibration or Calibration(threshold=0.5)
    return predictor.predict(drawing())


NO_DIGIT = (0.02,) * 4 + (0.22,) + (0.02,) * 5 + (0.6,)
FOUR = (0.01,) * 4 + (0.81,) + (0.01,) * 5 + (0.1,)


def test_a_drawing_that_is_probably_no_digit_is_refused_and_keeps_the_nearest():
    prediction = predicted(*NO_DIGIT)
    assert prediction.digit is None
    assert prediction.nearest == 4
    assert prediction.is_refused
    assert not prediction.is_blank
    assert prediction.confidence == pytest.approx(0.22)
    assert np.array_equal(prediction.image, to_mnist(drawing())[0, 0].numpy())


def test_a_drawing_that_is_a_digit_is_answered():
    prediction = predicted(*FOUR)
    assert (prediction.digit, prediction.nearest, prediction.is_refused) == (4, 4, False)
    assert prediction.confidence == pytest.approx(0.81)


@pytest.mark.parametrize("shares", [FOUR, NO_DIGIT])
def test_the_ten_probabilities_are_those_of_the_digits_if_it_is_one(shares):
    prediction = predicted(*shares)
    assert prediction.probabilities.shape == (10,)
    assert prediction.probabilities.sum() == pytest.approx(1)
    expected = np.array(shares[:10]) / sum(shares[:10])
    assert prediction.probabilities == pytest.approx(expected, abs=1e-6)
    assert prediction.top(1) == [(4, pytest.approx(expected[4], abs=1e-6))]


def test_nothing_but_no_digit_still_gives_probabilities():
    predictor = Predictor(Fixed(*[-1e4] * 10, 1e4), ELEVEN)
    predictor.calibration = Calibration(threshold=0.5)
    prediction = predictor.predict(drawing())
    assert prediction.is_refused
    assert prediction.confidence == 0
    assert prediction.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("threshold", "digit"), [(0.0, 4), (0.21, 4), (0.23, None), (0.9, None), (1.0, None)]
)
def test_a_prediction_is_answered_where_its_confidence_reaches_a_threshold(threshold, digit):
    prediction = predicted(*NO_DIGIT).at(threshold)
    assert prediction.digit == digit
    assert prediction.is_refused is (digit is None)
    assert prediction.nearest == 4
    assert prediction.confidence == pytest.approx(0.22)
    assert prediction.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(("threshold", "text"), [(0.4, "44"), (0.5, "?4"), (1.0, "?4")])
def test_in_a_number_half_the_threshold_is_enough(threshold, text):
    row = [Found(Box(0, 0, 9, 9), predicted(*shares)) for shares in (NO_DIGIT, FOUR)]
    assert number_text(with_threshold(row, threshold)) == text
    assert number_text(with_threshold(row[:1], threshold)) == "?"


def test_a_network_without_measured_confidence_refuses_what_is_rather_no_digit():
    predictor = Predictor(Fixed(*torch.tensor(NO_DIGIT).log().tolist()), ELEVEN)
    assert predictor.predict(drawing()).is_refused
    assert Predictor(Fixed(*[0.0] * 10), Recipe()).predict(drawing()).digit is not None


def test_confidence_that_just_reaches_the_threshold_is_enough():
    prediction = predicted(*FOUR)
    assert prediction.at(prediction.confidence).digit == 4


@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_a_blank_canvas_is_blank_at_every_threshold(threshold):
    prediction = BLANK.at(threshold)
    assert prediction.digit is None
    assert prediction.is_blank
    assert not prediction.is_refused


def test_without_a_calibration_a_digit_is_always_answered(predictor):
    assert predictor.calibration == Calibration()
    assert predictor.predict(drawing()).digit is not None


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_confidence_is_calibrated_by_the_temperature(temperature):
    shares = (0.55, *(0.05,) * 9)
    calibration = Calibration(temperature=temperature, threshold=0.5)
    prediction = predicted(*shares, calibration=calibration)
    logits = torch.tensor([shares]).log()
    expected = probabilities(logits, Recipe(), temperature)[0, 0].item()
    assert prediction.confidence == pytest.approx(expected, rel=1e-5)
    assert prediction.digit == (0 if expected >= 0.5 else None)


def test_a_loaded_network_brings_its_calibration(stripes, weights_folder):
    rest, val = split(stripes, 0.2, 0)
    recipe = Recipe(model="mlp-128-64", epochs=1, non_digits=5)
    end = list(train(recipe, rest, val, val))[-1]
    info = weights.info_of(end, TrainingData(rest, val, val, ""))
    strict = info.model_copy(
        update={"calibration": end.calibration.model_copy(update={"threshold": 1.0})}
    )
    weights.save("mine", end.network, info)
    weights.save("strict", end.network, strict)
    mine, refusing = Predictor.load("mine"), Predictor.load("strict")
    assert mine.calibration == end.calibration
    assert refusing.predict(drawing()).is_refused
    assert refusing.predict(drawing()).nearest == mine.predict(drawing()).nearest


def test_a_network_comes_from_a_file_of_weights_alone(tmp_path, predictor):
    tensors = {k: v.contiguous() for k, v in predictor.model.state_dict().items()}
    save_file(tensors, tmp_path / "some.safetensors")
    read = Predictor.from_file(tmp_path / "some.safetensors", predictor.recipe)
    one, other = read.predict(drawing()), predictor.predict(drawing())
    assert one.probabilities == pytest.approx(other.probabilities)
