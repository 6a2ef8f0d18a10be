"""Train the presets with several seeds, and write a table of reported and measured results."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from mnist_app.common import machine
from mnist_app.common.errors import InputError
from mnist_app.common.files import check_writable, write_text
from mnist_app.common.names import printable
from mnist_app.data.training_data import TrainingData, prepare
from mnist_app.recipes.presets import MEMBERS, RECIPES
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import ensemble, weights
from mnist_app.results.ensemble import Member
from mnist_app.results.reproduction_table import table
from mnist_app.training.events import EndEvent, Event
from mnist_app.training.loop import train

LONG_TRAINING = 100  # epochs; presets with so many are trained with one seed only

Show = Callable[[Recipe, Event], None]


def reproduce(presets: list[str], seeds: Sequence[int], folder: Path, show: Show) -> dict[str, Any]:
    """Train presets on MNIST, save all their weights, and update results.json and results.md.

    The weights of seed 0 go to the weights folder, those of other seeds to its subfolder `.seeds`.

    Args:
        presets: names in RECIPES.
        seeds: for each preset; presets of 100 or more epochs only use the first.
        folder: of results.json and results.md, which keep the rows of other presets and seeds.
        show: called with every event.
    Returns:
        The updated contents of results.json.
    Raises:
        InputError: results.json is damaged, or the weights or the table cannot be saved.
    """
    weights.check_folder()
    results = _checked(folder)
    for name in presets:
        for seed in seeds[:1] if RECIPES[name].epochs >= LONG_TRAINING else seeds:
            recipe = RECIPES[name].changed(seed=seed)
            results = _remember(name, _train_one(recipe, prepare(recipe), show), folder)
    return results


def build_ensemble(folder: Path) -> weights.WeightsInfo:
    """Join the seeds of `canvas` into `canvas-large`, and update results.json and results.md.

    Raises:
        InputError: the weights of a seed are missing, results.json is damaged, or the weights or
            the table cannot be saved.
    """
    weights.check_folder()
    others = [weights.load(f"canvas-{seed}", weights.seeds_folder()) for seed in range(1, MEMBERS)]
    members = [Member(*weights.load("canvas")), *(Member(*m) for m in others)]
    _checked(folder)
    model, info = ensemble.combine(members)
    info = weights.save(ensemble.NAME, model, info, overwrite=True)
    _remember(ensemble.NAME, _row(info), folder)
    return info


def _checked(folder: Path) -> dict[str, Any]:
    """Create the folder, check that it can be written to, and return what results.json holds."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder)
    except OSError as error:
        raise InputError(
            f"The table of results cannot be written in {printable(folder)} "
            f"({error.strerror or error}): name another folder with --output."
        ) from None
    return _read(folder)


def _remember(name: str, row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Put the row of a preset and seed into results.json and results.md; return all results.

    Trainings that end at the same time wait for each other, so that no row is lost.
    """
    with FileLock(folder / ".results.lock"):
        results = _read(folder)
        others = [r for r in results["presets"].get(name, []) if r["seed"] != row["seed"]]
        results["presets"][name] = sorted([*others, row], key=lambda r: r["seed"])
        write_text(folder / "results.json", json.dumps(results, indent=1) + "\n")
        write_text(folder / "results.md", table(results))
    return results


_Share = Annotated[float, Field(ge=0, le=1)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Machine(BaseModel):
    """The machine on which a row was measured."""

    model_config = ConfigDict(strict=True)

    cpu: str
    cores: int | None
    device: str
    python: str
    torch: str
    date: str


class _Row(BaseModel):
    """A row of results.json: a preset that was trained with one seed."""

    model_config = ConfigDict(strict=True)

    seed: int
    test_accuracy: _Share
    val_accuracy: _Share | None
    train_accuracy: _Share | None
    seconds_per_epoch: _Seconds | None
    threads: int
    epochs: int
    parameters: int
    machine: _Machine


class _Results(BaseModel):
    """What results.json has to hold."""

    presets: dict[str, Annotated[list[_Row], Field(min_length=1)]]


def _read(folder: Path) -> dict[str, Any]:
    """Return what results.json holds, no rows if it is missing. InputError if it is damaged."""
    path = folder / "results.json"
    if not path.exists():
        return {"presets": {}}
    try:
        text = path.read_text(encoding="utf-8")
        _Results.model_validate_json(text)
    except (OSError, ValueError):
        raise InputError(f"{path} is damaged: remove it, or put back an earlier one.") from None
    results: dict[str, Any] = json.loads(text)
    return results


def _train_one(recipe: Recipe, parts: TrainingData, show: Show) -> dict[str, Any]:
    for event in train(recipe, parts.train, parts.val, parts.test):
        show(recipe, event)
        if isinstance(event, EndEvent):
            info = weights.info_of(event, parts)
            _keep(event, info)
            return _row(info)
    raise AssertionError("unreachable: a training ends with an EndEvent")


def _keep(end: EndEvent, info: weights.WeightsInfo) -> None:
    """Save the result of a preset: seed 0 in the weights folder, other seeds in `.seeds`."""
    if info.seed == 0:
        weights.save(info.recipe.name, end.network, info, overwrite=True)
        return
    name = f"{info.recipe.name}-{info.seed}"
    weights.save(name, end.network, info, overwrite=True, folder=weights.seeds_folder())


def _row(info: weights.WeightsInfo) -> dict[str, Any]:
    """Return a network's row for results.json. An ensemble has no epochs of its own."""
    last = info.history[-1] if info.history else {}
    seconds = sorted(e["seconds"] for e in info.history)
    return {
        "seed": info.seed,
        "test_accuracy": info.test_accuracy,
        "n": info.n,
        "val_accuracy": last.get("val_accuracy"),
        "train_accuracy": last.get("train_accuracy"),
        "seconds_per_epoch": seconds[len(seconds) // 2] if seconds else None,
        "threads": info.threads,
        "epochs": info.epochs,
        "parameters": info.parameters,
        "fingerprint": info.fingerprint,
        "machine": machine.machine_facts(),
    }
