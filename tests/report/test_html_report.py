import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from mnist_app.common.errors import InputError
from mnist_app.data import bundled
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
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
        *("Network", "Recipe", "Environment", "How to get it again"),
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


def test_a_joined_network_says_how_it_was_joined(networks):
    page = html_report.report_for("canvas-large", "digits")
    assert "python -m mnist_app join" in page
    assert "joined of other networks" in page


def test_what_is_no_result_is_an_input_error(networks):
    with pytest.raises(InputError, match="no weights named 'nonsense'"):
        html_report.report_for("nonsense", "digits")


def test_names_are_escaped(networks):
    info = weights.load("lenet5")[1].model_copy(update={"trained_on": "<script>alert(1)</script>"})
    assert "<script>alert" not in html_report._summary(
        info, Assessment(np.arange(10), np.eye(10)), bundled.load_bundled().test
    )


@pytest.mark.parametrize("place", ["/tmp/digits(1).zip", "$(id) b", "it's; here", "a b"])
def test_a_path_in_the_command_is_one_word_for_the_shell(networks, place):
    info = weights.load("lenet5")[1]
    recipe = info.recipe.changed(dataset=place)
    words = shlex.split(html_report.training_command(info.model_copy(update={"recipe": recipe})))
    assert words[words.index("--dataset") + 1] == place


def test_the_command_holds_every_change_of_the_preset(networks):
    info = weights.load("lenet5")[1]
    changed = RECIPES["speedrun"].changed(
        epochs=3, batch_norm=False, schedule="steps", steps=((2, 0.001),), seed=7
    )
    command = html_report.training_command(
        info.model_copy(update={"recipe": changed, "threads": 1})
    )
    assert command.startswith("python -m mnist_app train speedrun --seed 7 ")
    for option in ("--epochs 3", "--no-batch-norm", "--steps 2:0.001", "--threads 1"):
        assert option in command
    assert "--optimizer" not in command  # as in the preset


@pytest.mark.parametrize(
    "recipe",
    [
        RECIPES["lenet5"].changed(dataset="digits", epochs=2, l2=1e-4, early_stopping=3),
        RECIPES["speedrun"].changed(dataset="digits", batches_per_epoch=None, subset=500),
        RECIPES["mlp-300"].changed(dataset="digits", schedule="constant", steps=(), subset=None),
        RECIPES["canvas"].changed(dataset="digits", pen_copies=0, redrawn=0, non_digits=0),
        Recipe(dataset="digits", learning_rate=1e-5),
    ],
    ids=lambda recipe: recipe.name,
)
def test_the_command_trains_the_same_recipe(networks, recipe):
    """What the command line makes of the command is the recipe of the result."""
    from unittest.mock import patch

    from mnist_app.cli import main as cli

    info = weights.load("lenet5")[1]
    command = html_report.training_command(info.model_copy(update={"recipe": recipe}))
    seen = []

    def remember(recipe, *_arguments, **_options):
        seen.append(recipe)
        raise InputError("seen")

    with patch("mnist_app.training.loop.train", remember):
        cli.main(shlex.split(command)[3:])
    assert [one.changed(name=recipe.name) for one in seen] == [recipe]
