import subprocess
import sys
from pathlib import Path

import pytest

from mnist_app.common.errors import InputError
from mnist_app.networks.models import create_model, from_recipe, list_models
from mnist_app.recipes import presets
from mnist_app.recipes.layer_tables import ARCHITECTURES
from mnist_app.recipes.layers import Conv, Dense, Flatten, Relu, SideBySide
from mnist_app.recipes.presets import (
    ENSEMBLES,
    RECIPES,
    SOURCES,
    Source,
    add_ensemble,
    add_preset,
    is_preset,
)
from mnist_app.recipes.recipe import FIELDS, Recipe

ROOT = Path(__file__).resolve().parents[2]
TINY = (Flatten(), Dense(5), Relu())
SOURCE = Source("own", "A network for this test.")


@pytest.fixture
def registries():
    """What a test adds is gone after it."""
    all_of_them = ARCHITECTURES, RECIPES, ENSEMBLES, SOURCES
    before = [dict(registry) for registry in all_of_them]
    yield all_of_them
    for registry, entries in zip(all_of_them, before, strict=True):
        registry.clear()
        registry.update(entries)


def test_one_call_adds_a_network_its_recipe_and_its_source(registries):
    add_preset("tiny", SOURCE, network=TINY, learning_rate=0.1)
    assert RECIPES["tiny"] == Recipe(name="tiny", model="tiny", learning_rate=0.1)
    assert SOURCES["tiny"] == SOURCE
    assert is_preset(RECIPES["tiny"])
    assert "tiny" in list_models()
    assert "tiny" in FIELDS["model"].choices
    assert [type(m).__name__ for m in create_model("tiny")] == [
        *("Scale", "Flatten", "Linear", "ReLU", "Linear"),
    ]


def test_a_preset_may_use_the_network_of_another_one(registries):
    add_preset("lenet5-again", SOURCE, network="lenet5", epochs=3)
    assert RECIPES["lenet5-again"].model == "lenet5"
    assert "lenet5-again" not in list_models()


def test_an_ensemble_has_the_recipe_of_its_members(registries):
    add_preset("tiny", SOURCE, network=TINY, epochs=3)
    add_ensemble("tiny-large", SOURCE, network=(SideBySide(TINY, 3),), member="tiny")
    recipe = ENSEMBLES["tiny-large"]
    assert recipe == RECIPES["tiny"].changed(name="tiny-large", model="tiny-large")
    assert from_recipe(recipe)[-1].in_features == 15
    assert "tiny-large" not in RECIPES


@pytest.mark.parametrize("name", ["lenet5", "canvas-large", "cnn-simple-fixed"])
def test_a_name_that_is_taken_is_refused_and_changes_nothing(registries, name):
    before = [dict(registry) for registry in registries]
    with pytest.raises(ValueError, match=f"'{name}' exists already"):
        add_preset(name, SOURCE, network=TINY)
    with pytest.raises(ValueError, match=f"'{name}' exists already"):
        add_ensemble(name, SOURCE, network=TINY, member="canvas")
    assert before == list(registries)


def test_a_preset_needs_a_network_that_is_there_and_ends_with_features(registries):
    with pytest.raises(ValueError, match="'alexnet'"):
        add_preset("mine", SOURCE, network="alexnet")
    with pytest.raises(ValueError, match="'maps' ends with maps"):
        add_preset("maps", SOURCE, network=(Conv(4, 3), Relu()))


def test_a_preset_with_an_impossible_recipe_is_refused(registries):
    with pytest.raises(InputError, match="Epochs is 0"):
        add_preset("tiny", SOURCE, network=TINY, epochs=0)


def test_recipes_and_networks_are_read_without_torch():
    code = (
        "import sys\n"
        "from mnist_app.recipes.recipe import FIELDS, Recipe\n"
        "import mnist_app.recipes.search_space\n"
        "assert Recipe(model='canvas', views=5).layers\n"
        "assert 'canvas' in FIELDS['model'].choices\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("module", ["recipe", "layer_tables", "layers", "annotations", "presets"])
def test_whatever_is_imported_first_all_presets_are_there(module):
    code = (
        f"import mnist_app.recipes.{module}\n"
        "from mnist_app.recipes.layer_tables import ARCHITECTURES\n"
        f"assert len(ARCHITECTURES) == {len(list_models())}"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_the_ensemble_that_is_shipped_joins_networks_of_its_members_kind():
    (side_by_side, *_) = ARCHITECTURES["canvas-large"]
    assert side_by_side.count == presets.MEMBERS
    assert ARCHITECTURES["canvas"][: len(side_by_side.body)] == side_by_side.body
