"""The command line that trains a result again."""

import shlex
from typing import Any

from mnist_app.recipes.presets import ENSEMBLES, RECIPES
from mnist_app.results.weights import WeightsInfo

NEAREST_PRESET = "cnn-2x32"  # basis of the command for a result that uses no preset


def training_command(info: WeightsInfo) -> str:
    """Return the commands that train a result again, for a POSIX shell."""
    recipe = info.recipe
    if recipe.name in ENSEMBLES:
        return "python -m mnist_app reproduce canvas --seeds 4\npython -m mnist_app ensemble"
    name = recipe.name if recipe.name in RECIPES else NEAREST_PRESET
    words = ["python", "-m", "mnist_app", "train", name, "--seed", str(recipe.seed)]
    for field, value in recipe.model_dump().items():
        if field not in ("name", "seed") and value != getattr(RECIPES[name], field):
            words += _option(field, value)
    return shlex.join([*words, "--threads", str(info.threads), "--name", info.name])


def _option(field: str, value: Any) -> list[str]:
    flag = field.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{flag}" if value else f"--no-{flag}"]
    if field == "steps":
        value = ",".join(f"{epoch}:{rate:g}" for epoch, rate in value)
    return [f"--{flag}", "all" if value is None else str(value)]
