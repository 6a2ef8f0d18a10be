"""Train a preset briefly, on as many images as it really has, and print the peak memory.

Usage: python benchmarks/memory.py PRESET, or "torch" as PRESET to measure importing torch alone.
Prints two figures in MB: the peak before the first step, when the data set is ready, and the peak
over everything.
"""

import re
import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

IMPORT = "torch"
STEPS = 30
DRAWN = 50  # of each kind, repeated: drawing all of them takes minutes but no more memory
EVALUATED = 1_000  # images; they are evaluated in batches, so more would need no more memory


def main(name: str) -> None:
    """Measure the preset, or the import alone."""
    ready = peak() if name == IMPORT else train_for_a_moment(name)
    print(f"{ready / 1e6:.1f} {peak() / 1e6:.1f}")


def peak() -> float:
    """Return the peak memory of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux, getrusage would include the parent's peak
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    import resource  # does not exist on Windows

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def train_for_a_moment(name: str) -> float:
    """Train the preset for some steps, then finish with the usual evaluation and calibration.

    Returns:
        The peak before the first step, in bytes.
    """
    from mnist_app.data import training_data
    from mnist_app.recipes.presets import RECIPES
    from mnist_app.training.loop import train

    recipe = RECIPES[name]
    if recipe.pen_copies:
        from mnist_app.data import rendering  # here: others must not pay for its memory

        rendering._collect = _repeating(rendering._collect)
    parts = training_data.prepare(recipe)
    ready = peak()
    few = parts.val.subset(slice(EVALUATED))
    steps = iter(range(STEPS))
    for _ in train(recipe, parts.train, few, few, should_stop=lambda: next(steps, None) is None):
        pass
    return ready


def _repeating(collect: Any) -> Any:
    def collected(
        drawings: Iterable[Any], count: int, progress: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = min(count, DRAWN)
        images, labels = collect(islice(drawings, drawn), drawn, progress)
        places = torch.arange(count) % max(drawn, 1)
        return images[places], labels[places]

    return collected


if __name__ == "__main__":
    main(sys.argv[1])
