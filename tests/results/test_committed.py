"""The committed weights on real data: they are what their headers and docs/results.md say."""

import json
from pathlib import Path

import committed_weights
import numpy as np
import pytest
import torch

from mnist_app.cli.main import main
from mnist_app.data import catalogue, non_digits, training_data
from mnist_app.drawing import pen
from mnist_app.recipes.presets import ENSEMBLES, RECIPES, SOURCES
from mnist_app.recognition.predictor import Predictor, default_network, number_text
from mnist_app.results import reproduction_table, weights
from mnist_app.training import evaluation

ROOT = Path(__file__).resolve().parents[2]


def test_every_preset_has_its_weights_and_all_fit():
    listing = weights.scan()
    assert {info.name for info in listing.weights} >= set(RECIPES | ENSEMBLES)
    assert listing.broken == []
    sizes = [committed_weights.path_of(name).stat().st_size for name in committed_weights.NETWORKS]
    assert sum(sizes) < 25e6


@pytest.mark.parametrize("name", [*RECIPES, *ENSEMBLES])
def test_the_weights_were_made_by_the_preset_as_it_is(name):
    info = weights.load(name)[1]
    assert info.recipe == (RECIPES | ENSEMBLES)[name]
    assert (info.dataset, info.n, info.seed, info.reason) == ("mnist", 10_000, 0, "finished")


@pytest.mark.mnist
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "lenet5" else pytest.mark.slow)
        for name in committed_weights.NETWORKS
    ],
)
def test_the_stored_accuracy_is_found_again(name, real_data, capsys):
    assert main(["evaluate", name, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert round(result["accuracy"], 4) == round(weights.load(name)[1].test_accuracy, 4)


@pytest.mark.mnist
@pytest.mark.parametrize("name", committed_weights.NETWORKS)
def test_a_network_is_as_good_as_it_says_on_some_of_the_images(name, real_data):
    model, info = weights.load(name)
    every = 40 if name == "canvas-large" else 20  # it is slow
    test = catalogue.load_dataset("mnist").test.subset(torch.arange(0, 10_000, every))
    accuracy, stored = evaluation.evaluate(model, test, info.recipe).accuracy, info.test_accuracy
    deviation = (stored * (1 - stored) / len(test)) ** 0.5
    assert accuracy == pytest.approx(stored, abs=3 * deviation)


@pytest.mark.parametrize("name", [n for n, s in SOURCES.items() if s.reported])
def test_what_the_sources_report_is_reached(name):
    results = json.loads((ROOT / "docs" / "results.json").read_text())
    runs = results["presets"][name]
    assert len(runs) >= (1 if RECIPES[name].epochs >= 100 else 2)
    if not SOURCES[name].is_flawed:
        assert reproduction_table.compared_with_reported(name, runs) == "yes"


def test_the_network_that_is_fed_properly_does_not_starve():
    results = json.loads((ROOT / "docs" / "results.json").read_text())["presets"]
    fixed = np.mean([run["test_accuracy"] for run in results["cnn-simple-fixed"]])
    starved = np.mean([run["test_accuracy"] for run in results["cnn-simple"]])
    assert fixed > 0.98 > starved


def test_the_results_page_is_the_one_made_from_the_results():
    results = json.loads((ROOT / "docs" / "results.json").read_text())
    assert (ROOT / "docs" / "results.md").read_text() == reproduction_table.table(results)


@pytest.mark.mnist
def test_the_fingerprint_in_the_headers_is_that_of_mnist(real_data):
    fingerprint = catalogue.load_dataset("mnist").train.fingerprint
    assert {weights.load(name)[1].fingerprint for name in RECIPES} == {fingerprint}


@pytest.mark.mnist
def test_the_default_network_reads_real_pen_strokes(real_data):
    sample = training_data.load_pen_digits()[::25]  # 300 digits of all writers
    if not sample:
        pytest.skip("needs the UCI pen digits")
    drawings = [pen.canvas_rgba(pen.draw(pen.placed(d.strokes, size=0.6))) for d in sample]
    predictions = Predictor.load(default_network()).predict_many(drawings)
    right = [p.digit == d.label for p, d in zip(predictions, sample, strict=True)]
    assert np.mean(right) > 0.95


LETTERS = {  # in units of their height
    "A": [[(0, 1), (0.4, 0), (0.8, 1)], [(0.15, 0.65), (0.65, 0.65)]],
    "H": [[(0, 0), (0, 1)], [(0.7, 0), (0.7, 1)], [(0, 0.5), (0.7, 0.5)]],
    "M": [[(0, 1), (0.05, 0), (0.45, 0.7), (0.85, 0), (0.9, 1)]],
    "W": [[(0, 0), (0.2, 1), (0.5, 0.3), (0.8, 1), (1, 0)]],
}


@pytest.mark.parametrize("letter", LETTERS)
def test_letters_drawn_by_hand_are_no_digits_and_no_numbers(letter):
    predictor = Predictor.load(default_network())
    random = np.random.default_rng(0)
    strokes = [np.array(stroke) for stroke in LETTERS[letter]]
    read = []
    for brush in (8, 14, 20) * 4:
        bent = non_digits.wobbled(strokes, random, 0.02)
        placed = pen.placed(bent, size=random.uniform(0.5, 0.8), rotation=random.normal(0, 4))
        found = predictor.read_number(pen.canvas_rgba(pen.draw(placed, brush=brush)))
        read.append(number_text(found))
    assert [text.strip("?") for text in read].count("") >= 11, read


@pytest.mark.mnist
def test_networks_see_mnist_itself_as_it_is(real_data):
    """A test image enlarged to a canvas and normalised again is read as well as the original."""
    test = catalogue.load_dataset("mnist").test
    predictor = Predictor.load(default_network())
    rgba = [_enlarged(image) for image in test.images[:300].numpy()]
    again = [p.digit for p in predictor.predict_many(rgba)]
    assert np.mean(np.array(again) == test.labels[:300].numpy()) > 0.97
    plain = evaluation.evaluate(predictor.model, test.subset(slice(300)), predictor.recipe)
    assert plain.accuracy > 0.97


def _enlarged(image: np.ndarray) -> np.ndarray:
    grey = np.kron(image, np.ones((10, 10), dtype=np.uint8))
    return np.dstack([grey, grey, grey, np.full_like(grey, 255)])
