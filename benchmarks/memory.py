"""Trains a preset for a moment, on as many images as it really has: its process is measured."""

import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor

from mnist_app import data
from mnist_app.recipes import RECIPES
from mnist_app.training import train

STEPS = 30
DRAWN = 50  # of each kind, repeated: drawing them all takes minutes, and no more memory
EVALUATED = 1_000  # images: evaluation goes in batches, whatever their number


def main(name: str) -> None:
    """Some steps of the preset, then the end of a training with its measurements."""
    recipe = RECIPES[name]
    if recipe.pen_copies:
        from mnist_app import rendering  # others do not load it: its memory is not theirs

        rendering._collect = _repeating(rendering._collect)
    parts = data.prepare(recipe)
    few = parts.val.subset(slice(EVALUATED))
    steps = iter(range(STEPS))
    for _ in train(recipe, parts.train, few, few, should_stop=lambda: next(steps, None) is None):
        pass


def _repeating(collect: Any) -> Any:
    def collected(drawings: Iterable[Any], count: int, progress: Any) -> tuple[Tensor, Tensor]:
        drawn = min(count, DRAWN)
        images, labels = collect(islice(drawings, drawn), drawn, progress)
        places = torch.arange(count) % max(drawn, 1)
        return images[places], labels[places]

    return collected


if __name__ == "__main__":
    main(sys.argv[1])
