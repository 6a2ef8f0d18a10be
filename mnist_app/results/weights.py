"""Results on disk: a safetensors file for each, with its facts in the header."""

import hashlib
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from mnist_app.common.errors import InputError
from mnist_app.common.files import check_writable
from mnist_app.common.names import NAME_PATTERN, checked_name
from mnist_app.common.settings import result_folders, weights_folder
from mnist_app.data.training_data import TrainingData
from mnist_app.networks import models
from mnist_app.recipes.recipe import Recipe
from mnist_app.results import tensors
from mnist_app.training.calibration import MOST, Calibration
from mnist_app.training.events import EndEvent, is_valid_event, to_json
from mnist_app.training.metrics import accuracy_interval

_SEEDS = ".seeds"  # subfolder for the presets trained with seeds other than 0
_PACKAGES = ("torch", "numpy", "safetensors")


class WeightsInfo(BaseModel):
    """The facts of a result, as they are in its file's header."""

    model_config = ConfigDict(frozen=True)

    name: str
    recipe: Recipe
    history: list[dict[str, Any]]  # the epoch events
    epochs: int = Field(ge=0, le=MOST)  # complete ones
    reason: str  # why the training ended: "finished", "early", "stopped" or "diverged"
    seconds: float = Field(ge=0, allow_inf_nan=False)  # of training alone
    # None if the training was stopped, because the test images are read once, at the end
    test_accuracy: float | None = Field(ge=0, le=1, allow_inf_nan=False)
    test_loss: float | None
    n: int = Field(ge=0, le=MOST)  # test images; 0 if they were not read
    dataset: str
    fingerprint: str
    trained_on: str = ""  # all training data, such as "MNIST + 29,975 pen strokes"
    calibration: Calibration = Calibration()
    parameters: int = Field(ge=1, le=MOST)
    versions: dict[str, str]
    device: str
    threads: int
    date: str  # ISO 8601, UTC
    run: str | None = None  # the run that made it; no other run may replace it
    bytes: int = 0  # of the file; not in the header

    @field_validator("history")
    @classmethod
    def _check_history(cls, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(is_valid_event(event) and event["event"] == "epoch" for event in history):
            raise ValueError("history: each must be the event of an epoch")
        return history

    @model_validator(mode="after")
    def _check_test(self) -> "WeightsInfo":
        if (self.test_accuracy is None) != (self.n == 0):
            raise ValueError("n: an accuracy needs test images, and test images an accuracy")
        return self

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return self.recipe.seed

    @property
    def test_interval(self) -> tuple[float, float] | None:
        """The 95% interval of the test accuracy; None if the test images were not read."""
        if self.test_accuracy is None:
            return None
        return accuracy_interval(self.test_accuracy, self.n)

    @property
    def val_accuracy(self) -> float | None:
        """The accuracy of these weights on `calibration.n` validation images; None if unknown."""
        return self.calibration.overall_accuracy

    @property
    def val_interval(self) -> tuple[float, float] | None:
        """The 95% interval of the validation accuracy; None if that is unknown."""
        if self.val_accuracy is None:
            return None
        return accuracy_interval(self.val_accuracy, self.calibration.n)


class BrokenFile(NamedTuple):
    """A file in the weights folder that is not a usable result, and one line saying why."""

    file: str
    problem: str


class Listing(NamedTuple):
    """What the weights folder holds: the results, best first, and the files that are not usable."""

    weights: list[WeightsInfo]
    broken: list[BrokenFile]


def info_of(end: EndEvent, parts: TrainingData, run: str | None = None) -> WeightsInfo:
    """Return the facts of a training that has ended or was stopped. They have no name yet."""
    return WeightsInfo(
        name="unnamed",
        recipe=end.recipe,
        history=[to_json(event) for event in end.history],
        epochs=end.epochs,
        reason=end.reason,
        seconds=end.seconds,
        test_accuracy=end.test_accuracy,
        test_loss=end.test_loss,
        n=end.n,
        dataset=parts.test.name,
        fingerprint=parts.fingerprint,
        trained_on=parts.train.name,
        calibration=end.calibration,
        parameters=models.count_parameters(end.network),
        versions={"python": sys.version.split()[0]} | {p: version(p) for p in _PACKAGES},
        device=end.device,
        threads=torch.get_num_threads(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        run=run,
    )


def save(
    name: str,
    model: nn.Module,
    info: WeightsInfo,
    *,
    overwrite: bool = False,
    folder: Path | None = None,
) -> WeightsInfo:
    """Save a result atomically. If the name is taken, add a suffix (name-2, ...).

    With `overwrite`, a result of the same name is replaced instead; so is one of the same run.

    Args:
        name: letters, digits, - and _.
        model: the network whose weights are saved.
        info: its facts; the name is filled in.
        overwrite: whether to replace a result of that name.
        folder: by default the weights folder.
    Returns:
        The facts as saved, with the name that was used.
    Raises:
        InputError: the name is not allowed, or the folder cannot be written to.
    """
    checked_name(name)
    folder = folder or weights_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A new result must not hide a shipped network of the same name.
        hides = folder == weights_folder() and not overwrite
        names = (n for n in _candidates(name) if not (hides and _is_shipped(n)))
        paths = (folder / f"{candidate}.safetensors" for candidate in names)
        return next(filter(None, (_save_as(path, model, info, overwrite) for path in paths)))
    except OSError as error:
        raise _cannot_save(folder, error) from None


def check_folder() -> None:
    """Create the weights folder, and check that results can be saved there.

    Raises:
        InputError: they cannot.
    """
    folder = weights_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder)
    except OSError as error:
        raise _cannot_save(folder, error) from None


def _cannot_save(folder: Path, error: OSError) -> InputError:
    return InputError(
        f"The result cannot be saved in {folder} ({error.strerror or error}): "
        "free space or set MNIST_APP_WEIGHTS to a folder that can be written."
    )


def _save_as(
    path: Path, model: nn.Module, info: WeightsInfo, overwrite: bool
) -> WeightsInfo | None:
    """Save to `path`; return the facts as saved, or None if the file exists and has to stay."""
    named = info.model_copy(update={"name": path.stem})
    replace = overwrite or _is_of_same_run(path, info.run)
    facts = named.model_dump(exclude={"bytes"}, mode="json")
    if not tensors.write_tensors(path, model.state_dict(), facts, replace=replace):
        return None
    return named.model_copy(update={"bytes": path.stat().st_size})


def load(name: str, folder: Path | None = None) -> tuple[models.Network, WeightsInfo]:
    """Load a result, by default from the weights folder.

    Returns:
        The network, in eval mode on the CPU, and its facts.
    Raises:
        InputError: there is no such result, or its file is broken.
    """
    path = path_of(name) if folder is None else folder / f"{checked_name(name)}.safetensors"
    if not path.is_file():
        known = ", ".join(info.name for info in scan(folder).weights) or "none yet"
        raise InputError(f"There are no weights named {name!r} in {path.parent}: there is {known}.")
    info = _read_info(path)
    return load_model(path, info.recipe), info


def load_model(path: Path, recipe: Recipe) -> models.Network:
    """Build a recipe's network and load its weights from a file; in eval mode, on the CPU.

    Raises:
        InputError: the file is gone or broken, or holds the weights of another network.
    """
    model = models.from_recipe(recipe)
    try:
        model.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise InputError(f"{path} is gone: choose another network.") from None
    except (SafetensorError, RuntimeError):
        raise InputError(f"{path} does not fit its network {recipe.model}: remove it.") from None
    if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
        raise InputError(f"{path} holds weights that are no finite numbers: remove it.")
    return model.eval()


def seeds_folder() -> Path:
    """Return the folder of the presets' weights for seeds other than 0."""
    return weights_folder() / _SEEDS


def path_of(name: str) -> Path:
    """Return the path of a result, which need not exist. No name can lead out of the folders."""
    places = [folder / f"{checked_name(name)}.safetensors" for folder in result_folders()]
    return next((path for path in places if path.is_file()), places[0])


def fingerprint_of(name: str) -> str:
    """Return 16 hex digits that identify the content of a result's file.

    Raises:
        InputError: there is no such result.
    """
    path = path_of(name)
    try:
        stat = path.stat()
        return _fingerprint(path, stat.st_mtime_ns, stat.st_size)
    except OSError:
        raise InputError(f"{path} is gone: choose another network.") from None


@lru_cache(maxsize=256)
def _fingerprint(path: Path, mtime_ns: int, size: int) -> str:  # noqa: ARG001, the cache's key
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def list_weights() -> list[WeightsInfo]:
    """Return all usable results, best first, without loading any tensors.

    The best is the one whose 95% interval starts highest, because 359 test images prove less than
    10,000. Networks that were not measured on test images come last, by validation accuracy.
    """
    return scan().weights


def scan(folder: Path | None = None) -> Listing:
    """List a folder, by default all folders of results. A broken file does not affect others."""
    weights, broken = [], []
    for path in _files([folder] if folder else result_folders()):
        if path.name.startswith("."):
            continue
        try:
            if not path.is_file():  # reading a pipe would block forever
                raise InputError(f"{path} is no file: remove it.")
            weights.append(_read_info(path))
        except InputError as error:
            broken.append(BrokenFile(path.name, str(error)))
        except OSError as error:
            broken.append(BrokenFile(path.name, f"{path} cannot be read: {error.strerror}."))
    weights.sort(key=_rank)
    return Listing(weights, broken)


def _rank(info: WeightsInfo) -> tuple[bool, float, str]:
    """Return the key that sorts networks best first."""
    low, _high = info.test_interval or info.val_interval or (0.0, 0.0)
    return info.test_interval is None, -low, info.name


def _files(places: list[Path]) -> list[Path]:
    """Return the files that may be results, by name. For equal names the first folder wins."""
    found = {p.name: p for folder in reversed(places) for p in folder.glob("*.safetensors")}
    return [found[name] for name in sorted(found)]


def _read_info(path: Path) -> WeightsInfo:
    stat = path.stat()
    return _read_info_cached(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _read_info_cached(path: Path, mtime_ns: int, size: int) -> WeightsInfo:  # noqa: ARG001
    if not NAME_PATTERN.fullmatch(path.stem):
        raise InputError(
            f"{path.name!r} is no name for a result: rename it (letters, digits, - _)."
        )
    facts = tensors.read_facts(path)
    try:
        info = WeightsInfo(**{**facts, "name": path.stem, "bytes": size})
    except (ValidationError, InputError, TypeError):
        raise InputError(
            f"{path} has facts that this app does not understand: remove it."
        ) from None
    if tensors.read_shapes(path) != _shapes_of(info.recipe):
        raise InputError(f"{path} does not fit its network {info.recipe.model}: remove it.")
    return info


def _shapes_of(recipe: Recipe) -> dict[str, tuple[int, ...]]:
    with torch.device("meta"):
        model = models.from_recipe(recipe)
    return {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}


def _candidates(name: str) -> Iterator[str]:
    """Yield the name itself, then name-2, name-3, ..., cut to the longest name allowed."""
    yield name
    number = 2
    while True:
        suffix = f"-{number}"
        yield name[: 64 - len(suffix)] + suffix
        number += 1


def _is_shipped(name: str) -> bool:
    return any((folder / f"{name}.safetensors").exists() for folder in result_folders()[1:])


def _is_of_same_run(path: Path, run: str | None) -> bool:
    if run is None or not path.is_file():
        return False
    try:
        return tensors.read_facts(path).get("run") == run
    except InputError:
        return False
