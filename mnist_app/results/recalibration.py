"""Refit the confidence of saved weights."""

from pathlib import Path

from mnist_app.common.errors import InputError
from mnist_app.common.names import checked_name
from mnist_app.data.labelled_images import Digits, Progress
from mnist_app.data.training_data import prepare
from mnist_app.recipes.presets import ENSEMBLES
from mnist_app.results import weights
from mnist_app.training.calibration import calibrate
from mnist_app.training.evaluation import logits_of


def recalibrate(name: str, progress: Progress) -> weights.WeightsInfo:
    """Refit the confidence of saved weights to their validation images; change nothing else.

    Args:
        name: of a result in the weights folder, or else in the folder of the other seeds.
        progress: called with what is being done and the share done, 0..1.
    Raises:
        InputError: there is no such result, it is an ensemble, or its data cannot be loaded or
            has fewer validation images than the confidence was fitted to before.
    """
    folder = _folder_of(name)
    model, info = weights.load(name, folder)
    if info.recipe.name in ENSEMBLES:
        raise InputError(f"{name} has its confidence from its members: calibrate those, and join.")
    validation = _validation_images(info, progress)
    calibration = calibrate(logits_of(model, validation.images), validation.labels, info.recipe)
    fitted = info.model_copy(update={"calibration": calibration})
    return weights.save(name, model, fitted, overwrite=True, folder=folder)


def _folder_of(name: str) -> Path | None:
    """Return the folder of the other seeds if only that has the result; else None."""
    if weights.path_of(name).is_file():
        return None
    is_seed = (weights.seeds_folder() / f"{checked_name(name)}.safetensors").is_file()
    return weights.seeds_folder() if is_seed else None


def _validation_images(info: weights.WeightsInfo, progress: Progress) -> Digits:
    """Return the images the confidence was fitted to; raise InputError if some are missing."""
    recipe = info.recipe  # skip the drawings that only the training needs
    little = {"redrawn": 0, "non_digits": 0, "pen_copies": min(1, recipe.pen_copies)}
    validation = prepare(recipe.changed(**little), progress).val
    if len(validation) < info.calibration.n:
        raise InputError(
            f"{info.name} has its confidence from {info.calibration.n:,} validation images and the "
            f"data folder holds {len(validation):,} of them: put back what is missing (MNIST, or "
            "pen strokes in pendigits)."
        )
    return validation
