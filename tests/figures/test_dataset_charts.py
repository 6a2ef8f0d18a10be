"""Figures and fragments of HTML of the Data tab."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mnist_app.figures import dataset_fragments
from mnist_app.figures.colors import DIGIT_COLORS
from mnist_app.figures.dataset_charts import distribution
from mnist_app.figures.tiles import sheet, small_sheet_url


def test_the_distribution_shows_shares_with_their_numbers():
    figure = distribution({"training": range(10), "test": [5] * 10})
    training, test = figure.data
    assert list(training.y) == pytest.approx([count / 45 for count in range(10)])
    assert list(training.customdata) == list(range(10))
    assert training.name == "training, n = 45"
    assert test.name == "test, n = 50"
    assert training.marker.color == test.marker.color == DIGIT_COLORS
    assert training.marker.pattern.shape != test.marker.pattern.shape
    assert figure.layout.xaxis.title.text == "Digit"
    assert figure.layout.yaxis.title.text == "Share of the split"
    assert figure.layout.uirevision


def test_a_split_without_images_has_no_shares():
    assert list(distribution({"test": [0] * 10}).data[0].y) == [0] * 10


@pytest.fixture
def image() -> np.ndarray:
    made = np.zeros((28, 28), dtype=np.uint8)
    made[5] = np.arange(28) * 9
    made[5, 27] = 255
    return made


def pixels(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))


def test_the_way_of_an_image_shows_the_numbers_of_its_row(image):
    html = dataset_fragments.preprocessing(image, 7, 5)
    numbers = re.findall(r"<i style=[^>]*>([^<]*)</i>", html)
    assert numbers[:28] == [str(value) for value in image[5]]
    assert len(numbers) == 56
    assert [float(text) for text in numbers[28:]] == pytest.approx(image[5] / 255, abs=0.005)
    assert numbers[28] == "0"
    assert numbers[55] == "1"
    assert all(len(text) <= 3 for text in numbers)


def test_the_strip_is_the_image_row_after_row(image):
    html = dataset_fragments.preprocessing(image, 7, 5)
    urls = re.findall(r'src="([^"]*)"', html)
    assert np.array_equal(pixels(urls[0]), image)
    assert np.array_equal(pixels(urls[-1]), image.reshape(1, 784))
    assert f"left:{5 / 28:.4%};width:{1 / 28:.4%}" in html


def test_the_label_is_one_of_ten():
    html = dataset_fragments.one_hot(7)
    assert re.findall(r"<b[^>]*>(\d)</b>", html) == list("0000000100")
    assert DIGIT_COLORS[7] in html


def test_means_and_spreads_are_shown_with_their_numbers():
    means, spreads = np.zeros((10, 28, 28)), np.full((10, 28, 28), 0.25)
    means[3] = 1
    html = dataset_fragments.averages(means, spreads, range(1000, 1010))
    urls = re.findall(r'src="([^"]*)"', html)
    assert len(urls) == 20
    assert (pixels(urls[6]) == 255).all()
    assert (pixels(urls[0]) == 0).all()
    assert (pixels(urls[1]) == 128).all()
    assert "n = 1,003" in html


def test_the_sheet_of_the_map_is_that_of_the_tiles_in_16_greys():
    images = np.random.default_rng(0).integers(0, 256, (45, 28, 28), dtype=np.uint8)
    made = pixels(small_sheet_url(images))
    with Image.open(io.BytesIO(base64.b64decode(small_sheet_url(images).split(",")[1]))) as picture:
        greys = np.asarray(picture.convert("L"))
    assert made.shape == sheet(images).shape
    assert np.abs(greys.astype(int) - sheet(images)).max() <= 9
    assert len(np.unique(greys)) == 16
