"""Trains a preset for a moment, on as many images as it really has: its process is measured."""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from mnist_app import data
from mnist_app.digits import Digits
from mnist_app.recipes import RECIPES, Recipe
from mnist_app.training import train

STEPS = 30
PEN_DIGITS = 8_800  # about four fifths of the UCI pen digits


def main(name: str) -> None:
    """Some steps of the preset, then the end of a training with its measurements."""
    recipe = RECIPES[name]
    plain = recipe.changed(pen_copies=0, redrawn=0, non_digits=0)
    parts = data.prepare(plain)
    digits = _as_many(parts.train, recipe)
    steps = iter(range(STEPS))
    for _ in train(
        recipe, digits, parts.val, parts.test, should_stop=lambda: next(steps, None) is None
    ):
        pass


def _as_many(digits: Digits, recipe: Recipe) -> Digits:
    """What the recipe draws beside MNIST takes memory too: the images again, in its place."""
    drawn = round(len(digits) * recipe.redrawn) + PEN_DIGITS * recipe.pen_copies + recipe.non_digits
    more = torch.arange(drawn) % len(digits)
    images = torch.cat([digits.images, digits.images[more]])
    return replace(digits, images=images, labels=torch.cat([digits.labels, digits.labels[more]]))


if __name__ == "__main__":
    main(sys.argv[1])
