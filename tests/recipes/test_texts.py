"""Texts of recipes in the language of the page, and errors that can be translated later."""

import pytest
from marked_language import MarkedLanguage

from mnist_app.common import translation
from mnist_app.common.errors import InputError
from mnist_app.common.translation import localized
from mnist_app.recipes.annotations import value_text
from mnist_app.recipes.layer_tables import describe
from mnist_app.recipes.presets import SOURCES
from mnist_app.recipes.recipe import FIELDS, Recipe
from mnist_app.recipes.search_space import checked_range


@pytest.fixture
def marked(monkeypatch):
    """The page is in this language."""
    monkeypatch.setattr(translation, "_catalogue", lambda _code: MarkedLanguage())


@pytest.mark.usefixtures("marked")
def test_a_field_is_described_in_the_language_of_the_page():
    rotation = FIELDS["rotation"]
    assert rotation.label == "<Rotation>"
    assert rotation.label_with_unit == "<Rotation> (<degrees>)"
    assert rotation.help == "<Largest random rotation> (<0 to 45 <degrees>>)."
    assert [value_text(value) for value in (None, True, "adam")] == ["<all>", "<on>", "adam"]


@pytest.mark.usefixtures("marked")
def test_presets_and_layers_are_described_in_the_language_of_the_page():
    assert SOURCES["lenet5"].about.startswith("<LeNet-5")
    assert SOURCES["mlp-784"].reported == "<91.96%>"
    labels = {line.label for line in describe(Recipe(model="cnn-2x32", dropout=0.5).layers)}
    assert {"<Conv 3x3>", "<Dense>", "<Max-pool 2, stride 2>", "<Dropout 0.5>"} <= labels


@pytest.mark.parametrize(
    ("refused", "english", "translated"),
    [
        (
            lambda: Recipe(rotation=90),
            "Rotation is 90: choose a number from 0 to 45 degrees.",
            "<<Rotation> is 90: <choose a number from <0 to 45 <degrees>>>.>",
        ),
        (
            lambda: Recipe(epochs=None),
            "Epochs is empty: choose a whole number from 1 to 1000.",
            "<<Epochs> is <empty>: <choose a whole number from <1 to 1000>>.>",
        ),
        (
            lambda: Recipe(steps="15"),
            "Steps is '15': write epoch:rate pairs, such as 15:1e-4,40:1e-5.",
            "<<Steps> is '15': <write epoch:rate pairs, such as 15:1e-4,40:1e-5>.>",
        ),
        (
            lambda: Recipe(steps=((1, 0.1),)),
            "Steps: write the epochs in rising order, from 2.",
            "<Steps: write the epochs in rising order, from 2.>",
        ),
        (
            lambda: checked_range("dropout", 0.5, 0.1),
            "Dropout goes from 0.5 to 0.1: give two numbers from 0 to 0.9, the smaller one first.",
            "<<Dropout> goes from 0.5 to 0.1: give two numbers from 0 to 0.9, the smaller one "
            "first.>",
        ),
    ],
    ids=["range", "empty", "text", "together", "search"],
)
@pytest.mark.usefixtures("marked")
def test_an_error_is_raised_in_english_and_translated_where_it_is_shown(
    refused, english, translated
):
    with pytest.raises(InputError) as caught:
        refused()
    assert str(caught.value) == english
    assert localized(caught.value) == translated
