"""Where the time goes in a training step, by torch's profiler."""

import itertools
from collections import Counter

from torch.profiler import ProfilerActivity, profile

from mnist_app.data.labelled_images import Digits
from mnist_app.recipes.recipe import Recipe
from mnist_app.training.loop import train

WARM, MEASURED = 10, 20  # steps

# The kind of work of an operation, by a part of its name; the first match counts.
KINDS = {
    "convolution": "convolutions",
    "addmm": "dense layers",
    "aten::mm": "dense layers",
    "grid": "augmentation",
    "bmm": "augmentation",
    "pool": "pooling",
    "norm": "normalisation",
    "_fused_": "optimizer",
    "copy_": "copies",
    "fill_": "copies",
    "sigmoid": "activations",
    "threshold": "activations",
    "clamp_min": "activations",
    "relu": "activations",
}
REST = "the rest"


def shares(recipe: Recipe, digits: Digits) -> dict[str, float]:
    """Return the share (0..1) of each kind of work in a training step, the greatest first."""
    profiled = profile(activities=[ProfilerActivity.CPU])
    steps = itertools.count()

    def should_stop() -> bool:
        step = next(steps)
        if step == WARM:
            profiled.start()
        if step == WARM + MEASURED:
            profiled.stop()
        return step == WARM + MEASURED

    recipe = recipe.changed(epochs=WARM + MEASURED + 1)  # enough, however few images there are
    for _ in train(recipe, digits, digits.subset(slice(100)), should_stop=should_stop):
        pass
    times: Counter[str] = Counter()
    for operation in profiled.key_averages():
        times[_kind(operation.key)] += operation.self_cpu_time_total
    return {kind: time / times.total() for kind, time in times.most_common()}


def _kind(operation: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in operation), REST)
