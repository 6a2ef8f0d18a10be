import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_app.common import translation
from mnist_app.common.errors import InputError
from mnist_app.data import bundled
from mnist_app.recognition.assessment import Assessment
from mnist_app.report import html_report
from mnist_app.results import weights

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def networks(weights_folder) -> Path:
    weights_folder.mkdir()
    for name in ("lenet5", "canvas-large"):
        shutil.copy(ROOT / "weights" / f"{name}.safetensors", weights_folder)
    return weights_folder


@pytest.fixture
def page(networks) -> str:
    return html_report.report_for("lenet5", "digits")


def test_the_page_holds_all_there_is_to_say(page):
    for title in (
        *("Learning", "Per digit", "Confusion matrix", "The worst mistakes", "Confidence"),
        *("Network", "Recipe", "Environment", "How to reproduce it"),
    ):
        assert f"<h2>{title}</h2>" in page
    info = weights.load("lenet5")[1]
    assert info.fingerprint in page
    assert weights.fingerprint_of("lenet5") in page
    assert "of 359 images of digits" in page
    assert info.versions["torch"] in page
    assert "python -m mnist_app train lenet5 --seed 0" in page


def test_the_page_names_the_fields_of_the_recipe_as_the_form_does(page):
    for label, value in (
        ("Learning rate", "0.001"),
        ("Batch size (images)", "100"),
        ("Rotation (degrees)", "0"),
        ("Batch norm", "off"),
        ("Subset (images)", "all"),
        ("Steps", "–"),
    ):
        assert f"<tr><th>{label}</th><td>{value}</td></tr>" in page


def test_the_page_needs_no_network_and_stays_small(page):
    assert len(page.encode()) < 6_000_000
    body = page[page.index("<body>") :]
    assert not re.findall(r"""(?:src|href)=["'](?!data:)[^"']*["']""", body)
    assert len(re.findall(r"<script[^>]*\bsrc=", page)) == 0
    assert page.count("plotly.js v") == 1  # its own head, once


def test_the_accuracy_on_the_page_is_measured(networks):
    test = bundled.load_bundled().test
    chances = np.full((len(test), 10), 0.01)
    chances[np.arange(len(test)), test.labels.numpy()] = 0.9
    chances[:3] = 0.1  # three wrong or right by chance: answered 0
    result = Assessment(test.labels.numpy(), chances)
    page = html_report.render_report("lenet5", result, test)
    wrong = int((test.labels[:3] != 0).sum())
    assert f"{1 - wrong / 359:.2%} of 359 images" in page
    assert f"{wrong} of 359 are wrong" in page


@pytest.mark.slow
def test_a_joined_network_says_how_it_was_joined(networks):
    page = html_report.report_for("canvas-large", "digits")
    assert "python -m mnist_app ensemble" in page
    assert "combined from other networks" in page


def test_the_page_says_which_language_it_is_in(networks, monkeypatch):
    test = bundled.load_bundled().test
    result = Assessment(test.labels.numpy(), np.full((len(test), 10), 0.1))
    assert '<html lang="en">' in html_report.render_report("lenet5", result, test)
    monkeypatch.setattr(translation, "_language", lambda: "de")
    assert '<html lang="de">' in html_report.render_report("lenet5", result, test)


def test_the_report_of_a_stopped_training_warns_of_choosing_by_the_test_images(networks):
    model, info = weights.load("lenet5")
    update = {"reason": "stopped", "test_accuracy": None, "test_loss": None, "n": 0}
    weights.save("cut", model, info.model_copy(update=update))
    test = bundled.load_bundled().test
    result = Assessment(test.labels.numpy(), np.full((len(test), 10), 0.1))
    warning = "you have chosen by the test images"
    assert warning in html_report.render_report("cut", result, test)
    assert warning not in html_report.render_report("lenet5", result, test)


def test_what_is_no_result_is_an_input_error(networks):
    with pytest.raises(InputError, match="no weights named 'nonsense'"):
        html_report.report_for("nonsense", "digits")


def test_names_are_escaped(networks):
    model, info = weights.load("lenet5")
    text = "<script>alert(1)</script>"
    weights.save("odd", model, info.model_copy(update={"trained_on": text}))
    test = bundled.load_bundled().test
    result = Assessment(test.labels.numpy(), np.full((len(test), 10), 0.1))
    page = html_report.render_report("odd", result, test)
    assert text not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
