"""Networks in memory, shared by all sessions, and the network that is chosen."""

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from mnist_app.drawing.drawing import Drawing
from mnist_app.recipes.recipe import Recipe
from mnist_app.recognition.predictor import Predictor
from mnist_app.results import weights
from mnist_app.runs.run import Run, find_run
from mnist_app.ui import network_cache
from mnist_app.ui.listing import RUN_PREFIX
from mnist_app.ui.session import current_session

MOST_EPOCHS_SHOWN = 60


@dataclass(frozen=True)
class Choice:
    """The network chosen in the sidebar. It has no predictor until its first epoch has ended."""

    key: str
    predictor: Predictor | None
    version: object  # changes when the network does


@dataclass(frozen=True)
class ReadyChoice(Choice):
    """A network that can read drawings."""

    predictor: Predictor


@cache
def predict_on_one_thread() -> None:
    """Make torch use one thread in this process; only the first call has an effect.

    A drawing is too little work to split. While a training keeps all cores busy, two threads wait
    for each other twenty times as long as one thread needs alone. Runs have their own processes.
    """
    torch.set_num_threads(1)


def predictor_for(key: str) -> Choice:
    """Return the network of a result, or the latest one of a run in progress ("run:<id>")."""
    if not key.startswith(RUN_PREFIX):
        return result_named(key)
    run = find_run(key.removeprefix(RUN_PREFIX))
    snapshots = run.snapshots() if run else {}
    if run is None or not snapshots:
        return Choice(key, None, 0)
    epoch = max(snapshots)
    return ReadyChoice(key, _snapshot_predictor(snapshots[epoch], run.recipe), epoch)


def result_named(name: str) -> ReadyChoice:
    """Return the network of a result.

    Raises:
        InputError: there is no such result, or it is broken.
        OSError: its file cannot be read.
    """
    path = weights.path_of(name)
    version = path.stat().st_mtime_ns
    predictor = network_cache.SHARED.get(path, version, lambda: Predictor.load(name))
    return ReadyChoice(name, predictor, version)


def _snapshot_predictor(path: Path, recipe: Recipe) -> Predictor:
    version = path.stat().st_mtime_ns
    return network_cache.SHARED.get(path, version, lambda: Predictor.from_file(path, recipe))


def probabilities_by_epoch(run: Run, drawing: Drawing) -> dict[int, list[float]]:
    """Return what the run's network made of a drawing: the digits' probabilities by epoch.

    There are about 60 epochs at most.
    """
    memory, now = current_session().train, {}
    with suppress(OSError):  # another browser may remove the run meanwhile
        for epoch, path in _thinned(run.snapshots()).items():
            key = (run.id, epoch, path.stat().st_mtime_ns, drawing.key)
            now[key] = memory.probabilities.get(key) or _probabilities(path, run.recipe, drawing)
    memory.probabilities = now
    return {key[1]: values for key, values in now.items()}


def _thinned(snapshots: dict[int, Path]) -> dict[int, Path]:
    """Return about 60 snapshots at most, evenly spread and always including the last epoch.

    They are counted from the first epoch. So when another epoch ends, most of them have already
    been read.
    """
    epochs = sorted(snapshots)
    every = -(-len(epochs) // MOST_EPOCHS_SHOWN) or 1
    return {epoch: snapshots[epoch] for epoch in dict.fromkeys([*epochs[::every], *epochs[-1:]])}


def _probabilities(path: Path, recipe: Recipe, drawing: Drawing) -> list[float]:
    prediction = _snapshot_predictor(path, recipe).predict(drawing)
    return [float(share) for share in prediction.probabilities]
