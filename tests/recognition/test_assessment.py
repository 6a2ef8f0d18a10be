import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_app.common.errors import InputError
from mnist_app.data import bundled, catalogue
from mnist_app.data.corruptions import CORRUPTIONS
from mnist_app.recognition import assessment
from mnist_app.recognition.assessment import Assessment
from mnist_app.results import weights
from mnist_app.training.evaluation import evaluate

ROOT = Path(__file__).resolve().parents[2]


def silent(_text: str, _share: float) -> None:
    pass


@pytest.fixture
def lenet5(weights_folder) -> weights.WeightsInfo:
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    return weights.load("lenet5")[1]


@pytest.fixture
def made_up() -> Assessment:
    """Six images: two ones and a two read right, a seven and another taken for a one, an eight
    for a three."""
    labels = np.array([1, 1, 2, 7, 7, 8])
    chances = np.full((6, 10), 0.01)
    for place, (answer, sure) in enumerate(
        [(1, 0.9), (1, 0.5), (2, 0.8), (1, 0.6), (1, 0.7), (3, 0.4)]
    ):
        chances[place, answer] = sure
    return Assessment(labels, chances)


def test_all_figures_follow_from_the_answers(made_up):
    assert made_up.n == 6
    assert made_up.accuracy == 0.5
    assert made_up.confusion[7, 1] == 2
    assert made_up.confusion.sum() == 6
    assert made_up.mistakes.tolist() == [4, 3, 5]
    assert made_up.taken_for(7, 1).tolist() == [4, 3]
    assert made_up.taken_for(1, 1).tolist() == [0, 1]
    low, high = made_up.interval
    assert low < 0.5 < high


def test_an_assessment_has_the_accuracy_that_evaluate_measures(lenet5):
    test = bundled.load_bundled().test
    entry = assessment.assess(silent, **assessment.job_arguments(lenet5, "digits", test))
    result = assessment.from_entry(entry, lenet5, test)
    model, _ = weights.load("lenet5")
    assert result.accuracy == evaluate(model, test, lenet5.recipe).accuracy
    assert result.chances.shape == (359, 10)


@pytest.mark.mnist
def test_on_mnist_it_is_the_accuracy_that_stands_in_the_file(lenet5, real_data):
    test = catalogue.load_dataset("mnist").test
    entry = assessment.assess(silent, **assessment.job_arguments(lenet5, "mnist", test))
    assert assessment.from_entry(entry, lenet5, test).accuracy == lenet5.test_accuracy


def test_a_network_that_is_another_by_now_is_not_assessed(lenet5):
    arguments = assessment.job_arguments(lenet5, "digits", bundled.load_bundled().test)
    with pytest.raises(InputError, match="changed in the meantime"):
        assessment.assess(silent, **arguments | {"version": "another"})
    with pytest.raises(InputError, match="changed in the meantime"):
        assessment.assess(silent, **arguments | {"images": "others"})


def test_what_is_made_worse_is_read_worse_and_what_is_left_as_it_is_is_not(lenet5):
    test = bundled.load_bundled().test
    arguments = assessment.job_arguments(lenet5, "digits", test)
    facts = assessment.measure_robustness(silent, **arguments).facts
    assert set(facts["curves"]) == set(CORRUPTIONS)
    assert facts["n"] == 359
    plain = {
        dict(map(tuple, points))[CORRUPTIONS[k].neutral] for k, points in facts["curves"].items()
    }
    assert len(plain) == 1
    for kind, points in facts["curves"].items():
        assert min(accuracy for _, accuracy in points) < plain.copy().pop() - 0.05, kind
