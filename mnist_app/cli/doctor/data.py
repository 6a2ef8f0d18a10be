"""Checks that the folders can be written and that the data sets in them can be read."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from mnist_app.cli.doctor.check import Check, sentence
from mnist_app.common.errors import InputError
from mnist_app.common.files import check_writable
from mnist_app.common.settings import Folder, chosen_folder, data_folder, shipped_weights, variable

SPACE = 200_000_000  # bytes: MNIST takes 55 MB, a result with its run up to 30 MB


def check_data() -> Iterator[Check]:
    """Check the folder of data sets, and the data sets in it."""
    from mnist_app.data import mnist

    if mnist.is_downloaded():  # then nothing will be written there
        yield Check("data folder", "ok", _described(chosen_folder("data")))
    else:
        yield check_folder("data")
    yield check_mnist()
    yield check_strokes()


def check_folder(name: str, space: int = SPACE) -> Check:
    """Check that a folder, or the one it will be created in, can be written and has space.

    Args:
        name: "weights" or "data".
        space: bytes that must be free.
    """
    title, folder = f"{name} folder", chosen_folder(name)
    try:
        free = _free_space(folder.path)
    except OSError as error:
        text = f"{_described(folder)} cannot be written ({error.strerror})"
        return Check(title, "fail", text, f"set {variable(name)} to a folder that can be written")
    if free < space:
        text = f"{_described(folder)} has only {free / 1e6:,.0f} MB free"
        remedy = f"free {space / 1e6:,.0f} MB, or set {variable(name)} to a folder on another disk"
        return Check(title, "fail", text, remedy)
    made = "" if folder.path.exists() else " will be created"
    return Check(title, "ok", f"{_described(folder)}{made}, {free / 1e9:,.1f} GB free")


def _described(folder: Folder) -> str:
    return f"{folder.path} ({folder.reason})"


def _free_space(path: Path) -> int:
    """Return the bytes free where a folder is, or will be created, after a test write there.

    Raises:
        OSError: no file can be written there.
    """
    there = next(p for p in (path, *path.parents) if p.exists())
    check_writable(there)
    return shutil.disk_usage(there).free


def check_shipped() -> Iterator[Check]:
    """Check that an installed app has the networks shipped with it; yield nothing in a checkout."""
    folder, name = shipped_weights(), "networks that come with the app"
    if folder is None:
        return
    number = len(list(folder.glob("*.safetensors")))
    if number:
        yield Check(name, "ok", f"{number} in {folder}, which is read-only")
    else:
        yield Check(name, "warn", f"none in {folder}", "install the app again")


def check_mnist() -> Check:
    """Check that MNIST is in the data folder and intact."""
    from mnist_app.data import mnist

    if not mnist.is_downloaded():
        remedy = (
            "'python -m mnist_app evaluate canvas' downloads it; without an internet connection "
            "set MNIST_APP_DATA to a folder with MNIST/raw"
        )
        return Check("MNIST", "warn", f"not in {data_folder()}", remedy)
    try:
        parts = mnist.load_mnist()
    except InputError as error:
        return Check("MNIST", "fail", sentence(error))
    return Check("MNIST", "ok", f"{len(parts.train):,} + {len(parts.test):,} images, verified")


def check_strokes() -> Check:
    """Check that the pen strokes can be read, if they are there."""
    from mnist_app.data.training_data import load_pen_digits

    try:
        number = len(load_pen_digits())
    except InputError as error:
        return Check("pen strokes", "fail", sentence(error))
    text = f"{number:,} digits" if number else "none: only training canvas needs them"
    return Check("pen strokes", "ok", text)
