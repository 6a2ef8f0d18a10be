import shlex
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest

from mnist_app.cli import main as cli
from mnist_app.common.errors import InputError
from mnist_app.recipes.presets import RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.report.training_command import training_command
from mnist_app.results import weights

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def info(weights_folder: Path) -> weights.WeightsInfo:
    weights_folder.mkdir()
    shutil.copy(ROOT / "weights" / "lenet5.safetensors", weights_folder)
    return weights.load("lenet5")[1]


@pytest.mark.parametrize("place", ["/tmp/digits(1).zip", "$(id) b", "it's; here", "a b"])
def test_a_path_in_the_command_is_one_word_for_the_shell(info, place):
    recipe = info.recipe.changed(dataset=place)
    words = shlex.split(training_command(info.model_copy(update={"recipe": recipe})))
    assert words[words.index("--dataset") + 1] == place


def test_the_command_holds_every_change_of_the_preset(info):
    changed = RECIPES["speedrun"].changed(
        epochs=3, batch_norm=False, schedule="steps", steps=((2, 0.001),), seed=7
    )
    command = training_command(info.model_copy(update={"recipe": changed, "threads": 1}))
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
def test_the_command_trains_the_same_recipe(info, recipe):
    """What the command line makes of the command is the recipe of the result."""
    command = training_command(info.model_copy(update={"recipe": recipe}))
    seen = []

    def remember(recipe, *_arguments, **_options):
        seen.append(recipe)
        raise InputError("seen")

    with patch("mnist_app.training.loop.train", remember):
        cli.main(shlex.split(command)[3:])
    assert [one.changed(name=recipe.name) for one in seen] == [recipe]
